// position_scale: a factor for each token by its place.
#include <algorithm>

#include "op.h"

namespace galop {
namespace {

class PositionScale final : public TokenOp {
 public:
  void attributes(Attributes& has) override {
    has("every", every_);
    has("offset", offset_);
  }

  void validate() override {
    expect(1, 1, 0, 1);
    require(in[0].width == out[0].width && every_ > 0 && offset_ >= 0 && !in[0].rows, "position_scale operands");
  }

  void run(Run& run, int64_t t) const override {
    const std::vector<float>& factors = *vectors[0];
    const int64_t step = (run.batch.positions[t] + offset_) / every_;
    const float factor = factors[std::min(step, static_cast<int64_t>(factors.size()) - 1)];
    const float* x = in[0].at(run, t);
    float* to = out[0].at(run, t);
    for (int64_t i = 0; i < in[0].width; ++i) to[i] = x[i] * factor;
  }

 private:
  int64_t every_ = 1, offset_ = 0;
};

const Register<PositionScale> position_scale("position_scale");

}  // namespace
}  // namespace galop
