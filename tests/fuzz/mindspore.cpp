// SPDX-License-Identifier: MIT
// MindSpore's checkpoints: protobuf fields that are taken apart, changed and put together with right lengths.
// What is none of them goes on to the signs by which other files are named.
#include "rexnet/checkpoint/checkpoint.hpp"

#include "tests/fuzz/memory.hpp"
#include "tests/fuzz/tensors.hpp"
#include "tests/support/craft.hpp"

#include <set>

namespace {

using namespace rexnet_fuzz;

void run(rexnet::byte_span input) {
  const memory_watch watch;
  const auto tensors = rexnet::detail::read_mindspore(input);
  if (tensors) {
    std::set<std::string> names;
    for (const rexnet::tensor& t : *tensors) {
      check_tensor(t, input);
      REXNET_FUZZ_CHECK(t.row_major() && rexnet::detail::is_utf8(t.name) && names.insert(t.name).second);
    }
  }
  const auto whole = rexnet::read_checkpoint(input);
  if (tensors && rexnet::detail::is_mindspore(input) && rexnet::detail::refuse_impostors(input).ok()) {
    // read_checkpoint() asks for safetensors first: a tag with '{' at the file's ninth byte looks like it.
    if (rexnet::is_safetensors(input)) {
      const auto other = rexnet::read_safetensors(input);
      REXNET_FUZZ_CHECK(other.ok() || (!whole.ok() && whole.code() == other.error().code()));
    } else {
      REXNET_FUZZ_CHECK(whole.ok() ? whole->tensors().size() == tensors->size()
                                   : whole.code() == rexnet::errc::model_duplicate_role);
    }
  }
  REXNET_FUZZ_CHECK(whole.ok() || !whole.error().message().empty());
  REXNET_FUZZ_CHECK(watch.peak() <= 65536 + 400 * input.size());
}

std::string varint(std::uint64_t v) {
  std::string s;
  for (; v >= 128; v >>= 7) s += static_cast<char>((v & 127) | 128);
  return s + static_cast<char>(v);
}
std::string field(std::uint64_t number, const std::string& data) {
  return varint(number << 3 | 2) + varint(data.size()) + data;
}

std::string record(dice& d) {
  static constexpr const char* tags[] = {"stem.features.0.weight",
                                         "a.features.1.gamma",
                                         "a.moving_variance",
                                         "a.moving_mean",
                                         "cls.1.bias",
                                         "moments.a.b",
                                         "epoch_num",
                                         "",
                                         "\xff."};
  static constexpr const char* types[] = {"Float32", "Float32", "Float16", "Int8", "Bool", "Complex64", ""};
  std::string tensor;
  std::size_t n = 1;
  for (std::size_t rank = d.below(d.one_in(8) ? 11 : 4); rank > 0; --rank) {
    const std::uint64_t side = d.one_in(10) ? d.number() : d.below(4);
    n *= static_cast<std::size_t>(side);
    tensor += d.one_in(8) ? field(1, varint(side)) : "\x08" + varint(side);
  }
  const std::string type = d.pick(types);
  const std::size_t each = type == "Float32" ? 4 : type == "Float16" ? 2 : 1;
  const std::size_t bytes = d.one_in(10) ? d.below(20) : n <= 64 ? each * n : 0;
  tensor += field(2, type) + field(3, std::string(bytes, static_cast<char>(d.next())));
  return field(d.one_in(16) ? d.below(20) : 1, field(1, d.pick(tags)) + field(d.one_in(16) ? 3 : 2, tensor));
}

void mutate(std::string& input, dice& d) {
  std::vector<std::string> fields;
  rexnet::detail::protobuf_cursor cursor(rexnet_test::bytes_of(input));
  rexnet::detail::protobuf_field f;
  for (std::size_t before = 0; cursor.next(f); before = cursor.at())
    fields.push_back(input.substr(before, cursor.at() - before));
  std::string rest = input.substr(cursor.at());
  for (std::size_t rounds = 1 + d.below(3); rounds > 0; --rounds) switch (d.below(6)) {
      case 0:
        if (!fields.empty()) mutate_bytes(d.pick(fields), d);
        break;
      case 1:
        if (!fields.empty())
          fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(d.below(fields.size())));
        break;
      case 2: mutate_bytes(rest, d); break;
      case 3: rest.clear(); break;
      default: fields.push_back(record(d));
    }
  input.clear();
  for (const std::string& one : fields) input += one;
  if (d.one_in(8)) {
    std::string crc;
    for (int shift = 24; shift >= 0; shift -= 8)
      crc += static_cast<char>(rexnet::crc32(rexnet_test::bytes_of(input)) >> shift & 255u);
    rest = "crc_num" + std::string(6, '\0') + crc;
  }
  input += rest;
}

const registered here{{"mindspore", run, mutate}};

}  // namespace
