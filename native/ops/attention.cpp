// attention: keys and values are added to their blocks as part of the phase before, then all queries meet all keys.
#include <algorithm>
#include <map>

#include "op.h"

namespace galop {
namespace {

// Consecutive tokens of one sequence, whose queries go through the keys together.
struct QueryTile {
  int64_t sequence, token, count;
};

// What the layers of a pass share.
struct Queries {
  std::map<int64_t, std::vector<QueryTile>> tiles;  // by the most tokens in one
  int64_t chunks = 0;                               // of the longest sequence
  std::vector<float> parts;                         // attention to each chunk, where threads share out chunks
};

class Attention final : public PhaseOp {
 public:
  void attributes(Attributes& has) override {
    has("state", state_);
    has("heads", heads_);
    has("kv_heads", kv_heads_);
    has("head_dim", head_dim_);
    has("scale", scale_);
  }

  void validate() override {
    expect(3, 1, 0, 0);  // queries, keys, values
    require(head_dim_ > 0 && head_dim_ % 16 == 0 && head_dim_ <= kMaxHeadDim,
            "head_dim must be a multiple of 16, at most 256");
    at_ = states->at(state_);
    require(!at_.int8 || head_dim_ % kGroup == 0, "int8 keys and values need a head_dim that is a multiple of 32");
    require(kv_heads_ > 0 && heads_ > 0 && heads_ % kv_heads_ == 0, "attention heads");
    require(in[0].width == heads_ * head_dim_ && in[1].width == kv_heads_ * head_dim_ &&
                in[2].width == kv_heads_ * head_dim_ && out[0].width == in[0].width,
            "attention shapes");
    require(!in[0].rows, "attention of chosen rows");
    group_ = heads_ / kv_heads_;
    splits_ = (group_ + kMaxQueries - 1) / kMaxQueries;
  }

  void prepare(Run& run) override {
    require(at_.offset + 2 * kv_heads_ * head_bytes() <= run.block_bytes, "blocks too small");
    queries_ = &run.shared<Queries>();
    tiles_ = &queries_->tiles[std::max<int64_t>(1, kMaxQueries / group_)];
    if (tiles_->empty()) divide(run.batch);
    if (!shares_chunks(run)) return;
    const auto floats = static_cast<size_t>(units() * queries_->chunks * part());
    queries_->parts.resize(std::max(queries_->parts.size(), floats));
  }

  void take(Run& run, int64_t t, int64_t) const override {
    const int64_t position = run.batch.positions[t];
    const int slot = static_cast<int>(position % kBlockTokens);
    uint8_t* block = run.block_table[run.batch.sequences[t]][position / kBlockTokens] + at_.offset;
    const KVKernels& store = at_.int8 ? run.kernels.int8 : run.kernels.f16;
    for (int64_t h = 0; h < kv_heads_; ++h) {
      store.store_key(in[1].at(run, t) + h * head_dim_, block + h * head_bytes(), slot, head_dim_);
      store.store_value(in[2].at(run, t) + h * head_dim_, block + (kv_heads_ + h) * head_bytes(), slot, head_dim_);
    }
  }

  // Queries of one KV head share a pass over its keys. Where there are fewer such tiles than threads can use, the
  // chunks of long sequences are shared out too, and merged in order after a barrier: the same arithmetic.
  void run(Run& run) const override {
    auto chunks_of = [](const Attend& job) { return (job.lengths[job.count - 1] + kChunk - 1) / kChunk; };
    if (!shares_chunks(run)) {
      alignas(64) float one[kMaxQueries * (kPartHead + kMaxHeadDim)], total[kMaxQueries * (kPartHead + kMaxHeadDim)];
      for (int64_t u; (u = run.pool.claim(units())) >= 0;) {
        const Attend job = job_of(run, u);
        for (int64_t chunk = 0; chunk < chunks_of(job); ++chunk) {
          run.kernels.attend(job, chunk, one);
          run.kernels.merge(job, chunk, one, total);
        }
        run.kernels.finish(job, total);
      }
      return;
    }
    const int64_t chunks = queries_->chunks;
    float* all = queries_->parts.data();
    for (int64_t c; (c = run.pool.claim(units() * chunks)) >= 0;) {
      const Attend job = job_of(run, c / chunks);
      if (c % chunks < chunks_of(job)) run.kernels.attend(job, c % chunks, all + c * part());
    }
    run.pool.barrier();
    for (int64_t u; (u = run.pool.claim(units())) >= 0;) {
      const Attend job = job_of(run, u);
      float* parts = all + u * chunks * part();
      for (int64_t chunk = 1; chunk < chunks_of(job); ++chunk)
        run.kernels.merge(job, chunk, parts + chunk * part(), parts);
      run.kernels.finish(job, parts);
    }
  }

 private:
  int64_t head_bytes() const { return kv_bytes(head_dim_, at_.int8); }
  int64_t part() const { return kMaxQueries * (kPartHead + head_dim_); }
  // Tiles of queries times passes over keys.
  int64_t units() const { return static_cast<int64_t>(tiles_->size()) * kv_heads_ * splits_; }
  bool shares_chunks(const Run& run) const { return queries_->chunks > 1 && units() < 4 * run.pool.threads(); }

  void divide(const Batch& batch) {
    const int64_t longest = std::max<int64_t>(1, kMaxQueries / group_);
    for (int64_t t = 0; t < batch.tokens; ++t) {
      const int64_t s = batch.sequences[t], position = batch.positions[t];
      const bool follows = t > 0 && batch.sequences[t - 1] == s && batch.positions[t - 1] + 1 == position;
      if (follows && tiles_->back().count < longest)
        ++tiles_->back().count;
      else
        tiles_->push_back({s, t, 1});
      queries_->chunks = std::max(queries_->chunks, position / kChunk + 1);
    }
  }

  Attend job_of(const Run& run, int64_t unit) const {
    const int64_t per_tile = std::min<int64_t>(group_, kMaxQueries);
    const QueryTile& tile = (*tiles_)[unit / (kv_heads_ * splits_)];
    const int64_t kv = unit / splits_ % kv_heads_, split = unit % splits_;
    const int64_t first = kv * group_ + split * per_tile, last = std::min(first + per_tile, (kv + 1) * group_);
    Attend job{};
    job.head_dim = head_dim_;
    job.int8 = at_.int8;
    job.scale = static_cast<float>(scale_);
    job.blocks = run.block_table[tile.sequence].data();
    job.key_offset = at_.offset + kv * head_bytes();
    job.value_offset = at_.offset + (kv_heads_ + kv) * head_bytes();
    for (int64_t t = tile.token; t < tile.token + tile.count; ++t)
      for (int64_t h = first; h < last; ++h) {
        job.queries[job.count] = in[0].at(run, t) + h * head_dim_;
        job.outputs[job.count] = out[0].at(run, t) + h * head_dim_;
        job.lengths[job.count] = run.batch.positions[t] + 1;
        ++job.count;
      }
    return job;
  }

  int64_t state_ = 0, heads_ = 0, kv_heads_ = 0, head_dim_ = 0;
  double scale_ = 0;
  State at_;
  int64_t group_ = 0, splits_ = 0;  // query heads of a key head; the passes they take
  Queries* queries_ = nullptr;      // of the pass under way
  std::vector<QueryTile>* tiles_ = nullptr;
};

const Register<Attention> attention("attention");

}  // namespace
}  // namespace galop
