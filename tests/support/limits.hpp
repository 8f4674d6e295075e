// SPDX-License-Identifier: MIT
// What reading a file may cost: docs/refusals.md, "Memory and time". Every crafted file of the tests is
// measured.
#ifndef REXNET_TESTS_SUPPORT_LIMITS_HPP
#define REXNET_TESTS_SUPPORT_LIMITS_HPP

#include "rexnet/system/windows.hpp"

#include "tests/support/allocation_trap.hpp"
#include "tests/support/sanitizers.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

namespace rexnet_test {

/// How much slower than a plain build this one may be: sanitizers watch every access, emulators every
/// instruction.
inline double slowness() {
#if defined(REXNET_ADDRESS_SANITIZER)
  return 20;
#else
  return std::getenv("REXNET_SAMPLE") != nullptr ? 50 : 1;  // what tests/CMakeLists.txt sets under qemu
#endif
}

/// CPU time of this process in milliseconds: that others use the machine does not matter. (Windows'
/// std::clock() is the time of day.)
inline double cpu_ms() {
#if defined(_WIN32)
  FILETIME created, ended, kernel, user;
  ::GetProcessTimes(::GetCurrentProcess(), &created, &ended, &kernel, &user);
  const auto ms = [](const FILETIME& t) {
    return (static_cast<double>(t.dwHighDateTime) * 4294967296.0 + static_cast<double>(t.dwLowDateTime)) /
           1e4;
  };
  return ms(kernel) + ms(user);
#else
  return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
#endif
}

struct cost {
  double ms = 0;           ///< of CPU time
  std::int64_t bytes = 0;  ///< the most that the heap held at a time
};

/// @param enough_ms a call that takes longer is made twice more, and the shortest counts
template <class Call>
[[nodiscard]] cost cost_of(Call&& call, double enough_ms) {
  cost c;
  for (int i = 0; i < 3 && (i == 0 || c.ms > enough_ms); ++i) {
    const memory_meter meter;
    const double start = cpu_ms();
    call();
    const double ms = cpu_ms() - start;
    c.ms = i == 0 ? ms : (std::min)(ms, c.ms);
    c.bytes = meter.peak();
  }
  return c;
}

/// The multiples of docs/refusals.md; the constant is for messages and empty containers.
inline constexpr std::int64_t bytes_for_a_byte = 100, bytes_besides = 16384;
/// For a file of at most a kilobyte.
inline constexpr double small_file_ms = 10;
/// For each byte of a larger one.
inline constexpr double ms_for_a_byte = 5e-4;

/// What a reader did beyond its limits with a file of this size; empty when it kept to them.
template <class Call>
[[nodiscard]] std::string excess(std::size_t file_bytes, Call&& call) {
  const double size = static_cast<double>(file_bytes),
               ms = slowness() * (std::max)(small_file_ms, ms_for_a_byte * size);
  const cost c = cost_of(call, ms);
  if (c.ms > ms) return std::to_string(c.ms) + " ms for " + std::to_string(file_bytes) + " bytes";
  if (c.bytes > bytes_for_a_byte * static_cast<std::int64_t>(file_bytes) + bytes_besides)
    return std::to_string(c.bytes) + " bytes of memory for " + std::to_string(file_bytes);
  return {};
}

/// Collects the messages of refusals in the file that REXNET_REFUSALS names, for tests/check_refusals.py.
inline void note_refusal(const std::string& message) {
  const char* const path = std::getenv("REXNET_REFUSALS");
  if (path == nullptr) return;
  if (std::FILE* const file = std::fopen(path, "ab")) {
    std::fprintf(file, "%s\n", message.c_str());
    std::fclose(file);
  }
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_LIMITS_HPP
