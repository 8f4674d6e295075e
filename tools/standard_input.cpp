// SPDX-License-Identifier: MIT
#include "tools/standard_input.hpp"
#include "tools/stop_signals.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>

#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#else
#include <poll.h>
#include <unistd.h>
#endif

namespace rexnet_tools {
namespace {

using rexnet::errc;
using rexnet::error;

// wait_for_input(): whether there is something to read, or the end. Not for ever: a signal may come between
// the look at stopped_by and the wait.
#if defined(_WIN32)
constexpr int standard_in = 0;
bool wait_for_input() {
  return true;
}
std::ptrdiff_t read_bytes(char* to, std::size_t size) {
  return ::_read(standard_in, to, static_cast<unsigned>(size));
}
#else
bool wait_for_input() {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  return ::poll(&in, 1, 200) > 0;
}
std::ptrdiff_t read_bytes(char* to, std::size_t size) {
  return ::read(STDIN_FILENO, to, size);
}
#endif

}  // namespace

standard_input::standard_input(bool null_separated) : lines_(null_separated) {
#if defined(_WIN32)
  ::_setmode(standard_in, _O_BINARY);
#endif
  stream_start first;
  do {
    ended_ = !read_some(start_);
    first = judge_stream(start_, null_separated, ended_);
  } while (first.what == stream_start::as::unclear && !ended_);
  if (first.what == stream_start::as::refused)
    throw error(errc::unknown_format, "standard input: " + first.why);
  is_picture_ = first.what == stream_start::as::picture;
  if (is_picture_) return;
  lines_.add(start_);
  if (ended_) lines_.finish();
}

bool standard_input::read_some(std::string& to) {
  char piece[1 << 16];
  for (;;) {
    if (stopped_by != 0) return false;
    if (!wait_for_input()) continue;
    const std::ptrdiff_t n = read_bytes(piece, sizeof(piece));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0)
      throw input_lost{
          {errc::io_error, std::string("standard input: cannot be read: ") + std::strerror(errno)}};
    to.append(piece, static_cast<std::size_t>(n));
    return n > 0;
  }
}

std::string standard_input::read_picture() {
  while (!ended_) {
    ended_ = !read_some(start_);
    if (start_.size() > longest_picture)
      throw input_lost{{errc::limit_exceeded, "standard input: a picture of more than " +
                                                  std::to_string(longest_picture) + " bytes"}};
  }
  return std::move(start_);
}

bool standard_input::next(line_splitter::line& out) {
  for (;;) {
    if (stopped_by != 0) return false;
    if (lines_.next(out)) return true;
    if (ended_) return false;
    std::string piece;
    ended_ = !read_some(piece);
    lines_.add(piece);
    if (ended_) lines_.finish();
  }
}

}  // namespace rexnet_tools
