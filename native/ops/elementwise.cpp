// add, swiglu.
#include "op.h"

namespace galop {
namespace {

class Elementwise : public TokenOp {
 public:
  void validate() override {
    expect(2, 1, 0, 0);
    require(in[0].width == in[1].width && in[0].width == out[0].width, "operand shapes");
  }
};

class Add final : public Elementwise {
 public:
  void run(Run& run, int64_t t) const override {
    run.kernels.add(in[0].at(run, t), in[1].at(run, t), out[0].at(run, t), out[0].width);
  }
};

class Swiglu final : public Elementwise {
 public:
  void run(Run& run, int64_t t) const override {
    run.kernels.swiglu(in[0].at(run, t), in[1].at(run, t), out[0].at(run, t), out[0].width);
  }
};

const Register<Add> add("add");
const Register<Swiglu> swiglu("swiglu");

}  // namespace
}  // namespace galop
