// SPDX-License-Identifier: MIT
// Who keeps what alive: sessions and what is made of them keep their model's weights, and what only points is
// not made of a temporary. The first half runs; under AddressSanitizer a read of freed memory ends it. The
// second half is what must not compile.
#include "rexnet/payload/file/write.hpp"
#include "rexnet/rexnet.hpp"

#include "tests/support/must.hpp"
#include "tests/support/random_model.hpp"
#include "tests/support/scratch.hpp"

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using rexnet::errc;
using rexnet::span;
using rexnet_test::must;

constexpr int width = 50, height = 40;

rexnet::packed_header small_header(bool half) {
  rexnet::packed_header h;
  h.shape = rexnet::config_for(rexnet::family::v1, 50, 3);
  h.labels = {"a label that is too long for a short string", "b", "c"};
  h.input.input_size = 32;
  h.type = half ? rexnet::element_type::f16 : rexnet::element_type::f32;
  return h;
}

/// The path of a packed file; float32 weights are used where the file is mapped, float16 ones are expanded.
std::string packed(const rexnet_test::scratch& s, bool half) {
  const rexnet::packed_header h = small_header(half);
  const std::vector<float> payload = rexnet_test::random_payload(h.shape, 3);
  const std::string path = s.file(half ? "half.rexnet" : "whole.rexnet", "");
  REQUIRE(rexnet::save_packed(path, h, rexnet::payload_layers(payload)).ok());
  return path;
}

struct grey {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(width * height * 3, 90);
  [[nodiscard]] rexnet::image_view view() const { return {pixels.data(), width, height}; }
};

}  // namespace

TEST_CASE("lifetime: sessions, classifiers and extractors of a temporary model keep its weights") {
  const rexnet_test::scratch s;
  const grey picture;
  for (const bool half : {false, true}) {
    const std::string path = packed(s, half);
    const rexnet::model alive = must(rexnet::load(path));
    const auto expected = must(must(rexnet::classifier::make(alive)).logits(picture.view()));
    for (const auto& load : {+[](const std::string& p) { return rexnet::load(p); },
                             +[](const std::string& p) { return rexnet::load_copy(p); },
                             +[](const std::string& p) { return rexnet::load_packed(p); },
                             +[](const std::string& p) { return rexnet::load_packed_copy(p); }}) {
      auto classifier = must(rexnet::classifier::make(must(load(path))));
      auto of_size = must(rexnet::classifier::make(must(load(path)), alive.input(), 2));
      auto extractor = must(rexnet::feature_extractor::make(must(load(path))));
      CHECK(must(classifier.logits(picture.view())) == expected);
      CHECK(must(of_size.logits(picture.view())) == expected);
      CHECK(must(extractor.extract(picture.view())).logits == expected);
      auto session = must(rexnet::session::make(must(load(path))));
      std::vector<float> logits(3);
      CHECK((session.run(picture.view(), logits).ok() && logits == expected));
      auto moved_session = std::move(session);
      for (rexnet::session* one : {&moved_session, &session}) {  // the old one works on
        logits.assign(3, 0.0f);
        CHECK((one->run(picture.view(), logits).ok() && logits == expected));
      }
      auto moved = std::move(classifier);
      CHECK(must(moved.logits(picture.view())) == expected);
      moved = std::move(of_size);
      CHECK(must(moved.logits(picture.view())) == expected);
    }
  }
}

TEST_CASE("lifetime: copies of a model are handles of the same weights, and a moved one still has them") {
  const rexnet_test::scratch s;
  const grey picture;
  auto first = std::make_unique<rexnet::model>(must(rexnet::load(packed(s, false))));
  rexnet::model copy = *first;
  CHECK(copy.payload().data() == first->payload().data());
  const rexnet::model moved = std::move(*first);
  CHECK(first->labels() == moved.labels());
  CHECK(first->net().shape().classes == 3);
  first.reset();
  auto classifier = must(rexnet::classifier::make(copy));
  const auto expected = must(classifier.logits(picture.view()));
  copy = rexnet::model();
  CHECK(must(must(rexnet::classifier::make(moved)).logits(picture.view())) == expected);
  CHECK(must(classifier.logits(picture.view())) == expected);
}

TEST_CASE("lifetime: the last of a model's users may be another thread's") {
  const rexnet_test::scratch s;
  const grey picture;
  std::vector<std::thread> team;
  std::vector<std::vector<float>> got(4);
  {
    const rexnet::model m = must(rexnet::load(packed(s, false)));
    for (auto& out : got)
      team.emplace_back([m, &out, &picture] {
        auto mine = must(rexnet::classifier::make(m));
        out = must(mine.logits(picture.view()));
      });
  }
  for (std::thread& t : team) t.join();
  for (const auto& out : got) CHECK((out == got[0] && out.size() == 3));
}

TEST_CASE("lifetime: what a temporary gives by value is whole") {
  const rexnet_test::scratch s;
  const std::string path = packed(s, true);
  std::string all;
  for (const std::string& label : must(rexnet::load(path)).labels()) all += label;
  CHECK(all == "a label that is too long for a short stringbc");
  const rexnet::packed_header& header = must(rexnet::load(path)).header();
  CHECK(header.labels.size() == 3);
  const rexnet::config& shape = must(rexnet::load(path)).shape();
  CHECK(shape.classes == 3);
  const rexnet::preprocessing& input = must(rexnet::load(path)).input();
  CHECK(input.input_size == 32);
  const std::string& message = rexnet::load("a path that is no file's, and long").error().message();
  CHECK(message.find("a path that is no file's, and long: ") == 0);
  int sum = 0;
  for (const int i : *rexnet::result<std::vector<int>>(std::vector<int>{1, 2, 3})) sum += i;
  CHECK(sum == 6);
}

TEST_CASE("lifetime: a model without weights is refused") {
  const rexnet::model nothing;
  CHECK(nothing.payload().empty());
  const auto made = rexnet::classifier::make(nothing);
  CHECK(made.code() == errc::invalid_argument);
  CHECK(made.error().message() == "the model has no weights: it was not loaded");
  CHECK(rexnet::feature_extractor::make(nothing).code() == errc::invalid_argument);
  CHECK(rexnet::session::make(nothing).code() == errc::invalid_argument);
}

// What must not compile, and what must.

namespace {

using floats = std::vector<float>;
using const_span = span<const float>;

// Things with a name, and views of others' things.
static_assert(std::is_constructible_v<const_span, floats&> &&
              std::is_constructible_v<const_span, const floats&>);
static_assert(std::is_constructible_v<span<float>, floats&> &&
              !std::is_constructible_v<span<float>, const floats&>);
static_assert(std::is_constructible_v<const_span, const std::array<float, 3>&>);
static_assert(std::is_constructible_v<const_span, span<float>> &&
              std::is_constructible_v<const_span, const_span>);
static_assert(std::is_constructible_v<span<const char>, std::string_view>);
static_assert(std::is_constructible_v<span<const char>, const std::string_view>);
static_assert(std::is_constructible_v<const_span, float (&)[3]> &&
              std::is_constructible_v<const_span, const float (&)[3]>);
static_assert(std::is_convertible_v<floats&, const_span>, "as an argument of a function");
// Temporary owners.
static_assert(!std::is_constructible_v<const_span, floats> &&
              !std::is_constructible_v<const_span, const floats>);
static_assert(!std::is_constructible_v<span<float>, floats>);
static_assert(!std::is_constructible_v<const_span, std::array<float, 3>>);
static_assert(!std::is_constructible_v<span<const char>, std::string>);
static_assert(!std::is_constructible_v<span<const unsigned char>, std::vector<unsigned char>>);
static_assert(!std::is_constructible_v<const_span, std::initializer_list<float>>);
static_assert(!std::is_constructible_v<const_span, float (&&)[3]> &&
              !std::is_constructible_v<const_span, const float (&&)[3]>);
// Elements of another size: a span of them would step wrongly.
struct base {
  int i;
};
struct derived : base {
  int j;
};
static_assert(!std::is_constructible_v<span<const base>, const std::vector<derived>&>);

/// Whether Owner's member is callable on an lvalue, and on a temporary.
#define REXNET_TEST_MEMBER(member)            \
  template <class Owner, class = void>        \
  inline constexpr bool has_##member = false; \
  template <class Owner>                      \
  inline constexpr bool has_##member<Owner, std::void_t<decltype(std::declval<Owner>().member())>> = true;
REXNET_TEST_MEMBER(net)
REXNET_TEST_MEMBER(shape)
REXNET_TEST_MEMBER(input)
REXNET_TEST_MEMBER(payload)
REXNET_TEST_MEMBER(view)
REXNET_TEST_MEMBER(bytes)
REXNET_TEST_MEMBER(floats)
REXNET_TEST_MEMBER(tensors)
REXNET_TEST_MEMBER(metadata)
#undef REXNET_TEST_MEMBER
template <class Owner, class = void>
inline constexpr bool has_find = false;
template <class Owner>
inline constexpr bool has_find<Owner, std::void_t<decltype(std::declval<Owner>().find("weight"))>> = true;
template <class Owner, class = void>
inline constexpr bool has_arrow = false;
template <class Owner>
inline constexpr bool has_arrow<Owner, std::void_t<decltype(std::declval<Owner>().operator->())>> = true;

static_assert(has_net<rexnet::model&> && has_net<const rexnet::model&>);
static_assert(!has_net<rexnet::model> && !has_net<const rexnet::model>);
static_assert(has_net<const rexnet::session&> && !has_net<rexnet::session>);
static_assert(has_shape<const rexnet::session&> && !has_shape<rexnet::session>);
static_assert(has_input<const rexnet::session&> && !has_input<rexnet::session>);
static_assert(has_payload<const rexnet::model&> && !has_payload<rexnet::model>);
static_assert(has_view<const rexnet::rgb_image&> && !has_view<rexnet::rgb_image>);
static_assert(has_view<const rexnet::feature_map&> && !has_view<rexnet::feature_map>);
static_assert(has_view<const rexnet::packed_filter&> && !has_view<rexnet::packed_filter>);
static_assert(has_bytes<const rexnet::file_bytes&> && !has_bytes<rexnet::file_bytes>);
static_assert(has_floats<rexnet::aligned_buffer&> && has_floats<const rexnet::aligned_buffer&>);
static_assert(!has_floats<rexnet::aligned_buffer> && !has_floats<const rexnet::aligned_buffer>);
static_assert(has_tensors<const rexnet::checkpoint&> && !has_tensors<rexnet::checkpoint>);
static_assert(has_metadata<const rexnet::checkpoint&> && !has_metadata<rexnet::checkpoint>);
static_assert(has_find<const rexnet::checkpoint&> && !has_find<rexnet::checkpoint>);
static_assert(has_arrow<rexnet::result<rexnet::model>&> && has_arrow<const rexnet::result<rexnet::model>&>);
static_assert(!has_arrow<rexnet::result<rexnet::model>>);
// By value, where there is something to copy.
static_assert(!std::is_reference_v<decltype(std::declval<rexnet::model>().labels())>);
static_assert(!std::is_reference_v<decltype(*std::declval<rexnet::result<floats>>())>);
static_assert(!std::is_reference_v<decltype(std::declval<rexnet::result<floats>>().error())>);
static_assert(!std::is_reference_v<decltype(std::declval<rexnet::error>().message())>);
static_assert(!std::is_reference_v<decltype(std::declval<rexnet::checkpoint>().container())>);
static_assert(std::is_nothrow_copy_constructible_v<rexnet::model> &&
              std::is_nothrow_move_constructible_v<rexnet::model>);

}  // namespace
