// The matrix product of each type, whichever part it is compiled in. Part of kernels.inl.

template <int... kTypes>
std::array<Matmul, sizeof...(kTypes)> matmul_by_type(std::integer_sequence<int, kTypes...>) {
  return {find_matmul<matmul_part(static_cast<QuantType>(kTypes))>(static_cast<QuantType>(kTypes))...};
}

void matmul(const Panels& w, int64_t begin, int64_t end, const Activations& acts, const float* bias, float* out,
            int64_t out_stride) {
  static const auto run = matmul_by_type(std::make_integer_sequence<int, static_cast<int>(QuantType::F32)>{});
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
