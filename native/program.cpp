#include "program.h"

#include <algorithm>

namespace galop {

Program::Program(std::vector<Buffer> buffers, const std::vector<Step>& steps, std::vector<State> states,
                 std::vector<Panels> matrices, std::vector<std::vector<float>> vectors, const Kernels& kernels,
                 int threads)
    : buffers_(std::move(buffers)),
      states_(std::move(states)),
      matrices_(std::move(matrices)),
      vectors_(std::move(vectors)),
      kernels_(kernels),
      pool_(threads) {
  validate(steps);
  divide();
}

// Makes the ops, their operands checked to exist and to have one row count; each op checks the rest.
void Program::validate(const std::vector<Step>& steps) {
  require(!buffers_.empty() && !steps.empty(), "an empty plan");
  require(buffers_.back().rows, "the plan's last buffer is not one of logits");
  for (const Buffer& buffer : buffers_) require(buffer.width > 0, "a buffer without width");
  for (const State& state : states_) require(state.table >= 0 && state.offset >= 0, "a state before its block");
  std::vector<int64_t> below(buffers_.size(), INT64_MAX);
  auto value = [&](int id) { return Value{id, buffers_.at(id).width, buffers_.at(id).rows, below.at(id)}; };
  for (const Step& step : steps) {
    const auto make = registered_ops().find(step.op);
    require(make != registered_ops().end(), "no op is called " + step.op);
    std::unique_ptr<Op> op = make->second();
    Attributes attributes(&step.attributes);
    op->attributes(attributes);
    require(attributes.types().size() == step.attributes.size(), "an attribute that " + step.op + " does not have");
    for (int id : step.in) op->in.push_back(value(id));
    for (int id : step.out) op->out.push_back(value(id));
    for (int id : step.weights) {
      const Panels& m = matrices_.at(id);
      require(m.data && m.rows > 0 && m.cols > 0 && m.cols % layout(m.quant_type).block == 0, "a matrix without shape");
      op->weights.push_back(&m);
    }
    for (int id : step.vectors) {
      op->vectors.push_back(id < 0 ? nullptr : &vectors_.at(id));
      require(id < 0 || !vectors_[id].empty(), "an empty vector");
    }
    op->states = &states_;
    require(!op->out.empty(), "an op without output");
    for (const Value& v : op->in) require(v.rows == op->in[0].rows, "operands with different row counts");
    const bool rows = op->chooses_rows() || (!op->in.empty() && op->in[0].rows);
    for (const Value& v : op->out) require(v.rows == rows, "a result with another row count than its op gives");
    for (Value& v : op->out) v.below = INT64_MAX;
    op->validate();
    for (const Value& v : op->out) below[v.id] = v.below;
    ops_.push_back(std::move(op));
  }
  require(!ops_.back()->in.empty(), "the plan's last step reads nothing");
}

// Steps that work token by token share a phase, up to and including what the step after them needs.
void Program::divide() {
  for (size_t i = 0; i < ops_.size();) {
    Phase phase;
    phase.first = i;
    phase.rows = ops_[i]->out[0].rows;
    for (; i < ops_.size() && ops_[i]->out[0].rows == phase.rows; ++i) {
      const auto* op = dynamic_cast<const TokenOp*>(ops_[i].get());
      if (!op) break;
      phase.each.push_back(op);
    }
    if (i < ops_.size()) {
      const auto* op = dynamic_cast<const PhaseOp*>(ops_[i].get());
      if (op && op->in[0].rows == phase.rows) {
        phase.op = op;
        phase.last = i++;
      }
    }
    phases_.push_back(std::move(phase));
  }
}

// Checks the batch, finds its blocks and lets each op do the same.
void Program::prepare(Run& run, const std::vector<BlockStore*>& blocks) {
  const Batch& batch = run.batch;
  require(batch.tokens > 0, "an empty batch");
  require(blocks.size() == batch.block_tables.size(), "tables without the memory of their blocks");
  for (const State& state : states_)
    require(state.table < static_cast<int64_t>(blocks.size()), "a state without a table");
  for (size_t table = 0; table < blocks.size(); ++table) {
    auto& sequences = run.block_table.emplace_back();
    for (const auto& row : batch.block_tables[table]) {
      auto& to = sequences.emplace_back();
      for (int64_t id : row) to.push_back(id == kNoBlock ? nullptr : blocks[table]->block(id));
    }
    run.block_bytes.push_back(blocks[table]->block_bytes());
  }
  find_spans(run);
  for (int64_t r = 0; r < batch.row_count; ++r)
    require(batch.rows[r] >= 0 && batch.rows[r] < batch.tokens, "a logit row outside the batch");
  for (const auto& op : ops_) op->prepare(run);
}

// The tokens of each sequence that has saves, which must fit them.
void Program::find_spans(Run& run) {
  const Batch& batch = run.batch;
  if (batch.saves.empty()) return;
  run.spans.resize(batch.saves.size());
  for (int64_t t = 0; t < batch.tokens; ++t) {
    const int64_t s = batch.sequences[t];
    require(s >= 0 && s < static_cast<int64_t>(run.spans.size()), "a token of no sequence");
    Span& span = run.spans[s];
    if (span.count == 0) span.first = t;
    require(span.first + span.count == t, "tokens of a sequence that are apart");
    require(span.count == 0 || batch.positions[t] == batch.positions[t - 1] + 1, "tokens that do not follow each other");
    ++span.count;
  }
  for (size_t s = 0; s < run.spans.size(); ++s) {
    int64_t before = 0;
    for (int64_t save : batch.saves[s]) {
      require(save > before, "saves that do not ascend");
      before = save;
    }
    require(before == run.spans[s].count, "saves that do not end with the step");
  }
}

// What is there is lost.
void Program::make_larger(Pages& pages, int64_t bytes) {
  if (pages.bytes() >= bytes) return;
  pool_.settle();  // a thread that was left behind may still read it
  pages = Pages();
  pages = Pages(bytes);
}

// Makes room for the buffers and the quantised activations.
void Program::make_room(Run& run, float* logits, float* hidden) {
  const Batch& batch = run.batch;
  std::vector<int64_t> offset;
  int64_t floats = 0;
  for (const Buffer& buffer : buffers_) {
    offset.push_back(floats);
    floats += ((buffer.rows ? batch.row_count : batch.tokens) * buffer.width + 15) / 16 * 16;
  }
  floats = offset.back();  // the last buffer is the caller's
  make_larger(arena_, floats * static_cast<int64_t>(sizeof(float)));
  make_larger(activations_, run.activation_groups * static_cast<int64_t>(sizeof(ActivationGroup)));
  run.activations = activations_.as<ActivationGroup>();
  for (int64_t at : offset) run.buffer.push_back(arena_.as<float>() + at);
  run.buffer.back() = logits;
  if (hidden) run.buffer[ops_.back()->in[0].id] = hidden;
}

// What every thread does: all threads walk the phases together.
void Program::walk(Run& run) {
  const bool timed = profile_ && begun_.fetch_add(1) == 0;
  double start = timed ? now() : 0;
  auto note = [&](size_t step) {
    if (!timed) return;
    const double end = now();
    (*profile_)[step] += end - start;
    start = end;
  };
  for (const Phase& phase : phases_) {
    const int64_t count = phase.rows ? run.batch.row_count : run.batch.tokens;
    // Of a prompt several tokens at once: neighbours' rows and activations share lines, and a claim takes its time.
    const int64_t each = std::clamp<int64_t>(count / (4 * pool_.threads()), 1, 8);
    pool_.share((count + each - 1) / each, [&](int64_t c) {
      if (c == 0 && cancelled_) stopped_ = true;
      for (int64_t t = c * each; t < std::min(count, (c + 1) * each); ++t) {
        for (const TokenOp* op : phase.each) op->run(run, t);
        if (phase.op) phase.op->take(run, t, count);
      }
    });
    note(phase.first);
    if (stopped_) return;
    if (!phase.op) continue;
    phase.op->run(run);
    note(phase.last);
  }
}

bool Program::forward(const Batch& batch, const std::vector<BlockStore*>& blocks, float* logits, float* hidden) {
  const std::lock_guard<std::mutex> lock(busy_);
  cancelled_ = stopped_ = false;
  begun_ = 0;
  Run run(batch, kernels_, pool_);
  prepare(run, blocks);
  make_room(run, logits, hidden);
  if (batch.tokens > kFewColumns) {  // a prompt keeps all threads busy for long, and shares out what one falls behind
    pool_.run([&] { walk(run); });
    return !stopped_;
  }
  const int active = governor_.active(threads());
  run.hints = governor_.hints();
  const double start = now();
  pool_.run([&] { walk(run); }, active);
  governor_.note(now() - start, batch.tokens, active, threads());
  return !stopped_;
}

}  // namespace galop
