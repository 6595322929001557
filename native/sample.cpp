#include "sample.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <unordered_map>

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

int32_t draw(const std::vector<float>& logits, const Sampling& how, int64_t position) {
  std::vector<Candidate> kept;
  kept.reserve(logits.size());
  float best = -INFINITY;
  for (float x : logits) best = std::max(best, x);
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > -INFINITY) kept.emplace_back(logits[i], static_cast<int32_t>(i));
  auto weight = [&](const Candidate& c) { return std::exp((static_cast<double>(c.first) - best) / how.temperature); };

  if (how.top_k > 0 && how.top_k < static_cast<int64_t>(kept.size())) {
    std::nth_element(kept.begin(), kept.begin() + how.top_k, kept.end(), likelier);
    kept.resize(how.top_k);
  }
  double total = 0;
  for (const Candidate& c : kept) total += weight(c);
  if (how.top_p < 1) {  // the nucleus is nearly always within the first few hundred
    size_t sorted = 0, count = 0;
    double mass = 0;
    while (count < kept.size() && (count == 0 || mass < how.top_p * total)) {
      if (count == sorted) {
        const size_t next = std::min(kept.size(), std::max<size_t>(256, 4 * sorted));
        std::partial_sort(kept.begin() + sorted, kept.begin() + next, kept.end(), likelier);
        sorted = next;
      }
      mass += weight(kept[count++]);
    }
    kept.resize(std::max<size_t>(1, count));
  } else {
    std::sort(kept.begin(), kept.end(), likelier);
  }
  if (how.min_p > 0)
    while (kept.size() > 1 && weight(kept.back()) < how.min_p) kept.pop_back();

  total = 0;
  for (const Candidate& c : kept) total += weight(c);
  double left = philox_uniform(how.seed, static_cast<uint64_t>(position)) * total;
  for (const Candidate& c : kept) {
    left -= weight(c);
    if (left < 0) return c.second;
  }
  return kept.back().second;
}

}  // namespace

Drawn sample(const float* logits, int64_t vocabulary, const Sampling& how, int64_t position, const int32_t* history,
             int64_t history_count, int64_t prompt_count, const uint32_t* mask, int64_t logprobs) {
  std::vector<float> x(logits, logits + vocabulary);
  double finite = 0;
  for (float v : x) finite += v * 0.0f;
  if (!(finite == 0)) throw std::domain_error("the model's logits are not finite numbers");
  penalise(x, how, history, history_count, prompt_count);
  if (mask)
    for (int64_t i = 0; i < vocabulary; ++i)
      if (!(mask[i / 32] >> (i % 32) & 1)) x[i] = -INFINITY;
  const auto best = std::max_element(x.begin(), x.end());  // the first of equals
  if (best == x.end() || *best == -INFINITY) throw std::domain_error("no token is allowed");

  Drawn drawn{};
  drawn.token = how.temperature > 0 ? draw(x, how, position) : static_cast<int32_t>(best - x.begin());
  if (logprobs > 0) {
    double total = 0;
    const float top = *std::max_element(logits, logits + vocabulary);
    for (int64_t i = 0; i < vocabulary; ++i) total += std::exp(static_cast<double>(logits[i]) - top);
    const double offset = top + std::log(total);
    std::vector<Candidate> order;
    for (int64_t i = 0; i < vocabulary; ++i) order.emplace_back(logits[i], static_cast<int32_t>(i));
    const int64_t count = std::min(logprobs, vocabulary);
    std::partial_sort(order.begin(), order.begin() + count, order.end(), likelier);
    drawn.logprobs.emplace_back(drawn.token, static_cast<float>(logits[drawn.token] - offset));
    for (int64_t i = 0; i < count; ++i)
      drawn.logprobs.emplace_back(order[i].second, static_cast<float>(order[i].first - offset));
  }
  return drawn;
}

}  // namespace galop
