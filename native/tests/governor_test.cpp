// Which of two kinds of steps a governor finds faster, when the first steps were disturbed.
#include "governor.h"

#include <string>

#include "checks.h"

namespace galop {
namespace {

constexpr double kFast = 0.020, kSlow = 0.025;

// Whether hints are used after so many steps on one thread, of which the first `disturbed` seem faster the wrong way.
bool used(bool helpful, int steps, int disturbed) {
  Governor governor;
  for (int i = 0; i < steps; ++i)
    governor.note((governor.hints() == helpful) != (i < disturbed) ? kFast : kSlow, 1, 1, 1);
  return governor.hints();
}

// How many of so many steps are of the slower kind.
int slow_steps(bool helpful, int steps) {
  Governor governor;
  int slow = 0;
  for (int i = 0; i < steps; ++i) {
    const bool right = governor.hints() == helpful;
    slow += !right;
    governor.note(right ? kFast : kSlow, 1, 1, 1);
  }
  return slow;
}

}  // namespace

void test_governor() {
  for (bool helpful : {false, true}) {
    const std::string what = helpful ? "hints that help" : "hints that do not help";
    check(used(helpful, 16, 0) == helpful, what + " are found in the first steps");
    check(used(helpful, 100, 16) != helpful, what + ": the first vote is what was measured");
    check(used(helpful, 300, 16) == helpful, what + " are found by a later vote");
    check(slow_steps(helpful, 10000) < 60, what + ": votes cost few steps");
  }
}

}  // namespace galop
