// SPDX-License-Identifier: MIT
#include "tests/support/craft.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace rexnet_test;

namespace {

void refused(const std::string& p, rexnet::errc code, const std::string& text) {
  const std::string other = otherwise(failure(p, rexnet::pickle::read), code, text);
  CHECK_MESSAGE(other.empty(), other);
}
bool accepted(const std::string& p) {
  auto r = rexnet::pickle::read(bytes_of(p));
  if (!r.ok()) MESSAGE(r.error().message());
  return r.ok();
}

}  // namespace

TEST_CASE("pickle: values of protocols 2 to 5 are read") {
  for (char version = 2; version <= 5; ++version) {
    const std::string p = std::string("\x80") + version +
                          dict({{"a", "K\x07"},
                                {"b", std::string("J") + number(0xfffffffeu, 4)},
                                {"c", std::string("\x8a\x01\xff")},
                                {"d", "N"}}) +
                          ".";
    auto r = rexnet::pickle::read(bytes_of(p));
    REQUIRE(r.ok());
    const auto& root = (*r)[r->root];
    CHECK(r->find(root, "a")->integer == 7);
    CHECK(r->find(root, "b")->integer == -2);
    CHECK(r->find(root, "c")->integer == -1);
    CHECK(r->find(root, "z") == nullptr);
    CHECK(r->consumed == p.size());
  }
  CHECK(accepted("\x80\x04\x95" + number(3, 8) +
                 "\x8c\x01"
                 "a\x94."));
}
TEST_CASE("pickle: Namespace, numpy scalars and _metadata are taken and ignored") {
  CHECK(accepted(program(global("argparse", "Namespace") + ")\x81}" + str("lr") + "Nsb")));
  const std::string encoded = global("_codecs", "encode") + tuple({str("ab"), str("latin1")}) + "R";
  const std::string type = global("numpy", "dtype") + tuple({str("f8"), "\x89", "\x88"}) + "R(K\x03" +
                           str("<") + "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + number(0, 1) + "tb";
  CHECK(accepted(program(global("numpy.core.multiarray", "scalar") + tuple({type, encoded}) + "R")));
  CHECK(accepted(program(ordered_dict({{"a", "N"}}))));
  CHECK(accepted(program(dict({{"set", "\x8f(K\x01K\x02\x90"}, {"frozen", "(K\x01\x91"}}))));
  CHECK(accepted(program(global("torch", "device") + tuple({str("cpu")}) + "R")));
  CHECK(accepted(program(global("__builtin__", "set") + "](K\x01K\x02"
                                                        "e\x85R")));
  CHECK(accepted(program(global("collections", "Counter") + "}" + str("a") + "K\x02s\x85R")));
}
TEST_CASE("pickle: what a name makes that is not understood is a box, whatever is done with it") {
  const std::string made = global("mine", "Config") + ")\x81", key = str("k");
  for (const std::string& what :
       {made, made + "}b", made + "N}\x86" + "b", made + key + "Ns", made + "(" + key + "Nu", made + "Na",
        made + "(NNe", made + "(N\x90", made + ")R", global("mine", "make") + "(NNNNNNNNNNtR",
        global("mine", "Config") + ")}\x92", str("a.b") + str("C.D") + "\x93)\x81",
        global("__builtin__", "getattr") + made + str("x") + "\x86R)R"}) {
    const std::string p = program(what);
    auto r = rexnet::pickle::read(bytes_of(p));
    REQUIRE_MESSAGE(r.ok(), r.error().message());
    CHECK((*r)[r->root].type == rexnet::pickle::kind::inert);
  }
  refused(program(global("mine", "Config") + "]R"), rexnet::errc::pickle_reduce, "REDUCE");
  refused(program(global("mine", "Config") + ")N\x92"), rexnet::errc::pickle_reduce, "NEWOBJ_EX");
  refused(program(global("collections", "OrderedDict") + ")}\x92"), rexnet::errc::pickle_reduce,
          "OrderedDict");
  // A box never becomes a tensor, and what is put into it does not come out.
  const std::string p = program(made + str("w") + tensor_of(storage("0", 6), 0, {6}, {1}) + "s");
  auto r = rexnet::pickle::read(bytes_of(p));
  REQUIRE_MESSAGE(r.ok(), r.error().message());
  CHECK(r->full_name((*r)[r->root]) == "mine.Config");
  CHECK((*r)[(*r)[r->root].items[0]].type == rexnet::pickle::kind::global);
}
TEST_CASE("pickle: an object with the state of a module is one, and so is what wraps it") {
  const std::string module = global("mine", "Net") + ")\x81" +
                             dict({{"training", "\x89"}, {"_parameters", "}"}, {"_modules", "}"}}) + "b";
  for (const std::string& p : {program(module), program(global("torch", "Compiled") + module + "N\x86R")}) {
    auto r = rexnet::pickle::read(bytes_of(p));
    REQUIRE_MESSAGE(r.ok(), r.error().message());
    CHECK((*r)[r->root].type == rexnet::pickle::kind::module);
  }
}
TEST_CASE("pickle: numpy's arrays, of protocols 2 to 5") {
  using rexnet::pickle::kind;
  const auto type_of = [](const std::string& name, const std::string& order) {
    return global("numpy", "dtype") + tuple({str(name), "\x89", "\x88"}) + "R(K\x03" + str(order) +
           "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + number(0, 1) + "tb";
  };
  const auto array = [&](const std::string& data, const std::string& type = "f4") {
    return global("numpy._core.multiarray", "_reconstruct") +
           tuple({global("numpy", "ndarray"), integers({0}),
                  "C\x01"
                  "b"}) +
           "R" + tuple({"K\x01", integers({2}), type_of(type, "<"), "\x89", data}) + "b";
  };
  const auto root = [](const std::string& body) {
    const std::string p = program(body);
    auto r = rexnet::pickle::read(bytes_of(p));
    REQUIRE_MESSAGE(r.ok(), r.error().message());
    return (*r)[r->root].type;
  };
  const std::string latin = global("_codecs", "encode") + tuple({str("abcdefgh"), str("latin1")}) + "R";
  CHECK(root(array("C\x08"
                   "abcdefgh")) == kind::array);
  CHECK(root(array(latin)) == kind::array);
  CHECK(root(global("numpy._core.numeric", "_frombuffer") +
             tuple({"\x96" + number(8, 8) + "abcdefgh", type_of("f4", "<"), integers({2}), str("C")}) +
             "R") == kind::array);
  // Objects, strings, records and subclasses are no tensors.
  CHECK(root(array("](NNe", "O8")) == kind::inert);
  CHECK(root(array("C\x08"
                   "abcdefgh",
                   "U1")) == kind::inert);
  CHECK(root(array("C\x08"
                   "abcdefgh",
                   "V8")) == kind::inert);
  CHECK(root(global("numpy._core.multiarray", "_reconstruct") +
             tuple({global("numpy", "matrix"), integers({0}),
                    "C\x01"
                    "b"}) +
             "R") == kind::inert);
  refused(program(global("numpy._core.multiarray", "_reconstruct") +
                  tuple({global("numpy", "ndarray"), integers({0})}) +
                  "RN\x85"
                  "b"),
          rexnet::errc::pickle_reduce, "state for a numpy array");
  refused(program(global("numpy._core.numeric", "_frombuffer") + ")R"), rexnet::errc::pickle_reduce,
          "_frombuffer");
}
TEST_CASE("pickle: Python 2's OrderedDict of pairs is a dictionary") {
  const std::string p = program(global("collections", "OrderedDict") +
                                "](](U\x01"
                                "aK\x05"
                                "ee\x85R");
  auto r = rexnet::pickle::read(bytes_of(p));
  REQUIRE_MESSAGE(r.ok(), r.error().message());
  CHECK(r->find((*r)[r->root], "a")->integer == 5);
}
TEST_CASE("pickle: a key given twice has its last value, as in Python") {
  const std::string p = program(dict({{"a", "K\x01"}, {"a", "K\x02"}}));
  auto r = rexnet::pickle::read(bytes_of(p));
  REQUIRE(r.ok());
  CHECK(r->find((*r)[r->root], "a")->integer == 2);
}
TEST_CASE("pickle: P1 opcodes that are not on the list") {
  for (const char* op : {"i", "o", "I", "S", "P", "\x82", "\x97"})
    refused(program(op), rexnet::errc::pickle_opcode, "at byte 2");
  refused("\x80\x06N.", rexnet::errc::pickle_opcode, "protocol 6");
  refused(std::string("\x80\x00N.", 4), rexnet::errc::pickle_opcode, "protocol 0");
}
TEST_CASE("pickle: P2 names that are there to run something, by both opcodes") {
  refused(program(global("os", "system") + str("true") + "\x85R"), rexnet::errc::pickle_global, "os.system");
  refused(program(str("builtins") + str("eval") + "\x93"), rexnet::errc::pickle_global, "builtins.eval");
  refused(program(global("torch", "load")), rexnet::errc::pickle_global, "torch.load");
  for (const auto& [module, name] : {std::pair{"posix", "system"},
                                     {"nt", "system"},
                                     {"sys", "modules"},
                                     {"subprocess", "Popen"},
                                     {"__builtin__", "eval"},
                                     {"builtins", "exec"},
                                     {"builtins", "__import__"},
                                     {"importlib", "import_module"},
                                     {"importlib.util", "find_spec"},
                                     {"runpy", "run_path"},
                                     {"torch.hub", "load"},
                                     {"pickle", "loads"},
                                     {"types", "CodeType"},
                                     {"io", "open"},
                                     {"builtins", "exec.x"}})
    refused(program(global(module, name)), rexnet::errc::pickle_global, std::string(module) + "." + name);
  refused(program("NN\x93"), rexnet::errc::pickle_global, "no string");
  refused(program("cos\nsystem"), rexnet::errc::pickle_length, "line");
}
TEST_CASE("pickle: P3 REDUCE and BUILD of the wrong things") {
  refused(program("N)R"), rexnet::errc::pickle_reduce, "REDUCE");
  refused(program(global("collections", "OrderedDict") + "]R"), rexnet::errc::pickle_reduce, "REDUCE");
  refused(program(global("torch._utils", "_rebuild_tensor_v2") + ")R"), rexnet::errc::pickle_reduce,
          "_rebuild_tensor_v2");
  refused(program(global("torch._utils", "_rebuild_parameter") + "N\x85R"), rexnet::errc::pickle_reduce,
          "_rebuild_parameter");
  refused(program(global("torch", "FloatStorage") + ")R"), rexnet::errc::pickle_reduce, "FloatStorage");
  refused(program("]}b"), rexnet::errc::pickle_reduce, "BUILD");
  refused(program("NQ"), rexnet::errc::pickle_reduce, "persistent id");
}
TEST_CASE("pickle: P4 items for something that is no dictionary") {
  refused(program("]NNs"), rexnet::errc::pickle_setitem, "SETITEM");
  refused(program("](NNu"), rexnet::errc::pickle_setitem, "SETITEM");
  refused(program("}(NNNu"), rexnet::errc::pickle_setitem, "without value");
  refused(program("}Na"), rexnet::errc::pickle_setitem, "APPEND");
  refused(program("](N\x90"), rexnet::errc::pickle_setitem, "ADDITEMS");
  refused(program(global("torch", "float32") + "NNs"), rexnet::errc::pickle_setitem, "SETITEM");
}
TEST_CASE("pickle: P5 stack underflow, from every opcode that takes something") {
  for (const char* op :
       {"0", "1",    "R",    "\x81",  "b",    "Q",    "s",    "u",    "a",    "e",  "t",     "l",
        "d", "\x90", "\x91", "(\x90", "\x85", "\x86", "\x87", "\x93", "\x94", "(0", "(\x85", "N(s"})
    refused(program(op), rexnet::errc::pickle_stack_underflow, "underflow");
  refused(program(""), rexnet::errc::pickle_stack_underflow, "0 values");
  refused(program("NN"), rexnet::errc::pickle_stack_underflow, "2 values");
  refused(program("("), rexnet::errc::pickle_stack_underflow, "mark");
}
TEST_CASE("pickle: P6 memo slots that are empty or absurd") {
  refused(program("h\x05"), rexnet::errc::pickle_memo, "slot 5");
  refused(program("Nr" + number(0x7fffffff, 4)), rexnet::errc::pickle_memo, "2147483647");
  refused(program("Nr" + number(265, 4)), rexnet::errc::pickle_memo, "slot 265");
  CHECK(accepted(program("Nr" + number(264, 4))));  // gaps, but no more than the bytes before account for
  refused(program(std::string("(q\x00h\x00", 5)), rexnet::errc::pickle_memo, "mark");
}
TEST_CASE("pickle: P7 nesting, by marks, by tuples and through the memo") {
  refused(program(std::string(1000, '(')), rexnet::errc::pickle_depth, "marks");
  refused(program("N" + std::string(100000, '\x85')), rexnet::errc::pickle_depth, "deeper than 64");
  CHECK(accepted(program("N" + std::string(60, '\x85'))));
  std::string lists;  // the innermost first: a height that no path from the root reveals early
  for (int i = 0; i < 100; ++i)
    lists += (i == 0 ? "]" : "]h" + number(static_cast<std::uint64_t>(i - 1), 1) + "a") +
             ("q" + number(static_cast<std::uint64_t>(i), 1));
  refused(program("(" + lists + "t"), rexnet::errc::pickle_depth, "deeper");
}
TEST_CASE("pickle: P8 lengths beyond the program, and too many values") {
  refused(program("X" + number(0xffffffff, 4) + "abc"), rexnet::errc::pickle_length, "4294967295");
  refused(program("\x8d" + number(~0ull, 8) + "abc"), rexnet::errc::pickle_length, "18446744073709551615");
  refused(program("\x8b" + number(0x7fffffff, 4)), rexnet::errc::pickle_length, "2147483647");
  refused("\x80\x02J\x01", rexnet::errc::pickle_length, "within an opcode");
  refused(program("(" + std::string(1100000, ']') + "t"), rexnet::errc::pickle_length, "1048576 values");
  refused(program(storage(std::string(129, '0'), 6)), rexnet::errc::pickle_length,
          "a storage's key of 129 bytes, at most 128");
}
TEST_CASE("pickle: P8 one list that OrderedDicts copy again and again") {
  std::string pairs = "](";
  for (int i = 0; i < 50; ++i) pairs += "K\x01K\x02\x86";
  std::string again;
  for (int i = 0; i < 20; ++i) again += "h" + number(0, 1) + "h" + number(1, 1) + "R";
  refused(program("](" + global("collections", "OrderedDict") + "q" + number(0, 1) + pairs + "e\x85q" +
                  number(1, 1) + again + "e"),
          rexnet::errc::pickle_length, "items of OrderedDicts");
}
TEST_CASE("pickle: P9 containers that hold themselves, directly and by way of a tuple") {
  refused(program(std::string("]q\x00h\x00"
                              "a",
                              6)),
          rexnet::errc::pickle_self_reference, "itself");
  refused(program(std::string("]q\x00h\x00\x85"
                              "a",
                              7)),
          rexnet::errc::pickle_self_reference, "itself");
  refused(program(std::string("}q\x00", 3) + str("a") + std::string("h\x00s", 3)),
          rexnet::errc::pickle_self_reference, "itself");
}
TEST_CASE("pickle: P10 no STOP") {
  refused("\x80\x02N", rexnet::errc::pickle_no_stop, "without STOP");
  refused("", rexnet::errc::pickle_no_stop, "0 bytes");
}
TEST_CASE("pickle: P11 strings that are not UTF-8") {
  for (const std::string& s : {std::string("\xff"), std::string("\xc0\xaf"), std::string("\xed\xa0\x80"),
                               std::string("\xf5\x80\x80\x80"), std::string("\xe2\x82")})
    refused(program(str(s)), rexnet::errc::pickle_utf8, "UTF-8");
  CHECK(accepted(program(str("gew\xc3\xb6hnlich \xe2\x82\xac \xf0\x9f\x98\x80"))));
}
TEST_CASE("pickle: programs made to be slow are not") {
  // Every tuple holds the one before twice: 2^60 paths, 60 containers. And one long tuple used 20,000 times.
  std::string twice = "N";
  for (std::uint64_t i = 0; i < 60; ++i) twice += "q" + number(i, 1) + "h" + number(i, 1) + "\x86";
  std::string reuse = "(" + std::string(100000, 'N') + "tq" + number(0, 1) + "0(";
  for (int i = 0; i < 20000; ++i) reuse += global("numpy", "dtype") + "h" + number(0, 1) + "R";
  const auto start = std::chrono::steady_clock::now();
  CHECK(accepted(program(twice)));
  CHECK(accepted(program(reuse + "t")));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}
