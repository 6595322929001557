// How many threads decode.
#pragma once

#include <cstdint>

#include "kernels.h"

namespace galop {

double now();  // seconds of a clock that never goes back

// Decides how many threads decode. When another process takes a core, every barrier waits for the thread that lost it
// and two threads are slower than one: then one worker is parked for a tenth of a second, and tried again after that.
class Governor {
 public:
  int active(int threads);
  void note(double seconds, int64_t tokens, int active, int threads);  // what a step over so many tokens took

 private:
  double best_[kFewColumns + 1] = {};  // seconds of an undisturbed step with all threads, forgotten slowly
  double disturbed_ = 0;               // of the step that led to parking
  double parked_until_ = 0;
  int slow_steps_ = 0;
  int patience_ = 3;
};

}  // namespace galop
