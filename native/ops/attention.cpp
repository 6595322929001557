// attention, latent_attention: keys and values are added to their blocks as part of the phase before, then all queries
// meet all keys that they see.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>

#include "op.h"

namespace galop {
namespace {

// Consecutive tokens of one sequence, whose queries go through the keys together; `first` is the row of the first.
struct QueryTile {
  int64_t sequence, first, count;
};

// What the layers of a pass share.
struct Queries {
  // By the most tokens in one, and whether they are those alone whose logits are wanted.
  std::map<std::pair<int64_t, bool>, std::vector<QueryTile>> tiles;
  std::vector<float> parts;  // attention to each chunk, where threads share out chunks
};

thread_local std::unique_ptr<LatentWork> latent_work;  // a thread's own

// The next cache line's beginning.
inline float* align(float* p) { return p + (64 - reinterpret_cast<uintptr_t>(p) % 64) % 64 / sizeof(float); }

// Places in a sequence, `end` not among them.
struct Range {
  int64_t begin, end;
};

// What both have in common: tiles of queries go through the chunks of keys that they see.
class Attending : public PhaseOp {
 public:
  // Queries of one KV head share a pass over its keys. Where there are fewer such tiles than threads can use, the
  // chunks of long sequences are shared out too, and merged in order after a barrier: the same arithmetic.
  void run(Run& run) const override {
    if (!shares_chunks(run)) {
      run.pool.share(units(), [&](int64_t u) {
        float *total = align(run.pool.room(2 * part() + 16)), *one = total + part();
        Attend job = job_of(run, u);
        const Range chunks = chunks_of(job);
        for (int64_t chunk = chunks.begin; chunk < chunks.end; ++chunk) {
          look_ahead(job, chunk + 1);
          attend(run, job, chunk, chunk == chunks.begin ? total : one);
          if (chunk > chunks.begin) run.kernels.merge(job, chunk, one, total);
        }
        run.kernels.finish(job, total);
      });
      return;
    }
    float* all = queries_->parts.data();
    run.pool.share(units() * chunks_, [&](int64_t c) {
      Attend job = job_of(run, c / chunks_);
      const Range chunks = chunks_of(job);
      const int64_t chunk = chunks.begin + c % chunks_;
      if (chunk >= chunks.end) return;
      look_ahead(job, chunk + run.pool.threads());  // as threads take turns
      const int64_t floats = job.count * (kPartHead + value_dim_);
      const int64_t keys = std::min(chunk_, job.ends[job.count - 1] - chunk * chunk_);
      float* own = run.pool.room(floats);
      if (run.pool.offer(0, keys * job.count, false, [&] { attend(run, job, chunk, own); }))
        std::copy_n(own, floats, all + c * part());
    });
    run.pool.share(units(), [&](int64_t u) {
      const Attend job = job_of(run, u);
      const Range chunks = chunks_of(job);
      float* parts = all + u * chunks_ * part();
      for (int64_t chunk = chunks.begin + 1; chunk < chunks.end; ++chunk)
        run.kernels.merge(job, chunk, parts + (chunk - chunks.begin) * part(), parts);
      run.kernels.finish(job, parts);
    });
  }

 protected:
  virtual void attend(const Run& run, const Attend& job, int64_t chunk, float* part) const = 0;
  virtual Range keys_of(const Run& run, int64_t token) const = 0;  // that the token sees
  // The token that row `at` of the queries belongs to.
  int64_t token_of(const Run& run, int64_t at) const { return in[0].rows ? run.batch.rows[at] : at; }
  // Everything of a job but its queries; key head `kv` is what they share.
  virtual Attend job_of(const Run& run, int64_t sequence, int64_t kv) const = 0;
  // Adds the query of a head, in row `at`.
  virtual void add_query(const Run& run, int64_t at, int64_t head, Attend& job) const = 0;

  // Divides a pass's queries into tiles of at most `most`, and finds how many chunks one of them goes through.
  void divide(Run& run, int64_t most) {
    queries_ = &run.shared<Queries>();
    most_ = most;
    const int64_t longest = std::max<int64_t>(1, most / group_);
    const auto [found, fresh] = queries_->tiles.try_emplace({longest, in[0].rows});
    tiles_ = &found->second;
    const Batch& batch = run.batch;
    for (int64_t at = 0; fresh && at < in[0].count(run); ++at) {
      const int64_t t = token_of(run, at), before = at > 0 ? token_of(run, at - 1) : -1;
      const bool follows = before >= 0 && batch.sequences[before] == batch.sequences[t] &&
                           batch.positions[before] + 1 == batch.positions[t];
      if (follows && tiles_->back().count < longest)
        ++tiles_->back().count;
      else
        tiles_->push_back({batch.sequences[t], at, 1});
    }
    chunks_ = 0;
    for (const QueryTile& tile : *tiles_) {
      const int64_t begin = keys_of(run, token_of(run, tile.first)).begin;
      const int64_t end = keys_of(run, token_of(run, tile.first + tile.count - 1)).end;
      chunks_ = std::max(chunks_, (end - 1) / chunk_ - begin / chunk_ + 1);
    }
    if (!shares_chunks(run)) return;
    const auto floats = static_cast<size_t>(units() * chunks_ * part());
    queries_->parts.resize(std::max(queries_->parts.size(), floats));
  }

  // Of the layer: its key heads, the query heads of each, the values in a head's output, the keys in a chunk.
  int64_t kv_heads_ = 0, group_ = 0, value_dim_ = 0, chunk_ = kChunk;

 private:
  int64_t splits() const { return (group_ + most_ - 1) / most_; }  // passes that the queries of a token take
  int64_t units() const { return static_cast<int64_t>(tiles_->size()) * kv_heads_ * splits(); }
  int64_t part() const { return most_ * (kPartHead + value_dim_); }
  bool shares_chunks(const Run& run) const { return chunks_ > 1 && units() < 4 * run.pool.threads(); }
  Range chunks_of(const Attend& job) const {
    return {job.begins[0] / chunk_, (job.ends[job.count - 1] - 1) / chunk_ + 1};
  }

  void look_ahead(Attend& job, int64_t chunk) const {
    job.next = chunk < chunks_of(job).end ? job.blocks + chunk * chunk_ / kBlockTokens : nullptr;
  }

  Attend job_of(const Run& run, int64_t unit) const {
    const QueryTile& tile = (*tiles_)[unit / (kv_heads_ * splits())];
    const int64_t kv = unit / splits() % kv_heads_, per_tile = std::min(group_, most_);
    const int64_t first = kv * group_ + unit % splits() * per_tile,
                  last = std::min(first + per_tile, (kv + 1) * group_);
    Attend job = job_of(run, tile.sequence, kv);
    job.value_dim = value_dim_;
    job.chunk = chunk_;
    for (int64_t at = tile.first; at < tile.first + tile.count; ++at) {
      const Range keys = keys_of(run, token_of(run, at));
      for (int64_t h = first; h < last; ++h) {
        job.begins[job.count] = keys.begin;
        job.ends[job.count] = keys.end;
        job.sinks[job.count] = -INFINITY;
        job.outputs[job.count] = out[0].at(run, at) + h * value_dim_;
        add_query(run, at, h, job);
        ++job.count;
      }
    }
    return job;
  }

  // Of the pass under way.
  Queries* queries_ = nullptr;
  std::vector<QueryTile>* tiles_ = nullptr;
  int64_t most_ = 0, chunks_ = 0;
};

class Attention final : public Attending {
 public:
  void attributes(Attributes& has) override {
    has("state", state_);
    has("heads", heads_);
    has("kv_heads", kv_heads_);
    has("head_dim", head_dim_);
    has("scale", scale_);
    has("window", window_);
    has("chunk", piece_);
    has("softcap", softcap_);
    has("causal", causal_);
    has("wanted", wanted_);
    has("until", until_);
  }

  void validate() override {
    adds_ = in.size() == 3;  // queries, and keys and values unless those of an earlier layer are read again
    require((adds_ || in.size() == 1) && out.size() == 1 && weights.empty() && !vectors.empty(), "attention operands");
    at_ = states->at(state_);
    require(kv_heads_ > 0 && heads_ > 0 && heads_ % kv_heads_ == 0, "attention heads");
    group_ = heads_ / kv_heads_;
    value_dim_ = out[0].width / heads_;
    for (int64_t dim : {head_dim_, value_dim_}) {
      require(dim > 0 && dim % 16 == 0 && dim <= kMaxHeadDim, "head_dim must be a multiple of 16, at most 512");
      require(!at_.int8 || dim % kGroup == 0, "int8 keys and values need a head_dim that is a multiple of 32");
    }
    require(in[0].width == heads_ * head_dim_ && out[0].width == heads_ * value_dim_, "attention shapes");
    require(!adds_ || (in[1].width == kv_heads_ * head_dim_ && in[2].width == kv_heads_ * value_dim_),
            "attention shapes");
    require(wanted_ == in[0].rows && !(wanted_ && adds_), "attention of wanted rows");
    require(window_ >= 0 && piece_ >= 0 && softcap_ >= 0 && (causal_ || piece_ == 0), "an attention window");
    require(until_ == 0 || (until_ > 0 && causal_), "attention of tokens that see all until some place");
    sinks_ = vectors.back();
    require(!sinks_ || static_cast<int64_t>(sinks_->size()) == heads_, "a sink for each head");
  }

  void prepare(Run& run) override {
    run.require_places(at_.table, !causal_ ? 0 : window_ ? window_ : piece_);
    require(at_.offset + kv_heads_ * (key_bytes() + value_bytes()) <= run.block_bytes[at_.table], "blocks too small");
    if (!causal_) find_ends(run.batch);
    given_ = until_ > 0 && until_ < run.batch.axes;
    if (given_) check_ends(run.batch);
    divide(run, kMaxQueries);
    run.activation_groups = std::max(run.activation_groups, in[0].count(run) * heads_ * groups());
  }

  void take(Run& run, int64_t t, int64_t) const override {
    for (int64_t h = 0; h < heads_; ++h)
      run.kernels.encode_query(in[0].at(run, t) + h * head_dim_, head_dim_, at_.int8, codes_of(run, t, h));
    if (!adds_) return;
    const int64_t position = run.batch.positions[t];
    const int slot = static_cast<int>(position % kBlockTokens);
    uint8_t* block = run.block_table[at_.table][run.batch.sequences[t]][position / kBlockTokens] + at_.offset;
    const KVKernels& store = at_.int8 ? run.kernels.int8 : run.kernels.f16;
    uint8_t* values = block + kv_heads_ * key_bytes();
    for (int64_t h = 0; h < kv_heads_; ++h) {
      store.store_key(in[1].at(run, t) + h * head_dim_, block + h * key_bytes(), slot, head_dim_);
      store.store_value(in[2].at(run, t) + h * value_dim_, values + h * value_bytes(), slot, value_dim_);
    }
  }

 private:
  int64_t key_bytes() const { return kv_bytes(head_dim_, at_.int8); }
  int64_t value_bytes() const { return kv_bytes(value_dim_, at_.int8); }
  int64_t groups() const { return query_groups(head_dim_, at_.int8); }
  ActivationGroup* codes_of(const Run& run, int64_t at, int64_t h) const {
    return run.activations + (at * heads_ + h) * groups();
  }

  // Where each sequence ends: all its tokens see each other, so the step has to bring them all.
  void find_ends(const Batch& batch) {
    ends_.assign(batch.tokens, 0);
    for (int64_t t = batch.tokens - 1; t >= 0; --t) {
      const bool last = t + 1 == batch.tokens || batch.sequences[t + 1] != batch.sequences[t];
      const bool first = t == 0 || batch.sequences[t - 1] != batch.sequences[t];
      require(batch.positions[t] == (first ? 0 : batch.positions[t - 1] + 1),
              "attention that is not causal needs all tokens of a sequence in one step");
      ends_[t] = last ? batch.positions[t] + 1 : ends_[t + 1];
    }
  }

  // What a token sees until, as the step says, must be among its sequence's tokens, and no less than the one before it.
  void check_ends(const Batch& batch) {
    int64_t end = 0;  // of the sequence
    for (int64_t t = batch.tokens - 1; t >= 0; --t) {
      const bool last = t + 1 == batch.tokens || batch.sequences[t + 1] != batch.sequences[t];
      if (last) end = batch.positions[t] + 1;
      const int64_t until = batch.positions[until_ * batch.tokens + t];
      require(until > batch.positions[t] && until <= end, "tokens that see each other need one step");
      require(last || until <= batch.positions[until_ * batch.tokens + t + 1], "a token that sees more than the next");
    }
  }

  Range keys_of(const Run& run, int64_t t) const override {
    const int64_t at = run.batch.positions[t];
    Range keys{0, given_ ? run.batch.positions[until_ * run.batch.tokens + t] : causal_ ? at + 1 : ends_[t]};
    if (piece_) keys.begin = at / piece_ * piece_;
    if (given_) return {window_ ? std::max(keys.begin, at - window_ + 1) : keys.begin, keys.end};
    return window_ ? Range{std::max(keys.begin, at - window_ + 1), std::min(keys.end, at + window_)} : keys;
  }

  Attend job_of(const Run& run, int64_t sequence, int64_t kv) const override {
    Attend job{};
    job.head_dim = head_dim_;
    job.int8 = at_.int8;
    job.scale = static_cast<float>(scale_);
    job.softcap = static_cast<float>(softcap_);
    job.blocks = run.block_table[at_.table][sequence].data();
    job.key_offset = at_.offset + kv * key_bytes();
    job.value_offset = at_.offset + kv_heads_ * key_bytes() + kv * value_bytes();
    return job;
  }

  void add_query(const Run& run, int64_t at, int64_t h, Attend& job) const override {
    job.codes[job.count] = codes_of(run, at, h);
    if (sinks_) job.sinks[job.count] = (*sinks_)[h];
  }

  void attend(const Run& run, const Attend& job, int64_t chunk, float* part) const override {
    run.kernels.attend(job, chunk, part);
  }

  int64_t state_ = 0, heads_ = 0, head_dim_ = 0, window_ = 0, piece_ = 0, until_ = 0;
  double scale_ = 0, softcap_ = 0;
  bool causal_ = true, adds_ = true, wanted_ = false;
  bool given_ = false;  // until where each token of the pass under way sees
  State at_;
  const std::vector<float>* sinks_ = nullptr;
  std::vector<int64_t> ends_;  // of the pass under way, for each token, where its sequence ends
};

const Register<Attention> attention("attention");

class LatentAttention final : public Attending {
 public:
  void attributes(Attributes& has) override {
    has("state", state_);
    has("heads", group_);
    has("scale", scale_);
  }

  void validate() override {
    expect(4, 1, 0, 0);  // queries and their rotated parts, the latent values and their rotated part
    at_ = states->at(state_);
    kv_heads_ = 1;
    chunk_ = kLatentChunk;
    value_dim_ = in[2].width;
    rotated_ = in[3].width;
    require(group_ > 0 && value_dim_ % 16 == 0 && rotated_ % 16 == 0 && value_dim_ <= kMaxHeadDim &&
                groups() * kGroup <= kMaxLatent,
            "latent attention: rows must be multiples of 16 values, at most 512 and 128");
    require(in[0].width == group_ * value_dim_ && out[0].width == in[0].width && in[1].width == group_ * rotated_,
            "latent attention shapes");
    require(!in[0].rows, "attention of wanted rows");
  }

  void prepare(Run& run) override {
    run.require_places(at_.table);
    require(at_.offset + row_bytes(value_dim_, rotated_, at_.int8) <= run.block_bytes[at_.table], "blocks too small");
    // Arithmetic is the limit here, so the heads of few tokens are shared out before chunks are.
    divide(run, std::clamp<int64_t>(run.batch.tokens * group_ / (2 * run.pool.threads()), 16, kMaxLatentQueries));
    run.activation_groups = std::max(run.activation_groups, in[0].count(run) * group_ * 2 * groups());
  }

  void take(Run& run, int64_t t, int64_t) const override {
    const int64_t position = run.batch.positions[t];
    for (int64_t h = 0; h < group_; ++h)
      run.kernels.encode_latent_query(in[0].at(run, t) + h * value_dim_, value_dim_, in[1].at(run, t) + h * rotated_,
                                      rotated_, codes_of(run, t, h));
    uint8_t* block = run.block_table[at_.table][run.batch.sequences[t]][position / kBlockTokens] + at_.offset;
    const KVKernels& store = at_.int8 ? run.kernels.int8 : run.kernels.f16;
    store.store_row(in[2].at(run, t), value_dim_, in[3].at(run, t), rotated_, block,
                    static_cast<int>(position % kBlockTokens));
  }

 private:
  int64_t groups() const { return latent_groups(value_dim_, rotated_); }
  ActivationGroup* codes_of(const Run& run, int64_t at, int64_t h) const {
    return run.activations + (at * group_ + h) * 2 * groups();
  }

  Range keys_of(const Run& run, int64_t t) const override { return {0, run.batch.positions[t] + 1}; }

  Attend job_of(const Run& run, int64_t sequence, int64_t) const override {
    Attend job{};
    job.head_dim = rotated_;
    job.int8 = at_.int8;
    job.scale = static_cast<float>(scale_);
    job.blocks = run.block_table[at_.table][sequence].data();
    job.key_offset = job.value_offset = at_.offset;
    return job;
  }

  void add_query(const Run& run, int64_t at, int64_t h, Attend& job) const override {
    job.codes[job.count] = codes_of(run, at, h);
  }

  void attend(const Run& run, const Attend& job, int64_t chunk, float* part) const override {
    if (!latent_work) latent_work = std::make_unique<LatentWork>();
    run.kernels.attend_latent(job, chunk, *latent_work, part);
  }

  int64_t state_ = 0, rotated_ = 0;
  double scale_ = 0;
  State at_;
};

const Register<LatentAttention> latent_attention("latent_attention");

}  // namespace
}  // namespace galop
