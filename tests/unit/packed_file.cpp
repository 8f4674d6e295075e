// SPDX-License-Identifier: MIT
// Packed files: written and read back, golden, loaded from anywhere, and refused by number (K1 to K12).
#include "rexnet/load.hpp"
#include "rexnet/payload/file/write.hpp"

#include "tests/support/craft_model.hpp"
#include "tests/support/must.hpp"
#include "tests/support/packed_cases.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <utility>

using namespace rexnet_test;
using rexnet::config_for;
using rexnet::errc;
using rexnet::family;

namespace {

// Positions in the file: docs/packed-format.md.
constexpr std::size_t at_version = 8, at_endian = 12, at_header_crc = 16, at_half = 20, at_family = 24,
                      at_classes = 32, at_block0 = 48, at_input_size = 240, at_interpolation = 244,
                      at_order = 248, at_mean = 252, at_std = 264, at_crop = 276, at_test_h = 284,
                      at_label_count = 296, at_label_bytes = 300, at_test_values = 304, at_payload = 312,
                      at_payload_bytes = 320, at_labels = 384;

/// A field overwritten, and the header's checksum made right again.
std::string bent(std::string file, std::size_t at, std::uint64_t v, int bytes = 4) {
  file.replace(at, static_cast<std::size_t>(bytes), number(v, bytes));
  std::uint64_t end = 0;
  std::memcpy(&end, file.data() + at_payload, 8);
  if (end > file.size() || end < at_labels) end = 384;
  return file.replace(
      at_header_crc, 4,
      number(rexnet::crc32(bytes_of(file).subspan(20, static_cast<std::size_t>(end) - 20)), 4));
}

}  // namespace

TEST_CASE("packed file: everything written comes back, float32 in place") {
  rexnet::packed_header h = small_header();
  h.input.interpolation = rexnet::interpolation::bilinear;
  h.input.order = rexnet::pass_order::horizontal_first;
  h.input.mean = {0.1f, 0.2f, 0.3f};
  h.test.input.assign(5 * 7 * 3, 0.5f);
  const placed file(packed(h));
  const auto v = rexnet::read_packed(file.bytes, rexnet::check::full);
  REQUIRE_MESSAGE(v.ok(), v.error().message());
  CHECK(v->header.shape.width_hundredths == 10);
  CHECK(v->header.shape.classes == 3);
  for (int i = 0; i < rexnet::rexnet_blocks; ++i) {
    CHECK(v->header.shape.blocks[i].out_c == h.shape.blocks[i].out_c);
    CHECK(v->header.shape.blocks[i].in_c == h.shape.blocks[i].in_c);
    CHECK(v->header.shape.blocks[i].stride == h.shape.blocks[i].stride);
  }
  CHECK(v->header.labels == h.labels);
  CHECK(v->header.input.input_size == 96);
  CHECK(v->header.input.crop_pct == 0.95);
  CHECK(v->header.input.interpolation == h.input.interpolation);
  CHECK(v->header.input.order == h.input.order);
  CHECK(v->header.input.mean == h.input.mean);
  CHECK(v->header.test.h == 5);
  CHECK(v->header.test.w == 7);
  CHECK(v->header.test.outputs == h.test.outputs);
  CHECK(v->header.test.input == h.test.input);
  const std::vector<float> payload = small_payload(h.shape);
  REQUIRE(v->payload.size() == payload.size() * 4);
  CHECK(std::memcmp(v->payload.data(), payload.data(), v->payload.size()) == 0);
  CHECK(v->payload.data() > file.bytes.data());
  CHECK(v->payload.data() < file.bytes.data() + file.bytes.size());
}

TEST_CASE("packed file: the view shows what was written, at any address for float16") {
  rexnet::packed_header h = small_header();
  h.labels[1] = "";
  h.test.input.assign(5 * 7 * 3, 0.5f);
  h.type = rexnet::element_type::f16;
  const placed file(packed(h), 2);
  rexnet::packed_view v;
  REQUIRE(rexnet::open_packed(file.bytes, rexnet::check::full, h.shape, v) == errc::ok);
  CHECK(v.type == rexnet::element_type::f16);
  CHECK(v.floats() == nullptr);
  CHECK(v.label_count == 3);
  for (int i = 0; i < 3; ++i) CHECK(v.label(i) == h.labels[static_cast<std::size_t>(i)]);
  CHECK(v.label(-1).empty());
  CHECK(v.label(3).empty());
  CHECK(v.input.crop_pct == 0.95);
  REQUIRE(v.test.outputs.size() == 3);
  CHECK(v.test.outputs[2] == 0.25f);
  REQUIRE(v.test.input.size() == 5 * 7 * 3);
  CHECK(v.test.input[104] == 0.5f);
  std::vector<float> weights(small_payload(h.shape).size());
  CHECK(rexnet::expand_half(v.payload, {weights.data(), weights.size() - 1}) == errc::shape_mismatch);
  CHECK(rexnet::expand_half(v.payload, weights) == errc::ok);
  CHECK((weights == small_payload(h.shape)));
  h.type = rexnet::element_type::f32;
  h.labels.clear();
  const placed plain(packed(h));
  REQUIRE(rexnet::open_packed(plain.bytes, rexnet::check::header, v) == errc::ok);
  CHECK(v.floats() == reinterpret_cast<const float*>(v.payload.data()));
  CHECK(v.label_count == 0);
  CHECK(v.label(0).empty());
  // The nominal width is a name; the channels decide.
  rexnet::config other = h.shape;
  other.width_hundredths = 11;
  CHECK(rexnet::open_packed(plain.bytes, rexnet::check::header, other, v) == errc::ok);
  for (int* field : {&other.classes, &other.blocks[7].se_c, &other.head_c}) {
    ++*field;
    CHECK(rexnet::open_packed(plain.bytes, rexnet::check::header, other, v) == errc::shape_mismatch);
    --*field;
  }
}

TEST_CASE("packed file: golden bytes of version 1") {
  // These bytes are in people's files: a change of either number is a new version of the format.
  rexnet::packed_header h = small_header();
  CHECK(rexnet::crc32(bytes_of(packed(h))) == 26072299u);
  h.type = rexnet::element_type::f16;
  CHECK(rexnet::crc32(bytes_of(packed(h))) == 3562694452u);
}

TEST_CASE("packed file: the bundled model, a file of version 1, loads with its full check") {
  const auto m = rexnet::load(source_path("models/clothing_1.0x.rexnet"), rexnet::check::full);
  REQUIRE_MESSAGE(m.ok(), m.error().message());
  CHECK(m->header().type == rexnet::element_type::f16);
  CHECK(m->shape().width_hundredths == 100);
  CHECK(m->labels().size() == 10);
  CHECK(m->input().input_size == 112);
  CHECK(m->header().test.outputs.size() == 10);
}

TEST_CASE("packed file: float16 rounds to nearest and is expanded once") {
  rexnet::packed_header h = small_header();
  h.type = rexnet::element_type::f16;
  const placed file(packed(h));
  const auto m = must(rexnet::load(file.bytes));
  // Multiples of 1/512 below 0.2 are float16 numbers.
  CHECK((std::vector<float>(m.payload().begin(), m.payload().end()) == small_payload(h.shape)));
  std::vector<float> large = small_payload(h.shape);
  large[5] = 70000.0f;
  const auto crc = rexnet::write_packed(h, rexnet::payload_layers(large),
                                        [](rexnet::byte_span) -> rexnet::status { return rexnet::done; });
  REQUIRE(!crc.ok());
  CHECK(crc.error().message().find("70000") != std::string::npos);
}

TEST_CASE("packed file: loaded from a path, from memory, and copied, the model is the same") {
  const rexnet_test::scratch s;
  const std::string bytes = packed(small_header()), path = s.file(rexnet_test::utf8_name + ".rexnet", bytes);
  const placed memory(bytes);
  const auto mapped = must(rexnet::load(path)), in_place = must(rexnet::load(memory.bytes)),
             alone = must(rexnet::load_packed(path, rexnet::check::full)),
             alone_in_place = must(rexnet::load_packed(memory.bytes));
  CHECK(alone_in_place.payload().data() == in_place.payload().data());
  rexnet::model copied = [&bytes] {
    const placed odd(bytes, 4);  // gone before the model is used
    return must(rexnet::load_copy(odd.bytes, rexnet::check::full));
  }();
  CHECK(in_place.payload().data() > reinterpret_cast<const float*>(memory.bytes.data()));
  CHECK(reinterpret_cast<const unsigned char*>(in_place.payload().data()) <
        memory.bytes.data() + memory.bytes.size());
  const rexnet::model moved = std::move(copied);
  for (const rexnet::model* m : {&mapped, &in_place, &moved, &alone, &alone_in_place}) {
    CHECK(m->labels() == small_header().labels);
    CHECK((std::vector<float>(m->payload().begin(), m->payload().end()) == small_payload(m->shape())));
    std::vector<float> image(16 * 16 * 3, 0.5f), out(3);
    const auto p = must(m->net().make_plan(16, 16));
    rexnet::aligned_buffer workspace(p.workspace_bytes());
    CHECK(m->net().forward(p, {image.data(), 1, 16, 16, 3}, out, {workspace.data(), workspace.size()}) ==
          errc::ok);
  }
}

TEST_CASE("packed file: a model that was read, not mapped, outlives its file's contents") {
  const rexnet_test::scratch s;
  const std::string bytes = packed(small_header()), path = s.file("read.rexnet", bytes);
  const auto any = rexnet_test::must(rexnet::load_copy(path, rexnet::check::full)),
             packed_only = rexnet_test::must(rexnet::load_packed_copy(path, rexnet::check::full));
  const std::vector<unsigned char> pixels(96 * 96 * 3, 77);
  auto classifier = must(rexnet::classifier::make(any));
  const std::vector<float> before = must(classifier.logits({pixels.data(), 96, 96}));
  rexnet_test::write_bytes(path, "?");  // a mapping would now end the program
  CHECK(must(classifier.logits({pixels.data(), 96, 96})) == before);
  for (const rexnet::model* m : {&any, &packed_only}) {
    CHECK((std::vector<float>(m->payload().begin(), m->payload().end()) == small_payload(m->shape())));
  }
  CHECK(rexnet::load_copy(path).code() == errc::unknown_format);
  CHECK(rexnet::load_copy(s.path("no-such-file")).code() == errc::io_error);
}

TEST_CASE("load: T6 a checkpoint of one byte that all its weights repeat") {
  rexnet::config c = config_for(family::v1, 10, 1);
  c.head_c = 11000;  // a classifier of one class is padded to 16: 37 times the file
  std::vector<std::pair<std::string, std::string>> items;
  for (const rexnet::tensor& t : craft_model(c).tensors)
    items.emplace_back(t.name, tensor_of(storage("0", 1, "ByteStorage"), 0, t.shape,
                                         std::vector<std::int64_t>(t.shape.size(), 0)));
  const std::string file = torch_zip(program(ordered_dict(items)), {"\x01"});
  CHECK(rexnet::read_checkpoint(bytes_of(file)).ok());
  const auto m = rexnet::load(bytes_of(file));
  CHECK(m.code() == errc::tensor_blow_up);
  CHECK(m.error().message().find("at most 32 times as many") != std::string::npos);
}

TEST_CASE("packed file: layers folded one at a time give the payload that is folded at once") {
  for (const bool half : {false, true}) {
    const state_dict d = craft_model(config_for(family::lite, 50, 4));
    const auto tensors = must(rexnet::identify(d.tensors));
    const auto whole = must(rexnet::pack_weights(tensors));
    rexnet::packed_header h;
    h.shape = tensors.shape;
    h.type = half ? rexnet::element_type::f16 : rexnet::element_type::f32;
    std::string streamed, at_once;
    const auto into = [](std::string& s) {
      return [&s](rexnet::byte_span b) -> rexnet::status {
        s.append(reinterpret_cast<const char*>(b.data()), b.size());
        return rexnet::done;
      };
    };
    REQUIRE(rexnet::write_packed(
                h, [&](auto&& emit) { return rexnet::pack_layers(tensors, emit); }, into(streamed))
                .ok());
    const rexnet::span<const float> payload(whole.floats().data(),
                                            static_cast<std::size_t>(rexnet::packed_numbers(h.shape)));
    REQUIRE(rexnet::write_packed(h, rexnet::payload_layers(payload), into(at_once)).ok());
    CHECK((streamed == at_once));
  }
}

TEST_CASE("packed file: an interrupted or refused write leaves the old file") {
  const rexnet_test::scratch s;
  const std::string path = s.file("interrupted.rexnet", "old");
  const auto fails = [](auto&& emit) -> rexnet::status {
    const std::vector<float> some(100, 1.0f);
    if (auto status = emit(rexnet::span<const float>(some)); !status) return status;
    return rexnet::error(errc::model_not_finite, "halfway");
  };
  CHECK(rexnet::save_packed(path, small_header(), fails).code() == errc::model_not_finite);
  CHECK(rexnet_test::read_bytes(path) == "old");
  CHECK(!rexnet_test::exists(path + ".part"));
  const std::vector<float> payload = small_payload(small_header().shape);
  REQUIRE(rexnet::save_packed(path, small_header(), rexnet::payload_layers(payload)).ok());
  CHECK((rexnet_test::read_bytes(path) == packed(small_header())));
  const auto nowhere =
      rexnet::save_packed("/no/such/folder/x", small_header(), rexnet::payload_layers(payload));
  CHECK(nowhere.code() == errc::io_error);
  CHECK(nowhere.error().message().find("/no/such/folder/x") != std::string::npos);
}

TEST_CASE("packed file: K1 magic, and no bytes at all") {
  check_refused("REXNETPX" + packed(small_header()).substr(8), errc::packed_magic, "magic");
  CHECK(rexnet::load(rexnet::byte_span()).code() == errc::unknown_format);
  CHECK(rexnet::load_copy(rexnet::byte_span()).code() == errc::unknown_format);
  CHECK(rexnet::load_packed(rexnet::byte_span()).code() == errc::packed_magic);
}
TEST_CASE("packed file: K2 version") {
  for (const std::uint64_t version : {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{0xffffffff}})
    check_refused(bent(packed(small_header()), at_version, version), errc::packed_version,
                  "version " + std::to_string(version) + ", this program reads 1 and 2");
  rexnet::packed_header h = small_header();
  h.version = 3;
  check_not_written(h, errc::packed_version, "version 3: 1 and 2 can be written");
  h.version = 1;
  h.shape.blocks[4].stride = 2;
  h.shape.blocks[4].residual_c = 0;
  check_not_written(h, errc::packed_version, "version 1 cannot describe this network");
}
TEST_CASE("packed file: K3 byte order") {
  check_refused(bent(packed(small_header()), at_endian, 0x04030201), errc::packed_endianness, "67305985");
}
TEST_CASE("packed file: K4 every damaged byte of the header is noticed") {
  const std::string file = packed(small_header());
  const std::size_t end = file.size() - small_payload(small_header().shape).size() * 4;
  for (std::size_t i = 0; i < end; ++i) {
    std::string s = file;
    s[i] = static_cast<char>(s[i] ^ 0x11);
    const placed p(s);
    INFO("byte ", i);
    CHECK(!rexnet::read_packed(p.bytes).ok());
  }
  check_refused(patched(file, at_classes, number(4, 4)), errc::packed_header_checksum, "recorded");
}
TEST_CASE("packed file: K5 a damaged weight is noticed by the full check only") {
  std::string file = packed(small_header());
  file[file.size() - 9] = static_cast<char>(file[file.size() - 9] ^ 1);
  check_refused(file, errc::packed_payload_checksum, "recorded");
  const placed p(file);
  CHECK(rexnet::load(p.bytes).ok());
}
TEST_CASE("packed file: K6 offsets out of range, unaligned, or into each other") {
  const std::string file = packed(small_header());
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{320}, std::uint64_t{449}, std::uint64_t{1} << 40, ~std::uint64_t{63}})
    check_refused(bent(file, at_payload, offset, 8), errc::packed_offset,
                  "payload at " + std::to_string(offset));
  check_refused(bent(file, at_label_bytes, 4000), errc::packed_offset, "leave the header");
  check_refused(bent(file, at_label_bytes, 0xffffffff), errc::packed_offset, "leave the header");
  check_refused(bent(file, at_test_values, 0xffffffff), errc::packed_offset, "leave the header");
}
TEST_CASE("packed file: K7 shapes that are impossible or need other weights") {
  const std::string file = packed(small_header());
  check_refused(bent(file, at_family, 3), errc::packed_shape, "impossible");
  check_refused(bent(file, at_half, 2), errc::packed_shape, "impossible");
  check_refused(bent(file, at_block0 + 8, 4), errc::packed_shape, "impossible");
  check_refused(bent(file, at_block0, 0x7fffffff), errc::packed_shape, "impossible");
  check_refused(bent(file, at_block0, 32), errc::packed_shape, "impossible");     // a residual of block 0
  check_refused(bent(file, at_block0 + 4, 4), errc::packed_shape, "impossible");  // its squeeze-excite
  check_refused(bent(file, at_block0 + 12, 200), errc::packed_shape, "this network needs");
  check_refused(bent(file, at_half, 1), errc::packed_shape, "this network needs");
  check_refused(bent(file, at_payload_bytes, ~std::uint64_t{0}, 8), errc::packed_shape,
                "18446744073709551615 bytes");
  check_refused(bent(file, at_test_h, 0), errc::packed_shape, "0 x 7");
  check_refused(bent(bent(file, at_test_h, 30000), at_test_h + 4, 30000), errc::packed_shape,
                "30000 x 30000");
}
TEST_CASE("packed file: K8 cut, or with bytes behind the weights") {
  const std::string file = packed(small_header());
  check_refused(file.substr(0, file.size() - 1), errc::packed_size, "cut short?");
  check_refused(file + '\0', errc::packed_size, "expected");
  for (std::size_t n = 8; n < 384; n += 5)
    check_refused(file.substr(0, n), errc::packed_size, std::to_string(n) + " bytes");
}
TEST_CASE("packed file: K9 misaligned memory is named modulo 64, and float16 does not care") {
  rexnet::packed_header h = small_header();
  check_refused(packed(h), errc::packed_misaligned, "modulo 64 = 4", 4);
  h.type = rexnet::element_type::f16;
  const placed p(packed(h), 2);
  CHECK(rexnet::load(p.bytes).ok());
}
TEST_CASE("packed file: K10 labels that are not one per class") {
  const std::string file = packed(small_header());
  check_refused(bent(file, at_label_count, 2), errc::packed_labels, "2 labels in 3 lines for 3 classes");
  check_refused(bent(file, at_labels + 3, 'x', 1), errc::packed_labels, "3 labels in 2 lines for 3 classes");
  rexnet::packed_header h = small_header();
  h.labels.pop_back();
  check_not_written(h, errc::packed_labels, "2 labels for 3 classes");
}
TEST_CASE("packed file: K11 preprocessing that makes no sense is neither read nor written") {
  const std::string file = packed(small_header());
  const auto bits = [](float v) { return std::uint64_t{rexnet::bits_of(v)}; };
  const auto wide = [](double v) {
    std::uint64_t b;
    std::memcpy(&b, &v, sizeof(b));
    return b;
  };
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const auto refuse = [&](std::size_t at, std::uint64_t v, const std::string& part, int bytes = 4) {
    check_refused(bent(file, at, v, bytes), errc::packed_preprocessing, part);
  };
  refuse(at_input_size, 0, "input size 0: must be 1 to 16384");
  refuse(at_input_size, 16385, "input size 16385: must be 1 to 16384");
  refuse(at_interpolation, 2, "interpolation 2, pass order 0: 0 and 1 are known");
  refuse(at_interpolation, 0xffffffff, "interpolation 4294967295");
  refuse(at_order, 2, "pass order 2");
  for (std::size_t c = 0; c < 3; ++c) {
    refuse(at_mean + 4 * c, bits(nan), "mean nan: must be 0 to 1");
    refuse(at_mean + 4 * c, bits(-0.25f), "mean -0.25: must be 0 to 1");
    refuse(at_mean + 4 * c, bits(123.675f), "mean 123.675: must be 0 to 1");
    refuse(at_std + 4 * c, bits(0), "std 0: must be 1e-6 to 256");
    refuse(at_std + 4 * c, bits(-nan), "must be 1e-6 to 256");
    refuse(at_std + 4 * c, bits(inf), "std inf: must be 1e-6 to 256");
  }
  for (const double v : {0.0, -1.0, 1.5, 1e300, static_cast<double>(nan)})
    refuse(at_crop, wide(v), "crop_pct", 8);
  refuse(at_crop, wide(1e-3), "would be resized to more than 65536", 8);

  const auto not_written = [](void (*change)(rexnet::preprocessing&), const std::string& part) {
    rexnet::packed_header h = small_header();
    change(h.input);
    check_not_written(h, errc::packed_preprocessing, part);
  };
  not_written([](rexnet::preprocessing& p) { p.input_size = 0; }, "input size 0");
  not_written([](rexnet::preprocessing& p) { p.crop_pct = 1e300; }, "crop_pct 1e+300: must be above 0");
  not_written([](rexnet::preprocessing& p) { p.mean[2] = nan; }, "mean nan");
  not_written([](rexnet::preprocessing& p) { p.std[1] = 0; }, "std 0");
  not_written([](rexnet::preprocessing& p) { p.interpolation = static_cast<rexnet::interpolation>(7); },
              "interpolation 7");
  not_written([](rexnet::preprocessing& p) { p.order = static_cast<rexnet::pass_order>(3); }, "pass order 3");
}
TEST_CASE("packed file: K12 labels that are not UTF-8, or act on a terminal, are neither read nor written") {
  const std::string file = packed(small_header());  // "one\nzwei\ntrois\n"
  const auto refuse = [&](std::size_t at, unsigned char v, const std::string& part) {
    check_refused(bent(file, at_labels + at, v, 1), errc::packed_label_text, part);
  };
  refuse(0, 0xe9, "label 1 \"\\xe9ne\": is not UTF-8");
  refuse(5, 0x1b, "label 2 \"z\\x1bei\": has a control character");
  refuse(13, 0, "label 3 \"troi\\x00\": has a control character");
  refuse(13, '\r', "label 3 \"troi\\r\": has a control character");
  refuse(13, 0xc3, "label 3");
  check_refused(bent(file, at_label_bytes, 16), errc::packed_label_text, "1 bytes behind the last label");

  rexnet::packed_header h = small_header();
  const std::string long_one = std::string(59, 'x') + "\xe5\xb8\xbd\xe5\xad\x90\x07";
  for (const auto& [label, part] :
       {std::pair{std::string("two\nlines"), "label 2 \"two\\nlines\": has a control"},
        {"caf\xe9", "label 2 \"caf\\xe9\": is not UTF-8"},
        {std::string("a\0b", 3), "label 2 \"a\\x00b\": has a control"},
        {"\xff\xfe"
         "d",
         "is not UTF-8"},
        {"\xc2\x9b", "has a control"},
        {"\xe2\x80\xae", "has a control"},
        {long_one, "xxx\": has a control"}}) {
    h.labels[1] = label;
    check_not_written(h, errc::packed_label_text, part);
  }
  // What is left: any other text, and none at all.
  for (const char* label :
       {"", " ", "caf\xc3\xa9", "\xe5\xb8\xbd\xe5\xad\x90", "\xf0\x9f\x91\x95", "a, \"b\" <c>"}) {
    h.labels[1] = label;
    const placed p(packed(h));
    CHECK(must(rexnet::read_packed(p.bytes)).header.labels == h.labels);
  }
}

TEST_CASE("packed file: no damaged header makes the reader misbehave, its checksum right or wrong") {
  const std::string file = packed(small_header());
  for (std::size_t i = 8; i < at_labels + 64; ++i)
    for (const int v : {0, 1, 0x7f, 0x80, 0xff}) {
      const placed p(bent(file, i, static_cast<std::uint64_t>(v), 1));
      const auto m = rexnet::load(p.bytes);
      if (!m.ok()) CHECK(!m.error().message().empty());
    }
}
