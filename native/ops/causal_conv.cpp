// causal_conv: each channel's weighted sum over the last tokens.
#include <algorithm>
#include <vector>

#include "op.h"

namespace galop {
namespace {

constexpr int64_t kTokens = 32, kPanels = 64;  // of one claim

class CausalConv final : public PhaseOp {
 public:
  void attributes(Attributes& has) override {
    has("state", state_);
    has("silu", silu_);
  }

  void validate() override {
    require(in.size() == 1 && out.size() == 1 && weights.size() == 1 && vectors.size() == 1, "causal_conv operands");
    at_ = states->at(state_);
    require(weights[0]->is_float() && weights[0]->rows == in[0].width && out[0].width == in[0].width &&
                in[0].width % kRows == 0 && weights[0]->cols > 1 && weights[0]->cols <= kMaxTaps,
            "causal_conv shapes");
    require(!vectors[0] || static_cast<int64_t>(vectors[0]->size()) == in[0].width, "causal_conv bias shape");
    require(!in[0].rows, "a convolution of chosen rows");
    zeros_.assign(in[0].width, 0.0f);
  }

  void prepare(Run& run) override {
    run.require_saves(at_.table);
    require(at_.offset + past() * in[0].width * 4 <= run.block_bytes[at_.table], "slots too small");
    tiles_ = &run.shared<Tiles>();
    if (!tiles_->all.empty()) return;
    for (size_t s = 0; s < run.spans.size(); ++s)
      for (int64_t begin = 0; begin < run.spans[s].count; begin += kTokens)
        tiles_->all.push_back({static_cast<int64_t>(s), begin, std::min(begin + kTokens, run.spans[s].count)});
  }

  void run(Run& run) const override {
    const int64_t panels = weights[0]->panels(), parts = (panels + kPanels - 1) / kPanels;
    run.pool.share(static_cast<int64_t>(tiles_->all.size()) * parts, [&](int64_t u) {
      const Tile& tile = tiles_->all[u / parts];
      const int64_t first = u % parts * kPanels, last = std::min(first + kPanels, panels);
      const float* rows[kMaxTaps];
      for (int64_t t = tile.begin; t < tile.end; ++t) {
        for (int64_t tap = 0; tap <= past(); ++tap) rows[tap] = row(run, tile.sequence, t - past() + tap);
        run.kernels.convolve(rows, *weights[0], first, last, vectors[0] ? vectors[0]->data() : nullptr,
                             out[0].at(run, run.spans[tile.sequence].first + t), silu_);
      }
      save(run, tile, first * kRows, (last - first) * kRows);
    });
  }

 private:
  struct Tile {
    int64_t sequence, begin, end;  // of its tokens in the step
  };
  struct Tiles {
    std::vector<Tile> all;
  };

  int64_t past() const { return weights[0]->cols - 1; }

  // The input of token t of a sequence's in the step; below zero, of those before them.
  const float* row(const Run& run, int64_t sequence, int64_t t) const {
    if (t >= 0) return in[0].at(run, run.spans[sequence].first + t);
    const uint8_t* slot = run.block_table[at_.table][sequence][0];
    return slot ? reinterpret_cast<const float*>(slot + at_.offset) + (past() + t) * in[0].width : zeros_.data();
  }

  // Writes channels [begin, begin + count) of the states that are wanted after tokens of the tile.
  void save(const Run& run, const Tile& tile, int64_t begin, int64_t count) const {
    const std::vector<int64_t>& saves = run.batch.saves[tile.sequence];
    for (size_t i = 0; i < saves.size(); ++i) {
      if (saves[i] <= tile.begin || saves[i] > tile.end) continue;
      auto* to = reinterpret_cast<float*>(run.block_table[at_.table][tile.sequence][i + 1] + at_.offset);
      for (int64_t r = 0; r < past(); ++r)
        std::copy_n(row(run, tile.sequence, saves[i] - past() + r) + begin, count, to + r * in[0].width + begin);
    }
  }

  int64_t state_ = 0;
  bool silu_ = false;
  State at_;
  std::vector<float> zeros_;
  Tiles* tiles_ = nullptr;  // of the pass under way
};

const Register<CausalConv> causal_conv("causal_conv");

}  // namespace
}  // namespace galop
