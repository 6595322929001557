// head_linear: a matrix product for each head.
#include <algorithm>

#include "activations.h"
#include "multiply.h"

namespace galop {
namespace {

class HeadLinear final : public PhaseOp {
 public:
  void attributes(Attributes& has) override { has("heads", heads_); }

  void validate() override {
    expect(1, 1, 1, 0);
    const Panels& m = *weights[0];
    require(heads_ > 0 && m.rows % heads_ == 0 && m.rows / heads_ % kRows == 0,
            "a head's matrix must have a multiple of 16 rows");
    require(in[0].width == heads_ * m.cols && out[0].width == m.rows, "head_linear shapes");
    require(m.is_float() || m.cols % kGroup == 0, "head_linear shapes");
  }

  void prepare(Run& run) override {
    if (weights[0]->is_float()) return;
    run.activation_groups = std::max(run.activation_groups, in[0].count(run) * heads_ * groups());
  }

  // The activations of each head lie together, as those of a matrix of its own.
  void take(Run& run, int64_t t, int64_t count) const override {
    const Panels& m = *weights[0];
    if (m.is_float()) return;
    ActivationGroup* to = run.activations + activation_index(t, groups(), run.kernels.tile);
    const int64_t stride = tile_width(t, count, run.kernels.tile);
    for (int64_t h = 0; h < heads_; ++h, to += count * groups())
      run.kernels.quantize(in[0].at(run, t) + h * m.cols, m.cols, to, stride);
  }

  void run(Run& run) const override {
    const Panels& m = *weights[0];
    const int64_t columns = in[0].count(run), panels = m.panels() / heads_, stride = out[0].width;
    const int64_t per_claim = std::min(panels, claimed_panels(m, m.bytes(), columns, run.pool.threads()));
    const int64_t claims = (panels + per_claim - 1) / per_claim;
    run.pool.share(heads_ * claims, [&](int64_t c) {
      const int64_t h = c / claims, begin = h * panels + c % claims * per_claim;
      const int64_t end = std::min(begin + per_claim, (h + 1) * panels);
      if (m.is_float())
        for (int64_t t = 0; t < columns; ++t)
          run.kernels.matmul_f32(m, begin, end, in[0].at(run, t) + h * m.cols, 1, nullptr, out[0].at(run, t), stride);
      else
        multiply(run, m, begin, end, {run.activations + h * columns * groups(), columns, groups(), run.hints}, nullptr,
                 out[0].at(run, 0), stride);
    });
  }

 private:
  int64_t groups() const { return weights[0]->cols / kGroup; }  // of one head

  int64_t heads_ = 1;
};

const Register<HeadLinear> head_linear("head_linear");

}  // namespace
}  // namespace galop
