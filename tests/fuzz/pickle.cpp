// SPDX-License-Identifier: MIT
// Pickle programs alone, and as state dicts over a few storages: no checksum stands in the way.
#include "rexnet/checkpoint/torch_file.hpp"

#include "tests/fuzz/memory.hpp"
#include "tests/fuzz/pickle_ops.hpp"
#include "tests/fuzz/tensors.hpp"

namespace {

using namespace rexnet_fuzz;
using rexnet::pickle::kind;
using rexnet::pickle::program;
using rexnet::pickle::value;

/// Everything a reader of the program relies on.
void check_program(const program& p, rexnet::byte_span input) {
  REXNET_FUZZ_CHECK(p.consumed > 0 && p.consumed <= input.size() && p.root < p.values.size());
  REXNET_FUZZ_CHECK(p[p.root].type != kind::mark && p.values.size() <= input.size());
  for (const value& v : p.values) {
    REXNET_FUZZ_CHECK(v.type != kind::dict || v.items.size() % 2 == 0);
    REXNET_FUZZ_CHECK(v.text.empty() ||
                      inside(input, reinterpret_cast<const unsigned char*>(v.text.data()), v.text.size()));
    for (const std::uint32_t item : v.items)
      REXNET_FUZZ_CHECK(item < p.values.size() && p[item].type != kind::mark);
    if (v.type == kind::storage) REXNET_FUZZ_CHECK(v.items.size() == 5 || v.items.size() == 6);
    if (v.type == kind::array)
      REXNET_FUZZ_CHECK(v.items.empty() || (v.items.size() == 3 && p[v.items[0]].type == kind::tuple &&
                                            p[v.items[1]].type == kind::array_type));
    if (v.type == kind::inert || v.type == kind::module)
      REXNET_FUZZ_CHECK(v.items.size() <= 3 && p.full_name(v).size() <= 401);
    if (v.type == kind::tensor) REXNET_FUZZ_CHECK(v.items.size() >= 4 && p[v.items[0]].type == kind::storage);
  }
  // From the root on, every way goes down: nobody who follows it recursively comes back or goes deep.
  std::vector<std::uint32_t> open{p.root};
  std::vector<bool> seen(p.values.size());
  while (!open.empty()) {
    const value& v = p[open.back()];
    open.pop_back();
    REXNET_FUZZ_CHECK(v.depth <= rexnet::pickle::max_depth);
    for (const std::uint32_t item : v.items) {
      REXNET_FUZZ_CHECK(p[item].depth < v.depth);
      if (!seen[item]) open.push_back(item);
      seen[item] = true;
    }
  }
}

void run(rexnet::byte_span input) {
  const memory_watch watch;
  auto p = rexnet::pickle::read(input);
  if (p) {
    std::vector<unsigned char> storage(24 + input.size());  // "0": 24 bytes, "1": the rest; a file of both
    for (std::size_t i = 0; i < storage.size(); ++i) storage[i] = static_cast<unsigned char>(37 * i);
    const rexnet::byte_span file = storage;
    std::vector<rexnet::detail::torch_storage> storages{{"1", file.subspan(24, input.size())},
                                                        {"0", file.subspan(0, 24)}};
    check_program(*p, input);
    const auto content = rexnet::detail::finish_torch(*p, storages, file.size());
    if (content) check_content(*content, file, input);
  }
  REXNET_FUZZ_CHECK(watch.peak() <= 65536 + 256 * input.size());
}

void mutate(std::string& input, dice& d) {
  if (input.size() < 4 && d.one_in(2)) {
    input = rexnet_test::program(d.one_in(2) ? rexnet_test::small_state_dict(d.one_in(2)) : some_opcodes(d));
    return;
  }
  mutate_opcodes(input, d);
}

const registered here{{"pickle", run, mutate}};

}  // namespace
