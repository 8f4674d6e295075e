// SPDX-License-Identifier: MIT
// One program with every instruction set. Run plainly, under REXNET_ISA, and on CPUs that qemu plays;
// REXNET_EXPECT_ISA says what must then be chosen.
#include "rexnet/engine/any_network.hpp"

#include "rexnet/engine/reference.hpp"
#include "rexnet/model.hpp"

#include "tests/support/must.hpp"
#include "tests/support/random_model.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using rexnet::any_network;
using rexnet::config;
using rexnet::config_for;
using rexnet::cpu_words;
using rexnet::errc;
using rexnet::family;
using rexnet::kernel_table;
using rexnet::runs;
using rexnet_test::must;

// Registers of CPUs, reduced to the bits that count.
constexpr std::uint32_t sse_edx = 3u << 25;
constexpr std::uint32_t nehalem_ecx = 1u << 0 | 1u << 9 | 1u << 19 | 1u << 20 | 1u << 23;
constexpr std::uint32_t haswell_ecx = nehalem_ecx | 1u << 12 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 29;
constexpr std::uint32_t haswell_ebx = 1u << 5;
constexpr std::uint32_t skylake_ebx = haswell_ebx | 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;

cpu_words x86(std::uint32_t ecx, std::uint32_t ebx, std::uint64_t xcr0) {
  cpu_words cpu;
  cpu.leaf1_edx = sse_edx, cpu.leaf1_ecx = ecx, cpu.leaf7_ebx = ebx, cpu.xcr0 = xcr0;
  return cpu;
}

/// A random network, an image, and what the double reference says.
struct example {
  config c;
  int h, w;
  rexnet::aligned_buffer weights;
  std::vector<float> image;

  example(const config& c_, int h_, int w_) : c(c_), h(h_), w(w_) {
    const std::vector<float> payload = rexnet_test::random_payload(c, 5);
    weights = rexnet::aligned_buffer(payload.size() * sizeof(float));
    std::copy(payload.begin(), payload.end(), weights.floats().begin());
    std::mt19937 engine(6);
    std::normal_distribution<float> value;
    image.resize(static_cast<std::size_t>(2 * h * w * 3));  // a batch of two
    for (float& v : image) v = value(engine);
  }
  any_network net() const { return {c, weights.floats().data()}; }

  std::vector<float> run(const any_network& net, int n, int threads,
                         const rexnet::forward_options& o = {}) const {
    const rexnet::plan p = must(net.make_plan(h, w, threads));
    rexnet::aligned_buffer workspace((std::max)(p.workspace_bytes(), net.batch_workspace_bytes(p)));
    std::vector<float> logits(static_cast<std::size_t>(n * rexnet::output_c(c)));
    REQUIRE(net.forward(p, {image.data(), n, h, w, 3}, logits, {workspace.data(), workspace.size()}, o) ==
            errc::ok);
    return logits;
  }
  void compare_with_reference(const std::vector<float>& logits) const {
    const std::vector<double> expected =
        rexnet::reference::forward(c, weights.floats().data(), image.data(), h, w);
    double largest = 0;
    for (const double e : expected) largest = (std::max)(largest, std::fabs(e));
    for (std::size_t i = 0; i < expected.size(); ++i)
      CHECK(std::fabs(expected[i] - static_cast<double>(logits[i])) <=
            rexnet_test::rounding_tolerance(c) * largest);
  }
};

/// Ends the choice of a test case.
struct automatic_again {
  ~automatic_again() { static_cast<void>(rexnet::use_instruction_set("")); }
};

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

TEST_CASE("dispatch: a set runs when CPU and system both have it") {
  CHECK(runs(x86(nehalem_ecx, 0, 0), "sse2"));
  CHECK_FALSE(runs(x86(nehalem_ecx, 0, 0), "fma3_avx2"));
  CHECK(runs(x86(haswell_ecx, haswell_ebx, 7), "fma3_avx2"));
  CHECK_FALSE(runs(x86(haswell_ecx, haswell_ebx, 7), "avx512bw"));
  CHECK(runs(x86(haswell_ecx, skylake_ebx, 0xe7), "avx512bw"));
  CHECK_FALSE(runs(x86(haswell_ecx, skylake_ebx, 0xe7), "neon"));
  CHECK_FALSE(runs(x86(haswell_ecx, skylake_ebx, 0xe7), "avx"));
  CHECK_FALSE(runs(cpu_words{}, "sse2"));
}

TEST_CASE("dispatch: a system that does not save the registers takes the set away") {
  CHECK_FALSE(runs(x86(haswell_ecx, skylake_ebx, 3), "fma3_avx2"));  // xmm only
  CHECK_FALSE(runs(x86(haswell_ecx, skylake_ebx, 0), "fma3_avx2"));
  CHECK(runs(x86(haswell_ecx, skylake_ebx, 7), "fma3_avx2"));  // a hypervisor without AVX-512 state
  CHECK_FALSE(runs(x86(haswell_ecx, skylake_ebx, 7), "avx512bw"));
  for (const int bit : {5, 6, 7})
    CHECK_FALSE(runs(x86(haswell_ecx, skylake_ebx, 0xe7 & ~(1u << bit)), "avx512bw"));
}

TEST_CASE("dispatch: every feature that a set's flags allow is asked for") {
  for (const int bit : {0, 9, 12, 19, 20, 23, 26, 27, 28})
    CHECK_FALSE(runs(x86(haswell_ecx & ~(1u << bit), haswell_ebx, 7), "fma3_avx2"));
  for (const int bit : {5, 16, 17, 28, 30, 31})
    CHECK_FALSE(runs(x86(haswell_ecx, skylake_ebx & ~(1u << bit), 0xe7), "avx512bw"));
}

TEST_CASE("dispatch: the first set that runs is taken, or the named one, or an error lists them") {
  kernel_table sets[3] = {};
  sets[0].name = "avx512bw", sets[1].name = "fma3_avx2", sets[2].name = "sse2";
  for (kernel_table& set : sets) set.border = rexnet::detail::border_hash;
  const cpu_words haswell = x86(haswell_ecx, haswell_ebx, 7);
  CHECK(must(rexnet::find_kernel_table({sets, 3}, haswell, "")) == sets + 1);
  CHECK(must(rexnet::find_kernel_table({sets, 3}, haswell, "sse2")) == sets + 2);
  const auto missing = rexnet::find_kernel_table({sets, 3}, haswell, "avx512bw");
  CHECK(missing.code() == errc::unsupported);
  CHECK(
      missing.error().message() ==
      "no instruction set \"avx512bw\" runs here: built with avx512bw fma3_avx2 sse2, of which this CPU runs "
      "fma3_avx2 sse2; it lacks AVX512F");
  CHECK(rexnet::find_kernel_table({sets, 3}, haswell, "AVX2").code() == errc::unsupported);
  CHECK(rexnet::find_kernel_table({sets, 1}, haswell, "").error().message() ==
        "no instruction set runs here: built with avx512bw, of which this CPU runs none");
}

TEST_CASE("dispatch: the automatic choice is the best that runs, what REXNET_ISA says, or its error") {
  const auto chosen = rexnet::chosen_kernel_table();
  const std::string wanted = environment("REXNET_ISA"), expected = environment("REXNET_EXPECT_ISA");
  const example e(config_for(family::v1, 50, 4), 20, 30);
  if (expected == "none") {
    REQUIRE_FALSE(chosen.ok());
    CHECK(chosen.error().message().rfind("REXNET_ISA: no instruction set \"" + wanted + "\" runs here", 0) ==
          0);
    CHECK(e.net().make_plan(20, 30).error().message() == chosen.error().message());
    CHECK(std::string(e.net().instruction_set()) == "none");
    return;
  }
  REQUIRE(chosen.ok());
  INFO("chosen ", (*chosen)->name, ", expected ", expected);
  if (!expected.empty()) CHECK((*chosen)->name == expected);
  if (wanted.empty())  // nothing better runs
    for (const kernel_table& set : rexnet::built_kernel_tables()) {
      if (&set == *chosen) break;
      CHECK_FALSE(runs(rexnet::this_cpu(), set.name));
    }
  CHECK(std::string(e.net().instruction_set()) == (*chosen)->name);
  e.compare_with_reference(e.run(e.net(), 1, 1));
}

TEST_CASE("dispatch: every set that runs here agrees with the double reference, at any thread count") {
  const automatic_again at_end;
  int ran = 0;
  for (const example& e :
       {example(config_for(family::v1, 50, 10), 33, 47), example(config_for(family::lite, 50, 7), 40, 31)})
    for (const kernel_table& set : rexnet::built_kernel_tables()) {
      if (!runs(rexnet::this_cpu(), set.name)) {
        std::printf("not on this CPU: %s\n", set.name);
        continue;
      }
      INFO(set.name);
      REQUIRE(rexnet::use_instruction_set(set.name).ok());
      const any_network net = e.net();
      CHECK(std::string(net.instruction_set()) == set.name);
      const std::vector<float> logits = e.run(net, 1, 1), batch = e.run(net, 2, 2);
      e.compare_with_reference(logits);
      CHECK(std::equal(logits.begin(), logits.end(), batch.begin()));
      CHECK(e.run(net, 1, 3) == logits);
      ++ran;
    }
  CHECK(ran > 0);
}

TEST_CASE("dispatch: every set that runs here resizes to the same bytes") {
  std::vector<std::uint8_t> pixels(301 * 407 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
  for (const int size : {5, 64, 224, 600}) {
    rexnet::preprocessing p;
    p.input_size = size;
    const rexnet::image_view upright(pixels.data(), 301, 407), flat(pixels.data(), 407, 301);
    for (const rexnet::image_view& view : {upright, flat}) {
      const auto expected = must(rexnet::preprocess_pixels(view, p)).data;
      for (const kernel_table& set : rexnet::built_kernel_tables())
        if (runs(rexnet::this_cpu(), set.name))
          CHECK(must(rexnet::preprocess_pixels(view, p, set.resample)).data == expected);
    }
  }
}

TEST_CASE("dispatch: taps, the observer and a user's pool reach the unit") {
  const example e(config_for(family::v1, 50, 10), 40, 40);
  const any_network net = e.net();
  if (environment("REXNET_EXPECT_ISA") == std::string("none")) return;
  std::vector<float> pooled(static_cast<std::size_t>(2 * e.c.head_c), -1.0f);
  rexnet::feature_taps taps;
  taps.pooled = pooled.data();
  struct counts {
    std::atomic<int> tasks{0}, phases{0};
  } seen;
  rexnet::forward_options o;
  o.taps = &taps;
  o.observer = {[](void* c, rexnet::phase, int) noexcept { ++static_cast<counts*>(c)->phases; }, &seen};
  o.threads = {[](void* pool, rexnet::task_function fn, void* context, int n) {
                 std::vector<std::thread> team;
                 for (int i = 0; i < n; ++i) team.emplace_back(fn, context, i);
                 for (std::thread& t : team) t.join();
                 static_cast<counts*>(pool)->tasks += n;
               },
               &seen};
  // Room for one image at a time: the batch runs image by image, so the observer sees both.
  const rexnet::plan p = must(net.make_plan(e.h, e.w, 3));
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  std::vector<float> logits(static_cast<std::size_t>(2 * rexnet::output_c(e.c)));
  REQUIRE(workspace.size() < net.batch_workspace_bytes(p));
  REQUIRE(net.forward(p, {e.image.data(), 2, e.h, e.w, 3}, logits, {workspace.data(), workspace.size()}, o) ==
          errc::ok);
  CHECK(seen.tasks == 6);
  CHECK(seen.phases > 2 * 16);
  CHECK(logits == e.run(net, 2, 1));
  CHECK(*std::min_element(pooled.begin(), pooled.end()) > -1.0f);
}

TEST_CASE("dispatch: a forced set holds for networks made later, an unknown one changes nothing") {
  const automatic_again at_end;
  if (environment("REXNET_EXPECT_ISA") == std::string("none")) return;
  const example e(config_for(family::lite, 50, 3), 16, 16);
  const any_network before = e.net();
  const std::string automatic = before.instruction_set();
  const kernel_table& last = rexnet::built_kernel_tables()[rexnet::built_kernel_tables().size() - 1];
  REQUIRE(rexnet::use_instruction_set(last.name).ok());
  CHECK(std::string(e.net().instruction_set()) == last.name);
  CHECK(before.instruction_set() == automatic);
  CHECK(rexnet::use_instruction_set("altivec").code() == errc::unsupported);
  CHECK(std::string(e.net().instruction_set()) == last.name);
  REQUIRE(rexnet::use_instruction_set("").ok());
  CHECK(e.net().instruction_set() == automatic);
}

TEST_CASE("dispatch: kernels compiled from other headers are refused before any is called") {
  kernel_table other = rexnet::built_kernel_tables()[0];
  CHECK(other.border == rexnet::detail::border_hash);
  other.border ^= 1;
  const auto found = rexnet::find_kernel_table({&other, 1}, rexnet::this_cpu(), "");
  CHECK(found.code() == errc::unsupported);
  CHECK(found.error().message() == std::string("the kernels of ") + other.name +
                                       " were compiled from other headers than this program: compile its "
                                       "dispatch units again");
}

TEST_CASE("dispatch: a set inherits from the one that it builds on what it leaves out") {
  const kernel_table& base = rexnet::built_kernel_tables()[rexnet::built_kernel_tables().size() - 1];
  kernel_table own{};
  own.name = "own", own.width = 4, own.border = 7;
  own.dense = [](const rexnet::dense_args&) noexcept {};
  const kernel_table both = rexnet::inherit(own, base);
  CHECK(std::string(both.name) == "own");
  CHECK(both.width == 4);
  CHECK(both.border == 7);
  CHECK((both.dense == own.dense));
  CHECK((both.pointwise == base.pointwise));
  CHECK((both.depthwise == base.depthwise));
  CHECK((both.add_pixels == base.add_pixels));
  CHECK((both.scale_pixels == base.scale_pixels));
  CHECK((both.resample.row == base.resample.row));
  CHECK((both.resample.column == base.resample.column));

  kernel_table avx2 = base, avx512{};
  avx2.name = "fma3_avx2", avx512.name = "avx512bw";
  const kernel_table* const units[] = {&avx512, &avx2};
  kernel_table resolved[2];
  rexnet::detail::resolve_tables(units, 2, resolved);
  CHECK(std::string(resolved[0].name) == "avx512bw");
  CHECK((resolved[0].pointwise == base.pointwise));
  CHECK(std::string(resolved[1].name) == "fma3_avx2");
}

TEST_CASE("dispatch: a classifier of the bundled model uses it") {
  if (environment("REXNET_EXPECT_ISA") == std::string("none")) return;
  const auto model = must(rexnet::load_packed(rexnet_test::source_path("models/clothing_1.0x.rexnet")));
  CHECK(std::string(model.net().instruction_set()) == must(rexnet::chosen_kernel_table())->name);
  std::vector<std::uint8_t> grey(64 * 48 * 3, 128);
  auto classifier = must(rexnet::classifier::make(model, 2));
  CHECK(must(classifier.classify({grey.data(), 64, 48}, 3)).size() == 3);
}
