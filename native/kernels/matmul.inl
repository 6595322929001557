// Matrix products: one panel of 16 rows times N tokens. Part of kernels.inl.

// The integer sum of products begins at what the codes' zero point takes off.
template <class Format>
I start(const ActivationGroup& a) {
  if constexpr (Format::zero == 0)
    return set1_i(0);
  else if constexpr (Format::zero == 8)
    return set1_i(a.offset8);
  else if constexpr (Format::zero == 16)
    return set1_i(a.offset16);
  else if constexpr (Format::bits == 8)
    return start8(a);
  else
    return set1_i(a.offset8 / 8 * Format::zero);
}

template <class Format>
I start_half(const ActivationGroup& a, int half) {
  return set1_i(a.offset32[half] / 32 * Format::zero);
}

// Adds to sum[c] the products of quads [kFirst, kFirst + kCount) of a group.
template <class Format, int kFirst, int kCount, int N>
void quads_times(const uint8_t* codes, const ActivationGroup* a, I (&sum)[N]) {
  Partial part[N];
  repeat<kCount>([&](auto i) {
    constexpr int j = kFirst + decltype(i)::value;
    const B w = Format::template quad<j>(codes);
    GALOP_UNROLL
    for (int c = 0; c < N; ++c) multiply<Format::bits, i, kCount>(sum[c], part[c], w, a[c].codes + 4 * j);
  });
}

template <int N>
void add_scaled(const I (&sum)[N], F scale, const ActivationGroup* a, F (&acc)[N]) {
  GALOP_UNROLL
  for (int c = 0; c < N; ++c) acc[c] = fma(to_float(sum[c]), mul(scale, set1(a[c].scale)), acc[c]);
}

// Adds to acc[c]; the groups of one column are `stride` apart.
template <class Format, int N>
void panel_times(const uint8_t* panel, int64_t groups, const ActivationGroup* a, F (&acc)[N], int64_t stride = N,
                 bool hints = false) {
  using Scale = typename Format::Scale;
  for (int64_t block = 0; block < groups / Format::groups; ++block, panel += Format::bytes) {
    const typename Format::Head head(panel);
    const uint8_t* group = panel + Format::head;
    for (int g = 0; g < Format::groups; ++g, a += stride, group += Format::group_bytes) {
      constexpr int each = Format::bytes / Format::groups;
      if constexpr (Format::streamed)
        if (hints) prefetch<each>(panel + g * each);
      const uint8_t* codes = group + Format::codes;
      I sum[N];
      if constexpr (Scale::pairs) {
        I upper[N];
        for (int c = 0; c < N; ++c) sum[c] = upper[c] = set1_i(0);
        quads_times<Format, 0, 4>(codes, a, sum);
        quads_times<Format, 4, 4>(codes, a, upper);
        const I scale = head.scale_pairs(g);
        for (int c = 0; c < N; ++c) sum[c] = dot_halves(sum[c], upper[c], scale);
        if constexpr (Format::zero == 4)
          for (int c = 0; c < N; ++c) sum[c] = dot_pairs(sum[c], scale, a[c].offset4);
        add_scaled(sum, head.d, a, acc);
      } else if constexpr (Scale::halves) {
        repeat<2>([&](auto half) {
          for (int c = 0; c < N; ++c) sum[c] = start_half<Format>(a[c], half);
          quads_times<Format, 4 * decltype(half)::value, 4>(codes, a, sum);
          add_scaled(sum, head.scale(group, g, half), a, acc);
        });
      } else {
        for (int c = 0; c < N; ++c) sum[c] = start<Format>(a[c]);
        quads_times<Format, 0, kQuads>(codes, a, sum);
        add_scaled(sum, head.scale(group, g), a, acc);
      }
      if constexpr (Scale::minimum) {
        const F least = head.least(group, g);
        GALOP_UNROLL
        for (int c = 0; c < N; ++c) acc[c] = fma(least, set1(a[c].scaled_sum), acc[c]);
      }
      if constexpr (Scale::minimum_pairs) {
        const I least = head.least_pairs(group, g);
        for (int c = 0; c < N; ++c) sum[c] = dot_pairs(set1_i(0), least, a[c].offset4);
        add_scaled(sum, head.least_unit(group), a, acc);
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
                  int64_t stride, bool hints, const float* bias, float* out, int64_t out_stride, const uint8_t* panels,
                  int64_t panel_bytes) {
  for (int64_t p = begin; p < end; ++p, panels += panel_bytes) {
    const int64_t rows = w.rows - p * kRows < kRows ? w.rows - p * kRows : kRows;
    const bool whole = last == w.groups();
    const float* offset = bias && whole ? bias + p * kRows : nullptr;
    F acc[N];
    for (int c = 0; c < N; ++c) acc[c] = first ? load_rows(out + c * out_stride + p * kRows, rows) : set1(0.0f);
    panel_times<Format, N>(panels, last - first, a, acc, stride, hints);
    if (whole && w.row_scale_bytes()) {
      const F scale = load(reinterpret_cast<const float*>(w.data + p * w.panel_bytes()));
      for (int c = 0; c < N; ++c) acc[c] = mul(acc[c], scale);
    }
    for (int c = 0; c < N; ++c) store_rows(out + c * out_stride + p * kRows, acc[c], offset, rows);
  }
}

// ---- For many columns a panel is unpacked once: a byte for each code, a float for each scale

// What is unpacked, of any format: 8 quads, then the scales (two, of halves) and minima. Pairs of scales are multiplied
// into the codes; those of minima remain, before what they are multiplied with.
template <int kBits, int kZero, bool kHalves, bool kMinimum, bool kMinimumPairs>
struct Wide {
  static constexpr int bits = kBits, zero = kZero, groups = 1, head = 0, codes = 0, widest = kTile;
  static constexpr int bytes = 512 + 64 * (1 + kHalves + kMinimum + 2 * kMinimumPairs);
  static constexpr int group_bytes = bytes;
  static constexpr bool streamed = false;
  struct Scale : GroupScales {
    static constexpr bool halves = kHalves, minimum = kMinimum, minimum_pairs = kMinimumPairs;
  };
  struct Head {
    explicit Head(const uint8_t*) {}
    static F floats(const uint8_t* group, int i) { return load(reinterpret_cast<const float*>(group + 512) + 16 * i); }
    F scale(const uint8_t* group, int) const { return floats(group, 0); }
    F scale(const uint8_t* group, int, int half) const { return floats(group, half); }
    F least(const uint8_t* group, int) const { return floats(group, 1); }
    F least_unit(const uint8_t* group) const { return floats(group, 1); }
    I least_pairs(const uint8_t* group, int) const { return load_i(group + 512 + 128); }
  };
  template <int J>
  static B quad(const uint8_t* codes) {
    return load_b(codes + 64 * J);
  }
};

// Products of 2 bits and a nibble have 6 bits. Those of 3 bits less 4 and 6 bits less 32 are a signed byte but for one;
// times -1 all are, of a scale times -1.
template <class Format>
using WideOf = Wide<!Format::Scale::pairs ? (Format::bits < 4 ? 4 : Format::bits)
                    : Format::zero == 0   ? 6
                                          : 8,
                    !Format::Scale::pairs ? Format::zero
                    : Format::zero == 0   ? 0
                                          : 128,
                    Format::Scale::halves, Format::Scale::minimum, Format::Scale::minimum_pairs>;

inline void multiply_codes(uint8_t* codes, I pairs, int zero) {
  int32_t pair[kRows];
  std::memcpy(pair, &pairs, sizeof(pair));
  for (int half = 0; half < 2; ++half, codes += 256) {
    uint8_t scale[64];
    for (int i = 0; i < 64; ++i) scale[i] = static_cast<uint8_t>((zero ? -1 : 1) * (pair[i / 4] >> 16 * half));
    for (int j = 0; j < 4; ++j)
      for (int i = 0; i < 64; ++i) {
        const uint8_t product = static_cast<uint8_t>((codes[64 * j + i] - zero) * scale[i]);
        codes[64 * j + i] = zero ? product ^ 0x80 : product;
      }
  }
}

template <class Format>
void unpack_groups(const uint8_t* panel, int64_t count, uint8_t* out) {
  using Scale = typename Format::Scale;
  for (int64_t block = 0; block < count / Format::groups; ++block, panel += Format::bytes) {
    const typename Format::Head head(panel);
    const uint8_t* group = panel + Format::head;
    for (int g = 0; g < Format::groups; ++g, group += Format::group_bytes, out += WideOf<Format>::bytes) {
      constexpr int each = Format::bytes / Format::groups;
      prefetch<each>(panel + g * each);
      repeat<kQuads>([&](auto j) { store_b(out + 64 * j, Format::template quad<j>(group + Format::codes)); });
      auto* floats = reinterpret_cast<float*>(out + 512);
      if constexpr (Scale::pairs) {
        multiply_codes(out, head.scale_pairs(g), Format::zero);
        store(floats, Format::zero ? sub(set1(0.0f), head.d) : head.d);
      } else if constexpr (Scale::halves) {
        store(floats, head.scale(group, g, 0));
        store(floats + 16, head.scale(group, g, 1));
      } else {
        store(floats, head.scale(group, g));
      }
      if constexpr (Scale::minimum) store(floats + 16, head.least(group, g));
      if constexpr (Scale::minimum_pairs) {
        store(floats + 16, head.least_unit(group));
        const I pairs = head.least_pairs(group, g);
        std::memcpy(floats + 32, &pairs, sizeof(pairs));
      }
    }
  }
}

// Arithmetic on several columns is in the way of the loads that a hardware prefetcher would follow. One column leaves
// it to the machine which is faster (see Governor).
inline bool asks_ahead(const Activations& acts) { return acts.columns > 1 || acts.hints; }

// Multiplies each tile of columns, as much of it at a time as there is a kernel for: panels [begin, end), which lie at
// `panels`, of which groups [first, last) of the inner dimension count; what comes before them is already in `out`.
template <class Format>
void matmul_tiles(const Panels& w, int64_t begin, int64_t end, int64_t first, int64_t last, const Activations& acts,
                  const float* bias, float* out, int64_t out_stride, const uint8_t* panels, int64_t panel_bytes) {
  using Run = void (*)(const Panels&, int64_t, int64_t, int64_t, int64_t, const ActivationGroup*, int64_t, bool,
                       const float*, float*, int64_t, const uint8_t*, int64_t);
  static constexpr auto run = []<int... kLess>(std::integer_sequence<int, kLess...>) {
    return std::array<Run, sizeof...(kLess) + 1>{nullptr, panels_times<Format, kLess + 1>...};
  }(std::make_integer_sequence<int, Format::widest>{});
  const ActivationGroup* a = acts.data;
  for (int64_t c = 0; c < acts.columns; c += kTile) {
    const int64_t n = acts.columns - c < kTile ? acts.columns - c : kTile;
    for (int64_t part = 0; part < n; part += Format::widest) {
      const int64_t width = n - part < Format::widest ? n - part : Format::widest;
      run[width](w, begin, end, first, last, a + first * n + part, n, asks_ahead(acts), bias,
                 out + (c + part) * out_stride, out_stride, panels, panel_bytes);
    }
    a += n * acts.groups;
  }
}

template <class Format>
void matmul_format(const Panels& w, int64_t begin, int64_t end, const Activations& acts, const float* bias, float* out,
                   int64_t out_stride) {
  const int64_t groups = w.groups();
  if (acts.columns < Format::wide_from) {
    // A panel serves all columns before the next is read from memory.
    const int64_t at_once = acts.columns > Format::widest ? 1 : end - begin;
    for (int64_t p = begin; p < end; p += at_once)
      matmul_tiles<Format>(w, p, p + at_once, 0, groups, acts, bias, out, out_stride,
                           w.data + p * w.panel_bytes() + w.row_scale_bytes(), w.panel_bytes());
    return;
  }
  // A few panels and a stretch of the inner dimension at a time: what is unpacked stays in L2, one panel of it and a
  // tile of activations in L1. Of long panels fewer, since a stretch costs a round through the sums.
  using Unpacked = WideOf<Format>;
  alignas(64) uint8_t wide[kWideGroups * Unpacked::bytes];
  const int64_t panels = groups > kWideGroups / kWidePanels ? kWidePanels / 2 : kWidePanels;
  const int64_t stretch = kWideGroups / panels, wide_bytes = stretch * Unpacked::bytes;
  static_assert(kWideGroups / kWidePanels % Format::groups == 0);
  for (int64_t p = begin; p < end; p += panels) {
    const int64_t past = end - p < panels ? end : p + panels;
    for (int64_t first = 0; first < groups; first += stretch) {
      const int64_t last = groups - first < stretch ? groups : first + stretch;
      const int64_t offset = w.row_scale_bytes() + first / Format::groups * Format::bytes;
      for (int64_t i = p; i < past; ++i)
        unpack_groups<Format>(w.data + i * w.panel_bytes() + offset, last - first, wide + (i - p) * wide_bytes);
      matmul_tiles<Unpacked>(w, p, past, first, last, acts, bias, out, out_stride, wide, wide_bytes);
    }
  }
}

using Matmul = void (*)(const Panels&, int64_t, int64_t, const Activations&, const float*, float*, int64_t);

template <int... kTypes>
constexpr std::array<Matmul, sizeof...(kTypes)> matmul_by_type(std::integer_sequence<int, kTypes...>) {
  return {matmul_format<Format<like(static_cast<QuantType>(kTypes))>>...};
}

void matmul(const Panels& w, int64_t begin, int64_t end, const Activations& acts, const float* bias, float* out,
            int64_t out_stride) {
  static constexpr auto run = matmul_by_type(std::make_integer_sequence<int, static_cast<int>(QuantType::F32)>{});
  constexpr int64_t kLead = 8192;  // how far `prefetch` is ahead of what is read, so that it comes too late for these
  const uint8_t* start = w.data + begin * w.panel_bytes();
  if (asks_ahead(acts) && acts.columns <= kFewColumns)
    for (int64_t line = 0; line < kLead; line += 64) prefetch_line(start + line);
  run[static_cast<int>(w.quant_type)](w, begin, end, acts, bias, out, out_stride);
}

// The sums of N columns at once: each by itself waits for its last addition.
template <int N>
void floats_times(const float* panel, const float* x, int64_t cols, const float* bias, float* out, int64_t out_stride,
                  int64_t rows) {
  F acc[N];
  for (int c = 0; c < N; ++c) acc[c] = set1(0.0f);
  for (int64_t k = 0; k < cols; ++k) {
    const F weights = load(panel + k * kRows);
    GALOP_UNROLL
    for (int c = 0; c < N; ++c) acc[c] = fma(weights, set1(x[c * cols + k]), acc[c]);
  }
  for (int c = 0; c < N; ++c) store_rows(out + c * out_stride, acc[c], bias, rows);
}

void matmul_f32(const Panels& w, int64_t begin, int64_t end, const float* x, int64_t columns, const float* bias,
                float* out, int64_t out_stride) {
  for (int64_t p = begin; p < end; ++p) {
    const auto* panel = reinterpret_cast<const float*>(w.data + p * w.panel_bytes());
    const int64_t rows = w.rows - p * kRows < kRows ? w.rows - p * kRows : kRows;
    const float* offset = bias ? bias + p * kRows : nullptr;
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4)
      floats_times<4>(panel, x + c * w.cols, w.cols, offset, out + c * out_stride + p * kRows, out_stride, rows);
    for (; c < columns; ++c)
      floats_times<1>(panel, x + c * w.cols, w.cols, offset, out + c * out_stride + p * kRows, out_stride, rows);
  }
}
