// full_attention: all tokens of a sequence attend to each other; nothing is kept of them.
#include "full_attention.h"

#include <algorithm>
#include <vector>

#include "op.h"

namespace galop {

FullHead FullHead::at(uint8_t* start, int64_t count, int64_t dim) {
  const int64_t room = padded(count);
  FullHead head{};
  head.count = count;
  head.dim = dim;
  head.queries = start;
  head.keys = reinterpret_cast<int8_t*>(start + room * dim);
  head.values = reinterpret_cast<int8_t*>(start + 2 * room * dim);
  auto* floats = reinterpret_cast<float*>(start + 3 * room * dim);
  head.query_scales = floats;
  head.key_scales = floats + room;
  head.value_scales = floats + 2 * room;
  head.key_offsets = reinterpret_cast<int32_t*>(floats + 3 * room);
  return head;
}

namespace {

class FullAttention final : public PhaseOp {
 public:
  void attributes(Attributes& has) override {
    has("heads", heads_);
    has("head_dim", head_dim_);
    has("scale", scale_);
  }

  void validate() override {
    expect(3, 1, 0, 0);
    require(head_dim_ > 0 && head_dim_ % 16 == 0 && head_dim_ <= kMaxHeadDim,
            "head_dim must be a multiple of 16, at most 512");
    require(heads_ > 0 && !in[0].rows, "attention heads");
    for (const Value& one : in) require(one.width == heads_ * head_dim_, "attention shapes");
    require(out[0].width == heads_ * head_dim_, "attention shapes");
  }

  // All tokens of a sequence are in the step, one after the other.
  void prepare(Run& run) override {
    const Batch& batch = run.batch;
    spans_.clear();
    span_of_.assign(batch.tokens, 0);
    tiles_.clear();
    int64_t bytes = 0;
    for (int64_t t = 0; t < batch.tokens; ++t) {
      const bool first = t == 0 || batch.sequences[t] != batch.sequences[t - 1];
      require(batch.positions[t] == (first ? 0 : batch.positions[t - 1] + 1),
              "attention that is not causal needs all tokens of a sequence in one step");
      if (first) spans_.push_back({t, 0, 0});
      span_of_[t] = static_cast<int64_t>(spans_.size()) - 1;
      ++spans_.back().count;
    }
    for (int64_t s = 0; s < static_cast<int64_t>(spans_.size()); ++s) {
      spans_[s].offset = bytes;
      bytes += heads_ * FullHead::bytes(spans_[s].count, head_dim_);
      for (int64_t tile = 0; tile * kRows < spans_[s].count; ++tile) tiles_.push_back({s, tile});
    }
    constexpr int64_t unit = sizeof(ActivationGroup);
    run.activation_groups = std::max(run.activation_groups, (bytes + unit - 1) / unit);
  }

  void take(Run& run, int64_t t, int64_t) const override {
    const FullKernels& kernels = *run.kernels.full;
    for (int64_t h = 0; h < heads_; ++h)
      kernels.encode(head_of(run, span_of_[t], h), t - spans_[span_of_[t]].first, in[0].at(run, t) + h * head_dim_,
                     in[1].at(run, t) + h * head_dim_, in[2].at(run, t) + h * head_dim_);
  }

  // Tiles of one head one after the other, so that its keys and values stay in L2.
  void run(Run& run) const override {
    const auto tiles = static_cast<int64_t>(tiles_.size());
    run.pool.share(heads_ * tiles, [&](int64_t u) {
      const auto [s, tile] = tiles_[u % tiles];
      const int64_t h = u / tiles;
      run.kernels.full->attend(head_of(run, s, h), tile, static_cast<float>(scale_),
                               out[0].at(run, spans_[s].first) + h * head_dim_, out[0].width);
    });
  }

 private:
  struct Sequence {
    int64_t first, count;
    int64_t offset;  // of its codes
  };
  struct Tile {
    int64_t sequence, tile;
  };

  FullHead head_of(const Run& run, int64_t s, int64_t h) const {
    const Sequence& sequence = spans_[s];
    auto* start = reinterpret_cast<uint8_t*>(run.activations) + sequence.offset;
    return FullHead::at(start + h * FullHead::bytes(sequence.count, head_dim_), sequence.count, head_dim_);
  }

  int64_t heads_ = 0, head_dim_ = 0;
  double scale_ = 0;
  // Of the pass under way.
  std::vector<Sequence> spans_;
  std::vector<int64_t> span_of_;  // of each token
  std::vector<Tile> tiles_;
};

const Register<FullAttention> full_attention("full_attention");

}  // namespace
}  // namespace galop
