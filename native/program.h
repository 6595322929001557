// The native executor: runs a plan's ops for a batch of tokens on a thread pool. It knows no op by name.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "block_store.h"
#include "governor.h"
#include "op.h"
#include "pages.h"

namespace galop {

struct Buffer {
  int64_t width = 0;  // floats per row
  bool rows = false;  // a row per logit wanted, instead of per token
};

class Program {
 public:
  // Throws std::invalid_argument or std::out_of_range for a plan that cannot be run safely.
  Program(std::vector<Buffer> buffers, const std::vector<Step>& steps, std::vector<State> states,
          std::vector<Panels> matrices, std::vector<std::vector<float>> vectors, const Kernels& kernels, int threads);

  // `blocks` are the memory of each table. Fills logits[row_count, width of the last buffer], and hidden[row_count, hidden_width()] with what the last step
  // made them from, unless that is null. False when cancelled part-way.
  bool forward(const Batch& batch, const std::vector<BlockStore*>& blocks, float* logits, float* hidden = nullptr);
  void cancel() { cancelled_ = true; }

  // From now on adds up how long each phase takes; what was measured so far is forgotten.
  void start_profile() { profile_.emplace(ops_.size()); }
  // Seconds of the phase that begins with each step; 0 for a step inside one.
  const std::optional<std::vector<double>>& profile() const { return profile_; }

  int threads() const { return pool_.threads(); }
  const Kernels& kernels() const { return kernels_; }
  int64_t logit_width() const { return buffers_.back().width; }
  int64_t hidden_width() const { return ops_.back()->in[0].width; }

 private:
  // Steps that work token by token, then the op whose phase follows them, if one does.
  struct Phase {
    size_t first = 0;  // step
    bool rows = false;
    std::vector<const TokenOp*> each;
    size_t last = 0;  // step of `op`
    const PhaseOp* op = nullptr;
  };

  void validate(const std::vector<Step>& steps);
  void divide();
  void prepare(Run& run, const std::vector<BlockStore*>& blocks);
  static void find_spans(Run& run);
  void make_larger(Pages& pages, int64_t bytes);
  void make_room(Run& run, float* logits, float* hidden);
  void walk(Run& run);

  std::vector<Buffer> buffers_;
  std::vector<State> states_;
  std::vector<Panels> matrices_;
  std::vector<std::vector<float>> vectors_;
  std::vector<std::unique_ptr<Op>> ops_;  // one for each step
  std::vector<Phase> phases_;
  const Kernels& kernels_;
  std::mutex busy_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> stopped_{false};  // the pass under way, because it was cancelled
  std::atomic<int> begun_{0};         // threads of the pass under way
  Governor governor_;
  std::optional<std::vector<double>> profile_;
  Pages arena_;        // the buffers but the last
  Pages activations_;  // quantised, of the phase under way
  Pool pool_;  // the last, so that its threads end before what they read does
};

}  // namespace galop
