// SPDX-License-Identifier: MIT
// How much memory a parser holds at once, exactly, where AddressSanitizer's allocator can be asked; else
// nothing is counted and every limit holds.
#ifndef REXNET_TESTS_FUZZ_MEMORY_HPP
#define REXNET_TESTS_FUZZ_MEMORY_HPP

#include "tests/support/sanitizers.hpp"

#include <cstddef>

#if defined(REXNET_ADDRESS_SANITIZER)
// <sanitizer/allocator_interface.h>, which g++ does not bring.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                              void (*on_free)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void*);
}
#endif

namespace rexnet_fuzz {

/// Of this program, which has one thread when it counts.
struct memory_counts {
  std::size_t now = 0, peak = 0;
  bool on = false;
};
inline memory_counts memory;

#if defined(REXNET_ADDRESS_SANITIZER)
inline void on_malloc(const volatile void*, std::size_t bytes) {
  if (!memory.on) return;
  memory.now += bytes;
  if (memory.now > memory.peak) memory.peak = memory.now;
}
inline void on_free(const volatile void* p) {
  if (!memory.on || p == nullptr) return;
  const std::size_t bytes = __sanitizer_get_allocated_size(p);
  memory.now = memory.now > bytes ? memory.now - bytes : 0;
}
#endif

/// Counts as long as it lives.
class memory_watch {
 public:
  memory_watch() {
#if defined(REXNET_ADDRESS_SANITIZER)
    static const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    static_cast<void>(installed);
#endif
    memory = {};
    memory.on = true;
  }
  memory_watch(const memory_watch&) = delete;
  memory_watch& operator=(const memory_watch&) = delete;
  ~memory_watch() {
    memory.on = false;
  }
  /// The most bytes that were alive at once; 0 where nobody counts.
  [[nodiscard]] std::size_t peak() const noexcept {
    return memory.peak;
  }
};

}  // namespace rexnet_fuzz

#endif  // REXNET_TESTS_FUZZ_MEMORY_HPP
