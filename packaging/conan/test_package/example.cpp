// SPDX-License-Identifier: MIT
// SiLU on xsimd, the version, and the C library where the package has it.
#include <rexnet/arch/config.hpp>
#include <rexnet/simd/math.hpp>
#if defined(WITH_C)
#include <rexnet.h>
#endif

#include <cstdio>

int main() {
  namespace simd = rexnet::simd;
  float lanes[simd::width<simd::default_arch>];
  simd::store(lanes, simd::silu<simd::default_arch>(simd::broadcast<simd::default_arch>(1.0f)));
  std::printf("rexnet %s, %s, silu(1) %.4f\n", REXNET_VERSION_STRING, simd::name<simd::default_arch>(),
              static_cast<double>(lanes[0]));
#if defined(WITH_C)
  std::printf("librexnet %s\n", rexnet_version());
#endif
}
