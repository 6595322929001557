// How fast attention is, by shape and kind of keys and values:
//
//   build/native/attention_bench [--isa avx2] [--rounds 5] [Qwen3-4B]
//
// One token's queries, from memory (28 layers in each block) and from cache, in bytes of keys and values per second; and
// a tile of a prompt, in products per second as a share of the best reading of the int8 peak. One thread, its own
// processor time; medians are shown.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "block_store.h"
#include "kernels.h"
#include "machine.h"
#include "random_blocks.h"

using namespace galop;

namespace {

struct Shape {
  const char* name;
  int64_t dim, heads, group;
};
constexpr Shape kShapes[] = {
    {"1.5B", 128, 2, 6}, {"Qwen3-4B", 128, 8, 4}, {"E2B", 512, 1, 8}, {"Qwen3.5-4B", 256, 4, 4}, {"SmolLM2", 64, 3, 3}};
constexpr int64_t kLayers = 28, kLength = 4096;

double now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

struct Bench {
  const Shape& shape;
  bool int8;
  BlockStore store;
  std::vector<const uint8_t*> table;
  std::vector<double> memory{}, cache{}, wide{};

  int64_t head_bytes() const { return kv_bytes(shape.dim, int8); }
  int64_t layer_bytes() const { return 2 * shape.heads * head_bytes(); }

  Bench(const Kernels& k, const Shape& s, bool i) : shape(s), int8(i), store(kLayers * layer_bytes()) {
    Random random;
    const KVKernels& to = int8 ? k.int8 : k.f16;
    const auto x = random.reals(shape.dim * kBlockTokens);
    std::vector<uint8_t> keys(head_bytes()), values(head_bytes());
    for (int t = 0; t < kBlockTokens; ++t) {
      to.store_key(x.data() + t * shape.dim, keys.data(), t, shape.dim);
      to.store_value(x.data() + t * shape.dim, values.data(), t, shape.dim);
    }
    for (int64_t b = 0; b < kLength / kBlockTokens; ++b) {
      uint8_t* block = store.block(store.allocate());
      table.push_back(block);
      for (int64_t at = 0; at < store.block_bytes(); at += layer_bytes())
        for (int64_t h = 0; h < shape.heads; ++h) {
          std::copy(keys.begin(), keys.end(), block + at + h * head_bytes());
          std::copy(values.begin(), values.end(), block + at + (shape.heads + h) * head_bytes());
        }
    }
  }

  // Seconds for queries of `tokens` tokens, which see keys [0, length) of all heads of `layers` layers.
  double run(const Kernels& k, int64_t tokens, int64_t layers, int64_t heads, int64_t length, int repeats) {
    Random random;
    const auto queries = random.reals(kMaxQueries * shape.dim);
    const int64_t groups = query_groups(shape.dim, int8);
    std::vector<ActivationGroup> codes(kMaxQueries * groups);
    std::vector<float> part(kMaxQueries * (kPartHead + shape.dim)), total(part.size()), out(kMaxQueries * shape.dim);
    Attend job{};
    job.count = static_cast<int>(tokens * shape.group);
    job.head_dim = job.value_dim = shape.dim;
    job.int8 = int8;
    job.scale = 0.01f;
    job.chunk = kChunk;
    job.blocks = table.data();
    for (int i = 0; i < job.count; ++i) {
      k.encode_query(queries.data() + i * shape.dim, shape.dim, int8, codes.data() + i * groups);
      job.codes[i] = codes.data() + i * groups;
      job.outputs[i] = out.data() + i * shape.dim;
      job.ends[i] = length;
      job.sinks[i] = -INFINITY;
    }
    const double start = now();
    for (int repeat = 0; repeat < repeats; ++repeat)
      for (int64_t layer = 0; layer < layers; ++layer)
        for (int64_t h = 0; h < heads; ++h) {
          job.key_offset = layer * layer_bytes() + h * head_bytes();
          job.value_offset = job.key_offset + shape.heads * head_bytes();
          for (int64_t chunk = 0; chunk * kChunk < length; ++chunk) {
            const bool last = (chunk + 1) * kChunk >= length;
            job.next = last ? nullptr : table.data() + (chunk + 1) * kChunk / kBlockTokens;
            k.attend(job, chunk, part.data());
            k.merge(job, chunk, part.data(), total.data());
          }
          k.finish(job, total.data());
        }
    return (now() - start) / repeats;
  }
};

}  // namespace

int main(int argc, char** argv) {
  int rounds = 5;
  std::string isa, only;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--rounds" && i + 1 < argc)
      rounds = std::atoi(argv[++i]);
    else if (word == "--isa" && i + 1 < argc)
      isa = argv[++i];
    else
      only = word;
  }
  const Kernels* k = available_kernels().front();
  for (const Kernels* set : available_kernels())
    if (isa == set->name) k = set;
  std::vector<double> peak, bandwidth;
  std::vector<uint8_t> data(256 << 20, 1);
  std::printf("%s\n%-18s %12s %12s %10s %8s\n", k->name, "", "memory GB/s", "cache GB/s", "wide G/s", "of peak");
  for (const Shape& shape : kShapes)
    for (bool int8 : {false, true}) {
      if (!only.empty() && only != shape.name) continue;
      Bench bench(*k, shape, int8);
      const double head = 2.0 * static_cast<double>(bench.head_bytes()) / kBlockTokens;
      for (int round = 0; round < rounds; ++round) {
        peak.push_back(int8_peak(1));
        const double start = now();
        read_bandwidth(data.data(), static_cast<int64_t>(data.size()), 1);
        bandwidth.push_back(static_cast<double>(data.size()) / (now() - start));
        const double bytes = head * kLength * static_cast<double>(shape.heads * kLayers);
        bench.memory.push_back(bytes / bench.run(*k, 1, kLayers, shape.heads, kLength, 1));
        bench.cache.push_back(head * 512 / bench.run(*k, 1, 1, 1, 512, 50));
        const int64_t tokens = kMaxQueries / shape.group;
        bench.wide.push_back(2.0 * static_cast<double>(shape.dim * shape.group * tokens * kLength) /
                             bench.run(*k, tokens, 1, 1, kLength, 1));
      }
      const double wide = median(bench.wide);
      std::printf("%-12s %-5s %12.1f %12.1f %10.0f %7.0f%%\n", shape.name, int8 ? "int8" : "f16",
                  median(bench.memory) * 1e-9, median(bench.cache) * 1e-9, wide * 1e-9,
                  100 * wide / *std::max_element(peak.begin(), peak.end()));
    }
  std::printf("reading %.1f GB/s, int8 peak %.0f G/s\n", median(bandwidth) * 1e-9,
              *std::max_element(peak.begin(), peak.end()) * 1e-9);
}
