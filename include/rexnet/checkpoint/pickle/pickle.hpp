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
  /// The opcodes that are allowed, by their names in pickletools: program and stack, memo, plain values,
  /// containers, objects.
  status step(unsigned char op) {
    switch (op) {
      case 0x80: return protocol();                     // PROTO
      case 0x95: return skip_number(8);                 // FRAME
      case '(': return mark();                          // MARK
      case '0': return drop();                          // POP
      case '1': return drop_to_mark();                  // POP_MARK
      case 'q': return put(1);                          // BINPUT
      case 'r': return put(4);                          // LONG_BINPUT
      case 0x94: return memoize();                      // MEMOIZE
      case 'h': return get(1);                          // BINGET
      case 'j': return get(4);                          // LONG_BINGET
      case 'N': return constant(kind::none);            // NONE
      case 0x88: return constant(kind::boolean, true);  // NEWTRUE
      case 0x89: return constant(kind::boolean);        // NEWFALSE
      case 'K': return sized_integer(1);                // BININT1
      case 'M': return sized_integer(2);                // BININT2
      case 'J': return sized_integer(4);                // BININT
      case 0x8a: return long_integer(1);                // LONG1
      case 0x8b: return long_integer(4);                // LONG4
      case 'G': return real();                          // BINFLOAT
      case 'X': return string(4, true);                 // BINUNICODE
      case 0x8c: return string(1, true);                // SHORT_BINUNICODE
      case 0x8d: return string(8, true);                // BINUNICODE8
      case 'U':                                         // SHORT_BINSTRING
      case 'C': return string(1, false);                // SHORT_BINBYTES
      case 'T':                                         // BINSTRING
      case 'B': return string(4, false);                // BINBYTES
      case 0x8e:                                        // BINBYTES8
      case 0x96: return string(8, false);               // BYTEARRAY8
      case '}': return fresh(kind::dict);               // EMPTY_DICT
      case ']': return fresh(kind::list);               // EMPTY_LIST
      case 0x8f: return fresh(kind::inert);             // EMPTY_SET, in training scripts' files
      case ')': return constant(kind::tuple);           // EMPTY_TUPLE
      case 0x85: return small_tuple(1);                 // TUPLE1
      case 0x86: return small_tuple(2);                 // TUPLE2
      case 0x87: return small_tuple(3);                 // TUPLE3
      case 't': return from_mark(kind::tuple);          // TUPLE
      case 'l': return from_mark(kind::list);           // LIST
      case 'd': return from_mark(kind::dict);           // DICT
      case 'a': return append(false);                   // APPEND
      case 'e': return append(true);                    // APPENDS
      case 's': return set_items(false);                // SETITEM
      case 'u': return set_items(true);                 // SETITEMS
      case 0x90: return add_items();                    // ADDITEMS
      case 0x91: return frozen_set();                   // FROZENSET
      case 'c': return global();                        // GLOBAL
      case 0x93: return stack_global();                 // STACK_GLOBAL
      case 'Q': return persistent();                    // BINPERSID
      case 'R':                                         // REDUCE
      case 0x81: return reduce();                       // NEWOBJ
      case 0x92: return new_object();                   // NEWOBJ_EX
      case 'b': return build();                         // BUILD
      default: return fail(errc::pickle_opcode, "opcode is not allowed");
    }
  }

  status protocol() {
    auto version = number(1);
    if (!version) return version.error();
    if (*version < 2 || *version > 5)
      return fail(errc::pickle_opcode, "protocol " + std::to_string(*version));
    return done;
  }
  status mark() {
    if (++marks_ > max_depth)
      return fail(errc::pickle_depth, "more than " + std::to_string(max_depth) + " open marks");
    push_constant(kind::mark);
    return done;
  }
  status drop() {
    std::uint32_t dropped;
    return pop(dropped) ? status(done) : status(underflow());
  }
  status drop_to_mark() {
    std::vector<std::uint32_t> dropped;
    return pop_to_mark(dropped) ? status(done) : status(underflow());
  }
  status memoize() { return put_value(static_cast<std::uint64_t>(memo_.size())); }
  status constant(kind type, bool truth = false) {
    push_constant(type, truth);
    return done;
  }
  status fresh(kind type) {
    push(type);
    return done;
  }
  status skip_number(int bytes) {
    auto skipped = number(bytes);
    return skipped ? status(done) : status(skipped.error());
  }
  status sized_integer(int bytes) {
    auto bits = number(bytes);
    if (!bits) return bits.error();
    push_integer(bytes == 4 ? static_cast<std::int32_t>(*bits) : static_cast<std::int64_t>(*bits));
    return done;
  }
  status long_integer(int length_bytes) {
    auto length = number(length_bytes);
    if (!length) return length.error();
    auto digits = take(*length);
    if (!digits) return digits.error();
    if (*length > 8) {  // larger than any size: seeds of training scripts, the magic number of legacy files
      push(kind::inert).text = *digits;
      return done;
    }
    std::uint64_t bits = 0;
    for (std::size_t i = digits->size(); i-- > 0;)
      bits = bits << 8 | static_cast<unsigned char>((*digits)[i]);
    if (!digits->empty() && (static_cast<unsigned char>(digits->back()) & 0x80u) != 0 && *length < 8)
      bits |= ~std::uint64_t{0} << (8 * *length);
    push_integer(static_cast<std::int64_t>(bits));
    return done;
  }
  status real() {
    auto bytes = take(8);
    if (!bytes) return bytes.error();
    std::uint64_t bits = 0;
    for (const char byte : *bytes) bits = bits << 8 | static_cast<unsigned char>(byte);
    push(kind::real).integer = static_cast<std::int64_t>(bits);
    return done;
  }
  status string(int length_bytes, bool utf8) {
    auto length = number(length_bytes);
    if (!length) return length.error();
    auto bytes = take(*length);
    if (!bytes) return bytes.error();
    if (utf8 && !rexnet::detail::is_utf8(*bytes))
      return fail(errc::pickle_utf8, "the string " + in_quotes(*bytes) + " is not valid UTF-8");
    push(kind::string).text = *bytes;
    return done;
  }
  status small_tuple(int size) {
    std::vector<std::uint32_t> items(static_cast<std::size_t>(size));
    for (std::size_t i = items.size(); i-- > 0;)
      if (!pop(items[i])) return underflow();
    push(kind::tuple).items = std::move(items);
    return done;
  }
  status from_mark(kind type) {
    std::vector<std::uint32_t> items;
    if (!pop_to_mark(items)) return underflow();
    if (type == kind::dict && items.size() % 2 != 0) return fail(errc::pickle_setitem, "a key without value");
    push(type).items = std::move(items);
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
    value& container = p_.values[stack_.back()];
    if (is_box(stack_.back())) return done;  // a dictionary or list of a class of its own
    if (container.type != expected) return fail(errc::pickle_setitem, otherwise);
    container.items.insert(container.items.end(), items.begin(), items.end());
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
