// From logits to a token.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels.h"

namespace galop {

struct Sampling {
  double temperature = 0;  // 0 is greedy
  int64_t top_k = 0;       // 0 keeps all
  double top_p = 1;
  double min_p = 0;
  double repetition_penalty = 1;
  double presence_penalty = 0;
  double frequency_penalty = 0;
  uint64_t seed = 0;
};

struct Drawn {
  int32_t token;
  std::vector<std::pair<int32_t, float>> logprobs;  // the most likely tokens, as asked; the drawn one first
};

// Draws the token for `position`. `history` is what penalties look at, its first
// prompt_count tokens the prompt; `mask`, if any, has a bit per token allowed.
// The filters act in the order temperature, top_k, top_p, min_p; the draw is Philox4x32-10 keyed by (seed, position).
// Throws std::domain_error if a logit is not a number or no token is allowed.
Drawn sample(const Kernels& kernels, const float* logits, int64_t vocabulary, const Sampling& how, int64_t position,
             const int32_t* history, int64_t history_count, int64_t prompt_count, const uint32_t* mask,
             int64_t logprobs);

}  // namespace galop
