// Python bindings. Everything that computes releases the GIL; every size is checked before a kernel sees it.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "blocks.h"
#include "byte_pairs.h"
#include "machine.h"
#include "program.h"
#include "require.h"
#include "sample.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace galop {
namespace {

template <class T>
using In = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using InRows = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

QuantType quant_type_named(const std::string& name) {
  for (int i = 0; i < static_cast<int>(QuantType::kCount); ++i)
    if (name == kLayouts[i].name) return static_cast<QuantType>(i);
  throw std::invalid_argument("no weight layout is called " + name);
}

const Kernels& kernels_named(const std::string& name) {
  for (const Kernels* set : available_kernels())
    if (name.empty() || name == set->name) return *set;
  throw std::invalid_argument("this machine does not run the kernels \"" + name + "\"");
}

Panels panels_of(const std::string& quant_type, int64_t rows, int64_t cols) {
  Panels panels{quant_type_named(quant_type), rows, cols, nullptr};
  require(rows > 0 && cols > 0 && cols % layout(panels.quant_type).block == 0,
          "a matrix of " + quant_type + " whose columns are not a multiple of its block");
  // No product below can overflow once a matrix is known to be smaller than 2^50 values.
  require(rows < (int64_t{1} << 31) && cols < (int64_t{1} << 31) && rows * cols < (int64_t{1} << 50), "too large");
  return panels;
}

int64_t packed_bytes(const std::string& quant_type, int64_t rows, int64_t cols) {
  return panels_of(quant_type, rows, cols).bytes();
}

void pack(const std::string& quant_type, In<uint8_t> source, int64_t rows, int64_t cols, Out<uint8_t> out,
          int threads) {
  const Panels panels = panels_of(quant_type, rows, cols);
  const Layout& shape = layout(panels.quant_type);
  require(static_cast<int64_t>(source.size()) == rows * (cols / shape.block) * shape.source_bytes, "source size");
  require(static_cast<int64_t>(out.size()) == panels.bytes(), "packed size");
  const uint8_t* from = source.data();
  uint8_t* to = out.data();
  nb::gil_scoped_release release;
  Pool pool(threads);
  pool.run([&] {
    pool.share(panels.panels(), [&](int64_t p) {
      pack_panel(panels.quant_type, from, rows, cols, p, to + p * panels.panel_bytes());
    });
  });
}

void unpack(const std::string& quant_type, In<uint8_t> packed, int64_t rows, int64_t cols, Out<float> out) {
  Panels panels = panels_of(quant_type, rows, cols);
  require(static_cast<int64_t>(packed.size()) == panels.bytes(), "packed size");
  require(static_cast<int64_t>(out.size()) == rows * cols, "output size");
  panels.data = packed.data();
  for (int64_t r = 0; r < rows; ++r) unpack_row(panels, r, out.data() + r * cols);
}

using Matrix = std::tuple<std::string, int64_t, int64_t, int64_t>;  // quant type, rows, cols, offset in the pack
using StepSpec = std::tuple<std::string, std::vector<int>, std::vector<int>, std::vector<int>, std::vector<int>,
                            std::map<std::string, Attribute>>;

// A program and the pack its matrices lie in, which must outlive it.
struct PyProgram {
  In<uint8_t> pack;
  std::unique_ptr<Program> program;

  PyProgram(std::vector<std::pair<int64_t, bool>> buffers, std::vector<StepSpec> steps,
            std::vector<std::tuple<int64_t, int64_t, bool>> states, std::vector<Matrix> matrices, std::vector<In<float>> vectors,
            In<uint8_t> pack_, const std::string& isa, int threads)
      : pack(std::move(pack_)) {
    require(threads >= 1 && threads <= 1024, "threads must be between 1 and 1024");
    std::vector<Buffer> native_buffers;
    for (auto [width, rows] : buffers) native_buffers.push_back({width, rows});
    std::vector<Panels> native_matrices;
    for (auto& [quant_type, rows, cols, offset] : matrices) {
      Panels panels = panels_of(quant_type, rows, cols);
      require(offset >= 0 && offset <= static_cast<int64_t>(pack.size()) &&
                  panels.bytes() <= static_cast<int64_t>(pack.size()) - offset,
              "a matrix outside its pack");
      panels.data = pack.data() + offset;
      native_matrices.push_back(panels);
    }
    std::vector<Step> native_steps;
    for (auto& [op, in, out, weights, vecs, attributes] : steps)
      native_steps.push_back({op, in, out, weights, vecs, attributes});
    std::vector<State> native_states;
    for (auto [table, offset, int8] : states) native_states.push_back({table, offset, int8});
    std::vector<std::vector<float>> native_vectors;
    for (auto& v : vectors) native_vectors.emplace_back(v.data(), v.data() + v.size());
    program =
        std::make_unique<Program>(std::move(native_buffers), native_steps, std::move(native_states),
                                  std::move(native_matrices), std::move(native_vectors), kernels_named(isa), threads);
  }

  bool forward(In<int32_t> ids, InRows<int32_t> positions, In<int32_t> sequences,
               std::vector<std::vector<std::vector<int64_t>>> block_tables, In<int32_t> rows,
               const std::vector<BlockStore*>& blocks, Rows logits, std::optional<Rows> hidden,
               std::optional<InRows<float>> embeddings, std::vector<std::vector<int64_t>> saves) {
    require(positions.shape(0) >= 1 && positions.shape(1) == ids.size() && sequences.size() == ids.size(),
            "ids, positions and sequences differ");
    require(logits.shape(0) == rows.size() && static_cast<int64_t>(logits.shape(1)) == program->logit_width(),
            "the logits array has the wrong shape");
    require(!hidden ||
                (hidden->shape(0) == rows.size() && static_cast<int64_t>(hidden->shape(1)) == program->hidden_width()),
            "the hidden states' array has the wrong shape");
    Batch batch{ids.data(),
                positions.data(),
                sequences.data(),
                static_cast<int64_t>(ids.size()),
                block_tables,
                rows.data(),
                static_cast<int64_t>(rows.size()),
                static_cast<int64_t>(positions.shape(0))};
    if (embeddings) {
      batch.embeddings = embeddings->data();
      batch.embedding_count = static_cast<int64_t>(embeddings->shape(0));
      batch.embedding_width = static_cast<int64_t>(embeddings->shape(1));
    }
    batch.saves = std::move(saves);
    for (const BlockStore* store : blocks) require(store, "tables without the memory of their blocks");
    nb::gil_scoped_release release;
    return program->forward(batch, blocks, logits.data(), hidden ? hidden->data() : nullptr);
  }
};

std::pair<int, std::vector<std::pair<int32_t, float>>> draw(In<float> logits, double temperature, int64_t top_k,
                                                            double top_p, double min_p, double repetition_penalty,
                                                            double presence_penalty, double frequency_penalty,
                                                            uint64_t seed, int64_t position, In<int32_t> history,
                                                            int64_t prompt_count, std::optional<In<uint32_t>> mask,
                                                            int64_t logprobs) {
  require(!mask || mask->size() * 32 >= logits.size(), "the mask is shorter than the logits");
  const Sampling how{temperature, top_k, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty, seed};
  nb::gil_scoped_release release;
  Drawn drawn = sample(*available_kernels().front(), logits.data(), static_cast<int64_t>(logits.size()), how, position,
                       history.data(), static_cast<int64_t>(history.size()), prompt_count,
                       mask ? mask->data() : nullptr, logprobs);
  return {drawn.token, std::move(drawn.logprobs)};
}

}  // namespace

NB_MODULE(_native, m) {
  nb::set_leak_warnings(false);  // what a process that was told to end at once still holds ends with it
  m.doc() = "Galop's native core: packed weights, kernels, the plan executor, sampling.";
  m.def(
      "instruction_sets",
      [] {
        std::vector<std::string> names;
        for (const Kernels* set : available_kernels()) names.emplace_back(set->name);
        return names;
      },
      "Names of the kernel sets this machine runs, fastest first.");
  m.def(
      "ops",
      [] {
        std::map<std::string, std::vector<std::pair<std::string, std::string>>> ops;
        for (const auto& [name, make] : registered_ops()) {
          Attributes attributes;
          make()->attributes(attributes);
          ops[name] = attributes.types();
        }
        return ops;
      },
      "The ops that the executor runs: each one's attributes, by name and type.");
  m.def(
      "quant_types",
      [] {
        std::vector<std::tuple<std::string, int, int>> types;
        for (const Layout& shape : kLayouts) types.emplace_back(shape.name, shape.block, shape.source_bytes);
        return types;
      },
      "The quant types that kernels read: name, values and bytes of a block.");
  m.def(
      "grid",
      [](const std::string& quant_type) {
        const Grid grid = grid_of(quant_type_named(quant_type));
        return std::vector<uint16_t>(grid.entries, grid.entries + grid.count);
      },
      "quant_type"_a, "The grid of a quant type: 8 codes of 2 bits, or 4 of 4, an entry. Empty where there is none.");
  m.def("packed_bytes", &packed_bytes, "quant_type"_a, "rows"_a, "cols"_a);
  m.def("pack", &pack, "quant_type"_a, "source"_a, "rows"_a, "cols"_a, "out"_a, "threads"_a = 1,
        "Lays a matrix of GGUF blocks into 16-row panels, losslessly.");
  m.def("unpack", &unpack, "quant_type"_a, "packed"_a, "rows"_a, "cols"_a, "out"_a,
        "The float32 values of a packed matrix.");
  m.def(
      "read_bandwidth",
      [](In<uint8_t> data, int threads) {
        nb::gil_scoped_release release;
        return read_bandwidth(data.data(), static_cast<int64_t>(data.size()), threads);
      },
      "data"_a, "threads"_a, "Bytes per second at which threads read memory.");
  m.def(
      "int8_peak",
      [](int threads) {
        nb::gil_scoped_release release;
        return int8_peak(threads);
      },
      "threads"_a,
      "int8 multiply-adds per second of the fastest way this machine has to sum products; 0 where not known.");
  m.def("sample", &draw, "logits"_a, "temperature"_a, "top_k"_a, "top_p"_a, "min_p"_a, "repetition_penalty"_a,
        "presence_penalty"_a, "frequency_penalty"_a, "seed"_a, "position"_a, "history"_a, "prompt_count"_a,
        "mask"_a.none(), "logprobs"_a, "The token drawn, and the log-probabilities asked for.");

  nb::class_<BlockStore>(m, "BlockStore")
      .def(nb::init<int64_t>(), "block_bytes"_a)
      .def("allocate", &BlockStore::allocate)
      .def("release", &BlockStore::release, "block"_a)
      .def(
          "data",
          [](BlockStore& self, int64_t block) {
            const auto size = static_cast<size_t>(self.block_bytes());
            return nb::ndarray<uint8_t, nb::numpy, nb::ndim<1>>(self.block(block), {size}, nb::find(self));
          },
          "block"_a, "A block's bytes, to copy from or into.")
      .def_prop_ro("block_bytes", &BlockStore::block_bytes)
      .def_prop_ro("in_use", &BlockStore::in_use);

  nb::class_<BytePairs>(m, "BytePairs")
      .def(
          "__init__",
          [](BytePairs* self, const std::string& description) {
            nb::gil_scoped_release release;
            new (self) BytePairs(description);
          },
          "description"_a)
      .def_prop_ro("rest", [](const BytePairs& self) { return self.rest(); })
      .def_prop_ro("largest_id", [](const BytePairs& self) { return self.largest_id(); })
      .def("__len__", [](const BytePairs& self) { return self.size(); })
      .def("id", [](const BytePairs& self, const std::string& token) { return self.id(token); }, "token"_a)
      .def(
          "token",
          [](const BytePairs& self, uint32_t id) -> std::optional<std::string> {
            const auto token = self.token(id);
            return token ? std::optional(std::string(*token)) : std::nullopt;
          },
          "id"_a)
      .def(
          "encode",
          [](const BytePairs& self, const std::vector<std::string>& pieces) {
            std::vector<uint32_t> ids;
            for (const std::string& piece : pieces) self.encode(piece, ids);
            return ids;
          },
          "pieces"_a);

  nb::class_<PyProgram>(m, "Program")
      .def(nb::init<std::vector<std::pair<int64_t, bool>>, std::vector<StepSpec>,
                    std::vector<std::tuple<int64_t, int64_t, bool>>, std::vector<Matrix>, std::vector<In<float>>, In<uint8_t>, const std::string&, int>(),
           "buffers"_a, "steps"_a, "states"_a, "matrices"_a, "vectors"_a, "pack"_a, "isa"_a, "threads"_a)
      .def("forward", &PyProgram::forward, "ids"_a, "positions"_a, "sequences"_a, "block_tables"_a, "rows"_a,
           "blocks"_a, "logits"_a, "hidden"_a.none() = nb::none(), "embeddings"_a.none() = nb::none(),
           "saves"_a = std::vector<std::vector<int64_t>>(),
           "Fills logits[rows, vocabulary] and hidden[rows, width]; False when cancelled.")
      .def("cancel", [](PyProgram& self) { self.program->cancel(); })
      .def("start_profile", [](PyProgram& self) { self.program->start_profile(); })
      .def(
          "profile", [](PyProgram& self) { return self.program->profile().value_or(std::vector<double>()); },
          "Seconds of the phase that begins with each step since start_profile; 0 for a step inside a phase.")
      .def_prop_ro("isa", [](PyProgram& self) { return self.program->kernels().name; })
      .def_prop_ro("threads", [](PyProgram& self) { return self.program->threads(); });
}

}  // namespace galop
