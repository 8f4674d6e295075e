// SPDX-License-Identifier: MIT
// The whole library, and a network's forward pass with all its kernels: what tests/march_matrix.sh
// compiles. EXPECTED_SET is the instruction set that the compiler's flags allow.
#include "rexnet/rexnet.hpp"

namespace {

constexpr bool same(const char* a, const char* b) {
  return *a == *b && (*a == 0 || same(a + 1, b + 1));
}
static_assert(same(rexnet::simd::name<rexnet::simd::default_arch>(), EXPECTED_SET), "another set is chosen");

}  // namespace

rexnet::errc run(const rexnet::network<rexnet::dynamic_config>& net, const rexnet::plan& p,
                 const rexnet::nhwc_view<const float>& image, float* logits, unsigned char* workspace);

rexnet::errc run(const rexnet::network<rexnet::dynamic_config>& net, const rexnet::plan& p,
                 const rexnet::nhwc_view<const float>& image, float* logits, unsigned char* workspace) {
  return net.forward(p, image, {logits, static_cast<std::size_t>(net.shape().classes)},
                     {workspace, p.workspace_bytes()});
}
