#include "op.h"

#include <algorithm>

namespace galop {

std::map<std::string, MakeOp>& registered_ops() {
  static std::map<std::string, MakeOp> ops;  // before any file's registrations, whatever their order
  return ops;
}

void Run::require_places(int64_t table, int64_t window) {
  if (!checked_.insert({table, window}).second) return;
  const auto& blocks = block_table.at(table);
  int64_t sequence = -1, from = 0, known = 0;  // blocks of `sequence` from `from` to `known` are there
  for (int64_t t = 0; t < batch.tokens; ++t) {
    const int64_t s = batch.sequences[t], position = batch.positions[t];
    require(s >= 0 && s < static_cast<int64_t>(blocks.size()), "a token of no sequence");
    require(position >= 0, "a position before its sequence");
    const int64_t first = window ? std::max<int64_t>(0, position - window + 1) / kBlockTokens : 0;
    const int64_t end = position / kBlockTokens + 1;
    require(end <= static_cast<int64_t>(blocks[s].size()), "a position without a block");
    if (s != sequence || first < from || first > known) {
      sequence = s;
      from = known = first;
    }
    for (; known < end; ++known) require(blocks[s][known], "a block that was given back");
  }
}

void Run::require_saves(int64_t table) const {
  const auto& slots = block_table.at(table);
  require(slots.size() == batch.saves.size(), "a table of states for other sequences than those with saves");
  for (size_t s = 0; s < slots.size(); ++s) {
    require(slots[s].size() == batch.saves[s].size() + 1, "a state for each save, and one to begin with");
    for (size_t i = 1; i < slots[s].size(); ++i) require(slots[s][i], "a save without a state");
  }
}

}  // namespace galop
