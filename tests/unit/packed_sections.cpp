// SPDX-License-Identifier: MIT
// Packed files of version 2: networks that no formula gives, written and read back; golden; every refusal of
// the table and of its sections (K4 to K13). What both versions have in common: packed_file.cpp.
#include "rexnet/heads/features.hpp"

#include "tests/support/packed_cases.hpp"
#include "tests/support/packed_table.hpp"

using namespace rexnet_test;
using rexnet::activation;
using rexnet::errc;

namespace {

// Positions in the file: docs/packed-format.md.
constexpr std::size_t at_count = sections_count, at_bytes = sections_file_bytes;

/// A network that version 1 cannot describe: five blocks, of which one halves the map.
rexnet::config short_network() {
  rexnet::config c = rexnet::config_for(rexnet::family::v1, 10, 3);
  c.block_count = 5;
  c.blocks[3].stride = 1;
  c.blocks[3].residual_c = c.blocks[3].in_c;
  c.blocks[1].expand_act = activation::relu;
  c.blocks[2].depthwise_act = activation::none;
  c.blocks[2].project_act = activation::relu6;
  c.blocks[4].se_first = false;
  c.blocks[4].residual_c = 0;
  c.blocks[1].mid_c = 37;
  c.stem_act = activation::relu;
  c.head_act = activation::none;
  c.hidden_c = 9;
  c.hidden_act = activation::relu;
  return c;
}

rexnet::packed_header short_header() {
  rexnet::packed_header h = small_header();
  h.shape = short_network();
  h.input.interpolation = rexnet::interpolation::bilinear;
  return h;
}

std::size_t row(std::size_t i) {
  return sections_at + i * section_row;
}
std::size_t offset_of(const std::string& file, std::size_t i) {
  return static_cast<std::size_t>(field(file, row(i) + 8, 8));
}

/// The same file, its checksums made right.
std::string summed(std::string file) {
  repair_sections(file);
  return file;
}
/// A field overwritten, and checksums made right.
std::string bent(std::string file, std::size_t at, std::uint64_t v, int bytes = 4) {
  return summed(file.replace(at, static_cast<std::size_t>(bytes), number(v, bytes)));
}

/// A file of these sections: kind, element type, content.
struct crafted_section {
  std::uint32_t kind, type;
  std::string content;
};
std::string file_of(const std::vector<crafted_section>& sections) {
  std::string table, body;
  const std::size_t first = (row(sections.size()) + 63) / 64 * 64;
  std::size_t end = first;
  for (const crafted_section& s : sections) {
    body.resize((body.size() + 63) / 64 * 64, '\0');
    table += number(s.kind, 4) + number(s.type, 4) + number(first + body.size(), 8) +
             number(s.content.size(), 8) + number(0, 8);
    body += s.content;
    end = first + body.size();
  }
  std::string file = "REXNETPK" + number(2, 4) + number(0x01020304, 4) + number(0, 4) +
                     number(sections.size(), 4) + number(end, 8);
  file.resize(sections_at, '\0');
  file += table;
  file.resize(first, '\0');
  return summed(file + body);
}
/// The sections of a file.
std::vector<crafted_section> sections_of(const std::string& file) {
  std::vector<crafted_section> sections;
  for (std::size_t i = 0; i < field(file, at_count, 4); ++i)
    sections.push_back(
        {static_cast<std::uint32_t>(field(file, row(i), 4)),
         static_cast<std::uint32_t>(field(file, row(i) + 4, 4)),
         file.substr(offset_of(file, i), static_cast<std::size_t>(field(file, row(i) + 16, 8)))});
  return sections;
}

}  // namespace

TEST_CASE("packed version 2: everything written comes back, in float32 and float16") {
  for (const auto type : {rexnet::element_type::f32, rexnet::element_type::f16}) {
    rexnet::packed_header h = short_header();
    h.type = type;
    h.test.input.assign(5 * 7 * 3, 0.5f);
    REQUIRE(rexnet::packed_version_of(h) == 2);
    const placed file(packed(h));
    const auto read = must(rexnet::read_packed(file.bytes, rexnet::check::full));
    CHECK(read.header.version == 2);
    CHECK(rexnet::same_shape(read.header.shape, h.shape));
    CHECK(read.header.shape.width_hundredths == 10);
    CHECK(read.header.labels == h.labels);
    CHECK(read.header.input.input_size == 96);
    CHECK(read.header.input.crop_pct == 0.95);
    CHECK(read.header.input.interpolation == h.input.interpolation);
    CHECK(read.header.input.mean == h.input.mean);
    CHECK(read.header.test.h == 5);
    CHECK(read.header.test.w == 7);
    CHECK(read.header.test.outputs == h.test.outputs);
    CHECK(read.header.test.input == h.test.input);
    CHECK(read.header.type == type);
    rexnet::packed_view v;
    CHECK(rexnet::open_packed(file.bytes, rexnet::check::full, h.shape, v) == errc::ok);
    CHECK((v.floats() != nullptr) == (type == rexnet::element_type::f32));
    const auto m = must(rexnet::load(file.bytes));
    CHECK((std::vector<float>(m.payload().begin(), m.payload().end()) == small_payload(h.shape)));
    // The same bytes again, from what was read.
    CHECK((packed(read.header) == packed(h)));
  }
}

TEST_CASE("packed version 2: a network of version 1 is written as version 2 where that is asked for") {
  rexnet::packed_header h = small_header();
  CHECK(rexnet::packed_version_of(h) == 1);
  h.version = 2;
  const placed file(packed(h));
  const auto read = must(rexnet::read_packed(file.bytes, rexnet::check::full));
  CHECK(read.header.version == 2);
  CHECK(rexnet::same_shape(read.header.shape, h.shape));
  CHECK(read.header.shape.block_count == rexnet::rexnet_blocks);
}

TEST_CASE("packed version 2: labels and self-test may be missing") {
  rexnet::packed_header h = short_header();
  h.labels.clear();
  h.test = {};
  const placed file(packed(h));
  const auto read = must(rexnet::read_packed(file.bytes, rexnet::check::full));
  CHECK(read.header.labels.empty());
  CHECK(read.header.test.h == 0);
  CHECK(read.header.test.outputs.empty());
}

TEST_CASE("packed version 2: golden bytes") {
  // These bytes are in people's files: a change of either number is a new version of the format.
  rexnet::packed_header h = short_header();
  CHECK(rexnet::crc32(bytes_of(packed(h))) == 1363921499u);
  h.type = rexnet::element_type::f16;
  CHECK(rexnet::crc32(bytes_of(packed(h))) == 1376858342u);
}

TEST_CASE("packed version 2: a loaded network computes what its shape says") {
  const placed file(packed(short_header()));
  const auto m = must(rexnet::load(file.bytes));
  const std::vector<unsigned char> pixels(96 * 96 * 3, 77);
  auto classifier = must(rexnet::classifier::make(m));
  CHECK(must(classifier.logits({pixels.data(), 96, 96})).size() == 3);
  // One of its blocks halves the map: two stages instead of five.
  const auto maps = must(must(rexnet::feature_extractor::make(m)).extract({pixels.data(), 96, 96}));
  CHECK(maps.stages[0].data.size() == static_cast<std::size_t>(48 * 48 * m.shape().blocks[0].out_c));
  CHECK(maps.stages[1].data.size() == static_cast<std::size_t>(24 * 24 * m.shape().blocks[4].out_c));
  CHECK(maps.stages[2].c == 0);
  CHECK(maps.stages[4].data.empty());
  CHECK(maps.head.data.size() == static_cast<std::size_t>(24 * 24 * m.shape().head_c));
}

TEST_CASE("packed version 2: K4 every damaged byte is noticed") {
  const std::string file = packed(short_header());
  const std::size_t end = file.size() - small_payload(short_network()).size() * 4;
  for (std::size_t i = 0; i < end; ++i) {
    std::string s = file;
    s[i] = static_cast<char>(s[i] ^ 0x11);
    const placed p(s);
    INFO("byte ", i);
    CHECK(!rexnet::read_packed(p.bytes).ok());
  }
  check_refused(patched(file, row(0) + 24, number(4, 4)), errc::packed_header_checksum, "header checksum");
  std::string s = file;
  s[offset_of(file, 2) + 4] = 'O';
  check_refused(s, errc::packed_header_checksum, "labels checksum");
}
TEST_CASE("packed version 2: K5 a damaged weight is noticed by the full check only") {
  std::string file = packed(short_header());
  file[file.size() - 9] = static_cast<char>(file[file.size() - 9] ^ 1);
  check_refused(file, errc::packed_payload_checksum, "recorded");
  const placed p(file);
  CHECK(rexnet::load(p.bytes).ok());
}
TEST_CASE("packed version 2: K6 sections that do not follow each other") {
  const std::string file = packed(short_header());
  for (const std::uint64_t offset :
       {std::uint64_t{0}, std::uint64_t{320}, std::uint64_t{449}, std::uint64_t{1} << 40, ~std::uint64_t{63}})
    for (std::size_t i = 0; i < 5; ++i)
      check_refused(bent(file, row(i) + 8, offset, 8), errc::packed_offset, "at " + std::to_string(offset));
  check_refused(bent(file, row(1) + 16, 4000, 8), errc::packed_offset, "section 2");
  check_refused(bent(file, row(4) + 16, ~std::uint64_t{0}, 8), errc::packed_offset,
                "18446744073709551615 bytes at");
  const std::size_t padding = offset_of(file, 2) - 1;
  check_refused(bent(file, padding, 1, 1), errc::packed_offset,
                "byte " + std::to_string(padding) + " before section 2 is not 0");
}
TEST_CASE("packed version 2: K7 shapes that are impossible or need other weights") {
  const std::string file = packed(short_header());
  const std::size_t shape = offset_of(file, 0);
  const auto numbers_of_block = [shape](std::size_t i) { return shape + 44 + 48 * i; };
  for (const std::size_t blocks : {0u, 25u, 0xffffffffu})
    check_refused(bent(file, shape, blocks), errc::packed_shape, std::to_string(blocks) + " blocks");
  check_refused(bent(file, shape + 4, 13), errc::packed_shape, "of 13 numbers");
  const auto impossible = [&](std::size_t at, std::uint64_t v) {
    INFO("byte ", at, " = ", v);
    check_refused(bent(file, at, v), errc::packed_shape, "impossible");
  };
  impossible(shape + 8, 3);               // family
  impossible(shape + 12, 9);              // width
  impossible(shape + 16, (1 << 20) + 1);  // classes
  impossible(shape + 20, 0);              // stem
  impossible(shape + 24, 0);              // head
  impossible(shape + 32, 4);              // the stem's activation: sigmoid
  impossible(shape + 40, 3);              // the hidden layer's: SiLU
  impossible(shape + 40, 5);
  const std::size_t first = numbers_of_block(0), second = numbers_of_block(1), third = numbers_of_block(2);
  impossible(first, 31);       // input channels that are not those before
  impossible(first + 4, 33);   // block 0 does not expand
  impossible(first + 12, 4);   // its squeeze-excite
  impossible(first + 16, 2);   // its stride
  impossible(first + 24, 32);  // its residual
  impossible(first + 28, 1);   // its expand
  impossible(second + 4, 0);
  impossible(second + 8, 0);
  impossible(second + 8, 65537);
  impossible(second + 16, 3);  // stride
  impossible(second + 20, 4);  // kernel
  impossible(second + 24, 1);  // a residual of a block that halves
  impossible(second + 28, 0);
  impossible(third + 24, 1);  // a residual of some channels
  impossible(third + 32, 4);
  impossible(third + 36, 3);  // SiLU after the depthwise convolution
  impossible(third + 44, 2);  // neither before nor behind
  check_refused(bent(file, shape + 24, 200), errc::packed_shape, "this network needs");
  check_refused(bent(file, row(4) + 4, 1), errc::packed_shape, "this network needs");
  check_refused(bent(file, offset_of(file, 3), 0), errc::packed_shape, "a self-test of 0 x 7");
  check_refused(bent(file, offset_of(file, 3) + 4, 30000), errc::packed_shape, "5 x 30000");
  check_refused(bent(file, offset_of(file, 3) + 12, 7), errc::packed_shape, "with 7 values");

  rexnet::packed_header h = short_header();
  h.shape.blocks[2].kernel = 7;
  check_not_written(h, errc::packed_shape, "impossible");
}
TEST_CASE("packed version 2: K8 cut, or with bytes behind the weights") {
  const std::string file = packed(short_header());
  check_refused(file.substr(0, file.size() - 1), errc::packed_size, "cut short?");
  check_refused(file + '\0', errc::packed_size, "expected");
  check_refused(bent(file + std::string(64, '\0'), at_bytes, file.size() + 64, 8), errc::packed_size,
                "expected");
  for (std::size_t n = 8; n < row(5); n += 5)
    check_refused(file.substr(0, n), errc::packed_size, std::to_string(n) + " bytes");
}
TEST_CASE("packed version 2: K9 misaligned memory") {
  rexnet::packed_header h = short_header();
  check_refused(packed(h), errc::packed_misaligned, "modulo 64 = 4", 4);
  h.type = rexnet::element_type::f16;
  const placed p(packed(h), 2);
  CHECK(rexnet::load(p.bytes).ok());
}
TEST_CASE("packed version 2: K10 to K12 as in version 1") {
  const std::string file = packed(short_header());
  const std::size_t pictures = offset_of(file, 1), labels = offset_of(file, 2);
  check_refused(bent(file, labels, 2), errc::packed_labels, "2 labels in 3 lines for 3 classes");
  check_refused(bent(file, labels + 7, 'x', 1), errc::packed_labels, "3 labels in 2 lines");
  check_refused(bent(file, pictures, 0), errc::packed_preprocessing, "input size 0");
  check_refused(bent(file, pictures + 4, 2), errc::packed_preprocessing, "interpolation 2, pass order 0");
  check_refused(bent(file, labels + 4, 0xe9, 1), errc::packed_label_text,
                "label 1 \"\\xe9ne\": is not UTF-8");
}
TEST_CASE("packed version 2: K13 sections that are unknown, missing, twice, or of another size") {
  const std::string file = packed(short_header());
  check_refused(bent(file, at_count, 65), errc::packed_section, "65 sections, at most 64");
  for (const std::uint32_t kind : {0u, 7u, 0x7fffffffu})
    check_refused(bent(file, row(2), kind), errc::packed_section,
                  "section 2 of kind " + std::to_string(kind) + ", which this program cannot read");
  check_refused(bent(file, row(2), 1), errc::packed_section, "two sections of kind shape");
  check_refused(bent(file, row(4) + 4, 2), errc::packed_section, "element type 2");
  const std::vector<crafted_section> whole = sections_of(file);
  REQUIRE((file_of(whole) == file));
  for (const auto& [i, name] : {std::pair{0u, "shape"}, {1u, "pictures"}, {4u, "weights"}}) {
    std::vector<crafted_section> less = whole;
    less.erase(less.begin() + i);
    check_refused(file_of(less), errc::packed_section, std::string("no section of kind ") + name);
  }
  for (const std::size_t i : {0u, 1u, 3u})
    for (const bool more : {false, true}) {
      std::vector<crafted_section> other = whole;
      other[i].content.resize(other[i].content.size() + (more ? 4 : 0) - (more ? 0 : 4));
      check_refused(file_of(other), errc::packed_section, "expected");
    }
  std::vector<crafted_section> empty = whole;
  empty[2].content.clear();
  check_refused(file_of(empty), errc::packed_section, "labels of 0 bytes");
  empty = whole;
  empty[0].content.clear();
  check_refused(file_of(empty), errc::packed_shape, "0 blocks of 0 numbers");
}
TEST_CASE("packed version 2: what a detector's section may not say") {
  rexnet::packed_header h;
  const rexnet::detector_config d = rexnet::detector_for(rexnet::family::v1, 10, 3);
  h.shape = d.backbone;
  h.ssd = d;
  h.test.h = h.test.w = 32;
  h.test.outputs.resize(static_cast<std::size_t>(rexnet::self_test_outputs(h)));
  const std::string file = packed(h);
  const std::size_t at = offset_of(file, 1);
  const auto f64 = [](double v) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &v, sizeof(bits));
    return bits;
  };
  check_refused(bent(file, at, 0), errc::packed_shape, "impossible detector");      // tap
  check_refused(bent(file, at + 4, 1), errc::packed_shape, "impossible detector");  // classes
  check_refused(bent(file, at + 4, 4), errc::packed_section, "self-test of");  // others than it has weights
  check_refused(bent(file, at + 8, 0), errc::packed_preprocessing, "input of 320 x 0 pixels");
  check_refused(bent(file, at + 12, 16385), errc::packed_preprocessing, "input of 16385 x 320 pixels");
  check_refused(bent(file, at + 16, 0), errc::packed_preprocessing, "0 candidates of a class");
  check_refused(bent(file, at + 20, 0), errc::packed_preprocessing, "300 candidates of a class, 0 boxes");
  check_refused(bent(file, at + 24, 0x7fc00000u), errc::packed_preprocessing, "least score");
  check_refused(bent(file, at + 28, f64(-0.5), 8), errc::packed_preprocessing, "overlap -0.5");
  check_refused(bent(file, at + 36, f64(0.99), 8), errc::packed_preprocessing, "scales 0.99 to 0.95");
  check_refused(bent(file, at + 44, f64(2), 8), errc::packed_preprocessing, "scales 0.2 to 2");
  check_refused(bent(file, at + 52, 8), errc::packed_shape, "impossible detector");  // an extra block's input
  std::vector<crafted_section> less = sections_of(file);
  less.erase(less.begin() + 1);  // a backbone, then, with a self-test and weights of another size
  check_refused(file_of(less), errc::packed_section, "self-test of");
  less = sections_of(file);
  less[1].content.resize(less[1].content.size() - 4);
  check_refused(file_of(less), errc::packed_section, "detector of");
}
TEST_CASE("packed version 2: a section of an unknown kind that says so is skipped") {
  std::vector<crafted_section> more = sections_of(packed(short_header()));
  more.insert(more.begin() + 1, {0x80000007u, 9, "for others"});
  const placed file(file_of(more));
  const auto read = must(rexnet::read_packed(file.bytes, rexnet::check::full));
  CHECK(read.header.labels == short_header().labels);
}

TEST_CASE("packed version 2: no damaged header makes the reader misbehave, its checksums right") {
  const std::string file = packed(short_header());
  for (std::size_t i = 16; i < offset_of(file, 4); ++i)
    for (const int v : {0, 1, 0x7f, 0x80, 0xff}) {
      const placed p(bent(file, i, static_cast<std::uint64_t>(v), 1));
      const auto m = rexnet::load(p.bytes);
      if (!m.ok()) CHECK(!m.error().message().empty());
    }
}

TEST_CASE("payload: panels and offsets of every number type") {
  using rexnet::element_type;
  using rexnet::panel_index;
  // [ceil(out / 16)][ceil(k / g)][16][g], counted by hand.
  for (const int group : {1, 2, 4}) {
    const int k = 7, out_c = 35, steps = (k + group - 1) / group;
    std::int64_t next = 0;
    for (int panel = 0; panel < 3; ++panel)
      for (int step = 0; step < steps; ++step)
        for (int o = 0; o < 16; ++o)
          for (int g = 0; g < group; ++g, ++next) {
            const int input = step * group + g;
            if (input < k) CHECK(panel_index(k, panel * 16 + o, input, group) == next);
          }
    CHECK(rexnet::panel_numbers(k, out_c, group) == next);
  }
  const rexnet::config c = short_network();
  const rexnet::weights_layout f32 = rexnet::layout_of(c), f16 = rexnet::layout_of(c, element_type::f16),
                               bf16 = rexnet::layout_of(c, element_type::bf16),
                               i8 = rexnet::layout_of(c, element_type::i8);
  CHECK(f32.bytes == 2 * f16.bytes);
  CHECK(f32.bytes == 4 * rexnet::packed_numbers(c));
  const rexnet::config lite = rexnet::config_for(rexnet::family::lite, 130, 7);
  CHECK(rexnet::layout_of(lite).bytes == 4 * rexnet::packed_numbers(lite));
  // The stem: 32 outputs of 27 inputs.
  CHECK(f32.stem.bias == 2 * 27 * 16 * 4);
  CHECK(f16.stem.bias == 2 * 27 * 16 * 2);
  CHECK(bf16.stem.bias == 2 * 28 * 16 * 2);
  CHECK(i8.stem.bias == 2 * 28 * 16);
  CHECK(bf16.blocks[0].depthwise.weights == bf16.stem.bias + 32 * 4);
  CHECK(i8.blocks[0].depthwise.weights == i8.stem.bias + 32 * 4);
  for (const auto& l : {f32, bf16, i8}) {
    CHECK(l.blocks[4].project.weights % 64 == 0);
    CHECK(l.classifier.bias % 64 == 0);
  }
}
