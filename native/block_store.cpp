#include "block_store.h"

#include <algorithm>
#include <cstring>

#include "require.h"

namespace galop {

constexpr int64_t kSlabBytes = 64 << 20;

int64_t BlockStore::allocate() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!free_.empty()) {
    const int64_t id = free_.back();
    free_.pop_back();
    taken_[id] = true;
    return id;
  }
  const int64_t per_slab = std::max<int64_t>(1, kSlabBytes / block_bytes_);
  const int64_t id = static_cast<int64_t>(blocks_.size());
  if (id % per_slab == 0) slabs_.emplace_back(per_slab * block_bytes_);
  uint8_t* memory = slabs_.back().data() + id % per_slab * block_bytes_;
  // Zeroed: a tile reads whole vectors of keys, those not yet written included, and weights them with 0.
  std::memset(memory, 0, block_bytes_);
  blocks_.push_back(memory);
  taken_.push_back(true);
  return id;
}

void BlockStore::release(int64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  require(id >= 0 && id < static_cast<int64_t>(blocks_.size()), "a block that was never allocated");
  require(taken_[id], "a block that was released already");
  free_.push_back(id);
  taken_[id] = false;
}

uint8_t* BlockStore::block(int64_t id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  require(id >= 0 && id < static_cast<int64_t>(blocks_.size()), "a block that was never allocated");
  return blocks_[id];
}

int64_t BlockStore::in_use() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<int64_t>(blocks_.size() - free_.size());
}

}  // namespace galop
