// Attention of every kind, on kernels and through the executor.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "checks.h"
#include "program.h"

namespace galop {
namespace {

// What the tests below ask of attention.
struct Asked {
  int dim = 64, value_dim = 64;
  bool int8 = false;
  int64_t window = 0;  // 0 for none
  float softcap = 0;
  bool sinks = false;
  int rotated = 0;  // of latent attention, whose values are value_dim wide
};

// Attention of `count` queries, the first of which sees `length` keys and each next one key less.
std::vector<float> attended(const Kernels& set, const Asked& asked, const std::vector<const uint8_t*>& table,
                            int64_t value_offset, const std::vector<float>& queries, int count, int64_t length) {
  const bool latent = asked.rotated > 0;
  const int64_t groups =
      latent ? 2 * latent_groups(asked.value_dim, asked.rotated) : query_groups(asked.dim, asked.int8);
  LatentWork work;
  std::vector<ActivationGroup> codes(count * groups);
  std::vector<float> out(count * asked.value_dim), part(count * (kPartHead + asked.value_dim)), total(part.size());
  Attend job{};
  job.count = count;
  job.head_dim = latent ? asked.rotated : asked.dim;
  job.value_dim = asked.value_dim;
  job.int8 = asked.int8;
  job.scale = 0.125f;
  job.softcap = asked.softcap;
  job.chunk = latent ? kLatentChunk : kChunk;
  job.blocks = table.data();
  job.key_offset = 0;
  job.value_offset = value_offset;
  for (int i = 0; i < count; ++i) {
    const float* query = queries.data() + i * asked.dim;
    ActivationGroup* to = codes.data() + i * groups;
    if (latent)
      set.encode_latent_query(query, asked.value_dim, query + asked.value_dim, asked.rotated, to);
    else
      set.encode_query(query, asked.dim, asked.int8, to);
    job.codes[i] = to;
    job.outputs[i] = out.data() + i * asked.value_dim;
    job.ends[i] = std::max<int64_t>(1, length - i);
    job.begins[i] = asked.window ? std::max<int64_t>(0, job.ends[i] - asked.window) : 0;
    job.sinks[i] = asked.sinks ? 0.3f * static_cast<float>(i) - 2 : -INFINITY;
  }
  for (int64_t chunk = 0; chunk * job.chunk < length; ++chunk) {
    if (latent)
      set.attend_latent(job, chunk, work, part.data());
    else
      set.attend(job, chunk, part.data());
    set.merge(job, chunk, part.data(), total.data());
  }
  set.finish(job, total.data());
  return out;
}

// Against the portable set byte for byte, and one query as many; where a window has passed, blocks are not read.
void test_attention(const Kernels& k, const Asked& asked) {
  Random random;
  const Kernels& p = portable::kernels;
  const bool latent = asked.rotated > 0;
  const std::string what = std::string(k.name) + (latent ? " latent" : "") + (asked.int8 ? " int8" : "") + " attend";
  const int64_t key_bytes = latent ? 0 : kv_bytes(asked.dim, asked.int8);
  const int64_t bytes = latent ? row_bytes(asked.value_dim, asked.rotated, asked.int8)
                               : key_bytes + kv_bytes(asked.value_dim, asked.int8);
  const bool all = asked.dim < 512 && asked.window == 0;  // the rest differ in less
  const int most = latent ? kMaxLatentQueries : kMaxQueries;
  for (int count : all ? std::vector{1, 2, 3, 4, 5, 7, 8, 13, most} : std::vector{1, 5, most})
    for (int length : all ? std::vector{1, 15, 16, 17, 32, 33, 511, 512, 513, 700, 1100} : std::vector{1, 33, 700}) {
      const int64_t blocks = (length + kBlockTokens - 1) / kBlockTokens;
      std::vector<uint8_t> memory(blocks * bytes, 0), memory_p = memory;
      const int64_t first = asked.window ? std::max<int64_t>(0, length - count + 1 - asked.window) : 0;
      std::vector<const uint8_t*> table;
      for (int64_t i = 0; i < blocks; ++i)
        table.push_back(i < first / kBlockTokens ? nullptr : memory.data() + i * bytes);
      for (int64_t t = 0; t < length; ++t) {
        const auto key = random.reals(asked.dim), value = random.reals(asked.value_dim);
        for (auto [set, to] : {std::pair{&k, &memory}, std::pair{&p, &memory_p}}) {
          const KVKernels& store = asked.int8 ? set->int8 : set->f16;
          uint8_t* block = to->data() + t / kBlockTokens * bytes;
          const int slot = t % kBlockTokens;
          if (latent) {
            store.store_row(key.data(), asked.value_dim, key.data() + asked.value_dim, asked.rotated, block, slot);
          } else {
            store.store_key(key.data(), block, slot, asked.dim);
            store.store_value(value.data(), block + key_bytes, slot, asked.value_dim);
          }
        }
      }
      same(memory, memory_p, what + ": keys and values in blocks");
      const auto queries = random.reals(count * asked.dim);
      auto run = [&](const Kernels& set) { return attended(set, asked, table, key_bytes, queries, count, length); };
      const auto ours = run(k);
      same(ours, run(p), what);
      same(std::vector<float>(ours.begin(), ours.begin() + asked.value_dim),
           attended(k, asked, table, key_bytes, queries, 1, length), what + ": alone");
      absorb(ours.data(), ours.size() * 4);
    }
}

// Attention over more than a chunk, of every kind, in a batch as in steps: threads that share chunks out give the same.
void test_long_attention(const Kernels& k, bool int8) {
  Random random;
  const int64_t width = 64, heads = 2, dim = 32, rotated = 32, vocabulary = 50;
  std::vector<Packed> store;
  for (int64_t rows : {vocabulary, heads * dim, dim, dim, heads * rotated, rotated})
    store.push_back(packed(QuantType::Q8_0, rows, width, random));
  std::vector<Panels> matrices;
  for (const Packed& p : store) matrices.push_back(p.panels);
  const auto attention = [&](std::vector<int> in, int out, int64_t state, int64_t window, int64_t chunk, int sinks) {
    const std::vector<int> vectors = in.size() == 1 ? std::vector{-1, -1, sinks} : std::vector{sinks};
    return Step{"attention",
                in,
                {out},
                {},
                vectors,
                {{"state", state},
                 {"heads", heads},
                 {"kv_heads", int64_t{1}},
                 {"head_dim", dim},
                 {"scale", 0.2},
                 {"window", window},
                 {"chunk", chunk},
                 {"softcap", sinks < 0 ? 0.0 : 3.0},
                 {"causal", true},
                 {"wanted", false},
                 {"until", int64_t{0}}}};
  };
  const std::vector<Buffer> buffers = {
      {width, false},   {width, false}, {dim, false},  {dim, false}, {heads * rotated, false},
      {rotated, false}, {width, false}, {width, true}, {width, true}};
  const std::vector<Step> steps = {
      {"embed", {}, {0}, {0}, {}, {{"scale", 1.0}, {"placeholder", int64_t{-1}}}},
      {"linears", {0}, {1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}, {-1, -1, -1, -1, -1}, {}},
      attention({1, 2, 3}, 6, 0, 0, 0, -1),
      {"add", {0, 6}, {0}, {}, {}, {}},
      attention({1}, 6, 0, 0, 0, 0),
      {"add", {0, 6}, {0}, {}, {}, {}},
      attention({1, 2, 3}, 6, 1, 300, 0, 0),
      {"add", {0, 6}, {0}, {}, {}, {}},
      attention({1, 2, 3}, 6, 2, 0, 530, -1),
      {"add", {0, 6}, {0}, {}, {}, {}},
      {"latent_attention", {1, 4, 3, 5}, {6}, {}, {}, {{"state", int64_t{3}}, {"heads", heads}, {"scale", 0.3}}},
      {"add", {0, 6}, {0}, {}, {}, {}},
      {"rows", {0}, {7}, {}, {}, {}},
      {"add", {7, 7}, {8}, {}, {}, {}},
  };
  const int64_t tokens = 560, kv = 2 * kv_bytes(dim, int8), row = row_bytes(dim, rotated, int8);
  std::vector<int32_t> ids(tokens), positions(tokens), sequences(tokens, 0), rows(tokens);
  for (int i = 0; i < tokens; ++i) {
    ids[i] = static_cast<int32_t>(random.bits() % vocabulary);
    positions[i] = rows[i] = i;
  }
  std::vector<float> expected;
  for (auto [threads, sizes] :
       {std::pair{1, std::vector<int64_t>{560}}, std::pair{3, std::vector<int64_t>{200, 200, 157, 3}},
        std::pair{5, std::vector<int64_t>{31, 524, 1, 4}}}) {
    Program program(buffers, steps, {{0, 0, int8}, {1, 0, int8}, {0, kv, int8}, {0, 2 * kv, int8}}, matrices,
                    {std::vector<float>{0.3f, -0.4f}}, k, threads);
    BlockStore blocks(2 * kv + row), near(kv);
    std::vector<int64_t> table, window;
    for (int64_t i = 0; i * kBlockTokens < tokens; ++i) {
      table.push_back(blocks.allocate());
      window.push_back(near.allocate());
    }
    std::vector<float> out(tokens * width);
    int64_t begin = 0;
    for (int64_t n : sizes) {
      for (int64_t i = 0; i < (begin + 1 - 300) / kBlockTokens; ++i) window[i] = kNoBlock;  // which nobody sees again
      const Batch batch{&ids[begin], &positions[begin], &sequences[begin], n, {{table}, {window}}, &rows[0], n};
      check(program.forward(batch, {&blocks, &near}, out.data() + begin * width), "forward");
      begin += n;
    }
    if (expected.empty()) expected = out;
    same(out, expected, std::string(k.name) + " long attention, threads " + std::to_string(threads));
  }
  for (float x : expected) check(std::isfinite(x), "finite results");
  absorb(expected.data(), expected.size() * 4);
}

}  // namespace

void test_attention(const Kernels& k) {
  for (int dim : {16, 64, 128, 512}) test_attention(k, {dim, dim});
  for (int dim : {32, 64, 128, 512}) test_attention(k, {dim, dim, true});
  for (bool int8 : {false, true})
    for (int64_t window : {1, 20, 64, 600}) test_attention(k, {64, 96, int8, window});
  test_attention(k, {64, 64, false, 0, 5, true});
  test_attention(k, {32, 64, true, 40, 0, true});
  for (bool int8 : {false, true}) {
    for (int rotated : {16, 64}) test_attention(k, {96 + rotated, 96, int8, 0, 0, false, rotated});
    test_attention(k, {112, 80, int8, 0, 0, false, 32});
    test_attention(k, {640, 512, int8, 0, 0, false, 128});
  }
  for (bool int8 : {false, true}) test_long_attention(k, int8);
}

}  // namespace galop
