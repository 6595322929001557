#include "pool.h"

#include <algorithm>
#include <chrono>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace galop {

namespace {

// About 20 to 50 us of spinning: longer than any phase of decoding is uneven, shorter than a scheduler's slice.
constexpr int kSpins = 1000;
constexpr int kLeaving = 300;        // spins in which a thread that is not held up has left a run
constexpr uint32_t kThreads = 2048;  // more than any pool has

// An offer is taken up after so many times what it should take, and these seconds; one whose pace is not known, or that
// somebody helps with already, after these.
constexpr double kPatience = 1.5, kLeast = 10e-6, kHelped = 1e-3;

// What a thread does. Offered: something that others may do as well. Stolen: that, after another was sooner. Helping:
// something that another offers. Abandoned: one of these two, or waiting, after the end of the run.
enum State : uint64_t { kOutside, kInside, kWaiting, kOffered, kStolen, kHelping, kAbandoned };
constexpr uint64_t kStates = 7, kLasting = 8;
constexpr int kIndexShift = 4, kPhaseShift = 32;

inline void pause() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

uint64_t with_state(uint64_t hand, State state) { return (hand & ~kStates) | state; }

}  // namespace

constinit thread_local Pool::Member* Pool::me_ = nullptr;

Pool::Pool(int threads) {
  for (int i = 0; i < threads; ++i) members_.push_back(std::make_unique<Member>());
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(static_cast<size_t>(i)); });
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

void Pool::work(size_t index) {
  Member& me = *(me_ = members_[index].get());
  for (uint32_t seen = 0;;) {
    for (int i = 0; i < kSpins && started_.load(std::memory_order_acquire) == seen; ++i) pause();
    while (started_.load(std::memory_order_acquire) == seen) started_.wait(seen);
    if (stop_) return;
    seen = started_.load();
    if (index >= seen % kThreads) continue;
    me.hand.store(kInside);  // before the look at what is closed: see `close`
    if (started_.load() == seen && closed_.load() != seen) {
      me.phase = first_;
      try {
        (*body_)();
      } catch (const Abandoned&) {  // nothing of that run may be touched any more
      }
    }
    me.hand.store(kOutside, std::memory_order_release);
  }
}

void Pool::run(const std::function<void()>& body, int active) {
  Member* const before = me_;
  Member& me = *(me_ = members_[0].get());
  body_ = &body;
  me.phase = first_ = static_cast<uint32_t>(next_.load(std::memory_order_relaxed) >> kPhaseShift);
  me.hand.store(kInside);
  const uint32_t runs = started_.load(std::memory_order_relaxed) / kThreads + 1;
  const uint32_t started = runs * kThreads + static_cast<uint32_t>(active ? active : threads());
  started_.store(started);  // sequentially consistent: notify looks for sleepers after it
  started_.notify_all();
  body();
  close(started);
  me.hand.store(kOutside, std::memory_order_release);
  me_ = before;
}

// Returns when no thread is at anything that ends with the run. A thread says that it is inside before it looks at what
// is closed, and here it is the other way round: so either it stays outside or it is seen.
void Pool::close(uint32_t started) {
  closed_.store(started);
  for (size_t i = 1; i < members_.size(); ++i) {
    std::atomic<uint64_t>& hand = members_[i]->hand;
    for (int spins = 0;; ++spins) {
      uint64_t now = hand.load();
      const uint64_t state = now & kStates;
      if (state == kOutside || state == kAbandoned) break;
      const bool apart = (state == kStolen || state == kHelping) && (now & kLasting);
      const bool leaves = apart || (state == kWaiting && spins > kLeaving);
      if (leaves && hand.compare_exchange_strong(now, kAbandoned)) break;
      if (spins < kSpins)
        pause();
      else
        std::this_thread::yield();
    }
  }
}

void Pool::settle() const {
  for (const auto& member : members_)
    while (member->hand.load(std::memory_order_acquire) != kOutside) std::this_thread::yield();
}

bool Pool::is_over(uint32_t phase) const {
  return static_cast<uint32_t>(next_.load(std::memory_order_acquire) >> kPhaseShift) != phase;
}

// The next chunk of a phase that nobody has, or -1.
int64_t Pool::claim(uint32_t phase, int64_t count) {
  uint64_t next = next_.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(next >> kPhaseShift) == phase) {
    const auto index = static_cast<int64_t>(next & UINT32_MAX);
    if (index >= count) return -1;
    if (next_.compare_exchange_weak(next, next + 1, std::memory_order_acquire)) return index;
  }
  return -1;
}

// A chunk that is to be done by this thread, or -1 when the phase is over.
int64_t Pool::take(Member& me, uint32_t phase, int64_t count) {
  me.helped = nullptr;
  if (count == 0) advance(phase);
  if (is_over(phase)) return -1;
  if (const int64_t i = claim(phase, count); i >= 0) return me.chunk = i;
  if (is_over(phase)) return -1;
  me.hand.store(kWaiting, std::memory_order_release);
  for (int spins = 1; !is_over(phase); ++spins) {
    pause();
    if (spins % 64) continue;
    bool any = false;
    if (help(me, phase, any)) return me.chunk;
    if (any || spins < kSpins) continue;
    const uint32_t advances = advances_.load();
    if (!is_over(phase)) advances_.wait(advances);
  }
  come_back(me, kWaiting);
  return -1;
}

// Finds what another thread offers and should have finished by now. `any` says whether anything is offered.
bool Pool::help(Member& me, uint32_t phase, bool& any) {
  for (const auto& member : members_) {
    const uint64_t hand = member->hand.load(std::memory_order_acquire);
    if (member.get() == &me || (hand & kStates) != kOffered || hand >> kPhaseShift != phase) continue;
    any = true;
    double overdue = member->overdue.load(std::memory_order_relaxed);
    const double now = seconds();
    if (now < overdue || !member->overdue.compare_exchange_strong(overdue, now + kHelped)) continue;
    come_back(me, kWaiting);
    me.helped = member.get();
    me.offered = hand;
    me.chunk = static_cast<int64_t>(static_cast<uint32_t>(hand) >> kIndexShift);
    return true;
  }
  return false;
}

// Inside again, unless the run ended meanwhile.
void Pool::come_back(Member& me, uint64_t from) {
  if (!me.hand.compare_exchange_strong(from, kInside, std::memory_order_acq_rel)) throw Abandoned{};
}

void Pool::finish(uint32_t phase, int64_t count) {
  if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 != count) return;
  finished_.store(0, std::memory_order_relaxed);
  advance(phase);
}

// Also called for phases without chunks, by whoever comes to them.
void Pool::advance(uint32_t phase) {
  uint64_t next = next_.load(std::memory_order_acquire);
  do
    if (static_cast<uint32_t>(next >> kPhaseShift) != phase) return;
  while (!next_.compare_exchange_weak(next, static_cast<uint64_t>(phase + 1) << kPhaseShift));
  advances_.fetch_add(1);
  advances_.notify_all();
}

void Pool::begin_offer(Member& me, int kind, int64_t cost, bool lasting) {
  const uint64_t kept = lasting ? kLasting : 0;
  if (me.helped) return me.hand.store(kHelping | kept, std::memory_order_release);
  me.began = seconds();
  const double pace = me.pace[kind];
  const double expected = pace > 0 ? kPatience * pace * static_cast<double>(cost) + kLeast : kHelped;
  me.overdue.store(me.began + expected, std::memory_order_relaxed);
  const uint64_t phase = me.phase - 1;  // `share` has counted it already
  me.offered = phase << kPhaseShift | static_cast<uint64_t>(me.chunk) << kIndexShift | kept | kOffered;
  me.hand.store(me.offered, std::memory_order_release);
}

bool Pool::end_offer(Member& me, int kind, int64_t cost) {
  constexpr double kNew = 0.1, kMost = 4;
  uint64_t offered = me.offered;
  const uint64_t stolen = with_state(offered, kStolen);
  if (me.helped) {
    come_back(me, kHelping | (offered & kLasting));
    return me.helped->hand.compare_exchange_strong(offered, stolen, std::memory_order_acq_rel);
  }
  if (!me.hand.compare_exchange_strong(offered, kInside, std::memory_order_acq_rel)) {
    come_back(me, stolen);
    return false;
  }
  const double taken = (seconds() - me.began) / static_cast<double>(std::max<int64_t>(1, cost));
  double& pace = me.pace[kind];
  pace = pace > 0 ? pace + kNew * (std::min(taken, kMost * pace) - pace) : taken;
  return true;
}

}  // namespace galop
