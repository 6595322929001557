// Phases on a pool some of whose threads are held up: each chunk counts once, and what comes of all is what one thread
// computes.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "checks.h"
#include "pool.h"

namespace galop {
namespace {

// Whether a thread is held up at that chunk, as by another process: seldom, and by none of its choice.
bool held_up(int64_t run, int64_t phase, int64_t chunk) { return (run * 31 + phase * 17 + chunk * 7) % 41 == 0; }

// A value of each chunk that all of the phase before have a part in.
std::vector<float> next(const std::vector<float>& values, int64_t count) {
  float sum = 0;
  for (float x : values) sum += x;
  std::vector<float> out(count);
  for (int64_t i = 0; i < count; ++i) out[i] = 1.0f + static_cast<float>(i) / 8 + sum / 1024;
  return out;
}

int64_t chunks_of(int64_t phase) { return phase * 5 % 13; }  // none now and then

void test_shared_work(int threads) {
  constexpr int64_t kRuns = 24, kPhases = 12;
  Pool pool(threads);
  for (int64_t run = 0; run < kRuns; ++run) {
    std::vector<std::vector<float>> values(kPhases + 1, std::vector<float>{1.0f});
    std::vector<std::vector<std::atomic<int>>> kept(kPhases);
    for (int64_t phase = 0; phase < kPhases; ++phase) {
      values[phase + 1].resize(chunks_of(phase));
      kept[phase] = std::vector<std::atomic<int>>(chunks_of(phase));
    }
    pool.run(
        [&] {
          for (int64_t phase = 0; phase < kPhases; ++phase) {
            const int64_t count = chunks_of(phase);
            pool.share(count, [&](int64_t i) {
              if (phase % 3 == 2) {  // cannot be done again
                values[phase + 1][i] = next(values[phase], count)[i];
                ++kept[phase][i];
                return;
              }
              const bool late = held_up(run, phase, i) && pool.threads() > 1;
              static std::atomic<int> turn{0};
              const bool mine = late && turn.fetch_add(1) % 2 == 0;  // so that whoever does it again is not held up
              const float before = next(values[phase], count)[i];
              float* own = pool.room(1);
              const bool last = phase % 3 == 1;  // reads nothing of the run: its thread may be left behind
              const bool done = pool.offer(static_cast<int>(phase % 3), 1, last, [mine, before, own] {
                if (mine) std::this_thread::sleep_for(std::chrono::milliseconds(5));
                *own = before;
              });
              if (!done) return;
              values[phase + 1][i] = *own;
              ++kept[phase][i];
            });
          }
        },
        run % 3 == 2 ? (threads + 1) / 2 : 0);
    const std::string name = "run " + std::to_string(run) + " on " + std::to_string(threads) + " threads";
    std::vector<float> expected{1.0f};
    for (int64_t phase = 0; phase < kPhases; ++phase) {
      expected = next(expected, chunks_of(phase));
      check(values[phase + 1] == expected, name + ": what a phase computes");
      for (const auto& times : kept[phase]) check(times == 1, name + ": a chunk that did not count once");
    }
  }
  pool.settle();
}

}  // namespace

void test_pool() {
  for (int threads : {1, 2, 3, 8}) test_shared_work(threads);
}

}  // namespace galop
