// SPDX-License-Identifier: MIT
// Pickle programs as lists of opcodes, so that a mutation moves whole ones.
#ifndef REXNET_TESTS_FUZZ_PICKLE_OPS_HPP
#define REXNET_TESTS_FUZZ_PICKLE_OPS_HPP

#include "tests/fuzz/fuzz.hpp"
#include "tests/support/craft.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace rexnet_fuzz {

/// Bytes of the opcode at the start of p with its argument: at least 1, at most all.
inline std::size_t opcode_length(std::string_view p) {
  const auto number = [p](std::size_t n) {
    std::uint64_t v = 0;
    for (std::size_t i = n; i > 0; --i) v = v << 8 | (i < p.size() ? static_cast<unsigned char>(p[i]) : 0u);
    return v;
  };
  std::uint64_t length = 1;
  switch (static_cast<unsigned char>(p[0])) {
    case 0x80:
    case 'K':
    case 'q':
    case 'h': length = 2; break;
    case 'M': length = 3; break;
    case 'J':
    case 'r':
    case 'j': length = 5; break;
    case 'G':
    case 0x95: length = 9; break;
    case 'U':
    case 'C':
    case 0x8a:
    case 0x8c: length = 2 + number(1); break;
    case 'X':
    case 'T':
    case 'B':
    case 0x8b: length = 5 + number(4); break;
    case 0x8d:
    case 0x8e:
    case 0x96: length = (std::max)(9 + number(8), std::uint64_t{9}); break;
    case 'c': {
      const std::size_t first = p.find('\n');
      length = first == p.npos ? p.size() : (std::min)(p.find('\n', first + 1), p.size() - 1) + 1;
      break;
    }
    default: break;
  }
  return static_cast<std::size_t>((std::min)(length, std::uint64_t{p.size()}));
}

/// The opcodes of the program at the start of p, up to and with STOP.
inline std::vector<std::string> opcodes_of(std::string_view p) {
  std::vector<std::string> ops;
  while (!p.empty()) {
    const std::size_t n = opcode_length(p);
    ops.emplace_back(p.substr(0, n));
    if (p[0] == '.') break;
    p.remove_prefix(n);
  }
  return ops;
}

inline std::string joined(const std::vector<std::string>& ops) {
  std::string s;
  for (const std::string& op : ops) s += op;
  return s;
}

/// An opcode, or a few that push one value.
inline std::string some_opcodes(dice& d) {
  using namespace rexnet_test;
  static constexpr std::string_view plain =
      "(N\x88\x89}])\x85\x86\x87tldaesuQR\x81\x93\x94"
      "b01.\x92\x8f\x90\x91";
  static constexpr std::string_view names[] = {"OrderedDict",
                                               "FloatStorage",
                                               "HalfStorage",
                                               "DoubleStorage",
                                               "BFloat16Storage",
                                               "LongStorage",
                                               "IntStorage",
                                               "ShortStorage",
                                               "CharStorage",
                                               "ByteStorage",
                                               "BoolStorage",
                                               "QInt8Storage",
                                               "_rebuild_tensor_v2",
                                               "_rebuild_parameter",
                                               "_rebuild_qtensor",
                                               "Size",
                                               "float32",
                                               "Namespace",
                                               "scalar",
                                               "dtype",
                                               "encode",
                                               "system",
                                               "defaultdict",
                                               "tuple",
                                               "getattr",
                                               "_reconstruct",
                                               "_frombuffer",
                                               "ndarray",
                                               "Parameter",
                                               "Tensor",
                                               "_rebuild_from_type_v2",
                                               "Config"};
  static constexpr std::string_view modules[] = {"collections",
                                                 "torch",
                                                 "torch",
                                                 "torch.storage",
                                                 "torch._utils",
                                                 "torch._utils",
                                                 "argparse",
                                                 "numpy.core.multiarray",
                                                 "numpy._core.multiarray",
                                                 "numpy",
                                                 "_codecs",
                                                 "os",
                                                 "builtins",
                                                 "numpy._core.numeric",
                                                 "torch.nn.parameter",
                                                 "torch._tensor",
                                                 "mine"};
  static constexpr std::string_view keys[] = {"storage",
                                              "0",
                                              "1",
                                              "w",
                                              "module.w",
                                              "_orig_mod.module.b",
                                              "state_dict",
                                              "model",
                                              "state_dict_ema",
                                              "little_endian",
                                              "cpu",
                                              "\xc3\xa8",
                                              "\xff",
                                              ""};
  const auto name = [&](auto& list) { return std::string(d.pick(list)); };
  const auto word = [&] { return d.one_in(3) ? name(names) : d.one_in(3) ? name(modules) : name(keys); };
  const auto size = [&] { return static_cast<std::int64_t>(d.number()); };
  switch (d.below(27)) {
    case 0: return str(word());
    case 1: {
      const std::string s = word();
      return "U" + number(s.size(), 1) + s;
    }
    case 2: {
      const std::string s = word();
      return "\x8c" + number(s.size(), 1) + s;
    }
    case 3: return std::string(1, d.one_in(2) ? '\x8d' : d.one_in(2) ? '\x8e' : '\x96') + number(1, 8) + "w";
    case 4: return d.one_in(2) ? "K" + number(d.below(10), 1) : "M" + number(d.number(), 2);
    case 5: return "J" + number(d.number(), 4);
    case 6: return integer(size());
    case 7: {
      const std::size_t n = d.below(11);
      return "\x8a" + number(n, 1) + std::string(n, static_cast<char>(d.next()));
    }
    case 8: return "G" + number(d.next(), 8);
    case 9: return (d.one_in(4) ? "r" + number(d.number(), 4) : "q" + number(d.below(8), 1));
    case 10:
    case 11: return d.one_in(8) ? "j" + number(d.number(), 4) : "h" + number(d.below(8), 1);
    case 12: return global(name(modules), name(names));
    case 13: return str(name(modules)) + str(name(names)) + "\x93";
    case 14: return storage(d.one_in(4) ? "1" : "0", d.one_in(3) ? size() : 6, name(names), d.one_in(4));
    case 15: {
      std::vector<std::int64_t> shape, strides;
      for (std::size_t n = d.below(d.one_in(8) ? 10 : 4); n > 0; --n) {
        shape.push_back(d.one_in(8) ? size() : static_cast<std::int64_t>(d.below(4)));
        strides.push_back(d.one_in(8) ? size() : static_cast<std::int64_t>(d.below(4)));
      }
      if (d.one_in(16)) strides.push_back(1);
      return tensor_of(storage("0", 6), d.one_in(4) ? size() : 0, shape, strides);
    }
    case 16:
      return str(std::string(1, static_cast<char>('a' + d.below(26)))) +
             tensor_of(storage("0", 6), 0, {2, 3}, {3, 1}) + "s";
    case 17: {  // as Python 2 wrote it: one list, named once or often
      std::string pairs = "](";
      for (std::size_t n = d.below(4); n > 0; --n)
        pairs += "](" + str(name(keys)) + "K\x01" + (d.one_in(9) ? "N" : "") + "e";
      return global("collections", "OrderedDict") + "q\x06" + pairs + "e\x85q\x07R" +
             (d.one_in(3) ? "h\x06h\x07R\x86" : "");
    }
    case 18:
      return global("torch._utils", "_rebuild_parameter") +
             tuple({tensor_of(storage("0", 6), 0, {6}, {1}), "\x88",
                    global("collections", "OrderedDict") + ")R"}) +
             "R";
    case 19: {  // training files
      const std::string inner = "}" + str("w") + tensor_of(storage("0", 6), 0, {2, 3}, {3, 1}) + "s";
      return str(name(keys)) + (d.one_in(3) ? "}" : inner) + "s";
    }
    case 20: {
      const std::size_t n = 60 + d.below(10);
      return std::string(n, ']') + std::string(n - 1, 'a');
    }
    case 21:
      return str(std::string(d.one_in(8) ? 1018 + d.below(10) : 3, 'n')) +
             tensor_of(storage("0", 6), 0, {24, 2}, {0, 1}) + "s";
    case 22: {  // numpy's arrays, of both forms
      const std::string data = std::string(d.one_in(6) ? d.below(30) : 24, static_cast<char>(d.next() & 127));
      const std::string bytes = d.one_in(2)
                                    ? "C" + number(data.size(), 1) + data
                                    : global("_codecs", "encode") + tuple({str(data), str("latin1")}) + "R";
      const std::string type = global("numpy", "dtype") + str(d.one_in(6) ? name(names) : "f4") + "\x85R" +
                               (d.one_in(2) ? tuple({"K\x03", str(d.one_in(6) ? ">" : "<")}) + "b" : "");
      const std::string shape = d.one_in(4) ? integers({size(), size()}) : integers({2, 3});
      const std::string array =
          d.one_in(2)
              ? global("numpy._core.numeric", "_frombuffer") + tuple({bytes, type, shape, str("F")}) + "R"
              : global("numpy.core.multiarray", "_reconstruct") +
                    tuple({global("numpy", "ndarray"), integers({0})}) + "R" +
                    tuple({"K\x01", shape, type, d.one_in(2) ? "\x88" : "\x89", bytes}) + "b";
      return str(d.one_in(2) ? "w" : "a._variance") + array + "s";
    }
    case 23: {  // modules, and what is made of them
      const std::string module = global("mine", "Net") + ")\x81" +
                                 dict({{"_parameters", "}"}, {d.one_in(6) ? name(keys) : "_modules", "}"}}) +
                                 "b";
      return d.one_in(2) ? module : global("mine", "Wrapped") + module + "\x85R";
    }
    case 24:
      return global("torch._tensor", "_rebuild_from_type_v2") +
             tuple({global("torch._utils", name(names)), global("torch", "Tensor"),
                    tuple({storage("0", 6), integer(0), integers({2, 3}), integers({3, 1})}), "}"}) +
             "R";
    case 25: return global("mine", "Config") + ")" + (d.one_in(2) ? "R" : "}\x92");
    default: return std::string(1, plain[d.below(plain.size())]);
  }
}

/// Changes a few opcodes of a program.
inline void mutate_opcodes(std::string& program, dice& d) {
  std::vector<std::string> ops = opcodes_of(program);
  for (std::size_t rounds = 1 + d.below(4); rounds > 0; --rounds) {
    if (ops.empty()) ops.emplace_back(".");
    const std::size_t at = d.below(ops.size());
    const auto here = ops.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t run = (std::min)(1 + d.below(d.one_in(4) ? 40 : 3), ops.size() - at);
    const std::vector<std::string> part(here, here + static_cast<std::ptrdiff_t>(run));
    switch (d.below(8)) {
      case 0: ops.erase(here, here + static_cast<std::ptrdiff_t>(run)); break;
      case 1: {
        const auto to = ops.begin() + static_cast<std::ptrdiff_t>(d.below(ops.size() + 1));
        ops.insert(to, part.begin(), part.end());
        break;
      }
      case 2: std::swap(ops[at], d.pick(ops)); break;
      case 3: *here = some_opcodes(d); break;
      case 4:
        if (here->size() > 1) {  // the argument
          std::string rest = here->substr(1);
          mutate_bytes(rest, d);
          *here = here->substr(0, 1) + rest;
        }
        break;
      case 5:
        if (here->size() > 5 && (*here)[0] == 'X') {  // a string of another length
          std::string s = here->substr(5);
          mutate_bytes(s, d);
          *here = rexnet_test::str(s);
        }
        break;
      default: ops.insert(here, some_opcodes(d));
    }
  }
  if (d.one_in(3) || ops.empty() || ops.back() != ".") ops.emplace_back(".");
  program = joined(ops);
}

}  // namespace rexnet_fuzz

#endif  // REXNET_TESTS_FUZZ_PICKLE_OPS_HPP
