// How many threads decode, and whether their kernels ask for weights ahead.
#pragma once

#include <cstdint>

#include "kernels.h"

namespace galop {

double now();  // seconds of a clock that never goes back

// Decides how many threads decode. Where other processes take cores and steps take half as long again, one worker is
// parked for a tenth of a second, and tried again after that.
//
// Also decides whether software prefetch helps with one token: a processor whose hardware prefetcher follows a stream
// across pages loses a quarter of its bandwidth by it (Zen 4 in 2 MiB pages), another gains as much. The first steps go
// in pairs, one with and one without, until the faster of a pair was of one kind five times oftener. Other processes may
// have decided that, so it is voted again after 256 steps, and after twice as many each time that the vote is the same.
class Governor {
 public:
  int active(int threads);
  bool hints() const { return hints_; }
  void note(double seconds, int64_t tokens, int active, int threads);  // what a step over so many tokens took

 private:
  void compare_hints(double seconds);

  double best_[kFewColumns + 1] = {};  // seconds of an undisturbed step with all threads, forgotten slowly
  double disturbed_ = 0;               // of the step that led to parking
  double parked_until_ = 0;
  int slow_steps_ = 0;
  int patience_ = 3;
  bool hints_ = false, voted_ = false;  // of this step, and by the last vote
  int pairs_ = 0, votes_ = 0;           // of those for hints less those against
  double first_ = 0;                    // seconds of the first of the pair; 0 before it
  int rest_ = 0, interval_ = 0;         // steps until the next vote, and between the last two
};

}  // namespace galop
