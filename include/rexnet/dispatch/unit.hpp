// SPDX-License-Identifier: MIT
// The kernels of one instruction set for a program that chooses at run time. A source file that includes this
// header and nothing else is compiled once per set, with the set's flags and -DREXNET_UNIT=<set>;
// rexnet_add_dispatch() does it, docs/dispatch.md says how by hand.
//
// No symbol that a linker could merge may escape from a unit, or a CPU without AVX would get the AVX copy of
// a harmless inline function: everything lives in namespaces that name the set (core/build.hpp, simd.hpp),
// and kernels use nothing of namespace std that compiles to a function. tests/dispatch/objects.py reads the
// objects.
#ifndef REXNET_DISPATCH_UNIT_HPP
#define REXNET_DISPATCH_UNIT_HPP

#if !defined(REXNET_UNIT)
#error "rexnet: compile a dispatch unit with -DREXNET_UNIT=sse2, fma3_avx2, avx512bw, neon64 or neon"
#endif

#include "rexnet/dispatch/kernel_set.hpp"
#include "rexnet/engine/forward.hpp"

#if defined(__BMI2__) || defined(__AVX512VBMI__) || defined(__AVX512FP16__)
#error \
    "rexnet: this unit is compiled for more than its instruction set (-march=native?): it would not run where it is chosen"
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

#define REXNET_TEXT_OF(token) #token
#define REXNET_TEXT(token) REXNET_TEXT_OF(token)
[[nodiscard]] constexpr bool same_text(const char* a, const char* b) noexcept {
  for (; *a == *b; ++a, ++b)
    if (*a == 0) return true;
  return false;
}
static_assert(same_text(simd::name<simd::default_arch>(), REXNET_TEXT(REXNET_UNIT)),
              "the compiler's flags are those of another instruction set than REXNET_UNIT");
#if defined(__SSE3__)
static_assert(!same_text("sse2", REXNET_TEXT(REXNET_UNIT)), "the sse2 unit is compiled for more than SSE2");
#endif

[[nodiscard]] inline int unit_forward(const void* bytes) noexcept {
  const auto& call = *static_cast<const unit_call*>(bytes);
  if (!same_headers(call)) return static_cast<int>(errc::unsupported);
  const auto net = copy_value<config>(call, 0);
  const auto layout = copy_value<weights_layout>(call, 1);
  const auto p = copy_value<plan>(call, 2);
  const auto request = copy_value<forward_request>(call, 3);
  forward_images<simd::default_arch>(net, layout, call.payload, p, request);
  return static_cast<int>(errc::ok);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

// One generated file includes this; clang-tidy sees a header. NOLINTBEGIN(misc-definitions-in-headers)
extern "C" REXNET_HIDDEN int REXNET_UNIT_SYMBOL(forward, REXNET_UNIT)(const void* call) {
  return rexnet::detail::unit_forward(call);
}

extern "C" REXNET_HIDDEN void REXNET_UNIT_SYMBOL(resample_row,
                                                 REXNET_UNIT)(const std::uint8_t* in, const void* windows,
                                                              const std::int32_t* weights, int step,
                                                              int pixels, std::uint8_t* out) {
  rexnet::detail::resample_row(in, windows, weights, step, pixels, out);
}
extern "C" REXNET_HIDDEN void REXNET_UNIT_SYMBOL(resample_column,
                                                 REXNET_UNIT)(const std::uint8_t* in, std::ptrdiff_t stride,
                                                              const std::int32_t* weights, int rows,
                                                              std::ptrdiff_t bytes, std::uint8_t* out) {
  rexnet::detail::resample_column(in, stride, weights, rows, bytes, out);
}
// NOLINTEND(misc-definitions-in-headers)

#endif  // REXNET_DISPATCH_UNIT_HPP
