// The native executor: runs a plan's ops for a batch of tokens on a thread pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kernels.h"
#include "pool.h"

namespace galop {

// Memory for keys and values, one page of kPage tokens (all layers) at a time. Pages are cut from slabs that the system
// may back with 2 MiB pages, since attention reads a few kilobytes of each and would miss the TLB every time (Qwen3-4B's
// shapes at depth 8192: 4.2 tokens per second instead of 3.6). Memory is taken only as pages are.
class PageStore {
 public:
  explicit PageStore(int64_t page_bytes) : page_bytes_(page_bytes) {}
  int64_t allocate();  // throws std::bad_alloc
  void release(int64_t id);
  uint8_t* page(int64_t id) const;
  int64_t page_bytes() const { return page_bytes_; }
  int64_t in_use() const;

 private:
  struct Free {
    void operator()(uint8_t* p) const;
  };
  int64_t page_bytes_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<uint8_t[], Free>> slabs_;
  std::vector<uint8_t*> pages_;
  std::vector<int64_t> free_;
  std::vector<bool> taken_;
};

enum class Op : int {
  embed, rms_norm, linears, rope_table, rope, attention, add, swiglu, rows, route, experts, kCount
};

// One op of the plan, its operands already checked. What each field means is told by `ops/` in Python.
struct Step {
  Op op = Op::add;
  std::vector<int> in, out;       // buffers
  std::vector<int> weights;       // matrices
  std::vector<int> vectors;       // float vectors (norm weights, biases; -1 for none)
  std::vector<int64_t> ints;
  std::vector<double> reals;
};

struct Buffer {
  int64_t width = 0;   // floats per row
  bool rows = false;   // a row per logit wanted, instead of per token
};

struct Batch {
  const int32_t* ids;
  const int32_t* positions;
  const int32_t* sequences;                     // per token, ascending
  int64_t tokens;
  std::vector<std::vector<int64_t>> page_tables;  // per sequence
  const int32_t* rows;                          // tokens whose logits are wanted
  int64_t row_count;
};

// Decides how many threads decode. When another process takes a core, every barrier waits for the thread that lost it
// and two threads are slower than one: then one worker is parked for a tenth of a second, and tried again after that.
class Governor {
 public:
  int active(int threads);
  void note(double seconds, int64_t tokens, int active, int threads);  // what a step over so many tokens took

 private:
  double best_[kFewColumns + 1] = {};  // seconds of an undisturbed step with all threads, forgotten slowly
  double disturbed_ = 0;    // of the step that led to parking
  double parked_until_ = 0;
  int slow_steps_ = 0;
  int patience_ = 3;
};

class Program {
 public:
  Program(std::vector<Buffer> buffers, std::vector<Step> steps, std::vector<Panels> matrices,
          std::vector<std::vector<float>> vectors, const Kernels& kernels, int threads);

  // Fills logits[row_count, width of the last buffer], and hidden[row_count, hidden_width()] with what the last step made
  // them from, unless that is null. False when cancelled part-way.
  bool forward(const Batch& batch, PageStore& pages, float* logits, float* hidden = nullptr);
  void cancel() { cancelled_ = true; }

  // From now on adds up how long each phase takes; what was measured so far is forgotten.
  void start_profile() { profile_.emplace(steps_.size()); }
  // Seconds of the phase that begins with each step; 0 for a step inside one.
  const std::optional<std::vector<double>>& profile() const { return profile_; }

  int threads() const { return pool_.threads(); }
  const Kernels& kernels() const { return kernels_; }
  int64_t logit_width() const { return buffers_.back().width; }
  int64_t hidden_width() const { return buffers_[steps_.back().in[0]].width; }

 private:
  struct Run;
  void validate() const;
  void prepare(Run& run, const PageStore& pages) const;
  void make_room(Run& run, float* logits, float* hidden);
  void walk(Run& run);
  void hand_over(Run& run, const Step& after, int64_t token, int64_t columns);
  void token_step(Run& run, const Step& step, int64_t token);
  void matmul(Run& run, const Step& step);
  void attention(Run& run, const Step& step);
  int64_t attention_units(const Run& run, const Step& step) const;  // tiles of queries times passes over keys
  bool shares_chunks(const Run& run, const Step& step) const;       // whether threads share out those passes' chunks
  void experts(Run& run, const Step& step);
  int64_t activation_index(int64_t column, int64_t groups) const;

  std::vector<Buffer> buffers_;
  std::vector<Step> steps_;
  std::vector<Panels> matrices_;
  std::vector<std::vector<float>> vectors_;
  const Kernels& kernels_;
  Pool pool_;
  std::mutex busy_;
  std::atomic<bool> cancelled_{false};
  Governor governor_;
  std::optional<std::vector<double>> profile_;
  std::vector<float> arena_;
  std::vector<ActivationGroup> acts_;
};

}  // namespace galop
