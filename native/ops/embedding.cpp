// embed, embed_positions, rows, pool: which rows of a matrix, of given embeddings or of a buffer a batch asks for.
#include <algorithm>

#include "op.h"

namespace galop {
namespace {

class Embed final : public TokenOp {
 public:
  void attributes(Attributes& has) override {
    has("scale", scale_);
    has("placeholder", placeholder_);
  }

  void validate() override {
    expect(0, 1, 1, 0);
    require(weights[0]->cols == out[0].width, "embed shapes");
    require(placeholder_ < weights[0]->rows, "a placeholder outside the vocabulary");
  }

  void prepare(Run& run) override {
    const Batch& batch = run.batch;
    require(!batch.embeddings || placeholder_ >= 0 || batch.embedding_width % out[0].width == 0,
            "embeddings of another width than the model's");
    for (int64_t t = 0; t < batch.tokens; ++t) {
      const int64_t id = batch.ids[t];
      require(id < weights[0]->rows && (id >= 0 || batch.embeddings), "a token id outside the vocabulary");
      require(id >= -batch.embedding_count, "a token whose embedding the step does not bring");
    }
  }

  void run(Run& run, int64_t t) const override {
    const int64_t id = run.batch.ids[t], width = out[0].width;
    float* to = out[0].at(run, t);
    if (id < 0 && placeholder_ < 0) {
      std::copy_n(run.batch.embeddings + (-1 - id) * run.batch.embedding_width, width, to);
      return;
    }
    unpack_row(*weights[0], id < 0 ? placeholder_ : id, to);
    if (scale_ != 1) run.kernels.scale(static_cast<float>(scale_), to, to, width);
  }

 private:
  double scale_ = 1;
  int64_t placeholder_ = -1;  // the row for tokens whose embedding the step brings; below zero that embedding
};

class EmbedPositions final : public TokenOp {
 public:
  void attributes(Attributes& has) override { has("axis", axis_); }

  void validate() override {
    expect(0, 1, 1, 0);
    require(weights[0]->cols == out[0].width && axis_ >= 0, "embed_positions shapes");
  }

  void prepare(Run& run) override {
    require(axis_ < run.batch.axes, "the model reads a position axis that the step does not bring");
    for (int64_t t = 0; t < run.batch.tokens; ++t)
      require(row(run, t) >= 0 && row(run, t) < weights[0]->rows, "a position beyond those that have an embedding");
  }

  void run(Run& run, int64_t t) const override { unpack_row(*weights[0], row(run, t), out[0].at(run, t)); }

 private:
  int64_t row(const Run& run, int64_t t) const { return run.batch.positions[axis_ * run.batch.tokens + t]; }

  int64_t axis_ = 0;
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

class PoolTokens final : public TokenOp {
 public:
  bool chooses_rows() const override { return true; }
  void attributes(Attributes& has) override { has("mean", mean_); }

  void validate() override {
    expect(1, 1, 0, 0);
    require(in[0].width == out[0].width && !in[0].rows, "pool shapes");
  }

  void run(Run& run, int64_t r) const override {
    const Batch& batch = run.batch;
    const int32_t *begin = batch.sequences, *end = begin + batch.tokens;
    const auto [first, last] = std::equal_range(begin, end, batch.sequences[batch.rows[r]]);
    const int64_t width = in[0].width;
    float* to = out[0].at(run, r);
    std::copy_n(in[0].at(run, first - begin), width, to);
    if (!mean_) return;
    for (const int32_t* t = first + 1; t < last; ++t) {
      const float* from = in[0].at(run, t - begin);
      for (int64_t i = 0; i < width; ++i) to[i] += from[i];
    }
    const auto count = static_cast<float>(last - first);
    for (int64_t i = 0; i < width; ++i) to[i] /= count;
  }

 private:
  bool mean_ = false;
};

const Register<Embed> embed("embed");
const Register<EmbedPositions> embed_positions("embed_positions");
const Register<Rows> rows("rows");
const Register<PoolTokens> pool("pool");

}  // namespace
}  // namespace galop
