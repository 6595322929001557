// Matrix products: one panel of 16 rows times N tokens. Part of kernels.inl.

// Adds to acc[c].
template <class Format, int N>
void panel_times(const uint8_t* panel, int64_t groups, const ActivationGroup* a, F (&acc)[N]) {
  for (int64_t block = 0; block < groups / Format::groups; ++block, panel += Format::bytes) {
    const typename Format::Head head(panel);
    for (int g = 0; g < Format::groups; ++g, a += N) {
      const uint8_t* group = Format::group(panel, g);
      const uint8_t* codes = Format::codes(group);
      const uint8_t* plane = Format::plane(group);
      if constexpr (Format::streamed) prefetch<Format::bytes / Format::groups>(group);
      constexpr int bits = Format::Codes::bits;
      I dot[N];
      Partial part[N];
      if constexpr (Format::halves) {
        repeat<2>([&](auto half) {
          GALOP_UNROLL
          for (int c = 0; c < N; ++c) dot[c] = set1_i(a[c].offset32[half]);
          repeat<4>([&](auto i) {
            constexpr int j = 4 * decltype(half)::value + decltype(i)::value;
            const B w = Format::Codes::template quad<j>(codes, plane);
            GALOP_UNROLL
            for (int c = 0; c < N; ++c) multiply<bits, i>(dot[c], part[c], w, a[c].codes + 4 * j);
          });
          const F scale = Format::scale(head, group, half);
          GALOP_UNROLL
          for (int c = 0; c < N; ++c) acc[c] = fma(to_float(dot[c]), mul(scale, set1(a[c].scale)), acc[c]);
        });
      } else {
        GALOP_UNROLL
        for (int c = 0; c < N; ++c) dot[c] = Format::Zero::start(a[c]);
        repeat<kQuads>([&](auto j) {
          const B w = Format::Codes::template quad<j>(codes, plane);
          GALOP_UNROLL
          for (int c = 0; c < N; ++c) multiply<bits, j>(dot[c], part[c], w, a[c].codes + 4 * j);
        });
        const F scale = Format::scale(head, group);
        GALOP_UNROLL
        for (int c = 0; c < N; ++c) acc[c] = fma(to_float(dot[c]), mul(scale, set1(a[c].scale)), acc[c]);
        if constexpr (Format::minimum) {
          const F least = Format::least(head, group);
          GALOP_UNROLL
          for (int c = 0; c < N; ++c) acc[c] = fma(least, set1(a[c].scaled_sum), acc[c]);
        }
      }
    }
  }
}

F load_rows(const float* from, int64_t rows) {
  if (rows == kRows) return load(from);
  alignas(64) float lane[16] = {};
  std::memcpy(lane, from, rows * sizeof(float));
  return load(lane);
}

void store_rows(float* out, F v, const float* bias, int64_t rows) {
  if (rows == kRows) return store(out, bias ? add(v, load(bias)) : v);
  alignas(64) float lane[16];
  store(lane, v);
  for (int64_t r = 0; r < rows; ++r) out[r] = bias ? lane[r] + bias[r] : lane[r];
}

template <class Format, int N>
void panels_times(const Panels& w, int64_t begin, int64_t end, int64_t first, int64_t last, const ActivationGroup* a,
                  const float* bias, float* out, int64_t out_stride, const uint8_t* panels, int64_t panel_bytes) {
  for (int64_t p = begin; p < end; ++p, panels += panel_bytes) {
    const int64_t rows = w.rows - p * kRows < kRows ? w.rows - p * kRows : kRows;
    const float* offset = bias && last == w.groups() ? bias + p * kRows : nullptr;
    F acc[N];
    for (int c = 0; c < N; ++c) acc[c] = first ? load_rows(out + c * out_stride + p * kRows, rows) : set1(0.0f);
    panel_times<Format, N>(panels, last - first, a, acc);
    for (int c = 0; c < N; ++c) store_rows(out + c * out_stride + p * kRows, acc[c], offset, rows);
  }
}

// ---- For many columns a panel is widened once: a byte for each code, a float for each scale

template <class Format>
struct Wide {
  struct Codes {
    template <int J>
    static B quad(const uint8_t* codes, const uint8_t*) {
      return load_b(codes + 64 * J);
    }
    static constexpr int bits = Format::Codes::bits;
  };
  using Zero = typename Format::Zero;
  static constexpr bool streamed = false;
  static constexpr bool minimum = Format::minimum;
  static constexpr bool halves = Format::halves;
  static constexpr int groups = 1;
  static constexpr int bytes = 512 + 64 * (minimum || halves ? 2 : 1);
  struct Head {
    explicit Head(const uint8_t*) {}
  };
  static const uint8_t* group(const uint8_t* block, int) { return block; }
  static F floats(const uint8_t* group, int i) { return load(reinterpret_cast<const float*>(group + 512) + 16 * i); }
  static F scale(const Head&, const uint8_t* group) { return floats(group, 0); }
  static F scale(const Head&, const uint8_t* group, int half) { return floats(group, half); }
  static F least(const Head&, const uint8_t* group) { return floats(group, 1); }
  static const uint8_t* codes(const uint8_t* group) { return group; }
  static const uint8_t* plane(const uint8_t*) { return nullptr; }

  static void widen(const uint8_t* panel, int64_t count, uint8_t* out) {
    for (int64_t block = 0; block < count / Format::groups; ++block, panel += Format::bytes) {
      const typename Format::Head head(panel);
      for (int g = 0; g < Format::groups; ++g, out += bytes) {
        const uint8_t* from = Format::group(panel, g);
        prefetch<Format::bytes / Format::groups>(from);
        repeat<kQuads>([&](auto j) {
          constexpr int quad = decltype(j)::value;
          store_b(out + 64 * quad, Format::Codes::template quad<quad>(Format::codes(from), Format::plane(from)));
        });
        auto* scales = reinterpret_cast<float*>(out + 512);
        if constexpr (halves) {
          store(scales, Format::scale(head, from, 0));
          store(scales + 16, Format::scale(head, from, 1));
        } else {
          store(scales, Format::scale(head, from));
          if constexpr (minimum) store(scales + 16, Format::least(head, from));
        }
      }
    }
  }
};

// Calls run<Format, n> for each tile of n columns: panels [begin, end), which lie at `panels`, of which groups
// [first, last) of the inner dimension are multiplied; what comes before them is already in `out`.
template <class Format>
void matmul_tiles(const Panels& w, int64_t begin, int64_t end, int64_t first, int64_t last, const Activations& acts,
                  const float* bias, float* out, int64_t out_stride, const uint8_t* panels, int64_t panel_bytes) {
  using Run = void (*)(const Panels&, int64_t, int64_t, int64_t, int64_t, const ActivationGroup*, const float*, float*,
                       int64_t, const uint8_t*, int64_t);
  static constexpr Run run[] = {
      nullptr,
      panels_times<Format, 1>,
      panels_times<Format, 2>,
      panels_times < Format,
      kTile < 3 ? 1 : 3 >,
      panels_times < Format,
      kTile < 4 ? 1 : 4 >,
      panels_times < Format,
      kTile < 5 ? 1 : 5 >,
      panels_times < Format,
      kTile < 6 ? 1 : 6 >
      , panels_times < Format, kTile < 7 ? 1 : 7 >, panels_times < Format, kTile < 8 ? 1 : 8 > };
  const ActivationGroup* a = acts.data;
  for (int64_t c = 0; c < acts.columns; c += kTile) {
    const int64_t n = acts.columns - c < kTile ? acts.columns - c : kTile;
    run[n](w, begin, end, first, last, a + first * n, bias, out + c * out_stride, out_stride, panels, panel_bytes);
    a += n * acts.groups;
  }
}

template <class Format>
void matmul_format(const Panels& w, int64_t begin, int64_t end, const Activations& acts, const float* bias, float* out,
                   int64_t out_stride) {
  const int64_t groups = w.groups();
  if (acts.columns < kWideFrom) {
    // A panel serves all columns before the next is read from memory.
    const int64_t at_once = acts.columns > kTile ? 1 : end - begin;
    for (int64_t p = begin; p < end; p += at_once)
      matmul_tiles<Format>(w, p, p + at_once, 0, groups, acts, bias, out, out_stride, w.data + p * w.panel_bytes(),
                           w.panel_bytes());
    return;
  }
  // A few panels and a stretch of the inner dimension at a time: what is unpacked stays in L2, one panel of it and a
  // tile of activations in L1.
  static_assert(kWideGroups % Format::groups == 0);
  alignas(64) uint8_t wide[kWidePanels * kWideGroups * Wide<Format>::bytes];
  constexpr int64_t wide_bytes = kWideGroups * Wide<Format>::bytes;
  for (int64_t p = begin; p < end; p += kWidePanels) {
    const int64_t past = end - p < kWidePanels ? end : p + kWidePanels;
    for (int64_t first = 0; first < groups; first += kWideGroups) {
      const int64_t last = groups - first < kWideGroups ? groups : first + kWideGroups;
      for (int64_t i = p; i < past; ++i)
        Wide<Format>::widen(w.data + i * w.panel_bytes() + first / Format::groups * Format::bytes, last - first,
                            wide + (i - p) * wide_bytes);
      matmul_tiles<Wide<Format>>(w, p, past, first, last, acts, bias, out, out_stride, wide, wide_bytes);
    }
  }
}

using Matmul = void (*)(const Panels&, int64_t, int64_t, const Activations&, const float*, float*, int64_t);

template <int... kTypes>
constexpr std::array<Matmul, sizeof...(kTypes)> matmul_by_type(std::integer_sequence<int, kTypes...>) {
  return {[] {
    using Format = typename FormatOf<static_cast<QuantType>(kTypes)>::type;
    static_assert(kGroup * Format::groups == kLayouts[kTypes].block && Format::bytes == kLayouts[kTypes].panel_bytes,
                  "a format that is not laid out as weights.h says");
    return matmul_format<Format>;
  }()...};
}

void matmul(const Panels& w, int64_t begin, int64_t end, const Activations& acts, const float* bias, float* out,
            int64_t out_stride) {
  static constexpr auto run = matmul_by_type(std::make_integer_sequence<int, static_cast<int>(QuantType::F32)>{});
  run[static_cast<int>(w.quant_type)](w, begin, end, acts, bias, out, out_stride);
}

void matmul_f32(const Panels& w, int64_t begin, int64_t end, const float* x, int64_t columns, const float* bias,
                float* out, int64_t out_stride) {
  for (int64_t p = begin; p < end; ++p) {
    const auto* panel = reinterpret_cast<const float*>(w.data + p * w.panel_bytes());
    const int64_t rows = w.rows - p * kRows < kRows ? w.rows - p * kRows : kRows;
    for (int64_t c = 0; c < columns; ++c) {
      F acc = set1(0.0f);
      for (int64_t k = 0; k < w.cols; ++k) acc = fma(load(panel + k * kRows), set1(x[c * w.cols + k]), acc);
      store_rows(out + c * out_stride + p * kRows, acc, bias ? bias + p * kRows : nullptr, rows);
    }
  }
}
