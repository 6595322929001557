// Weight formats: where a group's codes, scales and minima are in a panel. Part of kernels.inl.

// What is looked up for each code of a layout with values: the value plus the zero point, so that none is below 0.
template <QuantType kType>
struct Table {
  static constexpr auto entries = [] {
    std::array<uint8_t, 16> out{};
    constexpr const Layout& at = layout(kType);
    for (int i = 0; i < 1 << (at.low_bits + at.high_bits); ++i) out[i] = static_cast<uint8_t>(at.value(i) + at.zero);
    return out;
  }();
  static constexpr int bits = [] {
    uint8_t largest = 0;
    for (uint8_t entry : entries) largest = entry > largest ? entry : largest;
    return std::bit_width(largest);
  }();
};

// What each group or half of a group is multiplied with. `Head` keeps what a block has of it; `scale`, and `least`, the
// minimum, are of one group (its own bytes and its number) or half. Pairs are integers instead, those of two halves in
// one int32, and multiply the sums of the halves before these become floats; pairs of minima multiply the activations'.
// What a head keeps is given by reference: GCC copies vectors of two registers in pieces of 16 bytes, through memory.
template <Scales kScales, int kHalvings>
struct ScalesOf;

struct GroupScales {
  static constexpr bool halves = false, minimum = false, pairs = false, minimum_pairs = false;
};

template <int kHalvings>
struct ScalesOf<Scales::kFloat, kHalvings> : GroupScales {
  struct Head {
    F d;
    explicit Head(const uint8_t* block) : d(load_f16(block)) {}
    const F& scale(const uint8_t*, int) const { return d; }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kFloatMinimum, kHalvings> : GroupScales {
  static constexpr bool minimum = true;
  struct Head {
    F d, m;
    explicit Head(const uint8_t* block) : d(load_f16(block)), m(load_f16(block + 32)) {}
    const F& scale(const uint8_t*, int) const { return d; }
    const F& least(const uint8_t*, int) const { return m; }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kPower, kHalvings> : GroupScales {
  struct Head {
    explicit Head(const uint8_t*) {}
    F scale(const uint8_t* group, int) const { return load_e8m0(group); }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kMinifloat, kHalvings> : GroupScales {
  static constexpr bool halves = true;
  struct Head {
    explicit Head(const uint8_t*) {}
    F scale(const uint8_t* group, int, int half) const { return load_e4m3(group + 16 * half); }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kByteMinimum, kHalvings> : GroupScales {
  static constexpr bool minimum = true;
  struct Head {
    F d, dmin;
    explicit Head(const uint8_t* block) : d(load_f16(block)), dmin(sub(set1(0.0f), load_f16(block + 32))) {}
    F scale(const uint8_t* group, int) const { return mul(d, load_u8(group)); }
    F least(const uint8_t* group, int) const { return mul(dmin, load_u8(group + 16)); }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kSigned, kHalvings> : GroupScales {
  struct Head {
    F d;
    explicit Head(const uint8_t* block) : d(load_f16(block)) {}
    F scale(const uint8_t* group, int) const { return mul(d, load_i8(group)); }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kSignedHalf, kHalvings> : GroupScales {
  static constexpr bool halves = true;
  struct Head {
    F d;
    explicit Head(const uint8_t* block) : d(load_f16(block)) {}
    F scale(const uint8_t* group, int, int half) const { return mul(d, load_i8(group + 16 * half)); }
  };
};

// Nibbles of both halves of group g: those of 4 groups lie in one int32 for each row, the second halves' in its upper
// 16 bits.
inline I nibble_pairs(const uint8_t* nibbles, int g) {
  return and_i(shift_right(load_i(nibbles + 64 * (g / 4)), 4 * (g % 4)), 0x000f000f);
}

template <int kHalvings>
struct ScalesOf<Scales::kNibbleHalf, kHalvings> : GroupScales {
  static constexpr bool pairs = true, minimum_pairs = true;
  struct Head {
    const uint8_t* block;
    F d, dmin;  // dmin / 4, since the activations' sums come times -4
    explicit Head(const uint8_t* b) : block(b), d(load_f16(b)), dmin(mul(set1(0.25f), load_f16(b + 32))) {}
    I scale_pairs(int g) const { return nibble_pairs(block + 64, g); }
    const F& scale(const uint8_t*, int) const { return d; }
    I least_pairs(const uint8_t*, int g) const { return nibble_pairs(block + 192, g); }
    const F& least_unit(const uint8_t*) const { return dmin; }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kSixBitHalf, kHalvings> : GroupScales {
  static constexpr bool pairs = true;
  struct Head {
    const uint8_t* block;
    F d;
    explicit Head(const uint8_t* b) : block(b), d(load_f16(b)) {}
    const F& scale(const uint8_t*, int) const { return d; }
    I scale_pairs(int g) const {
      const I upper = and_i(shift_right(load_i(block + 160), 2 * g), 0x00030003);
      return pairs_less_32(or_i(nibble_pairs(block + 32, g), shift_left<4>(upper)));
    }
  };
};

// 2 s + 1 times d, as d + 2 d * s
struct OddHead {
  const uint8_t* nibbles;
  F d, twice;
  OddHead(const uint8_t* block, float unit)
      : nibbles(block + 32), d(mul(set1(unit), load_f16(block))), twice(add(d, d)) {}
  F odd(I s) const { return fma(twice, to_float(s), d); }
};

template <int kHalvings>
struct ScalesOf<Scales::kOdd, kHalvings> : GroupScales {
  struct Head : OddHead {
    explicit Head(const uint8_t* block) : OddHead(block, 1.0f / (1 << kHalvings)) {}
    F scale(const uint8_t*, int g) const { return odd(and_i(shift_right(load_i(nibbles), 4 * g), 15)); }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kOddHalf, kHalvings> : GroupScales {
  static constexpr bool halves = true;
  struct Head : OddHead {
    explicit Head(const uint8_t* block) : OddHead(block, 1.0f / (1 << kHalvings)) {}
    F scale(const uint8_t*, int g, int half) const {
      return odd(and_i(shift_right(load_i(nibbles + 64 * (g / 4)), 4 * (g % 4) + 16 * half), 15));
    }
  };
};

template <int kHalvings>
struct ScalesOf<Scales::kOddShifted, kHalvings> : GroupScales {
  static constexpr bool minimum = true;
  struct Head : OddHead {
    explicit Head(const uint8_t* block) : OddHead(block, 1) {}
    F scale(const uint8_t*, int g) const { return odd(and_i(shift_right(load_i(nibbles), 4 * g), 7)); }
    F least(const uint8_t* group, int g) const {  // times -7/8, or -9/8 where the sign is set
      const F sign = to_float(and_i(shift_right(load_i(nibbles), 4 * g + 3), 1));
      return mul(scale(group, g), fma(set1(-0.25f), sign, set1(-0.875f)));
    }
  };
};

// The format of a quant type's panels.
template <QuantType kType, bool kStreamed = true>
struct Format {
  static constexpr const Layout& at = layout(kType);
  using Scale = ScalesOf<at.scales, at.halvings>;
  using Head = typename Scale::Head;
  static constexpr bool streamed = kStreamed;
  static constexpr int widest = at.rare() ? 2 : kTile;  // the columns that there are kernels for
  // Those from which unpacking a panel first pays; it does sooner where it saves a product for each column, or where
  // each pair of columns unpacks it again.
  static constexpr int wide_from = at.rare()                        ? (Scale::halves ? 1 : 2) * kTile
                                   : Scale::pairs && kWideFrom > 32 ? 32
                                                                    : kWideFrom;
  static constexpr int zero = at.zero;
  static constexpr int groups = at.groups();
  static constexpr int head = head_bytes(at.scales);
  static constexpr int codes = scale_bytes(at.scales);  // where they are in a group
  static constexpr int group_bytes = at.group_bytes();
  static constexpr int bytes = at.panel_bytes();
  static constexpr bool doubled = at.low_bits == 1;  // -1 and 1 as 0 and 2
  static constexpr bool table = at.values && !doubled;
  static constexpr int bits = [] {
    if constexpr (table) return Table<kType>::bits;
    return at.low_bits + at.high_bits + doubled;
  }();

  template <int J>
  static B quad(const uint8_t* codes) {
    constexpr int low = at.low_bits, high = at.high_bits;
    B b = load_b(codes + 64 * (high + vector_of(low, J)));
    if constexpr (low < 8) b = field<bit_of(low, J), doubled, low>(b);
    if constexpr (high > 0) b = insert<bit_of(high, J), low, high>(b, load_b(codes + 64 * vector_of(high, J)));
    if constexpr (table) b = look_up(Table<kType>::entries.data(), b);
    return b;
  }
};
