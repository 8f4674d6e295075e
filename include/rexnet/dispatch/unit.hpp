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

#include "rexnet/dispatch/symbol.hpp"
#include "rexnet/kernels/kernels.hpp"

#if defined(__BMI2__) || defined(__AVX512VBMI__) || defined(__AVX512FP16__)
#error \
    "rexnet: this unit is compiled for more than its instruction set (-march=native?): it would not run where it is chosen"
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

static_assert(simd::same_text(simd::name<simd::default_arch>(), REXNET_TEXT(REXNET_UNIT)),
              "the compiler's flags are those of another instruction set than REXNET_UNIT");
#if defined(__SSE3__)
static_assert(!simd::same_text("sse2", REXNET_TEXT(REXNET_UNIT)),
              "the sse2 unit is compiled for more than SSE2");
#endif

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

// One generated file includes this; clang-tidy sees a header. NOLINTBEGIN(misc-definitions-in-headers)
extern "C" {
REXNET_HIDDEN extern const rexnet::kernel_table REXNET_UNIT_SYMBOL(kernels, REXNET_UNIT);
const rexnet::kernel_table REXNET_UNIT_SYMBOL(kernels,
                                              REXNET_UNIT) = rexnet::kernels_of<rexnet::simd::default_arch>;
}
// NOLINTEND(misc-definitions-in-headers)

#endif  // REXNET_DISPATCH_UNIT_HPP
