#include "governor.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace galop {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

int Governor::active(int threads) { return threads > 1 && now() < parked_until_ ? threads - 1 : threads; }

void Governor::note(double seconds, int64_t tokens, int active, int threads) {
  constexpr double kParked = 0.1, kSlow = 1.5;
  if (active < threads) {
    if (seconds < disturbed_) return;
    parked_until_ = 0;  // parking did not help: be slower to try it again
    patience_ = std::min(64, 2 * patience_);
    return;
  }
  if (tokens == 1) compare_hints(seconds);
  double& best = best_[tokens];
  best = best == 0 ? seconds : std::min(seconds, best * 1.001);
  slow_steps_ = seconds > kSlow * best ? slow_steps_ + 1 : 0;
  if (slow_steps_ == 0) patience_ = 3;
  if (slow_steps_ < patience_) return;
  disturbed_ = seconds;
  parked_until_ = now() + kParked;
  slow_steps_ = patience_ - 1;  // the next try with all threads decides at once
}

// The order within a pair alternates, since steps get longer with the text.
void Governor::compare_hints(double seconds) {
  constexpr int kLead = 5, kPairs = 32, kShortest = 256, kLongest = 8192;
  if (rest_ > 0) {
    --rest_;
    return;
  }
  if (first_ == 0) {
    first_ = seconds;
    hints_ = !hints_;
    return;
  }
  votes_ += (seconds < first_) == hints_ ? 1 : -1;
  first_ = 0;
  if (++pairs_ < kPairs && std::abs(votes_) < kLead) return;
  hints_ = std::abs(votes_) == kLead ? votes_ > 0 : voted_;
  interval_ = hints_ == voted_ && interval_ ? std::min(2 * interval_, kLongest) : kShortest;
  rest_ = interval_;
  voted_ = hints_;
  pairs_ = votes_ = 0;
}

}  // namespace galop
