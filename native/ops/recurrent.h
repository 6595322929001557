// What ops share whose state does not grow.
#pragma once

#include "op.h"

namespace galop {

// Calls body(from, to, first token, count) for each stretch of a sequence's tokens up to one after which its state is
// written; from is null where it begins with zeros.
template <class Body>
void each_stretch(const Run& run, const State& at, int64_t sequence, Body body) {
  const auto& slots = run.block_table[at.table][sequence];
  const float* from = slots[0] ? reinterpret_cast<const float*>(slots[0] + at.offset) : nullptr;
  int64_t done = 0;
  for (size_t i = 1; i < slots.size(); ++i) {
    auto* to = reinterpret_cast<float*>(slots[i] + at.offset);
    const int64_t until = run.batch.saves[sequence][i - 1];
    body(from, to, run.spans[sequence].first + done, until - done);
    from = to;
    done = until;
  }
}

// How many columns of a head's matrix are walked through the tokens together; they lie together in the state.
constexpr int64_t column_block(int64_t width) { return width % 32 ? 16 : 32; }

}  // namespace galop
