// Refuses what does not fit. Python sees a ValueError.
#pragma once

#include <stdexcept>
#include <string>

namespace galop {

inline void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

inline void require(bool condition, const std::string& message) {
  if (!condition) throw std::invalid_argument(message);
}

}  // namespace galop
