// What recurrent layers compute, each part by itself: columns of a matrix walked through tokens, convolutions, gates.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "checks.h"

namespace galop {
namespace {

// Columns of a head's matrix walked through tokens: against the portable set, in one stretch and in two, and against
// the definition in double.
void test_recurrence(const Kernels& k, bool delta, int64_t width, int64_t rows) {
  Random random;
  const int64_t tokens = 9;
  const auto keys = random.reals(tokens * rows), queries = random.reals(tokens * rows),
             values = random.reals(tokens * width), begin = random.reals(rows * width);
  auto keep = random.reals(tokens), gain = random.reals(tokens);
  for (float& x : keep) x = 0.5f + x / 8;
  auto run = [&](const Kernels& set, const float* from, const std::vector<int64_t>& ends) {
    std::vector<float> out(tokens * width + 16, 5.0f), states(rows * width * (ends.size() + 1) + 16, 5.0f);
    int64_t done = 0;
    for (size_t i = 0; i < ends.size(); ++i) {
      Recurrence job{};
      job.delta = delta;
      job.from = from;
      job.to = states.data() + i * rows * width;
      job.tokens = ends[i] - done;
      job.rows = rows;
      job.width = width;
      job.k = keys.data() + done * rows;
      job.q = queries.data() + done * rows;
      job.v = values.data() + done * width;
      job.out = out.data() + done * width;
      job.keep = keep.data() + done;
      job.gain = gain.data() + done;
      job.key_stride = rows;
      job.value_stride = job.out_stride = width;
      job.gate_stride = 1;
      job.skip = 0.3f;
      set.recur(job);
      from = job.to;
      done = ends[i];
    }
    out.insert(out.end(), from, from + rows * width);
    check(states.back() == 5.0f, "recur wrote past its state");
    return out;
  };
  const auto ours = run(k, begin.data(), {tokens});
  const std::string name = std::string(k.name) + (delta ? " delta rule" : " scan");
  same(ours, run(portable::kernels, begin.data(), {tokens}), name);
  same(ours, run(k, begin.data(), {1, 2, 3, 8, tokens}), name + " in stretches");
  const std::vector<float> zeros(rows * width, 0.0f);
  same(run(k, nullptr, {tokens}), run(k, zeros.data(), {1, tokens}), name + " from zeros");
  absorb(ours.data(), ours.size() * 4);
  std::vector<double> state(begin.begin(), begin.end());
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t c = 0; c < width; ++c) {
      double known = 0, out = delta ? 0 : 0.3f * values[t * width + c];
      for (int64_t r = 0; r < rows; ++r) known += keep[t] * state[r * width + c] * keys[t * rows + r];
      const double change = gain[t] * (values[t * width + c] - (delta ? known : 0));
      for (int64_t r = 0; r < rows; ++r) {
        double& cell = state[r * width + c];
        cell = keep[t] * cell + keys[t * rows + r] * change;
        out += queries[t * rows + r] * cell;
      }
      check(std::fabs(ours[t * width + c] - out) <= 1e-4 * (1 + std::fabs(out)) * std::pow(3.0 * rows, t), name);
    }
}

}  // namespace

void test_recurrent(const Kernels& k) {
  for (bool delta : {false, true})
    for (int64_t width : {16, 32})
      for (int64_t rows : {1, 16, 33}) test_recurrence(k, delta, width, rows);
  const Kernels& p = portable::kernels;
  Random random;
  for (int64_t taps : {2, 3, 4}) {
    const int64_t channels = 80;
    const Packed w = packed(QuantType::F32, channels, taps, random);
    const auto x = random.reals(taps * channels), bias = random.reals(channels);
    const float* rows[4];
    for (int64_t tap = 0; tap < taps; ++tap) rows[tap] = x.data() + tap * channels;
    for (bool silu : {false, true})
      for (const float* offset : {static_cast<const float*>(nullptr), bias.data()}) {
        auto run = [&](const Kernels& set) {
          std::vector<float> out(channels, 5.0f);
          set.convolve(rows, w.panels, 1, 4, offset, out.data(), silu);
          return out;
        };
        const auto ours = run(k);
        same(ours, run(p), std::string(k.name) + " convolve");
        check(ours[15] == 5.0f && ours[64] == 5.0f, "convolve wrote other channels");
        absorb(ours.data(), ours.size() * 4);
        std::vector<float> row(taps);
        for (int64_t c = 16; c < 64; ++c) {
          unpack_row(w.panels, c, row.data());
          double expected = offset ? offset[c] : 0;
          for (int64_t tap = 0; tap < taps; ++tap) expected += static_cast<double>(row[tap]) * rows[tap][c];
          if (silu) expected /= 1 + std::exp(-expected);
          check(std::fabs(ours[c] - expected) <= 1e-5 * (1 + std::fabs(expected)), "convolve value");
        }
      }
  }
  for (int64_t n : {1, 16, 23, 48}) {
    auto a = random.reals(n);
    for (int64_t i = 0; i < n; ++i) a[i] *= static_cast<float>(i % 5 * i % 17);  // also where softplus is x or nothing
    const auto b = random.reals(n), bias = random.reals(n), x = random.reals(64);
    auto decay = random.reals(n);
    for (float& d : decay) d = -std::fabs(d) / 8;
    for (const float* beta : {static_cast<const float*>(nullptr), b.data()}) {
      auto run = [&](const Kernels& set) {
        std::vector<float> out(2 * n + 64 + 16, 5.0f);
        set.gates(a.data(), bias.data(), decay.data(), beta, n, out.data(), out.data() + n);
        set.unit_length(x.data(), out.data() + 2 * n, 64, 1e-6f, 0.5f);
        return out;
      };
      const auto ours = run(k);
      same(ours, run(p), std::string(k.name) + " gates");
      absorb(ours.data(), ours.size() * 4);
      for (int64_t i = 0; i < n; ++i) {
        const double s = static_cast<double>(a[i]) + bias[i],
                     step = std::max(s, 0.0) + std::log1p(std::exp(-std::fabs(s)));
        const double gain = beta ? 1 / (1 + std::exp(-static_cast<double>(b[i]))) : step;
        check(std::fabs(ours[i] - std::exp(decay[i] * step)) < 2e-6, "what a head keeps");
        check(std::fabs(ours[n + i] - gain) < 1e-6 * gain + 1e-30, "a head's step");
      }
    }
  }
}

}  // namespace galop
