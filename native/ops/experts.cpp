// route, experts: mixtures of experts.
#include <algorithm>

#include "activations.h"
#include "op.h"

namespace galop {
namespace {

class Route final : public TokenOp {
 public:
  void attributes(Attributes& has) override {
    has("experts", experts_);
    has("top_k", top_k_);
    has("normalise", normalise_);
  }

  void validate() override {
    expect(1, 2, 1, 0);  // x; chosen, weights
    require(weights[0]->is_float() && weights[0]->cols == in[0].width && weights[0]->rows == experts_ && 0 < top_k_ &&
                top_k_ <= experts_ && out[0].width == top_k_ && out[1].width == top_k_,
            "route shapes");
    out[0].below = experts_;
  }

  void run(Run& run, int64_t t) const override {
    const Panels& router = *weights[0];
    std::vector<float> score(experts_);
    run.kernels.matmul_f32(router, 0, router.panels(), in[0].at(run, t), 1, nullptr, score.data(), experts_);
    run.kernels.softmax(score.data(), score.data(), experts_);
    std::vector<int> order(experts_);
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
    std::partial_sort(order.begin(), order.begin() + top_k_, order.end(),
                      [&](int a, int b) { return score[a] != score[b] ? score[a] > score[b] : a < b; });
    std::sort(order.begin(), order.begin() + top_k_);
    float total = 0;
    for (int64_t i = 0; i < top_k_; ++i) total += score[order[i]];
    for (int64_t i = 0; i < top_k_; ++i) {
      out[0].at(run, t)[i] = static_cast<float>(order[i]);
      out[1].at(run, t)[i] = normalise_ ? score[order[i]] / total : score[order[i]];
    }
  }

 private:
  int64_t experts_ = 0, top_k_ = 0;
  bool normalise_ = false;
};

struct Assignment {  // a token sent to an expert
  int64_t expert, token, slot;
};

// What the layers of a pass share.
struct Mixture {
  std::vector<Assignment> assignments;  // by expert, then token
  std::vector<int64_t> first;           // per expert, its first assignment; one past the end
  std::vector<float> gate, up, down;
};

class Experts final : public PhaseOp {
 public:
  void validate() override {
    require(in.size() == 3 && out.size() == 1 && vectors.empty() && !weights.empty() && weights.size() % 3 == 0,
            "experts operands");  // x, chosen, weights; all gates, then ups, then downs
    count_ = static_cast<int64_t>(weights.size()) / 3;
    width_ = in[0].width;
    chosen_ = in[1].width;
    inner_ = weights[0]->rows;
    require(in[2].width == chosen_ && out[0].width == width_ && in[1].below <= count_, "experts operands");
    for (int64_t i = 0; i < count_; ++i) {
      const Panels &gate = *weights[i], &up = *weights[count_ + i], &down = *weights[2 * count_ + i];
      require(!gate.is_float() && !up.is_float() && !down.is_float(), "experts must be packed");
      require(gate.cols == width_ && up.cols == width_ && gate.rows == inner_ && up.rows == inner_ &&
                  down.cols == inner_ && down.rows == width_,
              "experts shapes");
    }
  }

  void prepare(Run& run) override {
    const auto total = static_cast<size_t>(in[0].count(run) * chosen_);
    mixture_ = &run.shared<Mixture>();
    mixture_->gate.resize(std::max(mixture_->gate.size(), total * inner_));
    mixture_->up.resize(mixture_->gate.size());
    mixture_->down.resize(std::max(mixture_->down.size(), total * width_));
    const int64_t groups = std::max(width_, inner_) / kGroup;
    run.activation_groups = std::max(run.activation_groups, static_cast<int64_t>(total) * groups);
  }

  void run(Run& run) const override {
    const int64_t tokens = in[0].count(run), total = tokens * chosen_;
    const float *ids = in[1].at(run, 0), *shares = in[2].at(run, 0);
    Mixture& m = *mixture_;
    if (run.pool.claim(1) == 0) assign(ids, tokens);
    run.pool.barrier();
    for (int64_t i; (i = run.pool.claim(total)) >= 0;) quantise(run, in[0].at(run, m.assignments[i].token), i, width_);
    run.pool.barrier();
    multiply(run, 0, {m.gate.data(), m.up.data()}, inner_, width_ / kGroup);
    run.pool.barrier();
    for (int64_t i; (i = run.pool.claim(total)) >= 0;) {
      float* inner = m.gate.data() + i * inner_;
      run.kernels.swiglu(inner, m.up.data() + i * inner_, inner, inner_);
      quantise(run, inner, i, inner_);
    }
    run.pool.barrier();
    multiply(run, 2 * count_, {m.down.data()}, width_, inner_ / kGroup);
    run.pool.barrier();
    // Experts are summed in ascending index: `route` lists them so.
    for (int64_t t; (t = run.pool.claim(tokens)) >= 0;) {
      float* to = out[0].at(run, t);
      std::fill_n(to, width_, 0.0f);
      for (int64_t s = 0; s < chosen_; ++s) {
        int64_t i = m.first[static_cast<int64_t>(ids[t * chosen_ + s])];
        while (m.assignments[i].token != t) ++i;
        run.kernels.accumulate(shares[t * chosen_ + s], m.down.data() + i * width_, to, width_);
      }
    }
  }

 private:
  void assign(const float* ids, int64_t tokens) const {
    Mixture& m = *mixture_;
    m.assignments.clear();
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t s = 0; s < chosen_; ++s) m.assignments.push_back({static_cast<int64_t>(ids[t * chosen_ + s]), t, s});
    std::stable_sort(m.assignments.begin(), m.assignments.end(),
                     [](const Assignment& a, const Assignment& b) { return a.expert < b.expert; });
    m.first.assign(count_ + 1, 0);
    for (const Assignment& a : m.assignments) ++m.first[a.expert + 1];
    for (int64_t e = 0; e < count_; ++e) m.first[e + 1] += m.first[e];
  }

  // Quantises assignment i among those of its expert, which are the columns of one product.
  void quantise(const Run& run, const float* x, int64_t i, int64_t size) const {
    const int64_t e = mixture_->assignments[i].expert, begin = mixture_->first[e], n = mixture_->first[e + 1] - begin;
    const int64_t groups = size / kGroup;
    ActivationGroup* to = run.activations + begin * groups + activation_index(i - begin, groups, run.kernels.tile);
    run.kernels.quantize(x, size, to, tile_width(i - begin, n, run.kernels.tile));
  }

  // Each expert's matrix weights[offset + k * experts + expert], of `rows` rows, times its columns, into to[k].
  void multiply(const Run& run, int64_t offset, const std::vector<float*>& to, int64_t rows, int64_t groups) const {
    const Panels& shape = *weights[offset];
    const int64_t panels = shape.panels(), tokens = in[0].count(run), matrices = static_cast<int64_t>(to.size());
    const int64_t per_claim =
        claimed_panels(shape, shape.bytes() * tokens * chosen_ * matrices, tokens, run.pool.threads());
    const int64_t claims = (panels + per_claim - 1) / per_claim;
    for (int64_t c; (c = run.pool.claim(count_ * matrices * claims)) >= 0;) {
      const int64_t e = c / (matrices * claims), which = c / claims % matrices, begin = c % claims * per_claim;
      const int64_t first = mixture_->first[e], n = mixture_->first[e + 1] - first;
      if (n == 0) continue;
      const Panels& m = *weights[offset + which * count_ + e];
      run.kernels.matmul(m, begin, std::min(begin + per_claim, panels), {run.activations + first * groups, n, groups},
                         nullptr, to[which] + first * rows, rows);
    }
  }

  int64_t count_ = 0, width_ = 0, chosen_ = 0, inner_ = 0;
  Mixture* mixture_ = nullptr;  // of the pass under way
};

const Register<Route> route("route");
const Register<Experts> experts("experts");

}  // namespace
}  // namespace galop
