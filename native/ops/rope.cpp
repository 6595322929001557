// rope_table, rope: rotary position embeddings.
#include <algorithm>
#include <cmath>

#include "op.h"

namespace galop {
namespace {

constexpr int64_t kMaxAxes = 64;  // of positions

// sin and cos of a double, the same bits on every machine: Cody-Waite reduction by pi/2, then Taylor series.
void sine_cosine(double x, float& sine, float& cosine) {
  const double n = std::nearbyint(x * 0.63661977236758134308);
  const double r = ((x - n * 1.57079632673412561417) - n * 6.07710050630396597660e-11) - n * 2.02226624879595063154e-21;
  const double r2 = r * r;
  double s = 0, c = 0;
  for (int k = 8; k >= 1; --k) {
    s = (s + 1.0) * -r2 / ((2.0 * k) * (2.0 * k + 1.0));
    c = (c + 1.0) * -r2 / ((2.0 * k - 1.0) * (2.0 * k));
  }
  s = r * (s + 1.0);
  c = c + 1.0;
  switch (static_cast<int64_t>(n) & 3) {
    case 0:
      sine = static_cast<float>(s);
      cosine = static_cast<float>(c);
      break;
    case 1:
      sine = static_cast<float>(c);
      cosine = static_cast<float>(-s);
      break;
    case 2:
      sine = static_cast<float>(-s);
      cosine = static_cast<float>(-c);
      break;
    default:
      sine = static_cast<float>(-c);
      cosine = static_cast<float>(s);
      break;
  }
}

class RopeTable final : public TokenOp {
 public:
  void attributes(Attributes& has) override { has("scale", scale_); }

  void validate() override {
    require(in.empty() && out.size() == 2 && weights.empty() && vectors.size() == 2 && vectors[0],
            "rope_table operands");
    require(static_cast<int64_t>(vectors[0]->size()) == out[0].width && out[0].width == out[1].width,
            "rope_table shapes");
    if (!vectors[1]) return;
    require(vectors[1]->size() == vectors[0]->size(), "an axis for each frequency");
    for (float axis : *vectors[1]) {
      require(axis >= 0 && axis < kMaxAxes && axis == static_cast<float>(static_cast<int64_t>(axis)), "a position axis");
      last_axis_ = std::max(last_axis_, static_cast<int64_t>(axis));
    }
  }

  void prepare(Run& run) override {
    require(run.batch.axes == 1 || last_axis_ < run.batch.axes,
            "the model reads a position axis that the step does not bring");
  }

  void run(Run& run, int64_t t) const override {
    const std::vector<float>& inv_freq = *vectors[0];
    const auto scale = static_cast<float>(scale_);
    const bool one = run.batch.axes == 1 || !vectors[1];
    float *cosine = out[0].at(run, t), *sine = out[1].at(run, t);
    for (size_t i = 0; i < inv_freq.size(); ++i) {
      const int64_t axis = one ? 0 : static_cast<int64_t>((*vectors[1])[i]);
      const double position = run.batch.positions[axis * run.batch.tokens + t];
      sine_cosine(position * inv_freq[i], sine[i], cosine[i]);
      cosine[i] *= scale;
      sine[i] *= scale;
    }
  }

 private:
  double scale_ = 1;
  int64_t last_axis_ = 0;
};

class Rope final : public TokenOp {
 public:
  void attributes(Attributes& has) override {
    has("head_dim", head_dim_);
    has("interleaved", interleaved_);
  }

  void validate() override {
    expect(3, 1, 0, 0);  // x, cosine, sine
    require(in[1].width == in[2].width && head_dim_ >= 2 * in[1].width && in[0].width % head_dim_ == 0 &&
                in[0].width == out[0].width,
            "rope shapes");
  }

  void run(Run& run, int64_t t) const override {
    const float *x = in[0].at(run, t), *cosine = in[1].at(run, t), *sine = in[2].at(run, t);
    float* to = out[0].at(run, t);
    const int64_t half = in[1].width;
    for (int64_t i = 0; i < in[0].width; i += head_dim_) {
      run.kernels.rope(x + i, cosine, sine, to + i, half, interleaved_);
      if (x != to) std::copy(x + i + 2 * half, x + i + head_dim_, to + i + 2 * half);
    }
  }

 private:
  int64_t head_dim_ = 0;
  bool interleaved_ = false;
};

const Register<RopeTable> rope_table("rope_table");
const Register<Rope> rope("rope");

}  // namespace
}  // namespace galop
