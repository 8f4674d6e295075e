// SPDX-License-Identifier: MIT
// What needs a header of each folder, and little of the compiler: a packed file opened, a picture
// preprocessed, SiLU on xsimd. It tests a package, not kernels. Prints one line that the scripts beside it
// know.
#include <rexnet/image/preprocess.hpp>
#include <rexnet/payload/file/read.hpp>
#include <rexnet/simd/math.hpp>
#include <rexnet/system/file_bytes.hpp>

#include <cstdio>

int main(int, char** argv) {
  const auto file = rexnet::file_bytes::map(argv[1]).value();
  const auto model = rexnet::read_packed(file.bytes(), rexnet::check::header).value().header;
  const std::vector<unsigned char> grey(40 * 30 * 3, 128);
  const auto smaller = rexnet::preprocess_pixels({grey.data(), 40, 30}, model.input).value();

  namespace simd = rexnet::simd;
  float lanes[simd::width<simd::default_arch>];
  simd::store(lanes, rexnet::simd::silu<simd::default_arch>(simd::broadcast<simd::default_arch>(1.0f)));
  std::printf("%d classes, the first %s, %dx%d of %d, silu(1) %.4f\n", model.shape.classes,
              model.labels.at(0).c_str(), smaller.width, smaller.height, smaller.data[7],
              static_cast<double>(lanes[0]));
}
