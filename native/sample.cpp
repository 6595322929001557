#include "sample.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace galop {

namespace {

// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011. Uniform in [0, 1).
double philox_uniform(uint64_t seed, uint64_t counter) {
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0};
  uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ key[0], static_cast<uint32_t>(b),
                              static_cast<uint32_t>(a >> 32) ^ c[3] ^ key[1], static_cast<uint32_t>(a)};
    std::copy(next, next + 4, c);
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  const uint64_t bits = (static_cast<uint64_t>(c[0]) << 32) | c[1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

using Candidate = std::pair<float, int32_t>;  // logit, token

bool likelier(const Candidate& a, const Candidate& b) {
  return a.first != b.first ? a.first > b.first : a.second < b.second;
}

// Repetition counts the prompt too (Keskar et al., 2019); presence and frequency only what was generated (OpenAI).
void penalise(std::vector<float>& logits, const Sampling& how, const int32_t* history, int64_t count, int64_t prompt) {
  if (how.repetition_penalty == 1 && how.presence_penalty == 0 && how.frequency_penalty == 0) return;
  std::unordered_map<int32_t, int> seen;  // how often each token was generated, 0 if only in the prompt
  for (int64_t i = 0; i < count; ++i) seen[history[i]] += i >= prompt;
  for (const auto& [token, times] : seen) {
    if (token < 0 || token >= static_cast<int64_t>(logits.size())) continue;
    double x = logits[token];
    x = x > 0 ? x / how.repetition_penalty : x * how.repetition_penalty;
    logits[token] = static_cast<float>(x - (times ? how.presence_penalty : 0) - how.frequency_penalty * times);
  }
}

constexpr int64_t kBlock = 64, kLanes = 16;  // lanes, so that compilers make vectors of what they may not reorder

std::vector<float> maxima_of(const float* x, int64_t vocabulary) {
  std::vector<float> maxima;
  for (int64_t i = 0; i < vocabulary; i += kBlock) {
    float lanes[kLanes];
    std::fill(lanes, lanes + kLanes, -INFINITY);
    const int64_t end = std::min(i + kBlock, vocabulary);
    int64_t j = i;
    for (; j + kLanes <= end; j += kLanes)
      for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] = lanes[lane] < x[j + lane] ? x[j + lane] : lanes[lane];
    for (; j < end; ++j) lanes[0] = std::max(lanes[0], x[j]);
    maxima.push_back(*std::max_element(lanes, lanes + kLanes));
  }
  return maxima;
}

// The `count` likeliest tokens in order, fewer if fewer are allowed. The count-th largest of the blocks' maxima is a
// bound that at least so many tokens reach, and few more do.
std::vector<Candidate> likeliest(const float* x, int64_t vocabulary, const std::vector<float>& maxima, int64_t count) {
  count = std::min(count, vocabulary);
  float bound = -INFINITY;
  if (count <= static_cast<int64_t>(maxima.size())) {
    std::vector<float> sorted = maxima;
    std::nth_element(sorted.begin(), sorted.begin() + (count - 1), sorted.end(), std::greater<float>());
    bound = sorted[count - 1];
  }
  std::vector<Candidate> found;
  for (int64_t i = 0; i < vocabulary; i += kBlock) {
    if (maxima[i / kBlock] < bound) continue;
    for (int64_t j = i; j < std::min(i + kBlock, vocabulary); ++j)
      if (x[j] >= bound && x[j] > -INFINITY) found.emplace_back(x[j], static_cast<int32_t>(j));
  }
  count = std::min<int64_t>(count, static_cast<int64_t>(found.size()));
  std::partial_sort(found.begin(), found.begin() + count, found.end(), likelier);
  found.resize(count);
  return found;
}

// From all tokens, none filtered out: no order is needed, which would take long where many are about as likely.
int32_t draw_of_all(const Kernels& kernels, const std::vector<float>& x, float best, double temperature,
                    double uniform) {
  constexpr int64_t kPart = 1024;
  const int64_t vocabulary = static_cast<int64_t>(x.size());
  std::vector<double> parts;
  double left = 0;
  for (int64_t i = 0; i < vocabulary; i += kPart) {
    parts.push_back(
        kernels.sum_exp(x.data() + i, std::min(kPart, vocabulary - i), best, static_cast<float>(1 / temperature)));
    left += uniform * parts.back();
  }
  int64_t part = 0;
  for (int64_t next = 0; next < static_cast<int64_t>(parts.size()); ++next) {
    if (parts[next] <= 0) continue;
    part = next;
    if (left < parts[next]) break;
    left -= parts[next];
  }
  int32_t token = 0;
  for (int64_t j = part * kPart; j < std::min((part + 1) * kPart, vocabulary) && left >= 0; ++j) {
    const double weight = std::exp((static_cast<double>(x[j]) - best) / temperature);
    if (weight <= 0) continue;
    token = static_cast<int32_t>(j);  // the last that has a chance, should rounding leave none
    left -= weight;
  }
  return token;
}

// Filters and draws from the likeliest tokens only, as many as it takes: nearly always the first few hundred.
int32_t draw(const Kernels& kernels, const std::vector<float>& x, const std::vector<float>& maxima, float best,
             const Sampling& how, int64_t position) {
  const int64_t vocabulary = static_cast<int64_t>(x.size());
  const int64_t most = how.top_k > 0 ? std::min(how.top_k, vocabulary) : vocabulary;
  const double temperature = std::max(how.temperature, 1e-6);
  auto weight = [&](const Candidate& c) { return std::exp((static_cast<double>(c.first) - best) / temperature); };
  const double uniform = philox_uniform(how.seed, static_cast<uint64_t>(position));
  if (most == vocabulary && how.top_p >= 1 && how.min_p <= 0)
    return draw_of_all(kernels, x, best, temperature, uniform);
  double total =
      most == vocabulary ? kernels.sum_exp(x.data(), vocabulary, best, static_cast<float>(1 / temperature)) : 0;

  for (int64_t count = most < vocabulary ? most : std::min<int64_t>(vocabulary, 256);;
       count = std::min(most, 8 * count)) {
    const std::vector<Candidate> kept = likeliest(x.data(), vocabulary, maxima, count);
    const bool all = count == most;
    if (most < vocabulary)
      for (const Candidate& c : kept) total += weight(c);
    // The filters keep a beginning of this order, whose weights add up to `mass`.
    double mass = 0;
    size_t end = 0;
    for (; end < kept.size() && (end == 0 || mass < how.top_p * total); ++end) {
      const double w = weight(kept[end]);
      if (end > 0 && w < how.min_p) break;
      mass += w;
    }
    if (end == kept.size() && !all) continue;  // it may go on past what was sorted
    double left = uniform * mass;
    for (size_t i = 0; i < end; ++i) {
      left -= weight(kept[i]);
      if (left < 0) return kept[i].second;
    }
    return kept[end - 1].second;
  }
}

}  // namespace

Drawn sample(const Kernels& kernels, const float* logits, int64_t vocabulary, const Sampling& how, int64_t position,
             const int32_t* history, int64_t history_count, int64_t prompt_count, const uint32_t* mask,
             int64_t logprobs) {
  std::vector<float> x(logits, logits + vocabulary);
  uint32_t strange = 0;
  for (float v : x) strange |= (std::bit_cast<uint32_t>(v) & 0x7f800000u) == 0x7f800000u;
  if (strange) throw std::domain_error("the model's logits are not finite numbers");
  penalise(x, how, history, history_count, prompt_count);
  if (mask) {
    for (int64_t i = 0; i < vocabulary; i += 32) {
      if (mask[i / 32] == ~0u) continue;
      for (int64_t j = i; j < std::min(i + 32, vocabulary); ++j)
        if (!(mask[i / 32] >> (j - i) & 1)) x[j] = -INFINITY;
    }
  }
  const std::vector<float> maxima = maxima_of(x.data(), vocabulary);
  const std::vector<Candidate> first = likeliest(x.data(), vocabulary, maxima, 1);  // the first of equals
  if (first.empty()) throw std::domain_error("no token is allowed");

  Drawn drawn{};
  drawn.token = how.temperature > 0 ? draw(kernels, x, maxima, first[0].first, how, position) : first[0].second;
  if (logprobs > 0) {
    const std::vector<Candidate> order = likeliest(logits, vocabulary, maxima_of(logits, vocabulary), logprobs);
    const float top = order[0].first;
    const double offset = top + std::log(kernels.sum_exp(logits, vocabulary, top, 1));
    drawn.logprobs.emplace_back(drawn.token, static_cast<float>(logits[drawn.token] - offset));
    for (const auto& [logit, token] : order) drawn.logprobs.emplace_back(token, static_cast<float>(logit - offset));
  }
  return drawn;
}

}  // namespace galop
