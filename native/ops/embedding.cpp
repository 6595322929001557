// embed, rows: which rows of a matrix or a buffer a batch asks for.
#include <algorithm>

#include "op.h"

namespace galop {
namespace {

class Embed final : public TokenOp {
 public:
  void validate() override {
    expect(0, 1, 1, 0);
    require(weights[0]->cols == out[0].width, "embed shapes");
  }

  void prepare(Run& run) override {
    for (int64_t t = 0; t < run.batch.tokens; ++t)
      require(run.batch.ids[t] >= 0 && run.batch.ids[t] < weights[0]->rows, "a token id outside the vocabulary");
  }

  void run(Run& run, int64_t t) const override { unpack_row(*weights[0], run.batch.ids[t], out[0].at(run, t)); }
};

class Rows final : public TokenOp {
 public:
  bool chooses_rows() const override { return true; }

  void validate() override {
    expect(1, 1, 0, 0);
    require(in[0].width == out[0].width && !in[0].rows, "rows shapes");
  }

  void run(Run& run, int64_t r) const override {
    std::copy_n(in[0].at(run, run.batch.rows[r]), in[0].width, out[0].at(run, r));
  }
};

const Register<Embed> embed("embed");
const Register<Rows> rows("rows");

}  // namespace
}  // namespace galop
