// Weight formats: how a panel is walked and where a group's codes, scale and minimum are. Part of kernels.inl.

struct Codes4 {
  static constexpr int bytes = 256;
  static constexpr int bits = 4;
  template <int J>
  static B quad(const uint8_t* codes, const uint8_t*) {
    const B b = load_b(codes + 64 * (J % 4));
    if constexpr (J < 4) return low(b);
    return high(b);
  }
};
struct Codes5 : Codes4 {
  static constexpr int bits = 5;
  template <int J>
  static B quad(const uint8_t* codes, const uint8_t* plane) {
    return bit5<J>(Codes4::quad<J>(codes, plane), load_b(plane));
  }
};
struct Codes6 : Codes4 {
  static constexpr int bits = 6;
  template <int J>
  static B quad(const uint8_t* codes, const uint8_t* plane) {
    return bits6<J % 4>(Codes4::quad<J>(codes, plane), load_b(plane + 64 * (J / 4)));
  }
};
struct Codes8 {
  static constexpr int bytes = 512;
  static constexpr int bits = 8;
  template <int J>
  static B quad(const uint8_t* codes, const uint8_t*) {
    return load_b(codes + 64 * J);
  }
};

// Start of the integer dot product: the zero point times the activations' sum.
struct Zero0 {
  static I start(const ActivationGroup&) { return set1_i(0); }
};
struct Zero8 {
  static I start(const ActivationGroup& a) { return set1_i(a.offset8); }
};
struct Zero16 {
  static I start(const ActivationGroup& a) { return set1_i(a.offset16); }
};
struct Zero128 {
  static I start(const ActivationGroup& a) { return start8(a); }
};

template <class C, class Z, bool kMinimum, int kHigh, bool kStreamed = true>
struct OneLevel {  // a scale, perhaps a minimum, in fp16 per group of 32
  using Codes = C;
  using Zero = Z;
  static constexpr bool streamed = kStreamed;
  static constexpr bool minimum = kMinimum;
  static constexpr bool halves = false;
  static constexpr int groups = 1;
  static constexpr int scales = kMinimum ? 64 : 32;
  static constexpr int bytes = scales + kHigh + C::bytes;
  struct Head {
    explicit Head(const uint8_t*) {}
  };
  static const uint8_t* group(const uint8_t* block, int) { return block; }
  static F scale(const Head&, const uint8_t* group) { return load_f16(group); }
  static F least(const Head&, const uint8_t* group) { return load_f16(group + 32); }
  static const uint8_t* codes(const uint8_t* group) { return group + scales + kHigh; }
  static const uint8_t* plane(const uint8_t* group) { return group + scales; }
};

template <class C, int kHigh>
struct TwoLevel {  // Q4_K, Q5_K: fp16 d and dmin per 256, 6-bit scale and minimum per 32
  using Codes = C;
  using Zero = Zero0;
  static constexpr bool streamed = true;
  static constexpr bool minimum = true;
  static constexpr bool halves = false;
  static constexpr int groups = 8;
  static constexpr int group_bytes = 32 + kHigh + 256;
  static constexpr int bytes = 64 + groups * group_bytes;
  struct Head {
    F d, dmin;
    explicit Head(const uint8_t* block) : d(load_f16(block)), dmin(sub(set1(0.0f), load_f16(block + 32))) {}
  };
  static const uint8_t* group(const uint8_t* block, int g) { return block + 64 + g * group_bytes; }
  static F scale(const Head& head, const uint8_t* group) { return mul(head.d, load_u8(group)); }
  static F least(const Head& head, const uint8_t* group) { return mul(head.dmin, load_u8(group + 16)); }
  static const uint8_t* codes(const uint8_t* group) { return group + 32 + kHigh; }
  static const uint8_t* plane(const uint8_t* group) { return group + 32; }
};

struct SixBit {  // Q6_K: fp16 d per 256, int8 scale per 16
  using Codes = Codes6;
  using Zero = Zero0;  // offset32 instead, per half
  static constexpr bool streamed = true;
  static constexpr bool minimum = false;
  static constexpr bool halves = true;
  static constexpr int groups = 8;
  static constexpr int group_bytes = 32 + 128 + 256;
  static constexpr int bytes = 32 + groups * group_bytes;
  struct Head {
    F d;
    explicit Head(const uint8_t* block) : d(load_f16(block)) {}
  };
  static const uint8_t* group(const uint8_t* block, int g) { return block + 32 + g * group_bytes; }
  static F scale(const Head& head, const uint8_t* group, int half) { return mul(head.d, load_i8(group + 16 * half)); }
  static const uint8_t* codes(const uint8_t* group) { return group + 160; }
  static const uint8_t* plane(const uint8_t* group) { return group + 32; }
};

// Each quant type of weights.h and the format its panels have.
template <QuantType kType>
struct FormatOf;
template <class Format>
struct Is {
  using type = Format;
};
template <>
struct FormatOf<QuantType::Q4_0> : Is<OneLevel<Codes4, Zero8, false, 0>> {};
template <>
struct FormatOf<QuantType::Q4_1> : Is<OneLevel<Codes4, Zero0, true, 0>> {};
template <>
struct FormatOf<QuantType::Q5_0> : Is<OneLevel<Codes5, Zero16, false, 64>> {};
template <>
struct FormatOf<QuantType::Q5_1> : Is<OneLevel<Codes5, Zero0, true, 64>> {};
template <>
struct FormatOf<QuantType::Q8_0> : Is<OneLevel<Codes8, Zero128, false, 0>> {};
template <>
struct FormatOf<QuantType::Q4_K> : Is<TwoLevel<Codes4, 0>> {};
template <>
struct FormatOf<QuantType::Q5_K> : Is<TwoLevel<Codes5, 64>> {};
template <>
struct FormatOf<QuantType::Q6_K> : Is<SixBit> {};
