// SPDX-License-Identifier: MIT
// Replaces operator new in every test program. A file of its own, so that callers cannot inline it.
#include "tests/support/allocation_trap.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<bool> armed{false};
std::atomic<int> trapped{0};
}  // namespace

void* operator new(std::size_t bytes) {
  if (armed.load()) ++trapped;
  if (void* p = std::malloc(bytes > 0 ? bytes : 1)) return p;
  std::abort();
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
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
void operator delete[](void* p) noexcept {
  std::free(p);
}
void operator delete[](void* p, std::size_t) noexcept {
  std::free(p);
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
}  // namespace rexnet_test
