// How fast each quant type is multiplied, in bytes of its file per second, as a share of the speed of reading:
//
//   build/native/kernel_bench [--threads 2] [--rounds 5] [--isa avx2] [Q4_K Q2_K ...]
//
// From memory: one column and a matrix much larger than any cache. From cache: the same with 384 KiB. Wide: 128
// columns, in int8 multiply-adds per second as a share of the peak. Types take turns in every round; medians are shown.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "activations.h"
#include "machine.h"
#include "pool.h"
#include "random_blocks.h"

using namespace galop;

namespace {

constexpr int64_t kCols = 4096, kMemory = 192 << 20, kCache = 384 << 10, kWide = 128;

double now(int threads) {
  if (threads == 1) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Bench {
  const Layout* shape;
  std::vector<uint8_t> panels;  // of kMemory bytes of source
  std::vector<double> memory, cache, wide;

  int64_t rows(int64_t source_bytes) const {
    const int64_t row = kCols / shape->block * shape->source_bytes;
    return std::max<int64_t>(1, source_bytes / row / kRows) * kRows;
  }
  int64_t source_bytes(int64_t rows) const { return rows * (kCols / shape->block) * shape->source_bytes; }

  explicit Bench(const Layout& s) : shape(&s) {
    Random random;
    const auto source = blocks(shape->quant_type, kRows, kCols, random);
    const Panels one{shape->quant_type, kRows, kCols, nullptr};
    std::vector<uint8_t> panel(one.panel_bytes());
    pack_panel(shape->quant_type, source.data(), kRows, kCols, 0, panel.data());
    for (int64_t i = 0; i < rows(kMemory); i += kRows) panels.insert(panels.end(), panel.begin(), panel.end());
  }

  // Seconds of one product.
  double run(const Kernels& k, Pool& pool, int64_t rows, int64_t columns, int repeats) const {
    const Panels w{shape->quant_type, rows, kCols, panels.data()};
    Random random;
    const auto x = random.reals(columns * kCols);
    std::vector<ActivationGroup> acts(columns * w.groups());
    for (int64_t c = 0; c < columns; ++c)
      k.quantize(x.data() + c * kCols, kCols, acts.data() + activation_index(c, w.groups(), k.tile),
                 tile_width(c, columns, k.tile));
    std::vector<float> out(columns * rows);
    const int64_t each = claimed_panels(w, w.bytes(), columns, pool.threads());
    const double start = now(pool.threads());
    pool.run([&] {
      for (int i = 0; i < repeats; ++i) {
        for (int64_t c; (c = pool.claim((w.panels() + each - 1) / each)) >= 0;)
          k.matmul(w, c * each, std::min((c + 1) * each, w.panels()), {acts.data(), columns, w.groups()}, nullptr,
                   out.data(), rows);
        pool.barrier();
      }
    });
    return (now(pool.threads()) - start) / repeats;
  }
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 1, rounds = 5;
  std::string isa;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--threads" && i + 1 < argc)
      threads = std::atoi(argv[++i]);
    else if (word == "--rounds" && i + 1 < argc)
      rounds = std::atoi(argv[++i]);
    else if (word == "--isa" && i + 1 < argc)
      isa = argv[++i];
    else
      names.push_back(word);
  }
  const Kernels* k = available_kernels().front();
  for (const Kernels* set : available_kernels())
    if (isa == set->name) k = set;
  Pool pool(threads);
  std::vector<double> bandwidth, peak;
  std::vector<Bench> benches;
  for (const Layout& shape : kLayouts)
    if (shape.quant_type != QuantType::F32 &&
        (names.empty() || std::find(names.begin(), names.end(), shape.name) != names.end()))
      benches.emplace_back(shape);
  for (int round = 0; round < rounds; ++round) {
    if (benches.empty()) break;
    const auto& data = benches[0].panels;
    const double start = now(threads);
    read_bandwidth(data.data(), static_cast<int64_t>(data.size()), threads);
    bandwidth.push_back(static_cast<double>(data.size()) / (now(threads) - start));
    peak.push_back(int8_peak(threads));
    for (Bench& b : benches) {
      const int64_t large = b.rows(kMemory), small = b.rows(kCache);
      b.memory.push_back(b.source_bytes(large) / b.run(*k, pool, large, 1, 1));
      b.cache.push_back(b.source_bytes(small) / b.run(*k, pool, small, 1, 200));
      b.wide.push_back(512.0 * kCols * kWide / b.run(*k, pool, 512, kWide, 1));
    }
  }
  std::printf("%s, %d threads: reading %.1f GB/s, int8 peak %.0f G/s\n", k->name, threads, median(bandwidth) * 1e-9,
              median(peak) * 1e-9);
  std::printf("%-8s %12s %8s %12s %12s %8s\n", "", "memory GB/s", "of roof", "cache GB/s", "wide G/s", "of peak");
  for (const Bench& b : benches)
    std::printf("%-8s %12.1f %7.0f%% %12.1f %12.0f %7.0f%%\n", b.shape->name, median(b.memory) * 1e-9,
                100 * median(b.memory) / median(bandwidth), median(b.cache) * 1e-9, median(b.wide) * 1e-9,
                100 * median(b.wide) / std::max(1.0, median(peak)));
}
