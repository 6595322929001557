// One persistent pool of threads that walk a list of phases together.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace galop {

// A phase is over when its chunks are finished, whoever did them: a thread whose core is taken by another process is
// not waited for. It comes back to phases that are over, passes them by, and helps with the one under way. What it had
// in hand another thread does again, if it can be done again (`offer`): a chunk computes into memory of its thread's own
// and what it computed counts once. So who does what never shows in results.
class Pool {
 public:
  static constexpr int kKinds = 16;  // of what is offered

  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(members_.size()); }

  // Runs `body` on up to `active` threads (0: all), the caller's included, until it is done on the caller's. All threads
  // have to call `share` equally often, and only its bodies may do what has to be done once.
  void run(const std::function<void()>& body, int active = 0);

  // Inside the body of a run: a phase. Calls chunk(i) once for each i below `count`, on whichever threads are there;
  // returns when all of them are finished.
  template <class Chunk>
  void share(int64_t count, const Chunk& chunk) {
    Member& me = *me_;
    const uint32_t phase = me.phase++;
    for (int64_t i; (i = take(me, phase, count)) >= 0;) {
      me.kept = true;
      chunk(i);
      if (me.kept) finish(phase, count);
    }
  }

  // Inside a chunk: calls compute(), which may write to `room` alone and may be done again by others meanwhile. False
  // where one of them was sooner: then the chunk has to end without writing anything. What is of one `kind` takes time
  // in proportion to its `cost`. If `lasting`, what compute() reads outlives the run, which then does not wait for it.
  // Once in a chunk.
  template <class Compute>
  bool offer(int kind, int64_t cost, bool lasting, const Compute& compute) {
    Member& me = *me_;
    begin_offer(me, kind, cost, lasting);
    compute();
    return me.kept = end_offer(me, kind, cost);
  }

  // Memory of the calling thread's own, until it asks again.
  float* room(int64_t floats) {
    std::vector<float>& own = me_->room;
    if (static_cast<int64_t>(own.size()) < floats) own.resize(floats);
    return own.data();
  }

  // Outside of runs: returns when no thread is at anything of an earlier one.
  void settle() const;

 private:
  // A thread. `hand` is what it does: a state, and of one that is at a chunk its phase and index.
  struct alignas(64) Member {
    std::atomic<uint64_t> hand{0};
    std::atomic<double> overdue{0};  // when what is offered should have been done
    uint32_t phase = 0;              // that it is at
    int64_t chunk = 0;
    bool kept = true;           // what became of the chunk, not what another thread made of it
    Member* helped = nullptr;   // with the chunk; null where it is this thread's own
    uint64_t offered = 0;       // what is in its hand until the chunk is finished, or in that of who is helped
    double began = 0;            // with what it offers
    double pace[kKinds] = {};    // of each kind, seconds for a unit of cost
    std::vector<float> room;
  };
  struct Abandoned {};  // thrown by a thread that comes back to a run that is over

  void work(size_t index);
  void stop();
  void close(uint32_t started);
  int64_t take(Member& me, uint32_t phase, int64_t count);
  int64_t claim(uint32_t phase, int64_t count);
  bool help(Member& me, uint32_t phase, bool& any);
  void come_back(Member& me, uint64_t from);
  void finish(uint32_t phase, int64_t count);
  void advance(uint32_t phase);
  void begin_offer(Member& me, int kind, int64_t cost, bool lasting);
  bool end_offer(Member& me, int kind, int64_t cost);
  bool is_over(uint32_t phase) const;

  static constinit thread_local Member* me_;
  std::vector<std::unique_ptr<Member>> members_;  // the caller's first
  std::vector<std::thread> workers_;
  const std::function<void()>* body_ = nullptr;
  uint32_t first_ = 0;  // phase of the run under way
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<uint64_t> next_{0};      // the phase under way, and its next unclaimed chunk
  alignas(64) std::atomic<int64_t> finished_{0};   // chunks of it
  alignas(64) std::atomic<uint32_t> advances_{0};  // what those sleep on who wait for a phase to be over
  // Runs begun and, in the lowest bits, how many threads the last of them has: one value, so that a thread that had no
  // part in some runs cannot mistake one for another.
  alignas(64) std::atomic<uint32_t> started_{0};
  std::atomic<uint32_t> closed_{0};  // the last run that nobody may join any more
};

}  // namespace galop
