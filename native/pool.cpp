#include "pool.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace galop {

namespace {

// About 20 to 50 us of spinning: longer than any phase of decoding is uneven, shorter than a scheduler's slice.
constexpr int kSpins = 1000;
constexpr uint32_t kThreads = 2048;  // more than any pool has

inline void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Pool::Pool(int threads) {
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(static_cast<uint32_t>(i)); });
  } catch (...) {
    stop();
    throw;
  }
}

Pool::~Pool() { stop(); }

void Pool::stop() {
  stop_ = true;
  started_.fetch_add(kThreads);
  started_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void Pool::wait_beyond(const std::atomic<uint32_t>& counter, uint32_t seen) {
  for (int i = 0; i < kSpins; ++i) {
    if (counter.load(std::memory_order_acquire) != seen) return;
    pause();
  }
  while (counter.load(std::memory_order_acquire) == seen) counter.wait(seen);
}

void Pool::work(uint32_t index) {
  for (uint32_t seen = 0;;) {
    wait_beyond(started_, seen);
    if (stop_) return;
    seen = started_.load(std::memory_order_acquire);
    if (index >= seen % kThreads) continue;
    (*body_)();
    barrier();
  }
}

void Pool::run(const std::function<void()>& body, int active) {
  body_ = &body;
  active_ = static_cast<uint32_t>(active ? active : threads());
  const uint32_t runs = started_.load(std::memory_order_relaxed) / kThreads + 1;
  started_.store(runs * kThreads + active_);  // sequentially consistent: notify looks for sleepers after it
  started_.notify_all();
  body();
  barrier();
}

void Pool::barrier() {
  const uint32_t seen = generation_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == active_) {
    arrived_.store(0, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
  } else {
    wait_beyond(generation_, seen);
  }
}

}  // namespace galop
