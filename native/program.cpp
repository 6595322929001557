#include "program.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace galop {

namespace {

// Panels a thread claims at once. For few columns memory streams best in long runs (the prefetched lead of 8 KiB is lost
// at each end), as long as all threads end together; `total` is the weight bytes of the phase.
int64_t claimed_panels(const Panels& m, int64_t total, int64_t columns, int threads) {
  if (columns > kFewColumns) return kWidePanels;
  return std::max<int64_t>(1, std::clamp<int64_t>(total / (3 * threads), 32 * 1024, 2048 * 1024) / m.panel_bytes());
}

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

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
    case 0: sine = static_cast<float>(s); cosine = static_cast<float>(c); break;
    case 1: sine = static_cast<float>(c); cosine = static_cast<float>(-s); break;
    case 2: sine = static_cast<float>(-s); cosine = static_cast<float>(-c); break;
    default: sine = static_cast<float>(-c); cosine = static_cast<float>(s); break;
  }
}

bool per_token(Op op) { return op != Op::linears && op != Op::attention && op != Op::experts; }

}  // namespace

// ---- Pages

constexpr std::align_val_t kHugePage{2 << 20};
constexpr int64_t kSlabBytes = 64 << 20;

void PageStore::Free::operator()(uint8_t* p) const { ::operator delete[](p, kHugePage); }

int64_t PageStore::allocate() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!free_.empty()) {
    const int64_t id = free_.back();
    free_.pop_back();
    taken_[id] = true;
    return id;
  }
  const int64_t per_slab = std::max<int64_t>(1, kSlabBytes / page_bytes_);
  const int64_t id = static_cast<int64_t>(pages_.size());
  if (id % per_slab == 0) {
    slabs_.emplace_back(static_cast<uint8_t*>(::operator new[](per_slab * page_bytes_, kHugePage)));
#if defined(__linux__)
    madvise(slabs_.back().get(), per_slab * page_bytes_, MADV_HUGEPAGE);
#endif
  }
  uint8_t* memory = slabs_.back().get() + id % per_slab * page_bytes_;
  // Zeroed: a tile reads whole vectors of keys, those not yet written included, and weights them with 0.
  std::memset(memory, 0, page_bytes_);
  pages_.push_back(memory);
  taken_.push_back(true);
  return id;
}

void PageStore::release(int64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  require(id >= 0 && id < static_cast<int64_t>(pages_.size()), "a page that was never allocated");
  require(taken_[id], "a page that was released already");
  free_.push_back(id);
  taken_[id] = false;
}

uint8_t* PageStore::page(int64_t id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  require(id >= 0 && id < static_cast<int64_t>(pages_.size()), "a page that was never allocated");
  return pages_[id];
}

int64_t PageStore::in_use() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int64_t>(pages_.size() - free_.size());
}

// ---- How many threads decode

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int Governor::active(int threads) { return threads > 1 && now() < parked_until_ ? threads - 1 : threads; }

void Governor::note(double seconds, int64_t tokens, int active, int threads) {
  constexpr double kParked = 0.1, kSlow = 1.5;
  if (active < threads) {
    if (seconds < disturbed_) return;
    parked_until_ = 0;  // parking did not help: be slower to try it again
    patience_ = std::min(64, 2 * patience_);
    return;
  }
  double& best = best_[tokens];
  best = best == 0 ? seconds : std::min(seconds, best * 1.001);
  slow_steps_ = seconds > kSlow * best ? slow_steps_ + 1 : 0;
  if (slow_steps_ == 0) patience_ = 3;
  if (slow_steps_ < patience_) return;
  disturbed_ = seconds;
  parked_until_ = now() + kParked;
  slow_steps_ = patience_ - 1;  // the next try with all threads decides at once
}

// ---- One forward pass

struct QueryTile {
  int64_t sequence, token, count;
};

struct Assignment {  // a token sent to an expert
  int64_t expert, token, slot;
};

struct Program::Run {
  explicit Run(const Batch& b) : batch(b) {}

  const Batch& batch;
  std::vector<float*> buffer{};                           // start of each
  std::vector<std::vector<uint8_t*>> page_table;  // per sequence
  std::vector<QueryTile> tiles;
  int64_t chunks = 0;        // of the longest sequence
  std::vector<float> parts;  // attention to each chunk, where chunks are shared out among threads
  bool stop = false;
  std::atomic<int> threads{0};  // how many have begun
  // experts
  std::vector<Assignment> assignments;  // by expert, then token
  std::vector<int64_t> first;           // per expert, its first assignment; one past the end
  std::vector<float> expert_a, expert_b, expert_out;
};

Program::Program(std::vector<Buffer> buffers, std::vector<Step> steps, std::vector<Panels> matrices,
                 std::vector<std::vector<float>> vectors, const Kernels& kernels, int threads)
    : buffers_(std::move(buffers)),
      steps_(std::move(steps)),
      matrices_(std::move(matrices)),
      vectors_(std::move(vectors)),
      kernels_(kernels),
      pool_(threads) {
  validate();
}

void Program::validate() const {
  require(!buffers_.empty() && !steps_.empty(), "an empty plan");
  require(buffers_.back().rows, "the plan's last buffer is not one of logits");
  for (const Buffer& buffer : buffers_) require(buffer.width > 0, "a buffer without width");
  auto width = [&](int id) { return buffers_.at(id).width; };
  auto vector_size = [&](int id) { return static_cast<int64_t>(vectors_.at(id).size()); };
  std::vector<int64_t> choices(buffers_.size(), INT64_MAX);  // the values a buffer of chosen experts stays below
  for (const Step& step : steps_) {
    auto counts = [&](size_t in, size_t out, size_t ints, size_t reals) {
      require(step.in.size() == in && step.out.size() == out && step.ints.size() == ints && step.reals.size() == reals,
              "an op with the wrong number of operands");
    };
    for (int id : step.in) buffers_.at(id);
    for (int id : step.out) buffers_.at(id);
    for (int id : step.weights) {
      const Panels& m = matrices_.at(id);
      require(m.data && m.rows > 0 && m.cols > 0 && m.cols % layout(m.kind).block == 0, "a matrix without shape");
    }
    require(!step.out.empty(), "an op without output");
    const bool rows = step.in.empty() ? false : buffers_[step.in[0]].rows;
    for (int id : step.in) require(buffers_[id].rows == rows, "operands with different row counts");
    for (int id : step.out)
      require(step.op == Op::rows || buffers_[id].rows == rows, "a result with another row count than its operands");
    for (int id : step.vectors) require(id < 0 || !vectors_.at(id).empty(), "an empty vector");
    switch (step.op) {
      case Op::embed:
        counts(0, 1, 0, 0);
        require(step.weights.size() == 1 && matrices_[step.weights[0]].cols == width(step.out[0]), "embed shapes");
        break;
      case Op::rms_norm:
        counts(1, 1, 0, 1);
        require(step.vectors.size() == 1 && width(step.in[0]) == width(step.out[0]) &&
                    width(step.in[0]) % vector_size(step.vectors[0]) == 0, "rms_norm shapes");
        break;
      case Op::linears:
        require(step.in.size() == 1 && step.out.size() == step.weights.size() &&
                    step.vectors.size() == step.weights.size() && !step.out.empty(), "linears operands");
        for (size_t i = 0; i < step.out.size(); ++i) {
          const Panels& m = matrices_[step.weights[i]];
          require(m.cols == width(step.in[0]) && m.rows == width(step.out[i]), "linears shapes");
          require(step.vectors[i] < 0 || vector_size(step.vectors[i]) == m.rows, "linears bias shape");
        }
        break;
      case Op::rope_table:
        counts(0, 2, 0, 1);
        require(step.vectors.size() == 1 && vector_size(step.vectors[0]) == width(step.out[0]) &&
                    width(step.out[0]) == width(step.out[1]), "rope_table shapes");
        break;
      case Op::rope:
        counts(3, 1, 2, 0);  // head_dim, interleaved
        require(step.ints[0] >= 2 * width(step.in[1]) && width(step.in[0]) % step.ints[0] == 0 &&
                    width(step.in[0]) == width(step.out[0]) && width(step.in[1]) == width(step.in[2]), "rope shapes");
        break;
      case Op::attention: {
        counts(3, 1, 5, 1);  // offset in the page, heads, kv_heads, head_dim, whether keys and values are int8
        const int64_t heads = step.ints[1], kv_heads = step.ints[2], dim = step.ints[3];
        require(dim > 0 && dim % 16 == 0 && dim <= kMaxHeadDim, "head_dim must be a multiple of 16, at most 256");
        require(!step.ints[4] || dim % kGroup == 0, "int8 keys and values need a head_dim that is a multiple of 32");
        require(kv_heads > 0 && heads % kv_heads == 0 && step.ints[0] >= 0, "attention heads");
        require(width(step.in[0]) == heads * dim && width(step.in[1]) == kv_heads * dim &&
                    width(step.in[2]) == kv_heads * dim && width(step.out[0]) == heads * dim, "attention shapes");
        break;
      }
      case Op::add:
      case Op::swiglu:
        counts(2, 1, 0, 0);
        require(width(step.in[0]) == width(step.in[1]) && width(step.in[0]) == width(step.out[0]), "operand shapes");
        break;
      case Op::rows:
        counts(1, 1, 0, 0);
        require(width(step.in[0]) == width(step.out[0]) && !buffers_[step.in[0]].rows && buffers_[step.out[0]].rows,
                "rows shapes");
        break;
      case Op::route:
        counts(1, 2, 1, 0);  // whether the chosen weights are normalised
        require(step.weights.size() == 1 && matrices_[step.weights[0]].kind == Kind::F32 &&
                    matrices_[step.weights[0]].cols == width(step.in[0]) &&
                    width(step.out[0]) == width(step.out[1]) &&
                    width(step.out[0]) <= matrices_[step.weights[0]].rows, "route shapes");
        choices[step.out[0]] = matrices_[step.weights[0]].rows;
        break;
      case Op::experts: {
        counts(3, 1, 1, 0);  // number of experts; weights are gates, ups, downs
        const auto e = static_cast<size_t>(step.ints[0]);
        require(e > 0 && step.weights.size() == 3 * e && width(step.in[1]) == width(step.in[2]) &&
                    width(step.in[0]) == width(step.out[0]) && choices[step.in[1]] <= step.ints[0], "experts operands");
        for (size_t i = 0; i < e; ++i) {
          const Panels &gate = matrices_[step.weights[i]], &up = matrices_[step.weights[e + i]],
                       &down = matrices_[step.weights[2 * e + i]];
          require(gate.kind != Kind::F32 && up.kind != Kind::F32 && down.kind != Kind::F32, "experts must be packed");
          require(gate.cols == width(step.in[0]) && up.cols == gate.cols && up.rows == gate.rows &&
                      down.cols == gate.rows && down.rows == width(step.out[0]) &&
                      gate.rows == matrices_[step.weights[0]].rows, "experts shapes");
        }
        break;
      }
      default:
        require(false, "an unknown op");
    }
  }
}

int64_t Program::activation_index(int64_t column, int64_t groups) const {
  const int64_t tile = column / kernels_.tile * kernels_.tile;
  return tile * groups + (column - tile);
}

// The distance between the groups of one column: the width of its tile.
static int64_t tile_width(int64_t column, int64_t columns, int tile) {
  return std::min<int64_t>(tile, columns - column / tile * tile);
}

void Program::token_step(Run& run, const Step& step, int64_t t) {
  auto in = [&](int i) { return run.buffer[step.in[i]] + t * buffers_[step.in[i]].width; };
  auto out = [&](int i) { return run.buffer[step.out[i]] + t * buffers_[step.out[i]].width; };
  const int64_t width = buffers_[step.out[0]].width;
  switch (step.op) {
    case Op::embed:
      unpack_row(matrices_[step.weights[0]], run.batch.ids[t], out(0));
      break;
    case Op::rms_norm: {
      const auto& weight = vectors_[step.vectors[0]];
      const auto n = static_cast<int64_t>(weight.size());
      for (int64_t i = 0; i < width; i += n)
        kernels_.rms_norm(in(0) + i, weight.data(), out(0) + i, n, static_cast<float>(step.reals[0]));
      break;
    }
    case Op::rope_table: {
      const auto& inv_freq = vectors_[step.vectors[0]];
      const auto scale = static_cast<float>(step.reals[0]);
      for (size_t i = 0; i < inv_freq.size(); ++i) {
        sine_cosine(static_cast<double>(run.batch.positions[t]) * inv_freq[i], out(1)[i], out(0)[i]);
        out(0)[i] *= scale;
        out(1)[i] *= scale;
      }
      break;
    }
    case Op::rope: {
      const int64_t head_dim = step.ints[0], half = buffers_[step.in[1]].width;
      for (int64_t i = 0; i < width; i += head_dim) {
        kernels_.rope(in(0) + i, in(1), in(2), out(0) + i, half, step.ints[1] != 0);
        if (in(0) != out(0))
          std::copy(in(0) + i + 2 * half, in(0) + i + head_dim, out(0) + i + 2 * half);
      }
      break;
    }
    case Op::add:
      kernels_.add(in(0), in(1), out(0), width);
      break;
    case Op::swiglu:
      kernels_.swiglu(in(0), in(1), out(0), width);
      break;
    case Op::rows:
      std::copy_n(run.buffer[step.in[0]] + run.batch.rows[t] * width, width, out(0));
      break;
    case Op::route: {
      const Panels& router = matrices_[step.weights[0]];
      std::vector<float> score(router.rows);
      kernels_.matmul_f32(router, 0, router.panels(), in(0), 1, nullptr, score.data(), router.rows);
      kernels_.softmax(score.data(), score.data(), router.rows);
      std::vector<int> order(router.rows);
      for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
      std::partial_sort(order.begin(), order.begin() + width, order.end(),
                        [&](int a, int b) { return score[a] != score[b] ? score[a] > score[b] : a < b; });
      std::sort(order.begin(), order.begin() + width);
      float total = 0;
      for (int64_t i = 0; i < width; ++i) total += score[order[i]];
      for (int64_t i = 0; i < width; ++i) {
        out(0)[i] = static_cast<float>(order[i]);
        out(1)[i] = step.ints[0] ? score[order[i]] / total : score[order[i]];
      }
      break;
    }
    default:
      break;
  }
}

void Program::matmul(Run& run, const Step& step) {
  const bool rows = buffers_[step.in[0]].rows;
  const int64_t columns = rows ? run.batch.row_count : run.batch.tokens;
  const int64_t k = buffers_[step.in[0]].width;
  const Activations acts{acts_.data(), columns, k / kGroup};
  int64_t total = 0;
  for (int id : step.weights) total += matrices_[id].bytes();
  std::vector<int64_t> per_claim(step.weights.size()), claims(step.weights.size() + 1, 0);
  for (size_t i = 0; i < step.weights.size(); ++i) {
    const Panels& m = matrices_[step.weights[i]];
    per_claim[i] = claimed_panels(m, total, columns, pool_.threads());
    claims[i + 1] = claims[i] + (m.panels() + per_claim[i] - 1) / per_claim[i];
  }
  for (int64_t c; (c = pool_.claim(claims.back())) >= 0;) {
    const size_t i = std::upper_bound(claims.begin(), claims.end(), c) - claims.begin() - 1;
    const Panels& m = matrices_[step.weights[i]];
    const int64_t begin = (c - claims[i]) * per_claim[i], end = std::min(begin + per_claim[i], m.panels());
    const float* bias = step.vectors[i] < 0 ? nullptr : vectors_[step.vectors[i]].data();
    float* out = run.buffer[step.out[i]];
    if (m.kind == Kind::F32)
      kernels_.matmul_f32(m, begin, end, run.buffer[step.in[0]], columns, bias, out, m.rows);
    else
      kernels_.matmul(m, begin, end, acts, bias, out, m.rows);
  }
}

// The passes that the query heads of one KV head take.
static int64_t splits_of(const Step& step) {
  return (step.ints[1] / step.ints[2] + kMaxQueries - 1) / kMaxQueries;
}

int64_t Program::attention_units(const Run& run, const Step& step) const {
  return static_cast<int64_t>(run.tiles.size()) * step.ints[2] * splits_of(step);
}

bool Program::shares_chunks(const Run& run, const Step& step) const {
  return run.chunks > 1 && attention_units(run, step) < 4 * threads();
}

// Queries of one KV head share a pass over its keys. Where there are fewer such tiles than threads can use, the chunks
// of long sequences are shared out too, and merged in order after a barrier: the same arithmetic.
void Program::attention(Run& run, const Step& step) {
  const int64_t heads = step.ints[1], kv_heads = step.ints[2], dim = step.ints[3];
  const bool int8 = step.ints[4] != 0;
  const int64_t group = heads / kv_heads, per_tile = std::min<int64_t>(group, kMaxQueries), splits = splits_of(step);
  const int64_t units = attention_units(run, step);
  const int64_t part = kMaxQueries * (kPartHead + dim);

  auto job_of = [&](int64_t unit) {
    const QueryTile& tile = run.tiles[unit / (kv_heads * splits)];
    const int64_t kv = unit / splits % kv_heads, split = unit % splits;
    const int64_t first = kv * group + split * per_tile, last = std::min(first + per_tile, (kv + 1) * group);
    Attend job{};
    job.head_dim = dim;
    job.int8 = int8;
    job.scale = static_cast<float>(step.reals[0]);
    job.pages = run.page_table[tile.sequence].data();
    job.key_offset = step.ints[0] + kv * kv_bytes(dim, int8);
    job.value_offset = step.ints[0] + (kv_heads + kv) * kv_bytes(dim, int8);
    for (int64_t t = tile.token; t < tile.token + tile.count; ++t)
      for (int64_t h = first; h < last; ++h) {
        job.queries[job.count] = run.buffer[step.in[0]] + (t * heads + h) * dim;
        job.outputs[job.count] = run.buffer[step.out[0]] + (t * heads + h) * dim;
        job.lengths[job.count] = run.batch.positions[t] + 1;
        ++job.count;
      }
    return job;
  };
  auto chunks_of = [](const Attend& job) { return (job.lengths[job.count - 1] + kChunk - 1) / kChunk; };

  if (!shares_chunks(run, step)) {
    alignas(64) float one[kMaxQueries * (kPartHead + kMaxHeadDim)], total[kMaxQueries * (kPartHead + kMaxHeadDim)];
    for (int64_t u; (u = pool_.claim(units)) >= 0;) {
      const Attend job = job_of(u);
      for (int64_t chunk = 0; chunk < chunks_of(job); ++chunk) {
        kernels_.attend(job, chunk, one);
        kernels_.merge(job, chunk, one, total);
      }
      kernels_.finish(job, total);
    }
    return;
  }
  for (int64_t c; (c = pool_.claim(units * run.chunks)) >= 0;) {
    const Attend job = job_of(c / run.chunks);
    if (c % run.chunks < chunks_of(job)) kernels_.attend(job, c % run.chunks, run.parts.data() + c * part);
  }
  pool_.barrier();
  for (int64_t u; (u = pool_.claim(units)) >= 0;) {
    const Attend job = job_of(u);
    float* parts = run.parts.data() + u * run.chunks * part;
    for (int64_t chunk = 1; chunk < chunks_of(job); ++chunk) kernels_.merge(job, chunk, parts + chunk * part, parts);
    kernels_.finish(job, parts);
  }
}

void Program::experts(Run& run, const Step& step) {
  const int64_t count = step.ints[0], tokens = run.batch.tokens, chosen = buffers_[step.in[1]].width;
  const int64_t width = buffers_[step.in[0]].width, inner = matrices_[step.weights[0]].rows;
  const int64_t total = tokens * chosen;
  const float *x = run.buffer[step.in[0]], *ids = run.buffer[step.in[1]], *weights = run.buffer[step.in[2]];
  float* out = run.buffer[step.out[0]];

  if (pool_.claim(1) == 0) {
    run.assignments.clear();
    for (int64_t t = 0; t < tokens; ++t)
      for (int64_t s = 0; s < chosen; ++s)
        run.assignments.push_back({static_cast<int64_t>(ids[t * chosen + s]), t, s});
    std::stable_sort(run.assignments.begin(), run.assignments.end(),
                     [](const Assignment& a, const Assignment& b) { return a.expert < b.expert; });
    run.first.assign(count + 1, 0);
    for (const Assignment& a : run.assignments) ++run.first[a.expert + 1];
    for (int64_t e = 0; e < count; ++e) run.first[e + 1] += run.first[e];
  }
  pool_.barrier();

  // Where assignment i of its expert's n starts among activations of `groups` groups.
  auto activation = [&](int64_t i, int64_t groups, int64_t& stride) {
    const int64_t e = run.assignments[i].expert, begin = run.first[e], n = run.first[e + 1] - begin;
    stride = tile_width(i - begin, n, kernels_.tile);
    return acts_.data() + begin * groups + activation_index(i - begin, groups);
  };
  auto multiply = [&](int64_t offset, int matrices, int64_t rows, int64_t groups, float* const* to) {
    const Panels& shape = matrices_[step.weights[offset]];
    const int64_t panels = shape.panels();
    const int64_t per_claim = claimed_panels(shape, shape.bytes() * total * matrices, tokens, pool_.threads());
    const int64_t claims = (panels + per_claim - 1) / per_claim;
    for (int64_t c; (c = pool_.claim(count * matrices * claims)) >= 0;) {
      const int64_t e = c / (matrices * claims), which = c / claims % matrices, begin = c % claims * per_claim;
      const int64_t first = run.first[e], n = run.first[e + 1] - first;
      if (n == 0) continue;
      const Panels& m = matrices_[step.weights[offset + which * count + e]];
      kernels_.matmul(m, begin, std::min(begin + per_claim, panels), {acts_.data() + first * groups, n, groups}, nullptr,
                      to[which] + first * rows, rows);
    }
  };

  int64_t stride;
  for (int64_t i; (i = pool_.claim(total)) >= 0;) {
    ActivationGroup* a = activation(i, width / kGroup, stride);
    kernels_.quantize(x + run.assignments[i].token * width, width, a, stride);
  }
  pool_.barrier();
  float* gate_up[] = {run.expert_a.data(), run.expert_b.data()};
  multiply(0, 2, inner, width / kGroup, gate_up);
  pool_.barrier();
  for (int64_t i; (i = pool_.claim(total)) >= 0;) {
    kernels_.swiglu(gate_up[0] + i * inner, gate_up[1] + i * inner, gate_up[0] + i * inner, inner);
    ActivationGroup* a = activation(i, inner / kGroup, stride);
    kernels_.quantize(gate_up[0] + i * inner, inner, a, stride);
  }
  pool_.barrier();
  float* down[] = {run.expert_out.data()};
  multiply(2 * count, 1, width, inner / kGroup, down);
  pool_.barrier();
  // Experts are summed in ascending index: `route` lists them so.
  for (int64_t t; (t = pool_.claim(tokens)) >= 0;) {
    std::fill_n(out + t * width, width, 0.0f);
    for (int64_t s = 0; s < chosen; ++s) {
      const auto e = static_cast<int64_t>(ids[t * chosen + s]);
      int64_t i = run.first[e];
      while (run.assignments[i].token != t) ++i;
      kernels_.accumulate(weights[t * chosen + s], run.expert_out.data() + i * width, out + t * width, width);
    }
  }
}

// Checks the batch, finds its pages and groups its tokens into query tiles.
void Program::prepare(Run& run, const PageStore& pages) const {
  const Batch& batch = run.batch;
  require(batch.tokens > 0, "an empty batch");
  for (const auto& table : batch.page_tables) {
    auto& to = run.page_table.emplace_back();
    for (int64_t id : table) to.push_back(pages.page(id));
  }
  int64_t longest_tile = kMaxQueries;
  for (const Step& step : steps_) {
    if (step.op == Op::embed) {
      const int64_t vocabulary = matrices_[step.weights[0]].rows;
      for (int64_t t = 0; t < batch.tokens; ++t)
        require(batch.ids[t] >= 0 && batch.ids[t] < vocabulary, "a token id outside the vocabulary");
    } else if (step.op == Op::attention) {
      longest_tile = std::min(longest_tile, std::max<int64_t>(1, kMaxQueries / (step.ints[1] / step.ints[2])));
      require(step.ints[0] + 2 * step.ints[2] * kv_bytes(step.ints[3], step.ints[4] != 0) <= pages.page_bytes(),
              "pages too small");
    }
  }
  for (int64_t t = 0; t < batch.tokens; ++t) {
    const int64_t s = batch.sequences[t], position = batch.positions[t];
    require(s >= 0 && s < static_cast<int64_t>(run.page_table.size()), "a token of no sequence");
    require(position >= 0 && position / kPage < static_cast<int64_t>(run.page_table[s].size()), "a position without a page");
    const bool follows = t > 0 && batch.sequences[t - 1] == s && batch.positions[t - 1] + 1 == position;
    if (follows && run.tiles.back().count < longest_tile) ++run.tiles.back().count;
    else run.tiles.push_back({s, t, 1});
    run.chunks = std::max(run.chunks, position / kChunk + 1);
  }
  for (const Step& step : steps_) {
    if (step.op != Op::attention || !shares_chunks(run, step)) continue;
    const int64_t part = kMaxQueries * (kPartHead + step.ints[3]);
    const auto floats = static_cast<size_t>(attention_units(run, step) * run.chunks * part);
    run.parts.resize(std::max(run.parts.size(), floats));
  }
  for (int64_t r = 0; r < batch.row_count; ++r)
    require(batch.rows[r] >= 0 && batch.rows[r] < batch.tokens, "a logit row outside the batch");
}

// Makes room for the buffers, the quantised activations, the experts' inner values and the unpacked panels.
void Program::make_room(Run& run, float* logits, float* hidden) {
  const Batch& batch = run.batch;
  std::vector<int64_t> offset;
  int64_t floats = 0;
  for (const Buffer& buffer : buffers_) {
    offset.push_back(floats);
    floats += ((buffer.rows ? batch.row_count : batch.tokens) * buffer.width + 15) / 16 * 16;
  }
  floats = offset.back();  // the last buffer is the caller's
  int64_t groups = 0;
  for (const Step& step : steps_) {
    if (step.op == Op::linears) {
      groups = std::max(groups, std::max(batch.tokens, batch.row_count) * (buffers_[step.in[0]].width / kGroup));
    } else if (step.op == Op::experts) {
      const int64_t inner = matrices_[step.weights[0]].rows, width = buffers_[step.in[0]].width;
      const int64_t columns = batch.tokens * buffers_[step.in[1]].width;
      run.expert_a.resize(columns * inner);
      run.expert_b.resize(columns * inner);
      run.expert_out.resize(columns * width);
      groups = std::max(groups, columns * (std::max(width, inner) / kGroup));
    }
  }
  if (static_cast<int64_t>(arena_.size()) < floats) arena_.resize(floats);
  if (static_cast<int64_t>(acts_.size()) < groups) acts_.resize(groups);
  for (int64_t at : offset) run.buffer.push_back(arena_.data() + at);
  run.buffer.back() = logits;
  if (hidden) run.buffer[steps_.back().in[0]] = hidden;
}

// What the step after a run of token steps needs of each token: its activations quantised, or its keys and values stored.
void Program::hand_over(Run& run, const Step& after, int64_t t, int64_t columns) {
  if (after.op == Op::linears) {
    const int64_t k = buffers_[after.in[0]].width;
    if (k % kGroup) return;  // float matrices only
    kernels_.quantize(run.buffer[after.in[0]] + t * k, k, acts_.data() + activation_index(t, k / kGroup),
                      tile_width(t, columns, kernels_.tile));
  } else if (after.op == Op::attention) {
    const int64_t kv_heads = after.ints[2], dim = after.ints[3], position = run.batch.positions[t];
    const int slot = static_cast<int>(position % kPage);
    uint8_t* page = run.page_table[run.batch.sequences[t]][position / kPage] + after.ints[0];
    const int64_t bytes = kv_bytes(dim, after.ints[4] != 0);
    const PageKernels& store = after.ints[4] ? kernels_.int8 : kernels_.f16;
    for (int64_t h = 0; h < kv_heads; ++h) {
      store.store_key(run.buffer[after.in[1]] + (t * kv_heads + h) * dim, page + h * bytes, slot, dim);
      store.store_value(run.buffer[after.in[2]] + (t * kv_heads + h) * dim, page + (kv_heads + h) * bytes, slot, dim);
    }
  }
}

// What every thread does: all threads walk the steps together. Steps that work token by token share a phase, up to and
// including what the step after them needs.
void Program::walk(Run& run) {
  const int64_t me = run.threads.fetch_add(1);
  const bool timed = profile_ && me == 0;
  double begun = timed ? now() : 0;
  auto note = [&](size_t step) {
    if (!timed) return;
    const double end = now();
    (*profile_)[step] += end - begun;
    begun = end;
  };
  for (size_t i = 0; i < steps_.size();) {
    const bool rows = buffers_[steps_[i].out[0]].rows;
    size_t last = i;
    while (last < steps_.size() && per_token(steps_[last].op) && buffers_[steps_[last].out[0]].rows == rows) ++last;
    const Step* after = last < steps_.size() ? &steps_[last] : nullptr;
    if (after && (per_token(after->op) || buffers_[after->in[0]].rows != rows)) after = nullptr;

    const int64_t columns = rows ? run.batch.row_count : run.batch.tokens;
    for (int64_t t; (t = pool_.claim(columns)) >= 0;) {
      if (t == 0 && cancelled_) run.stop = true;
      for (size_t s = i; s < last; ++s) token_step(run, steps_[s], t);
      if (after) hand_over(run, *after, t, columns);
    }
    pool_.barrier();
    note(i);
    if (after) {
      if (run.stop) return;  // read between two barriers, so that every thread sees the same answer
      if (after->op == Op::linears) matmul(run, *after);
      else if (after->op == Op::attention) attention(run, *after);
      else experts(run, *after);
      pool_.barrier();
      note(last);
      ++last;
    }
    i = last;
  }
}

bool Program::forward(const Batch& batch, PageStore& pages, float* logits, float* hidden) {
  const std::lock_guard<std::mutex> lock(busy_);
  cancelled_ = false;
  Run run(batch);
  prepare(run, pages);
  make_room(run, logits, hidden);
  if (batch.tokens > kFewColumns) {  // a prompt keeps all threads busy for long, and shares out what one falls behind
    pool_.run([&] { walk(run); });
    return !run.stop;
  }
  const int active = governor_.active(threads());
  const double start = now();
  pool_.run([&] { walk(run); }, active);
  governor_.note(now() - start, batch.tokens, active, threads());
  return !run.stop;
}

}  // namespace galop
