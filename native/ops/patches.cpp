// patches, add_embedding, merge, merge_mean, resample_positions: pictures on their way into a tower, through it, and into a text.
#include <algorithm>
#include <cmath>

#include "op.h"

namespace galop {
namespace {

class Patches final : public TokenOp {
 public:
  void attributes(Attributes& has) override { has("width", width_); }

  void validate() override {
    expect(0, 1, 0, 0);
    require(width_ == out[0].width, "patches shapes");
  }

  void prepare(Run& run) override {
    const Batch& batch = run.batch;
    require(batch.embeddings && batch.embedding_width == width_, "patches of another width than the tower's");
    for (int64_t t = 0; t < batch.tokens; ++t)
      require(batch.ids[t] < 0 && batch.ids[t] >= -batch.embedding_count, "a patch that the step does not bring");
  }

  void run(Run& run, int64_t t) const override {
    std::copy_n(run.batch.embeddings + (-1 - int64_t{run.batch.ids[t]}) * width_, width_, out[0].at(run, t));
  }

 private:
  int64_t width_ = 0;
};

class AddEmbedding final : public TokenOp {
 public:
  void attributes(Attributes& has) override { has("part", part_); }

  void validate() override {
    expect(1, 1, 0, 0);
    require(in[0].width == out[0].width && !in[0].rows && part_ >= 0 && part_ < kMaxParts, "add_embedding shapes");
  }

  void prepare(Run& run) override {
    for (int64_t t = 0; t < run.batch.tokens; ++t)
      require(run.batch.ids[t] >= -run.batch.embedding_count, "a token whose embedding the step does not bring");
  }

  void run(Run& run, int64_t t) const override {
    const int64_t id = run.batch.ids[t], width = in[0].width, all = run.batch.embedding_width;
    const float* x = in[0].at(run, t);
    float* to = out[0].at(run, t);
    if (id < 0 && all >= (part_ + 1) * width)
      run.kernels.add(x, run.batch.embeddings + (-1 - id) * all + part_ * width, to, width);
    else if (x != to)
      std::copy_n(x, width, to);
  }

 private:
  static constexpr int64_t kMaxParts = 64;
  int64_t part_ = 0;
};

template <bool kMean>
class Merge final : public TokenOp {
 public:
  bool chooses_rows() const override { return true; }
  void attributes(Attributes& has) override { has("count", count_); }

  void validate() override {
    expect(1, 1, 0, 0);
    require(count_ > 0 && !in[0].rows && out[0].width == in[0].width * (kMean ? 1 : count_), "merge shapes");
  }

  void prepare(Run& run) override {
    for (int64_t r = 0; r < run.batch.row_count; ++r)
      require(run.batch.rows[r] + count_ <= run.batch.tokens, "a group of patches that the step does not bring whole");
  }

  void run(Run& run, int64_t r) const override {
    const int64_t first = run.batch.rows[r], width = in[0].width;
    float* to = out[0].at(run, r);
    for (int64_t i = 0; i < count_; ++i) {
      const float* from = in[0].at(run, first + i);
      if (kMean && i > 0)
        run.kernels.add(to, from, to, width);
      else
        std::copy_n(from, width, kMean ? to : to + i * width);
    }
    if (kMean) run.kernels.scale(1.0f / static_cast<float>(count_), to, to, width);
  }

 private:
  int64_t count_ = 0;
};

class ResamplePositions final : public TokenOp {
 public:
  void validate() override {
    expect(0, 1, 1, 0);
    side_ = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(weights[0]->rows))));
    require(weights[0]->cols == out[0].width && side_ * side_ == weights[0]->rows, "resample_positions shapes");
  }

  void prepare(Run& run) override {
    require(run.batch.axes > 4, "the tower reads a position axis that the step does not bring");
    for (int64_t t = 0; t < run.batch.tokens; ++t)
      for (int axis : {1, 2})
        require(on(run, axis, t) >= 0 && on(run, axis, t) < on(run, axis + 2, t), "a patch outside its grid");
  }

  void run(Run& run, int64_t t) const override {
    const int64_t width = out[0].width;
    const Between rows = between(run, 1, t), columns = between(run, 2, t);
    std::vector<float> row(width);
    float* to = out[0].at(run, t);
    std::fill_n(to, width, 0.0f);
    for (const auto& [r, by_row] : {std::pair{rows.from, 1.0f - rows.share}, {rows.from + 1, rows.share}})
      for (const auto& [c, by_column] :
           {std::pair{columns.from, 1.0f - columns.share}, {columns.from + 1, columns.share}}) {
        unpack_row(*weights[0], std::min(r, side_ - 1) * side_ + std::min(c, side_ - 1), row.data());
        run.kernels.accumulate(by_row * by_column, row.data(), to, width);
      }
  }

 private:
  struct Between {
    int64_t from;
    float share;  // of the one after it
  };

  int64_t on(const Run& run, int64_t axis, int64_t t) const {
    return run.batch.positions[axis * run.batch.tokens + t];
  }

  Between between(const Run& run, int64_t axis, int64_t t) const {
    const float last = std::max(static_cast<float>(on(run, axis + 2, t)) - 1.0f, 1.0f);
    const float at = static_cast<float>(on(run, axis, t)) * static_cast<float>(side_ - 1) / last;
    const float from = std::floor(at);
    return {static_cast<int64_t>(from), at - from};
  }

  int64_t side_ = 0;
};

const Register<Patches> patches("patches");
const Register<AddEmbedding> add_embedding("add_embedding");
const Register<Merge<false>> merge("merge");
const Register<Merge<true>> merge_mean("merge_mean");
const Register<ResamplePositions> resample_positions("resample_positions");

}  // namespace
}  // namespace galop
