// One persistent pool of threads that walk a list of phases together.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace galop {

class Pool {
 public:
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Runs `body` on `active` threads (0: all), the caller's included; returns when all of them are done.
  void run(const std::function<void()>& body, int active = 0);

  // Inside `body`: the next unclaimed index below `count`, or -1 when none is left. Dynamic, so a thread whose core is
  // taken by another process holds up at most the chunk it has in hand.
  int64_t claim(int64_t count) {
    const int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
    return i < count ? i : -1;
  }

  // Inside `body`: waits for all threads, then makes claims start at 0 again.
  void barrier();

 private:
  void work(uint32_t index);
  void stop();
  void wait_beyond(const std::atomic<uint32_t>& counter, uint32_t seen);

  std::vector<std::thread> workers_;
  const std::function<void()>* body_ = nullptr;
  uint32_t active_ = 0;  // of the run under way
  std::atomic<bool> stop_{false};
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<uint32_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};  // barriers passed
  // Runs begun and, in the lowest bits, how many threads the last of them has: one value, so that a thread that had no
  // part in some runs cannot mistake one for another.
  alignas(64) std::atomic<uint32_t> started_{0};
};

}  // namespace galop
