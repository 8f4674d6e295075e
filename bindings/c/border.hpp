// SPDX-License-Identifier: MIT
// The border between C++ and C: how failures become statuses and texts, and exceptions stay inside.
#ifndef REXNET_BINDINGS_C_BORDER_HPP
#define REXNET_BINDINGS_C_BORDER_HPP

#include "rexnet.h"

#include "rexnet/core/error.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace rexnet_c {

/// errc has a value for each refusal. C has a few groups of them, so that a program can handle all.
[[nodiscard]] inline rexnet_status status_of(rexnet::errc e) noexcept {
  using rexnet::errc;
  switch (e) {
    case errc::ok: return REXNET_OK;
    case errc::invalid_argument:
    case errc::output_is_input: return REXNET_INVALID_ARGUMENT;
    case errc::io_error: return REXNET_IO_ERROR;
    case errc::out_of_memory: return REXNET_OUT_OF_MEMORY;
    case errc::unsupported:
    case errc::limit_exceeded: return REXNET_UNSUPPORTED;
    // These sizes come from this library: where they are wrong, it is a bug.
    case errc::shape_mismatch:
    case errc::workspace_too_small:
    case errc::misaligned: return REXNET_INTERNAL;
    default: return REXNET_BAD_FILE;
  }
}

/// How a call ended.
struct outcome {
  rexnet_status status = REXNET_OK;
  std::string message;

  outcome() = default;
  outcome(rexnet_status status_, std::string message_) : status(status_), message(std::move(message_)) {}
  outcome(const rexnet::error& e) : outcome(status_of(e.code()), e.message()) {}
};

[[nodiscard]] inline outcome refused(std::string message) {
  return {REXNET_INVALID_ARGUMENT, std::move(message)};
}

/// Writes the text. One that is too long keeps its beginning, which names the file, and its end, which has
/// the reason; no UTF-8 character is cut.
inline void write_text(rexnet_error* out, const char* text, std::size_t size) noexcept {
  constexpr std::size_t room = sizeof(out->message) - 1;
  constexpr char gap[] = " ... ";
  const auto inside = [text](std::size_t i) { return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80; };
  char* end = out->message;
  if (size > room) {
    constexpr std::size_t half = (room - (sizeof(gap) - 1)) / 2;
    std::size_t head = half, tail = size - half;
    while (head > 0 && inside(head)) --head;
    while (tail < size && inside(tail)) ++tail;
    end = std::copy_n(text, head, end);
    end = std::copy_n(gap, sizeof(gap) - 1, end);
    text += tail, size -= tail;
  }
  *std::copy_n(text, size, end) = '\0';
}

/// Fills in the caller's rexnet_error. All texts leave by this function, which makes them printable().
inline rexnet_status tell(rexnet_error* out, rexnet_status status, std::string_view text) noexcept {
  if (out == nullptr) return status;
  out->status = status;
  try {
    const std::string shown = rexnet::printable(text);
    write_text(out, shown.data(), shown.size());
  } catch (const std::bad_alloc&) {
    constexpr std::string_view no_memory = "there is no memory for the reason's text";
    write_text(out, no_memory.data(), no_memory.size());
  }
  return status;
}

/// Runs body(), which gives an outcome.
template <class Body>
[[nodiscard]] rexnet_status guarded(rexnet_error* out, Body&& body) noexcept {
  try {
    const outcome o = body();
    return tell(out, o.status, o.message);
  } catch (const std::bad_alloc&) {
    return tell(out, REXNET_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return tell(out, REXNET_INTERNAL, e.what());
  } catch (...) {
    return tell(out, REXNET_INTERNAL, "unknown exception");
  }
}

}  // namespace rexnet_c

#endif  // REXNET_BINDINGS_C_BORDER_HPP
