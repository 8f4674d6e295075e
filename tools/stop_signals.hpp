// SPDX-License-Identifier: MIT
// Ctrl-C (on POSIX also SIGTERM) during long work: what was begun is finished and written.
#ifndef REXNET_TOOLS_STOP_SIGNALS_HPP
#define REXNET_TOOLS_STOP_SIGNALS_HPP

#include <atomic>
#include <csignal>

namespace rexnet_tools {

/// The signal that came; 0 as long as none did.
inline std::atomic<int> stopped_by{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

/// The exit code of a command that was interrupted, and wrote what it had.
inline constexpr int interrupted_exit = 130;

/// The pictures that were begun are finished first. A second signal ends the program at once.
extern "C" inline void rexnet_stop_soon(int signal) {
  stopped_by = signal;
  std::signal(signal, SIG_DFL);
}

/// As long as it lives, the first signal sets stopped_by.
class signals_heeded {
 public:
  signals_heeded() { set(rexnet_stop_soon); }
  signals_heeded(const signals_heeded&) = delete;
  signals_heeded& operator=(const signals_heeded&) = delete;
  ~signals_heeded() { set(SIG_DFL); }

 private:
  static void set(void (*handler)(int)) {
    std::signal(SIGINT, handler);
#if !defined(_WIN32)
    std::signal(SIGTERM, handler);
#endif
  }
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_STOP_SIGNALS_HPP
