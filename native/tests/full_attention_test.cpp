// Attention of all tokens to each other: the same bytes on every instruction set, and near what it means.
#include "full_attention.h"

#include <algorithm>
#include <cmath>

#include "checks.h"
#include "pages.h"

namespace galop {
namespace {

// Of `count` tokens with one head, [count, dim].
std::vector<float> attended(const FullKernels& set, int64_t count, int64_t dim, float scale,
                            const std::vector<float>& query, const std::vector<float>& key,
                            const std::vector<float>& value) {
  const Pages memory(FullHead::bytes(count, dim));
  std::memset(memory.data(), 0xff, memory.bytes());  // what is behind the tokens counts for nothing
  const FullHead head = FullHead::at(memory.data(), count, dim);
  for (int64_t t = 0; t < count; ++t)
    set.encode(head, t, query.data() + t * dim, key.data() + t * dim, value.data() + t * dim);
  std::vector<float> out(count * dim);
  for (int64_t tile = 0; tile * kRows < count; ++tile) set.attend(head, tile, scale, out.data(), dim);
  return out;
}

// In double precision, of one query.
std::vector<double> meant(int64_t count, int64_t dim, float scale, const float* query, const std::vector<float>& key,
                          const std::vector<float>& value) {
  std::vector<double> weights(count), out(dim);
  double top = -INFINITY, total = 0;
  for (int64_t t = 0; t < count; ++t) {
    for (int64_t d = 0; d < dim; ++d) weights[t] += double{query[d]} * key[t * dim + d] * scale;
    top = std::max(top, weights[t]);
  }
  for (double& weight : weights) total += weight = std::exp(weight - top);
  for (int64_t t = 0; t < count; ++t)
    for (int64_t d = 0; d < dim; ++d) out[d] += weights[t] / total * value[t * dim + d];
  return out;
}

}  // namespace

void test_full_attention(const Kernels& k) {
  Random random;
  const FullKernels &set = *k.full, &portable = *portable::kernels.full;
  const std::string what = std::string(k.name) + " full attention";
  for (int64_t dim : {16, 64, 80, 512})
    for (int64_t count : {1, 7, 16, 31, 33, 128, 129, 300}) {
      const float scale = 1 / std::sqrt(static_cast<float>(dim));
      auto query = random.reals(count * dim), key = random.reals(count * dim), value = random.reals(count * dim);
      const auto out = attended(set, count, dim, scale, query, key, value);
      same(out, attended(portable, count, dim, scale, query, key, value), what);
      const auto exact = meant(count, dim, scale, query.data(), key, value);
      const float largest = std::abs(*std::max_element(
          value.begin(), value.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
      for (int64_t d = 0; d < dim; ++d)
        check(std::abs(out[d] - exact[d]) < 0.03 * largest, what + ": far from what it means");
      value[count / 2 * dim] = NAN;
      check(!std::isfinite(attended(set, count, dim, scale, query, key, value)[0]), what + ": hides what is no number");
    }
}

}  // namespace galop
