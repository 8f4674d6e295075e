// SPDX-License-Identifier: MIT
// torch files of the form before 1.6: five pickles, then the storages.
#include "rexnet/checkpoint/checkpoint.hpp"

#include "tests/fuzz/memory.hpp"
#include "tests/fuzz/pickle_ops.hpp"
#include "tests/fuzz/tensors.hpp"

namespace {

using namespace rexnet_fuzz;

void run(rexnet::byte_span input) {
  const memory_watch watch;
  const auto content = rexnet::detail::read_torch_legacy(input);
  if (content) {
    check_content(*content, input, input);
    const auto whole = rexnet::read_checkpoint(input);
    REXNET_FUZZ_CHECK(!rexnet::detail::is_torch_legacy(input) ||
                      (whole.ok() && whole->tensors().size() == content->tensors.size()));
  }
  REXNET_FUZZ_CHECK(watch.peak() <= 65536 + 800 * input.size());
}

/// The tail with right counts: for each of a few storages a count and that many floats.
std::string storages(dice& d, std::size_t n) {
  std::string s;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t count = d.one_in(3) ? d.below(20) : 6;
    s += rexnet_test::number(d.one_in(12) ? d.number() : count, 8) +
         std::string(4 * count, static_cast<char>(d.next()));
  }
  return s;
}

void mutate(std::string& input, dice& d) {
  std::vector<std::string> programs;
  std::string_view rest = input;
  for (int i = 0; i < 5 && !rest.empty(); ++i) {
    programs.push_back(joined(opcodes_of(rest)));
    rest.remove_prefix(programs.back().size());
  }
  std::string tail(rest);
  if (programs.size() < 5) {
    if (d.one_in(2)) return mutate_bytes(input, d);
    input = rexnet_test::small_legacy();
    return;
  }
  switch (d.below(8)) {
    case 0: tail = storages(d, d.below(4)); break;
    case 1: mutate_bytes(tail, d); break;
    case 2: mutate_opcodes(programs[d.below(3)], d); break;
    case 3: mutate_opcodes(programs[4], d); break;
    case 4: {  // keys and storages that belong together
      std::vector<std::string> keys;
      for (std::size_t n = d.below(4), i = 0; i < n; ++i)
        keys.push_back(std::to_string(d.one_in(9) ? d.below(3) : i));
      std::string body;
      for (const std::string& key : keys)
        body += rexnet_test::str("w" + key) +
                rexnet_test::tensor_of(
                    rexnet_test::storage(key, 6, d.one_in(9) ? "DoubleStorage" : "FloatStorage", true), 0,
                    {6}, {1}) +
                "s";
      programs[3] = rexnet_test::program("}" + body);
      programs[4] = rexnet_test::legacy_keys(keys);
      tail = storages(d, keys.size());
      break;
    }
    case 5: mutate_bytes(programs[d.below(5)], d); break;
    default: mutate_opcodes(programs[3], d);
  }
  input = joined(programs) + tail;
}

const registered here{{"legacy", run, mutate}};

}  // namespace
