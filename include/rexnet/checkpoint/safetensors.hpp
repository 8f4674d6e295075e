// SPDX-License-Identifier: MIT
// The safetensors container: u64 length, a JSON header of that length, the tensors' bytes without gaps.
// Source: the format section of huggingface/safetensors. The parser knows only the JSON that the format
// allows: an object of objects; strings; arrays of non-negative integers.
#ifndef REXNET_CHECKPOINT_SAFETENSORS_HPP
#define REXNET_CHECKPOINT_SAFETENSORS_HPP

#include "rexnet/checkpoint/json/cursor.hpp"
#include "rexnet/checkpoint/tensor.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The format's own limit for the header.
inline constexpr std::uint64_t max_safetensors_header = 100000000;

struct safetensors_content {
  std::vector<tensor> tensors;                                ///< in the order of the header
  std::vector<std::pair<std::string, std::string>> metadata;  ///< "__metadata__"
};

namespace detail {

class safetensors_reader {
 public:
  explicit safetensors_reader(byte_span file) : file_(file), json_({}) {}

  result<safetensors_content> read() {
    if (file_.size() < 8)
      return fail(errc::safetensors_header_length, "the file has " + std::to_string(file_.size()) + " bytes");
    const std::uint64_t length = little_endian<8>(file_.data());
    if (length > max_safetensors_header || length > file_.size() - 8)
      return fail(errc::safetensors_header_length, "a header of " + std::to_string(length) +
                                                       " bytes in a file of " + std::to_string(file_.size()) +
                                                       " (at most 100 MB; is the download complete?)");
    json_ = json_cursor(text(file_.subspan(8, static_cast<std::size_t>(length))));
    body_ = file_.subspan(8 + static_cast<std::size_t>(length),
                          file_.size() - 8 - static_cast<std::size_t>(length));
    if (status s = header(); !s) return s.error();
    if (status s = check_ranges(); !s) return s.error();
    return std::move(content_);
  }

 private:
  struct range {
    std::uint64_t begin, end;
    std::size_t index;
  };
  [[nodiscard]] static error fail(errc code, const std::string& what) {
    return {code, "safetensors: " + what};
  }
  [[nodiscard]] error bad_json() const { return fail(errc::safetensors_json, "header: " + json_.failure()); }
  [[nodiscard]] static error twice(const std::string& key) {
    return fail(errc::safetensors_duplicate, "the key " + in_quotes(key) + " is there twice");
  }

  status header() {
    std::vector<std::string> keys;
    if (!json_.eat('{')) return bad_json();
    if (json_.peek('}'))
      json_.eat('}');
    else
      do {
        std::string name;
        if (!json_.string(name) || !json_.eat(':')) return bad_json();
        keys.push_back(name);
        if (status s = name == "__metadata__" ? metadata() : entry(std::move(name)); !s) return s;
      } while (json_.more('}'));
    if (!json_.failure().empty() || !json_.finish()) return bad_json();
    return distinct(std::move(keys));
  }

  status metadata() {
    if (!json_.eat('{')) return bad_json();
    if (json_.peek('}')) return json_.eat('}'), done;
    std::vector<std::string> keys;
    do {
      std::string key, value;
      if (!json_.string(key) || !json_.eat(':') || !json_.string(value)) return bad_json();
      keys.push_back(key);
      content_.metadata.emplace_back(std::move(key), std::move(value));
    } while (json_.more('}'));
    return json_.failure().empty() ? distinct(std::move(keys)) : status(bad_json());
  }
  /// Which of two values counts differs from one JSON reader to the next.
  [[nodiscard]] static status distinct(std::vector<std::string> keys) {
    std::sort(keys.begin(), keys.end());
    const auto same = std::adjacent_find(keys.begin(), keys.end());
    return same != keys.end() ? status(twice(*same)) : status(done);
  }

  bool numbers(std::vector<std::int64_t>& out, std::size_t most) {
    if (!json_.eat('[')) return false;
    if (json_.peek(']')) return json_.eat(']');
    do {
      std::uint64_t v = 0;
      if (!json_.number(v)) return false;
      if (out.size() == most) return json_.fail("more than " + std::to_string(most) + " numbers");
      out.push_back(static_cast<std::int64_t>(v));
    } while (json_.more(']'));
    return json_.failure().empty();
  }

  status entry(std::string name) {
    tensor t;
    t.name = std::move(name);
    std::string key, type;
    std::vector<std::int64_t> offsets;
    unsigned seen = 0;
    if (!json_.eat('{')) return bad_json();
    do {
      if (!json_.string(key) || !json_.eat(':')) return bad_json();
      const unsigned bit = key == "dtype" ? 1 : key == "shape" ? 2 : key == "data_offsets" ? 4 : 0;
      if (bit == 0) return json_.fail("unknown key " + in_quotes(key)), bad_json();
      if ((seen & bit) != 0) return twice(t.name + "." + key);
      seen |= bit;
      if (!(bit == 1 ? json_.string(type) : bit == 2 ? numbers(t.shape, 64) : numbers(offsets, 2)))
        return bad_json();
    } while (json_.more('}'));
    if (!json_.failure().empty()) return bad_json();
    if (seen != 7 || offsets.size() != 2)
      return json_.fail("tensor " + in_quotes(t.name) + " lacks dtype, shape or data_offsets"), bad_json();
    return place(std::move(t), type, static_cast<std::uint64_t>(offsets[0]),
                 static_cast<std::uint64_t>(offsets[1]));
  }

  status place(tensor t, std::string_view type, std::uint64_t begin, std::uint64_t end) {
    constexpr std::pair<std::string_view, dtype> types[] = {
        {"F32", dtype::f32}, {"F64", dtype::f64},     {"F16", dtype::f16}, {"BF16", dtype::bf16},
        {"I64", dtype::i64}, {"I32", dtype::i32},     {"I16", dtype::i16}, {"I8", dtype::i8},
        {"U8", dtype::u8},   {"BOOL", dtype::boolean}};
    const auto* known =
        std::find_if(std::begin(types), std::end(types), [type](const auto& p) { return p.first == type; });
    const std::string where = "tensor " + in_quotes(t.name) + ": ";
    if (known == std::end(types))
      return fail(errc::safetensors_dtype, where + "unknown dtype " + in_quotes(type));
    t.type = known->second;
    if (begin > end)
      return fail(errc::safetensors_gap,
                  where + "ends at " + std::to_string(end) + " before it begins at " + std::to_string(begin));
    if (end > body_.size())
      return fail(errc::model_truncated, where + "its data ends at byte " + std::to_string(end) + ", but " +
                                             std::to_string(body_.size()) +
                                             " are there: the file is cut short");
    if (t.shape.size() > 8)
      return fail(errc::tensor_rank, where + std::to_string(t.shape.size()) + " dimensions, at most 8");
    const checked bytes = element_count(t.shape) * static_cast<std::uint64_t>(dtype_bytes(t.type));
    if (!bytes.valid())
      return fail(errc::tensor_overflow, where + "shape " + shape_text(t.shape) + " overflows 64 bits");
    if (bytes.get() != end - begin)
      return fail(errc::safetensors_size, where + "shape " + shape_text(t.shape) + " of " +
                                              std::string(type) + " needs " + std::to_string(bytes.get()) +
                                              " bytes, its range has " + std::to_string(end - begin));
    const bool empty = bytes.get() == 0;
    t.strides.assign(t.shape.size(), 0);  // of an empty tensor they mean nothing, and may not fit
    std::int64_t stride = 1;
    for (std::size_t d = t.shape.size(); d-- > 0 && !empty; stride *= t.shape[d]) t.strides[d] = stride;
    const byte_span storage =
        body_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    if (empty)
      t.data = storage.data();
    else if (status s = place_tensor(t, storage, 0, file_.size()); !s)
      return s;
    ranges_.push_back({begin, end, content_.tensors.size()});
    content_.tensors.push_back(std::move(t));
    return done;
  }

  status check_ranges() {
    std::sort(ranges_.begin(), ranges_.end(), [](const range& a, const range& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t at = 0;
    for (const range& r : ranges_) {
      if (r.begin != at)
        return fail(errc::safetensors_gap, "tensor " + in_quotes(content_.tensors[r.index].name) +
                                               (r.begin > at ? ": a gap" : ": an overlap") +
                                               ", it begins at " + std::to_string(r.begin) + " and not at " +
                                               std::to_string(at));
      at = r.end;
    }
    if (at != body_.size())
      return fail(errc::safetensors_trailing,
                  std::to_string(body_.size() - at) + " bytes after the last tensor");
    return done;
  }

  byte_span file_, body_;
  json_cursor json_;
  safetensors_content content_;
  std::vector<range> ranges_;
};

}  // namespace detail

/// Does the file begin like safetensors: a length, then an object?
[[nodiscard]] inline bool is_safetensors(byte_span file) noexcept {
  return file.size() > 8 && file[8] == '{';
}

/// Reads all tensors; they point into `file`, which must outlive them. Memory: at most 50 bytes for each byte
/// of the header. Time: n log n in the number of tensors; no tensor's bytes are read.
/// Errors: S1 to S7, T2, T3 and M12 of docs/refusals.md.
[[nodiscard]] inline result<safetensors_content> read_safetensors(byte_span file) {
  return detail::safetensors_reader(file).read();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_SAFETENSORS_HPP
