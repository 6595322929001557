// Every kernel of every instruction set against the portable one, byte for byte, and the executor under any number of
// threads. Runs under the sanitizers and, cross-compiled, under qemu. Prints a checksum of all results, which is the
// same on every architecture.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "activations.h"
#include "checks.h"
#include "machine.h"
#include "program.h"
#include "sample.h"

using namespace galop;

namespace {

// Of all results below. It changes only when the tests or the pinned arithmetic do.
constexpr uint64_t kChecksum = 0x4f18685217d75b4aull;

std::vector<ActivationGroup> quantised(const Kernels& k, const std::vector<float>& x, int64_t columns, int64_t cols) {
  const int64_t groups = cols / kGroup;
  std::vector<ActivationGroup> acts(columns * groups);
  for (int64_t c = 0; c < columns; ++c) {
    const int64_t tile = c / k.tile * k.tile, width = std::min<int64_t>(k.tile, columns - tile);
    k.quantize(x.data() + c * cols, cols, acts.data() + tile * groups + (c - tile), width);
  }
  return acts;
}

void test_matmul(const Kernels& k) {
  Random random;
  for (int quant_type = 0; quant_type < static_cast<int>(QuantType::F32); ++quant_type)
    for (int64_t rows : {1, 15, 16, 50, 150})
      for (int64_t columns : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 35, 130}) {
        if ((rows == 150) != (columns == 130) && columns != 9) continue;  // the most panels with the most columns
        // The longer one takes several stretches of the inner dimension.
        const int64_t cols = columns == 8 || columns > 9 ? 1280 : 256;
        const Packed w = packed(static_cast<QuantType>(quant_type), rows, cols, random);
        const auto x = random.reals(columns * cols), bias = random.reals(rows);
        auto run = [&](const Kernels& set) {
          const auto acts = quantised(set, x, columns, cols);
          // A guard behind the last row: stores past `rows` would show.
          std::vector<float> out(columns * rows + 16, 12345.0f);
          set.matmul(w.panels, 0, w.panels.panels(), {acts.data(), columns, cols / kGroup}, bias.data(), out.data(),
                     rows);
          return out;
        };
        const auto ours = run(k);
        same(ours, run(portable::kernels), std::string(k.name) + " matmul " + kLayouts[quant_type].name);
        check(ours.back() == 12345.0f, "matmul wrote past its rows");
        absorb(ours.data(), ours.size() * 4);
        if (columns > 1) continue;
        // Against the definition, in double: dequantised weights times dequantised activations.
        std::vector<ActivationGroup> acts(cols / kGroup);
        portable::kernels.quantize(x.data(), cols, acts.data(), 1);
        std::vector<float> row(cols);
        for (int64_t r = 0; r < rows; ++r) {
          unpack_row(w.panels, r, row.data());
          double expected = bias[r], size = 1e-3;
          for (int64_t i = 0; i < cols; ++i) {
            const double term =
                static_cast<double>(row[i]) * acts[i / kGroup].codes[i % kGroup] * acts[i / kGroup].scale;
            expected += term;
            size += std::fabs(term);
          }
          check(std::fabs(ours[r] - expected) <= 1e-5 * size, std::string("matmul value ") + kLayouts[quant_type].name);
        }
      }
}

void test_rest(const Kernels& k) {
  const Kernels& p = portable::kernels;
  Random random;
  for (int64_t n : {1, 7, 16, 17, 64, 100, 576}) {
    const auto a = random.reals(n), b = random.reals(n);
    auto both = [&](auto call, const char* what) {
      std::vector<float> x(n + 16, 5.0f), y(n + 16, 5.0f);
      call(k, x.data());
      call(p, y.data());
      same(x, y, std::string(k.name) + " " + what);
      absorb(x.data(), x.size() * 4);
    };
    both([&](const Kernels& s, float* out) { s.rms_norm(a.data(), b.data(), out, n, 1e-5f); }, "rms_norm");
    both([&](const Kernels& s, float* out) { s.layer_norm(a.data(), b.data(), a.data(), out, n, 1e-5f); },
         "layer_norm");
    for (const Glu& how : {Glu{}, kGeluTanh, Glu{1.702f, 0, 0.7f, 1}})
      both([&](const Kernels& s, float* out) { s.glu(a.data(), b.data(), out, n, how); }, "glu");
    both([&](const Kernels& s, float* out) { s.gelu(a.data(), out, n); }, "gelu");
    both([&](const Kernels& s, float* out) { s.gelu_tanh(a.data(), out, n); }, "gelu_tanh");
    both([&](const Kernels& s, float* out) { s.relu_squared(a.data(), out, n); }, "relu_squared");
    both([&](const Kernels& s, float* out) { s.sigmoid(a.data(), out, n); }, "sigmoid");
    both([&](const Kernels& s, float* out) { s.sigmoid_gate(a.data(), b.data(), out, n); }, "sigmoid_gate");
    both([&](const Kernels& s, float* out) { s.softcap(a.data(), out, n, 1.5f); }, "softcap");
    both([&](const Kernels& s, float* out) { s.add(a.data(), b.data(), out, n); }, "add");
    both([&](const Kernels& s, float* out) { s.multiply(a.data(), b.data(), out, n); }, "multiply");
    both([&](const Kernels& s, float* out) { s.scale(0.7f, a.data(), out, n); }, "scale");
    both([&](const Kernels& s, float* out) { s.accumulate(0.7f, a.data(), out, n); }, "accumulate");
    both([&](const Kernels& s, float* out) { s.softmax(a.data(), out, n); }, "softmax");
    both([&](const Kernels& s, float* out) { out[0] = static_cast<float>(s.sum_exp(a.data(), n, 4, 0.7f)); },
         "sum_exp");
  }
  for (bool interleaved : {false, true}) {
    const auto x = random.reals(64), cosine = random.reals(32), sine = random.reals(32);
    std::vector<float> a(64), b(64);
    k.rope(x.data(), cosine.data(), sine.data(), a.data(), 32, interleaved);
    p.rope(x.data(), cosine.data(), sine.data(), b.data(), 32, interleaved);
    same(a, b, "rope");
    absorb(a.data(), 256);
  }
  for (int64_t rows : {1, 8, 17}) {
    const Packed w = packed(QuantType::F32, rows, 40, random);
    const auto x = random.reals(3 * 40);
    std::vector<float> a(3 * rows), b(3 * rows);
    k.matmul_f32(w.panels, 0, w.panels.panels(), x.data(), 3, nullptr, a.data(), rows);
    p.matmul_f32(w.panels, 0, w.panels.panels(), x.data(), 3, nullptr, b.data(), rows);
    same(a, b, "matmul_f32");
    absorb(a.data(), a.size() * 4);
  }
  std::vector<ActivationGroup> zero(1), zero_p(1);
  const std::vector<float> nothing(32, 0.0f);
  k.quantize(nothing.data(), 32, zero.data(), 1);
  check(zero[0].scale == 0 && zero[0].codes[5] == 0, "quantising zeros");
  // What is not a number makes every product none; what is too small to divide by is nothing.
  const Packed w = packed(QuantType::Q8_0, 16, 32, random);
  for (float bad : {NAN, INFINITY, -INFINITY, 1e-40f, -3e-39f})
    for (int at : {0, 15, 16, 31}) {
      auto x = random.reals(32);
      if (std::fabs(bad) < 1) std::fill(x.begin(), x.end(), 0.0f);
      x[at] = bad;
      k.quantize(x.data(), 32, zero.data(), 1);
      for (int8_t code : zero[0].codes) check(code == 0, "a code of what is not a number");
      check(zero[0].offset128 == 0 && zero[0].offset32[1] == 0, "a sum of what is not a number");
      std::vector<float> out(16);
      k.matmul(w.panels, 0, 1, {zero.data(), 1, 1}, nullptr, out.data(), 16);
      for (float y : out) check(std::fabs(bad) < 1 ? y == 0 : std::isnan(y), "a product of what is not a number");
    }
}

// A small decoder layer with experts, over several threads, whole and token by token.
void test_program(const Kernels& k, bool int8) {
  Random random;
  const int64_t width = 64, heads = 2, dim = 32, inner = 96, experts = 4, vocabulary = 100;
  std::vector<Packed> store;
  auto matrix = [&](QuantType quant_type, int64_t rows, int64_t cols) {
    store.push_back(packed(quant_type, rows, cols, random));
    return static_cast<int>(store.size()) - 1;
  };
  const int embedding = matrix(QuantType::Q8_0, vocabulary, width), q = matrix(QuantType::Q4_0, width, width),
            kk = matrix(QuantType::Q5_1, width, width), v = matrix(QuantType::Q5_0, width, width),
            o = matrix(QuantType::Q4_1, width, width), router = matrix(QuantType::F32, experts, width);
  std::vector<int> expert_weights;
  for (int i = 0; i < 2 * experts; ++i) expert_weights.push_back(matrix(QuantType::Q4_0, inner, width));
  for (int i = 0; i < experts; ++i) expert_weights.push_back(matrix(QuantType::Q8_0, width, inner));
  std::vector<Panels> matrices;
  for (const Packed& p : store) matrices.push_back(p.panels);

  const std::vector<Buffer> buffers = {{width, false}, {width, false},   {width, false}, {width, false},
                                       {width, false}, {16, false},      {16, false},    {2, false},
                                       {2, false},     {experts, false}, {width, true},  {vocabulary, true}};
  const std::vector<Step> steps = {
      {"rope_table", {}, {5, 6}, {}, {1, -1}, {{"scale", 1.0}}},
      {"embed", {}, {0}, {embedding}, {}, {{"scale", 1.0}, {"placeholder", int64_t{-1}}}},
      {"rms_norm", {0}, {1}, {}, {0}, {{"eps", 1e-5}}},
      {"linears", {1}, {2, 3, 4}, {q, kk, v}, {-1, -1, -1}, {}},
      {"rope", {2, 5, 6}, {2}, {}, {}, {{"head_dim", dim}, {"interleaved", false}}},
      {"rope", {3, 5, 6}, {3}, {}, {}, {{"head_dim", dim}, {"interleaved", false}}},
      {"attention",
       {2, 3, 4},
       {1},
       {},
       {-1},
       {{"state", int64_t{0}},
        {"heads", heads},
        {"kv_heads", heads},
        {"head_dim", dim},
        {"scale", 0.17},
        {"window", int64_t{0}},
        {"chunk", int64_t{0}},
        {"softcap", 0.0},
        {"causal", true},
        {"wanted", false},
                 {"until", int64_t{0}}}},
      {"linears", {1}, {2}, {o}, {-1}, {}},
      {"add", {0, 2}, {0}, {}, {}, {}},
      {"rms_norm", {0}, {1}, {}, {0}, {{"eps", 1e-5}}},
      {"exact_linear", {1}, {9}, {router}, {-1}, {}},
      {"route",
       {9},
       {7, 8},
       {},
       {-1, -1},
       {{"top_k", int64_t{2}},
        {"sigmoid", false},
        {"normalise", true},
        {"factor", 1.0},
        {"groups", int64_t{1}},
        {"kept_groups", int64_t{1}},
        {"group_best", int64_t{1}}}},
      {"experts",
       {1, 7, 8},
       {2},
       expert_weights,
       {},
       {{"gelu", false}, {"alpha", 1.0}, {"limit", INFINITY}, {"offset", 0.0}, {"weigh_inputs", false}}},
      {"add", {0, 2}, {0}, {}, {}, {}},
      {"rows", {0}, {10}, {}, {}, {}},
      {"linears", {10}, {11}, {embedding}, {-1}, {}},
  };
  const int64_t tokens = 45;
  std::vector<int32_t> ids(tokens), positions(tokens), sequences(tokens, 0), rows(tokens);
  for (int i = 0; i < tokens; ++i) {
    ids[i] = static_cast<int32_t>(random.bits() % vocabulary);
    positions[i] = rows[i] = i;
  }
  std::vector<float> norm(width, 1.0f), inv_freq;
  for (int i = 0; i < 16; ++i) inv_freq.push_back(1.0f / static_cast<float>(1 << i));
  std::vector<float> expected;
  for (int threads : {1, 2, 3, 5})
    for (int64_t chunk : {tokens, int64_t{1}, int64_t{8}, int64_t{13}}) {
      Program program(buffers, steps, {{0, 0, int8}}, matrices, {norm, inv_freq}, k, threads);
      BlockStore blocks(2 * heads * kv_bytes(dim, int8));
      const int64_t first = blocks.allocate(), second = blocks.allocate();
      std::vector<float> logits(tokens * vocabulary);
      for (int64_t begin = 0; begin < tokens; begin += chunk) {
        const int64_t n = std::min(chunk, tokens - begin);
        const Batch batch{&ids[begin], &positions[begin], &sequences[begin], n, {{{first, second}}}, &rows[0], n};
        check(program.forward(batch, {&blocks}, logits.data() + begin * vocabulary), "forward");
      }
      if (expected.empty()) expected = logits;
      same(logits, expected, std::string(k.name) + " program, threads " + std::to_string(threads));
    }
  for (float x : expected) check(std::isfinite(x), "finite logits");

  // Embeddings that a batch brings are as good as the ids they belong to.
  std::vector<float> embeddings(vocabulary * width), logits(tokens * vocabulary);
  for (int64_t r = 0; r < vocabulary; ++r) unpack_row(matrices[embedding], r, embeddings.data() + r * width);
  std::vector<int32_t> rows_for_ids = ids;
  for (int64_t t = 0; t < tokens; t += 2) rows_for_ids[t] = -1 - ids[t];
  Program program(buffers, steps, {{0, 0, int8}}, matrices, {norm, inv_freq}, k, 2);
  BlockStore blocks(2 * heads * kv_bytes(dim, int8));
  const std::vector<int64_t> table = {blocks.allocate(), blocks.allocate()};
  Batch batch{rows_for_ids.data(), positions.data(), sequences.data(), tokens, {{table}}, rows.data(), tokens};
  batch.embeddings = embeddings.data();
  batch.embedding_count = vocabulary;
  batch.embedding_width = width;
  check(program.forward(batch, {&blocks}, logits.data()), "forward with embeddings");
  same(logits, expected, std::string(k.name) + " program, embeddings");

  absorb(expected.data(), expected.size() * 4);

  Sampling how;
  how.temperature = 0.9;
  how.top_k = 20;
  how.top_p = 0.95;
  how.min_p = 0.01;
  how.repetition_penalty = 1.1;
  for (int i = 0; i < 50; ++i) {
    how.seed = i;
    const Drawn drawn =
        sample(k, expected.data() + (i % tokens) * vocabulary, vocabulary, how, i, ids.data(), 10, 5, nullptr, 3);
    check(drawn.token >= 0 && drawn.token < vocabulary && drawn.logprobs.size() == 4, "sample");
  }
}

void test_halves() {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    if ((half & 0x7c00) == 0x7c00) continue;
    check(f32_to_f16(f16_to_f32(half)) == half, "every finite half survives");
  }
  check(f32_to_f16(1e6f) == 0x7bff && f32_to_f16(-1e6f) == 0xfbff, "halves saturate");
}

// Threads claim each panel once, whatever their number and the columns.
void test_claims() {
  const std::vector<Panels> shapes = {{QuantType::Q4_0, 16 * 37, 64, nullptr}, {QuantType::Q8_0, 5, 64, nullptr}};
  for (int64_t columns : {1, 8, 9, 512})
    for (int threads : {1, 2, 16}) {
      std::vector<int64_t> next(shapes.size(), 0);
      for (const Claim& claim : divide_panels({&shapes[0], &shapes[1]}, columns, threads)) {
        check(claim.begin == next[claim.matrix] && claim.end > claim.begin, "panels claimed in order");
        next[claim.matrix] = claim.end;
      }
      for (size_t i = 0; i < shapes.size(); ++i) check(next[i] == shapes[i].panels(), "panels all claimed");
    }
}

}  // namespace

int main() {
  test_halves();
  test_claims();
  test_pool();
  test_governor();
  for (const Kernels* set : available_kernels()) {
    checksum = 1469598103934665603ull;
    test_matmul(*set);
    test_rest(*set);
    test_recurrent(*set);
    test_attention(*set);
    test_full_attention(*set);
    test_program(*set, false);
    test_program(*set, true);
    std::printf("%-9s checksum %016llx\n", set->name, static_cast<unsigned long long>(checksum));
    check(checksum == kChecksum, "not the bytes that every other machine and instruction set gives");
  }
  std::printf("%d passed, 0 failed\n", checks);
}
