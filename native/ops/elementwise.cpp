// Sums and products, activations, gates and limits: add, multiply, sigmoid_gate, scale, weigh, shift, clamp, swiglu,
// geglu, gelu, gelu_tanh, relu_squared, softcap.
#include "op.h"

namespace galop {
namespace {

class OfOne : public TokenOp {
 public:
  void validate() override {
    expect(1, 1, 0, 0);
    require(in[0].width == out[0].width, "operand shapes");
  }
};

class OfTwo : public TokenOp {
 public:
  void validate() override {
    expect(2, 1, 0, 0);
    require(in[0].width == in[1].width && in[0].width == out[0].width, "operand shapes");
  }
};

// Of two, each value of the second being for a run of the first's.
class OfRuns : public TokenOp {
 public:
  void validate() override {
    expect(2, 1, 0, 0);
    require(in[0].width % in[1].width == 0 && in[0].width == out[0].width, "operand shapes");
    run_ = in[0].width / in[1].width;
  }

 protected:
  int64_t run_ = 1;
};

class Add final : public OfTwo {
 public:
  void run(Run& run, int64_t t) const override {
    run.kernels.add(in[0].at(run, t), in[1].at(run, t), out[0].at(run, t), out[0].width);
  }
};

class Multiply final : public OfRuns {
 public:
  void run(Run& run, int64_t t) const override {
    const float *a = in[0].at(run, t), *b = in[1].at(run, t);
    float* to = out[0].at(run, t);
    if (run_ == 1) return run.kernels.multiply(a, b, to, out[0].width);
    for (int64_t i = 0; i < in[1].width; ++i) run.kernels.scale(b[i], a + i * run_, to + i * run_, run_);
  }
};

class SigmoidGate final : public OfRuns {
 public:
  void run(Run& run, int64_t t) const override {
    const float *x = in[0].at(run, t), *gate = in[1].at(run, t);
    float* to = out[0].at(run, t);
    if (run_ == 1) return run.kernels.sigmoid_gate(x, gate, to, out[0].width);
    for (int64_t i = 0; i < in[1].width; ++i) {
      float factor;
      run.kernels.sigmoid(gate + i, &factor, 1);
      run.kernels.scale(factor, x + i * run_, to + i * run_, run_);
    }
  }
};

class Scale final : public OfOne {
 public:
  void attributes(Attributes& has) override { has("factor", factor_); }

  void run(Run& run, int64_t t) const override {
    run.kernels.scale(static_cast<float>(factor_), in[0].at(run, t), out[0].at(run, t), out[0].width);
  }

 private:
  double factor_ = 1;
};

class Weigh final : public TokenOp {
 public:
  void validate() override {
    expect(1, 1, 0, 1);
    require(in[0].width == out[0].width && in[0].width % size() == 0, "weigh shapes");
  }

  void run(Run& run, int64_t t) const override {
    const float *x = in[0].at(run, t), *weight = vectors[0]->data();
    float* to = out[0].at(run, t);
    if (size() == 1) return run.kernels.scale(*weight, x, to, in[0].width);
    for (int64_t i = 0; i < in[0].width; i += size()) run.kernels.multiply(x + i, weight, to + i, size());
  }

 private:
  int64_t size() const { return static_cast<int64_t>(vectors[0]->size()); }
};

class Shift final : public OfOne {
 public:
  void validate() override {
    expect(1, 1, 0, 1);
    require(in[0].width == out[0].width && in[0].width == static_cast<int64_t>(vectors[0]->size()), "shift shapes");
  }

  void run(Run& run, int64_t t) const override {
    run.kernels.add(in[0].at(run, t), vectors[0]->data(), out[0].at(run, t), out[0].width);
  }
};

class Clamp final : public OfOne {
 public:
  void validate() override {
    expect(1, 1, 0, 2);
    require(in[0].width == out[0].width, "operand shapes");
    require(vectors[0]->size() == 1 && vectors[1]->size() == 1, "one limit on each side");
  }

  // Exact on any machine, so it needs no kernel; a value that is not a number stays none.
  void run(Run& run, int64_t t) const override {
    const float low = vectors[0]->front(), high = vectors[1]->front();
    const float* x = in[0].at(run, t);
    float* to = out[0].at(run, t);
    for (int64_t i = 0; i < out[0].width; ++i) {
      const float least = x[i] < low ? low : x[i];
      to[i] = least > high ? high : least;
    }
  }
};

class Swiglu final : public OfTwo {
 public:
  void attributes(Attributes& has) override {
    has("alpha", alpha_);
    has("limit", limit_);
    has("offset", offset_);
  }

  void run(Run& run, int64_t t) const override {
    const Glu how{static_cast<float>(alpha_), 0, static_cast<float>(limit_), static_cast<float>(offset_)};
    run.kernels.glu(in[0].at(run, t), in[1].at(run, t), out[0].at(run, t), out[0].width, how);
  }

 private:
  double alpha_ = 1, limit_ = INFINITY, offset_ = 0;
};

class Geglu final : public OfTwo {
 public:
  void run(Run& run, int64_t t) const override {
    run.kernels.glu(in[0].at(run, t), in[1].at(run, t), out[0].at(run, t), out[0].width, kGeluTanh);
  }
};

// Of one, by a kernel that needs to know nothing else.
template <void (*Kernels::*kKernel)(const float*, float*, int64_t)>
class Plain final : public OfOne {
 public:
  void run(Run& run, int64_t t) const override {
    (run.kernels.*kKernel)(in[0].at(run, t), out[0].at(run, t), out[0].width);
  }
};

class Softcap final : public OfOne {
 public:
  void attributes(Attributes& has) override { has("cap", cap_); }

  void run(Run& run, int64_t t) const override {
    run.kernels.softcap(in[0].at(run, t), out[0].at(run, t), out[0].width, static_cast<float>(cap_));
  }

 private:
  double cap_ = 1;
};

const Register<Add> add("add");
const Register<Multiply> multiply("multiply");
const Register<SigmoidGate> sigmoid_gate("sigmoid_gate");
const Register<Scale> scale("scale");
const Register<Weigh> weigh("weigh");
const Register<Shift> shift("shift");
const Register<Clamp> clamp("clamp");
const Register<Swiglu> swiglu("swiglu");
const Register<Geglu> geglu("geglu");
const Register<Plain<&Kernels::gelu>> gelu("gelu");
const Register<Plain<&Kernels::gelu_tanh>> gelu_tanh("gelu_tanh");
const Register<Plain<&Kernels::relu_squared>> relu_squared("relu_squared");
const Register<Softcap> softcap("softcap");

}  // namespace
}  // namespace galop
