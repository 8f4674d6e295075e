// SPDX-License-Identifier: MIT
// A walk over the fields of a protobuf message, bounded by its bytes. Source: protobuf.dev, "Encoding".
#ifndef REXNET_CHECKPOINT_PROTOBUF_HPP
#define REXNET_CHECKPOINT_PROTOBUF_HPP

#include "rexnet/core/bytes.hpp"

#include <cstdint>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// One field: `value` of a number (wire types 0, 1 and 5), `data` of what has a length (2).
struct protobuf_field {
  std::uint64_t number = 0;
  unsigned wire = 0;
  std::uint64_t value = 0;
  byte_span data;
};

class protobuf_cursor {
 public:
  explicit protobuf_cursor(byte_span message) : message_(message) {}
  /// Bytes read so far.
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  /// No more fields; false also when the last next() failed.
  [[nodiscard]] bool finished() const noexcept { return at_ == message_.size(); }

  /// The field that follows; false at the end, and on what is no field, where at() stays.
  bool next(protobuf_field& f) {
    const std::size_t start = at_;
    std::uint64_t tag = 0;
    f = {};
    if (!finished() && varint(tag) && tag >> 3 != 0 && tag >> 3 < (1u << 29)) {
      f.number = tag >> 3;
      f.wire = static_cast<unsigned>(tag & 7u);
      if (f.wire == 0 && varint(f.value)) return true;
      if (f.wire == 1 && fixed<8>(f.value)) return true;
      if (f.wire == 5 && fixed<4>(f.value)) return true;
      std::uint64_t n = 0;
      if (f.wire == 2 && varint(n) && n <= message_.size() - at_) {
        f.data = message_.subspan(at_, static_cast<std::size_t>(n));
        at_ += static_cast<std::size_t>(n);
        return true;
      }
    }
    at_ = start;
    return false;
  }

  /// A number of at most 64 bits, seven a byte.
  bool varint(std::uint64_t& v) {
    v = 0;
    for (int shift = 0; shift < 70 && at_ < message_.size(); shift += 7) {
      const unsigned char byte = message_[at_++];
      if (shift == 63 && byte > 1) return false;
      v |= std::uint64_t{byte & 127u} << shift;
      if (byte < 128) return true;
    }
    return false;
  }

 private:
  template <int N>
  bool fixed(std::uint64_t& v) {
    if (message_.size() - at_ < N) return false;
    v = little_endian<N>(message_.data() + at_);
    at_ += N;
    return true;
  }

  byte_span message_;
  std::size_t at_ = 0;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PROTOBUF_HPP
