// SPDX-License-Identifier: MIT
// safetensors: a JSON header that is changed token by token, with a length in front that is right more often
// than not.
#include "rexnet/checkpoint/checkpoint.hpp"

#include "tests/fuzz/memory.hpp"
#include "tests/fuzz/tensors.hpp"
#include "tests/support/craft.hpp"

#include <algorithm>

namespace {

using namespace rexnet_fuzz;

void run(rexnet::byte_span input) {
  const memory_watch watch;
  const auto content = rexnet::read_safetensors(input);
  if (content) {
    std::uint64_t total = 0;
    for (const rexnet::tensor& t : content->tensors) {
      check_tensor(t, input);
      REXNET_FUZZ_CHECK(t.row_major() && rexnet::detail::is_utf8(t.name));
      total +=
          static_cast<std::uint64_t>(t.elements()) * static_cast<std::uint64_t>(rexnet::dtype_bytes(t.type));
    }
    for (const auto& [key, value] : content->metadata)
      REXNET_FUZZ_CHECK(rexnet::detail::is_utf8(key) && rexnet::detail::is_utf8(value));
    // No gaps, no overlaps: header and tensors are the whole file.
    REXNET_FUZZ_CHECK(8 + rexnet::detail::little_endian<8>(input.data()) + total == input.size());
  }
  if (content && rexnet::is_safetensors(input) && input[0] != 'P') {
    const auto whole = rexnet::read_checkpoint(input);
    REXNET_FUZZ_CHECK(whole.ok() ? whole->tensors().size() == content->tensors.size()
                                 : whole.code() == rexnet::errc::model_duplicate_role);
  }
  REXNET_FUZZ_CHECK(watch.peak() <= 65536 + 400 * input.size());
}

/// Strings with their quotes, runs of digits, white space and all else byte by byte.
std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  while (!text.empty()) {
    std::size_t n = 1;
    if (text[0] == '"') {
      while (n < text.size() && text[n] != '"') n += text[n] == '\\' ? 2 : 1;
      n = (std::min)(n + 1, text.size());
    } else if (text[0] >= '0' && text[0] <= '9') {
      n = (std::min)(text.find_first_not_of("0123456789"), text.size());
    }
    tokens.emplace_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  return tokens;
}

std::string some_token(dice& d) {
  static constexpr std::string_view known[] = {"\"dtype\"",
                                               "\"shape\"",
                                               "\"data_offsets\"",
                                               "\"__metadata__\"",
                                               "\"w\"",
                                               "\"module.w\"",
                                               "\"F32\"",
                                               "\"F64\"",
                                               "\"F16\"",
                                               "\"BF16\"",
                                               "\"I64\"",
                                               "\"I32\"",
                                               "\"I16\"",
                                               "\"I8\"",
                                               "\"U8\"",
                                               "\"BOOL\"",
                                               "\"F8_E4M3\"",
                                               "{",
                                               "}",
                                               "[",
                                               "]",
                                               ",",
                                               ":",
                                               " ",
                                               "\t",
                                               "-",
                                               "\"",
                                               "\"\\ud83d\\ude00\"",
                                               "\"\\u00e8\\n\\\"\\\\\\/\"",
                                               "\"\\ud800\"",
                                               "\"\\u0000\"",
                                               "\"\\u20ac\\u007f\"",
                                               "\"\xc3\xa8\"",
                                               "\"\xff\"",
                                               "\"\\uABCg\"",
                                               "{\"format\":\"pt\"}"};
  return d.one_in(3) ? std::to_string(d.number()) : std::string(d.pick(known));
}

/// A header of tensors that fill `body` without a gap.
std::string tidy_header(dice& d, std::string& body) {
  static constexpr std::pair<const char*, std::size_t> types[] = {
      {"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
      {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};
  std::string header = "{";
  std::size_t at = 0;
  for (std::size_t n = d.below(4), i = 0; i < n; ++i) {
    const auto& [type, bytes] = d.pick(types);
    std::string shape;
    std::size_t elements = 1;
    for (std::size_t rank = d.below(d.one_in(6) ? 10 : 3), k = 0; k < rank; ++k) {
      const std::size_t side = rank > 3 ? 1 : d.below(4);
      elements *= side;
      shape += (k > 0 ? "," : "") + std::to_string(side);
    }
    header += std::string(i > 0 ? "," : "") + "\"" + static_cast<char>('a' + i) + "\":{\"dtype\":\"" + type +
              "\",\"shape\":[" + shape + "],\"data_offsets\":[" + std::to_string(at) + "," +
              std::to_string(at + elements * bytes) + "]}";
    at += elements * bytes;
  }
  body.resize(at, '\x3c');
  return header + "}";
}

void mutate(std::string& input, dice& d) {
  if (input.size() < 9) {
    input = rexnet_test::small_safetensors();
    return;
  }
  const auto length = static_cast<std::size_t>(
      (std::min)(rexnet::detail::little_endian<8>(rexnet_test::bytes_of(input).data()),
                 std::uint64_t{input.size() - 8}));
  std::string body = input.substr(8 + length);
  std::vector<std::string> tokens = tokens_of(std::string_view(input).substr(8, length));
  if (d.one_in(10)) tokens = tokens_of(tidy_header(d, body));
  for (std::size_t rounds = d.below(4); rounds > 0; --rounds) {
    if (tokens.empty()) tokens.emplace_back("{");
    const std::size_t at = d.below(tokens.size());
    const auto here = tokens.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t run = (std::min)(1 + d.below(d.one_in(3) ? 24 : 2), tokens.size() - at);
    switch (d.below(8)) {
      case 0: tokens.erase(here, here + static_cast<std::ptrdiff_t>(run)); break;
      case 1: {
        const std::vector<std::string> part(here, here + static_cast<std::ptrdiff_t>(run));
        tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(d.below(tokens.size() + 1)), part.begin(),
                      part.end());
        break;
      }
      case 2: std::swap(tokens[at], d.pick(tokens)); break;
      case 3: tokens.insert(here, some_token(d)); break;
      case 4: mutate_bytes(*here, d); break;
      case 5: body.resize(d.one_in(4) ? d.below(64) : body.size() & ~std::size_t{3}); break;
      default: *here = some_token(d);
    }
  }
  std::string header;
  for (const std::string& token : tokens) header += token;
  input = rexnet_test::number(d.one_in(20) ? d.number() : header.size(), 8) + header + body;
}

const registered here{{"safetensors", run, mutate}};

}  // namespace
