// SPDX-License-Identifier: MIT
// The command's two streams. Only these functions write to them: they make names, paths and messages
// printable, and notice where output is lost.
#ifndef REXNET_TOOLS_TERMINAL_HPP
#define REXNET_TOOLS_TERMINAL_HPP

#include "rexnet/core/text.hpp"

#include <cerrno>
#include <cstdio>
#include <string>

#if defined(_WIN32)
#include <io.h>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace rexnet_tools {

/// Thrown where standard output takes nothing any more; main() ends the command.
struct output_lost {
  int reason;  ///< as errno has it
};

/// Writes a text of the program itself to standard error as it is: a progress bar.
inline void draw(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

/// Writes "rexnet: text" and a line feed to standard error, printable.
inline void say(const std::string& text) {
  draw("rexnet: " + rexnet::printable(text) + '\n');
}

/// Writes to standard output, exactly. Throws output_lost.
inline void write_output(const std::string& bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) throw output_lost{errno};
}

/// Writes to standard output. Line feeds stay, every other control and what is no UTF-8 is spelt; a name of
/// foreign origin, whose line feeds are to be seen as such, is passed through rexnet::printable() first.
/// Throws output_lost.
inline void print(const std::string& text) {
  write_output(rexnet::printable(text, "\n"));
}

/// Writes JSON, as json_text() makes it, to standard output. Throws output_lost.
inline void print_json(const std::string& text) {
  write_output(text);
}

/// Flushes what was printed, for programs that wait for an answer. Throws output_lost.
inline void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw output_lost{errno};
}

/// At the end of every command: throws output_lost where not everything that was printed was written.
inline void finish_output() {
  flush_output();
#if !defined(_WIN32)
  // Quotas and network file systems report errors only when a descriptor is closed.
  const int copy = ::dup(STDOUT_FILENO);
  if (copy >= 0 && ::close(copy) != 0 && errno != EINTR) throw output_lost{errno};
#endif
}

/// At the start: a file that is opened later must not become descriptor 0, 1 or 2 because that was closed: it
/// would get what is printed. The descriptor that is put there can neither be read nor written, so that
/// printing still fails.
inline void hold_standard_streams() {
#if !defined(_WIN32)
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      static_cast<void>(::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
#endif
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_TERMINAL_HPP
