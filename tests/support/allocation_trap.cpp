// SPDX-License-Identifier: MIT
// Replaces operator new in every test program. A file of its own, so that callers cannot inline it.
#include "tests/support/allocation_trap.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace {
std::atomic<bool> armed{false}, metering{false};
std::atomic<int> trapped{0};
std::atomic<std::int64_t> used{0}, most{0};

/// What a block takes of the heap, which is more than was asked for.
std::int64_t block_bytes(void* p) {
#if defined(_WIN32)
  return static_cast<std::int64_t>(_msize(p));
#else
  return static_cast<std::int64_t>(malloc_usable_size(p));
#endif
}
void release(void* p) noexcept {
  if (p != nullptr && metering.load()) used -= block_bytes(p);
  std::free(p);
}
}  // namespace

void* operator new(std::size_t bytes) {
  if (armed.load()) ++trapped;
  void* const p = std::malloc(bytes > 0 ? bytes : 1);
  if (p == nullptr) std::abort();
  if (metering.load()) {
    const std::int64_t now = used += block_bytes(p);
    if (now > most.load()) most = now;
  }
  return p;
}
void* operator new[](std::size_t bytes) {
  return operator new(bytes);
}
// The standard's would call the first one, a sanitizer's own would not, and miss its memory in our delete.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return operator new(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return operator new(bytes);
}
void operator delete(void* p) noexcept {
  release(p);
}
void operator delete(void* p, std::size_t) noexcept {
  release(p);
}
void operator delete[](void* p) noexcept {
  release(p);
}
void operator delete[](void* p, std::size_t) noexcept {
  release(p);
}

namespace rexnet_test {
allocation_trap::allocation_trap() {
  trapped = 0;
  armed = true;
}
allocation_trap::~allocation_trap() {
  armed = false;
}
int allocation_trap::count() const {
  return trapped.load();
}
memory_meter::memory_meter() {
  used = 0, most = 0;
  metering = true;
}
memory_meter::~memory_meter() {
  metering = false;
}
std::int64_t memory_meter::peak() const {
  return most.load();
}
}  // namespace rexnet_test
