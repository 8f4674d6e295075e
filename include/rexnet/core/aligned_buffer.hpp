// SPDX-License-Identifier: MIT
// Owning memory, 64-byte aligned and zeroed: for weights, and for workspaces where the caller has none.
#ifndef REXNET_CORE_ALIGNED_BUFFER_HPP
#define REXNET_CORE_ALIGNED_BUFFER_HPP

#include "rexnet/core/build.hpp"
#include "rexnet/core/views.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// One cache line, and the widest vector.
inline constexpr std::size_t alignment = 64;

[[nodiscard]] inline bool is_aligned(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0;
}

/// Movable, not copyable. A failed allocation gives an empty buffer: test data() or size().
class aligned_buffer {
 public:
  aligned_buffer() noexcept = default;
  /// Zeroed memory of so many bytes; empty where the system has none.
  explicit aligned_buffer(std::size_t bytes) noexcept {
    if (bytes > static_cast<std::size_t>(-1) - alignment) return;
    block_ = std::calloc(bytes + alignment, 1);
    if (block_ == nullptr) return;
    const auto address = reinterpret_cast<std::uintptr_t>(block_);
    data_ = static_cast<unsigned char*>(block_) + (alignment - address % alignment);
    size_ = bytes;
#if defined(__linux__)
    // Weights are read once per image, many streams at a time: in pages of 4 kB the prefetchers stop and the
    // TLB misses every 64 steps (v1 3.0x: 2 % of a pass). Whole huge pages only, so that no memory is added.
    constexpr std::uintptr_t huge = std::uintptr_t{1} << 21;
    const std::uintptr_t first = (address + huge - 1) / huge * huge, last = (address + bytes) / huge * huge;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
  }
  /// Takes the memory; the other is empty then.
  aligned_buffer(aligned_buffer&& other) noexcept {
    swap(other);
  }
  /// The same; its own memory is freed.
  aligned_buffer& operator=(aligned_buffer&& other) noexcept {
    aligned_buffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  aligned_buffer(const aligned_buffer&) = delete;
  aligned_buffer& operator=(const aligned_buffer&) = delete;
  ~aligned_buffer() {
    std::free(block_);
  }

  /// The first byte, at a multiple of `alignment`; null when empty.
  [[nodiscard]] unsigned char* data() noexcept {
    return data_;
  }
  /// The same, to read.
  [[nodiscard]] const unsigned char* data() const noexcept {
    return data_;
  }
  /// In bytes.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }
  /// The memory as floats, as many as fit. Not of a temporary, which would be freed.
  [[nodiscard]] span<float> floats() & noexcept {
    return {reinterpret_cast<float*>(data_), size_ / sizeof(float)};
  }
  /// The same, to read.
  [[nodiscard]] span<const float> floats() const& noexcept {
    return {reinterpret_cast<const float*>(data_), size_ / sizeof(float)};
  }
  [[nodiscard]] span<const float> floats() const&& = delete;

 private:
  void swap(aligned_buffer& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  void* block_ = nullptr;
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Room for `count` floats; empty, as after a failed allocation, where the address space ends before them.
[[nodiscard]] inline aligned_buffer float_buffer(std::int64_t count) noexcept {
  constexpr auto most = static_cast<std::int64_t>(static_cast<std::size_t>(-1) / 2 / sizeof(float));
  return count <= most ? aligned_buffer(static_cast<std::size_t>(count) * sizeof(float)) : aligned_buffer();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_ALIGNED_BUFFER_HPP
