// SPDX-License-Identifier: MIT
// A pickle program reduced to data: dictionaries, lists, tuples, strings, numbers, and the few torch objects
// that a state dict is made of. Nothing is imported or called; what is not understood is inert.
// Sources: CPython's pickletools (opcodes); the names that torch.save writes.
#ifndef REXNET_CHECKPOINT_PICKLE_PICKLE_HPP
#define REXNET_CHECKPOINT_PICKLE_PICKLE_HPP

#include "rexnet/checkpoint/pickle/objects.hpp"
#include "rexnet/checkpoint/pickle/value.hpp"
#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {
namespace detail {

class machine : machine_objects {
 public:
  explicit machine(byte_span bytes) : machine_objects(bytes) {}

  result<program> run() {
    while (at_ < bytes_.size()) {
      const std::size_t opcode_at = at_;
      const unsigned char op = bytes_[at_++];
      if (op == '.') {
        if (stack_.size() != 1)
          return fail(errc::pickle_stack_underflow,
                      "STOP with " + std::to_string(stack_.size()) + " values on the stack");
        p_.root = stack_.back();
        p_.consumed = at_;
        if (p_[p_.root].type == kind::mark) return fail(errc::pickle_stack_underflow, "STOP on a mark");
        if (status s = check_shape(p_); !s) return s.error();
        return std::move(p_);
      }
      if (p_.values.size() >= max_values)
        return fail(errc::pickle_length, "more than " + std::to_string(max_values) + " values");
      if (status s = step(op); !s)
        return error(s.code(), s.error().message() + " (opcode " + std::to_string(op) + " at byte " +
                                   std::to_string(opcode_at) + ")");
    }
    return fail(errc::pickle_no_stop,
                "the program of " + std::to_string(bytes_.size()) + " bytes ends without STOP");
  }

 private:
  status step(unsigned char op) {
    switch (op) {
      case 0x80: {  // PROTO
        auto v = number(1);
        if (!v) return v.error();
        if (*v < 2 || *v > 5) return fail(errc::pickle_opcode, "protocol " + std::to_string(*v));
        return done;
      }
      case 0x95: return skip_number(8);  // FRAME
      case '(':
        if (++marks_ > max_depth)
          return fail(errc::pickle_depth, "more than " + std::to_string(max_depth) + " open marks");
        push_constant(kind::mark);
        return done;
      case 'N': push_constant(kind::none); return done;
      case 0x88: push_constant(kind::boolean, true); return done;
      case 0x89: push_constant(kind::boolean); return done;
      case 'K': return sized_integer(1);
      case 'M': return sized_integer(2);
      case 'J': return sized_integer(4);
      case 0x8a: return long_integer(1);
      case 0x8b: return long_integer(4);
      case 'G': return real();
      case 'X': return string(4, true);
      case 0x8c: return string(1, true);
      case 0x8d: return string(8, true);
      case '1': {  // POP_MARK
        std::vector<std::uint32_t> items;
        return pop_to_mark(items) ? status(done) : status(underflow());
      }
      case 'T':
      case 'B': return string(4, false);
      case 'U':
      case 'C': return string(1, false);
      case 0x8e:
      case 0x96: return string(8, false);
      case 0x8f: push(kind::inert); return done;  // sets: training scripts keep some beside the tensors
      case 0x90: return add_items();
      case 0x91: return frozen_set();
      case '}': push(kind::dict); return done;
      case ']': push(kind::list); return done;
      case ')': push_constant(kind::tuple); return done;
      case 0x85: return small_tuple(1);
      case 0x86: return small_tuple(2);
      case 0x87: return small_tuple(3);
      case 't':
      case 'l':
      case 'd': return from_mark(op);
      case 'a':
      case 'e': return append(op == 'e');
      case 's':
      case 'u': return set_items(op == 'u');
      case 'q': return put(1);
      case 'r': return put(4);
      case 0x94: return put_value(static_cast<std::uint64_t>(memo_.size()));
      case 'h': return get(1);
      case 'j': return get(4);
      case 'c': return global();
      case 0x93: return stack_global();
      case 'Q': return persistent();
      case 'R':
      case 0x81: return reduce();
      case 0x92: return new_object();
      case 'b': return build();
      case '0': {
        std::uint32_t v;
        return pop(v) ? status(done) : status(underflow());
      }
      default: return fail(errc::pickle_opcode, "opcode is not allowed");
    }
  }

  status skip_number(int bytes) {
    auto v = number(bytes);
    return v ? status(done) : status(v.error());
  }
  status sized_integer(int bytes) {
    auto v = number(bytes);
    if (!v) return v.error();
    push_integer(bytes == 4 ? static_cast<std::int32_t>(*v) : static_cast<std::int64_t>(*v));
    return done;
  }
  status long_integer(int length_bytes) {
    auto n = number(length_bytes);
    if (!n) return n.error();
    auto digits = take(*n);
    if (!digits) return digits.error();
    if (*n > 8) {  // larger than any size: seeds of training scripts, and the magic number of legacy files
      push(kind::inert).text = *digits;
      return done;
    }
    std::uint64_t v = 0;
    for (std::size_t i = digits->size(); i-- > 0;) v = v << 8 | static_cast<unsigned char>((*digits)[i]);
    if (!digits->empty() && (static_cast<unsigned char>(digits->back()) & 0x80u) != 0 && *n < 8)
      v |= ~std::uint64_t{0} << (8 * *n);
    push_integer(static_cast<std::int64_t>(v));
    return done;
  }
  status real() {
    auto s = take(8);
    if (!s) return s.error();
    std::uint64_t bits = 0;
    for (const char c : *s) bits = bits << 8 | static_cast<unsigned char>(c);
    push(kind::real).integer = static_cast<std::int64_t>(bits);
    return done;
  }
  status string(int length_bytes, bool utf8) {
    auto n = number(length_bytes);
    if (!n) return n.error();
    auto s = take(*n);
    if (!s) return s.error();
    if (utf8 && !rexnet::detail::is_utf8(*s))
      return fail(errc::pickle_utf8, "the string " + in_quotes(*s) + " is not valid UTF-8");
    push(kind::string).text = *s;
    return done;
  }
  status small_tuple(int n) {
    std::vector<std::uint32_t> items(static_cast<std::size_t>(n));
    for (std::size_t i = items.size(); i-- > 0;)
      if (!pop(items[i])) return underflow();
    push(kind::tuple).items = std::move(items);
    return done;
  }
  status from_mark(unsigned char op) {
    std::vector<std::uint32_t> items;
    if (!pop_to_mark(items)) return underflow();
    if (op == 'd' && items.size() % 2 != 0) return fail(errc::pickle_setitem, "a key without value");
    push(op == 't' ? kind::tuple : op == 'd' ? kind::dict : kind::list).items = std::move(items);
    return done;
  }
  status append(bool many) {
    std::vector<std::uint32_t> items(1);
    if (many ? !pop_to_mark(items) : !pop(items[0])) return underflow();
    return extend(items, kind::list, "APPEND on something that is no list");
  }
  status set_items(bool many) {
    std::vector<std::uint32_t> items(2);
    if (many ? !pop_to_mark(items) : !(pop(items[1]) && pop(items[0]))) return underflow();
    if (items.size() % 2 != 0) return fail(errc::pickle_setitem, "a key without value");
    return extend(items, kind::dict, "SETITEM on something that is no dict");
  }
  status add_items() {
    std::vector<std::uint32_t> items;
    if (!pop_to_mark(items) || stack_.empty()) return underflow();
    if (is_box(stack_.back())) return done;
    return fail(errc::pickle_setitem, "ADDITEMS on something that is no set");
  }
  status frozen_set() {
    std::vector<std::uint32_t> items;
    if (!pop_to_mark(items)) return underflow();
    push(kind::inert);
    return done;
  }
  status extend(const std::vector<std::uint32_t>& items, kind expected, const char* otherwise) {
    if (stack_.empty() || p_[stack_.back()].type == kind::mark) return underflow();
    value& c = p_.values[stack_.back()];
    if (is_box(stack_.back())) return done;  // a dictionary or list of a class of its own
    if (c.type != expected) return fail(errc::pickle_setitem, otherwise);
    c.items.insert(c.items.end(), items.begin(), items.end());
    return done;
  }
};

}  // namespace detail

/// Interprets one pickle at the start of `bytes`. Views into `bytes`, which must outlive the program.
/// Errors: P1 to P11 of docs/refusals.md, with the opcode and its position. Memory: at most 80 bytes for each
/// byte of the program. Time: a few dozen nanoseconds for each.
[[nodiscard]] inline result<program> read(byte_span bytes) {
  return detail::machine(bytes).run();
}

}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_PICKLE_HPP
