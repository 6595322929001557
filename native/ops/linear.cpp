// linears, exact_linear: matrix products of one input, which is quantised once for all of them.
#include <algorithm>

#include "activations.h"
#include "multiply.h"

namespace galop {
namespace {

class Linears : public PhaseOp {
 public:
  void validate() override {
    require(in.size() == 1 && !out.empty() && out.size() == weights.size() && vectors.size() == weights.size(),
            "linears operands");
    for (size_t i = 0; i < out.size(); ++i) {
      require(weights[i]->cols == in[0].width && weights[i]->rows == out[i].width, "linears shapes");
      require(!vectors[i] || static_cast<int64_t>(vectors[i]->size()) == weights[i]->rows, "linears bias shape");
      quantised_ |= !weights[i]->is_float();
    }
  }

  void prepare(Run& run) override {
    if (quantised_) run.activation_groups = std::max(run.activation_groups, in[0].count(run) * groups());
  }

  void take(Run& run, int64_t t, int64_t count) const override {
    if (!quantised_) return;
    run.kernels.quantize(in[0].at(run, t), in[0].width,
                         run.activations + activation_index(t, groups(), run.kernels.tile),
                         tile_width(t, count, run.kernels.tile));
  }

  void run(Run& run) const override {
    const int64_t columns = in[0].count(run);
    const Activations activations{run.activations, columns, groups(), run.hints};
    const std::vector<Claim> claims = divide_panels(weights, columns, run.pool.threads());
    run.pool.share(static_cast<int64_t>(claims.size()), [&](int64_t c) {
      const auto [i, begin, end] = claims[c];
      const Panels& m = *weights[i];
      const float* bias = vectors[i] ? vectors[i]->data() : nullptr;
      float* to = out[i].at(run, 0);
      if (m.is_float())
        run.kernels.matmul_f32(m, begin, end, in[0].at(run, 0), columns, bias, to, m.rows);
      else
        multiply(run, m, begin, end, activations, bias, to, m.rows);
    });
  }

 private:
  int64_t groups() const { return in[0].width / kGroup; }

  bool quantised_ = false;  // the input, for a matrix that is not of floats
};

class ExactLinear final : public Linears {
 public:
  void validate() override {
    Linears::validate();
    require(weights.size() == 1 && weights[0]->is_float(), "exact_linear operands");
  }
};

const Register<Linears> linears("linears");
const Register<ExactLinear> exact_linear("exact_linear");

}  // namespace
}  // namespace galop
