// mamba2_scan: selective state spaces. Threads share out heads and blocks of their columns, each walked through all
// tokens.
#include "recurrent.h"

namespace galop {
namespace {

class Mamba2Scan final : public PhaseOp {
 public:
  void attributes(Attributes& has) override {
    has("state", state_);
    has("groups", groups_);
    has("state_size", rows_);
  }

  void validate() override {
    expect(2, 1, 0, 3);  // x, B and C in one; dt; decay, dt_bias, skip
    at_ = states->at(state_);
    heads_ = in[1].width;
    require(groups_ > 0 && heads_ % groups_ == 0 && rows_ > 0, "mamba2_scan groups");
    head_dim_ = out[0].width / heads_;
    require(head_dim_ > 0 && head_dim_ % 16 == 0 && head_dim_ * heads_ == out[0].width &&
                in[0].width == out[0].width + 2 * groups_ * rows_,
            "mamba2_scan shapes");
    for (const auto* vector : vectors)
      require(static_cast<int64_t>(vector->size()) == heads_, "a constant of mamba2_scan with another number of heads");
    require(!in[0].rows, "a recurrence of chosen rows");
  }

  void prepare(Run& run) override {
    run.require_saves(at_.table);
    require(at_.offset + heads_ * rows_ * head_dim_ * 4 <= run.block_bytes[at_.table], "slots too small");
    room_ = &run.shared<Room>().floats;
    room_->resize(std::max(room_->size(), static_cast<size_t>(run.batch.tokens * 2 * heads_)));
  }

  void take(Run& run, int64_t t, int64_t) const override {
    float* keep = room_->data() + t * 2 * heads_;
    run.kernels.gates(in[1].at(run, t), vectors[1]->data(), vectors[0]->data(), nullptr, heads_, keep, keep + heads_);
  }

  void run(Run& run) const override {
    const int64_t width = column_block(head_dim_), blocks = heads_ * head_dim_ / width, shared = groups_ * rows_;
    run.pool.share(static_cast<int64_t>(run.spans.size()) * blocks, [&](int64_t u) {
      const int64_t column = u % blocks * width, h = column / head_dim_;
      each_stretch(run, at_, u / blocks, [&](const float* from, float* to, int64_t t, int64_t count) {
        const float* x = in[0].at(run, t);
        Recurrence job{};
        job.from = from ? from + column * rows_ : nullptr;
        job.to = to + column * rows_;
        job.tokens = count;
        job.rows = rows_;
        job.width = width;
        job.k = x + heads_ * head_dim_ + h / (heads_ / groups_) * rows_;
        job.q = job.k + shared;
        job.v = x + column;
        job.key_stride = job.value_stride = in[0].width;
        job.out = out[0].at(run, t) + column;
        job.out_stride = out[0].width;
        job.keep = room_->data() + t * 2 * heads_ + h;
        job.gain = job.keep + heads_;
        job.gate_stride = 2 * heads_;
        job.skip = (*vectors[2])[h];
        run.kernels.recur(job);
      });
    });
  }

 private:
  struct Room {
    std::vector<float> floats;  // per token: what each head keeps, and its step
  };

  int64_t state_ = 0, groups_ = 0, rows_ = 0;
  State at_;
  int64_t heads_ = 0, head_dim_ = 0;
  std::vector<float>* room_ = nullptr;  // of the pass under way
};

const Register<Mamba2Scan> mamba2_scan("mamba2_scan");

}  // namespace
}  // namespace galop
