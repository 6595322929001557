#include "governor.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace galop {

namespace {
constexpr int kPairs = 32;  // at most, and as many when it is decided
}

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
  if (tokens == 1 && pair_ < kPairs) compare_hints(seconds);
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
  constexpr int kLead = 5;
  const bool tried = hints_, second = first_ > 0;
  if (second) {
    votes_ += (seconds < first_) == tried ? 1 : -1;
    ++pair_;
    if (std::abs(votes_) == kLead) pair_ = kPairs;
  }
  first_ = second ? 0 : seconds;
  hints_ = pair_ == kPairs ? votes_ == kLead : second ? tried : !tried;
}

}  // namespace galop
