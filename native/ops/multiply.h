// A chunk of a matrix product.
#pragma once

#include <algorithm>

#include "activations.h"
#include "op.h"

namespace galop {

// Kernels::matmul of panels [begin, end). For few columns another thread may do it again while this one has no core.
inline void multiply(const Run& run, const Panels& m, int64_t begin, int64_t end, const Activations& acts,
                     const float* bias, float* out, int64_t stride) {
  constexpr int64_t kMost = 32 * 1024;  // floats copied at the end, which stay in L2
  static_assert(kFewColumns < Pool::kKinds);
  const int64_t first = begin * kRows, rows = std::min(end * kRows, m.rows) - first;
  if (acts.columns > kFewColumns || rows * acts.columns > kMost)
    return run.kernels.matmul(m, begin, end, acts, bias, out, stride);
  const Kernels& kernels = run.kernels;  // the run may be over before it is done
  float* own = run.pool.room(rows * acts.columns);
  const bool kept = run.pool.offer(static_cast<int>(acts.columns), (end - begin) * m.panel_bytes(), true,
                                   [&] { kernels.matmul(m, begin, end, acts, bias, own - first, rows); });
  for (int64_t c = 0; kept && c < acts.columns; ++c) std::copy_n(own + c * rows, rows, out + c * stride + first);
}

}  // namespace galop
