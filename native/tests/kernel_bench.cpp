// How fast each quant type is multiplied, in bytes of its file per second:
//
//   build/native/kernel_bench [--threads 2] [--rounds 5] [--isa avx2] [--json] [Q4_K Q2_K ...]
//
// From memory: a matrix much larger than any cache. From cache: one that fits the last level alone. Both beside the speed
// of reading as much, before and after, of which the better counts. bench/kernels.py makes a table of `--json`.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "activations.h"
#include "machine.h"
#include "pool.h"
#include "random_blocks.h"

using namespace galop;

namespace {

constexpr int64_t kCols = 4096, kMemory = 96 << 20, kCache = 6 << 20, kPage = 2 << 20;
constexpr int64_t kPanels = 2 * kMemory;  // no panels are twice as large as their source
constexpr int64_t kColumns[] = {1, 2, 4, 8, 16, 32, 512};
constexpr int64_t kFromMemory = 32;  // columns; for more, arithmetic takes all the time
constexpr int kWidths = static_cast<int>(std::size(kColumns));

double now(int threads) {
  if (threads == 1) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// In large pages, as weights are.
struct Pages {
  explicit Pages(int64_t bytes) : start(static_cast<uint8_t*>(std::aligned_alloc(kPage, bytes))) {
#if defined(__linux__)
    madvise(start.get(), static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
  }
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };
  std::unique_ptr<uint8_t[], Free> start;
};

struct Bench {
  const Kernels& kernels;
  Pool pool;
  int threads;
  Pages pages{kPanels};

  // Bytes per second of reading so many, over and over until kMemory were read, in the faster of two ways.
  double read(int64_t bytes) {
    const int64_t repeats = std::max<int64_t>(1, kMemory / bytes);
    double best = 0;
    for (bool ahead : {true, false}) {
      if (bytes < kMemory) read_once(bytes, ahead);
      const double start = now(threads);
      for (int64_t i = 0; i < repeats; ++i) read_once(bytes, ahead);
      best = std::max(best, static_cast<double>(repeats * bytes) / (now(threads) - start));
    }
    return best;
  }

  // Bytes of source per second of products of [columns, kCols] with a matrix of so many.
  double multiply(const Layout& shape, int64_t bytes, int64_t columns, bool hints) {
    const int64_t row = kCols / shape.block * shape.source_bytes;
    const int64_t rows = std::max<int64_t>(1, bytes / row / kRows) * kRows;
    const Panels w{shape.quant_type, rows, kCols, pages.start.get()};
    Random random;
    const auto x = random.reals(columns * kCols);
    std::vector<ActivationGroup> acts(columns * w.groups());
    for (int64_t c = 0; c < columns; ++c)
      kernels.quantize(x.data() + c * kCols, kCols, acts.data() + activation_index(c, w.groups(), kernels.tile),
                       tile_width(c, columns, kernels.tile));
    std::vector<float> out(columns * rows);
    const int64_t each = claimed_panels(w, w.bytes(), columns, threads);
    const auto once = [&] {
      pool.share((w.panels() + each - 1) / each, [&](int64_t c) {
        kernels.matmul(w, c * each, std::min((c + 1) * each, w.panels()), {acts.data(), columns, w.groups(), hints},
                       nullptr, out.data(), rows);
      });
    };
    const int64_t repeats = std::max<int64_t>(1, kMemory / bytes / (columns < 64 ? 2 : 16));
    if (bytes < kMemory) pool.run(once);
    const double start = now(threads);
    for (int64_t i = 0; i < repeats; ++i) pool.run(once);
    return static_cast<double>(repeats * rows * row) / (now(threads) - start);
  }

  void fill(const Layout& shape) {
    Random random;
    auto source = blocks(shape.quant_type, kRows, kCols, random);
    if (shape.scales == Scales::kPower)  // no model has subnormal scales, which an Intel core takes long for
      for (size_t at = 0; at < source.size(); at += shape.source_bytes) source[at] |= 64;
    const Panels one{shape.quant_type, kRows, kCols, nullptr};
    const int64_t size = one.panel_bytes(), all = kPanels / size;
    pack_panel(shape.quant_type, source.data(), kRows, kCols, 0, pages.start.get());
    for (int64_t i = 1; i < all; ++i) std::memcpy(pages.start.get() + i * size, pages.start.get(), size);
  }

 private:
  void read_once(int64_t bytes, bool ahead) {
    constexpr int64_t chunk = 256 * 1024;
    pool.run([&] {
      uint64_t sum = 0;
      pool.share(bytes / chunk, [&](int64_t c) { sum += sum_words(pages.start.get() + c * chunk, chunk, ahead); });
      volatile uint64_t sink = sum;
      (void)sink;
    });
  }
};

// Of one quant type, a value a round.
struct Speeds {
  std::vector<double> read_memory, read_cache, memory[kWidths], cache[kWidths];
};

Speeds measure(Bench& bench, const Layout& shape, int rounds) {
  Speeds out;
  bench.fill(shape);
  for (int round = 0; round < rounds; ++round) {
    const double memory = bench.read(kMemory), cache = bench.read(kCache);
    for (int i = 0; i < kWidths; ++i) {
      const auto multiply = [&](int64_t bytes) {  // one column in the faster of both ways, as the executor does
        const double speed = bench.multiply(shape, bytes, kColumns[i], true);
        return kColumns[i] > 1 ? speed : std::max(speed, bench.multiply(shape, bytes, 1, false));
      };
      if (kColumns[i] <= kFromMemory) out.memory[i].push_back(multiply(kMemory));
      out.cache[i].push_back(multiply(kCache));
    }
    out.read_memory.push_back(std::max(memory, bench.read(kMemory)));
    out.read_cache.push_back(std::max(cache, bench.read(kCache)));
  }
  return out;
}

void print_json(const char* key, const std::vector<double> (&speeds)[kWidths]) {
  std::printf("\"%s\": {", key);
  for (int i = 0; i < kWidths; ++i)
    if (!speeds[i].empty())
      std::printf("%s\"%lld\": %.3f", i ? ", " : "", static_cast<long long>(kColumns[i]), median(speeds[i]) * 1e-9);
  std::printf("}");
}

void print_row(const char* what, const std::vector<double> (&speeds)[kWidths], const std::vector<double>& read) {
  std::printf("  %-7s read %5.1f |", what, median(read) * 1e-9);
  for (const auto& s : speeds)
    if (!s.empty()) std::printf(" %6.1f", median(s) * 1e-9);
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 1, rounds = 5;
  bool json = false;
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
    else if (word == "--json")
      json = true;
    else
      names.push_back(word);
  }
  const Kernels* k = available_kernels().front();
  for (const Kernels* set : available_kernels())
    if (isa == set->name) k = set;
  Bench bench{*k, Pool(threads), threads};
  const double peak = int8_peak(threads, k);
  std::printf(json ? "{\"isa\": \"%s\", \"threads\": %d, \"peak\": %.1f, \"kinds\": {"
                   : "%s, %d threads, int8 peak %.0f G/s; GB/s of the file's bytes at 1, 2, 4, 8, 16, 32, 512 columns\n",
              k->name, threads, peak * 1e-9);
  bool first = true;
  for (const Layout& shape : kLayouts) {
    if (shape.quant_type == QuantType::F32) break;
    if (!names.empty() && std::find(names.begin(), names.end(), shape.name) == names.end()) continue;
    const Speeds s = measure(bench, shape, rounds);
    if (json) {
      std::printf("%s\"%s\": {\"bytes\": %.6f, \"read_memory\": %.3f, \"read_cache\": %.3f, ", first ? "" : ", ",
                  shape.name, static_cast<double>(shape.source_bytes) / shape.block, median(s.read_memory) * 1e-9,
                  median(s.read_cache) * 1e-9);
      print_json("memory", s.memory);
      std::printf(", ");
      print_json("cache", s.cache);
      std::printf("}");
    } else {
      std::printf("%-8s", shape.name);
      print_row("memory", s.memory, s.read_memory);
      print_row("cache", s.cache, s.read_cache);
      std::printf("\n");
    }
    std::fflush(stdout);
    first = false;
  }
  if (json) std::printf("}}\n");
}
