#include "machine.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "pool.h"

#if defined(__linux__) && defined(__aarch64__)
#include <sys/auxv.h>
#endif
#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif
#if defined(GALOP_AMX)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace galop {

namespace {

#if defined(_MSC_VER) && defined(_M_X64)
// Bits of CPUID leaves 1 and 7, and of XCR0, which says what the operating system saves.
bool has_avx2() {
  int leaf[4];
  __cpuid(leaf, 1);
  if ((leaf[2] & (1 << 27)) == 0 || (leaf[2] & (1 << 12)) == 0 || (leaf[2] & (1 << 29)) == 0) return false;
  if ((_xgetbv(0) & 6) != 6) return false;
  __cpuidex(leaf, 7, 0);
  return leaf[1] & (1 << 5);
}
bool has_avx512() {
  if (!has_avx2() || (_xgetbv(0) & 0xe6) != 0xe6) return false;
  int leaf[4];
  __cpuidex(leaf, 7, 0);
  const int f_dq_bw_vl = (1 << 16) | (1 << 17) | (1 << 30) | (1 << 31);
  return (leaf[1] & f_dq_bw_vl) == f_dq_bw_vl && (leaf[2] & (1 << 11));
}
#elif defined(__x86_64__)
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}
#if defined(GALOP_AMX)
// Linux saves what is in tiles for processes that asked for it.
bool has_amx() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;
  static const bool has = has_avx512() && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") &&
                          syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return has;
}
#endif
#elif defined(__linux__) && defined(__aarch64__)
bool has_dotprod() { return getauxval(AT_HWCAP) & (1 << 20); }
bool has_i8mm() { return has_dotprod() && (getauxval(AT_HWCAP2) & (1 << 13)); }
#elif defined(__APPLE__) && defined(__aarch64__)
bool has_dotprod() { return true; }  // every Apple M processor
bool has_i8mm() { return false; }    // M1 lacks it, and sdot is as fast on the others
#elif defined(__aarch64__)
bool has_dotprod() { return false; }
bool has_i8mm() { return false; }
#endif

double seconds_of(Pool& pool, const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  pool.run(body);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

#if defined(__x86_64__) && defined(__GNUC__)
// Inline assembly, since a compiler merges a loop of equal intrinsics.
constexpr int64_t kDotRounds = 4'000'000;
constexpr int kDotsPerRound = 12;

#define GALOP_DOT(n) "vpdpbusd %%zmm12, %%zmm13, %%zmm" #n "\n"
void dots_avx512() {
  for (int64_t i = 0; i < kDotRounds; ++i)
    asm volatile(GALOP_DOT(0) GALOP_DOT(1) GALOP_DOT(2) GALOP_DOT(3) GALOP_DOT(4) GALOP_DOT(5) GALOP_DOT(6) GALOP_DOT(7)
                     GALOP_DOT(8) GALOP_DOT(9) GALOP_DOT(10) GALOP_DOT(11)::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12", "xmm13");
}
#undef GALOP_DOT

// Without a dot-product instruction the least is a product of bytes and an addition of 16-bit words.
#define GALOP_DOT(n, s) "vpmaddubsw %%ymm12, %%ymm13, %%ymm" #n "\n vpaddw %%ymm" #n ", %%ymm" #s ", %%ymm" #s "\n"
void dots_avx2() {
  for (int64_t i = 0; i < kDotRounds; ++i)
    asm volatile(GALOP_DOT(0, 6) GALOP_DOT(1, 7) GALOP_DOT(2, 8) GALOP_DOT(3, 9) GALOP_DOT(4, 10) GALOP_DOT(5, 11)
                     GALOP_DOT(0, 6) GALOP_DOT(1, 7) GALOP_DOT(2, 8) GALOP_DOT(3, 9) GALOP_DOT(4, 10) GALOP_DOT(5, 11)::
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12", "xmm13");
}
#undef GALOP_DOT

#if defined(GALOP_AMX)
constexpr int64_t kTileRounds = 200'000;
constexpr int kProductsPerRound = 4, kProductDots = 16 * 16 * 64;

void products_amx() {
  struct alignas(64) {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16};
  } static const shapes;
  asm volatile("ldtilecfg %0" ::"m"(shapes));
  for (int64_t i = 0; i < kTileRounds; ++i)
    asm volatile("tdpbssd %tmm4, %tmm5, %tmm0\n tdpbssd %tmm4, %tmm5, %tmm1\n tdpbssd %tmm4, %tmm5, %tmm2\n"
                 "tdpbssd %tmm4, %tmm5, %tmm3");
  asm volatile("tilerelease");
}
#endif
#endif

}  // namespace

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> sets;
#if defined(__x86_64__) || defined(_M_X64)
#if defined(GALOP_AMX)
  if (has_amx()) sets.push_back(&amx::kernels);
#endif
  if (has_avx512()) sets.push_back(&avx512::kernels);
  if (has_avx2()) sets.push_back(&avx2::kernels);
#elif defined(__aarch64__) && defined(GALOP_NEON)
  if (has_i8mm()) sets.push_back(&i8mm::kernels);
  if (has_dotprod()) sets.push_back(&neon::kernels);
#endif
  sets.push_back(&portable::kernels);
  return sets;
}

uint64_t sum_words(const uint8_t* data, int64_t bytes, bool hints) {
  const auto* words = reinterpret_cast<const uint64_t*>(data);
  uint64_t sums[8] = {}, sum = 0;
  for (int64_t i = 0; i < bytes / 8; i += 8) {
#if defined(__GNUC__)
    if (hints) {  // as the kernels do
      __builtin_prefetch(words + i + 1024, 0, 2);
      __builtin_prefetch(words + i + 80, 0, 3);
    }
#endif
    for (int j = 0; j < 8; ++j) sums[j] += words[i + j];
  }
  for (uint64_t s : sums) sum += s;
  return sum;
}

double read_bandwidth(const uint8_t* data, int64_t bytes, int threads) {
  Pool pool(threads);
  pool.run([] {});
  constexpr int64_t chunk = 256 * 1024;
  const int64_t chunks = bytes / chunk;
  std::atomic<uint64_t> sink{0};
  double best = 0;
  for (bool hints : {true, false}) {
    const double seconds = seconds_of(pool, [&] {
      uint64_t sum = 0;
      pool.share(chunks, [&](int64_t c) { sum += sum_words(data + c * chunk, chunk, hints); });
      sink += sum;
    });
    best = std::max(best, static_cast<double>(chunks * chunk) / seconds);
  }
  return best;
}

double int8_peak(int threads, const Kernels* kernels) {
  if (!kernels) kernels = available_kernels().front();
#if defined(__x86_64__) && defined(__GNUC__)
  if (kernels == &portable::kernels) return 0;
  void (*dots)() = dots_avx2;
  double each = static_cast<double>(kDotRounds) * kDotsPerRound * 32;
  if (kernels == &avx512::kernels) {
    dots = dots_avx512;
    each *= 2;
  }
#if defined(GALOP_AMX)
  if (kernels == &amx::kernels) {
    dots = products_amx;
    each = static_cast<double>(kTileRounds) * kProductsPerRound * kProductDots;
  }
#endif
  Pool pool(threads);
  double best = 0;  // a peak is what the machine can do when nothing disturbs it
  for (int round = 0; round < 5; ++round) {
    const double seconds = seconds_of(pool, [&] { pool.share(threads, [dots](int64_t) { dots(); }); });
    best = std::max(best, threads * each / seconds);
  }
  return best;
#else
  (void)threads;
  return 0;
#endif
}

}  // namespace galop
