// route, experts: mixtures of experts.
#include <algorithm>

#include "activations.h"
#include "multiply.h"

namespace galop {
namespace {

class Route final : public TokenOp {
 public:
  void attributes(Attributes& has) override {
    has("top_k", top_k_);
    has("sigmoid", sigmoid_);
    has("normalise", normalise_);
    has("factor", factor_);
    has("groups", groups_);
    has("kept_groups", kept_groups_);
    has("group_best", group_best_);
  }

  void validate() override {
    require(in.size() == 1 && out.size() == 2 && weights.empty() && vectors.size() == 2, "route operands");
    experts_ = in[0].width;
    for (const auto* vector : vectors)
      require(!vector || static_cast<int64_t>(vector->size()) == experts_, "route vectors");
    require(groups_ > 0 && experts_ % groups_ == 0 && 0 < kept_groups_ && kept_groups_ <= groups_ && 0 < group_best_ &&
                group_best_ <= experts_ / groups_,
            "route groups");
    require(
        0 < top_k_ && top_k_ <= experts_ / groups_ * kept_groups_ && out[0].width == top_k_ && out[1].width == top_k_,
        "route shapes");
    out[0].below = experts_;
  }

  void run(Run& run, int64_t t) const override {
    const float* scores = in[0].at(run, t);
    std::vector<float> share(experts_), wanted(scores, scores + experts_);
    (sigmoid_ ? run.kernels.sigmoid : run.kernels.softmax)(scores, share.data(), experts_);
    if (vectors[0]) run.kernels.add(share.data(), vectors[0]->data(), wanted.data(), experts_);
    if (groups_ > 1) keep_groups(wanted);
    std::vector<int> chosen = best(wanted, top_k_);
    std::sort(chosen.begin(), chosen.end());
    float total = 0;
    for (int e : chosen) total += share[e];
    for (int64_t i = 0; i < top_k_; ++i) {
      float weight = normalise_ ? share[chosen[i]] / total : share[chosen[i]];
      weight *= static_cast<float>(factor_);
      out[0].at(run, t)[i] = static_cast<float>(chosen[i]);
      out[1].at(run, t)[i] = vectors[1] ? weight * (*vectors[1])[chosen[i]] : weight;
    }
  }

 private:
  // The places of the n largest values, the largest first; of equals the first.
  static std::vector<int> best(const std::vector<float>& values, int64_t n) {
    std::vector<int> order(values.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    std::partial_sort(order.begin(), order.begin() + n, order.end(),
                      [&](int a, int b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
    order.resize(n);
    return order;
  }

  // Leaves no expert of the other groups to choose.
  void keep_groups(std::vector<float>& wanted) const {
    const int64_t size = experts_ / groups_;
    std::vector<float> sums(groups_, 0.0f), kept(experts_, -INFINITY);
    for (int64_t g = 0; g < groups_; ++g) {
      std::vector<float> values(wanted.begin() + g * size, wanted.begin() + (g + 1) * size);
      std::sort(values.begin(), values.end());
      for (int64_t i = size - group_best_; i < size; ++i) sums[g] += values[i];
    }
    for (int64_t g : best(sums, kept_groups_)) std::copy_n(wanted.begin() + g * size, size, kept.begin() + g * size);
    wanted = kept;
  }

  int64_t experts_ = 0, top_k_ = 0, groups_ = 1, kept_groups_ = 1, group_best_ = 1;
  bool sigmoid_ = false, normalise_ = false;
  double factor_ = 1;
};

struct Assignment {  // a token sent to an expert
  int64_t expert, token, slot;
};

// What the layers of a pass share.
struct Mixture {
  std::vector<Assignment> assignments;  // by expert, then token
  std::vector<int64_t> first;           // per expert, its first assignment; one past the end
  std::vector<int64_t> used;            // experts that have one
  std::vector<int64_t> place;           // per token and slot, its assignment
  std::vector<float> inner, up, down;
  std::vector<float> inputs;  // of each assignment, for matrices of floats
};

// Matrices and biases are those of all gates, then ups, then downs; without gates there are none of them.
class Experts final : public PhaseOp {
 public:
  void attributes(Attributes& has) override {
    has("gelu", gelu_);
    has("alpha", alpha_);
    has("limit", limit_);
    has("offset", offset_);
    has("weigh_inputs", weigh_inputs_);
  }

  void validate() override {
    require(in.size() == 3 && out.size() == 1 && !weights.empty(), "experts operands");  // x, chosen, weights
    const auto matrices = static_cast<int64_t>(weights.size());
    count_ = in[1].below;
    require(count_ <= matrices && (matrices == 2 * count_ || matrices == 3 * count_), "experts of another router");
    gated_ = matrices == 3 * count_;
    width_ = in[0].width;
    chosen_ = in[1].width;
    inner_ = weights[0]->rows;
    require(in[2].width == chosen_ && out[0].width == width_, "experts operands");
    for (int64_t i = 0; i < matrices; ++i) {
      const bool down = i >= matrices - count_;
      (down ? of_inner_ : of_width_).note(*weights[i]);
      require(weights[i]->cols == (down ? inner_ : width_) && weights[i]->rows == (down ? width_ : inner_),
              "experts shapes");
    }
    require(vectors.empty() || static_cast<int64_t>(vectors.size()) == matrices / count_, "experts biases");
    for (const auto* vector : vectors) {
      const int64_t rows = vector == vectors.back() ? width_ : inner_;
      require(vector && static_cast<int64_t>(vector->size()) == count_ * rows, "experts biases");
    }
    how_ =
        gelu_ ? kGeluTanh : Glu{static_cast<float>(alpha_), 0, static_cast<float>(limit_), static_cast<float>(offset_)};
  }

  void prepare(Run& run) override {
    const auto total = static_cast<size_t>(in[0].count(run) * chosen_);
    mixture_ = &run.shared<Mixture>();
    auto make_room = [](auto& of, size_t n) { of.resize(std::max(of.size(), n)); };
    make_room(mixture_->assignments, total);
    make_room(mixture_->place, total);
    make_room(mixture_->inner, total * inner_);
    if (gated_) make_room(mixture_->up, total * inner_);
    make_room(mixture_->down, total * width_);
    if (of_width_.floats || of_inner_.floats) make_room(mixture_->inputs, total * std::max(width_, inner_));
    const int64_t groups = std::max(width_, inner_) / kGroup;
    run.activation_groups = std::max(run.activation_groups, static_cast<int64_t>(total) * groups);
  }

  void run(Run& run) const override {
    const int64_t tokens = in[0].count(run), total = tokens * chosen_;
    const float *ids = in[1].at(run, 0), *shares = in[2].at(run, 0);
    Mixture& m = *mixture_;
    run.pool.share(1, [&](int64_t) { assign(ids, tokens); });
    run.pool.share(is_one(run) ? 1 : total, [&](int64_t i) {
      const Assignment& a = m.assignments[i];
      const float* x = in[0].at(run, a.token);
      if (weigh_inputs_) {
        float* weighed = m.down.data() + i * width_;
        run.kernels.scale(shares[a.token * chosen_ + a.slot], x, weighed, width_);
        x = weighed;
      }
      receive(run, x, i, width_, of_width_);
    });
    if (gated_)
      multiply(run, 0, {m.inner.data(), m.up.data()}, inner_, width_);
    else
      multiply(run, 0, {m.inner.data()}, inner_, width_);
    run.pool.share(total, [&](int64_t i) {
      float* inner = m.inner.data() + i * inner_;
      if (gated_)
        run.kernels.glu(inner, m.up.data() + i * inner_, inner, inner_, how_);
      else
        run.kernels.relu_squared(inner, inner, inner_);
      receive(run, inner, i, inner_, of_inner_);
    });
    multiply(run, gated_ ? 2 : 1, {m.down.data()}, width_, inner_);
    // Experts are summed in ascending index: `route` lists them so.
    run.pool.share(tokens, [&](int64_t t) {
      float* to = out[0].at(run, t);
      std::fill_n(to, width_, 0.0f);
      for (int64_t i = t * chosen_; i < (t + 1) * chosen_; ++i)
        run.kernels.accumulate(weigh_inputs_ ? 1.0f : shares[i], m.down.data() + m.place[i] * width_, to, width_);
    });
  }

 private:
  // Of which types the matrices are that take the same inputs.
  struct Types {
    bool floats = false, quantised = false;
    void note(const Panels& m) { (m.is_float() ? floats : quantised) = true; }
  };

  // Whether all experts read the same inputs, which are those of the only token.
  bool is_one(const Run& run) const { return in[0].count(run) == 1 && !weigh_inputs_; }

  void assign(const float* ids, int64_t tokens) const {
    Mixture& m = *mixture_;
    const int64_t total = tokens * chosen_;
    m.first.assign(count_ + 1, 0);
    m.used.clear();
    for (int64_t i = 0; i < total; ++i) ++m.first[static_cast<int64_t>(ids[i]) + 1];
    for (int64_t e = 0; e < count_; ++e) {
      if (m.first[e + 1]) m.used.push_back(e);
      m.first[e + 1] += m.first[e];
    }
    std::vector<int64_t> next = m.first;
    for (int64_t i = 0; i < total; ++i) {
      const auto e = static_cast<int64_t>(ids[i]);
      m.place[i] = next[e]++;
      m.assignments[m.place[i]] = {e, i / chosen_, i % chosen_};
    }
  }

  // Quantises the inputs of assignment i among those of its expert, which are the columns of one product, or keeps
  // them.
  void receive(const Run& run, const float* x, int64_t i, int64_t size, Types types) const {
    if (types.floats) std::copy_n(x, size, mixture_->inputs.data() + i * size);
    if (!types.quantised) return;
    const int64_t e = mixture_->assignments[i].expert, begin = mixture_->first[e], n = mixture_->first[e + 1] - begin;
    const int64_t groups = size / kGroup;
    ActivationGroup* to = run.activations + begin * groups + activation_index(i - begin, groups, run.kernels.tile);
    run.kernels.quantize(x, size, to, tile_width(i - begin, n, run.kernels.tile));
  }

  // Each expert's matrices of kinds [kind, kind + size of `to`), of `rows` rows, times its columns, into to[...].
  void multiply(const Run& run, int64_t kind, const std::vector<float*>& to, int64_t rows, int64_t size) const {
    const Panels& shape = *weights[kind * count_];
    const int64_t panels = shape.panels(), tokens = in[0].count(run), matrices = static_cast<int64_t>(to.size());
    const int64_t per_claim =
        claimed_panels(shape, shape.bytes() * tokens * chosen_ * matrices, tokens, run.pool.threads());
    const int64_t claims = (panels + per_claim - 1) / per_claim;
    const auto used = static_cast<int64_t>(mixture_->used.size());
    const bool one = is_one(run);
    run.pool.share(used * matrices * claims, [&](int64_t c) {
      const int64_t e = mixture_->used[c / (matrices * claims)];
      const int64_t which = c / claims % matrices, begin = c % claims * per_claim;
      const int64_t first = mixture_->first[e], n = mixture_->first[e + 1] - first;
      const int64_t inputs = kind == 0 && one ? 0 : first;
      const Panels& m = *weights[(kind + which) * count_ + e];
      const float* bias = vectors.empty() ? nullptr : vectors[kind + which]->data() + e * rows;
      const int64_t end = std::min(begin + per_claim, panels), groups = size / kGroup;
      float* out = to[which] + first * rows;
      if (m.is_float())
        run.kernels.matmul_f32(m, begin, end, mixture_->inputs.data() + inputs * size, n, bias, out, rows);
      else
        galop::multiply(run, m, begin, end, {run.activations + inputs * groups, n, groups, run.hints}, bias, out, rows);
    });
  }

  bool gelu_ = false, weigh_inputs_ = false;
  double alpha_ = 1, limit_ = INFINITY, offset_ = 0;
  Glu how_;
  bool gated_ = true;
  Types of_width_, of_inner_;
  int64_t count_ = 0, width_ = 0, chosen_ = 0, inner_ = 0;
  Mixture* mixture_ = nullptr;  // of the pass under way
};

const Register<Route> route("route");
const Register<Experts> experts("experts");

}  // namespace
}  // namespace galop
