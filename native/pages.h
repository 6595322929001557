// Memory in large pages where the system gives them.
#pragma once

#include <cstdint>
#include <memory>

namespace galop {

// Bytes that are not initialised, at the beginning of a cache line; of 2 MiB and more at that of a large page, so that
// threads which write neighbouring rows share no line, and strides through all of them miss no translation.
class Pages {
 public:
  explicit Pages(int64_t bytes = 0);

  int64_t bytes() const { return bytes_; }
  uint8_t* data() const { return start_.get(); }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data());
  }

 private:
  struct Free {
    int64_t bytes;
    void operator()(uint8_t* p) const;
  };
  int64_t bytes_ = 0;
  std::unique_ptr<uint8_t[], Free> start_{};
};

}  // namespace galop
