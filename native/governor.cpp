#include "governor.h"

#include <algorithm>
#include <chrono>

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
  double& best = best_[tokens];
  best = best == 0 ? seconds : std::min(seconds, best * 1.001);
  slow_steps_ = seconds > kSlow * best ? slow_steps_ + 1 : 0;
  if (slow_steps_ == 0) patience_ = 3;
  if (slow_steps_ < patience_) return;
  disturbed_ = seconds;
  parked_until_ = now() + kParked;
  slow_steps_ = patience_ - 1;  // the next try with all threads decides at once
}

}  // namespace galop
