// rms_norm, layer_norm.
#include "op.h"

namespace galop {
namespace {

class RmsNorm final : public TokenOp {
 public:
  void attributes(Attributes& has) override { has("eps", eps_); }

  void validate() override {
    expect(1, 1, 0, 1);
    require(in[0].width == out[0].width && in[0].width % size() == 0, "rms_norm shapes");
  }

  void run(Run& run, int64_t t) const override {
    const float* x = in[0].at(run, t);
    float* to = out[0].at(run, t);
    for (int64_t i = 0; i < in[0].width; i += size())
      run.kernels.rms_norm(x + i, vectors[0]->data(), to + i, size(), static_cast<float>(eps_));
  }

 private:
  int64_t size() const { return static_cast<int64_t>(vectors[0]->size()); }

  double eps_ = 0;
};

class LayerNorm final : public TokenOp {
 public:
  void attributes(Attributes& has) override { has("eps", eps_); }

  void validate() override {
    expect(1, 1, 0, 2);
    const auto size = static_cast<size_t>(in[0].width);
    require(in[0].width == out[0].width && vectors[0]->size() == size && vectors[1]->size() == size,
            "layer_norm shapes");
  }

  void run(Run& run, int64_t t) const override {
    run.kernels.layer_norm(in[0].at(run, t), vectors[0]->data(), vectors[1]->data(), out[0].at(run, t), in[0].width,
                           static_cast<float>(eps_));
  }

 private:
  double eps_ = 0;
};

const Register<RmsNorm> rms_norm("rms_norm");
const Register<LayerNorm> layer_norm("layer_norm");

}  // namespace
}  // namespace galop
