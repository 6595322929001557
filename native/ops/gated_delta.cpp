// gated_delta: the gated delta rule. Threads share out heads and blocks of their columns, each walked through all
// tokens.
#include <cmath>

#include "recurrent.h"

namespace galop {
namespace {

class GatedDelta final : public PhaseOp {
 public:
  void attributes(Attributes& has) override {
    has("state", state_);
    has("key_heads", key_heads_);
    has("key_dim", key_dim_);
    has("tiled", tiled_);
  }

  void validate() override {
    expect(3, 1, 0, 2);  // queries, keys and values in one; a, b; decay, dt_bias
    at_ = states->at(state_);
    heads_ = in[1].width;
    require(key_heads_ > 0 && heads_ % key_heads_ == 0 && key_dim_ > 0 && key_dim_ % 16 == 0, "gated_delta heads");
    value_dim_ = out[0].width / heads_;
    require(value_dim_ > 0 && value_dim_ % 16 == 0 && value_dim_ * heads_ == out[0].width &&
                in[0].width == 2 * keys() + out[0].width && in[2].width == heads_ && size(0) == heads_ &&
                size(1) == heads_,
            "gated_delta shapes");
    require(!in[0].rows, "a recurrence of chosen rows");
  }

  void prepare(Run& run) override {
    run.require_saves(at_.table);
    require(at_.offset + heads_ * key_dim_ * value_dim_ * 4 <= run.block_bytes[at_.table], "slots too small");
    room_ = &run.shared<Room>().floats;
    room_->resize(std::max(room_->size(), static_cast<size_t>(run.batch.tokens * stride())));
  }

  void take(Run& run, int64_t t, int64_t) const override {
    const float* x = in[0].at(run, t);
    float *q = room_->data() + t * stride(), *k = q + keys(), *keep = k + keys();
    for (int64_t i = 0; i < keys(); i += key_dim_) {
      run.kernels.unit_length(x + i, q + i, key_dim_, kEps, 1.0f / std::sqrt(static_cast<float>(key_dim_)));
      run.kernels.unit_length(x + keys() + i, k + i, key_dim_, kEps, 1.0f);
    }
    run.kernels.gates(in[1].at(run, t), vectors[1]->data(), vectors[0]->data(), in[2].at(run, t), heads_, keep,
                      keep + heads_);
  }

  void run(Run& run) const override {
    const int64_t width = column_block(value_dim_), blocks = heads_ * value_dim_ / width;
    run.pool.share(static_cast<int64_t>(run.spans.size()) * blocks, [&](int64_t u) {
      const int64_t column = u % blocks * width, h = column / value_dim_;
      const int64_t key = (tiled_ ? h % key_heads_ : h / (heads_ / key_heads_)) * key_dim_;
      each_stretch(run, at_, u / blocks, [&](const float* from, float* to, int64_t t, int64_t count) {
        const float* q = room_->data() + t * stride();
        Recurrence job{};
        job.delta = true;
        job.from = from ? from + column * key_dim_ : nullptr;
        job.to = to + column * key_dim_;
        job.tokens = count;
        job.rows = key_dim_;
        job.width = width;
        job.q = q + key;
        job.k = q + keys() + key;
        job.key_stride = job.gate_stride = stride();
        job.v = in[0].at(run, t) + 2 * keys() + column;
        job.value_stride = in[0].width;
        job.out = out[0].at(run, t) + column;
        job.out_stride = out[0].width;
        job.keep = q + 2 * keys() + h;
        job.gain = job.keep + heads_;
        run.kernels.recur(job);
      });
    });
  }

 private:
  static constexpr float kEps = 1e-6f;
  struct Room {
    std::vector<float> floats;  // per token: queries and keys of unit length, what each head keeps, what it learns
  };

  int64_t keys() const { return key_heads_ * key_dim_; }
  int64_t stride() const { return 2 * (keys() + heads_); }
  int64_t size(int i) const { return static_cast<int64_t>(vectors[i]->size()); }

  int64_t state_ = 0, key_heads_ = 0, key_dim_ = 0;
  bool tiled_ = false;
  State at_;
  int64_t heads_ = 0, value_dim_ = 0;
  std::vector<float>* room_ = nullptr;  // of the pass under way
};

const Register<GatedDelta> gated_delta("gated_delta");

}  // namespace
}  // namespace galop
