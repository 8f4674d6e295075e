// SPDX-License-Identifier: MIT
// How far a long run is: a bar that is drawn again on a terminal, a line now and then where output goes to a
// file or pipe. Debian packages no progress bar for C++.
#ifndef REXNET_TOOLS_PROGRESS_HPP
#define REXNET_TOOLS_PROGRESS_HPP

#include <cmath>
#include <cstdio>
#include <string>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

namespace rexnet_tools {

/// Whether the standard error stream is a terminal.
inline bool error_is_terminal() {
#if defined(_WIN32)
  return _isatty(_fileno(stderr)) != 0;
#else
  return ::isatty(STDERR_FILENO) != 0;
#endif
}

/// "0:07", "12:34", "3:05:00"
inline std::string clock_text(double seconds) {
  // No longer time is shown: the line has no room for it, and the estimate is not good enough.
  const long s = seconds < 3.6e6 ? std::lround(seconds) : 3600000L;
  char text[32];
  if (s >= 3600)
    std::snprintf(text, sizeof(text), "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    std::snprintf(text, sizeof(text), "%ld:%02ld", s / 60, s % 60);
  return text;
}

/// Makes the texts, which the caller writes. A line is at most 79 columns wide.
class progress {
 public:
  /// @param first what earlier runs did: it is not counted as speed
  progress(std::size_t first, std::size_t total, bool terminal)
      : first_(first), total_(total), terminal_(terminal), last_(terminal ? -1.0 : 0.0) {}

  /// What to write when `done` of all are finished, `seconds` after the start: "" most of the time.
  [[nodiscard]] std::string at(std::size_t done, double seconds) {
    const double pause = terminal_ ? 0.1 : 30.0;
    if (seconds - last_ < pause && !(terminal_ && done == total_)) return {};
    last_ = seconds;
    const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
    const std::string left =
        rate > 0 ? clock_text(static_cast<double>(total_ - done) / rate) + " left" : std::string("-:-- left");
    const int percent =
        total_ > 0 ? static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total_)) : 100;
    char text[128];
    if (!terminal_) {
      std::snprintf(text, sizeof(text), "%zu of %zu pictures (%d %%), %.1f a second, %s\n", done, total_,
                    percent, rate, left.c_str());
      return text;
    }
    constexpr int width = 24;
    const int full = percent * width / 100;
    std::snprintf(text, sizeof(text), "%3d %% [%s%s] %zu/%zu, %.1f/s, %s", percent,
                  std::string(static_cast<std::size_t>(full), '#').c_str(),
                  std::string(static_cast<std::size_t>(width - full), '.').c_str(), done, total_, rate,
                  left.c_str());
    std::string line = std::string(text).substr(0, 79);
    const std::size_t drawn = line.size();
    // Spaces cover what the last, longer line left: old consoles of Windows have no escape sequences.
    if (drawn < drawn_) line.append(drawn_ - drawn, ' ');
    drawn_ = drawn;
    return '\r' + line;
  }
  /// What to write before other text: takes the bar away.
  [[nodiscard]] std::string away() {
    if (drawn_ == 0) return {};
    std::string text = '\r' + std::string(drawn_, ' ') + '\r';
    drawn_ = 0;
    return text;
  }

 private:
  std::size_t first_, total_;
  bool terminal_;
  double last_;
  std::size_t drawn_ = 0;  ///< columns on the screen
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_PROGRESS_HPP
