// SPDX-License-Identifier: MIT
// The command's two streams. Nothing else of the command writes to them: what others wrote (names, paths,
// messages) becomes printable here, and an output that is lost is noticed.
#ifndef REXNET_TOOLS_TERMINAL_HPP
#define REXNET_TOOLS_TERMINAL_HPP

#include "rexnet/core/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace rexnet_tools {

/// Writes "rexnet: text" and a line feed to standard error, printable.
inline void say(const std::string& text) {
  const std::string line = "rexnet: " + rexnet::printable(text) + '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

/// Writes to standard output. Line feeds stay, every other control and what is no UTF-8 is spelt; a name of
/// foreign origin, whose line feeds are to be seen as such, is passed through rexnet::printable() first.
inline void print(const std::string& text) {
  const std::string shown = rexnet::printable(text, "\n");
  std::fwrite(shown.data(), 1, shown.size(), stdout);
}

/// Writes JSON to standard output, exactly.
inline void print_json(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

/// Hands what was printed to the system: whoever waits for an answer gets it. Throws as finish_output().
inline void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw rexnet::error(rexnet::errc::io_error,
                        std::string("standard output: cannot be written: ") + std::strerror(errno));
}

/// At the end of every command: throws rexnet::error (io_error) where standard output was lost.
inline void finish_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw rexnet::error(rexnet::errc::io_error,
                        std::string("standard output: cannot be written: ") + std::strerror(errno));
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_TERMINAL_HPP
