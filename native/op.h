// What an op is to the executor. Each is a class in a file under ops/, registered there by the name that its
// declaration in Python (`src/galop/ops`) has; nothing else knows which ops there are.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <variant>
#include <vector>

#include "kernels.h"
#include "pool.h"
#include "require.h"

namespace galop {

using Attribute = std::variant<bool, int64_t, double>;

// One step of a plan: an op by name, its operands by number, its attributes by name.
struct Step {
  std::string op;
  std::vector<int> in, out;  // buffers
  std::vector<int> weights;  // matrices
  std::vector<int> vectors;  // norm weights, biases, constants; -1 for none
  std::map<std::string, Attribute> attributes;
};

// Where a layer keeps what it keeps of a sequence: in the blocks of which table, how far from the beginning of each; and
// whether keys and values are int8 instead of fp16.
struct State {
  int64_t table = 0;
  int64_t offset = 0;
  bool int8 = false;
};

// What a step is given. An op checks what it reads of it in `prepare`.
struct Batch {
  const int32_t* ids;        // -1 - i stands for row i of `embeddings`
  const int32_t* positions;  // [axes, tokens]; on axis 0 the places in the sequences
  const int32_t* sequences;  // per token, ascending
  int64_t tokens;
  // [table][sequence]: the blocks of its tokens in order, kNoBlock for those that are not read again. Of states that do
  // not grow: the one it begins with, kNoBlock for zeros, then one to write after each of its `saves`.
  std::vector<std::vector<std::vector<int64_t>>> block_tables;
  const int32_t* rows;  // tokens whose logits are wanted
  int64_t row_count;
  int64_t axes = 1;
  const float* embeddings = nullptr;  // [embedding_count, embedding_width]
  int64_t embedding_count = 0, embedding_width = 0;
  // [sequence]: after how many of its tokens in this step states that do not grow are written, ascending, at last after
  // all; empty where no layer keeps such a state.
  std::vector<std::vector<int64_t>> saves{};
};

constexpr int64_t kNoBlock = -1;

// The tokens of one sequence in a batch.
struct Span {
  int64_t first = 0, count = 0;
};

// One forward pass: its batch and what ops share while it lasts.
class Run {
 public:
  Run(const Batch& b, const Kernels& k, Pool& p) : batch(b), kernels(k), pool(p) {}

  // One T per pass, shared by all ops that ask for it. In `prepare` only.
  template <class T>
  T& shared() {
    std::shared_ptr<void>& place = shared_[typeid(T)];
    if (!place) place = std::make_shared<T>();
    return *static_cast<T*>(place.get());
  }

  // Throws unless the table has a block for every token, and for all before it that it sees: the last `window` with
  // itself, or all where that is 0. In `prepare` of ops that keep something of each token.
  void require_places(int64_t table, int64_t window = 0);
  // Throws unless the table has a state to begin with (or none) and one to write for each of `saves`.
  void require_saves(int64_t table) const;

  const Batch& batch;
  const Kernels& kernels;
  Pool& pool;
  std::vector<float*> buffer{};                                   // start of each
  std::vector<std::vector<std::vector<uint8_t*>>> block_table{};  // [table][sequence], null for kNoBlock
  std::vector<int64_t> block_bytes{};                             // per table
  std::vector<Span> spans{};                                      // per sequence, where the batch has saves
  int64_t activation_groups = 0;           // how many of them are needed: `prepare` raises it
  ActivationGroup* activations = nullptr;  // of the phase under way
  bool hints = false;                      // see Activations

 private:
  std::map<std::type_index, std::shared_ptr<void>> shared_;
  std::set<std::pair<int64_t, int64_t>> checked_;  // tables with windows
};

// A buffer as an op sees it: `width` floats for each token, or for each token whose logits are wanted.
struct Value {
  int id;
  int64_t width;
  bool rows;
  int64_t below = INT64_MAX;  // what its values are known to stay below, where they are indices

  float* at(const Run& run, int64_t row) const { return run.buffer[id] + row * width; }
  int64_t count(const Run& run) const { return rows ? run.batch.row_count : run.batch.tokens; }
};

// Takes an op's attributes by name and type. The list of them is compared with Python's when galop is imported.
class Attributes {
 public:
  explicit Attributes(const std::map<std::string, Attribute>* given = nullptr) : given_(given) {}

  template <class T>
  void operator()(const char* name, T& to) {
    static_assert(std::is_same_v<T, bool> || std::is_same_v<T, int64_t> || std::is_same_v<T, double>);
    types_.emplace_back(name, std::is_same_v<T, bool> ? "bool" : std::is_same_v<T, int64_t> ? "int" : "float");
    if (!given_) return;
    const auto found = given_->find(name);
    require(found != given_->end() && std::holds_alternative<T>(found->second), "an attribute is missing");
    to = std::get<T>(found->second);
  }
  const std::vector<std::pair<std::string, std::string>>& types() const { return types_; }

 private:
  const std::map<std::string, Attribute>* given_;
  std::vector<std::pair<std::string, std::string>> types_;
};

// An op with its operands, which exist and have one row count. One object for each step of the plan.
class Op {
 public:
  virtual ~Op() = default;
  virtual void attributes(Attributes&) {}
  virtual void validate() = 0;   // throws std::invalid_argument where operands or attributes do not fit
  virtual void prepare(Run&) {}  // before a pass: checks what it reads of the batch, asks for room
  // Whether its results have a row per logit wanted though its operands have one per token.
  virtual bool chooses_rows() const { return false; }

  std::vector<Value> in, out;
  std::vector<const Panels*> weights;
  std::vector<const std::vector<float>*> vectors;  // null for none
  const std::vector<State>* states = nullptr;

 protected:
  void expect(size_t ins, size_t outs, size_t matrices, size_t constants) const {
    require(in.size() == ins && out.size() == outs && weights.size() == matrices && vectors.size() == constants,
            "an op with the wrong number of operands");
    for (const auto* vector : vectors) require(vector, "an op without its vector");
  }
};

// Works token by token. Neighbours share a phase.
class TokenOp : public Op {
 public:
  virtual void run(Run& run, int64_t token) const = 0;
};

// A phase of its own, whose work all threads claim in parts.
class PhaseOp : public Op {
 public:
  // What it needs of each of `count` tokens, done at the end of the phase before.
  virtual void take(Run&, int64_t /*token*/, int64_t /*count*/) const {}
  virtual void run(Run& run) const = 0;
};

using MakeOp = std::unique_ptr<Op> (*)();
std::map<std::string, MakeOp>& registered_ops();

template <class T>
struct Register {
  explicit Register(const char* name) {
    registered_ops()[name] = [] { return std::unique_ptr<Op>(std::make_unique<T>()); };
  }
};

}  // namespace galop
