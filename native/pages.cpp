#include "pages.h"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace galop {
namespace {

constexpr int64_t kLargePage = 2 << 20;

std::align_val_t alignment(int64_t bytes) { return std::align_val_t(bytes < kLargePage ? 64 : kLargePage); }

}  // namespace

Pages::Pages(int64_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  start_ = {static_cast<uint8_t*>(::operator new[](bytes, alignment(bytes))), Free{bytes}};
#if defined(__linux__)
  if (bytes >= kLargePage) madvise(data(), bytes, MADV_HUGEPAGE);
#endif
}

void Pages::Free::operator()(uint8_t* p) const { ::operator delete[](p, alignment(bytes)); }

}  // namespace galop
