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

// The same where the lower 16 bits of the sum count alone.
template <class Format>
I start_pair(const ActivationGroup& a, int half) {
  static_assert(Format::zero == 0 || Format::zero == 4);
  if constexpr (Format::zero == 0) return set1_i(0);
  int32_t both;
  std::memcpy(&both, a.offset4, sizeof(both));
  return half ? shift_right(set1_i(both), 16) : set1_i(both);
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

// The integers of a group whose scales are one float for each row.
template <class Format, int N>
void dot_group(const typename Format::Head& head, const uint8_t* codes, int g, const ActivationGroup* a, I (&sum)[N]) {
  if constexpr (Format::Scale::pairs) {
    I upper[N];
    for (int c = 0; c < N; ++c) {
      sum[c] = start_pair<Format>(a[c], 0);
      upper[c] = start_pair<Format>(a[c], 1);
    }
    quads_times<Format, 0, 4>(codes, a, sum);
    quads_times<Format, 4, 4>(codes, a, upper);
    const I scale = head.scale_pairs(g);
    for (int c = 0; c < N; ++c) sum[c] = dot_halves(sum[c], upper[c], scale);
  } else {
    for (int c = 0; c < N; ++c) sum[c] = start<Format>(a[c]);
    quads_times<Format, 0, kQuads>(codes, a, sum);
  }
}

// What two halves with scales of their own, or a scale and a minimum of integers, come to but for the activations'.
template <class Format, int N>
void dot_parts(const typename Format::Head& head, const uint8_t* group, int g, const ActivationGroup* a, F (&part)[N]) {
  const uint8_t* codes = group + Format::codes;
  I sum[N];
  if constexpr (Format::Scale::halves) {
    repeat<2>([&](auto half) {
      for (int c = 0; c < N; ++c) sum[c] = start_half<Format>(a[c], half);
      quads_times<Format, 4 * decltype(half)::value, 4>(codes, a, sum);
      const F scale = head.scale(group, g, half);
      GALOP_UNROLL
      for (int c = 0; c < N; ++c)
        part[c] = half ? fma(to_float(sum[c]), scale, part[c]) : mul(to_float(sum[c]), scale);
    });
  } else {
    dot_group<Format>(head, codes, g, a, sum);
    const F &scale = head.scale(group, g), &unit = head.least_unit(group);
    const I least = head.least_pairs(group, g);
    GALOP_UNROLL
    for (int c = 0; c < N; ++c)
      part[c] = fma(to_float(sum[c]), scale, mul(to_float(dot_pairs(set1_i(0), least, a[c].offset4)), unit));
  }
}

// What is read next, of which each group asks for some lines.
struct Ahead {
  const uint8_t* at = nullptr;
  int64_t lines = 0;
  void ask() {
    for (int64_t i = 0; i < lines; ++i, at += 64) prefetch_line(at);
  }
};

#if defined(GALOP_MATRIX_TILES)
// Pairs of minima need products of their own for each column, beside which tiles save nothing.
template <class Format>
constexpr bool in_tiles = !Format::streamed && !Format::Scale::minimum_pairs;

// The quads of a product of tiles: those of a group, or of a half that has a scale of its own.
template <class Format>
constexpr int tile_quads = kQuads / (1 + Format::Scale::halves);

// Adds to acc[c] what panel_times does of so many groups, in tiles as wide as the columns.
template <class Format, int kGroups, int N>
[[gnu::always_inline]] inline void tiles_times(const uint8_t* panel, const ActivationGroup* a, F (&acc)[N],
                                               Ahead* ahead) {
  using Scale = typename Format::Scale;
  constexpr int parts = 1 + Scale::halves;
  const typename Format::Head head(panel);
  alignas(64) int32_t sums[kGroups * parts][N][kRows];
  multiply_tiles<N, tile_quads<Format>, kGroups * parts>(panel, Format::bytes, a, sums[0][0]);
  for (int g = 0; g < kGroups; ++g, panel += Format::bytes, a += N) {
    const auto sum = [&](int half, int column) {
      return to_float(load_i(reinterpret_cast<const uint8_t*>(sums[g * parts + half][column])));
    };
    ahead->ask();
    GALOP_UNROLL
    for (int c = 0; c < N; ++c) {
      if constexpr (Scale::halves) {
        const F part = fma(sum(1, c), head.scale(panel, 0, 1), mul(sum(0, c), head.scale(panel, 0, 0)));
        acc[c] = fma(part, set1(a[c].scale), acc[c]);
      } else {
        acc[c] = fma(sum(0, c), mul(head.scale(panel, 0), set1(a[c].scale)), acc[c]);
      }
      if constexpr (Scale::minimum) acc[c] = fma(head.least(panel, 0), set1(a[c].scaled_sum), acc[c]);
    }
  }
}
#endif

// Adds to acc[c]; the groups of one column are `stride` apart.
template <class Format, int N>
void panel_times(const uint8_t* panel, int64_t groups, const ActivationGroup* a, F (&acc)[N], int64_t stride = N,
                 bool hints = false, Ahead* ahead = nullptr) {
  using Scale = typename Format::Scale;
  for (int64_t block = 0; block < groups / Format::groups; ++block, panel += Format::bytes) {
    const typename Format::Head head(panel);
    const uint8_t* group = panel + Format::head;
    for (int g = 0; g < Format::groups; ++g, a += stride, group += Format::group_bytes) {
      constexpr int each = Format::bytes / Format::groups;
      if constexpr (Format::streamed)
        if (hints) prefetch<each>(panel + g * each);
      if constexpr (!Format::streamed || kWideFrom > 2 * kFewColumns)  // else few columns' activations, which are near
        if (ahead) ahead->ask();
      if constexpr (Scale::halves || Scale::minimum_pairs) {
        F part[N];
        dot_parts<Format>(head, group, g, a, part);
        GALOP_UNROLL
        for (int c = 0; c < N; ++c) acc[c] = fma(part[c], set1(a[c].scale), acc[c]);
      } else {
        I sum[N];
        dot_group<Format>(head, group + Format::codes, g, a, sum);
        const F& scale = head.scale(group, g);
        GALOP_UNROLL
        for (int c = 0; c < N; ++c) acc[c] = fma(to_float(sum[c]), mul(scale, set1(a[c].scale)), acc[c]);
      }
      if constexpr (Scale::minimum) {
        const F& least = head.least(group, g);
        GALOP_UNROLL
        for (int c = 0; c < N; ++c) acc[c] = fma(least, set1(a[c].scaled_sum), acc[c]);
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

// A part of a product: panels [begin, end), which lie at `panels`, of which groups [first, last) of the inner dimension
// count; what comes before them is already in `out`.
struct Slice {
  const Panels& w;
  int64_t begin, end, first, last;
  const uint8_t* panels;
  int64_t panel_bytes;
  const float* bias;
  float* out;
  int64_t out_stride;
};

template <class Format, int N>
void panels_times(const Slice& slice, const ActivationGroup* a, int64_t stride, float* out, bool hints, Ahead ahead) {
  const Panels& w = slice.w;
  const uint8_t* panel = slice.panels;
  for (int64_t p = slice.begin; p < slice.end; ++p, panel += slice.panel_bytes) {
    const int64_t rows = w.rows - p * kRows < kRows ? w.rows - p * kRows : kRows;
    const bool whole = slice.last == w.groups();
    const float* offset = slice.bias && whole ? slice.bias + p * kRows : nullptr;
    float* to = out + p * kRows;
    F acc[N];
    for (int c = 0; c < N; ++c) acc[c] = slice.first ? load_rows(to + c * slice.out_stride, rows) : set1(0.0f);
    if constexpr (!Format::streamed) {
      // A store that has to fetch its line holds up those after it, so what is written next is asked for.
      const float* next = ahead.lines ? out + N * slice.out_stride + slice.begin * kRows : nullptr;
      if (p + 1 < slice.end) next = to + kRows;
      for (int c = 0; next && c < N; ++c) prefetch_written(next + c * slice.out_stride);
    }
#if defined(GALOP_MATRIX_TILES)
    if constexpr (in_tiles<Format>) {
      constexpr int at_once = 4 / (1 + Format::Scale::halves);
      const int64_t groups = slice.last - slice.first;
      int64_t g = 0;
      for (; g + at_once <= groups; g += at_once)
        tiles_times<Format, at_once>(panel + g * Format::bytes, a + g * N, acc, &ahead);
      if constexpr (at_once > 2)
        for (; g + 2 <= groups; g += 2) tiles_times<Format, 2>(panel + g * Format::bytes, a + g * N, acc, &ahead);
      for (; g < groups; ++g) tiles_times<Format, 1>(panel + g * Format::bytes, a + g * N, acc, &ahead);
    } else
#endif
      panel_times<Format, N>(panel, slice.last - slice.first, a, acc, stride, hints, &ahead);
    if (whole && w.row_scale_bytes()) {
      const F scale = load(reinterpret_cast<const float*>(w.data + p * w.panel_bytes()));
      for (int c = 0; c < N; ++c) acc[c] = mul(acc[c], scale);
    }
    for (int c = 0; c < N; ++c) store_rows(to + c * slice.out_stride, acc[c], offset, rows);
  }
}

// ---- For many columns a panel is unpacked once: a byte for each code, a float for each scale

// What is unpacked, of any format: 8 quads, then the scales (two, of halves) and minima. Pairs of scales are multiplied
// into the codes; those of minima remain, before what they are multiplied with.
template <int kBits, int kZero, bool kHalves, bool kMinimum, bool kMinimumPairs>
struct Wide {
  static constexpr int bits = kBits, zero = kZero, groups = 1, head = 0, codes = 0;
  static constexpr int widest = kMinimumPairs ? kTile : kColumnTile;  // those of tiles, where there are
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

// What multiplies the codes of a half group into bytes: (code - zero) times a scale, in the lower byte of each lane.
template <class Format>
struct CodeScale {
  B factor, offset;
  explicit CodeScale(I scale) {
    scale = and_i(scale, 0xff);
    scale = or_i(scale, shift_left<8>(scale));
    factor = bytes(or_i(scale, shift_left<16>(scale)));
    if constexpr (Format::zero > 0) {
      factor = times(factor, bytes(set1_i(-1)));
      const B less_zero = bytes(set1_i(static_cast<int32_t>(0x01010101u * (256 - Format::zero))));
      offset = plus(times(factor, less_zero), bytes(set1_i(static_cast<int32_t>(0x80808080u))));
    }
  }
  B operator()(B codes) const {
    if constexpr (Format::zero > 0) return plus(times(codes, factor), offset);
    return times(codes, factor);
  }
};

// Codes as they are multiplied: tiles take them signed.
template <int kZero>
B unpacked(B codes) {
#if defined(GALOP_MATRIX_TILES)
  if constexpr (kZero > 0) return plus(codes, bytes(set1_i(static_cast<int32_t>(0x01010101u * (256 - kZero)))));
#endif
  return codes;
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
      const uint8_t* codes = group + Format::codes;
      auto* floats = reinterpret_cast<float*>(out + 512);
      if constexpr (Scale::pairs) {
        const I scales = head.scale_pairs(g);
        const CodeScale<Format> first(scales), second(shift_right(scales, 16));
        repeat<kQuads>([&](auto j) {
          const B product = (j < kQuads / 2 ? first : second)(Format::template quad<j>(codes));
          store_b(out + 64 * j, unpacked<WideOf<Format>::zero>(product));
        });
        store(floats, Format::zero ? sub(set1(0.0f), head.scale(group, g)) : head.scale(group, g));
      } else {
        repeat<kQuads>([&](auto j) {
          store_b(out + 64 * j, unpacked<Format::zero>(Format::template quad<j>(codes)));
        });
        if constexpr (Scale::halves) {
          store(floats, head.scale(group, g, 0));
          store(floats + 16, head.scale(group, g, 1));
        } else {
          store(floats, head.scale(group, g));
        }
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

// Multiplies each tile of columns, as much of it at a time as there is a kernel for, and asks for the next one's
// activations meanwhile: with many columns they come from the last-level cache or from memory.
template <class Format>
void matmul_tiles(const Slice& slice, const Activations& acts) {
  using Run = void (*)(const Slice&, const ActivationGroup*, int64_t, float*, bool, Ahead);
  static constexpr auto run = []<int... kLess>(std::integer_sequence<int, kLess...>) {
    return std::array<Run, sizeof...(kLess) + 1>{nullptr, panels_times<Format, kLess + 1>...};
  }(std::make_integer_sequence<int, Format::widest>{});
  const int64_t panels = slice.end - slice.begin;
  const ActivationGroup* a = acts.data;
  for (int64_t c = 0; c < acts.columns; c += kColumnTile) {
    const int64_t n = acts.columns - c < kColumnTile ? acts.columns - c : kColumnTile;
    const ActivationGroup* next = a + n * acts.groups;
    const int64_t left = acts.columns - c - n, after = left < kColumnTile ? left : kColumnTile;
    Ahead ahead;
    if (left) ahead = {reinterpret_cast<const uint8_t*>(next + slice.first * after), (after + panels - 1) / panels};
#if defined(GALOP_MATRIX_TILES)
    if constexpr (in_tiles<Format>)
      if (c == 0 || n < kColumnTile) shape_tiles<tile_quads<Format>>(n);
#endif
    for (int64_t at = 0; at < n; at += Format::widest) {
      const int64_t width = n - at < Format::widest ? n - at : Format::widest;
      run[width](slice, a + slice.first * n + at, n, slice.out + (c + at) * slice.out_stride,
                 asks_ahead(acts) && c == 0, ahead);
      ahead.lines = 0;
    }
    a = next;
  }
}

template <class Format>
void matmul_format(const Panels& w, int64_t begin, int64_t end, const Activations& acts, const float* bias, float* out,
                   int64_t out_stride) {
  const int64_t groups = w.groups(), bytes = w.panel_bytes();
  if (acts.columns <= kFewColumns) {
    // A panel serves all columns before the next is read from memory.
    const int64_t at_once = acts.columns > Format::widest ? 1 : end - begin;
    for (int64_t p = begin; p < end; p += at_once)
      matmul_tiles<Format>({w, p, p + at_once, 0, groups, w.data + p * bytes + w.row_scale_bytes(), bytes, bias, out,
                            out_stride},
                           acts);
    return;
  }
  // A few panels and a stretch of the inner dimension at a time: a tile of activations stays in L1, the panels in L2,
  // unpacked where that pays.
  using Unpacked = WideOf<Format>;
  constexpr int64_t stretch = kWideGroups / kWidePanels, wide_bytes = stretch * Unpacked::bytes;
  static_assert(stretch % Format::groups == 0);
  alignas(64) uint8_t wide[kWidePanels * wide_bytes];
  for (int64_t p = begin; p < end; p += kWidePanels) {
    const int64_t past = end - p < kWidePanels ? end : p + kWidePanels;
    for (int64_t first = 0; first < groups; first += stretch) {
      const int64_t last = groups - first < stretch ? groups : first + stretch;
      const uint8_t* from = w.data + p * bytes + w.row_scale_bytes() + first / Format::groups * Format::bytes;
      Slice slice{w, p, past, first, last, from, bytes, bias, out, out_stride};
      if (acts.columns < Format::wide_from) {
        matmul_tiles<Format>(slice, acts);
        continue;
      }
      for (int64_t i = 0; i < past - p; ++i)
        unpack_groups<Format>(from + i * bytes, last - first, wide + i * wide_bytes);
      slice.panels = wide;
      slice.panel_bytes = wide_bytes;
      matmul_tiles<Unpacked>(slice, acts);
    }
  }
#if defined(GALOP_MATRIX_TILES)
  release_tiles();  // what they hold would be saved at each switch of threads
#endif
}
