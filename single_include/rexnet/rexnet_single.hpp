// SPDX-License-Identifier: MIT AND LicenseRef-WordNet-3.0
// rexnet 0.1.0 as one header. Made by tools/amalgamate.py; do not edit.
// C++17, -ffp-contract=off; xsimd 8.1 or newer is needed beside it. REXNET_SINGLE_WITH_EIGEN adds the reference in double
// (engine/reference.hpp), which needs Eigen. Not in here: the choice of kernels at run time (REXNET_DISPATCH).
//
// MIT License
//
// Copyright (c) 2026 the rexnet authors
//
// Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is
// furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
// AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
// OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.
//
// The class names in include/rexnet/labels/imagenet.hpp derive from WordNet 3.0.
//
// WordNet Release 3.0
//
// This software and database is being provided to you, the LICENSEE, by
// Princeton University under the following license.  By obtaining, using
// and/or copying this software and database, you agree that you have
// read, understood, and will comply with these terms and conditions.:
//
// Permission to use, copy, modify and distribute this software and
// database and its documentation for any purpose and without fee or
// royalty is hereby granted, provided that you agree to comply with
// the following copyright notice and statements, including the disclaimer,
// and that the same appear on ALL copies of the software, database and
// documentation, including modifications that you make for internal
// use or for distribution.
//
// WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved.
//
// THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS" AND PRINCETON
// UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS OR
// IMPLIED.  BY WAY OF EXAMPLE, BUT NOT LIMITATION, PRINCETON
// UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES OF MERCHANT-
// ABILITY OR FITNESS FOR ANY PARTICULAR PURPOSE OR THAT THE USE
// OF THE LICENSED SOFTWARE, DATABASE OR DOCUMENTATION WILL NOT
// INFRINGE ANY THIRD PARTY PATENTS, COPYRIGHTS, TRADEMARKS OR
// OTHER RIGHTS.
//
// The name of Princeton University or Princeton may not be used in
// advertising or publicity pertaining to distribution of the software
// and/or database.  Title to copyright in this software, database and
// any associated documentation shall at all times remain with
// Princeton University and LICENSEE agrees to preserve same.
#ifndef REXNET_REXNET_SINGLE_HPP
#define REXNET_REXNET_SINGLE_HPP

#if defined(REXNET_DISPATCH) || defined(REXNET_UNIT)
#error "rexnet_single.hpp has one instruction set, the compiler's: several in one program need include/rexnet"
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <limits>
#include <locale>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// ---- rexnet/rexnet.hpp
// The whole library.
#ifndef REXNET_REXNET_HPP
#define REXNET_REXNET_HPP

// ---- rexnet/checkpoint/npy.hpp
// numpy's .npy files: float32, C order, little endian; versions 1, 2 and 3. Source: numpy.lib.format, whose
// reader evaluates the header as Python does.
#ifndef REXNET_CHECKPOINT_NPY_HPP
#define REXNET_CHECKPOINT_NPY_HPP

// ---- rexnet/core/bytes.hpp
// Little-endian integers out of untrusted bytes, and CRC-32.
#ifndef REXNET_CORE_BYTES_HPP
#define REXNET_CORE_BYTES_HPP

// ---- rexnet/core/text.hpp
// Text from outside (paths, names of tensors and classes) that users will see. All of it goes through
// printable() before it reaches a terminal or a log: messages of `error`, and what the command prints.
#ifndef REXNET_CORE_TEXT_HPP
#define REXNET_CORE_TEXT_HPP

// ---- rexnet/core/build.hpp
// Version and build modes. Translation units built in different modes (OpenMP, exceptions, dispatch) or for
// different instruction sets may be linked into one program: every name of the library lives in an inline
// namespace that spells all of it, so that no linker takes one unit's code for another's.
#ifndef REXNET_CORE_BUILD_HPP
#define REXNET_CORE_BUILD_HPP

#define REXNET_VERSION_MAJOR 0
#define REXNET_VERSION_MINOR 1
#define REXNET_VERSION_PATCH 0
#define REXNET_VERSION_STRING "0.1.0"

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define REXNET_EXCEPTIONS 1
#else
#define REXNET_EXCEPTIONS 0
#endif

#if defined(_OPENMP)
#define REXNET_OPENMP 1
#else
#define REXNET_OPENMP 0
#endif

#define REXNET_JOIN_TOKENS(a, b) a##_##b
#define REXNET_JOIN(a, b) REXNET_JOIN_TOKENS(a, b)

#if REXNET_OPENMP
#define REXNET_THREADING v0_openmp
#else
#define REXNET_THREADING v0_serial
#endif

// The instruction set that kernels are chosen for (simd/simd.hpp checks that it is this one), and letters for
// what else the compiler may use: objects of -mavx2 and of -march=haswell share no code either.
#if defined(REXNET_EMULATED_BITS)
#define REXNET_SET REXNET_JOIN(emulated, REXNET_EMULATED_BITS)
#elif defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#define REXNET_SET avx512bw
#elif defined(__AVX2__) && (defined(__FMA__) || defined(_MSC_VER))
#define REXNET_SET fma3_avx2
#elif defined(__SSE2__) || defined(_M_X64) || (defined(_M_IX86_FP) && _M_IX86_FP >= 2)
#define REXNET_SET sse2
#elif defined(__aarch64__) || defined(_M_ARM64)
#define REXNET_SET neon64
#elif defined(__ARM_NEON)
#define REXNET_SET neon
#else
#define REXNET_SET none
#endif
#if defined(__SSE3__) && !defined(__AVX2__)
#define REXNET_FLAG_SSE s  // and no AVX2: SSE3 to AVX
#else
#define REXNET_FLAG_SSE
#endif
#if defined(__AVX__) && !defined(__AVX2__)
#define REXNET_FLAG_AVX a
#else
#define REXNET_FLAG_AVX
#endif
#if defined(__BMI2__)
#define REXNET_FLAG_BMI b
#else
#define REXNET_FLAG_BMI
#endif
#if defined(__AVXVNNI__) || defined(__AVX512VNNI__) || defined(__AVX512VBMI__) || \
    defined(__ARM_FEATURE_DOTPROD)
#define REXNET_FLAG_INT8 i  // VNNI, VBMI, dotprod
#else
#define REXNET_FLAG_INT8
#endif
#if defined(__AVX512BF16__) || defined(__AVX512FP16__) || defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#define REXNET_FLAG_HALF h  // BF16, FP16
#else
#define REXNET_FLAG_HALF
#endif
#if defined(__AMX_TILE__) || defined(__ARM_FEATURE_SVE)
#define REXNET_FLAG_WIDE w  // AMX, SVE
#else
#define REXNET_FLAG_WIDE
#endif
#if defined(__arm__) && defined(__ARM_FEATURE_FMA)
#define REXNET_FLAG_FMA f  // 32-bit ARM with VFPv4
#else
#define REXNET_FLAG_FMA
#endif
#define REXNET_TARGET_TOKENS(set, a, b, c, d, e, f, g) set##_##a##b##c##d##e##f##g
#define REXNET_TARGET_OF(set, a, b, c, d, e, f, g) REXNET_TARGET_TOKENS(set, a, b, c, d, e, f, g)
#define REXNET_TARGET                                                                               \
  REXNET_TARGET_OF(REXNET_SET, REXNET_FLAG_SSE, REXNET_FLAG_AVX, REXNET_FLAG_BMI, REXNET_FLAG_INT8, \
                   REXNET_FLAG_HALF, REXNET_FLAG_WIDE, REXNET_FLAG_FMA)

// What the border between kernels and everything else is called: alike in every object of this version.
#define REXNET_BORDER border_v0_1_0

#if REXNET_EXCEPTIONS
#define REXNET_BUILD REXNET_JOIN(REXNET_THREADING, REXNET_TARGET)
#else
#define REXNET_BUILD REXNET_JOIN(REXNET_JOIN(REXNET_THREADING, no_exceptions), REXNET_TARGET)
#endif

// Contract checks, active in this project's own dev and test builds only (REXNET_DEVELOPER_CHECKS).
// They guard preconditions of kernels; user input is always checked and answered with an error instead.
#if defined(REXNET_DEVELOPER_CHECKS)
#include <cstdio>
#include <cstdlib>
// Not assert(): build types with optimisation define NDEBUG.
#define REXNET_ASSERT(condition) \
  ((condition)                   \
       ? static_cast<void>(0)    \
       : (std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition), std::abort()))
#else
#define REXNET_ASSERT(condition) static_cast<void>(0)
#endif

// The few compiler-specific spellings, in one place.
#if defined(_MSC_VER) && !defined(__clang__)
#define REXNET_ALWAYS_INLINE __forceinline
#define REXNET_LAMBDA_INLINE
#define REXNET_NOINLINE __declspec(noinline)
#define REXNET_COLD
#define REXNET_RESTRICT __restrict
#define REXNET_HIDDEN
#define REXNET_PREFETCH(address) static_cast<void>(address)
#else
#define REXNET_ALWAYS_INLINE inline __attribute__((always_inline))
#define REXNET_LAMBDA_INLINE __attribute__((always_inline))
#define REXNET_NOINLINE __attribute__((noinline))
#define REXNET_COLD __attribute__((cold))
#define REXNET_RESTRICT __restrict__
#if defined(_WIN32)
#define REXNET_HIDDEN
#else
#define REXNET_HIDDEN __attribute__((visibility("hidden")))
#endif
#define REXNET_PREFETCH(address) __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 3)
#endif

#endif  // REXNET_CORE_BUILD_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

[[nodiscard]] constexpr bool begins_with(std::string_view s, std::string_view start) noexcept {
  return s.substr(0, start.size()) == start;
}
[[nodiscard]] constexpr bool ends_with(std::string_view s, std::string_view end) noexcept {
  return s.size() >= end.size() && s.substr(s.size() - end.size()) == end;
}

/// Bytes of the UTF-8 character at the start of `s`; 0 where none is there (overlong forms, surrogates and
/// what lies beyond U+10FFFF are none). Precondition: s is not empty.
[[nodiscard]] constexpr std::size_t utf8_length(std::string_view s) noexcept {
  const auto byte = [s](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || length > s.size()) return 0;
  for (std::size_t k = 1; k < length; ++k)
    if ((byte(k) & 0xc0u) != 0x80u) return 0;
  if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
  if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
  return length;
}

/// Whether the character, as utf8_length() cut it out, acts on a screen instead of being seen there: the
/// controls of ASCII and of ISO 8859 (C1), line and paragraph separators, and what turns the direction of
/// writing (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).
[[nodiscard]] constexpr bool is_control(std::string_view character) noexcept {
  const auto byte = [character](std::size_t k) { return static_cast<unsigned char>(character[k]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2)
    return (byte(0) == 0xc2 && byte(1) < 0xa0) || (byte(0) == 0xd8 && byte(1) == 0x9c);
  if (character.size() != 3 || byte(0) != 0xe2) return false;
  return (byte(1) == 0x80 && (byte(2) == 0x8e || byte(2) == 0x8f || (byte(2) >= 0xa8 && byte(2) <= 0xae))) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

[[nodiscard]] constexpr bool is_utf8(std::string_view s) noexcept {
  while (!s.empty()) {
    const std::size_t length = utf8_length(s);
    if (length == 0) return false;
    s.remove_prefix(length);
  }
  return true;
}

}  // namespace detail

/// The text with every byte that a terminal would act on, or that is no UTF-8, as \n, \t, \r or \x1b. What
/// is printable stays, a backslash too: this is for people to read, not for programs to decode.
/// @param keep controls that stay, such as "\n" for a text of several lines of the program's own
[[nodiscard]] inline std::string printable(std::string_view s, std::string_view keep = {}) {
  std::string out;
  out.reserve(s.size());
  while (!s.empty()) {
    const std::size_t length = detail::utf8_length(s);
    const std::string_view character = s.substr(0, length > 0 ? length : 1);
    s.remove_prefix(character.size());
    const bool kept = character.size() == 1 && keep.find(character[0]) != keep.npos;
    if (kept || (length > 0 && !detail::is_control(character))) {
      out += character;
      continue;
    }
    for (const char c : character) {
      static constexpr char digits[] = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      if (c == '\n' || c == '\t' || c == '\r')
        out.append(1, '\\').append(1, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
      else
        out.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
  }
  return out;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_TEXT_HPP
// ---- rexnet/core/views.hpp
// Non-owning views: what the public functions take and give. Nothing here allocates.
#ifndef REXNET_CORE_VIEWS_HPP
#define REXNET_CORE_VIEWS_HPP

#if defined(__has_include)
#if __has_include(<span>) && (__cplusplus > 201703L || (defined(_MSVC_LANG) && _MSVC_LANG > 201703L))
#include <span>
#endif
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

template <class T>
class span;

/// Whether a T only points to elements and does not own them, so that they outlive it: a span may be made of
/// a temporary T. Specialise it for views of your own.
template <class T>
inline constexpr bool is_borrowed_range = false;
template <class T>
inline constexpr bool is_borrowed_range<span<T>> = true;
template <class Char, class Traits>
inline constexpr bool is_borrowed_range<std::basic_string_view<Char, Traits>> = true;
#if defined(__cpp_lib_span)
template <class T, std::size_t Extent>
inline constexpr bool is_borrowed_range<std::span<T, Extent>> = true;
#endif

namespace detail {

/// Whether Range (an lvalue's reference type or a temporary's type) has size() elements of T, but for const,
/// at data().
template <class Range, class T, class = void>
inline constexpr bool has_elements = false;
template <class Range, class T>
inline constexpr bool has_elements<
    Range, T, std::void_t<decltype(std::declval<Range&>().data()), decltype(std::declval<Range&>().size())>> =
    std::is_convertible_v<std::remove_pointer_t<decltype(std::declval<Range&>().data())> (*)[], T (*)[]>;

/// Whether the elements of a Range, so written, live on when the expression has ended.
template <class Range>
inline constexpr bool outlives_expression =
    std::is_lvalue_reference_v<Range> || is_borrowed_range<std::remove_cv_t<Range>>;

}  // namespace detail

/// A contiguous run of T that it does not own: C++20's std::span, as much of it as is needed here. Unlike
/// that, a span of const elements is not made of a temporary owner either: give the owner a name first.
template <class T>
class span {
 public:
  constexpr span() noexcept = default;
  /// `size` elements from `data` on.
  constexpr span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  /// A whole array.
  template <std::size_t N>
  constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
  /// From anything that has a name, data() and size(): std::vector, std::array; and from other views, such as
  /// std::string_view and span<non-const T>.
  template <class Range,
            std::enable_if_t<detail::has_elements<Range, T> && detail::outlives_expression<Range>, int> = 0>
  constexpr span(Range&& range) noexcept : data_(range.data()), size_(range.size()) {}
  /// Not from a temporary that owns its elements: they would be freed while the span still points there.
  /// @{
  template <class Range,
            std::enable_if_t<detail::has_elements<Range, T> && !detail::outlives_expression<Range>, int> = 0>
  span(Range&& temporary_owner) = delete;
  template <std::size_t N>
  span(T (&&temporary_array)[N]) = delete;
  /// @}

  /// As std::span has them. Precondition of []: i < size().
  /// @{
  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr T* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr T* end() const noexcept { return data_ + size_; }
  [[nodiscard]] constexpr T& operator[](std::size_t i) const noexcept { return data_[i]; }
  /// @}
  /// A part. Precondition: offset + count <= size().
  [[nodiscard]] constexpr span subspan(std::size_t offset, std::size_t count) const noexcept {
    return span(data_ + offset, count);
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A batch of NHWC maps. Element (b, y, x, ch) is data[b * image_stride + y * row_stride + x * pixel_stride +
/// ch]. Strides are in elements; channels of a pixel are contiguous. T is float, const float, or a byte type.
template <class T>
struct nhwc_view {
  T* data = nullptr;                ///< the first channel of the first pixel
  int n = 0;                        ///< images
  int h = 0;                        ///< rows
  int w = 0;                        ///< columns
  int c = 0;                        ///< channels
  std::ptrdiff_t pixel_stride = 0;  ///< elements from a pixel to the next
  std::ptrdiff_t row_stride = 0;    ///< elements from a row to the next
  std::ptrdiff_t image_stride = 0;  ///< elements from an image to the next

  constexpr nhwc_view() noexcept = default;
  /// Densely packed.
  constexpr nhwc_view(T* data_, int n_, int h_, int w_, int c_) noexcept
      : nhwc_view(data_, n_, h_, w_, c_, c_) {}
  /// Rows and images follow each other without gaps; a pixel takes pixel_stride_ elements.
  constexpr nhwc_view(T* data_, int n_, int h_, int w_, int c_, std::ptrdiff_t pixel_stride_) noexcept
      : data(data_),
        n(n_),
        h(h_),
        w(w_),
        c(c_),
        pixel_stride(pixel_stride_),
        row_stride(pixel_stride_ * w_),
        image_stride(pixel_stride_ * w_ * h_) {}
  /// A view of T converts to a view of const T.
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T>>>
  constexpr nhwc_view(const nhwc_view<U>& other) noexcept
      : data(other.data),
        n(other.n),
        h(other.h),
        w(other.w),
        c(other.c),
        pixel_stride(other.pixel_stride),
        row_stride(other.row_stride),
        image_stride(other.image_stride) {}

  /// The first channel of a pixel.
  [[nodiscard]] constexpr T* pixel(int b, int y, int x) const noexcept {
    return data + b * image_stride + y * row_stride + x * pixel_stride;
  }
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_VIEWS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

using byte_span = span<const unsigned char>;

namespace detail {

/// Precondition: N readable bytes at p.
template <int N>
[[nodiscard]] inline std::uint64_t little_endian(const unsigned char* p) noexcept {
  std::uint64_t v = 0;
  for (int i = N; i-- > 0;) v = v << 8 | p[i];
  return v;
}

[[nodiscard]] inline std::string_view text(byte_span b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

/// Something from a file, fit for a message: at most 60 characters, unprintable ones as '?'.
[[nodiscard]] inline std::string in_quotes(std::string_view s) {
  std::string out = "\"";
  for (const char c : s.substr(0, 60)) out += c >= 32 && c < 127 ? c : '?';
  return out + (s.size() > 60 ? "...\"" : "\"");
}

/// The tables of CRC-32 (polynomial 0xEDB88320), eight bytes a step.
struct crc_tables {
  std::uint32_t t[8][256] = {};
  constexpr crc_tables() {
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t remainder = i;
      for (int k = 0; k < 8; ++k)
        remainder = (remainder & 1u) != 0 ? 0xedb88320u ^ (remainder >> 1) : remainder >> 1;
      t[0][i] = remainder;
    }
    for (int k = 1; k < 8; ++k)
      for (std::uint32_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255u];
  }
};
inline constexpr crc_tables crc{};

}  // namespace detail

/// CRC-32 as in zip and PNG; `seed` continues an earlier one.
[[nodiscard]] REXNET_NOINLINE inline std::uint32_t crc32(byte_span bytes, std::uint32_t seed = 0) noexcept {
  const auto& t = detail::crc.t;
  std::uint32_t state = ~seed;
  const unsigned char* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const std::uint64_t v = detail::little_endian<8>(p) ^ state;
    state = t[7][v & 255] ^ t[6][v >> 8 & 255] ^ t[5][v >> 16 & 255] ^ t[4][v >> 24 & 255] ^
            t[3][v >> 32 & 255] ^ t[2][v >> 40 & 255] ^ t[1][v >> 48 & 255] ^ t[0][v >> 56];
  }
  for (; n > 0; --n, ++p) state = t[0][(state ^ *p) & 255u] ^ (state >> 8);
  return ~state;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_BYTES_HPP
// ---- rexnet/core/checked.hpp
// The one place where sizes that come from a file are multiplied and added: incomplete overflow checks have
// been exploited in model loaders (CVE-2025-53630, then CVE-2026-27940).
#ifndef REXNET_CORE_CHECKED_HPP
#define REXNET_CORE_CHECKED_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// An unsigned 64-bit size that remembers overflow: any overflow makes the whole expression !valid().
///   const checked n = checked(shape[0]) * shape[1] * 4;   if (!n.valid()) ...;   use(n.get());
class checked {
 public:
  constexpr checked(std::uint64_t value) noexcept : value_(value) {}
  [[nodiscard]] constexpr bool valid() const noexcept { return valid_; }
  /// Valid and at most `limit`: the usual question before an access.
  [[nodiscard]] constexpr bool at_most(std::uint64_t limit) const noexcept {
    return valid_ && value_ <= limit;
  }
  /// Precondition: valid().
  [[nodiscard]] constexpr std::uint64_t get() const noexcept { return value_; }

  friend constexpr checked operator*(checked a, checked b) noexcept {
    const bool fits = a.value_ == 0 || b.value_ <= (std::numeric_limits<std::uint64_t>::max)() / a.value_;
    return checked(fits ? a.value_ * b.value_ : 0, a.valid_ && b.valid_ && fits);
  }
  friend constexpr checked operator+(checked a, checked b) noexcept {
    const bool fits = b.value_ <= (std::numeric_limits<std::uint64_t>::max)() - a.value_;
    return checked(fits ? a.value_ + b.value_ : 0, a.valid_ && b.valid_ && fits);
  }

 private:
  constexpr checked(std::uint64_t value, bool valid) noexcept : value_(value), valid_(valid) {}
  std::uint64_t value_;
  bool valid_ = true;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_CHECKED_HPP
// ---- rexnet/core/error.hpp
// One error type for the whole library: a code that a program can act on and a text that names the thing
// and the numbers. Loading returns result<T>; the forward pass, which must not allocate, returns errc.
#ifndef REXNET_CORE_ERROR_HPP
#define REXNET_CORE_ERROR_HPP

// ---- rexnet/core/errc.hpp
// The codes of all errors: their numbers, names and texts.
#ifndef REXNET_CORE_ERRC_HPP
#define REXNET_CORE_ERRC_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// What went wrong. The letters in comments are the numbered cases of docs/refusals.md. A number never
/// changes its meaning: new codes come at the end.
enum class errc : unsigned short {
  ok = 0,
  // arguments and environment
  invalid_argument = 1,
  shape_mismatch = 2,
  workspace_too_small = 3,
  misaligned = 4,
  io_error = 5,
  out_of_memory = 6,
  unsupported = 7,
  unknown_format = 8,
  limit_exceeded = 9,
  // zip container
  zip_malformed = 10,           // any other damage of the records
  zip_encrypted = 11,           // Z1
  zip_multi_disk = 12,          // Z2
  zip_compressed = 13,          // Z3
  zip_header_mismatch = 14,     // Z4
  zip_duplicate_name = 15,      // Z5
  zip_unsafe_name = 16,         // Z6
  zip_overlap = 17,             // Z7
  zip_entry_out_of_range = 18,  // Z8
  zip_crc_mismatch = 19,        // Z9
  zip_too_many_entries = 20,    // Z10
  zip_zip64_out_of_range = 21,  // Z11
  // pickle program
  pickle_opcode = 22,           // P1
  pickle_global = 23,           // P2
  pickle_reduce = 24,           // P3
  pickle_setitem = 25,          // P4
  pickle_stack_underflow = 26,  // P5
  pickle_memo = 27,             // P6
  pickle_depth = 28,            // P7
  pickle_length = 29,           // P8
  pickle_self_reference = 30,   // P9
  pickle_no_stop = 31,          // P10
  pickle_utf8 = 32,             // P11
  // tensors
  tensor_negative = 33,        // T1
  tensor_rank = 34,            // T2
  tensor_overflow = 35,        // T3
  tensor_out_of_storage = 36,  // T4
  tensor_storage_size = 37,    // T5
  tensor_blow_up = 38,         // T6
  tensor_big_endian = 39,      // T7
  tensor_unsupported = 40,     // T8
  // model
  model_missing = 41,            // M1
  model_unexpected = 42,         // M2
  model_duplicate_role = 43,     // M3
  model_wrong_shape = 44,        // M4
  model_not_finite = 45,         // M5
  model_negative_variance = 46,  // M6
  model_no_classes = 47,         // M7
  model_torchscript = 48,        // M8
  model_old_tar = 49,            // M9
  model_html = 50,               // M10
  model_git_lfs = 51,            // M11
  model_truncated = 52,          // M12
  // safetensors
  safetensors_header_length = 53,  // S1
  safetensors_json = 54,           // S2
  safetensors_duplicate = 55,      // S3
  safetensors_dtype = 56,          // S4
  safetensors_gap = 57,            // S5
  safetensors_size = 58,           // S6
  safetensors_trailing = 59,       // S7
  // legacy torch files
  legacy_magic = 60,          // L1
  legacy_storage_count = 61,  // L2
  legacy_truncated = 62,      // L3
  // npy arrays
  npy_magic = 63,  // N1
  npy_dtype = 64,  // N2
  npy_size = 65,   // N3
  // packed files
  packed_magic = 66,             // K1
  packed_version = 67,           // K2
  packed_endianness = 68,        // K3
  packed_header_checksum = 69,   // K4
  packed_payload_checksum = 70,  // K5
  packed_offset = 71,            // K6
  packed_shape = 72,             // K7
  packed_size = 73,              // K8
  packed_misaligned = 74,        // K9
  packed_labels = 75,            // K10
  packed_self_test = 76,         // the stored logits are not reproduced
  // later
  model_pickled_module = 77,  // M13
  model_other_format = 78,    // M14
  model_quantized = 79,       // M15
  model_ambiguous = 80,       // M16
  model_no_such_key = 81,     // M17
  model_config = 82,          // M18
  packed_preprocessing = 83,  // K11
  packed_label_text = 84,     // K12
  output_is_input = 85,
  packed_section = 86,  // K13
};

/// The code's own name, "io_error", for logs; "unknown" for a number that is none.
[[nodiscard]] constexpr const char* errc_name(errc code) noexcept {
  switch (code) {
    case errc::ok: return "ok";
    case errc::invalid_argument: return "invalid_argument";
    case errc::shape_mismatch: return "shape_mismatch";
    case errc::workspace_too_small: return "workspace_too_small";
    case errc::misaligned: return "misaligned";
    case errc::io_error: return "io_error";
    case errc::out_of_memory: return "out_of_memory";
    case errc::unsupported: return "unsupported";
    case errc::unknown_format: return "unknown_format";
    case errc::limit_exceeded: return "limit_exceeded";
    case errc::zip_malformed: return "zip_malformed";
    case errc::zip_encrypted: return "zip_encrypted";
    case errc::zip_multi_disk: return "zip_multi_disk";
    case errc::zip_compressed: return "zip_compressed";
    case errc::zip_header_mismatch: return "zip_header_mismatch";
    case errc::zip_duplicate_name: return "zip_duplicate_name";
    case errc::zip_unsafe_name: return "zip_unsafe_name";
    case errc::zip_overlap: return "zip_overlap";
    case errc::zip_entry_out_of_range: return "zip_entry_out_of_range";
    case errc::zip_crc_mismatch: return "zip_crc_mismatch";
    case errc::zip_too_many_entries: return "zip_too_many_entries";
    case errc::zip_zip64_out_of_range: return "zip_zip64_out_of_range";
    case errc::pickle_opcode: return "pickle_opcode";
    case errc::pickle_global: return "pickle_global";
    case errc::pickle_reduce: return "pickle_reduce";
    case errc::pickle_setitem: return "pickle_setitem";
    case errc::pickle_stack_underflow: return "pickle_stack_underflow";
    case errc::pickle_memo: return "pickle_memo";
    case errc::pickle_depth: return "pickle_depth";
    case errc::pickle_length: return "pickle_length";
    case errc::pickle_self_reference: return "pickle_self_reference";
    case errc::pickle_no_stop: return "pickle_no_stop";
    case errc::pickle_utf8: return "pickle_utf8";
    case errc::tensor_negative: return "tensor_negative";
    case errc::tensor_rank: return "tensor_rank";
    case errc::tensor_overflow: return "tensor_overflow";
    case errc::tensor_out_of_storage: return "tensor_out_of_storage";
    case errc::tensor_storage_size: return "tensor_storage_size";
    case errc::tensor_blow_up: return "tensor_blow_up";
    case errc::tensor_big_endian: return "tensor_big_endian";
    case errc::tensor_unsupported: return "tensor_unsupported";
    case errc::model_missing: return "model_missing";
    case errc::model_unexpected: return "model_unexpected";
    case errc::model_duplicate_role: return "model_duplicate_role";
    case errc::model_wrong_shape: return "model_wrong_shape";
    case errc::model_not_finite: return "model_not_finite";
    case errc::model_negative_variance: return "model_negative_variance";
    case errc::model_no_classes: return "model_no_classes";
    case errc::model_torchscript: return "model_torchscript";
    case errc::model_old_tar: return "model_old_tar";
    case errc::model_html: return "model_html";
    case errc::model_git_lfs: return "model_git_lfs";
    case errc::model_truncated: return "model_truncated";
    case errc::safetensors_header_length: return "safetensors_header_length";
    case errc::safetensors_json: return "safetensors_json";
    case errc::safetensors_duplicate: return "safetensors_duplicate";
    case errc::safetensors_dtype: return "safetensors_dtype";
    case errc::safetensors_gap: return "safetensors_gap";
    case errc::safetensors_size: return "safetensors_size";
    case errc::safetensors_trailing: return "safetensors_trailing";
    case errc::legacy_magic: return "legacy_magic";
    case errc::legacy_storage_count: return "legacy_storage_count";
    case errc::legacy_truncated: return "legacy_truncated";
    case errc::npy_magic: return "npy_magic";
    case errc::npy_dtype: return "npy_dtype";
    case errc::npy_size: return "npy_size";
    case errc::packed_magic: return "packed_magic";
    case errc::packed_version: return "packed_version";
    case errc::packed_endianness: return "packed_endianness";
    case errc::packed_header_checksum: return "packed_header_checksum";
    case errc::packed_payload_checksum: return "packed_payload_checksum";
    case errc::packed_offset: return "packed_offset";
    case errc::packed_shape: return "packed_shape";
    case errc::packed_size: return "packed_size";
    case errc::packed_misaligned: return "packed_misaligned";
    case errc::packed_labels: return "packed_labels";
    case errc::packed_self_test: return "packed_self_test";
    case errc::model_pickled_module: return "model_pickled_module";
    case errc::model_other_format: return "model_other_format";
    case errc::model_quantized: return "model_quantized";
    case errc::model_ambiguous: return "model_ambiguous";
    case errc::model_no_such_key: return "model_no_such_key";
    case errc::model_config: return "model_config";
    case errc::packed_preprocessing: return "packed_preprocessing";
    case errc::packed_label_text: return "packed_label_text";
    case errc::packed_section: return "packed_section";
    case errc::output_is_input: return "output_is_input";
    default: return "unknown";
  }
}

/// What the code means, in a few words that stand alone or behind "forward: ". An error's message has more:
/// names and numbers. "an unknown code" for a number that is none.
[[nodiscard]] constexpr const char* to_string(errc code) noexcept {
  switch (code) {
    case errc::ok: return "ok";
    case errc::invalid_argument: return "a size, stride, index or option that cannot be";
    case errc::shape_mismatch: return "sizes that do not fit together";
    case errc::workspace_too_small: return "a workspace or scratch that is too small";
    case errc::misaligned: return "a workspace or weights that do not begin at a multiple of 64 bytes";
    case errc::io_error: return "a file cannot be opened, read or written";
    case errc::out_of_memory: return "out of memory";
    case errc::unsupported: return "sound, but not with this model, CPU, program or version";
    case errc::unknown_format: return "the content is of no format that is read";
    case errc::limit_exceeded: return "beyond a limit of the library or of this machine";
    case errc::zip_malformed: return "a damaged zip archive";
    case errc::zip_encrypted: return "an encrypted zip archive";
    case errc::zip_multi_disk: return "a zip archive in several parts";
    case errc::zip_compressed: return "a compressed entry in a torch file, whose entries are stored";
    case errc::zip_header_mismatch: return "a zip archive whose two descriptions of an entry differ";
    case errc::zip_duplicate_name: return "two entries of one name in a zip archive";
    case errc::zip_unsafe_name: return "an entry of a zip archive whose name leaves the archive";
    case errc::zip_overlap: return "entries of a zip archive that overlap";
    case errc::zip_entry_out_of_range: return "an entry of a zip archive beyond the end of the file";
    case errc::zip_crc_mismatch: return "an entry of a zip archive with a wrong checksum";
    case errc::zip_too_many_entries: return "too many entries in a zip archive";
    case errc::zip_zip64_out_of_range: return "a size of a zip archive beyond the end of the file";
    case errc::pickle_opcode: return "a pickle with an opcode that is not allowed";
    case errc::pickle_global: return "a pickle with a class or function that is not allowed";
    case errc::pickle_reduce: return "a pickle that calls something with wrong arguments";
    case errc::pickle_setitem: return "a pickle that sets an item of what is no dictionary";
    case errc::pickle_stack_underflow: return "a pickle that takes more than it has put down";
    case errc::pickle_memo: return "a pickle that recalls what it has not kept";
    case errc::pickle_depth: return "a pickle that is nested too deeply";
    case errc::pickle_length: return "a pickle with a length beyond its end";
    case errc::pickle_self_reference: return "a pickle whose value contains itself";
    case errc::pickle_no_stop: return "a pickle that does not end";
    case errc::pickle_utf8: return "a pickle with text that is not UTF-8";
    case errc::tensor_negative: return "a tensor with a negative size, stride or offset";
    case errc::tensor_rank: return "a tensor with too many dimensions";
    case errc::tensor_overflow: return "a tensor with more elements than 64 bits count";
    case errc::tensor_out_of_storage: return "a tensor that ends behind its storage";
    case errc::tensor_storage_size: return "a storage of another size than recorded";
    case errc::tensor_blow_up: return "tensors that are much larger than their file";
    case errc::tensor_big_endian: return "tensors in big-endian order";
    case errc::tensor_unsupported: return "a tensor of a kind that is not read";
    case errc::model_missing: return "a tensor of the network is missing";
    case errc::model_unexpected: return "a tensor that is no part of the network";
    case errc::model_duplicate_role: return "two tensors for one place in the network";
    case errc::model_wrong_shape: return "a tensor of another shape than the network's";
    case errc::model_not_finite: return "weights with NaN or infinity";
    case errc::model_negative_variance: return "a negative variance";
    case errc::model_no_classes: return "a classifier of no classes";
    case errc::model_torchscript: return "a TorchScript archive, not a state dict";
    case errc::model_old_tar: return "a torch file of the old tar form";
    case errc::model_html: return "a web page, not a checkpoint";
    case errc::model_git_lfs: return "a git-lfs pointer, not the file itself";
    case errc::model_truncated: return "a file that was cut short";
    case errc::safetensors_header_length: return "a safetensors header longer than its file";
    case errc::safetensors_json: return "a safetensors header that is not the JSON expected";
    case errc::safetensors_duplicate: return "a name that stands twice in a safetensors header";
    case errc::safetensors_dtype: return "a safetensors number type that is not read";
    case errc::safetensors_gap: return "safetensors data with gaps or overlaps";
    case errc::safetensors_size: return "a safetensors tensor of another size than its data";
    case errc::safetensors_trailing: return "bytes behind the data of a safetensors file";
    case errc::legacy_magic: return "a wrong beginning of an old torch file";
    case errc::legacy_storage_count: return "an old torch file with more or fewer storages than it lists";
    case errc::legacy_truncated: return "an old torch file that was cut short";
    case errc::npy_magic: return "not a .npy file";
    case errc::npy_dtype: return "a .npy file of another number type or order";
    case errc::npy_size: return "a .npy file of another size than its shape";
    case errc::packed_magic: return "not a packed file";
    case errc::packed_version: return "a packed file of another version";
    case errc::packed_endianness: return "a packed file in big-endian order";
    case errc::packed_header_checksum: return "a packed file whose header is damaged";
    case errc::packed_payload_checksum: return "a packed file whose weights are damaged";
    case errc::packed_offset: return "a packed file whose parts do not lie where they must";
    case errc::packed_shape: return "a packed file of a network that cannot be";
    case errc::packed_size: return "a packed file of another size than it says";
    case errc::packed_misaligned:
      return "a packed file in memory that does not begin at a multiple of 64 bytes";
    case errc::packed_labels: return "a packed file whose labels do not match its classes";
    case errc::packed_self_test: return "the logits of the self-test are not reproduced";
    case errc::model_pickled_module: return "a whole model was pickled, not its state dict";
    case errc::model_other_format: return "a file of another format";
    case errc::model_quantized: return "a quantized model";
    case errc::model_ambiguous: return "several networks in one file";
    case errc::model_no_such_key: return "no entry of this name in the file";
    case errc::model_config: return "a config.json that does not describe the model";
    case errc::packed_preprocessing: return "a packed file whose preprocessing cannot be";
    case errc::packed_label_text: return "labels that are not plain UTF-8 text";
    case errc::packed_section: return "a packed file with a section that cannot be";
    case errc::output_is_input: return "an output that is one of the inputs";
    default: return "an unknown code";
  }
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_ERRC_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// The error of every public function. Copyable, carries code() and a message that is never empty.
class error : public std::exception {
 public:
  /// What the message says of paths and of names in files is made printable() here, once for all errors.
  /// Precondition: the message is not empty.
  REXNET_NOINLINE error(errc code, const std::string& message) : code_(code), message_(printable(message)) {}
  /// For programs.
  [[nodiscard]] errc code() const noexcept { return code_; }
  /// For people: what is wrong, with names and numbers.
  /// @{
  [[nodiscard]] const std::string& message() const& noexcept { return message_; }
  [[nodiscard]] std::string message() && noexcept { return std::move(message_); }
  /// @}
  /// The message.
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

  /// The same error with "prefix: " before its message: callers add the file, readers the tensor.
  [[nodiscard]] error in(const std::string& prefix) const { return error(code_, prefix + ": " + message_); }

 private:
  errc code_;
  std::string message_;
};

/// Either a T or an error. `if (r) use(*r); else report(r.error());`, or r.value(), which throws the error.
/// Without exceptions value() does not exist: test and dereference.
template <class T>
class [[nodiscard]] result {
 public:
  /// Success.
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// Failure.
  result(rexnet::error failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  /// Whether it is a T.
  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  /// The same.
  explicit operator bool() const noexcept { return ok(); }

  /// The value. Precondition: ok().
  /// @{
  [[nodiscard]] T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  [[nodiscard]] const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  [[nodiscard]] T* operator->() & noexcept { return std::get_if<0>(&state_); }
  [[nodiscard]] const T* operator->() const& noexcept { return std::get_if<0>(&state_); }
  /// @}
  /// Of a temporary by value: a reference into it would dangle in `for (x : *f())`.
  [[nodiscard]] T operator*() && { return std::move(*std::get_if<0>(&state_)); }
  /// Not of a temporary: what is reached through it, `f()->labels()`, would be freed.
  const T* operator->() const&& = delete;
  /// Precondition: !ok().
  /// @{
  [[nodiscard]] const rexnet::error& error() const& noexcept { return *std::get_if<1>(&state_); }
  [[nodiscard]] rexnet::error error() && { return std::move(*std::get_if<1>(&state_)); }
  /// @}
  /// errc::ok or the error's.
  [[nodiscard]] errc code() const noexcept { return ok() ? errc::ok : std::get_if<1>(&state_)->code(); }

#if REXNET_EXCEPTIONS
  /// The value, or the error thrown.
  [[nodiscard]] T& value() & {
    if (!ok()) throw error();
    return **this;
  }
  /// The same, by value.
  [[nodiscard]] T value() && {
    if (!ok()) throw error();
    return *std::move(*this);
  }
#endif

 private:
  std::variant<T, rexnet::error> state_;
};

/// The result of a function that gives nothing but success: `return done;`.
struct success {};
using status = result<success>;
inline constexpr success done{};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_ERROR_HPP
// ---- rexnet/core/half.hpp
// float16 (IEEE 754 binary16) and bfloat16, by integer arithmetic: no instruction set needed.
#ifndef REXNET_CORE_HALF_HPP
#define REXNET_CORE_HALF_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

[[nodiscard]] inline float float_from_bits(std::uint32_t bits) noexcept {
  float f;
  std::memcpy(&f, &bits, sizeof(f));
  return f;
}
[[nodiscard]] inline std::uint32_t bits_of(float f) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &f, sizeof(bits));
  return bits;
}

/// Exact.
[[nodiscard]] inline float bfloat16_to_float(std::uint16_t b) noexcept {
  return float_from_bits(std::uint32_t{b} << 16);
}

/// Exact, denormals included; a NaN keeps its payload.
[[nodiscard]] inline float half_to_float(std::uint16_t h) noexcept {
  const std::uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 31u, mantissa = h & 0x3ffu;
  if (exponent == 31) return float_from_bits(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return float_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
  return float_from_bits(sign | bits_of(magnitude));
}

/// Rounds to nearest, ties to even; overflows to infinity; NaN stays NaN.
[[nodiscard]] inline std::uint16_t float_to_half(float f) noexcept {
  const std::uint32_t bits = bits_of(f), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {  // below 2^-14: the sum's low bits are the denormal, correctly rounded
    const float shifted = float_from_bits(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (bits_of(shifted) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_HALF_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

struct npy_array {
  std::vector<std::int64_t> shape;
  std::vector<float> data;  ///< row-major, product(shape) floats
};

namespace detail {

/// What stands between the magic and the data.
struct npy_header {
  std::string_view descr;  ///< "<f4" for float32
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
  std::size_t data_begin = 0;
};

/// Reads a header, which is a dictionary in Python's words, from left to right. As numpy's own reader it
/// takes the keys in any order, either kind of quotes, any white space, and the 1L of Python 2.
class npy_cursor {
 public:
  explicit npy_cursor(std::string_view header) : rest_(header) {}

  [[nodiscard]] bool peek(char c) {
    while (!rest_.empty() && std::string_view(" \t\n\r\f").find(rest_[0]) != rest_.npos)
      rest_.remove_prefix(1);
    return !rest_.empty() && rest_[0] == c;
  }
  bool eat(char c) {
    if (!peek(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool word(std::string_view w) {
    static_cast<void>(peek(0));
    if (rest_.substr(0, w.size()) != w) return false;
    rest_.remove_prefix(w.size());
    return true;
  }
  bool string(std::string_view& s) {
    if (!peek('\'') && !peek('"')) return false;
    const std::size_t stop = rest_.find(rest_[0], 1);
    if (stop == rest_.npos) return false;
    s = rest_.substr(1, stop - 1);
    rest_.remove_prefix(stop + 1);
    return true;
  }
  /// (), (3,) or (3, 4): of one side alone the comma makes it a tuple.
  bool shape(std::vector<std::int64_t>& sides) {
    if (!eat('(')) return false;
    for (bool comma = true; !eat(')');) {
      if (!comma || !side(sides)) return false;
      comma = eat(',');
      if (!comma && sides.size() < 2) return false;
    }
    return true;
  }
  /// What is left, for a message.
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  bool side(std::vector<std::int64_t>& sides) {
    static_cast<void>(peek(0));
    checked n = 0;
    std::size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits)
      n = n * 10 + static_cast<std::uint64_t>(rest_[digits] - '0');
    if (digits == 0 || !n.at_most(std::uint64_t{1} << 48) || sides.size() == 8) return false;
    rest_.remove_prefix(digits);
    if (!rest_.empty() && rest_[0] == 'L') rest_.remove_prefix(1);
    sides.push_back(static_cast<std::int64_t>(n.get()));
    return true;
  }

  std::string_view rest_;
};

/// The three entries of the header, each once. Errors: N2, N3.
[[nodiscard]] inline status parse_npy_fields(std::string_view text, npy_header& h) {
  const auto bad_type = [](std::string_view what) {
    return error(errc::npy_dtype, "npy: unknown dtype " + in_quotes(what));
  };
  npy_cursor cursor(text);
  bool has_type = false, has_order = false, has_shape = false;
  std::string_view key;
  if (cursor.eat('{'))
    while (cursor.string(key) && cursor.eat(':')) {
      const std::string_view value = cursor.rest();
      if (key == "descr" && !has_type) {
        if (!cursor.string(h.descr)) return bad_type(value.substr(0, value.find('\n')));
        has_type = true;
      } else if (key == "fortran_order" && !has_order) {
        h.fortran_order = cursor.word("True");
        has_order = h.fortran_order || cursor.word("False");
      } else if (key == "shape" && !has_shape) {
        if (!cursor.shape(h.shape))
          return error(errc::npy_size,
                       "npy: unusable shape " + in_quotes(value.substr(0, value.find(')') + 1)));
        has_shape = true;
      } else {
        break;
      }
      if (!cursor.eat(',')) break;
    }
  if (!has_type) return bad_type("");
  if (!has_order) return error(errc::npy_dtype, "npy: the header does not tell the order");
  if (!has_shape) return error(errc::npy_size, "npy: the header does not tell the shape");
  if (!cursor.eat('}') || !(static_cast<void>(cursor.peek(0)), cursor.rest().empty()))
    return error(errc::npy_magic, "npy: the header is no dictionary of descr, fortran_order and shape");
  return done;
}

[[nodiscard]] inline result<npy_header> parse_npy_header(byte_span bytes) {
  const auto no = [](const std::string& what) { return error(errc::npy_magic, "npy: " + what); };
  if (bytes.size() < 10 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0) return no("not a .npy file");
  const int version = bytes[6];
  if (version < 1 || version > 3) return no("version " + std::to_string(version) + ", 1 to 3 are known");
  const std::size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start) return no("the file ends inside its header");
  const std::uint64_t length =
      version == 1 ? little_endian<2>(bytes.data() + 8) : little_endian<4>(bytes.data() + 8);
  if (length > bytes.size() - start)
    return no("header of " + std::to_string(length) + " bytes in a file of " + std::to_string(bytes.size()));
  const std::string_view fields = text(bytes.subspan(start, static_cast<std::size_t>(length)));
  npy_header h;
  h.data_begin = start + static_cast<std::size_t>(length);
  if (status s = parse_npy_fields(fields, h); !s) return s.error();
  return h;
}

/// Elements of the header's shape if `bytes_each` of them fill the file exactly. Errors: N3.
[[nodiscard]] inline result<std::size_t> npy_elements(const npy_header& h, byte_span bytes,
                                                      std::size_t bytes_each) {
  checked n = 1;
  for (const std::int64_t side : h.shape) n = n * static_cast<std::uint64_t>(side);
  const checked total = n * bytes_each;
  const std::size_t found = bytes.size() - h.data_begin;
  if (!total.valid() || total.get() != found)
    return error(errc::npy_size, "npy: the shape needs " +
                                     (total.valid() ? std::to_string(total.get()) : "more than 2^64") +
                                     " bytes of data, the file has " + std::to_string(found));
  return static_cast<std::size_t>(n.get());
}

}  // namespace detail

/// Reads a float32 array. `bytes` is a whole file. Memory: its bytes once more.
/// Errors: N1 (no .npy file), N2 (another dtype or order), N3 (size) of docs/refusals.md.
[[nodiscard]] inline result<npy_array> read_npy(byte_span bytes) {
  auto h = detail::parse_npy_header(bytes);
  if (!h) return h.error();
  if (h->descr != "<f4" && h->descr != "=f4" && h->descr != "f4")
    return error(errc::npy_dtype,
                 "npy: dtype " + detail::in_quotes(h->descr) + ", expected \"<f4\" (array.astype('<f4'))");
  // With one side longer than 1, or none, both orders are the same.
  const auto long_sides =
      std::count_if(h->shape.begin(), h->shape.end(), [](std::int64_t side) { return side != 1; });
  if (h->fortran_order && long_sides > 1)
    return error(errc::npy_dtype, "npy: Fortran order (use numpy.ascontiguousarray)");
  auto n = detail::npy_elements(*h, bytes, sizeof(float));
  if (!n) return n.error();
  npy_array a;
  a.shape = std::move(h->shape);
  a.data.resize(*n);
  for (std::size_t i = 0; i < *n; ++i)
    a.data[i] = float_from_bits(
        static_cast<std::uint32_t>(detail::little_endian<4>(bytes.data() + h->data_begin + 4 * i)));
  return a;
}

/// The bytes of a .npy file, version 1.0, data aligned to 64 bytes as numpy writes it.
/// Precondition: product(shape) == data.size(), at most 8 sizes.
[[nodiscard]] inline std::string write_npy(const std::vector<std::int64_t>& shape, span<const float> data) {
  std::string sides;
  for (const std::int64_t side : shape) sides += std::to_string(side) + ", ";
  if (!sides.empty()) sides.resize(sides.size() - (shape.size() == 1 ? 1 : 2));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + sides + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out.reserve(10 + header.size() + 4 * data.size());
  out += static_cast<char>(header.size() & 255u);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  for (const float f : data)
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((bits_of(f) >> shift) & 255u);
  return out;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NPY_HPP
// ---- rexnet/heads/cam.hpp
// Class activation maps: what each place of a picture adds to a class. Source: Zhou et al., "Learning Deep
// Features for Discriminative Localization", arXiv 1512.04150.
#ifndef REXNET_HEADS_CAM_HPP
#define REXNET_HEADS_CAM_HPP

// ---- rexnet/heads/features.hpp
// A model as a backbone: the maps that detectors and segmenters take, the head's map, and the vectors before
// the classifier. Names as in timm: features_only, forward_features, forward_head(pre_logits=True).
#ifndef REXNET_HEADS_FEATURES_HPP
#define REXNET_HEADS_FEATURES_HPP

// ---- rexnet/model/session.hpp
// Pictures and images of any size through a model, alone or many at once: the one place that owns plan,
// workspace and threads. classifier, feature_extractor, the C interface and the command are made of it.
#ifndef REXNET_MODEL_SESSION_HPP
#define REXNET_MODEL_SESSION_HPP

// ---- rexnet/image/preprocess.hpp
// From a picture to what the network sees, as timm and torchvision do it for evaluation: short side to
// floor(input / crop_pct), centre crop, /255, mean and standard deviation.
#ifndef REXNET_IMAGE_PREPROCESS_HPP
#define REXNET_IMAGE_PREPROCESS_HPP

// ---- rexnet/core/report.hpp
// Checks that are written once and report twice: `return fail(code, parts...)` gives the code alone where no
// heap may be used, and makes a text of the parts where the caller wants one.
#ifndef REXNET_CORE_REPORT_HPP
#define REXNET_CORE_REPORT_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Keeps the code.
struct report_code {
  template <class... Parts>
  constexpr errc operator()(errc code, const Parts&...) const noexcept {
    return code;
  }
};

/// The parts' text, once and not inlined at each of some thirty refusals: 9 kB of a small program.
/// @{
REXNET_NOINLINE inline void append_part(std::string& text, long long number) {
  text += std::to_string(number);
}
REXNET_NOINLINE inline void append_part(std::string& text, unsigned long long number) {
  text += std::to_string(number);
}
REXNET_NOINLINE inline void append_part(std::string& text, double number) {
  char digits[32];  // "%f" may have 316
  std::snprintf(digits, sizeof(digits), "%g", number);
  text += digits;
}
REXNET_NOINLINE inline void append_part(std::string& text, std::string_view part) {
  text += part;
}
/// @}

/// Appends the parts, texts and numbers, to `text`.
struct report_text {
  std::string& text;
  template <class... Parts>
  errc operator()(errc code, const Parts&... parts) const {
    (append(parts), ...);
    return code;
  }

 private:
  template <class Part>
  void append(const Part& part) const {
    if constexpr (std::is_floating_point_v<Part>)
      append_part(text, static_cast<double>(part));
    else if constexpr (std::is_arithmetic_v<Part>)
      append_part(
          text, static_cast<std::conditional_t<std::is_signed_v<Part>, long long, unsigned long long>>(part));
    else
      append_part(text, part);
  }
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_REPORT_HPP
// ---- rexnet/image/resize.hpp
// Antialiased resize, bit-exact with Pillow (Resample.c): double coefficients rounded to 22-bit fixed point,
// two passes with clipping to bytes between them, order of passes as Pillow 13.0 chooses it.
//
// A resize_plan says what is read, what is kept and how much scratch that takes, as a constant expression;
// resize_into() does the work without allocating. Between the passes only the rows of a window exist.
#ifndef REXNET_IMAGE_RESIZE_HPP
#define REXNET_IMAGE_RESIZE_HPP

// ---- rexnet/image/pixels.hpp
// 8-bit pictures as callers hold them.
#ifndef REXNET_IMAGE_PIXELS_HPP
#define REXNET_IMAGE_PIXELS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Order of the bytes of a pixel. Alpha is dropped, as Pillow's convert("RGB") does; grey is repeated.
enum class pixel_format : std::uint8_t { rgb, bgr, rgba, bgra, grey };

[[nodiscard]] constexpr int bytes_per_pixel(pixel_format f) noexcept {
  return f == pixel_format::grey ? 1 : f == pixel_format::rgb || f == pixel_format::bgr ? 3 : 4;
}

/// Where red (0), green (1) or blue (2) stands within a pixel.
[[nodiscard]] constexpr int channel_offset(pixel_format f, int channel) noexcept {
  if (f == pixel_format::grey) return 0;
  return f == pixel_format::bgr || f == pixel_format::bgra ? 2 - channel : channel;
}

/// A picture in memory of the caller's.
struct image_view {
  const std::uint8_t* data = nullptr;  ///< the upper left pixel
  int width = 0;                       ///< pixels
  int height = 0;                      ///< pixels
  std::ptrdiff_t stride = 0;           ///< bytes from one row to the next; negative for bottom-up pictures
  pixel_format format = pixel_format::rgb;  ///< order of a pixel's bytes

  constexpr image_view() noexcept = default;
  /// Rows without gaps.
  constexpr image_view(const std::uint8_t* data_, int width_, int height_,
                       pixel_format format_ = pixel_format::rgb) noexcept
      : image_view(data_, width_, height_, format_,
                   static_cast<std::ptrdiff_t>(width_) * bytes_per_pixel(format_)) {}
  /// Rows `stride_` bytes apart.
  constexpr image_view(const std::uint8_t* data_, int width_, int height_, pixel_format format_,
                       std::ptrdiff_t stride_) noexcept
      : data(data_), width(width_), height(height_), stride(stride_), format(format_) {}
};

/// An RGB picture that owns its bytes: [height][width][3].
struct rgb_image {
  int width = 0;                   ///< pixels
  int height = 0;                  ///< pixels
  std::vector<std::uint8_t> data;  ///< width * height * 3 bytes

  /// Valid as long as the picture stays as it is; not of a temporary.
  [[nodiscard]] image_view view() const& noexcept { return {data.data(), width, height}; }
  [[nodiscard]] image_view view() const&& = delete;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_PIXELS_HPP
// ---- rexnet/kernels/resample.hpp
// The two inner loops of the resize, on raw pointers. Samples are bytes, weights 22-bit fixed point.
#ifndef REXNET_KERNELS_RESAMPLE_HPP
#define REXNET_KERNELS_RESAMPLE_HPP

// ---- rexnet/kernels/table.hpp
// The border between code that is compiled once and kernels that are compiled for each instruction set: a
// table of functions, and the values that they take. Plan, blocks, heads, operators and tools stand above it
// and call through a table; only what stands below is compiled for a set.
//
// The types here are the same in every object of a program, whatever its flags. So they have neither member
// initialisers nor functions: nothing of them can become code that a linker would merge. Make them with `{}`,
// which sets everything to zero.
#ifndef REXNET_KERNELS_TABLE_HPP
#define REXNET_KERNELS_TABLE_HPP

// ---- rexnet/core/activation.hpp
// The activations that layers have.
#ifndef REXNET_CORE_ACTIVATION_HPP
#define REXNET_CORE_ACTIVATION_HPP

namespace rexnet {
inline namespace REXNET_BORDER {

/// What follows a layer's sums. Each kernel says which of them it knows (kernels/table.hpp).
enum class activation : unsigned char { none, relu, relu6, silu, sigmoid };

}  // namespace REXNET_BORDER
}  // namespace rexnet

#endif  // REXNET_CORE_ACTIVATION_HPP

namespace rexnet {
inline namespace REXNET_BORDER {

/// @cond internal

/// Pixels times packed weight panels (kernels/pointwise.hpp).
struct pointwise_args {
  const float* const* segment;  ///< `segments` pointers to the first pixel
  int segments;                 ///< 1: a 1x1 convolution; K: the rows of a KxK convolution
  int run;                      ///< floats per segment
  std::ptrdiff_t pixel_step;
  std::ptrdiff_t pixels;
  const float* weights;
  const float* bias;
  float* out;  ///< channel 0 of pixel 0
  std::ptrdiff_t out_step;
  int out_c;              ///< channels that may be written: exact, or padded to 8 where pads are writable
  int first_c, last_c;    ///< outputs to compute: a multiple of 16; a multiple of 16, or out_c or more
  const float* residual;  ///< added after the activation to the first residual_c channels; or null
  std::ptrdiff_t residual_step;
  int residual_c;  ///< channels that may be read; 0 without residual
  int ahead;       ///< panels from a column to the one whose weights it prefetches: two for each thread that
                   ///< claims columns of the same layer (two threads: 2 to 3 % of a pass)
  activation act;  ///< none, relu, relu6 or silu
};

/// Depthwise convolution of some output rows (kernels/depthwise.hpp).
struct depthwise_args {
  const float* in;
  std::ptrdiff_t in_row, in_step;
  int ring_rows;       ///< h where the whole map is there
  int h, w;            ///< of the input
  int kernel, stride;  ///< 3 or 5; 1 or 2
  const float* weights;
  const float* bias;
  float* out;
  std::ptrdiff_t out_row, out_step;
  int first_y, rows;  ///< output rows [first_y, first_y + rows)
  int ow;
  int c;           ///< channels that may be read and written: exact, or padded to 8
  float* sums;     ///< [c]: the outputs are added, pixel after pixel; or null
  activation act;  ///< none, relu or relu6
};

/// A dense layer on one vector (kernels/dense.hpp).
struct dense_args {
  const float* in;  ///< [k]
  int k;
  const float* weights;
  const float* bias;
  float* out;  ///< [out_c]
  int out_c;
  int first_c, last_c;  ///< outputs to compute: a multiple of 16; a multiple of 16, or out_c
  activation act;       ///< none, relu, relu6 or sigmoid
};

/// A pass over a map's pixels (kernels/sweep.hpp).
struct sweep_args {
  float* map;  ///< add_pixels() only reads it
  std::ptrdiff_t pixels, step;
  float* vector;   ///< [c]: sums that are added to, or factors
  int c;           ///< channels that may be read and written
  activation act;  ///< scale_pixels(): none, relu or relu6
};

/// The input samples [first, first + count) that an output sample of a resize is made of.
struct resample_window {
  int first, count;
};

/// The resize's two loops (kernels/resample.hpp).
struct resample_kernels {
  void (*row)(const std::uint8_t* in, const resample_window* windows, const std::int32_t* weights, int step,
              int pixels, std::uint8_t* out) noexcept;
  void (*column)(const std::uint8_t* in, std::ptrdiff_t stride, const std::int32_t* weights, int rows,
                 std::ptrdiff_t bytes, std::uint8_t* out) noexcept;
};

/// @endcond

/// The kernels of one instruction set: a value that may be copied. Nothing in it changes a size or a layout,
/// so plans and weights are the same for every set.
struct kernel_table {
  const char* name;  ///< "sse2", "fma3_avx2", "avx512bw", "neon64", "neon"
  /// @cond internal
  std::uint64_t border;  ///< border_hash of the headers that the kernels were compiled from
  int width;             ///< floats of a vector
  void (*pointwise)(const pointwise_args&) noexcept;
  void (*depthwise)(const depthwise_args&) noexcept;
  void (*dense)(const dense_args&) noexcept;
  void (*add_pixels)(const sweep_args&) noexcept;
  void (*scale_pixels)(const sweep_args&) noexcept;
  resample_kernels resample;
  /// @endcond
};

}  // namespace REXNET_BORDER

inline namespace REXNET_BUILD {
namespace detail {

/// FNV-1a over the version and over where every member of the border's types stands: kernels compiled from
/// other headers have another one.
[[nodiscard]] constexpr std::uint64_t hash_border() noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&hash](std::uint64_t v) { hash = (hash ^ v) * 0x100000001b3u; };
  for (const char* c = REXNET_VERSION_STRING; *c != 0; ++c) add(static_cast<unsigned char>(*c));
  constexpr std::size_t places[] = {sizeof(pointwise_args),
                                    offsetof(pointwise_args, segments),
                                    offsetof(pointwise_args, run),
                                    offsetof(pointwise_args, pixel_step),
                                    offsetof(pointwise_args, pixels),
                                    offsetof(pointwise_args, weights),
                                    offsetof(pointwise_args, bias),
                                    offsetof(pointwise_args, out),
                                    offsetof(pointwise_args, out_step),
                                    offsetof(pointwise_args, out_c),
                                    offsetof(pointwise_args, first_c),
                                    offsetof(pointwise_args, last_c),
                                    offsetof(pointwise_args, residual),
                                    offsetof(pointwise_args, residual_step),
                                    offsetof(pointwise_args, residual_c),
                                    offsetof(pointwise_args, ahead),
                                    offsetof(pointwise_args, act),
                                    sizeof(depthwise_args),
                                    offsetof(depthwise_args, in_row),
                                    offsetof(depthwise_args, in_step),
                                    offsetof(depthwise_args, ring_rows),
                                    offsetof(depthwise_args, h),
                                    offsetof(depthwise_args, w),
                                    offsetof(depthwise_args, kernel),
                                    offsetof(depthwise_args, stride),
                                    offsetof(depthwise_args, weights),
                                    offsetof(depthwise_args, bias),
                                    offsetof(depthwise_args, out),
                                    offsetof(depthwise_args, out_row),
                                    offsetof(depthwise_args, out_step),
                                    offsetof(depthwise_args, first_y),
                                    offsetof(depthwise_args, rows),
                                    offsetof(depthwise_args, ow),
                                    offsetof(depthwise_args, c),
                                    offsetof(depthwise_args, sums),
                                    offsetof(depthwise_args, act),
                                    sizeof(dense_args),
                                    offsetof(dense_args, k),
                                    offsetof(dense_args, weights),
                                    offsetof(dense_args, bias),
                                    offsetof(dense_args, out),
                                    offsetof(dense_args, out_c),
                                    offsetof(dense_args, first_c),
                                    offsetof(dense_args, last_c),
                                    offsetof(dense_args, act),
                                    sizeof(sweep_args),
                                    offsetof(sweep_args, pixels),
                                    offsetof(sweep_args, step),
                                    offsetof(sweep_args, vector),
                                    offsetof(sweep_args, c),
                                    offsetof(sweep_args, act),
                                    sizeof(resample_window),
                                    sizeof(kernel_table),
                                    offsetof(kernel_table, border),
                                    offsetof(kernel_table, width),
                                    offsetof(kernel_table, pointwise),
                                    offsetof(kernel_table, depthwise),
                                    offsetof(kernel_table, dense),
                                    offsetof(kernel_table, add_pixels),
                                    offsetof(kernel_table, scale_pixels),
                                    offsetof(kernel_table, resample)};
  for (const std::size_t place : places) add(place);
  return hash;
}
inline constexpr std::uint64_t border_hash = hash_border();

}  // namespace detail

/// The table of a set that brings only some kernels of its own: what `own` leaves null comes from `base`, a
/// set that the same CPUs have. Name, border and width are own's.
[[nodiscard]] constexpr kernel_table inherit(kernel_table own, const kernel_table& base) noexcept {
  if (own.pointwise == nullptr) own.pointwise = base.pointwise;
  if (own.depthwise == nullptr) own.depthwise = base.depthwise;
  if (own.dense == nullptr) own.dense = base.dense;
  if (own.add_pixels == nullptr) own.add_pixels = base.add_pixels;
  if (own.scale_pixels == nullptr) own.scale_pixels = base.scale_pixels;
  if (own.resample.row == nullptr) own.resample.row = base.resample.row;
  if (own.resample.column == nullptr) own.resample.column = base.resample.column;
  return own;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_TABLE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

[[nodiscard]] REXNET_ALWAYS_INLINE std::uint8_t clip8(std::int32_t v) noexcept {
  v >>= 22;
  return static_cast<std::uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
}

/// One output row along x.
/// @param in      RGB pixels; windows count from its first one
/// @param windows [pixels]
/// @param weights [pixels][step]: each window's, from the start of its row
/// @param out     [pixels][3]
inline void resample_row(const std::uint8_t* in, const resample_window* windows, const std::int32_t* weights,
                         int step, int pixels, std::uint8_t* out) noexcept {
  const resample_window* window = windows;
  for (int i = 0; i < pixels; ++i, ++window, weights += step) {
    const std::uint8_t* p = in + std::ptrdiff_t{window->first} * 3;
    const int count = window->count;
    std::int32_t r = 1 << 21, g = r, b = r;
    for (int k = 0; k < count; ++k, p += 3) {
      r += p[0] * weights[k];
      g += p[1] * weights[k];
      b += p[2] * weights[k];
    }
    *out++ = clip8(r);
    *out++ = clip8(g);
    *out++ = clip8(b);
  }
}

/// Columns that are summed at once: their number being known, g++ -O2 vectorises, too, and the sums stay in
/// registers. 4000 x 3000, a window of 47 rows, AVX2: 44 ms a pass with whole rows, 8 with this; SSE2 20.
inline constexpr int resample_columns = 64;

/// `columns` output bytes along y.
template <int columns>
inline void resample_block(const std::uint8_t* in, std::ptrdiff_t stride, const std::int32_t* weights,
                           int rows, std::uint8_t* out) noexcept {
  std::int32_t sums[columns];
  for (std::int32_t& sum : sums) sum = 1 << 21;
  for (int k = 0; k < rows; ++k, in += stride) {
    const std::int32_t weight = weights[k];
    for (int i = 0; i < columns; ++i) sums[i] += in[i] * weight;
  }
  for (int i = 0; i < columns; ++i) out[i] = clip8(sums[i]);
}

/// One output row along y: columns of `bytes` bytes summed over `rows` rows.
/// @param in      the window's first row; the next ones stand `stride` bytes apart
/// @param weights [rows]
/// @param out     [bytes]
inline void resample_column(const std::uint8_t* in, std::ptrdiff_t stride, const std::int32_t* weights,
                            int rows, std::ptrdiff_t bytes, std::uint8_t* out) noexcept {
  constexpr std::ptrdiff_t n = resample_columns;
  if (bytes < n) {
    for (std::ptrdiff_t i = 0; i < bytes; ++i) resample_block<1>(in + i, stride, weights, rows, out + i);
    return;
  }
  std::ptrdiff_t i = 0;
  for (; i + n <= bytes; i += n) resample_block<n>(in + i, stride, weights, rows, out + i);
  // The rest by way of a whole block, which writes some columns a second time.
  if (i < bytes) resample_block<n>(in + bytes - n, stride, weights, rows, out + bytes - n);
}

/// As this translation unit compiles them.
inline constexpr resample_kernels own_resample{&resample_row, &resample_column};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_RESAMPLE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

enum class interpolation : std::uint8_t { bicubic, bilinear };

/// Which pass comes first. Pillow before 12.2 was always horizontal first: up to 8 grey levels
/// apart on photographs.
enum class pass_order : std::uint8_t { pillow_13, horizontal_first };

namespace detail {

/// One direction of a resize, from `in` samples to `out`.
struct resample_axis {
  int in = 1, out = 1;
  interpolation filter = interpolation::bicubic;
  double scale = 1, filter_scale = 1, support = 1;
  int taps = 1;  ///< no window has more

  constexpr resample_axis() noexcept = default;
  constexpr resample_axis(int in_, int out_, interpolation f) noexcept
      : in(in_), out(out_), filter(f), scale(static_cast<double>(in_) / out_) {
    filter_scale = scale > 1.0 ? scale : 1.0;
    support = (f == interpolation::bicubic ? 2.0 : 1.0) * filter_scale;
    const int whole = static_cast<int>(support);
    taps = (whole < support ? whole + 1 : whole) * 2 + 1;
  }

  [[nodiscard]] constexpr bool resamples() const noexcept { return in != out; }
  [[nodiscard]] constexpr double center(int i) const noexcept { return (i + 0.5) * scale; }
  [[nodiscard]] constexpr resample_window window(int i) const noexcept {
    // As Pillow rounds: towards zero, after adding a half. NOLINTBEGIN(bugprone-incorrect-roundings)
    const int first = static_cast<int>(center(i) - support + 0.5);
    const int end = static_cast<int>(center(i) + support + 0.5);
    // NOLINTEND(bugprone-incorrect-roundings)
    const int from = first > 0 ? first : 0;
    return {from, (end < in ? end : in) - from};
  }
};

[[nodiscard]] inline double filter_value(interpolation f, double x) noexcept {
  x = x < 0 ? -x : x;
  if (f == interpolation::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// The weights of output sample i. @param values scratch, [axis.taps] @param weights [axis.taps]
inline void resample_weights(const resample_axis& axis, int i, double* values,
                             std::int32_t* weights) noexcept {
  const double center = axis.center(i);
  const resample_window window = axis.window(i);
  double sum = 0;
  for (int tap = 0; tap < window.count; ++tap)
    sum += values[tap] =
        filter_value(axis.filter, (tap + window.first - center + 0.5) * (1.0 / axis.filter_scale));
  for (int tap = 0; tap < window.count; ++tap) {
    double v = values[tap];
    if (sum != 0.0) v /= sum;
    weights[tap] = static_cast<std::int32_t>(v * (1 << 22) + (v < 0 ? -0.5 : 0.5));
  }
}

/// The rectangle [x0, x1) x [y0, y1) of a picture that is resized as a whole, and the scratch that takes.
struct resize_plan {
  resample_axis x, y;
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  int left = 0, right = 0, top = 0, bottom = 0;  ///< what it depends on of the input
  bool vertical_first = false;
  int kept_rows = 0;  ///< horizontal first: rows between the passes
  // Where in the scratch, in bytes: doubles, then 32-bit values, then bytes.
  std::size_t values = 0, windows = 0, weights_x = 0, weights_y = 0, row = 0, rgb = 0, kept = 0;
  std::size_t scratch_bytes = 0;  ///< from an address that is a multiple of 8
};

[[nodiscard]] constexpr resize_plan make_resize_plan(int w, int h, pixel_format format, int out_w, int out_h,
                                                     int x0, int y0, int x1, int y1, interpolation f,
                                                     pass_order order) noexcept {
  resize_plan p;
  p.x = resample_axis(w, out_w, f), p.y = resample_axis(h, out_h, f);
  p.x0 = p.left = x0, p.x1 = p.right = x1;
  p.y0 = p.top = y0, p.y1 = p.bottom = y1;
  if (p.x.resamples()) {
    const resample_window last = p.x.window(x1 - 1);
    p.left = p.x.window(x0).first, p.right = last.first + last.count;
  }
  if (p.y.resamples()) {
    const resample_window last = p.y.window(y1 - 1);
    p.top = p.y.window(y0).first, p.bottom = last.first + last.count;
  }
  p.vertical_first =
      p.y.resamples() && order == pass_order::pillow_13 && h - out_h > 0 && h - out_h > 2 * (w - out_w);
  const auto cols = static_cast<std::size_t>(x1 - x0), wide = static_cast<std::size_t>(p.right - p.left);
  const auto wide_bytes = wide * static_cast<std::size_t>(bytes_per_pixel(format));
  const auto x_taps = static_cast<std::size_t>(p.x.resamples() ? p.x.taps : 0),
             y_taps = static_cast<std::size_t>(p.y.resamples() ? p.y.taps : 0);
  // Room for two windows: when it is full, what is still needed moves to the front.
  if (p.y.resamples() && !p.vertical_first)
    p.kept_rows = 2 * p.y.taps < p.bottom - p.top ? 2 * p.y.taps : p.bottom - p.top;
  const auto take = [&p](std::size_t count, std::size_t size) {
    const std::size_t at = p.scratch_bytes;
    p.scratch_bytes += count * size;
    return at;
  };
  p.values = take(x_taps > y_taps ? x_taps : y_taps, sizeof(double));
  p.windows = take(x_taps > 0 ? cols : 0, sizeof(resample_window));
  p.weights_x = take(x_taps * cols, sizeof(std::int32_t));
  p.weights_y = take(y_taps, sizeof(std::int32_t));
  p.row = take(p.vertical_first ? wide_bytes : 0, 1);
  p.rgb = take(format == pixel_format::rgb ? 0 : wide, 3);
  p.kept = take(static_cast<std::size_t>(p.kept_rows) * cols, 3);
  return p;
}

/// Pixels of any order as RGB.
inline void copy_as_rgb(const std::uint8_t* in, pixel_format format, int pixels, std::uint8_t* out) noexcept {
  const int bytes = bytes_per_pixel(format);
  const int red = channel_offset(format, 0), green = channel_offset(format, 1),
            blue = channel_offset(format, 2);
  for (int i = 0; i < pixels; ++i, in += bytes, out += 3) {
    out[0] = in[red];
    out[1] = in[green];
    out[2] = in[blue];
  }
}

/// @param in      the picture that p was made for
/// @param out     RGB, rows `out_stride` bytes apart
/// @param scratch p.scratch_bytes, from a multiple of 8
inline void resize_into(const image_view& in, const resize_plan& p, std::uint8_t* out,
                        std::ptrdiff_t out_stride, unsigned char* scratch,
                        const resample_kernels& kernels = own_resample) noexcept {
  auto* const values = reinterpret_cast<double*>(scratch + p.values);
  auto* const windows = reinterpret_cast<resample_window*>(scratch + p.windows);
  auto* const weights_x = reinterpret_cast<std::int32_t*>(scratch + p.weights_x);
  auto* const weights_y = reinterpret_cast<std::int32_t*>(scratch + p.weights_y);
  const int cols = p.x1 - p.x0, rows = p.y1 - p.y0, wide = p.right - p.left;
  const auto col_bytes = static_cast<std::size_t>(cols) * 3;
  if (p.x.resamples())
    for (int i = 0; i < cols; ++i) {
      windows[i] = p.x.window(p.x0 + i);
      windows[i].first -= p.left;
      resample_weights(p.x, p.x0 + i, values, weights_x + std::ptrdiff_t{i} * p.x.taps);
    }
  const std::ptrdiff_t pixel = bytes_per_pixel(in.format);
  const auto source = [&](int y) { return in.data + y * in.stride + p.left * pixel; };
  /// The input's columns [left, right), of any format, resampled along x.
  const auto across = [&](const std::uint8_t* from, std::uint8_t* to) {
    if (in.format != pixel_format::rgb) {
      copy_as_rgb(from, in.format, wide, scratch + p.rgb);
      from = scratch + p.rgb;
    }
    if (p.x.resamples())
      kernels.row(from, windows, weights_x, p.x.taps, cols, to);
    else
      std::memcpy(to, from, col_bytes);
  };
  if (!p.y.resamples()) {
    for (int y = 0; y < rows; ++y) across(source(p.y0 + y), out + y * out_stride);
    return;
  }
  unsigned char* const kept = scratch + p.kept;
  int kept_first = p.top, kept_end = p.top;  // input rows that `kept` holds
  for (int y = 0; y < rows; ++y, out += out_stride) {
    const resample_window window = p.y.window(p.y0 + y);
    resample_weights(p.y, p.y0 + y, values, weights_y);
    if (p.vertical_first) {
      kernels.column(source(window.first), in.stride, weights_y, window.count, wide * pixel, scratch + p.row);
      across(scratch + p.row, out);
      continue;
    }
    if (window.first + window.count - kept_first > p.kept_rows) {
      std::memmove(kept, kept + static_cast<std::size_t>(window.first - kept_first) * col_bytes,
                   static_cast<std::size_t>(kept_end - window.first) * col_bytes);
      kept_first = window.first;
    }
    for (; kept_end < window.first + window.count; ++kept_end)
      across(source(kept_end), kept + static_cast<std::size_t>(kept_end - kept_first) * col_bytes);
    kernels.column(kept + static_cast<std::size_t>(window.first - kept_first) * col_bytes,
                   static_cast<std::ptrdiff_t>(col_bytes), weights_y, window.count,
                   static_cast<std::ptrdiff_t>(col_bytes), out);
  }
}

/// The rectangle [x0, x1) x [y0, y1) of `in` resized to out_w x out_h.
[[nodiscard]] inline rgb_image resize_part(const image_view& in, int out_w, int out_h, int x0, int y0, int x1,
                                           int y1, interpolation f, pass_order order) {
  const resize_plan p =
      make_resize_plan(in.width, in.height, in.format, out_w, out_h, x0, y0, x1, y1, f, order);
  rgb_image out;
  out.width = x1 - x0, out.height = y1 - y0;
  out.data.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height) * 3);
  std::vector<double> scratch(p.scratch_bytes / sizeof(double) + 1);
  resize_into(in, p, out.data.data(), std::ptrdiff_t{out.width} * 3,
              reinterpret_cast<unsigned char*>(scratch.data()));
  return out;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_RESIZE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// How pictures are prepared for a model. The defaults are those of the published weights.
struct preprocessing {
  int input_size = 224;     ///< side of the square input, pixels
  double crop_pct = 0.875;  ///< part of the resized short side that the crop keeps
  rexnet::interpolation interpolation = rexnet::interpolation::bicubic;  ///< of the resize
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};                     ///< of R, G, B in 0 .. 1
  std::array<float, 3> std{0.229f, 0.224f, 0.225f};                      ///< of R, G, B in 0 .. 1
  pass_order order = pass_order::pillow_13;  ///< which Pillow's bits the resize gives
};

inline constexpr int max_picture_side = 1 << 16;

namespace detail {

/// The one check of preprocessing, whether it comes from options, a file or the API. fail(code, parts of a
/// text...) reports what is wrong, and what it returns is returned. A NaN fails every comparison.
template <class Fail>
[[nodiscard]] constexpr errc check_preprocessing(const preprocessing& p, Fail&& fail) {
  constexpr errc bad = errc::invalid_argument;
  if (p.input_size < 1 || p.input_size > 16384)
    return fail(bad, "input size ", p.input_size, ": must be 1 to 16384");
  if (!(p.crop_pct > 0.0 && p.crop_pct <= 1.0))
    return fail(bad, "crop_pct ", p.crop_pct, ": must be above 0 and at most 1");
  if (p.input_size / p.crop_pct > max_picture_side)
    return fail(bad, "crop_pct ", p.crop_pct, " of an input of ", p.input_size,
                ": pictures would be resized to more than ", max_picture_side);
  if (p.interpolation != interpolation::bicubic && p.interpolation != interpolation::bilinear)
    return fail(bad, "interpolation ", static_cast<int>(p.interpolation), ": must be bicubic or bilinear");
  if (p.order != pass_order::pillow_13 && p.order != pass_order::horizontal_first)
    return fail(bad, "pass order ", static_cast<int>(p.order), ": there is none of this number");
  for (const float m : p.mean)
    if (!(m >= 0.0f && m <= 1.0f))
      return fail(bad, "mean ", m, ": must be 0 to 1, the pixels' range (bytes are divided by 255 first)");
  for (const float s : p.std)
    if (!(s >= 1e-6f && s <= 256.0f))
      return fail(bad, "std ", s,
                  ": must be 1e-6 to 256, of pixels from 0 to 1 (bytes are divided by 255 first)");
  return errc::ok;
}

template <class Fail>
[[nodiscard]] constexpr errc check_sides(int width, int height, Fail&& fail) {
  if (width >= 1 && height >= 1 && width <= max_picture_side && height <= max_picture_side) return errc::ok;
  return fail(errc::invalid_argument, "picture of ", width, " x ", height, " pixels: each side must be 1 to ",
              max_picture_side);
}

/// check_preprocessing(), and whether a picture of this size can be resized for it.
template <class Fail>
[[nodiscard]] constexpr errc check_sizes(int width, int height, const preprocessing& p, Fail&& fail) {
  constexpr errc bad = errc::invalid_argument;
  if (const errc e = check_sides(width, height, fail); e != errc::ok) return e;
  if (const errc e = check_preprocessing(p, fail); e != errc::ok) return e;
  // The long side grows with the short one: a very thin picture would become a huge one.
  const double short_side = width < height ? width : height, long_side = width < height ? height : width;
  if (p.input_size / p.crop_pct * long_side / short_side > 16.0 * max_picture_side)
    return fail(bad, "picture of ", width, " x ", height,
                " pixels: too thin, resized its long side would pass ", 16 * max_picture_side);
  return errc::ok;
}

/// Whether a picture's pixels can be read at all.
template <class Fail>
[[nodiscard]] errc check_pixels(const image_view& in, Fail&& fail) {
  if (in.data == nullptr) return fail(errc::invalid_argument, "picture: no pixels (null pointer)");
  if (const errc e = check_sides(in.width, in.height, fail); e != errc::ok) return e;
  const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(in.width) * bytes_per_pixel(in.format);
  // Rows further apart than any memory would overflow on the way to them.
  const std::ptrdiff_t most = (std::numeric_limits<std::ptrdiff_t>::max)() / in.height;
  if ((in.stride < row && in.stride > -row) || in.stride > most || in.stride < -most)
    return fail(errc::invalid_argument, "picture: a stride of ", in.stride, " bytes for rows of ", row, ", ",
                in.height, " of them");
  return errc::ok;
}

/// The same, and whether it can be prepared as `p` says.
template <class Fail>
[[nodiscard]] errc check_picture(const image_view& in, const preprocessing& p, Fail&& fail) {
  if (const errc e = check_pixels(in, fail); e != errc::ok) return e;
  return check_sizes(in.width, in.height, p, fail);
}

/// The resize whose result, [pad_y ...][pad_x ...] of the network's input, is the centre crop.
struct preprocess_plan {
  resize_plan resize;
  int out_w = 0, out_h = 0;  ///< of the whole picture, resized
  int pad_x = 0, pad_y = 0;
};

/// Precondition: check_sizes() gives ok.
[[nodiscard]] constexpr preprocess_plan make_preprocess_plan(int width, int height, pixel_format format,
                                                             const preprocessing& p) noexcept {
  // torchvision: the short side exactly, the long side truncated.
  const int target = static_cast<int>(p.input_size / p.crop_pct);
  const bool wide = width > height;
  const std::int64_t shorter = wide ? height : width, longer = wide ? width : height;
  const int other = static_cast<int>(target * longer / shorter);
  preprocess_plan plan;
  const int out_w = plan.out_w = wide ? other : target, out_h = plan.out_h = wide ? target : other;
  const int n = p.input_size;
  const auto range = [n](int size, int& begin, int& end, int& pad) {
    // torchvision's centre crop: half of the difference, rounded half to even. Smaller than the crop: zeros
    // around it, the smaller half before.
    const int over = size < n ? 0 : size - n;
    pad = size < n ? (n - size) / 2 : 0;
    begin = over / 2 + (over % 4 == 3 ? 1 : 0);
    end = size < n ? size : begin + n;
  };
  int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  range(out_w, x0, x1, plan.pad_x);
  range(out_h, y0, y1, plan.pad_y);
  plan.resize =
      make_resize_plan(width, height, format, out_w, out_h, x0, y0, x1, y1, p.interpolation, p.order);
  return plan;
}

}  // namespace detail

/// A rectangle of a picture in its own pixels, from its left upper corner.
struct picture_box {
  double x = 0;       ///< of the left edge
  double y = 0;       ///< of the upper edge
  double width = 0;   ///< to the right
  double height = 0;  ///< downwards
};

/// Which part of a picture of width x height pixels the network sees: where the corners of its square input
/// lie. All zero for what preprocess_pixels() refuses.
[[nodiscard]] constexpr picture_box seen_part(int width, int height, const preprocessing& p) noexcept {
  if (detail::check_sizes(width, height, p, detail::report_code()) != errc::ok) return {};
  const detail::preprocess_plan plan = detail::make_preprocess_plan(width, height, pixel_format::rgb, p);
  const double per_x = static_cast<double>(width) / plan.out_w,
               per_y = static_cast<double>(height) / plan.out_h;
  return {(plan.resize.x0 - plan.pad_x) * per_x, (plan.resize.y0 - plan.pad_y) * per_y, p.input_size * per_x,
          p.input_size * per_y};
}

/// Bytes of the pixels that the network sees.
[[nodiscard]] constexpr std::size_t preprocess_output_bytes(const preprocessing& p) noexcept {
  return static_cast<std::size_t>(p.input_size) * static_cast<std::size_t>(p.input_size) * 3;
}

/// Bytes of scratch that preprocess_pixels_into() needs, of any alignment; 0 for what it refuses. A constant
/// expression: a camera's `static unsigned char scratch[preprocess_scratch_bytes(640, 480, ...)];`.
[[nodiscard]] constexpr std::size_t preprocess_scratch_bytes(int width, int height, pixel_format format,
                                                             const preprocessing& p) noexcept {
  if (detail::check_sizes(width, height, p, detail::report_code()) != errc::ok) return 0;
  return detail::make_preprocess_plan(width, height, format, p).resize.scratch_bytes + alignof(double) - 1;
}

/// The pixels that the network sees: input_size x input_size RGB bytes, identical to Pillow 13 + torchvision.
/// Only what the crop shows is computed. Allocates nothing.
/// @param out     preprocess_output_bytes(p) or more: [input_size][input_size][3]
/// @param scratch preprocess_scratch_bytes(in.width, in.height, in.format, p) or more
/// @param kernels of the network that the pixels are for, where it was made by dispatch: net.resample()
/// @return ok; invalid_argument (picture or options), shape_mismatch (out), workspace_too_small (scratch)
[[nodiscard]] inline errc preprocess_pixels_into(
    const image_view& in, const preprocessing& p, span<std::uint8_t> out, span<unsigned char> scratch,
    const resample_kernels& kernels = detail::own_resample) noexcept {
  if (const errc e = detail::check_picture(in, p, detail::report_code()); e != errc::ok) return e;
  const detail::preprocess_plan plan = detail::make_preprocess_plan(in.width, in.height, in.format, p);
  if (out.data() == nullptr || out.size() < preprocess_output_bytes(p)) return errc::shape_mismatch;
  constexpr std::size_t unit = alignof(double);
  if (scratch.size() < plan.resize.scratch_bytes + unit - 1) return errc::workspace_too_small;
  const auto misaligned = static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(scratch.data()) % unit);
  const int n = p.input_size;
  if (plan.resize.x1 - plan.resize.x0 < n || plan.resize.y1 - plan.resize.y0 < n)
    std::memset(out.data(), 0, preprocess_output_bytes(p));
  const std::ptrdiff_t row = std::ptrdiff_t{n} * 3;
  detail::resize_into(in, plan.resize, out.data() + plan.pad_y * row + std::ptrdiff_t{plan.pad_x} * 3, row,
                      scratch.data() + (unit - misaligned) % unit, kernels);
  return errc::ok;
}

/// The same with memory of its own: the scratch and the result. Errors: invalid_argument, naming the sizes.
[[nodiscard]] inline result<rgb_image> preprocess_pixels(
    const image_view& in, const preprocessing& p, const resample_kernels& kernels = detail::own_resample) {
  std::string what;
  if (const errc e = detail::check_picture(in, p, detail::report_text{what}); e != errc::ok)
    return error(e, what);
  rgb_image out;
  out.width = out.height = p.input_size;
  out.data.resize(preprocess_output_bytes(p));
  std::vector<unsigned char> scratch(preprocess_scratch_bytes(in.width, in.height, in.format, p));
  if (const errc e = preprocess_pixels_into(in, p, out.data, scratch, kernels); e != errc::ok)
    return error(e, std::string("preprocess: ") + to_string(e));
  return out;
}

/// The normalised value of every byte in every channel, [256][3]: (v / 255 - mean) / std in float, as
/// torchvision's ToTensor and Normalize compute it.
[[nodiscard]] constexpr std::array<float, 768> normalise_table(const preprocessing& p) noexcept {
  std::array<float, 768> t{};
  for (std::size_t v = 0; v < 256; ++v)
    for (std::size_t c = 0; c < 3; ++c)
      t[3 * v + c] = (static_cast<float>(v) / 255.0f - p.mean[c]) / p.std[c];
  return t;
}

/// RGB bytes to normalised floats, [h][w][3]. Errors: shape_mismatch when `out` has another size.
[[nodiscard]] inline status normalise(const rgb_image& in, const preprocessing& p, span<float> out) {
  if (out.size() != in.data.size())
    return error(errc::shape_mismatch, "normalise: " + std::to_string(in.data.size()) + " values into " +
                                           std::to_string(out.size()));
  const std::array<float, 768> table = normalise_table(p);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = table[3 * std::size_t{in.data[i]} + i % 3];
  return done;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_PREPROCESS_HPP
// ---- rexnet/model/model.hpp
// A model: shape, preprocessing, names and weights, shared by its copies. load.hpp and load_packed.hpp make
// them from files.
#ifndef REXNET_MODEL_MODEL_HPP
#define REXNET_MODEL_MODEL_HPP

// ---- rexnet/checkpoint/origin.hpp
// Where the parts of a model come from: what `rexnet inspect` and `pack` print.
#ifndef REXNET_CHECKPOINT_ORIGIN_HPP
#define REXNET_CHECKPOINT_ORIGIN_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Of a packed file only number_type, input_from and labels_from say something.
struct model_origin {
  std::string key;     ///< entry of a training file, "model_ema"; empty: the file's own dictionary
  std::string prefix;  ///< what stood in front of all names, "module.model."
  std::vector<std::string> others;    ///< keys of other networks in the file
  std::vector<std::string> left_out;  ///< names of tensors beside the network
  std::vector<std::string> notes;     ///< in words: what was done that the file does not say
  std::string number_type;            ///< of the file's weights, "float32"; of several "float16, float32"
  std::string input_from;             ///< "packed file", "config.json", "defaults of rexnetr 2.0x"
  std::string labels_from;            ///< "packed file", "config.json", "ImageNet-1k"; empty without labels
  int test_size = 0;         ///< the size that the weights were measured with, where it is another one
  double test_crop_pct = 0;  ///< and its crop
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_ORIGIN_HPP
// ---- rexnet/core/aligned_buffer.hpp
// Owning memory, 64-byte aligned and zeroed: for weights, and for workspaces where the caller has none.
#ifndef REXNET_CORE_ALIGNED_BUFFER_HPP
#define REXNET_CORE_ALIGNED_BUFFER_HPP

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// One cache line, and the widest vector.
inline constexpr std::size_t alignment = 64;

[[nodiscard]] inline bool is_aligned(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0;
}

/// Movable, not copyable. A failed allocation gives an empty buffer: test data() or size().
class aligned_buffer {
 public:
  aligned_buffer() noexcept = default;
  /// Zeroed memory of so many bytes; empty where the system has none.
  explicit aligned_buffer(std::size_t bytes) noexcept {
    if (bytes > static_cast<std::size_t>(-1) - alignment) return;
    block_ = std::calloc(bytes + alignment, 1);
    if (block_ == nullptr) return;
    const auto address = reinterpret_cast<std::uintptr_t>(block_);
    data_ = static_cast<unsigned char*>(block_) + (alignment - address % alignment);
    size_ = bytes;
#if defined(__linux__)
    // Weights are read once per image, many streams at a time: in pages of 4 kB the prefetchers stop and the
    // TLB misses every 64 steps (v1 3.0x: 2 % of a pass). Whole huge pages only, so that no memory is added.
    constexpr std::uintptr_t huge = std::uintptr_t{1} << 21;
    const std::uintptr_t first = (address + huge - 1) / huge * huge, last = (address + bytes) / huge * huge;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
  }
  /// Takes the memory; the other is empty then.
  aligned_buffer(aligned_buffer&& other) noexcept {
    swap(other);
  }
  /// The same; its own memory is freed.
  aligned_buffer& operator=(aligned_buffer&& other) noexcept {
    aligned_buffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  aligned_buffer(const aligned_buffer&) = delete;
  aligned_buffer& operator=(const aligned_buffer&) = delete;
  ~aligned_buffer() {
    std::free(block_);
  }

  /// The first byte, at a multiple of `alignment`; null when empty.
  [[nodiscard]] unsigned char* data() noexcept {
    return data_;
  }
  /// The same, to read.
  [[nodiscard]] const unsigned char* data() const noexcept {
    return data_;
  }
  /// In bytes.
  [[nodiscard]] std::size_t size() const noexcept {
    return size_;
  }
  /// The memory as floats, as many as fit. Not of a temporary, which would be freed.
  [[nodiscard]] span<float> floats() & noexcept {
    return {reinterpret_cast<float*>(data_), size_ / sizeof(float)};
  }
  /// The same, to read.
  [[nodiscard]] span<const float> floats() const& noexcept {
    return {reinterpret_cast<const float*>(data_), size_ / sizeof(float)};
  }
  [[nodiscard]] span<const float> floats() const&& = delete;

 private:
  void swap(aligned_buffer& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  void* block_ = nullptr;
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Room for `count` floats; empty, as after a failed allocation, where the address space ends before them.
[[nodiscard]] inline aligned_buffer float_buffer(std::int64_t count) noexcept {
  constexpr auto most = static_cast<std::int64_t>(static_cast<std::size_t>(-1) / 2 / sizeof(float));
  return count <= most ? aligned_buffer(static_cast<std::size_t>(count) * sizeof(float)) : aligned_buffer();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_ALIGNED_BUFFER_HPP
// ---- rexnet/engine/network.hpp
// The network: configuration + packed weights -> logits, with the kernels of one instruction set, compiled
// where it is used.
#ifndef REXNET_ENGINE_NETWORK_HPP
#define REXNET_ENGINE_NETWORK_HPP

// ---- rexnet/engine/detector_network.hpp
// A detector: configuration + packed weights -> raw outputs, class logits and box codes of every anchor.
#ifndef REXNET_ENGINE_DETECTOR_NETWORK_HPP
#define REXNET_ENGINE_DETECTOR_NETWORK_HPP

// ---- rexnet/engine/basic_network.hpp
// What every network does, whatever kernels it has: sizes, plans, checks of a call's arguments. No kernel is
// seen here; network.hpp adds those of one instruction set, any_network.hpp those of several.
#ifndef REXNET_ENGINE_BASIC_NETWORK_HPP
#define REXNET_ENGINE_BASIC_NETWORK_HPP

// ---- rexnet/engine/forward.hpp
// One image through all phases. Every worker runs the same list; chunks are claimed (system/parallel.hpp).
#ifndef REXNET_ENGINE_FORWARD_HPP
#define REXNET_ENGINE_FORWARD_HPP

// ---- rexnet/engine/block.hpp
// One inverted bottleneck, cut into chunks as plan.hpp says. Each function does one chunk of one phase;
// nothing here allocates, throws or knows about threads.
#ifndef REXNET_ENGINE_BLOCK_HPP
#define REXNET_ENGINE_BLOCK_HPP

// ---- rexnet/engine/input.hpp
// Where the stem takes its pixels from: normalised floats, or bytes that are normalised through a table.
#ifndef REXNET_ENGINE_INPUT_HPP
#define REXNET_ENGINE_INPUT_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// One image of h x w pixels with three channels, floats or (with `table`) bytes.
struct input_rows {
  const float* floats = nullptr;
  const std::uint8_t* bytes = nullptr;
  const float* table = nullptr;  ///< [256][3]: normalised value of byte v in channel c at 3 v + c
  int channel[3] = {0, 1, 2};    ///< where R, G and B stand within a pixel
  std::ptrdiff_t pixel_step = 3, row_step = 0;
  int h = 0, w = 0;

  /// Row y with one zero pixel at either end, 3 * (w + 2) floats; zeros outside the image. The network pads
  /// after normalisation, so these are zeros of the normalised values.
  void copy_padded(int y, float* out) const noexcept {
    const bool inside = y >= 0 && y < h;
    for (int c = 0; c < 3; ++c) out[c] = out[3 * (w + 1) + c] = 0.0f;
    out += 3;
    if (!inside) {
      for (int i = 0; i < 3 * w; ++i) out[i] = 0.0f;
    } else if (bytes != nullptr) {
      const std::uint8_t* p = bytes + y * row_step;
      for (int x = 0; x < w; ++x, p += pixel_step, out += 3)
        for (int c = 0; c < 3; ++c) out[c] = table[3 * p[channel[c]] + c];
    } else {
      const float* p = floats + y * row_step;
      if (pixel_step == 3) {
        std::memcpy(out, p, static_cast<std::size_t>(w) * 3 * sizeof(float));
        return;
      }
      for (int x = 0; x < w; ++x, p += pixel_step, out += 3)
        for (int c = 0; c < 3; ++c) out[c] = p[c];
    }
  }
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_INPUT_HPP
// ---- rexnet/engine/mean.hpp
// Means over the pixels of a map, of any size: float sums of some thousand pixels, those sums in double.
#ifndef REXNET_ENGINE_MEAN_HPP
#define REXNET_ENGINE_MEAN_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Channels whose sums are kept at once.
inline constexpr int mean_channels = 32;
/// Pixels that are summed in float alone: 32 x 32, all of a map of block 3 at 256 pixels. So many values that
/// are the same lose some 1e-5 of their mean, 65536 of them 6e-4; of real maps a fiftieth of that.
inline constexpr std::ptrdiff_t mean_run = 1024;

/// Turns running float sums of up to mean_channels channels into means.
class mean_of_pixels {
 public:
  /// Before `count` more pixels are added to `sums`: moves those to double, and starts anew, when they would
  /// be too many.
  void add(float* sums, int channels, std::ptrdiff_t count) noexcept {
    if (run_ > 0 && run_ + count > mean_run) move(sums, channels);
    run_ += count;
    pixels_ += count;
  }
  /// Puts the means in the sums' place.
  REXNET_NOINLINE void finish(float* sums, int channels) const noexcept {
    if (run_ == pixels_) {  // one chain
      const float per_pixel = 1.0f / static_cast<float>(pixels_);
      for (int c = 0; c < channels; ++c) sums[c] *= per_pixel;
      return;
    }
    for (int c = 0; c < channels; ++c)
      sums[c] =
          static_cast<float>((totals_[c] + static_cast<double>(sums[c])) / static_cast<double>(pixels_));
  }

 private:
  REXNET_NOINLINE void move(float* sums, int channels) noexcept {
    for (int c = 0; c < channels; ++c) {
      totals_[c] += static_cast<double>(sums[c]);
      sums[c] = 0.0f;
    }
    run_ = 0;
  }
  double totals_[mean_channels] = {};
  std::ptrdiff_t run_ = 0, pixels_ = 0;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_MEAN_HPP
// ---- rexnet/engine/plan.hpp
// How an image goes through the network: which blocks run in row bands and which in channel slices, how work
// is cut into chunks, and where every buffer lies in the workspace. A value computed from configuration,
// input size and thread count alone; constexpr, so that a workspace can be a static array.
//
// Row bands (blocks without squeeze-excite on wide maps, and the stem with block 0): a chunk of output rows
// goes through expand -> depthwise -> project with a rolling ring of expanded rows; the expanded map never
// exists. Channel slices (all others): a chunk of channels is expanded and convolved over the whole map, with
// its sums for squeeze-excite; then the two dense layers; then project over groups of pixels.
#ifndef REXNET_ENGINE_PLAN_HPP
#define REXNET_ENGINE_PLAN_HPP

// ---- rexnet/arch/config.hpp
// The shape of a ReXNet: every channel count, stride and width as a trivially copyable value that is computed
// at compile time or at run time by the same code.
// Sources: arXiv 2007.00992 (linear channel growth), clovaai/rexnet rexnetv1.py and rexnetv1_lite.py, timm
// rexnet.py (rexnetr_*: channels rounded to a multiple of 8 or 16).
#ifndef REXNET_ARCH_CONFIG_HPP
#define REXNET_ARCH_CONFIG_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

enum class family : std::uint8_t {
  v1,      ///< ReXNetV1, timm rexnet_*
  lite,    ///< ReXNetV1_lite: ReLU6 everywhere, no squeeze-excite
  rexnetr  ///< timm rexnetr_*: v1 with rounded channels
};

/// How many there are: packed files hold their numbers.
inline constexpr std::uint32_t family_count = 3;

[[nodiscard]] constexpr const char* family_name(family f) noexcept {
  return f == family::v1 ? "v1" : f == family::lite ? "lite" : "rexnetr";
}

/// Blocks of every published ReXNet.
inline constexpr int rexnet_blocks = 16;
/// Room for a network's blocks: arrays have this size, of which config::block_count are used.
inline constexpr int max_blocks = 24;

/// One inverted bottleneck: [expand 1x1] -> depthwise -> [squeeze-excite] -> activation -> project 1x1 [+
/// input]. A family's formula fills the values in; the engine depends on nothing else.
struct block_config {
  int in_c = 0;        ///< channels of the block's input
  int mid_c = 0;       ///< channels of the depthwise convolution
  int out_c = 0;       ///< channels of the block's output
  int se_c = 0;        ///< squeeze-excite width, 0 for none
  int stride = 1;      ///< of the depthwise convolution, 1 or 2
  int kernel = 3;      ///< of the depthwise convolution, 3 or 5; padding kernel / 2
  int residual_c = 0;  ///< the input is added to this many of the first output channels: in_c, or 0
  bool expand = true;  ///< false only for block 0
  activation expand_act = activation::silu;      ///< none, relu, relu6 or silu
  activation depthwise_act = activation::relu6;  ///< of the depthwise convolution: none, relu or relu6
  activation project_act = activation::none;     ///< before the input is added: none, relu, relu6 or silu
  bool se_first = true;  ///< squeeze-excite, whose gate is sigmoid, comes before depthwise_act
  double bn_eps = 1e-5;  ///< of its BatchNorms, for folding

  /// Whether the input is added to the output.
  [[nodiscard]] constexpr bool residual() const noexcept { return residual_c > 0; }
};

/// A whole network. Build one with config_for(); readers of checkpoints then put in what the tensors show and
/// the formula does not fix (head_c, hidden_c, se_c, kernel).
struct config {
  rexnet::family family = rexnet::family::v1;  ///< which formulas and activations
  int width_hundredths = 100;                  ///< 130 for 1.3x
  int classes = 1000;                          ///< outputs of the classifier; 0: there is none
  int stem_c = 32;                             ///< channels of the first convolution
  int block_count = rexnet_blocks;             ///< of `blocks`, 1 to max_blocks
  block_config blocks[max_blocks] = {};        ///< in the order of the network
  int head_c = 1280;                           ///< channels of the last 1x1 convolution ("penultimate")
  int hidden_c = 0;  ///< the dense layer between pooling and classifier, as lite has it; else 0
  activation stem_act = activation::silu;     ///< none, relu, relu6 or silu
  activation head_act = activation::silu;     ///< none, relu, relu6 or silu
  activation hidden_act = activation::relu6;  ///< none, relu or relu6
  double bn_eps = 1e-5;                       ///< of the BatchNorms of stem, head and hidden layer
};

namespace detail {

/// Python's round(): half to even. Precondition: 0 <= v < 2^31.
constexpr int round_half_even(double v) noexcept {
  const int below = static_cast<int>(v);
  const double rest = v - below;
  if (rest > 0.5 || (rest == 0.5 && below % 2 == 1)) return below + 1;
  return below;
}

/// timm's and lite's make_divisible: nearest multiple of `divisor`, one more where that loses over 10 %.
constexpr int make_divisible(double v, int divisor) noexcept {
  int rounded = static_cast<int>(v + divisor / 2.0) / divisor * divisor;
  if (rounded < divisor) rounded = divisor;
  return rounded < 0.9 * v ? rounded + divisor : rounded;
}

/// Width of block output i. The step is accumulated in double in the order of the original code: multiplying
/// instead is off by one at w = 0.6.
constexpr void fill_channels(family f, double width, int divisor, int (&channels)[rexnet_blocks]) noexcept {
  const double start = width < 1.0 ? 16.0 / width : 16.0;
  double planes = start;
  for (int i = 0; i < rexnet_blocks; ++i) {
    const int plain =
        round_half_even(f == family::lite ? width * (start + i * 164.0 / 15.0) : planes * width);
    channels[i] = f == family::v1 ? plain : make_divisible(plain, divisor);
    planes += 180.0 / 16.0;
  }
}

}  // namespace detail

/// Derives what follows from family, stem_c and the blocks' out_c in every ReXNet: inputs, expanded channels,
/// strides, residuals and activations.
constexpr void connect_blocks(config& c) noexcept {
  const activation act = c.family == family::lite ? activation::relu6 : activation::silu;
  c.stem_act = c.head_act = act;
  for (int i = 0; i < c.block_count; ++i) {
    block_config& b = c.blocks[i];
    b.in_c = i == 0 ? c.stem_c : c.blocks[i - 1].out_c;
    b.expand = i > 0;
    b.mid_c = b.in_c * (b.expand ? 6 : 1);
    b.stride = i == 1 || i == 3 || i == 5 || i == 11 ? 2 : 1;
    b.residual_c = b.stride == 1 && b.in_c <= b.out_c ? b.in_c : 0;
    b.expand_act = act;
  }
}

inline constexpr int min_width_hundredths = 10, max_width_hundredths = 1000, max_classes = 1 << 20;

/// The published architecture for a family and width.
/// @param width_hundredths 130 for 1.3x; min_width_hundredths .. max_width_hundredths
/// @param classes          width of the classifier, 0 .. max_classes; 0: a backbone, its features are the
/// output
/// @param divisor          rexnetr only: 8, or 16 for rexnetr_300
constexpr config config_for(family f, int width_hundredths, int classes, int divisor = 8) noexcept {
  config c;
  c.family = f;
  c.width_hundredths = width_hundredths;
  c.classes = classes;
  const double width = width_hundredths / 100.0;
  const int stem = width < 1.0 ? 32 : detail::round_half_even(32 * width);
  c.stem_c = f == family::v1 ? stem : detail::make_divisible(stem, f == family::lite ? 8 : divisor);

  int channels[rexnet_blocks] = {};
  detail::fill_channels(f, width, f == family::lite ? 8 : divisor, channels);
  for (int i = 0; i < rexnet_blocks; ++i) c.blocks[i].out_c = channels[i];
  connect_blocks(c);
  for (int i = 3; i < rexnet_blocks; ++i) {
    block_config& b = c.blocks[i];
    if (f != family::lite) {
      b.se_c = b.mid_c / 12;
      if (f == family::rexnetr) b.se_c = detail::make_divisible(b.se_c, divisor);
    }
  }
  c.head_c = static_cast<int>(1280 * width);
  if (f == family::lite) {
    c.head_c = width > 1.0 ? c.head_c : 1280;
    c.hidden_c = 1024;
  }
  if (f == family::rexnetr) c.head_c = detail::make_divisible(1280 * width, divisor);
  return c;
}

/// The block before the head.
[[nodiscard]] constexpr const block_config& last_block(const config& c) noexcept {
  return c.blocks[c.block_count - 1];
}

/// What a convolution with padding kernel / 2 leaves of a side: ceil(side / stride).
constexpr int strided(int side, int stride) noexcept {
  return (side + stride - 1) / stride;
}

/// What the stem and all blocks leave of a side: that of the head's map.
constexpr int last_side(const config& c, int side) noexcept {
  side = strided(side, 2);
  for (int i = 0; i < c.block_count; ++i) side = strided(side, c.blocks[i].stride);
  return side;
}

/// Width of what the classifier sees: the head's channels, or lite's hidden layer.
[[nodiscard]] constexpr int feature_c(const config& c) noexcept {
  return c.hidden_c > 0 ? c.hidden_c : c.head_c;
}

/// Floats that forward() gives for an image: the classes, or the features of a backbone without classifier.
[[nodiscard]] constexpr int output_c(const config& c) noexcept {
  return c.classes > 0 ? c.classes : feature_c(c);
}

namespace detail {

/// Calls visit(number of x, number of y) for everything that decides what a block computes and how its
/// weights lie.
template <class Visit>
constexpr void for_each_block_number(const block_config& x, const block_config& y, Visit& visit) noexcept {
  const auto act = [&visit](activation a, activation b) { visit(static_cast<int>(a), static_cast<int>(b)); };
  visit(x.in_c, y.in_c), visit(x.mid_c, y.mid_c), visit(x.out_c, y.out_c), visit(x.se_c, y.se_c);
  visit(x.stride, y.stride), visit(x.kernel, y.kernel), visit(x.residual_c, y.residual_c);
  visit(static_cast<int>(x.expand), static_cast<int>(y.expand));
  act(x.expand_act, y.expand_act), act(x.depthwise_act, y.depthwise_act), act(x.project_act, y.project_act);
  visit(static_cast<int>(x.se_first), static_cast<int>(y.se_first));
}

/// The same of a network; of as many blocks as a has.
template <class Visit>
constexpr void for_each_shape_number(const config& a, const config& b, Visit visit) noexcept {
  const auto act = [&visit](activation x, activation y) { visit(static_cast<int>(x), static_cast<int>(y)); };
  visit(static_cast<int>(a.family), static_cast<int>(b.family));
  visit(a.classes, b.classes), visit(a.stem_c, b.stem_c), visit(a.head_c, b.head_c);
  visit(a.hidden_c, b.hidden_c), visit(a.block_count, b.block_count);
  act(a.stem_act, b.stem_act), act(a.head_act, b.head_act), act(a.hidden_act, b.hidden_act);
  for (int i = 0; i < a.block_count; ++i) for_each_block_number(a.blocks[i], b.blocks[i], visit);
}

}  // namespace detail

/// The same network: what is computed and how its weights lie. (The nominal width may differ: where two
/// widths give the same channels, checkpoints cannot tell.)
[[nodiscard]] constexpr bool same_shape(const config& a, const config& b) noexcept {
  bool same = true;
  detail::for_each_shape_number(a, b, [&same](int x, int y) { same = same && x == y; });
  return same;
}

/// A number for same_shape(): plans and layouts carry it, so that forward() notices those of another network.
/// FNV-1a; never 0.
[[nodiscard]] constexpr std::uint64_t fingerprint(const config& c) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  detail::for_each_shape_number(
      c, c, [&hash](int x, int) { hash = (hash ^ static_cast<std::uint32_t>(x)) * 0x100000001b3u; });
  return hash != 0 ? hash : 1;
}

inline constexpr int max_channels = 1 << 16;  ///< of a block's input or output

namespace detail {

/// The activations that fuse with a kernel's sums; sigmoid is squeeze-excite's alone.
constexpr bool is_layer_activation(activation a) noexcept {
  return a == activation::none || a == activation::relu || a == activation::relu6 || a == activation::silu;
}
/// Those that the depthwise and dense kernels have.
constexpr bool is_clip(activation a) noexcept {
  return a == activation::none || a == activation::relu || a == activation::relu6;
}
constexpr bool in_range(int v, int low, int high) noexcept {
  return v >= low && v <= high;
}

/// Whether block i, which follows a map of `in_c` channels, is one that the engine runs. Block 0 runs with
/// the stem: nothing keeps what it would add, nor the whole map that squeeze-excite needs.
constexpr bool is_runnable_block(const block_config& b, int i, int in_c) noexcept {
  const bool first = i == 0;
  return b.in_c == in_c && in_range(b.out_c, 1, max_channels) && (b.kernel == 3 || b.kernel == 5) &&
         (b.stride == 1 || (b.stride == 2 && !first)) && b.expand == !first &&
         (first ? b.mid_c == b.in_c && b.se_c == 0 && b.residual_c == 0
                : in_range(b.mid_c, 1, 6 * max_channels)) &&
         in_range(b.se_c, 0, max_classes) &&
         (b.residual_c == 0 || (b.residual_c == b.in_c && b.in_c <= b.out_c && b.stride == 1)) &&
         is_layer_activation(b.expand_act) && is_clip(b.depthwise_act) && is_layer_activation(b.project_act);
}

}  // namespace detail

/// Whether the engine can run a network: channels within limits and following from each other, kernels 3 or
/// 5, strides 1 or 2, activations that the kernels have. True of all that config_for() gives.
[[nodiscard]] constexpr bool is_runnable(const config& c) noexcept {
  using detail::in_range;
  bool good = in_range(c.width_hundredths, min_width_hundredths, max_width_hundredths) &&
              in_range(c.classes, 0, max_classes) && in_range(c.stem_c, 1, max_channels) &&
              in_range(c.head_c, 1, max_classes) && in_range(c.hidden_c, 0, max_classes) &&
              in_range(c.block_count, 1, max_blocks) && detail::is_layer_activation(c.stem_act) &&
              detail::is_layer_activation(c.head_act) && detail::is_clip(c.hidden_act);
  for (int i = 0; i < max_blocks && good && i < c.block_count; ++i)
    good = detail::is_runnable_block(c.blocks[i], i, i == 0 ? c.stem_c : c.blocks[i - 1].out_c);
  return good;
}

/// Learned parameters with BatchNorm unfolded, as PyTorch counts them (weights, biases, BN gamma and beta).
constexpr std::int64_t parameter_count(const config& c) noexcept {
  const auto conv_bn = [](std::int64_t weights, std::int64_t out_c) { return weights + 2 * out_c; };
  std::int64_t n = conv_bn(std::int64_t{27} * c.stem_c, c.stem_c);
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    const std::int64_t mid = b.mid_c;
    if (b.expand) n += conv_bn(mid * b.in_c, mid);
    n += conv_bn(mid * b.kernel * b.kernel, mid);
    if (b.se_c > 0) n += 2 * mid * b.se_c + b.se_c + mid + std::int64_t{2} * b.se_c;
    n += conv_bn(mid * b.out_c, b.out_c);
  }
  const std::int64_t last_c = last_block(c).out_c;
  n += conv_bn(last_c * c.head_c, c.head_c);
  std::int64_t features = c.head_c;
  if (c.hidden_c > 0) {
    n += features * c.hidden_c + c.hidden_c + 2 * std::int64_t{c.hidden_c};
    features = c.hidden_c;
  }
  return n + features * c.classes + c.classes;
}

/// Multiply-adds of one image of h x w pixels: convolutions, squeeze-excite and dense layers.
constexpr std::int64_t multiply_adds(const config& c, int h, int w) noexcept {
  std::int64_t y = strided(h, 2), x = strided(w, 2);
  std::int64_t n = y * x * 27 * c.stem_c;
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    const std::int64_t mid = b.mid_c;
    if (b.expand) n += y * x * b.in_c * mid;
    y = strided(static_cast<int>(y), b.stride);
    x = strided(static_cast<int>(x), b.stride);
    n += y * x * mid * (b.kernel * b.kernel + b.out_c) + 2 * mid * b.se_c;
  }
  n += y * x * last_block(c).out_c * c.head_c;
  return n + std::int64_t{c.head_c} * c.hidden_c + std::int64_t{feature_c(c)} * c.classes;
}

/// A configuration that is a type: all sizes of network<static_config<...>> are compile-time constants.
template <family Family, int WidthHundredths, int Classes, int Divisor = 8>
struct static_config {
  /// The configuration itself.
  static constexpr config value = config_for(Family, WidthHundredths, Classes, Divisor);
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ARCH_CONFIG_HPP
// ---- rexnet/core/padding.hpp
// How channels are padded: the layout constants that plan, packed weights and kernels share.
#ifndef REXNET_CORE_PADDING_HPP
#define REXNET_CORE_PADDING_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Output channels of a packed weight panel: weights are [ceil(out_c / 16)][k][16], zero padded.
inline constexpr int panel_c = 16;
/// Channels of a pixel are padded to this many floats in the network's own maps.
inline constexpr int pixel_pad = 8;

template <class T>
[[nodiscard]] constexpr T round_up(T value, int multiple) noexcept {
  const auto step = static_cast<T>(multiple);
  return (value + step - 1) / step * step;
}
[[nodiscard]] constexpr int padded_c(int channels) noexcept {
  return round_up(channels, pixel_pad);
}
/// Floats from pixel to pixel of a block's expanded map. Whole cache lines, because a vector of AVX-512 that
/// lies across two costs two loads (Zen 5: depthwise on a row of 56 pixels of 162 channels takes 1.9 us with
/// 168 floats a pixel, 1.3 to 1.6 with 176); an odd number of them, because a slice of channels writes its
/// lines of every pixel, and steps of 2 kB would send all to the same sets of a cache (504 channels padded to
/// 512: expand and depthwise 111 us, to 528 100 us).
[[nodiscard]] constexpr int mid_step(int channels) noexcept {
  return round_up(channels, panel_c) | panel_c;
}
[[nodiscard]] constexpr int panel_count(int channels) noexcept {
  return round_up(channels, panel_c) / panel_c;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_PADDING_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

inline constexpr int max_threads = 64;
inline constexpr int max_input_side = 1 << 14;

struct block_plan {
  bool bands = false;
  int h = 0, w = 0, oh = 0, ow = 0;
  int step_rows = 0;  ///< output rows per turn of the ring
  int ring_rows = 0;  ///< input rows that the ring holds
  int chunks = 0;     ///< bands: chunks of output rows; slices: chunks of channels
  int slice_c = 0;    ///< slices: channels per chunk, a multiple of 16
  int groups = 0;     ///< slices: chunks of the project phase, of pixels or (by_columns) of output channels
  bool by_columns = false;
  // Offsets into the workspace, in floats.
  std::int64_t in = 0, mid = 0, out = 0;
  std::int64_t scratch = 0, scratch_floats = 0;  ///< of worker 0, and floats per worker
};

/// Trivially copyable; valid for one configuration, input size and thread count.
struct plan {
  int h = 0;                           ///< rows of the input
  int w = 0;                           ///< columns of the input
  int threads = 1;                     ///< workers that it is cut for
  block_plan blocks[max_blocks] = {};  ///< in the order of the network
  /// @cond internal
  std::int64_t sums = 0, squeezed = 0, scale = 0, pooled = 0, hidden = 0;  ///< vectors, offsets in floats
  std::int64_t head_scratch = 0, head_scratch_floats = 0;  ///< of worker 0, and floats per worker
  /// @endcond
  std::int64_t total_floats = 0;  ///< of the workspace
  std::uint64_t fingerprint = 0;  ///< of the network; 0: a plan that make_plan() did not make

  /// False only on 32-bit machines, for huge inputs.
  [[nodiscard]] constexpr bool fits_memory() const noexcept {
    return total_floats <= static_cast<std::int64_t>(static_cast<std::size_t>(-1) / 2 / sizeof(float));
  }
  /// More than any memory where it does not fit.
  [[nodiscard]] constexpr std::size_t workspace_bytes() const noexcept {
    return fits_memory() ? static_cast<std::size_t>(total_floats) * sizeof(float)
                         : static_cast<std::size_t>(-1);
  }
};

namespace detail {

/// Phase counters at the workspace's start, 16 floats each: at most 5 phases a block (slices, squeeze,
/// excite, project, tap), and stem tap, head tap, head, hidden, tap, two for the classifier.
constexpr std::int64_t phase_slots(const config& c) noexcept {
  return 5 * std::int64_t{c.block_count} + 7;
}
/// A slice's ring of expanded rows: 100 kB holds 32 channels of a whole 28 x 28 map and stays in any L2.
inline constexpr std::int64_t slice_ring_floats = 25600;
inline constexpr int slice_channels = 32;  ///< at most mean_channels
/// Pixels of the head's intermediate tile.
inline constexpr int head_pixels = 56;
/// A project group's input, 640 kB, stays in L2 (or L3) while the weights stream past it: a 7 x 7 map of
/// v1 3.0x in one group reads them once (2 % of the pass against 256 kB).
inline constexpr std::int64_t group_floats = 163840;

/// Buffers start on a cache line: 16 floats.
constexpr std::int64_t pad16(std::int64_t v) noexcept {
  return round_up(v, 16);
}
constexpr int ceil_div(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<int>((a + b - 1) / b);
}
template <class T>
constexpr T larger(T a, T b) noexcept {
  return a > b ? a : b;
}
template <class T>
constexpr T smaller(T a, T b) noexcept {
  return a < b ? a : b;
}

/// Floats of the three zero-padded input rows that the stem reads.
constexpr std::int64_t stem_rows_floats(int w) noexcept {
  return 3 * pad16((std::int64_t{w} + 2) * 3);
}

/// A block in slices. @param sizes with the sides of its maps
constexpr block_plan plan_slices(const block_config& b, block_plan sizes, int threads) noexcept {
  const std::int64_t pixels = std::int64_t{sizes.oh} * sizes.ow;
  const int h = sizes.h, w = sizes.w;
  sizes.slice_c = slice_channels;
  sizes.chunks = ceil_div(b.mid_c, sizes.slice_c);
  const int fitting = static_cast<int>(slice_ring_floats / (std::int64_t{w} * sizes.slice_c));
  sizes.ring_rows = smaller(h, larger(fitting, b.kernel));
  sizes.step_rows =
      sizes.ring_rows == h ? sizes.oh : smaller(sizes.oh, (sizes.ring_rows - b.kernel) / b.stride + 1);
  // Two threads with half of a 7 x 7 map each would both read all weights, up to 5 MB of them: where there
  // are enough columns to share, each thread reads its own. (v1 3.0x, two threads: 1.4 % of the pass.)
  if (threads > 1 && pixels <= 64 && ceil_div(b.out_c, slice_channels) >= 6 * threads) {
    sizes.by_columns = true;
    sizes.groups = ceil_div(b.out_c, slice_channels);
    return sizes;
  }
  sizes.groups =
      smaller(static_cast<int>(pixels), larger(threads, ceil_div(pixels * mid_step(b.mid_c), group_floats)));
  return sizes;
}

constexpr block_plan plan_block(const block_config& b, int index, int h, int w, int threads) noexcept {
  block_plan sizes;
  sizes.h = h;
  sizes.w = w;
  sizes.oh = strided(h, b.stride);
  sizes.ow = strided(w, b.stride);
  const std::int64_t pixels = std::int64_t{sizes.oh} * sizes.ow;
  sizes.bands = index == 0 || (b.se_c == 0 && (sizes.ow >= 24 || pixels >= 576));
  if (sizes.bands) {
    // At least 28 pixels a turn: two or more full register tiles in every kernel.
    sizes.step_rows = smaller(sizes.oh, ceil_div(28, sizes.ow));
    // Each chunk but the first expands kernel - stride rows twice: no chunk below 14 rows.
    const int rows = threads == 1
                         ? sizes.oh
                         : larger(ceil_div(sizes.oh, std::int64_t{2} * threads), smaller(sizes.oh, 14));
    sizes.chunks = ceil_div(sizes.oh, rows);
    sizes.ring_rows = smaller(h, (sizes.step_rows - 1) * b.stride + b.kernel);
    return sizes;
  }
  return plan_slices(b, sizes, threads);
}

/// Scratch that one worker needs for a block.
constexpr std::int64_t block_scratch(const block_config& b, const block_plan& sizes, int index,
                                     int input_w) noexcept {
  if (!sizes.bands) return pad16(std::int64_t{sizes.ring_rows} * sizes.w * sizes.slice_c);
  const std::int64_t ring = pad16(std::int64_t{sizes.ring_rows} * sizes.w * mid_step(b.mid_c));
  return ring + pad16(std::int64_t{sizes.step_rows} * sizes.ow * mid_step(b.mid_c)) +
         (index == 0 ? stem_rows_floats(input_w) : 0);
}

}  // namespace detail

/// The plan for h x w pixels on `threads` threads.
/// Precondition: 1 <= h, w <= max_input_side, 1 <= threads <= max_threads (network::make_plan checks).
[[nodiscard]] constexpr plan make_plan(const config& c, int h, int w, int threads) noexcept {
  using namespace detail;
  plan p;
  p.h = h;
  p.w = w;
  p.threads = threads;
  p.fingerprint = fingerprint(c);

  // Sizes first: the maps of one block share an arena in which input and output stand at opposite ends, with
  // the workers' scratch in the gap. The output of slices without a residual takes the place of their input.
  std::int64_t in_floats[max_blocks + 1] = {}, mid_floats[max_blocks] = {};
  std::int64_t arena = 0, max_mid = 0, max_se = 0;
  int y = strided(h, 2), x = strided(w, 2);
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    p.blocks[i] = plan_block(b, i, y, x, threads);
    y = p.blocks[i].oh;
    x = p.blocks[i].ow;
    const std::int64_t pixels = std::int64_t{y} * x;
    in_floats[i + 1] = pad16(pixels * padded_c(b.out_c));
    mid_floats[i] = p.blocks[i].bands ? 0 : pad16(pixels * mid_step(b.mid_c));
    const bool in_place = !p.blocks[i].bands && !b.residual();
    p.blocks[i].scratch_floats = block_scratch(b, p.blocks[i], i, w);
    arena = larger(arena,
                   p.blocks[i].scratch_floats * threads + mid_floats[i] +
                       (in_place ? larger(in_floats[i], in_floats[i + 1]) : in_floats[i] + in_floats[i + 1]));
    max_mid = larger(max_mid, pad16(b.mid_c));
    max_se = larger(max_se, pad16(b.se_c));
  }
  p.head_scratch_floats = larger(std::int64_t{head_pixels} * slice_channels, stem_rows_floats(w));
  arena = larger(arena, in_floats[c.block_count] + p.head_scratch_floats * threads);

  std::int64_t next = phase_slots(c) * 16;
  const auto take = [&next](std::int64_t floats) {
    const std::int64_t offset = next;
    next += pad16(floats);
    return offset;
  };
  p.sums = take(max_mid);
  p.squeezed = take(max_se);
  p.scale = take(max_mid);
  p.pooled = take(c.head_c);
  p.hidden = take(c.hidden_c);
  const std::int64_t low = take(arena), high = low + arena;
  bool at_low = true;  // where the current block's input stands
  for (int i = 0; i < c.block_count; ++i) {
    block_plan& b = p.blocks[i];
    const std::int64_t in = in_floats[i], out = in_floats[i + 1], mid = mid_floats[i];
    const bool in_place = !b.bands && !c.blocks[i].residual();
    const bool out_low = in_place ? at_low : !at_low;
    const std::int64_t kept = larger(in, in_place ? out : 0);  // at the input's end until the block is done
    b.in = at_low ? low : high - in;
    b.out = out_low ? low : high - out;
    b.mid = at_low ? low + kept : high - kept - mid;
    b.scratch = low + (at_low ? kept + mid : in_place ? 0 : out);
    at_low = out_low;
  }
  p.head_scratch = at_low ? high - p.head_scratch_floats * threads : low;
  p.total_floats = next;
  return p;
}

/// Bytes of workspace that forward() needs for one configuration, input size and thread count: a constant
/// expression, e.g. `alignas(64) static unsigned char workspace[workspace_bytes(c, 224, 224, 1)];`.
[[nodiscard]] constexpr std::size_t workspace_bytes(const config& c, int h, int w, int threads) noexcept {
  return make_plan(c, h, w, threads).workspace_bytes();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_PLAN_HPP
// ---- rexnet/payload/layout.hpp
// Where each folded weight lies in the packed payload: offsets in bytes, computed from the configuration and
// the type of the numbers alone, at compile time or at run time. Independent of the instruction set.
//
//   1x1 convolution, dense layer   panels (payload/panel.hpp) of k = in_c inputs
//   stem 3x3                       panels of k = 3 * 3 * 3: rows, columns, RGB
//   depthwise KxK                  panels of k = K * K, each channel with its own taps
//   bias                           [ceil(out_c / 16) * 16], float32 (float16 where the weights are)
// all zero padded; every offset is a multiple of 16 numbers, and of 64 bytes except in float16.
#ifndef REXNET_PAYLOAD_LAYOUT_HPP
#define REXNET_PAYLOAD_LAYOUT_HPP

// ---- rexnet/payload/panel.hpp
// How a layer's weights are packed: panels of 16 output channels, [ceil(out_c / 16)][ceil(k / g)][16][g],
// zero padded. g inputs lie together, as many as make four bytes: what a dot product of 8-bit or bfloat16
// numbers takes in one step. float16 is stored only, expanded before it is used, and keeps g = 1.
#ifndef REXNET_PAYLOAD_PANEL_HPP
#define REXNET_PAYLOAD_PANEL_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// The type of a packed file's numbers. These values are in files.
enum class element_type : std::uint8_t {
  f32 = 0,   ///< float
  f16 = 1,   ///< IEEE 754 binary16, as a form to store
  bf16 = 2,  ///< bfloat16: room in the layout, no kernels yet
  i8 = 3     ///< signed 8-bit integers: room in the layout, no kernels yet
};

[[nodiscard]] constexpr int element_bytes(element_type t) noexcept {
  return t == element_type::f32 ? 4 : t == element_type::i8 ? 1 : 2;
}
/// "float32", as files and tools print it.
[[nodiscard]] constexpr const char* element_name(element_type t) noexcept {
  switch (t) {
    case element_type::f32: return "float32";
    case element_type::f16: return "float16";
    case element_type::bf16: return "bfloat16";
    case element_type::i8: return "int8";
  }
  return "unknown";
}

/// Inputs that lie together: g.
[[nodiscard]] constexpr int panel_group(element_type t) noexcept {
  return t == element_type::i8 ? 4 : t == element_type::bf16 ? 2 : 1;
}
/// Numbers of a whole layer, padding included.
[[nodiscard]] constexpr std::int64_t panel_numbers(int k, int out_c, int group = 1) noexcept {
  return round_up(std::int64_t{out_c}, panel_c) * round_up(std::int64_t{k}, group);
}
/// Where the weight of output channel o for input i is. Precondition: 0 <= o, 0 <= i < k.
[[nodiscard]] constexpr std::int64_t panel_index(int k, int o, int i, int group = 1) noexcept {
  const std::int64_t step = round_up(std::int64_t{k}, group) / group;
  return ((o / panel_c * step + i / group) * panel_c + o % panel_c) * group + i % group;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PANEL_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// A layer's weights, then its bias. What a number type adds (scales, sums of columns) gets offsets of its
/// own here.
struct layer_layout {
  std::int64_t weights = 0;  ///< offset in bytes
  std::int64_t bias = 0;     ///< offset in bytes
  int k = 0;                 ///< inputs per output: in_c, 27, K * K, or features
  int out_c = 0;             ///< 0: the layer does not exist
};

struct block_layout {
  layer_layout expand, depthwise, squeeze, excite, project;
};

struct weights_layout {
  layer_layout stem;
  block_layout blocks[max_blocks];
  layer_layout head, hidden, classifier;
  std::int64_t bytes = 0;                 ///< of the whole payload
  std::uint64_t fingerprint = 0;          ///< of the network
  element_type type = element_type::f32;  ///< of the weights
};

/// Calls visit(layer, k, out_c) for every layer in the order of the file.
template <class Layout, class Visit>
constexpr void for_each_layer(const config& c, Layout& l, Visit visit) {
  visit(l.stem, 27, c.stem_c);
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    auto& block = l.blocks[i];
    visit(block.expand, b.in_c, b.expand ? b.mid_c : 0);
    visit(block.depthwise, b.kernel * b.kernel, b.mid_c);
    visit(block.squeeze, b.mid_c, b.se_c);
    visit(block.excite, b.se_c, b.se_c > 0 ? b.mid_c : 0);
    visit(block.project, b.mid_c, b.out_c);
  }
  visit(l.head, last_block(c).out_c, c.head_c);
  visit(l.hidden, c.head_c, c.hidden_c);
  visit(l.classifier, c.hidden_c > 0 ? c.hidden_c : c.head_c, c.classes);
}

[[nodiscard]] constexpr weights_layout layout_of(const config& c,
                                                 element_type type = element_type::f32) noexcept {
  const int bias_bytes = type == element_type::f16 ? 2 : 4;
  weights_layout l;
  std::int64_t next = 0;
  for_each_layer(c, l, [&](layer_layout& layer, int k, int out_c) {
    layer.k = k;
    layer.out_c = out_c;
    layer.weights = next;
    layer.bias = next + panel_numbers(k, out_c, panel_group(type)) * element_bytes(type);
    next = layer.bias + round_up(std::int64_t{out_c}, panel_c) * bias_bytes;
  });
  l.bytes = next;
  l.fingerprint = fingerprint(c);
  l.type = type;
  return l;
}

namespace detail {

/// For visits that need no offsets: 3 kB less of stack.
struct no_layout {
  struct block {
    int expand = 0, depthwise = 0, squeeze = 0, excite = 0, project = 0;
  };
  struct any_block {
    block one;
    constexpr block& operator[](int) noexcept { return one; }
  };
  int stem = 0;
  any_block blocks;
  int head = 0, hidden = 0, classifier = 0;
};

}  // namespace detail

/// Numbers in the payload of a network: each is 4 bytes in memory, 2 in a file of float16.
[[nodiscard]] constexpr std::int64_t packed_numbers(const config& c) noexcept {
  std::int64_t numbers = 0;
  detail::no_layout none;
  for_each_layer(c, none, [&numbers](int&, int k, int out_c) {
    numbers += panel_numbers(k, out_c) + round_up(std::int64_t{out_c}, panel_c);
  });
  return numbers;
}

/// A layer of a float32 payload in memory.
/// @tparam Float float, or const float
template <class Float>
struct layer_numbers {
  Float* weights;  ///< panels
  Float* bias;     ///< out_c
  int k;           ///< inputs per output
  int out_c;       ///< output channels

  /// Of output channel o for input i.
  [[nodiscard]] constexpr Float& weight(int o, int i) const noexcept { return weights[panel_index(k, o, i)]; }
  /// From output channel first_c, a multiple of 16, on.
  [[nodiscard]] constexpr layer_numbers from(int first_c) const noexcept {
    return {weights + panel_index(k, first_c, 0), bias + first_c, k, out_c - first_c};
  }
};

/// Precondition: a payload in the layout of layout_of() for float32, of which `l` is a layer.
template <class Float>
[[nodiscard]] constexpr layer_numbers<Float> numbers_of(Float* payload, const layer_layout& l) noexcept {
  return {payload + l.weights / 4, payload + l.bias / 4, l.k, l.out_c};
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_LAYOUT_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// A layer's packed weights and bias, from output channel `first_c` (a multiple of 16) on.
struct layer_weights {
  const float* weights;
  const float* bias;
};
[[nodiscard]] inline layer_weights at(const float* payload, const layer_layout& l, int first_c = 0) noexcept {
  const layer_numbers<const float> from = numbers_of(payload, l).from(first_c);
  return {from.weights, from.bias};
}

/// A 1x1 layer's `channels` outputs for pixels `in_step` floats apart; `threads` claim such slices of it.
inline void pointwise_layer(const kernel_table& kernels, layer_weights w, int k, const float* in,
                            std::ptrdiff_t in_step, std::ptrdiff_t pixels, float* out,
                            std::ptrdiff_t out_step, int channels, activation act, int threads) noexcept {
  pointwise_args a{};
  a.segment = &in;
  a.segments = 1;
  a.run = k;
  a.pixel_step = in_step;
  a.pixels = pixels;
  a.weights = w.weights;
  a.bias = w.bias;
  a.out = out;
  a.out_step = out_step;
  a.out_c = channels;
  a.act = act;
  a.last_c = channels;
  a.ahead = 2 * threads;
  kernels.pointwise(a);
}

/// The stem's convolution, row by row: 3x3, stride 2, padding 1, from 3 channels.
struct stem_rows {
  const kernel_table* kernels;
  input_rows input;
  layer_weights weights;
  int stem_c;  ///< channels that may be written
  activation act;
  float* scratch;   ///< stem_rows_floats(input.w): a ring of three input rows
  int next_y = -1;  ///< the output row whose first input row is in the ring already

  /// Output row y to out, [ceil(w / 2)] pixels of `step` floats.
  void compute(int y, float* out, std::ptrdiff_t step) noexcept {
    const auto row_floats = static_cast<std::ptrdiff_t>(stem_rows_floats(input.w) / 3);
    const float* rows[3];
    for (int ky = 0; ky < 3; ++ky) {
      const int iy = 2 * y - 1 + ky;
      float* row = scratch + (iy + 1) % 3 * row_floats;
      if (ky > 0 || y != next_y) input.copy_padded(iy, row);
      rows[ky] = row;
    }
    next_y = y + 1;
    pointwise_args a{};
    a.segment = rows;
    a.segments = 3;
    a.run = 9;
    a.pixel_step = 6;
    a.weights = weights.weights;
    a.bias = weights.bias;
    a.out = out;
    a.out_step = step;
    a.out_c = stem_c;
    a.act = act;
    a.pixels = strided(input.w, 2);
    a.last_c = stem_c;
    a.ahead = 2;
    kernels->pointwise(a);
  }
};

/// The network that a block belongs to.
struct network_context {
  const kernel_table* kernels;
  const config* net;
  const weights_layout* layout;
  const float* payload;
  const plan* how;  ///< the whole network's plan
  float* workspace;
};

/// Everything a block's phases share.
struct block_context : network_context {
  const block_config* shape;
  const block_layout* layers;
  const block_plan* place;
  float* outputs = nullptr;  ///< where the outputs go, [pixels][out_c]; null: to the workspace, padded

  [[nodiscard]] const block_config& block() const noexcept { return *shape; }
  [[nodiscard]] const block_layout& weights() const noexcept { return *layers; }
  [[nodiscard]] const block_plan& sizes() const noexcept { return *place; }
  /// Channels of an output pixel that may be written, and floats from one to the next.
  [[nodiscard]] int written_c() const noexcept {
    return outputs != nullptr ? shape->out_c : padded_c(shape->out_c);
  }
  [[nodiscard]] float* scratch(int worker) const noexcept {
    return workspace + sizes().scratch + worker * sizes().scratch_floats;
  }
};

/// Channels computed for `c` of an expanded map: no vector is cut. At most mid_step(c).
constexpr int whole_vectors(const kernel_table& kernels, int c) noexcept {
  return round_up(c, larger(pixel_pad, kernels.width));
}

/// What follows the depthwise convolution at once, and what follows the factors of squeeze-excite.
constexpr activation before_squeeze(const block_config& b) noexcept {
  return b.se_c > 0 && b.se_first ? activation::none : b.depthwise_act;
}
constexpr activation after_squeeze(const block_config& b) noexcept {
  return b.se_first ? b.depthwise_act : activation::none;
}

/// What part of a block one worker expands and convolves.
struct expanded_part {
  int first_c, channels;  ///< channels [first_c, first_c + channels)
  int begin, end;         ///< output rows [begin, end)
  float* ring;            ///< the ring of expanded rows
  int ring_step;          ///< floats of a pixel there
  float* sums;            ///< the outputs are added to these, one a channel; or null
  activation act;         ///< after the depthwise convolution
};

/// Expands and convolves a part, a turn of the ring at a time. expand_rows(y, until, to) expands input rows
/// [y, until); out_rows(y, d) says where output row y goes; turn(y, rows) follows its rows.
template <class ExpandRows, class OutRows, class Turn>
void expand_depthwise(const block_context& b, const expanded_part& part, ExpandRows&& expand_rows,
                      OutRows&& out_rows, Turn&& turn) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const int pad = cfg.kernel / 2;
  const layer_weights w = at(b.payload, b.weights().depthwise, part.first_c);

  depthwise_args d{};
  d.in = part.ring;
  d.in_row = static_cast<std::ptrdiff_t>(sizes.w) * part.ring_step;
  d.in_step = part.ring_step;
  d.ring_rows = sizes.ring_rows;
  d.h = sizes.h;
  d.w = sizes.w;
  d.kernel = cfg.kernel;
  d.stride = cfg.stride;
  d.weights = w.weights;
  d.bias = w.bias;
  d.ow = sizes.ow;
  d.c = part.channels;
  d.act = part.act;
  d.sums = part.sums;

  // Input rows before this one are in the ring, or no longer needed.
  int have = larger(0, part.begin * cfg.stride - pad);
  for (int y = part.begin; y < part.end; y += sizes.step_rows) {
    d.first_y = y;
    d.rows = smaller(sizes.step_rows, part.end - y);
    const int need = smaller(sizes.h, (y + d.rows - 1) * cfg.stride - pad + cfg.kernel);
    while (have < need) {
      const int until =
          smaller(need, have + sizes.ring_rows - have % sizes.ring_rows);  // the ring wraps here
      expand_rows(have, until, part.ring + have % sizes.ring_rows * d.in_row);
      have = until;
    }
    out_rows(y, d);
    b.kernels->depthwise(d);
    turn(y, d.rows);
  }
}

/// The expand convolution of input rows [y, until) into consecutive rows at out.
inline void expand_block_rows(const block_context& b, int first_c, int channels, int out_step, int y,
                              int until, float* out) noexcept {
  const block_plan& sizes = b.sizes();
  const std::ptrdiff_t in_step = padded_c(b.block().in_c);
  pointwise_layer(*b.kernels, at(b.payload, b.weights().expand, first_c), b.block().in_c,
                  b.workspace + sizes.in + static_cast<std::ptrdiff_t>(y) * sizes.w * in_step, in_step,
                  static_cast<std::ptrdiff_t>(until - y) * sizes.w, out, out_step, channels,
                  b.block().expand_act, sizes.bands ? 1 : b.how->threads);
}

/// The project convolution of pixels [first, first + count), output channels [first_c, last_c): mid holds the
/// first pixel.
inline void project_pixels(const block_context& b, const float* mid, std::ptrdiff_t first,
                           std::ptrdiff_t count, int first_c, int last_c) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const layer_weights w = at(b.payload, b.weights().project);
  pointwise_args a{};
  a.segment = &mid;
  a.segments = 1;
  a.run = cfg.mid_c;
  a.pixel_step = mid_step(cfg.mid_c);
  a.weights = w.weights;
  a.bias = w.bias;
  a.out_step = b.written_c();
  a.out = (b.outputs != nullptr ? b.outputs : b.workspace + sizes.out) + first * a.out_step;
  a.out_c = b.written_c();
  a.act = cfg.project_act;
  if (cfg.residual()) {
    a.residual_step = padded_c(cfg.in_c);
    a.residual = b.workspace + sizes.in + first * a.residual_step;
    a.residual_c = padded_c(cfg.residual_c);
  }
  a.pixels = count;
  a.first_c = first_c;
  a.last_c = last_c;
  a.ahead = sizes.by_columns ? 2 * b.how->threads : 2;
  b.kernels->pointwise(a);
}

/// Bands: output rows of chunk `chunk`, all the way through the block. Block 0 takes its rows from the stem.
inline void band_chunk(const block_context& b, int chunk, int worker, const input_rows& input) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const int channels = whole_vectors(*b.kernels, cfg.mid_c), step = mid_step(cfg.mid_c);
  const int begin = static_cast<int>(std::int64_t{sizes.oh} * chunk / sizes.chunks);
  const int end = static_cast<int>(std::int64_t{sizes.oh} * (chunk + 1) / sizes.chunks);
  float* const ring = b.scratch(worker);
  float* const mid = ring + pad16(static_cast<std::int64_t>(sizes.ring_rows) * sizes.w * step);
  const std::ptrdiff_t mid_row = static_cast<std::ptrdiff_t>(sizes.ow) * step;
  stem_rows stem{b.kernels, input,           at(b.payload, b.layout->stem),
                 channels,  b.net->stem_act, mid + pad16(sizes.step_rows * mid_row)};

  expand_depthwise(
      b, {0, channels, begin, end, ring, step, nullptr, cfg.depthwise_act},
      [&](int y, int until, float* out) {
        if (cfg.expand)
          expand_block_rows(b, 0, channels, step, y, until, out);
        else
          for (int r = y; r < until; ++r)
            stem.compute(r, out + static_cast<std::ptrdiff_t>(r - y) * sizes.w * step, step);
      },
      [&](int, depthwise_args& d) {
        d.out = mid;
        d.out_row = mid_row;
        d.out_step = step;
      },
      [&](int y, int rows) {
        project_pixels(b, mid, static_cast<std::ptrdiff_t>(y) * sizes.ow,
                       static_cast<std::ptrdiff_t>(rows) * sizes.ow, 0, b.written_c());
      });
}

/// Slices of a block without expand and squeeze-excite: the depthwise convolution of a slice, of the map as
/// it is.
inline void depthwise_slice(const block_context& b, int chunk) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const int first_c = chunk * sizes.slice_c;
  const layer_weights w = at(b.payload, b.weights().depthwise, first_c);
  depthwise_args d{};
  d.in_step = padded_c(cfg.in_c);
  d.in_row = sizes.w * d.in_step;
  d.in = b.workspace + sizes.in + first_c;
  d.ring_rows = d.h = sizes.h;
  d.w = sizes.w;
  d.kernel = cfg.kernel;
  d.stride = cfg.stride;
  d.weights = w.weights;
  d.bias = w.bias;
  d.out_step = mid_step(cfg.mid_c);
  d.out_row = sizes.ow * d.out_step;
  d.out = b.workspace + sizes.mid + first_c;
  d.rows = sizes.oh;
  d.ow = sizes.ow;
  d.c = smaller(sizes.slice_c, padded_c(cfg.in_c) - first_c);
  d.act = cfg.depthwise_act;
  b.kernels->depthwise(d);
}

/// Slices, first phase: one slice of channels over the whole map, and its means for squeeze-excite.
inline void slice_chunk(const block_context& b, int chunk, int worker) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const int first_c = chunk * sizes.slice_c;
  const int channels = smaller(sizes.slice_c, whole_vectors(*b.kernels, cfg.mid_c) - first_c);
  const std::ptrdiff_t step = mid_step(cfg.mid_c);
  float* const mid = b.workspace + sizes.mid + first_c;
  float* const sums = cfg.se_c > 0 ? b.workspace + b.how->sums + first_c : nullptr;
  if (sums != nullptr)
    for (int c = 0; c < channels; ++c) sums[c] = 0.0f;
  mean_of_pixels mean;
  expand_depthwise(
      b, {first_c, channels, 0, sizes.oh, b.scratch(worker), sizes.slice_c, sums, before_squeeze(cfg)},
      [&](int y, int until, float* out) {
        expand_block_rows(b, first_c, channels, sizes.slice_c, y, until, out);
      },
      [&](int y, depthwise_args& d) {
        if (sums != nullptr) mean.add(sums, channels, static_cast<std::ptrdiff_t>(d.rows) * sizes.ow);
        d.out_row = sizes.ow * step;
        d.out = mid + y * d.out_row;
        d.out_step = step;
      },
      [](int, int) {});
  if (sums != nullptr) mean.finish(sums, channels);
}

/// Output channels of a chunk of a dense layer: eight panels.
inline constexpr int dense_chunk_c = 128;

/// A chunk of a dense layer from `in` to `out`.
inline void dense_chunk(const kernel_table& kernels, const float* payload, const layer_layout& l,
                        const float* in, float* out, int chunk, activation act) noexcept {
  const layer_weights w = at(payload, l);
  dense_args a{};
  a.in = in;
  a.k = l.k;
  a.weights = w.weights;
  a.bias = w.bias;
  a.out = out;
  a.out_c = l.out_c;
  a.first_c = chunk * dense_chunk_c;
  a.last_c = smaller(l.out_c, a.first_c + dense_chunk_c);
  a.act = act;
  kernels.dense(a);
}

/// Squeeze-excite's factors and what follows them, on `pixels` of an expanded map in place: `channels` of
/// them from `map` and `scale` on.
inline void scale_clip(const block_context& b, float* map, std::ptrdiff_t pixels, float* scale,
                       int channels) noexcept {
  sweep_args a{};
  a.map = map;
  a.pixels = pixels;
  a.step = mid_step(b.block().mid_c);
  a.vector = scale;
  a.c = channels;
  a.act = after_squeeze(b.block());
  b.kernels->scale_pixels(a);
}

/// Slices, the second dense layer: a chunk of scales. Where project goes by columns, scale and ReLU6 follow
/// on the chunk's channels.
inline void excite_chunk(const block_context& b, int chunk) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  float* const scale = b.workspace + b.how->scale;
  dense_chunk(*b.kernels, b.payload, b.weights().excite, b.workspace + b.how->squeezed, scale, chunk,
              activation::sigmoid);
  if (!sizes.by_columns) return;
  const int first = chunk * dense_chunk_c;
  scale_clip(b, b.workspace + sizes.mid + first, static_cast<std::ptrdiff_t>(sizes.oh) * sizes.ow,
             scale + first, smaller(dense_chunk_c, cfg.mid_c - first));
}

/// Slices, last phase: project some columns of all pixels, or some pixels after scale and ReLU6 in place.
inline void project_chunk(const block_context& b, int chunk) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(sizes.oh) * sizes.ow;
  if (sizes.by_columns) {
    const int first_c = chunk * slice_channels;
    project_pixels(b, b.workspace + sizes.mid, 0, pixels, first_c,
                   smaller(first_c + slice_channels, b.written_c()));
    return;
  }
  const auto begin = [=](int group) {
    return static_cast<std::ptrdiff_t>(std::int64_t{pixels} * group / sizes.groups);
  };
  const std::ptrdiff_t first = begin(chunk), last = begin(chunk + 1);
  const std::ptrdiff_t step = mid_step(cfg.mid_c);
  float* const mid = b.workspace + sizes.mid + first * step;
  if (cfg.se_c > 0) scale_clip(b, mid, last - first, b.workspace + b.how->scale, cfg.mid_c);
  project_pixels(b, mid, first, last - first, 0, b.written_c());
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_BLOCK_HPP
// ---- rexnet/engine/request.hpp
// What a caller asks of a forward pass: threads, intermediate maps, progress.
#ifndef REXNET_ENGINE_REQUEST_HPP
#define REXNET_ENGINE_REQUEST_HPP

// ---- rexnet/system/parallel.hpp
// Threads. The only header that uses OpenMP. One parallel region serves a whole image: workers walk through
// the same list of phases and claim the chunks of each phase from a counter.
//
// A worker waits only for chunks that another worker is executing right now. Therefore a pool that runs its
// tasks one after the other still finishes (the first task does all the work), and a slow core of a hybrid
// CPU just claims fewer chunks.
#ifndef REXNET_SYSTEM_PARALLEL_HPP
#define REXNET_SYSTEM_PARALLEL_HPP

// ---- rexnet/core/counter.hpp
// A counter that workers share. Compilers' own atomics instead of std::atomic, which leaves functions of
// namespace std behind at -O0: a dispatch unit (dispatch/unit.hpp) may have no functions but its own.
#ifndef REXNET_CORE_COUNTER_HPP
#define REXNET_CORE_COUNTER_HPP

#if defined(_MSC_VER) && !defined(__clang__)
#include <atomic>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

class shared_counter {
 public:
  /// Not atomic: before the workers start.
  void reset() noexcept { value_ = 0; }
#if defined(_MSC_VER) && !defined(__clang__)
  int take() noexcept {
    return value_.fetch_add(1, std::memory_order_relaxed);
  }
  void add(int n) noexcept {
    value_.fetch_add(n, std::memory_order_acq_rel);
  }
  [[nodiscard]] int read() const noexcept {
    return value_.load(std::memory_order_acquire);
  }

 private:
  std::atomic<int> value_{0};
#else
  /// The next number, from 0; orders nothing.
  int take() noexcept {
    return __atomic_fetch_add(&value_, 1, __ATOMIC_RELAXED);
  }
  /// A thread that reads the sum sees what the caller wrote before.
  void add(int n) noexcept {
    __atomic_fetch_add(&value_, n, __ATOMIC_ACQ_REL);
  }
  [[nodiscard]] int read() const noexcept {
    return __atomic_load_n(&value_, __ATOMIC_ACQUIRE);
  }

 private:
  int value_ = 0;
#endif
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_COUNTER_HPP

#if REXNET_OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <sched.h>
#elif defined(_WIN32)
#include <thread>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// A task of a user's pool: fn(context, index) must be called once for each index in [0, n), in any order and
/// on any threads, and all calls must have returned when the pool's function returns.
using task_function = void (*)(void* context, int index);

/// How forward() gets its threads: OpenMP by default, or a pool of the caller's own.
struct executor {
  /// pool(pool_context, fn, context, n); null: OpenMP if compiled with it, else the calling thread.
  void (*pool)(void* pool_context, task_function fn, void* context, int n) = nullptr;
  void* pool_context = nullptr;  ///< handed to the pool as it is
};

namespace detail {

#if REXNET_OPENMP
/// Apart from run_tasks(), because clang asks the runtime for the thread's number where the function begins:
/// one thread alone would start LLVM's OpenMP, a megabyte of it.
REXNET_NOINLINE inline void run_on_openmp(int n, task_function fn, void* context) noexcept {
#if defined(KMP_VERSION_MAJOR)
  // LLVM's threads would spin for 200 ms after the region, taking cores from the caller's own work. The
  // setting belongs to the calling thread and is restored afterwards. Another one than the default, from
  // KMP_BLOCKTIME or OMP_WAIT_POLICY in the environment, is left alone.
  const int blocktime = kmp_get_blocktime();
  if (blocktime == 200) kmp_set_blocktime(2);
#endif
#pragma omp parallel num_threads(n)
  fn(context, omp_get_thread_num());
#if defined(KMP_VERSION_MAJOR)
  kmp_set_blocktime(blocktime);
#endif
}
#endif

inline void run_tasks(const executor& e, int n, task_function fn, void* context) noexcept {
  if (n <= 1) {
    fn(context, 0);
    return;
  }
  if (e.pool != nullptr) {
    e.pool(e.pool_context, fn, context, n);
    return;
  }
#if REXNET_OPENMP
  run_on_openmp(n, fn, context);
#else
  for (int i = 0; i < n; ++i) fn(context, i);
#endif
}

/// Lets another thread have the CPU. On systems without threads there is nothing to wait for.
inline void yield() noexcept {
#if defined(__unix__) || defined(__APPLE__)
  sched_yield();
#elif defined(_WIN32)
  std::this_thread::yield();
#endif
}

/// Progress of one phase, in a cache line of its own, so that phases do not disturb each other.
struct alignas(64) phase_state {
  shared_counter claimed, finished;
};

/// Runs body(context, chunk) for chunks [0, chunks) together with the other workers; returns when all are
/// finished.
REXNET_NOINLINE inline void run_chunks(phase_state& phase, int chunks, bool alone,
                                       void (*body)(void* context, int chunk) noexcept,
                                       void* context) noexcept {
  if (alone) {
    for (int i = 0; i < chunks; ++i) body(context, i);
    return;
  }
  int ran = 0;
  for (int i; (i = phase.claimed.take()) < chunks; ++ran) body(context, i);
  if (ran > 0) phase.finished.add(ran);
  for (int spin = 0; phase.finished.read() < chunks; ++spin)
    if (spin > 2000) yield();  // another worker was taken off the CPU: it gets this one
}

/// The same with body(chunk). One copy of the loops serves a network's ten phases: 1.5 kB less.
template <class Body>
void run_phase(phase_state& phase, int chunks, bool alone, Body&& body) noexcept {
  run_chunks(
      phase, chunks, alone,
      [](void* context, int chunk) noexcept {
        (*static_cast<std::remove_reference_t<Body>*>(context))(chunk);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace detail

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_PARALLEL_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Intermediate maps to copy out while forward() runs, dense NHWC of one image after the other; null for
/// none. Asking for them does not change a bit of anything.
struct feature_taps {
  float* stem = nullptr;           ///< [n][ceil(h/2)][ceil(w/2)][stem_c], after its activation
  float* blocks[max_blocks] = {};  ///< [n][oh][ow][out_c]
  float* head = nullptr;           ///< [n][oh][ow][head_c], after its activation
  float* pooled = nullptr;         ///< [n][head_c]: the mean over the head's pixels
  float* features = nullptr;       ///< [n][feature_c(config)], what the classifier sees: pooled, or lite's
                                   ///< hidden layer after its activation
};

/// What a forward pass does, step by step.
enum class phase : unsigned char {
  bands,       ///< a whole block in row bands; block 0 with the stem
  slices,      ///< expand and depthwise of a block, and its means
  squeeze,     ///< squeeze-excite's first dense layer
  excite,      ///< and its second
  project,     ///< scale, ReLU6, project, residual
  head,        ///< the last 1x1 convolution and the global mean
  hidden,      ///< lite's extra layer
  classifier,  ///< or the copy of the features
  tap          ///< copies for feature_taps
};

/// A function that the calling thread calls after each phase: for profiles. `function` must not throw.
struct phase_observer {
  void (*function)(void* context, phase what,
                   int block) noexcept = nullptr;  ///< block: its index, or config::block_count behind them
  void* context = nullptr;                         ///< handed to the function as it is
};

/// How forward() runs. The defaults suit most callers.
struct forward_options {
  executor threads{};                  ///< OpenMP, or a pool of the caller's
  const feature_taps* taps = nullptr;  ///< maps to copy out; null for none
  phase_observer observer{};           ///< not called for images of a batch that run one per thread
};

namespace detail {

/// A checked call of forward().
struct forward_request {
  input_rows input;                 ///< of the first image
  std::ptrdiff_t image_stride = 0;  ///< floats from one image to the next
  int n = 0;
  bool image_per_thread = false;  ///< the workspace has room for that
  float* logits = nullptr;
  unsigned char* workspace = nullptr;
  forward_options options;
};

/// The taps of image `image` of the batch.
[[nodiscard]] inline feature_taps taps_of(const config& c, const plan& p, const feature_taps* taps,
                                          int image) noexcept {
  feature_taps t;
  if (taps == nullptr) return t;
  const auto shift = [image](float* base, std::int64_t floats) {
    return base == nullptr ? nullptr : base + image * floats;
  };
  t.stem = shift(taps->stem, std::int64_t{p.blocks[0].h} * p.blocks[0].w * c.stem_c);
  for (int i = 0; i < c.block_count; ++i)
    t.blocks[i] = shift(taps->blocks[i], std::int64_t{p.blocks[i].oh} * p.blocks[i].ow * c.blocks[i].out_c);
  const block_plan& last = p.blocks[c.block_count - 1];
  t.head = shift(taps->head, std::int64_t{last.oh} * last.ow * c.head_c);
  t.pooled = shift(taps->pooled, c.head_c);
  t.features = shift(taps->features, feature_c(c));
  return t;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_REQUEST_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

struct forward_pass : network_context {
  input_rows input;
  float* logits;
  feature_taps taps;  ///< of this image
  phase_observer observer;

  /// Precondition: at most how->threads workers at a time, each with its own index; prepare() was called.
  void work(int worker) const noexcept {
    auto* states = reinterpret_cast<phase_state*>(workspace);
    int next = 0;
    const auto each = [&](phase what, int block, int chunks, auto&& body) {
      run_phase(states[next++], chunks, how->threads == 1, body);
      if (observer.function != nullptr && worker == 0) observer.function(observer.context, what, block);
    };
    const int behind = net->block_count;

    // Before block 0 the arena is free, so the stem's map may use the head's scratch.
    if (taps.stem != nullptr) each(phase::tap, 0, 1, [&](int) { stem_map(worker); });
    blocks(each, 0, net->block_count, worker);
    if (taps.head != nullptr)
      each(phase::tap, behind, 1,
           [&](int) { head_pixels_to(taps.head, 0, last_pixels(), 0, net->head_c, net->head_c); });
    each(phase::head, behind, ceil_div(net->head_c, slice_channels),
         [&](int chunk) { head_chunk(chunk, worker); });
    const float* features = at_offset(how->pooled);
    if (net->hidden_c > 0) {
      each(phase::hidden, behind, dense_chunks(layout->hidden), [&](int chunk) {
        dense_chunk(*kernels, payload, layout->hidden, features, at_offset(how->hidden), chunk,
                    net->hidden_act);
      });
      features = at_offset(how->hidden);
    }
    // Both in one phase: the plan reserves a counter for each.
    if (taps.pooled != nullptr || taps.features != nullptr)
      each(phase::tap, behind, 1, [&](int) {
        copy_vector(taps.pooled, at_offset(how->pooled), net->head_c);
        copy_vector(taps.features, features, feature_c(*net));
      });
    if (net->classes == 0)
      each(phase::classifier, behind, 1, [&](int) {
        std::memcpy(logits, features, static_cast<std::size_t>(output_c(*net)) * sizeof(float));
      });
    each(phase::classifier, behind, dense_chunks(layout->classifier), [&](int chunk) {
      dense_chunk(*kernels, payload, layout->classifier, features, logits, chunk, activation::none);
    });
  }

  /// Blocks [first, last), the phases of each by each(phase, block, chunks, body).
  template <class Each>
  void blocks(const Each& each, int first, int last, int worker) const noexcept {
    for (int i = first; i < last; ++i) {
      const block_context b{static_cast<const network_context&>(*this), &net->blocks[i], &layout->blocks[i],
                            &how->blocks[i]};
      const block_plan& sizes = b.sizes();
      if (sizes.bands) {
        each(phase::bands, i, sizes.chunks, [&](int chunk) { band_chunk(b, chunk, worker, input); });
      } else {
        each(phase::slices, i, sizes.chunks, [&](int chunk) { slice_chunk(b, chunk, worker); });
        if (b.block().se_c > 0) {
          const block_layout& l = b.weights();
          each(phase::squeeze, i, dense_chunks(l.squeeze), [&](int chunk) {
            dense_chunk(*kernels, payload, l.squeeze, at_offset(how->sums), at_offset(how->squeezed), chunk,
                        activation::relu);
          });
          each(phase::excite, i, dense_chunks(l.excite), [&](int chunk) { excite_chunk(b, chunk); });
        }
        each(phase::project, i, sizes.groups, [&](int chunk) { project_chunk(b, chunk); });
      }
      if (taps.blocks[i] != nullptr) each(phase::tap, i, 1, [&](int) { copy_map(i); });
    }
  }

  /// Resets the phase counters; before the workers start.
  void prepare() const noexcept {
    auto* states = reinterpret_cast<phase_state*>(workspace);
    for (std::int64_t i = 0; i < phase_slots(*net); ++i) {
      states[i].claimed.reset();
      states[i].finished.reset();
    }
  }

  [[nodiscard]] std::ptrdiff_t last_pixels() const noexcept {
    const block_plan& last = how->blocks[net->block_count - 1];
    return static_cast<std::ptrdiff_t>(last.oh) * last.ow;
  }

  /// The last 1x1 convolution for some pixels and the channels [first_c, first_c + channels).
  void head_pixels_to(float* out, std::ptrdiff_t first, std::ptrdiff_t count, int first_c, int channels,
                      std::ptrdiff_t step) const noexcept {
    const std::ptrdiff_t in_step = padded_c(last_block(*net).out_c);
    pointwise_layer(*kernels, at(payload, layout->head, first_c), layout->head.k,
                    at_offset(how->blocks[net->block_count - 1].out) + first * in_step, in_step, count, out,
                    step, channels, net->head_act, how->threads);
  }

 private:
  static_assert(sizeof(phase_state) == 64, "plan.hpp reserves 64 bytes a phase");

  [[nodiscard]] float* at_offset(std::int64_t offset) const noexcept { return workspace + offset; }
  [[nodiscard]] static int dense_chunks(const layer_layout& l) noexcept {
    return ceil_div(l.out_c, dense_chunk_c);
  }
  /// Head and global mean for a slice of channels: the head's map never exists.
  void head_chunk(int chunk, int worker) const noexcept {
    const int first_c = chunk * slice_channels, channels = smaller(slice_channels, net->head_c - first_c);
    float* const tile = at_offset(how->head_scratch) + worker * how->head_scratch_floats;
    float* const sums = at_offset(how->pooled) + first_c;
    for (int c = 0; c < channels; ++c) sums[c] = 0.0f;
    mean_of_pixels mean;
    for (std::ptrdiff_t first = 0; first < last_pixels(); first += head_pixels) {
      const std::ptrdiff_t count = smaller<std::ptrdiff_t>(head_pixels, last_pixels() - first);
      head_pixels_to(tile, first, count, first_c, channels, slice_channels);
      mean.add(sums, channels, count);
      kernels->add_pixels({tile, count, slice_channels, sums, channels, activation::none});
    }
    mean.finish(sums, channels);
  }

  void stem_map(int worker) const noexcept {
    stem_rows stem{
        kernels,     input,         at(payload, layout->stem),
        net->stem_c, net->stem_act, at_offset(how->head_scratch) + worker * how->head_scratch_floats};
    const block_plan& first = how->blocks[0];
    for (int y = 0; y < first.h; ++y)
      stem.compute(y, taps.stem + static_cast<std::ptrdiff_t>(y) * first.w * net->stem_c, net->stem_c);
  }

  static void copy_vector(float* to, const float* from, int count) noexcept {
    if (to != nullptr) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
  }

  void copy_map(int i) const noexcept {
    const block_plan& b = how->blocks[i];
    const int c = net->blocks[i].out_c;
    const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(b.oh) * b.ow;
    for (std::ptrdiff_t pixel = 0; pixel < pixels; ++pixel)
      std::memcpy(taps.blocks[i] + pixel * c, at_offset(b.out) + pixel * padded_c(c),
                  static_cast<std::size_t>(c) * sizeof(float));
  }
};

/// All images of a request, which basic_network has checked.
inline void forward_images(const kernel_table& kernels, const config& net, const weights_layout& layout,
                           const float* payload, const plan& p, const forward_request& r) noexcept {
  auto* floats = reinterpret_cast<float*>(r.workspace);
  const auto pass_for = [&](const plan& image_plan, int image, float* workspace,
                            const phase_observer& observer) {
    forward_pass pass{{&kernels, &net, &layout, payload, &image_plan, workspace},
                      r.input,
                      r.logits + static_cast<std::ptrdiff_t>(image) * output_c(net),
                      taps_of(net, p, r.options.taps, image),
                      observer};
    if (r.input.floats != nullptr) pass.input.floats += image * r.image_stride;
    return pass;
  };

  if (r.image_per_thread) {
    const plan alone = make_plan(net, p.h, p.w, 1);
    shared_counter next;
    auto worker = [&](int index) {
      for (int image; (image = next.take()) < r.n;)
        pass_for(alone, image, floats + index * alone.total_floats, {}).work(0);
    };
    run_tasks(
        r.options.threads, smaller(p.threads, r.n),
        [](void* context, int index) { (*static_cast<decltype(worker)*>(context))(index); }, &worker);
    return;
  }
  for (int image = 0; image < r.n; ++image) {
    auto pass = pass_for(p, image, floats, r.options.observer);
    if (p.threads > 1) pass.prepare();
    run_tasks(
        r.options.threads, p.threads,
        [](void* context, int index) { static_cast<decltype(pass)*>(context)->work(index); }, &pass);
  }
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_FORWARD_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// A configuration known at run time only.
struct dynamic_config {};

namespace detail {
template <class Config>
struct config_storage {
  static constexpr config net = Config::value;
  static constexpr weights_layout layout = layout_of(Config::value);
};
template <>
struct config_storage<dynamic_config> {
  config net;
  weights_layout layout;
};

[[nodiscard]] REXNET_NOINLINE inline error refused_input(errc code, int h, int w, const std::string& why) {
  return error(code, "input of " + std::to_string(h) + " x " + std::to_string(w) + " pixels: " + why);
}
}  // namespace detail

/// A ReXNet bound to packed weights, which it borrows: whoever made them keeps them alive. Immutable and
/// shareable between threads; every call brings its own workspace and allocates nothing.
/// @tparam Config  static_config<family::v1, 100, 1000>: sizes are compile-time constants; or dynamic_config
/// @tparam Backend whose kernels: ready(), and kernels(), a kernel_table or null
template <class Config, class Backend>
class basic_network : private detail::config_storage<Config>, private Backend {
  using storage = detail::config_storage<Config>;

 public:
  /// Floats of the packed payload (static configurations).
  static constexpr std::int64_t packed_floats() noexcept { return storage::layout.bytes / 4; }
  /// Bytes of workspace (static configurations): a constant expression.
  static constexpr std::size_t workspace_bytes(int h, int w, int threads) noexcept {
    return rexnet::workspace_bytes(storage::net, h, w, threads);
  }

  /// Binds weights of the layout in payload/layout.hpp (payload/pack.hpp makes them, packed_view opens them).
  /// Precondition: packed_floats() floats, 64-byte aligned, alive as long as the network is used.
  explicit basic_network(const float* payload) noexcept(noexcept(Backend())) : payload_(payload) {}
  /// The same for dynamic_config.
  basic_network(const config& c, const float* payload) noexcept(noexcept(Backend()))
      : storage{c, layout_of(c)}, payload_(payload) {}

  /// Whether it was bound to any.
  [[nodiscard]] bool has_weights() const noexcept { return payload_ != nullptr; }
  /// What kind of network it is.
  [[nodiscard]] const config& shape() const noexcept { return storage::net; }
  /// Where the layers stand in the payload.
  [[nodiscard]] const weights_layout& layout() const noexcept { return storage::layout; }
  /// "sse2", "fma3_avx2", "avx512bw", "neon64" or "neon": whose kernels forward() runs.
  [[nodiscard]] const char* instruction_set() const noexcept {
    return kernels() != nullptr ? kernels()->name : "none";
  }
  /// The resize's loops on that set, for preprocess_pixels().
  [[nodiscard]] resample_kernels resample() const noexcept {
    return kernels() != nullptr ? kernels()->resample : detail::own_resample;
  }
  /// All its kernels, for operators (ops.hpp); null: none runs on this CPU.
  [[nodiscard]] const kernel_table* kernels() const noexcept { return Backend::kernels(); }

  /// The plan for images of h x w pixels. Compute it once, use it for every call.
  /// Errors: invalid_argument when a side is not in 1 .. 16384 or threads not in 1 .. 64; limit_exceeded when
  /// the workspace is larger than a 32-bit address space; unsupported when dispatch found no kernels for this
  /// CPU.
  [[nodiscard]] result<rexnet::plan> make_plan(int h, int w, int threads = 1) const {
    if (status s = Backend::ready(); !s) return s.error();
    if (h < 1 || w < 1 || h > max_input_side || w > max_input_side)
      return detail::refused_input(errc::invalid_argument, h, w,
                                   "each side must be 1 to " + std::to_string(max_input_side));
    if (threads < 1 || threads > max_threads)
      return error(errc::invalid_argument,
                   std::to_string(threads) + " threads: must be 1 to " + std::to_string(max_threads));
    const rexnet::plan p = rexnet::make_plan(storage::net, h, w, threads);
    if (!p.fits_memory())
      return detail::refused_input(errc::limit_exceeded, h, w,
                                   "the workspace is larger than the address space");
    return p;
  }

  /// Logits of a batch of normalised images.
  /// @param p         from make_plan() of this network
  /// @param input     [n][h][w][3] floats, any strides; R, G, B normalised as the model was trained. n may
  ///                  be 0, without data then; nothing is written
  /// @param logits    [n][output_c(shape())], written densely: logits, or features where classes is 0
  /// @param workspace p.workspace_bytes() bytes or more, 64-byte aligned; not shared between concurrent
  /// calls.
  ///                  With batch_workspace_bytes() a batch runs one image per thread.
  /// Stack: below 8 kB on one thread at -O2 (docs/embedded.md).
  /// @return ok; shape_mismatch (input against plan, a plan of another network, or logits too small),
  /// workspace_too_small, misaligned
  ///         (workspace or weights), invalid_argument (null data, no weights), unsupported (as make_plan()).
  ///         On an error nothing was written.
  [[nodiscard]] errc forward(const plan& p, nhwc_view<const float> input, span<float> logits,
                             span<unsigned char> workspace,
                             const forward_options& options = {}) const noexcept {
    if (input.data == nullptr && input.n != 0) return errc::invalid_argument;
    if (input.c != 3 || input.h != p.h || input.w != p.w || input.n < 0) return errc::shape_mismatch;
    detail::forward_request r;
    r.input.floats = input.data;
    r.input.pixel_step = input.pixel_stride;
    r.input.row_step = input.row_stride;
    r.image_stride = input.image_stride;
    r.n = input.n;
    return run(p, r, logits, workspace, options);
  }

  /// The same from one picture of 8-bit pixels, normalised on the way: bit-identical to normalising first.
  /// @param picture exactly p.w x p.h pixels (preprocess_pixels() gives them)
  /// @param table   [256][3]: the normalised value of byte v in channel c at 3 v + c (normalise_table())
  [[nodiscard]] errc forward_u8(const plan& p, const image_view& picture, span<const float> table,
                                span<float> logits, span<unsigned char> workspace,
                                const forward_options& options = {}) const noexcept {
    if (picture.data == nullptr || table.data() == nullptr) return errc::invalid_argument;
    if (picture.width != p.w || picture.height != p.h || table.size() != 768) return errc::shape_mismatch;
    detail::forward_request r;
    r.input.bytes = picture.data;
    r.input.table = table.data();
    r.input.pixel_step = bytes_per_pixel(picture.format);
    r.input.row_step = static_cast<std::ptrdiff_t>(picture.stride);
    for (int c = 0; c < 3; ++c) r.input.channel[c] = channel_offset(picture.format, c);
    r.n = 1;
    return run(p, r, logits, workspace, options);
  }

  /// Workspace for batches on p.threads threads, one image per thread at a time.
  [[nodiscard]] std::size_t batch_workspace_bytes(const plan& p) const noexcept {
    const std::size_t one = rexnet::workspace_bytes(storage::net, p.h, p.w, 1),
                      threads = static_cast<std::size_t>(p.threads);
    return one <= static_cast<std::size_t>(-1) / threads ? one * threads : static_cast<std::size_t>(-1);
  }

 private:
  errc run(const plan& p, detail::forward_request& r, span<float> logits, span<unsigned char> workspace,
           const forward_options& options) const noexcept {
    if (logits.size() < static_cast<std::size_t>(r.n) * static_cast<std::size_t>(output_c(shape())))
      return errc::shape_mismatch;
    if (p.fingerprint != layout().fingerprint) return errc::shape_mismatch;
    if (!has_weights()) return errc::invalid_argument;
    if (kernels() == nullptr) return errc::unsupported;
    if (workspace.size() < p.workspace_bytes()) return errc::workspace_too_small;
    if (!is_aligned(workspace.data()) || !is_aligned(payload_)) return errc::misaligned;
    r.input.h = p.h;
    r.input.w = p.w;
    r.image_per_thread = r.n > 1 && p.threads > 1 && workspace.size() >= batch_workspace_bytes(p);
    r.logits = logits.data();
    r.workspace = workspace.data();
    r.options = options;
    detail::forward_images(*kernels(), shape(), layout(), payload_, p, r);
    return errc::ok;
  }

  const float* payload_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_BASIC_NETWORK_HPP
// ---- rexnet/engine/detector_plan.hpp
// How an image goes through a detector: the backbone by its own plan (plan.hpp); behind its workspace the map
// of the last convolution, those of the extra blocks, and what lies between the two layers of a block or a
// head. The heads of a map run as soon as it is there: the backbone's own maps give way to later ones.
#ifndef REXNET_ENGINE_DETECTOR_PLAN_HPP
#define REXNET_ENGINE_DETECTOR_PLAN_HPP

// ---- rexnet/arch/detector.hpp
// The shape of an SSDLite detector on a ReXNet: torchvision's SSD heads on two maps of the backbone and on
// those of four extra blocks. The taps are those that give the paper's parameter counts: the output of block
// 10 and the last 1x1 convolution.
// Sources: arXiv 2007.00992, table 6; torchvision models/detection/ssdlite.py.
#ifndef REXNET_ARCH_DETECTOR_HPP
#define REXNET_ARCH_DETECTOR_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Blocks behind the backbone, each of half the size.
inline constexpr int ssd_extra_blocks = 4;
/// Maps that the heads are computed from: block `tap`'s output, the last convolution's, those of the extra
/// blocks.
inline constexpr int ssd_levels = ssd_extra_blocks + 2;
/// Boxes that each place of a map predicts.
inline constexpr int ssd_anchors_a_place = 6;
/// With the background.
inline constexpr int max_detector_classes = 4096;

/// All of a detector but its backbone.
struct ssd_part {
  int tap = 10;     ///< the block whose output is the first map
  int classes = 0;  ///< with the background, which is class 0; 0: there is no detector
  block_config extra[ssd_extra_blocks] = {};  ///< each on the map before
};

/// A whole detector. Build one with detector_for(); readers of checkpoints then put in what the tensors show.
struct detector_config : ssd_part {
  config backbone;  ///< without classifier: its classes are 0
};

/// Of a backbone and the rest.
[[nodiscard]] constexpr detector_config join(const config& backbone, const ssd_part& rest) noexcept {
  detector_config d;
  static_cast<ssd_part&>(d) = rest;
  d.backbone = backbone;
  return d;
}

/// The scales of torchvision's DefaultBoxGenerator; the ratios are 1, 2 and 3.
struct anchor_scales {
  double least = 0.2;  ///< of the first map, a part of the network's input: above 0
  double most = 0.95;  ///< of the last map: at most 1
};

/// Which boxes are kept. The defaults are torchvision's ssdlite320_mobilenet_v3_large.
struct ssd_options {
  float score = 0.001f;  ///< a class whose probability is not above this is none
  int candidates = 300;  ///< of a class, the most probable
  double iou = 0.55;     ///< a box that overlaps a better one of its class by more than this is dropped
  int most = 300;        ///< of all classes, the most probable
};

/// How a detector is used: what its weights do not say.
struct detector_settings {
  int input_h = 320;      ///< pictures are resized to this height
  int input_w = 320;      ///< and this width, whatever their aspect
  anchor_scales anchors;  ///< as it was trained
  ssd_options boxes;      ///< which are kept
};

/// Limits of a detector's settings. A class's candidates are compared with each other: 4096 of each of 90
/// classes, none of which goes, take 3 to 6 s (Zen 4, cores that others use), and 45 times that with 4096
/// classes, which only a file made for it has.
inline constexpr int max_ssd_candidates = 1 << 12, max_ssd_boxes = 1 << 20;

namespace detail {

/// The one check of settings, whether they come from options, a file or the API; as check_preprocessing().
template <class Fail>
[[nodiscard]] constexpr errc check_settings(const detector_settings& s, Fail&& fail) {
  constexpr errc bad = errc::invalid_argument;
  if (!in_range(s.input_h, 1, 16384) || !in_range(s.input_w, 1, 16384))
    return fail(bad, "input of ", s.input_w, " x ", s.input_h, " pixels: each side must be 1 to 16384");
  if (!(s.anchors.least > 0 && s.anchors.least <= s.anchors.most && s.anchors.most <= 1))
    return fail(bad, "anchors' scales ", s.anchors.least, " to ", s.anchors.most,
                ": must be above 0, at most 1, the smaller first");
  if (!(s.boxes.score >= 0 && s.boxes.score < 1))
    return fail(bad, "least score ", s.boxes.score, ": must be 0 or more, below 1");
  if (!(s.boxes.iou >= 0 && s.boxes.iou <= 1)) return fail(bad, "overlap ", s.boxes.iou, ": must be 0 to 1");
  if (!in_range(s.boxes.candidates, 1, max_ssd_candidates) || !in_range(s.boxes.most, 1, max_ssd_boxes))
    return fail(bad, s.boxes.candidates, " candidates of a class, ", s.boxes.most, " boxes: must be 1 to ",
                max_ssd_candidates, " and 1 to ", max_ssd_boxes);
  return errc::ok;
}

/// What torchvision's extra blocks and heads have in common with a ReXNet's blocks: everything but the
/// numbers.
constexpr block_config ssd_block(int in_c, int mid_c, int out_c, int stride, bool expand,
                                 activation project) noexcept {
  block_config b;
  b.in_c = in_c, b.mid_c = mid_c, b.out_c = out_c;
  b.stride = stride;
  b.expand = expand;
  b.expand_act = b.depthwise_act = activation::relu6;
  b.project_act = project;
  b.se_first = false;
  b.bn_eps = 1e-3;
  return b;
}

}  // namespace detail

/// Channels of the map of level 0 .. ssd_levels - 1.
[[nodiscard]] constexpr int level_c(const detector_config& d, int level) noexcept {
  if (level == 0) return d.backbone.blocks[d.tap].out_c;
  return level == 1 ? d.backbone.head_c : d.extra[level - 2].out_c;
}

/// The heads of a level: depthwise 3x3, then 1x1 to six times the classes, or to six times four codes.
/// @{
[[nodiscard]] constexpr block_config logits_head(const detector_config& d, int level) noexcept {
  const int c = level_c(d, level);
  return detail::ssd_block(c, c, ssd_anchors_a_place * d.classes, 1, false, activation::none);
}
[[nodiscard]] constexpr block_config codes_head(const detector_config& d, int level) noexcept {
  const int c = level_c(d, level);
  return detail::ssd_block(c, c, ssd_anchors_a_place * 4, 1, false, activation::none);
}
/// @}

/// Extra blocks after a map of `backbone`: 512, 256, 256 and 128 channels, each half of them inside.
constexpr void connect_extra_blocks(detector_config& d) noexcept {
  constexpr int channels[ssd_extra_blocks] = {512, 256, 256, 128};
  int in_c = d.backbone.head_c;
  for (int k = 0; k < ssd_extra_blocks; ++k) {
    d.extra[k] = detail::ssd_block(in_c, channels[k] / 2, channels[k], 2, true, activation::relu6);
    in_c = channels[k];
  }
}

/// The detector of table 6 for a backbone of any family and width.
/// @param classes with the background: 91 for COCO; 2 .. max_detector_classes
[[nodiscard]] constexpr detector_config detector_for(family f, int width_hundredths, int classes,
                                                     int divisor = 8) noexcept {
  detector_config d;
  d.backbone = config_for(f, width_hundredths, 0, divisor);
  d.backbone.hidden_c = 0;  // lite's hidden layer belongs to its classifier
  d.classes = classes;
  connect_extra_blocks(d);
  return d;
}

/// A side of the map of level 0 .. ssd_levels - 1, for an input of `side` pixels.
[[nodiscard]] constexpr int level_side(const detector_config& d, int level, int side) noexcept {
  side = strided(side, 2);
  const int blocks = level == 0 ? d.tap + 1 : d.backbone.block_count;
  for (int i = 0; i < blocks; ++i) side = strided(side, d.backbone.blocks[i].stride);
  for (int k = 0; k < level - 1; ++k) side = strided(side, d.extra[k].stride);
  return side;
}

/// Rows of the raw outputs for an input of h x w pixels: six for each place of each map.
[[nodiscard]] constexpr std::int64_t detector_rows(const detector_config& d, int h, int w) noexcept {
  std::int64_t rows = 0;
  for (int k = 0; k < ssd_levels; ++k)
    rows += std::int64_t{ssd_anchors_a_place} * level_side(d, k, h) * level_side(d, k, w);
  return rows;
}

/// Learned parameters, as PyTorch counts them.
[[nodiscard]] constexpr std::int64_t parameter_count(const detector_config& d) noexcept {
  std::int64_t n = parameter_count(d.backbone);
  const auto add = [&n](const block_config& b, bool bias) {
    const std::int64_t mid = b.mid_c;
    if (b.expand) n += mid * b.in_c + 2 * mid;
    n += mid * b.kernel * b.kernel + 2 * mid;
    n += mid * b.out_c + (bias ? b.out_c : 2 * std::int64_t{b.out_c});
  };
  for (const block_config& b : d.extra) add(b, false);
  for (int k = 0; k < ssd_levels; ++k) add(logits_head(d, k), true), add(codes_head(d, k), true);
  return n;
}

/// Multiply-adds of one image of h x w pixels.
[[nodiscard]] constexpr std::int64_t multiply_adds(const detector_config& d, int h, int w) noexcept {
  std::int64_t n = multiply_adds(d.backbone, h, w);
  for (int k = 0; k < ssd_levels; ++k) {
    const std::int64_t pixels = std::int64_t{level_side(d, k, h)} * level_side(d, k, w);
    if (k > 1) {
      const block_config& b = d.extra[k - 2];
      n += std::int64_t{level_side(d, k - 1, h)} * level_side(d, k - 1, w) * b.in_c * b.mid_c;
      n += pixels * b.mid_c * (b.kernel * b.kernel + b.out_c);
    }
    for (const block_config& b : {logits_head(d, k), codes_head(d, k)})
      n += pixels * b.mid_c * (b.kernel * b.kernel + b.out_c);
  }
  return n;
}

/// Whether the engine can run a detector: a backbone that it runs, without classifier, a tap from block 1
/// to the last, extra blocks that follow.
/// @{
[[nodiscard]] constexpr bool is_runnable(const config& backbone, const ssd_part& d) noexcept {
  bool good = is_runnable(backbone) && backbone.classes == 0 && backbone.hidden_c == 0 &&
              detail::in_range(d.tap, 1, backbone.block_count - 1) &&
              detail::in_range(d.classes, 2, max_detector_classes);
  int in_c = backbone.head_c;
  for (int k = 0; k < ssd_extra_blocks && good; ++k) {
    good = detail::is_runnable_block(d.extra[k], 1, in_c) && d.extra[k].se_c == 0;
    in_c = d.extra[k].out_c;
  }
  return good;
}
[[nodiscard]] constexpr bool is_runnable(const detector_config& d) noexcept {
  return is_runnable(d.backbone, d);
}
/// @}

namespace detail {

/// As for_each_shape_number(), of what is behind the backbone.
template <class Visit>
constexpr void for_each_part_number(const ssd_part& a, const ssd_part& b, Visit visit) noexcept {
  visit(a.tap, b.tap), visit(a.classes, b.classes);
  for (int k = 0; k < ssd_extra_blocks; ++k) for_each_block_number(a.extra[k], b.extra[k], visit);
}

}  // namespace detail

/// Whether two detectors are the same behind their backbones.
[[nodiscard]] constexpr bool same_part(const ssd_part& a, const ssd_part& b) noexcept {
  bool same = true;
  detail::for_each_part_number(a, b, [&same](int x, int y) { same = same && x == y; });
  return same;
}

/// A number for everything that decides what is computed and how its weights lie. Never 0.
[[nodiscard]] constexpr std::uint64_t fingerprint(const detector_config& d) noexcept {
  std::uint64_t hash = fingerprint(d.backbone);
  detail::for_each_part_number(
      d, d, [&hash](int x, int) { hash = (hash ^ static_cast<std::uint32_t>(x)) * 0x100000001b3u; });
  return hash != 0 ? hash : 1;
}

/// A detector that is a type: all sizes of detector_network<static_detector<...>> are compile-time constants.
/// Classes with the background.
template <family Family, int WidthHundredths, int Classes, int Divisor = 8>
struct static_detector {
  /// The configuration itself.
  static constexpr detector_config value = detector_for(Family, WidthHundredths, Classes, Divisor);
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ARCH_DETECTOR_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Trivially copyable; valid for one detector, input size and thread count.
struct detector_plan {
  plan backbone;                            ///< of which total_floats is the workspace's first part
  block_plan extra[ssd_extra_blocks] = {};  ///< each on the map before
  block_plan logits[ssd_levels] = {};       ///< heads; `out` is the first row of the level's outputs
  block_plan codes[ssd_levels] = {};        ///< likewise
  std::int64_t rows = 0;                    ///< of the raw outputs
  /// @cond internal
  std::int64_t phases = 0, head_map = 0;  ///< offsets in floats
  /// @endcond
  std::int64_t total_floats = 0;  ///< of the workspace
  std::uint64_t fingerprint = 0;  ///< of the detector; 0: a plan that make_plan() did not make

  /// False only on 32-bit machines, for huge inputs.
  [[nodiscard]] constexpr bool fits_memory() const noexcept {
    return total_floats <= static_cast<std::int64_t>(static_cast<std::size_t>(-1) / 2 / sizeof(float));
  }
  /// More than any memory where it does not fit.
  [[nodiscard]] constexpr std::size_t workspace_bytes() const noexcept {
    return fits_memory() ? static_cast<std::size_t>(total_floats) * sizeof(float)
                         : static_cast<std::size_t>(-1);
  }
};

namespace detail {

/// Phase counters: those of the backbone, two for each head, two for each extra block.
constexpr std::int64_t phase_slots(const detector_config& d) noexcept {
  return phase_slots(d.backbone) + std::int64_t{4} * ssd_levels + std::int64_t{2} * ssd_extra_blocks;
}

constexpr block_plan plan_head(const block_config& b, int h, int w, int threads) noexcept {
  block_plan sizes;
  sizes.h = sizes.oh = h;
  sizes.w = sizes.ow = w;
  return plan_slices(b, sizes, threads);
}

}  // namespace detail

/// The plan for h x w pixels on `threads` threads.
/// Precondition: 1 <= h, w <= max_input_side, 1 <= threads <= max_threads; a detector that is_runnable().
[[nodiscard]] constexpr detector_plan make_plan(const detector_config& d, int h, int w,
                                                int threads) noexcept {
  using namespace detail;
  detector_plan p;
  p.backbone = make_plan(d.backbone, h, w, threads);
  p.fingerprint = fingerprint(d);
  std::int64_t next = p.backbone.total_floats;
  const auto take = [&next](std::int64_t floats) {
    const std::int64_t offset = next;
    next += pad16(floats);
    return offset;
  };
  p.phases = take(phase_slots(d) * 16);

  // Of whatever block or head is being computed; they come one after the other.
  std::int64_t mid = 0, scratch = 0;
  std::int64_t in = 0;
  int y = 0, x = 0;
  for (int k = 0; k < ssd_levels; ++k) {
    if (k < 2) {
      const block_plan& from = p.backbone.blocks[k == 0 ? d.tap : d.backbone.block_count - 1];
      y = from.oh, x = from.ow;
      in = k == 0 ? from.out : take(std::int64_t{y} * x * padded_c(d.backbone.head_c));
      if (k == 1) p.head_map = in;
    } else {
      const block_config& b = d.extra[k - 2];
      block_plan& sizes = p.extra[k - 2];
      sizes = plan_block(b, 1, y, x, threads);
      sizes.in = in;
      y = sizes.oh, x = sizes.ow;
      in = sizes.out = take(std::int64_t{y} * x * padded_c(b.out_c));
      sizes.scratch_floats = block_scratch(b, sizes, 1, w);
      scratch = larger(scratch, sizes.scratch_floats * threads);
      if (!sizes.bands) mid = larger(mid, std::int64_t{y} * x * mid_step(b.mid_c));
    }
    for (int which = 0; which < 2; ++which) {
      block_plan& sizes = which == 0 ? p.logits[k] : p.codes[k];
      sizes = plan_head(which == 0 ? logits_head(d, k) : codes_head(d, k), y, x, threads);
      sizes.in = in;
      sizes.out = p.rows;
    }
    mid = larger(mid, std::int64_t{y} * x * mid_step(level_c(d, k)));
    p.rows += std::int64_t{ssd_anchors_a_place} * y * x;
  }
  const std::int64_t mid_at = take(mid), scratch_at = take(scratch);
  for (block_plan& sizes : p.extra) sizes.mid = mid_at, sizes.scratch = scratch_at;
  for (block_plan& sizes : p.logits) sizes.mid = mid_at;
  for (block_plan& sizes : p.codes) sizes.mid = mid_at;
  p.total_floats = next;
  return p;
}

/// Bytes of workspace that forward() needs: a constant expression for a constant detector.
[[nodiscard]] constexpr std::size_t workspace_bytes(const detector_config& d, int h, int w,
                                                    int threads) noexcept {
  return make_plan(d, h, w, threads).workspace_bytes();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_DETECTOR_PLAN_HPP
// ---- rexnet/payload/detector_layout.hpp
// Where a detector's weights lie: the backbone's payload, then extra blocks and heads, layer after layer in
// the same form (payload/layout.hpp).
#ifndef REXNET_PAYLOAD_DETECTOR_LAYOUT_HPP
#define REXNET_PAYLOAD_DETECTOR_LAYOUT_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

struct detector_layout {
  weights_layout backbone;
  block_layout extra[ssd_extra_blocks];
  block_layout logits[ssd_levels], codes[ssd_levels];  ///< depthwise and project
  std::int64_t bytes = 0;                              ///< of the whole payload
  std::uint64_t fingerprint = 0;                       ///< of the detector
};

namespace detail {
/// For walks that need no layout.
struct no_detector_layout {
  no_layout::any_block extra, logits, codes;
};
}  // namespace detail

/// Calls visit(layer, block, k, out_c) for every layer behind the backbone, in the order of the file. The
/// layers of `l`, a detector_layout or something of the same members, are handed to it.
template <class Layout, class Visit>
constexpr void for_each_detector_layer(const detector_config& d, Layout& l, Visit visit) {
  const auto block = [&visit](const block_config& b, auto& of) {
    if (b.expand) visit(of.expand, b, b.in_c, b.mid_c);
    visit(of.depthwise, b, b.kernel * b.kernel, b.mid_c);
    visit(of.project, b, b.mid_c, b.out_c);
  };
  for (int k = 0; k < ssd_extra_blocks; ++k) block(d.extra[k], l.extra[k]);
  for (int k = 0; k < ssd_levels; ++k) {
    block(logits_head(d, k), l.logits[k]);
    block(codes_head(d, k), l.codes[k]);
  }
}

/// Numbers in the payload of a detector, as packed_numbers() of a classifier.
[[nodiscard]] constexpr std::int64_t packed_numbers(const detector_config& d) noexcept {
  std::int64_t numbers = packed_numbers(d.backbone);
  detail::no_detector_layout none;
  for_each_detector_layer(d, none, [&numbers](int&, const block_config&, int k, int out_c) {
    numbers += panel_numbers(k, out_c) + round_up(std::int64_t{out_c}, panel_c);
  });
  return numbers;
}

[[nodiscard]] constexpr detector_layout layout_of(const detector_config& d) noexcept {
  detector_layout l;
  l.backbone = layout_of(d.backbone);
  std::int64_t next = l.backbone.bytes;
  for_each_detector_layer(d, l, [&](layer_layout& layer, const block_config&, int k, int out_c) {
    layer.k = k;
    layer.out_c = out_c;
    layer.weights = next;
    layer.bias = next + panel_numbers(k, out_c) * 4;
    next = layer.bias + round_up(std::int64_t{out_c}, panel_c) * 4;
  });
  l.bytes = next;
  l.fingerprint = fingerprint(d);
  return l;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_DETECTOR_LAYOUT_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

template <class Config>
struct detector_storage {
  static constexpr detector_config net = Config::value;
  static constexpr detector_layout layout = layout_of(Config::value);
};
template <>
struct detector_storage<dynamic_config> {
  detector_config net;
  detector_layout layout;
};

/// One image through all phases, as forward_pass.
struct detector_pass {
  forward_pass backbone;
  const detector_config* net;
  const detector_layout* layout;
  const detector_plan* how;
  float* logits;  ///< [rows][classes]
  float* codes;   ///< [rows][4]

  void work(int worker) const noexcept {
    auto* states = reinterpret_cast<phase_state*>(backbone.workspace + how->phases);
    int next = 0;
    const phase_observer& observer = backbone.observer;
    const auto each = [&](phase what, int block, int chunks, auto&& body) {
      run_phase(states[next++], chunks, how->backbone.threads == 1, body);
      if (observer.function != nullptr && worker == 0) observer.function(observer.context, what, block);
    };
    const config& c = net->backbone;
    backbone.blocks(each, 0, net->tap + 1, worker);
    heads(each, 0);
    backbone.blocks(each, net->tap + 1, c.block_count, worker);
    each(phase::head, c.block_count, ceil_div(c.head_c, slice_channels), [&](int chunk) {
      const int first_c = chunk * slice_channels;
      backbone.head_pixels_to(backbone.workspace + how->head_map + first_c, 0, backbone.last_pixels(),
                              first_c, smaller(slice_channels, padded_c(c.head_c) - first_c),
                              padded_c(c.head_c));
    });
    heads(each, 1);
    for (int k = 0; k < ssd_extra_blocks; ++k) {
      const int number = c.block_count + 1 + k;
      const block_context b = context(net->extra[k], layout->extra[k], how->extra[k], nullptr);
      if (b.sizes().bands) {
        each(phase::bands, number, b.sizes().chunks,
             [&](int chunk) { band_chunk(b, chunk, worker, backbone.input); });
      } else {
        each(phase::slices, number, b.sizes().chunks, [&](int chunk) { slice_chunk(b, chunk, worker); });
        each(phase::project, number, b.sizes().groups, [&](int chunk) { project_chunk(b, chunk); });
      }
      heads(each, k + 2);
    }
  }

  /// Resets the phase counters; before the workers start.
  void prepare() const noexcept {
    auto* states = reinterpret_cast<phase_state*>(backbone.workspace + how->phases);
    for (std::int64_t i = 0; i < phase_slots(*net); ++i) {
      states[i].claimed.reset();
      states[i].finished.reset();
    }
  }

 private:
  [[nodiscard]] block_context context(const block_config& b, const block_layout& l, const block_plan& sizes,
                                      float* outputs) const noexcept {
    return {static_cast<const network_context&>(backbone), &b, &l, &sizes, outputs};
  }

  /// Both heads of a level. Its map is there.
  template <class Each>
  void heads(const Each& each, int level) const noexcept {
    const int number = net->backbone.block_count + 1 + ssd_extra_blocks + level;
    const auto head = [&](const block_config& shape, const block_layout& l, const block_plan& sizes,
                          float* out, int step) {
      const block_context b = context(shape, l, sizes, out + sizes.out * step);
      each(phase::slices, number, sizes.chunks, [&](int chunk) { depthwise_slice(b, chunk); });
      each(phase::project, number, sizes.groups, [&](int chunk) { project_chunk(b, chunk); });
    };
    head(logits_head(*net, level), layout->logits[level], how->logits[level], logits, net->classes);
    head(codes_head(*net, level), layout->codes[level], how->codes[level], codes, 4);
  }
};

}  // namespace detail

/// A detector bound to packed weights, which it borrows: whoever made them keeps them alive. Immutable and
/// shareable between threads; every call brings its own workspace and allocates nothing.
/// @tparam Config  static_detector<...>, or dynamic_config
/// @tparam Backend as basic_network's
template <class Config, class Backend>
class basic_detector_network : private detail::detector_storage<Config>, private Backend {
  using storage = detail::detector_storage<Config>;

 public:
  /// Precondition: layout().bytes bytes, 64-byte aligned, alive as long as the network is used.
  explicit basic_detector_network(const float* payload) noexcept(noexcept(Backend())) : payload_(payload) {}
  /// The same for dynamic_config.
  basic_detector_network(const detector_config& d, const float* payload) noexcept(noexcept(Backend()))
      : storage{d, layout_of(d)}, payload_(payload) {}

  /// What kind of detector it is.
  [[nodiscard]] const detector_config& shape() const noexcept { return storage::net; }
  /// Where the layers stand in the payload.
  [[nodiscard]] const detector_layout& layout() const noexcept { return storage::layout; }
  /// Name of the kernels' set, "none" where none runs on this CPU.
  [[nodiscard]] const char* instruction_set() const noexcept {
    return kernels() != nullptr ? kernels()->name : "none";
  }
  /// All its kernels; null: none runs on this CPU.
  [[nodiscard]] const kernel_table* kernels() const noexcept { return Backend::kernels(); }

  /// The plan for images of h x w pixels. Errors: as basic_network::make_plan().
  [[nodiscard]] result<detector_plan> make_plan(int h, int w, int threads = 1) const {
    if (status s = Backend::ready(); !s) return s.error();
    if (h < 1 || w < 1 || h > max_input_side || w > max_input_side)
      return detail::refused_input(errc::invalid_argument, h, w,
                                   "each side must be 1 to " + std::to_string(max_input_side));
    if (threads < 1 || threads > max_threads)
      return error(errc::invalid_argument,
                   std::to_string(threads) + " threads: must be 1 to " + std::to_string(max_threads));
    const detector_plan p = rexnet::make_plan(storage::net, h, w, threads);
    if (!p.fits_memory())
      return detail::refused_input(errc::limit_exceeded, h, w,
                                   "the workspace is larger than the address space");
    return p;
  }

  /// Raw outputs of a batch of normalised images, in torchvision's order: level by level, row by row, six
  /// anchors for each place.
  /// @param input  [n][h][w][3] floats, any strides, normalised; n may be 0
  /// @param logits [n][p.rows][classes]
  /// @param codes  [n][p.rows][4]
  /// @param observer its block is the backbone's block, block_count for the head, then the extra blocks, then
  ///                 the levels: a level's first two phases are the logits', the others the codes'
  /// @return as basic_network::forward(). On an error nothing was written.
  [[nodiscard]] errc forward(const detector_plan& p, nhwc_view<const float> input, span<float> logits,
                             span<float> codes, span<unsigned char> workspace, const executor& threads = {},
                             const phase_observer& observer = {}) const noexcept {
    if (input.data == nullptr && input.n != 0) return errc::invalid_argument;
    if (input.c != 3 || input.h != p.backbone.h || input.w != p.backbone.w || input.n < 0)
      return errc::shape_mismatch;
    if (p.fingerprint != layout().fingerprint) return errc::shape_mismatch;
    const auto n = static_cast<std::size_t>(input.n), rows = static_cast<std::size_t>(p.rows);
    const checked all_rows = checked(n) * rows;
    if (!(all_rows * static_cast<std::uint64_t>(shape().classes)).at_most(logits.size()) ||
        !(all_rows * 4).at_most(codes.size()))
      return errc::shape_mismatch;
    if (payload_ == nullptr) return errc::invalid_argument;
    if (kernels() == nullptr) return errc::unsupported;
    if (workspace.size() < p.workspace_bytes()) return errc::workspace_too_small;
    if (!is_aligned(workspace.data()) || !is_aligned(payload_)) return errc::misaligned;
    detail::input_rows rows_of;
    rows_of.floats = input.data;
    rows_of.pixel_step = input.pixel_stride;
    rows_of.row_step = input.row_stride;
    rows_of.h = input.h;
    rows_of.w = input.w;
    auto* const floats = reinterpret_cast<float*>(workspace.data());
    for (int image = 0; image < input.n; ++image) {
      detail::detector_pass pass{
          {{kernels(), &shape().backbone, &layout().backbone, payload_, &p.backbone, floats},
           rows_of,
           nullptr,
           {},
           observer},
          &shape(),
          &layout(),
          &p,
          logits.data() + static_cast<std::ptrdiff_t>(image) * p.rows * shape().classes,
          codes.data() + static_cast<std::ptrdiff_t>(image) * p.rows * 4};
      pass.backbone.input.floats += image * input.image_stride;
      if (p.backbone.threads > 1) pass.prepare();
      detail::run_tasks(
          threads, p.backbone.threads,
          [](void* context, int index) { static_cast<detail::detector_pass*>(context)->work(index); }, &pass);
    }
    return errc::ok;
  }

 private:
  const float* payload_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_DETECTOR_NETWORK_HPP
// ---- rexnet/kernels/kernels.hpp
// The kernels of an instruction set as a table: a constant, which the optimiser sees through where a program
// is compiled for one set only.
#ifndef REXNET_KERNELS_KERNELS_HPP
#define REXNET_KERNELS_KERNELS_HPP

// ---- rexnet/kernels/dense.hpp
// The dense layer: one vector times packed panels.
//
//   in       [k]
//   weights  [ceil(out_c / 16)][k][16], zero padded; bias [ceil(out_c / 16) * 16]
//   out      [out_c]
#ifndef REXNET_KERNELS_DENSE_HPP
#define REXNET_KERNELS_DENSE_HPP

// ---- rexnet/kernels/traits.hpp
// Tile sizes per instruction set, and bounds of activations.
#ifndef REXNET_KERNELS_TRAITS_HPP
#define REXNET_KERNELS_TRAITS_HPP

// ---- rexnet/simd/simd.hpp
// The only include of xsimd. Kernels see these few operations on vec<Arch>, a batch of floats; what differs
// between xsimd 8.1 and 14, or between instruction sets, is settled here.
#ifndef REXNET_SIMD_SIMD_HPP
#define REXNET_SIMD_SIMD_HPP

// xsimd's functions are this translation unit's own as well: compiled with its flags, they must not take the
// place of another one's in the linker (xsimd's AVX-512 code calls functions named for AVX2). A program that
// includes xsimd before this header keeps xsimd's name, and with it that danger, which xsimd has anyway.
#if !defined(XSIMD_HPP)
#define xsimd REXNET_JOIN(xsimd, REXNET_TARGET)
#endif

// g++ 12 takes the _mm512_undefined_* of its own intrinsics for a mistake (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <xsimd/xsimd.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace simd {

/// The instruction set that this translation unit is compiled for, one of the five that kernels are tuned
/// for. Tests run other widths on any CPU by REXNET_EMULATED_BITS with XSIMD_WITH_EMULATED (newer xsimd).
#if defined(REXNET_EMULATED_BITS)
using default_arch = xsimd::emulated<REXNET_EMULATED_BITS>;
#elif XSIMD_WITH_AVX512BW
using default_arch = xsimd::avx512bw;
#elif XSIMD_WITH_FMA3_AVX2
using default_arch = xsimd::fma3<xsimd::avx2>;
#elif XSIMD_WITH_SSE2
using default_arch = xsimd::sse2;
#elif XSIMD_WITH_NEON64
using default_arch = xsimd::neon64;
#elif XSIMD_WITH_NEON
using default_arch = xsimd::neon;
#else
#error "rexnet: compile for SSE2, AVX2 with FMA, AVX-512BW or NEON (ARMv7: -march=armv7-a -mfpu=neon-vfpv4)"
#endif

template <class Arch>
using vec = xsimd::batch<float, Arch>;
template <class Arch>
inline constexpr int width = static_cast<int>(vec<Arch>::size);

/// Registers of the set's vector file: tile sizes follow from it.
template <class Arch>
inline constexpr int registers = 16;
#if XSIMD_WITH_AVX512BW
template <>
inline constexpr int registers<xsimd::avx512bw> = 32;
#endif
#if XSIMD_WITH_NEON64
template <>
inline constexpr int registers<xsimd::neon64> = 32;
#endif
/// ARMv7's NEON takes denormals for zeros and gives zeros for them, whatever the FPU is set to.
template <class Arch>
inline constexpr bool flushes_denormals = false;
#if XSIMD_WITH_NEON && !XSIMD_WITH_NEON64
template <>
inline constexpr bool flushes_denormals<xsimd::neon> = true;
#endif
/// A vector is one register, not an array.
template <class Arch>
inline constexpr bool in_one_register = true;
#if XSIMD_WITH_EMULATED
template <>
inline constexpr int registers<xsimd::emulated<512>> = 32;  // AVX-512's tiles
template <std::size_t bits>
inline constexpr bool in_one_register<xsimd::emulated<bits>> = false;
#endif

template <class Arch>
[[nodiscard]] constexpr const char* name() noexcept {
#if XSIMD_WITH_EMULATED
  if (std::is_base_of_v<xsimd::emulated<8 * sizeof(vec<Arch>)>, Arch>) return "emulated";
#endif
#if XSIMD_WITH_AVX512BW
  if (std::is_same_v<Arch, xsimd::avx512bw>) return "avx512bw";
#endif
#if XSIMD_WITH_FMA3_AVX2
  if (std::is_same_v<Arch, xsimd::fma3<xsimd::avx2>>) return "fma3_avx2";
#endif
#if XSIMD_WITH_SSE2
  if (std::is_same_v<Arch, xsimd::sse2>) return "sse2";
#endif
#if XSIMD_WITH_NEON64
  if (std::is_same_v<Arch, xsimd::neon64>) return "neon64";
#endif
  return "neon";
}

#define REXNET_TEXT_OF(token) #token
#define REXNET_TEXT(token) REXNET_TEXT_OF(token)
[[nodiscard]] constexpr bool same_text(const char* a, const char* b) noexcept {
  for (; *a == *b; ++a, ++b)
    if (*a == 0) return true;
  return false;
}
#if !defined(REXNET_EMULATED_BITS)
static_assert(same_text(name<default_arch>(), REXNET_TEXT(REXNET_SET)),
              "core/build.hpp names another set than xsimd offers");
#endif

namespace detail {
// What inner loops consist of, by the floats of a register. Unrolled kernels call these some thousand times;
// through xsimd's layers each call is inlined six times over, and a unit takes a fifth longer to compile.
// xsimd 8.1 also hands the operands of x86's min and max in order, 14.1 in reverse, and composes AVX-512's
// fma from two operations.
template <int Width>
struct instructions;
#if XSIMD_WITH_AVX512F
template <>
struct instructions<16> {
  static REXNET_ALWAYS_INLINE __m512 load(const float* p) noexcept { return _mm512_loadu_ps(p); }
  static REXNET_ALWAYS_INLINE void store(float* p, __m512 v) noexcept { _mm512_storeu_ps(p, v); }
  static REXNET_ALWAYS_INLINE __m512 broadcast(float x) noexcept { return _mm512_set1_ps(x); }
  static REXNET_ALWAYS_INLINE __m512 fma(__m512 a, __m512 b, __m512 c) noexcept {
    return _mm512_fmadd_ps(a, b, c);
  }
  static REXNET_ALWAYS_INLINE __m512 larger(__m512 a, __m512 b) noexcept { return _mm512_max_ps(a, b); }
  static REXNET_ALWAYS_INLINE __m512 smaller(__m512 a, __m512 b) noexcept { return _mm512_min_ps(a, b); }
};
#endif
#if XSIMD_WITH_FMA3_AVX2
template <>
struct instructions<8> {
  static REXNET_ALWAYS_INLINE __m256 load(const float* p) noexcept { return _mm256_loadu_ps(p); }
  static REXNET_ALWAYS_INLINE void store(float* p, __m256 v) noexcept { _mm256_storeu_ps(p, v); }
  static REXNET_ALWAYS_INLINE __m256 broadcast(float x) noexcept { return _mm256_set1_ps(x); }
  static REXNET_ALWAYS_INLINE __m256 fma(__m256 a, __m256 b, __m256 c) noexcept {
    return _mm256_fmadd_ps(a, b, c);
  }
  static REXNET_ALWAYS_INLINE __m256 larger(__m256 a, __m256 b) noexcept { return _mm256_max_ps(a, b); }
  static REXNET_ALWAYS_INLINE __m256 smaller(__m256 a, __m256 b) noexcept { return _mm256_min_ps(a, b); }
};
#endif
#if XSIMD_WITH_SSE2
template <>
struct instructions<4> {
  static REXNET_ALWAYS_INLINE __m128 load(const float* p) noexcept { return _mm_loadu_ps(p); }
  static REXNET_ALWAYS_INLINE void store(float* p, __m128 v) noexcept { _mm_storeu_ps(p, v); }
  static REXNET_ALWAYS_INLINE __m128 broadcast(float x) noexcept { return _mm_set1_ps(x); }
  static REXNET_ALWAYS_INLINE __m128 fma(__m128 a, __m128 b, __m128 c) noexcept {
    return _mm_add_ps(_mm_mul_ps(a, b), c);
  }
  static REXNET_ALWAYS_INLINE __m128 larger(__m128 a, __m128 b) noexcept { return _mm_max_ps(a, b); }
  static REXNET_ALWAYS_INLINE __m128 smaller(__m128 a, __m128 b) noexcept { return _mm_min_ps(a, b); }
};
#elif XSIMD_WITH_NEON
template <>
struct instructions<4> {
  static REXNET_ALWAYS_INLINE float32x4_t load(const float* p) noexcept { return vld1q_f32(p); }
  static REXNET_ALWAYS_INLINE void store(float* p, float32x4_t v) noexcept { vst1q_f32(p, v); }
  static REXNET_ALWAYS_INLINE float32x4_t broadcast(float x) noexcept { return vdupq_n_f32(x); }
  static REXNET_ALWAYS_INLINE float32x4_t fma(float32x4_t a, float32x4_t b, float32x4_t c) noexcept {
#if defined(__ARM_FEATURE_FMA)
    return vfmaq_f32(c, a, b);
#else
    return vmlaq_f32(c, a, b);  // one instruction that rounds the product; xsimd has two
#endif
  }
  static REXNET_ALWAYS_INLINE float32x4_t larger(float32x4_t a, float32x4_t b) noexcept {
    return vmaxq_f32(a, b);
  }
  static REXNET_ALWAYS_INLINE float32x4_t smaller(float32x4_t a, float32x4_t b) noexcept {
    return vminq_f32(a, b);
  }
};
#endif
}  // namespace detail
template <class Arch>
using own = detail::instructions<width<Arch>>;

template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> load(const float* p) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::load(p));
  else
    return vec<Arch>::load_unaligned(p);
}
template <class Arch>
REXNET_ALWAYS_INLINE void store(float* p, const vec<Arch>& v) noexcept {
  if constexpr (in_one_register<Arch>)
    own<Arch>::store(p, v.data);
  else
    v.store_unaligned(p);
}
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> broadcast(float x) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::broadcast(x));
  else
    return vec<Arch>(x);
}

// Three hints for compilers in unrolled loops; they emit no instruction.
#if defined(__GNUC__) && defined(__AVX512F__)
#define REXNET_VECTOR_REGISTER "v"
#elif defined(__GNUC__) && defined(__SSE2__)
#define REXNET_VECTOR_REGISTER "x"
#elif defined(__GNUC__) && (defined(__ARM_NEON) || defined(__aarch64__))
#define REXNET_VECTOR_REGISTER "w"
#endif

/// The same value, which the compiler must now hold in a register. g++ otherwise folds one load into each of
/// the multiply-adds that use it, and two loads a cycle become the limit.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> in_register(vec<Arch> v) noexcept {
#if defined(REXNET_VECTOR_REGISTER)
  if constexpr (in_one_register<Arch>) asm("" : "+" REXNET_VECTOR_REGISTER(v.data));
#endif
  return v;
}
/// Keeps v's register from being reused before this point. g++ otherwise writes an accumulator over the
/// operand of its last multiply-add, and must move all accumulators back at the end of the loop. Not on NEON:
/// its multiply-adds write the accumulator, and a broadcast that is kept alive is a dup where it could be a
/// lane.
template <class Arch>
REXNET_ALWAYS_INLINE void keep_alive(const vec<Arch>& v) noexcept {
#if defined(REXNET_VECTOR_REGISTER) && !defined(__ARM_NEON)
  if constexpr (in_one_register<Arch>) asm volatile("" : : REXNET_VECTOR_REGISTER(v.data));
#endif
  static_cast<void>(v);
}
/// The same pointer, of unknown origin. clang otherwise derives all pointers of a loop from one, by a chain
/// of additions.
[[nodiscard]] REXNET_ALWAYS_INLINE const float* opaque(const float* p) noexcept {
#if defined(__GNUC__)
  asm("" : "+r"(p));
#endif
  return p;
}
#undef REXNET_VECTOR_REGISTER

/// a * b + c, rounded once where the set has FMA (SSE2 and NEON before VFPv4 round twice).
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> fma(const vec<Arch>& a, const vec<Arch>& b,
                                                 const vec<Arch>& c) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::fma(a.data, b.data, c.data));
  else
    return xsimd::fma(a, b, c);
}

/// Floats that a register of a pixel's values holds, each of which can multiply a vector without a broadcast;
/// 1 where the set has no such instruction.
template <class Arch>
inline constexpr int fma_lanes = 1;
#if XSIMD_WITH_NEON64
template <>
inline constexpr int fma_lanes<xsimd::neon64> = 4;
#endif

/// x[K] * b + c, rounded once: the bits of fma(broadcast(x[K]), b, c).
template <class Arch, int K>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> fma_lane(const vec<Arch>& x, const vec<Arch>& b,
                                                      const vec<Arch>& c) noexcept {
  static_assert(K < fma_lanes<Arch>);
#if XSIMD_WITH_NEON64
  return vec<Arch>(vfmaq_laneq_f32(c, b, x, K));
#else
  return fma<Arch>(x, b, c);
#endif
}

/// The larger (smaller) of two. A NaN in the second operand is kept on every instruction set (x86 returns the
/// second operand when either is NaN, NEON returns NaN), so the value goes second and the bound first.
/// Emulated vectors compare as x86 does. (Names in parentheses: <windows.h> has macros of them.)
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch>(max)(const vec<Arch>& bound, const vec<Arch>& v) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::larger(bound.data, v.data));
  else
    return xsimd::select(bound > v, bound, v);
}
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch>(min)(const vec<Arch>& bound, const vec<Arch>& v) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::smaller(bound.data, v.data));
  else
    return xsimd::select(bound < v, bound, v);
}

/// a / b, correctly rounded but on ARMv7, which has no such instruction (a reciprocal by Newton's method).
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> divide(const vec<Arch>& a, const vec<Arch>& b) noexcept {
#if XSIMD_WITH_NEON64
  // xsimd takes ARMv7's way here, too.
  if constexpr (std::is_same_v<Arch, xsimd::neon64>)
    return vec<Arch>(vdivq_f32(a, b));
  else
#endif
    return a / b;
}

/// Binary digits of a fraction that exp2_of_low_bits() looks up: a table of 2^exp2_bits floats in a register.
template <class Arch>
inline constexpr int exp2_bits = 0;
#if XSIMD_WITH_AVX2
template <>
inline constexpr int exp2_bits<xsimd::avx2> = 3;
#endif
#if XSIMD_WITH_FMA3_AVX2
template <>
inline constexpr int exp2_bits<xsimd::fma3<xsimd::avx2>> = 3;
#endif
#if XSIMD_WITH_AVX512BW
template <>
inline constexpr int exp2_bits<xsimd::avx512bw> = 4;
#endif

/// 2^(n / 2^exp2_bits) as a float, from `biased` whose low mantissa bits hold n plus exp2_bias: 2^-127 (as 0)
/// up to 2^128 (as infinity).
template <class Arch>
inline constexpr float exp2_bias = exp2_bits<Arch> == 0 ? 127.0f : 0.0f;

// Entry j of a table is the bits of 2^(j / size), less those that j itself becomes when n is shifted into the
// exponent: one addition sets both. The exponent's bias comes with the entry.
#if XSIMD_WITH_AVX2
alignas(32) inline constexpr std::uint32_t exp2_eighths[8] = {0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7,
                                                              0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7};
#endif
#if XSIMD_WITH_AVX512BW
alignas(64) inline constexpr std::uint32_t exp2_sixteenths[16] = {
    0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532, 0x3f75fed7, 0x3f75583f,
    0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c, 0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d};
#endif

template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> exp2_of_low_bits(const vec<Arch>& biased) noexcept {
#if XSIMD_WITH_AVX512BW
  if constexpr (exp2_bits<Arch> == 4) {
    const __m512i n = _mm512_castps_si512(biased);
    const __m512i entry = _mm512_permutexvar_epi32(n, _mm512_load_si512(exp2_sixteenths));
    return vec<Arch>(_mm512_castsi512_ps(_mm512_add_epi32(entry, _mm512_slli_epi32(n, 23 - 4))));
  } else
#endif
#if XSIMD_WITH_AVX2
      if constexpr (exp2_bits<Arch> == 3) {
    const __m256i n = _mm256_castps_si256(biased);
    const __m256i entry =
        _mm256_permutevar8x32_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(exp2_eighths)), n);
    return vec<Arch>(_mm256_castsi256_ps(_mm256_add_epi32(entry, _mm256_slli_epi32(n, 23 - 3))));
  } else
#endif
#if XSIMD_WITH_NEON
    // xsimd 8.1 casts through a table of function pointers: g++ calls them, and SiLU takes 3 times as long.
    if constexpr (std::is_base_of_v<xsimd::neon, Arch>) {
      return vec<Arch>(vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(biased), 23)));
    } else
#endif
    {
      using ints = xsimd::batch<std::int32_t, Arch>;
#if XSIMD_VERSION_MAJOR >= 9
      return xsimd::bitwise_cast<float>(ints(xsimd::bitwise_cast<std::int32_t>(biased) << 23));
#else
    return xsimd::bitwise_cast<vec<Arch>>(ints(xsimd::bitwise_cast<ints>(biased) << 23));
#endif
    }
}

namespace detail {
// One copy of the way through memory, which is rare.
template <class Arch>
[[nodiscard]] REXNET_NOINLINE vec<Arch> load_part(const float* p, int n) noexcept {
  float lanes[width<Arch>] = {};
  std::memcpy(lanes, p, static_cast<std::size_t>(n) * sizeof(float));
  return load<Arch>(lanes);
}
template <class Arch>
REXNET_NOINLINE void store_part(float* p, vec<Arch> v, int n) noexcept {
  float lanes[width<Arch>];
  store<Arch>(lanes, v);
  std::memcpy(p, lanes, static_cast<std::size_t>(n) * sizeof(float));
}
}  // namespace detail

/// The first n lanes from memory, zero in the others; reads nothing past p + n. 1 <= n <= width.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> load_first(const float* p, int n) noexcept {
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    return vec<Arch>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p));
  } else
#endif
    return detail::load_part<Arch>(p, n);
}

/// Stores the first n lanes; writes nothing past p + n. 1 <= n <= width.
template <class Arch>
REXNET_ALWAYS_INLINE void store_first(float* p, const vec<Arch>& v, int n) noexcept {
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), v);
  } else
#endif
    detail::store_part<Arch>(p, v, n);
}

}  // namespace simd
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SIMD_SIMD_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

// A constant, so that no unit calls a function of std for it.
inline constexpr float infinity = std::numeric_limits<float>::infinity();
/// What relu and relu6 have above: the kernels know both as one.
[[nodiscard]] constexpr float upper_bound(activation act) noexcept {
  return act == activation::relu6 ? 6.0f : infinity;
}

/// Register tiles of the pointwise kernel: `rows` pixels by two vectors, and `tail_rows` by one vector for
/// the last channels.
///  - AVX-512, 32 registers: 14 x 2 accumulators + 2 weight vectors, the pixel broadcast from memory.
///    14 divides the map sides 112, 56, 28 and 14 of a 224-pixel input.
///  - NEON64, 32 registers: 9 x 2 accumulators + 9 registers with four values of a pixel + 2 weight vectors
///    = 29, or 14 + 14 + 1. Two FMA ports of latency 4; 8 and 10 pixels are as fast on paper, but g++ spills
///    with 10 (bench/README.md).
///  - 16 registers with FMA (AVX2): 6 x 2 + 2 + 1 = 15. Two FMA ports of latency 4 need 8 in flight.
///  - SSE2, NEON: 4 x 2 + 2 + 1 broadcast + products without FMA.
template <class Arch>
struct kernel_traits {
  static constexpr bool wide_file = simd::registers<Arch> == 32;
  static constexpr bool has_wide_vectors = simd::width<Arch> >= 8;
  static constexpr int rows = wide_file ? (has_wide_vectors ? 14 : 9) : has_wide_vectors ? 6 : 4;
  static constexpr int tail_rows = wide_file ? 14 : has_wide_vectors ? 12 : 8;
  /// Output pixels of the depthwise kernel's tile: 8 accumulators + 3 or 5 weights + 1 input column.
  static constexpr int depthwise_pixels = has_wide_vectors || wide_file ? 8 : 6;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_TRAITS_HPP
// ---- rexnet/simd/math.hpp
// Sigmoid, SiLU, ReLU and ReLU6 on vectors, with PyTorch's answers for NaN, infinities and denormals.
#ifndef REXNET_SIMD_MATH_HPP
#define REXNET_SIMD_MATH_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace simd {

/// 1 + exp(-x); far below -87 +inf, far above 1.
///
/// exp(-x) = 2^n * exp(-r): n is -x * log2(e) rounded to a multiple of 2^-exp2_bits by adding 1.5 * 2^23
/// times that, whose low bits then hold it; r = x + n * ln 2 in two steps (the first constant has 9 trailing
/// zero bits, so n times it is exact without FMA, too). exp(-r) is a polynomial whose coefficients were
/// fitted for the least relative error: degree 6 for |r| <= ln 2 / 2 (3.6e-9 before rounding), degree 3 where
/// 2^n comes from a table of eighths or sixteenths (2.6e-8; a quarter less time for SiLU on AVX2 and
/// AVX-512). The last step, p * 2^n + 1, is one FMA.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> one_plus_exp_neg(const vec<Arch>& x) noexcept {
  const auto c = [](float value) REXNET_LAMBDA_INLINE { return broadcast<Arch>(value); };
  // Clamped so that n is 128 at most, 2^n infinity, whatever n is a multiple of. A NaN stays one through r.
  const vec<Arch> t = min<Arch>(c(87.9f), max<Arch>(c(-88.7228394f), x));
  const vec<Arch> magic = c(exp2_bias<Arch> + 12582912.0f / (1 << exp2_bits<Arch>));
  const vec<Arch> biased = fma<Arch>(t, c(-1.44269504f), magic);
  const vec<Arch> n = biased - magic;
  vec<Arch> r = fma<Arch>(n, c(0.693359375f), t);
  r = fma<Arch>(n, c(-2.12194440e-4f), r);
  vec<Arch> p;
  if constexpr (exp2_bits<Arch> == 0) {
    p = fma<Arch>(c(1.38145394e-3f), r, c(-8.36874545e-3f));
    p = fma<Arch>(p, r, c(4.16683890e-2f));
    p = fma<Arch>(p, r, c(-1.66665211e-1f));
    p = fma<Arch>(p, r, c(0.49999994f));
  } else {
    p = fma<Arch>(c(-1.66668594e-1f), r, c(0.500064611f));
  }
  p = fma<Arch>(p, r, c(-1.0f));
  p = fma<Arch>(p, r, c(1.0f));
  return fma<Arch>(p, exp2_of_low_bits<Arch>(biased), c(1.0f));
}

/// x / (1 + exp(-x)). At most 4 ulp for x >= -87, below that in [-2^-118, -0]; +inf -> +inf, -inf and NaN ->
/// NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> silu(const vec<Arch>& x) noexcept {
  return divide<Arch>(x, one_plus_exp_neg<Arch>(x));
}

/// 1 / (1 + exp(-x)). At most 4 ulp for x >= -87, below that in [+0, 2^-125]; NaN -> NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> sigmoid(const vec<Arch>& x) noexcept {
  return divide<Arch>(broadcast<Arch>(1.0f), one_plus_exp_neg<Arch>(x));
}

/// max(x, 0); NaN -> NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> relu(const vec<Arch>& x) noexcept {
  return max<Arch>(broadcast<Arch>(0.0f), x);
}

/// min(max(x, 0), 6); NaN -> NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> relu6(const vec<Arch>& x) noexcept {
  return min<Arch>(broadcast<Arch>(6.0f), relu<Arch>(x));
}

}  // namespace simd
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SIMD_MATH_HPP

// Offsets within tiles and panels are small. NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Vectors consecutive vectors of outputs, all panels' weights streaming side by side: the layer is bound by
/// reading weights, so it wants many streams and enough accumulators to hide the FMA's latency (8 on AVX2).
template <class Arch, std::size_t... V>
REXNET_ALWAYS_INLINE void dense_vectors(const dense_args& a, int c, std::index_sequence<V...>) noexcept {
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(a.k) * panel_c;
  const float* w[] = {a.weights + (c + static_cast<int>(V) * width) / panel_c * panel_size +
                      (c + static_cast<int>(V) * width) % panel_c...};
  vec acc[] = {simd::load<Arch>(a.bias + c + static_cast<int>(V) * width)...};
  for (int i = 0; i < a.k; ++i) {
    const vec xi = simd::broadcast<Arch>(a.in[i]);
    ((acc[V] =
          simd::fma<Arch>(xi, simd::load<Arch>(w[V] + static_cast<std::ptrdiff_t>(i) * panel_c), acc[V])),
     ...);
  }
  switch (a.act) {
    case activation::none: break;
    case activation::relu: ((acc[V] = simd::relu<Arch>(acc[V])), ...); break;
    case activation::relu6: ((acc[V] = simd::relu6<Arch>(acc[V])), ...); break;
    case activation::sigmoid: ((acc[V] = simd::sigmoid<Arch>(acc[V])), ...); break;
    case activation::silu: break;  // no layer of one vector has it
  }
  const auto put = [&](int first, const vec& v) {
    const int lanes = a.out_c - first;
    if (lanes >= width)
      simd::store<Arch>(a.out + first, v);
    else if (lanes > 0)
      simd::store_first<Arch>(a.out + first, v, lanes);
  };
  (put(c + static_cast<int>(V) * width, acc[V]), ...);
}

/// out[first_c .. last_c) = act(bias + W in).
template <class Arch>
void dense(const dense_args& a) noexcept {
  REXNET_ASSERT(a.first_c % panel_c == 0 && (a.last_c == a.out_c || a.last_c % panel_c == 0));
  REXNET_ASSERT(a.act != activation::silu);
  constexpr int width = simd::width<Arch>;
  constexpr std::size_t panel_vectors = static_cast<std::size_t>(panel_c / width > 0 ? panel_c / width : 1);
  constexpr std::size_t many = panel_vectors == 4 ? 8 : 4 * panel_vectors;
  constexpr int many_c = static_cast<int>(many) * width;
  int c = a.first_c;
  for (; c + many_c <= round_up(a.last_c, panel_c); c += many_c)
    dense_vectors<Arch>(a, c, std::make_index_sequence<many>{});
  for (; c < a.last_c; c += panel_c) dense_vectors<Arch>(a, c, std::make_index_sequence<panel_vectors>{});
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)

#endif  // REXNET_KERNELS_DENSE_HPP
// ---- rexnet/kernels/depthwise.hpp
// Depthwise KxK convolution of some output rows, K = 3 or 5, stride 1 or 2, padding K / 2.
//
//   in       row iy of the input at in + iy % ring_rows * in_row, [w] pixels of in_step floats
//   weights  [ceil(c / 16)][K * K][16], zero padded; bias [ceil(c / 16) * 16]
//   out      row y at out + (y - first_y) * out_row, [ow] pixels of out_step floats
//
// A tile is one vector of channels by up to `depthwise_pixels` output pixels. Each input column is loaded
// once per kernel row and feeds every output that it touches. Missing taps at the border are left out, which
// is the same number as a padded zero. Tiles within a row have a type that knows that all columns exist; the
// others test the first and the last column (K = 3) or every column (K = 5). Order of the chain: bias, then
// taps by row and column.
#ifndef REXNET_KERNELS_DEPTHWISE_HPP
#define REXNET_KERNELS_DEPTHWISE_HPP

// Offsets within tiles and panels are small. NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

template <class Arch, int Kernel, int Stride>
struct depthwise_row {
  using vec = simd::vec<Arch>;
  static constexpr int width = simd::width<Arch>;
  static constexpr int pad = Kernel / 2;
  using taps_sequence = std::make_index_sequence<Kernel>;

  static void run(const depthwise_args& a) noexcept {
    int c = 0;
    for (; c + width <= a.c; c += width) channels<true>(a, c, width);
    if (c < a.c) channels<false>(a, c, a.c - c);
  }

 private:
  /// Output pixels of a tile: half as many for each of two rare cases. No published ReXNet has 5x5 kernels,
  /// and its maps have whole vectors of channels.
  template <bool Full>
  static constexpr int max_pixels = kernel_traits<Arch>::depthwise_pixels / (Kernel == 3 ? 1 : 2) /
                                    (Full ? 1 : 2);

  /// Which of a tile's columns may lie outside the map.
  enum class border : unsigned char {
    none,
    ends,  ///< K = 3: the first and the last
    any
  };

  /// What a tile needs beyond its type.
  struct tile_place {
    const depthwise_args& a;
    int c, lanes;
    const float* rows[Kernel];  ///< the input rows of the output row; null outside the map
    float* out;                 ///< pixel 0 of the output row
    float upper;                ///< of the activation: 6, or infinity
  };
  using tile_function = void (*)(const tile_place&, int x, vec& sum) noexcept;

  template <bool Full>
  static REXNET_ALWAYS_INLINE vec load(const float* from, int lanes) noexcept {
    return Full ? simd::load<Arch>(from) : simd::load_first<Arch>(from, lanes);
  }
  template <bool Full>
  static REXNET_ALWAYS_INLINE void store(float* to, const vec& v, int lanes) noexcept {
    if (Full)
      simd::store<Arch>(to, v);
    else
      simd::store_first<Arch>(to, v, lanes);
  }

  /// All rows of one vector of channels, in tiles of two neighbouring lengths.
  template <bool Full>
  static void channels(const depthwise_args& a, int c, int lanes) noexcept {
    vec sum = a.sums != nullptr ? load<Full>(a.sums + c, lanes) : simd::broadcast<Arch>(0.0f);
    const int tiles = (a.ow + max_pixels<Full> - 1) / max_pixels<Full>;
    const int pixels = a.ow / tiles, longer = a.ow % tiles;
    const float upper = upper_bound(a.act);
    for (int r = 0; r < a.rows; ++r) {
      tile_place place{a, c, lanes, {}, a.out + r * a.out_row + c, upper};
      for (int ky = 0; ky < Kernel; ++ky) {
        const int iy = (a.first_y + r) * Stride - pad + ky;
        place.rows[ky] = iy >= 0 && iy < a.h ? a.in + iy % a.ring_rows * a.in_row + c : nullptr;
      }
      int x = 0;
      for (int t = 0; t < tiles; ++t) {
        const int count = pixels + (t < longer ? 1 : 0);
        const bool inside = x * Stride >= pad && (x + count - 1) * Stride - pad + Kernel <= a.w;
        entry<Full>(count, inside, std::make_index_sequence<max_pixels<Full>>{})(place, x, sum);
        x += count;
      }
    }
    if (a.sums != nullptr) store<Full>(a.sums + c, sum, lanes);
  }

  /// The kind of a tile. Only tiles with neighbours at both sides are without border. Rows of three tiles or
  /// more have no short ones: up to half of the longest, no type without border is made.
  template <bool Full>
  static constexpr border border_of(std::size_t pixels, bool inside) noexcept {
    if (Kernel != 3) return border::any;
    return Full && inside && 2 * pixels > max_pixels<Full> ? border::none : border::ends;
  }
  template <bool Full, std::size_t... I>
  static tile_function entry(int count, bool inside, std::index_sequence<I...>) noexcept {
    static constexpr tile_function table[2][sizeof...(I)] = {
        {&tile<Full, static_cast<int>(I) + 1, border_of<Full>(I + 1, false)>...},
        {&tile<Full, static_cast<int>(I) + 1, border_of<Full>(I + 1, true)>...}};
    return table[inside ? 1 : 0][count - 1];
  }

  template <bool Full, int Pixels, border Border>
  static void tile(const tile_place& t, int x, vec& sum) noexcept {
    compute<Full, Border>(t, x, sum, std::make_index_sequence<Pixels>{});
  }

  template <bool Full, border Border, std::size_t... P>
  static REXNET_ALWAYS_INLINE void compute(const tile_place& t, int x, vec& sum,
                                           std::index_sequence<P...>) noexcept {
    constexpr int columns = (static_cast<int>(sizeof...(P)) - 1) * Stride + Kernel;
    const depthwise_args& a = t.a;
    const vec bias = simd::load<Arch>(a.bias + t.c);
    vec acc[] = {(static_cast<void>(P), bias)...};
    const float* taps =
        a.weights + static_cast<std::ptrdiff_t>(t.c / panel_c) * (Kernel * Kernel * panel_c) + t.c % panel_c;
    // Column 0 of the tile stands before the map where it is missing.
    const int first = x * Stride - pad;
    for (int ky = 0; ky < Kernel; ++ky, taps += Kernel * panel_c) {
      if (t.rows[ky] == nullptr) continue;
      row<Full, Border>(acc, t.rows[ky], first * a.in_step, a.in_step, t.lanes, taps, -first, a.w - first,
                        std::make_index_sequence<columns>{}, taps_sequence{});
    }
    if (a.act != activation::none) {
      const vec upper = simd::broadcast<Arch>(t.upper);
      ((acc[P] = simd::min<Arch>(upper, simd::relu<Arch>(acc[P]))), ...);
    }
    if (a.sums != nullptr) ((sum = sum + acc[P]), ...);
    float* out = t.out + x * a.out_step;
    (store<Full>(out + static_cast<std::ptrdiff_t>(P) * a.out_step, acc[P], t.lanes), ...);
  }

  /// One kernel row, of which column 0 stands `start` floats from `in`. Only columns in [begin, end) exist.
  template <bool Full, border Border, int Pixels, std::size_t... Column, std::size_t... Kx>
  static REXNET_ALWAYS_INLINE void row(vec (&acc)[Pixels], const float* in, std::ptrdiff_t start,
                                       std::ptrdiff_t step, int lanes, const float* taps, int begin, int end,
                                       std::index_sequence<Column...>,
                                       std::index_sequence<Kx...> k) noexcept {
    const vec tap[] = {simd::load<Arch>(taps + static_cast<std::ptrdiff_t>(Kx) * panel_c)...};
    constexpr int last = static_cast<int>(sizeof...(Column)) - 1;
    ((exists<Border, static_cast<int>(Column), last>(begin, end)
          ? column<static_cast<int>(Column)>(
                acc,
                simd::in_register<Arch>(
                    load<Full>(in + (start + static_cast<std::ptrdiff_t>(Column) * step), lanes)),
                tap, k)
          : static_cast<void>(0)),
     ...);
  }
  template <border Border, int Column, int Last>
  static REXNET_ALWAYS_INLINE bool exists(int begin, int end) noexcept {
    if constexpr (Border == border::any) return Column >= begin && Column < end;
    if constexpr (Border == border::ends && Column == 0) return begin <= 0;
    if constexpr (Border == border::ends && Column == Last) return Last < end;
    return true;
  }
  /// Output pixel (Column - Kx) / Stride takes column `v` through tap Kx.
  template <int Column, int Pixels, std::size_t... Kx>
  static REXNET_ALWAYS_INLINE void column(vec (&acc)[Pixels], const vec& v, const vec (&tap)[Kernel],
                                          std::index_sequence<Kx...>) noexcept {
    (add_tap<Column, static_cast<int>(Kx)>(acc, v, tap[Kx]), ...);
  }
  template <int Column, int Kx, int Pixels>
  static REXNET_ALWAYS_INLINE void add_tap(vec (&acc)[Pixels], const vec& v, const vec& tap) noexcept {
    constexpr int offset = Column - Kx, pixel = offset / Stride;
    if constexpr (offset >= 0 && offset % Stride == 0 && pixel < Pixels)
      acc[pixel] = simd::fma<Arch>(v, tap, acc[pixel]);
  }
};

template <class Arch>
void depthwise(const depthwise_args& a) noexcept {
  REXNET_ASSERT((a.kernel == 3 || a.kernel == 5) && (a.stride == 1 || a.stride == 2));
  REXNET_ASSERT(a.ring_rows >= 1 && a.first_y >= 0 && a.ow == (a.w + a.stride - 1) / a.stride);
  REXNET_ASSERT(a.act != activation::silu && a.act != activation::sigmoid);
  if (a.kernel == 3)
    a.stride == 1 ? depthwise_row<Arch, 3, 1>::run(a) : depthwise_row<Arch, 3, 2>::run(a);
  else
    a.stride == 1 ? depthwise_row<Arch, 5, 1>::run(a) : depthwise_row<Arch, 5, 2>::run(a);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)

#endif  // REXNET_KERNELS_DEPTHWISE_HPP
// ---- rexnet/kernels/pointwise.hpp
// The matrix product of the library: pixels times packed weight panels, with bias, activation and residual.
// The floats of a pixel come in segments of `run` floats: one for a 1x1 convolution; K of K * in_c floats,
// one per kernel row, for a KxK convolution over zero-padded rows.
//
//   pixels   segment s of pixel i: segment[s] + i * pixel_step, `run` floats
//   weights  [panels][segments * run][16], zero padded; aligned to 64 bytes
//   bias     [panels * 16]
//   out      pixel i: out + i * out_step
//
// Bit rule: an output element is one chain of FMAs over k in ascending order that starts at the bias. Tile
// height, tile width and the caller's split of pixels or channels do not change a bit.
#ifndef REXNET_KERNELS_POINTWISE_HPP
#define REXNET_KERNELS_POINTWISE_HPP

// Offsets within tiles and panels are small. NOLINTBEGIN(bugprone-implicit-widening-of-multiplication-result)
namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// each(f) with f the activation of a vector.
template <class Arch, class Each>
REXNET_ALWAYS_INLINE void with_activation(activation act, Each&& each) noexcept {
  using vec = simd::vec<Arch>;
  switch (act) {
    case activation::none: each([](const vec& v) REXNET_LAMBDA_INLINE { return v; }); break;
    case activation::relu: each([](const vec& v) REXNET_LAMBDA_INLINE { return simd::relu<Arch>(v); }); break;
    case activation::relu6:
      each([](const vec& v) REXNET_LAMBDA_INLINE { return simd::relu6<Arch>(v); });
      break;
    case activation::silu: each([](const vec& v) REXNET_LAMBDA_INLINE { return simd::silu<Arch>(v); }); break;
    case activation::sigmoid: break;  // no layer that is a product of matrices has it
  }
}

/// What follows the sums of a tile: activation, residual, and channels that end within a vector. One copy
/// for all tiles, through memory: unrolled into each tile it made a third of a network's code (238 kB, now
/// 164) and half of its compile time; the detour costs 0 to 3 % of the pass.
template <class Arch>
struct tile_epilogue {
  using vec = simd::vec<Arch>;
  static constexpr int width = simd::width<Arch>;

  const pointwise_args& a;
  std::ptrdiff_t pixel;
  int channel;
  int vectors;  ///< per pixel: 1 or 2

  /// @param sums [rows][vectors][width]
  REXNET_NOINLINE void run(const float* sums, int rows) const noexcept {
    with_activation<Arch>(a.act, [&](auto&& f) REXNET_LAMBDA_INLINE { each(sums, rows, f); });
  }

 private:
  /// Four vectors at a time hide the latency of a chain of a dozen FMAs and a division.
  template <class Function>
  REXNET_ALWAYS_INLINE void each(const float* sums, int rows, Function&& f) const noexcept {
    const int n = rows * vectors;
    int i = 0;
    for (; i + 4 <= n; i += 4, sums += 4 * width) {
      const vec v0 = f(simd::load<Arch>(sums)), v1 = f(simd::load<Arch>(sums + width)),
                v2 = f(simd::load<Arch>(sums + 2 * width)), v3 = f(simd::load<Arch>(sums + 3 * width));
      place(i, v0);
      place(i + 1, v1);
      place(i + 2, v2);
      place(i + 3, v3);
    }
    for (; i < n; ++i, sums += width) place(i, f(simd::load<Arch>(sums)));
  }
  REXNET_ALWAYS_INLINE void place(int i, vec v) const noexcept {
    const std::ptrdiff_t row = pixel + (vectors == 2 ? i / 2 : i);
    const int c = channel + (vectors == 2 ? i % 2 * width : 0);
    if (c < a.residual_c) {
      const float* r = a.residual + row * a.residual_step + c;
      v = v + (c + width <= a.residual_c ? simd::load<Arch>(r) : simd::load_first<Arch>(r, a.residual_c - c));
    }
    float* out = a.out + row * a.out_step + c;
    if (c + width <= a.out_c)
      simd::store<Arch>(out, v);
    else if (c < a.out_c)
      simd::store_first<Arch>(out, v, a.out_c - c);
  }
};

/// The activation of whole vectors, in place: `rows` pixels of Vectors vectors. Tiles leave their sums in the
/// output, and a few tiles later this loop, long enough to keep every port busy, passes over them in L1.
template <class Arch, int Vectors>
REXNET_NOINLINE void activate(float* out, std::ptrdiff_t step, std::ptrdiff_t rows, activation act) noexcept {
  with_activation<Arch>(act, [=](auto&& f) REXNET_LAMBDA_INLINE {
    float* p = out;
    constexpr int width = simd::width<Arch>;
    std::ptrdiff_t i = rows;
    for (; i > 1; i -= 2, p += 2 * step) {
      const auto v0 = f(simd::load<Arch>(p)), v2 = f(simd::load<Arch>(p + step));
      if constexpr (Vectors > 1) {
        const auto v1 = f(simd::load<Arch>(p + width)), v3 = f(simd::load<Arch>(p + step + width));
        simd::store<Arch>(p + width, v1);
        simd::store<Arch>(p + step + width, v3);
      }
      simd::store<Arch>(p, v0);
      simd::store<Arch>(p + step, v2);
    }
    for (; i > 0; --i, p += step)
      for (int v = 0; v < Vectors; ++v) simd::store<Arch>(p + v * width, f(simd::load<Arch>(p + v * width)));
  });
}

/// Where a tile reads its pixels: the first of every three, because [p], [p + step] and [p + 2 step] are x86
/// addresses without arithmetic.
template <int Rows>
struct pixel_rows {
  const float *p0, *p3, *p6, *p9, *p12;
  std::ptrdiff_t step;  ///< floats from a pixel to the next

  REXNET_ALWAYS_INLINE pixel_rows(const float* first, std::ptrdiff_t pixel_step) noexcept
      : p0(first), step(pixel_step) {
    // Only pixels that the tile has: a pointer to others might lie outside of the map.
    p3 = Rows > 3 ? simd::opaque(p0 + 3 * step) : p0;
    p6 = Rows > 6 ? simd::opaque(p3 + 3 * step) : p0;
    p9 = Rows > 9 ? simd::opaque(p6 + 3 * step) : p0;
    p12 = Rows > 12 ? simd::opaque(p9 + 3 * step) : p0;
  }
  /// Value k of pixel Row.
  template <std::size_t Row>
  [[nodiscard]] REXNET_ALWAYS_INLINE const float* at(std::ptrdiff_t k) const noexcept {
    static_assert(Row < 15);
    const float* p = Row < 3 ? p0 : Row < 6 ? p3 : Row < 9 ? p6 : Row < 12 ? p9 : p12;
    return p + (static_cast<std::ptrdiff_t>(Row % 3) * step + k);
  }
  REXNET_ALWAYS_INLINE void advance(int k) noexcept { p0 += k, p3 += k, p6 += k, p9 += k, p12 += k; }
};

/// One register tile: Rows pixels by Vectors vectors of output channels.
template <class Arch, int Rows, int Vectors>
struct pointwise_tile {
  using vec = simd::vec<Arch>;
  using pixels = pixel_rows<Rows>;
  static constexpr int width = simd::width<Arch>;
  using rows_sequence = std::make_index_sequence<Rows>;
  using all_sequence = std::make_index_sequence<Rows * Vectors>;

  vec acc[Rows * Vectors];

  /// @param pixel first pixel, @param channel first output channel (a multiple of the vector width)
  /// @param ahead address to prefetch from, 128 bytes every four k
  static void run(const pointwise_args& a, std::ptrdiff_t pixel, int channel, std::uintptr_t ahead) noexcept {
    pointwise_tile tile;
    tile.compute(a, pixel, channel, ahead);
    if (a.residual_c == 0 && channel + Vectors * width <= a.out_c) {
      tile.store(a.out + pixel * a.out_step + channel, a.out_step, all_sequence{});
    } else {
      alignas(64) float sums[Rows * Vectors * width];
      tile.store(sums, Vectors * width, all_sequence{});
      tile_epilogue<Arch>{a, pixel, channel, Vectors}.run(sums, Rows);
    }
  }

 private:
  static constexpr std::ptrdiff_t row_of(std::size_t i) noexcept {
    return static_cast<std::ptrdiff_t>(i) / Vectors;
  }
  static constexpr std::ptrdiff_t lane_of(std::size_t i) noexcept {
    return static_cast<std::ptrdiff_t>(i) % Vectors * width;
  }
  /// The weights of the vector of channels from `channel` on: a panel, and a lane of it.
  static const float* weight_column(const pointwise_args& a, int channel) noexcept {
    const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(a.segments) * a.run * panel_c;
    return a.weights + channel / panel_c * panel_size + channel % panel_c;
  }

  // Everything below is unrolled by index sequences, because g++ -O2 does not unroll loops and would keep
  // the accumulators in memory (3 times slower).
  REXNET_ALWAYS_INLINE void compute(const pointwise_args& a, std::ptrdiff_t pixel, int channel,
                                    std::uintptr_t ahead) noexcept {
    const float* w0 = weight_column(a, channel);
    const float* w1 = weight_column(a, channel + (Vectors - 1) * width);
    start(a.bias + channel, all_sequence{});
    for (int s = 0; s < a.segments; ++s) {
      pixels in(a.segment[s] + pixel * a.pixel_step, a.pixel_step);
      int k = a.run;
      for (; k >= 4; k -= 4) {
        REXNET_PREFETCH(ahead);
        REXNET_PREFETCH(ahead + 64);
        ahead += 128;
        if constexpr (simd::fma_lanes<Arch> == 4) {
          accumulate_lanes(in, w0, w1, rows_sequence{});
        } else {
          accumulate<0>(in, w0, w1, rows_sequence{});
          accumulate<1>(in, w0, w1, rows_sequence{});
          accumulate<2>(in, w0, w1, rows_sequence{});
          accumulate<3>(in, w0, w1, rows_sequence{});
        }
        in.advance(4), w0 += 4 * panel_c, w1 += 4 * panel_c;
      }
      for (; k > 0; --k) {
        accumulate<0>(in, w0, w1, rows_sequence{});
        in.advance(1), w0 += panel_c, w1 += panel_c;
      }
    }
  }

  template <std::size_t... I>
  REXNET_ALWAYS_INLINE void start(const float* bias, std::index_sequence<I...>) noexcept {
    ((acc[I] = simd::load<Arch>(bias + lane_of(I))), ...);
  }

  template <std::size_t... I>
  REXNET_ALWAYS_INLINE void store(float* out, std::ptrdiff_t step, std::index_sequence<I...>) const noexcept {
    (simd::store<Arch>(out + row_of(I) * step + lane_of(I), acc[I]), ...);
  }

  /// Value K of every pixel, broadcast, times one vector of weights or two.
  template <int K, std::size_t... Row>
  REXNET_ALWAYS_INLINE void accumulate(const pixels& in, const float* w0, const float* w1,
                                       std::index_sequence<Row...>) noexcept {
    vec x;
    const vec first = simd::load<Arch>(w0 + K * panel_c);
    if constexpr (Vectors == 1) {
      ((x = simd::broadcast<Arch>(*in.template at<Row>(K)), acc[Row] = simd::fma<Arch>(x, first, acc[Row]),
        simd::keep_alive<Arch>(x)),
       ...);
    } else {
      const vec second = simd::load<Arch>(w1 + K * panel_c);
      ((x = simd::broadcast<Arch>(*in.template at<Row>(K)),
        acc[2 * Row] = simd::fma<Arch>(x, first, acc[2 * Row]),
        acc[2 * Row + 1] = simd::fma<Arch>(x, second, acc[2 * Row + 1]), simd::keep_alive<Arch>(x)),
       ...);
      simd::keep_alive<Arch>(second);
    }
    simd::keep_alive<Arch>(first);
  }

  /// Four k: each pixel is loaded once, its lanes multiply in turn (NEON64: fmla by element).
  template <std::size_t... Row>
  REXNET_ALWAYS_INLINE void accumulate_lanes(const pixels& in, const float* w0, const float* w1,
                                             std::index_sequence<Row...>) noexcept {
    const vec x[] = {simd::load<Arch>(in.template at<Row>(0))...};
    multiply_lane<0>(x, w0, w1, rows_sequence{});
    multiply_lane<1>(x, w0, w1, rows_sequence{});
    multiply_lane<2>(x, w0, w1, rows_sequence{});
    multiply_lane<3>(x, w0, w1, rows_sequence{});
  }
  template <int K, std::size_t... Row>
  REXNET_ALWAYS_INLINE void multiply_lane(const vec (&x)[Rows], const float* w0, const float* w1,
                                          std::index_sequence<Row...>) noexcept {
    const vec first = simd::load<Arch>(w0 + K * panel_c);
    ((acc[Row * Vectors] = simd::fma_lane<Arch, K>(x[Row], first, acc[Row * Vectors])), ...);
    if constexpr (Vectors > 1) {
      const vec second = simd::load<Arch>(w1 + K * panel_c);
      ((acc[Row * Vectors + 1] = simd::fma_lane<Arch, K>(x[Row], second, acc[Row * Vectors + 1])), ...);
    }
  }
};

using pointwise_function = void (*)(const pointwise_args&, std::ptrdiff_t, int, std::uintptr_t) noexcept;

template <class Arch, int Vectors, std::size_t... I>
constexpr pointwise_function pointwise_entry(std::size_t rows, std::index_sequence<I...>) noexcept {
  constexpr pointwise_function entries[] = {&pointwise_tile<Arch, static_cast<int>(I) + 1, Vectors>::run...};
  return entries[rows - 1];
}

/// Pixels [0, pixels) in tiles of nearly equal height, so that none has a single pixel beside full ones: 49 =
/// 13 + 3 * 12.
template <class Arch, int Vectors, int MaxRows>
void pointwise_column(const pointwise_args& a, int channel) noexcept {
  const std::ptrdiff_t pixels = a.pixels;
  const std::ptrdiff_t tiles = (pixels + MaxRows - 1) / MaxRows;
  const std::ptrdiff_t height = pixels / tiles, taller = pixels % tiles;
  // Weights come from L3 or memory, and a 7 x 7 map is done with them after four tiles: each of a column's
  // first four tiles fetches a quarter of the next two panels. (Zen 5, v1 1.0: 7 x 7 slices 56 to 75 % of the
  // bound, the whole pass 3 to 6 % less time.) Numbers, not pointers: the last ones lie behind the payload.
  const std::ptrdiff_t panel = static_cast<std::ptrdiff_t>(a.segments) * a.run * panel_c;
  const auto here = reinterpret_cast<std::uintptr_t>(a.weights + channel / panel_c * panel);
  const auto panel_bytes = static_cast<std::uintptr_t>(panel) * sizeof(float);
  const auto next = here + static_cast<std::uintptr_t>(a.ahead) * panel_bytes;
  std::ptrdiff_t pixel = 0;
  const auto sequence = std::make_index_sequence<MaxRows>{};
  const bool in_place =
      a.act != activation::none && a.residual_c == 0 && channel + Vectors * simd::width<Arch> <= a.out_c;
  std::ptrdiff_t active = 0;  // pixels before this one have passed the activation
  const auto run = [&](std::ptrdiff_t first, std::ptrdiff_t last, std::ptrdiff_t rows) {
    const pointwise_function tile = pointwise_entry<Arch, Vectors>(static_cast<std::size_t>(rows), sequence);
    for (std::ptrdiff_t t = first; t < last; ++t) {
      tile(a, pixel, channel, t < 4 ? next + static_cast<std::uintptr_t>(t) * panel_bytes / 2 : here);
      pixel += rows;
      if (in_place && (pixel - active >= 28 || pixel == pixels)) {
        activate<Arch, Vectors>(a.out + active * a.out_step + channel, a.out_step, pixel - active, a.act);
        active = pixel;
      }
    }
  };
  if (taller > 0) run(0, taller, height + 1);
  run(taller, tiles, height);
}

/// All pixels and the output channels [first_c, last_c).
template <class Arch>
void pointwise(const pointwise_args& a) noexcept {
  using traits = kernel_traits<Arch>;
  constexpr int width = simd::width<Arch>;
  REXNET_ASSERT(a.segments >= 1 && a.run >= 0 && a.first_c % panel_c == 0 && a.ahead >= 0);
  REXNET_ASSERT(a.last_c >= a.out_c || a.last_c % panel_c == 0);
  REXNET_ASSERT(a.act != activation::sigmoid && (a.residual != nullptr || a.residual_c == 0));
  if (a.pixels <= 0) return;
  const int last_c = a.last_c > a.out_c ? a.out_c : a.last_c;
  int c = a.first_c;
  for (; c + width < last_c; c += 2 * width) pointwise_column<Arch, 2, traits::rows>(a, c);
  if (c < last_c) pointwise_column<Arch, 1, traits::tail_rows>(a, c);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet
// NOLINTEND(bugprone-implicit-widening-of-multiplication-result)

#endif  // REXNET_KERNELS_POINTWISE_HPP
// ---- rexnet/kernels/sweep.hpp
// Passes over the pixels of a map: the running sum that means are made of, and the scale that squeeze-excite
// applies.
#ifndef REXNET_KERNELS_SWEEP_HPP
#define REXNET_KERNELS_SWEEP_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// vector[ch] += every pixel's value, pixel after pixel.
template <class Arch>
void add_pixels(const sweep_args& a) noexcept {
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  for (int ch = 0; ch < a.c; ch += width) {
    const int lanes = a.c - ch < width ? a.c - ch : width;
    vec sum = simd::load_first<Arch>(a.vector + ch, lanes);
    const float* p = a.map + ch;
    if (lanes == width)
      for (std::ptrdiff_t i = 0; i < a.pixels; ++i, p += a.step) sum = sum + simd::load<Arch>(p);
    else
      for (std::ptrdiff_t i = 0; i < a.pixels; ++i, p += a.step) sum = sum + simd::load_first<Arch>(p, lanes);
    simd::store_first<Arch>(a.vector + ch, sum, lanes);
  }
}

/// map = act(map * vector), in place.
template <class Arch>
void scale_pixels(const sweep_args& a) noexcept {
  REXNET_ASSERT(a.act != activation::silu && a.act != activation::sigmoid);
  using vec = simd::vec<Arch>;
  constexpr int width = simd::width<Arch>;
  const bool clip = a.act != activation::none;
  const vec upper = simd::broadcast<Arch>(upper_bound(a.act));
  const auto apply = [clip, &upper](const vec& v, const vec& s) REXNET_LAMBDA_INLINE {
    const vec scaled = v * s;
    return clip ? simd::min<Arch>(upper, simd::relu<Arch>(scaled)) : scaled;
  };
  float* map = a.map;
  const float* const scale = a.vector;
  const int c = a.c;
  for (std::ptrdiff_t i = 0; i < a.pixels; ++i, map += a.step) {
    int ch = 0;
    for (; ch + width <= c; ch += width)
      simd::store<Arch>(map + ch, apply(simd::load<Arch>(map + ch), simd::load<Arch>(scale + ch)));
    if (ch < c)
      simd::store_first<Arch>(
          map + ch,
          apply(simd::load_first<Arch>(map + ch, c - ch), simd::load_first<Arch>(scale + ch, c - ch)),
          c - ch);
  }
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_SWEEP_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// @tparam Arch an instruction set that this translation unit is compiled for
template <class Arch>
inline constexpr kernel_table kernels_of = {
    simd::name<Arch>(),        detail::border_hash,         simd::width<Arch>,
    &detail::pointwise<Arch>,  &detail::depthwise<Arch>,    &detail::dense<Arch>,
    &detail::add_pixels<Arch>, &detail::scale_pixels<Arch>, detail::own_resample};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_KERNELS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

/// Kernels of this translation unit.
template <class Arch>
struct compiled {
  [[nodiscard]] static status ready() { return done; }
  [[nodiscard]] static constexpr const kernel_table* kernels() noexcept { return &kernels_of<Arch>; }
};

}  // namespace detail

/// A ReXNet on one instruction set: see basic_network for what it does.
/// @tparam Config static_config<family::v1, 100, 1000>: sizes are compile-time constants; or dynamic_config
/// @tparam Arch   instruction set, one that the translation unit is compiled for
template <class Config, class Arch = simd::default_arch>
using network = basic_network<Config, detail::compiled<Arch>>;

/// A detector on one instruction set: see basic_detector_network.
/// @tparam Config static_detector<family::v1, 100, 91>, or dynamic_config
template <class Config, class Arch = simd::default_arch>
using detector_network = basic_detector_network<Config, detail::compiled<Arch>>;

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_NETWORK_HPP
// ---- rexnet/payload/file/read.hpp
// A packed file's description as values of their own, for tools and for writing; view.hpp reads the
// same without the heap. Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_READ_HPP
#define REXNET_PAYLOAD_FILE_READ_HPP

// ---- rexnet/payload/file/view.hpp
// A packed file, checked and read in place: what describes the model, then the payload of payload/layout.hpp
// as float32 (used in place) or float16 (expanded once). Nothing here allocates or throws. Specification:
// docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_VIEW_HPP
#define REXNET_PAYLOAD_FILE_VIEW_HPP

// ---- rexnet/payload/file/version1.hpp
// The packed file, version 1: fixed fields for ReXNet's sixteen blocks, labels, self-test, payload.
// Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_VERSION1_HPP
#define REXNET_PAYLOAD_FILE_VERSION1_HPP

// ---- rexnet/payload/file/fields.hpp
// What all versions of the packed file have in common: the view that a reader fills in, numbers as they lie
// in a file, and the checks of labels, self-test and weights. Each file is parsed once: this code is made
// small, not fast (REXNET_COLD: 2 kB of a small program).
#ifndef REXNET_PAYLOAD_FILE_FIELDS_HPP
#define REXNET_PAYLOAD_FILE_FIELDS_HPP

// ---- rexnet/labels/label_text.hpp
// What a class may be called: the one rule for packed files, written and read, and for lists of names.
#ifndef REXNET_LABELS_LABEL_TEXT_HPP
#define REXNET_LABELS_LABEL_TEXT_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The first 60 bytes, whole characters of them where it is UTF-8.
[[nodiscard]] constexpr std::string_view beginning(std::string_view s) noexcept {
  std::size_t n = s.size() < 60 ? s.size() : 60;
  while (n > 0 && n < s.size() && (static_cast<unsigned char>(s[n]) & 0xc0u) == 0x80u) --n;
  return {s.data(), n};
}

/// Names of classes are UTF-8 without what is_control() says, line feeds and tabs among it: programs, files
/// and terminals disagree about everything else. An empty name is one. fail(code, parts of a text...)
/// reports what is wrong (packed_label_text, K12), and what it returns is returned.
/// @param what "label ", "line ": what `number` counts
template <class Fail>
[[nodiscard]] constexpr errc check_label(std::string_view label, const char* what, std::size_t number,
                                         Fail&& fail) {
  constexpr errc bad = errc::packed_label_text;
  for (std::string_view rest = label; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    if (length == 0) return fail(bad, what, number, " \"", beginning(label), "\": is not UTF-8");
    if (is_control({rest.data(), length}))
      return fail(bad, what, number, " \"", beginning(label), "\": has a control character");
    rest.remove_prefix(length);
  }
  return errc::ok;
}

/// The same for all of them. @param labels of anything that converts to string_view
template <class Labels, class Fail>
[[nodiscard]] constexpr errc check_labels(const Labels& labels, Fail&& fail) {
  std::size_t number = 0;
  for (const auto& label : labels)
    if (const errc e = check_label(label, "label ", ++number, fail); e != errc::ok) return e;
  return errc::ok;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_LABELS_LABEL_TEXT_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// float32 values in a file, little endian, at any address.
class stored_floats {
 public:
  constexpr stored_floats() noexcept = default;
  /// Of four bytes each.
  constexpr explicit stored_floats(byte_span bytes) noexcept : bytes_(bytes) {}
  /// How many.
  [[nodiscard]] constexpr std::size_t size() const noexcept { return bytes_.size() / 4; }
  /// Precondition: i < size().
  [[nodiscard]] float operator[](std::size_t i) const noexcept {
    return float_from_bits(static_cast<std::uint32_t>(detail::little_endian<4>(bytes_.data() + 4 * i)));
  }

 private:
  byte_span bytes_;
};

/// What a packed file holds, as views of its bytes.
struct packed_view {
  int version = 0;                        ///< of the format: 1 or 2
  config shape;                           ///< of the network; of a detector its backbone
  ssd_part ssd;                           ///< classes 0: the file holds no detector
  detector_settings settings;             ///< of a detector
  preprocessing input;                    ///< how it wants its pictures; of a detector mean and std
  element_type type = element_type::f32;  ///< of the payload: f32 or f16
  int label_count = 0;                    ///< 0, or named_classes()
  std::string_view label_text;            ///< UTF-8, each label ended by a line feed
  struct {
    int h = 0;               ///< rows of the input; 0: the file has no self-test
    int w = 0;               ///< columns of the input
    std::uint32_t seed = 1;  ///< of the input, where the file holds none of its own
    stored_floats input;     ///< [h][w][3], or empty
    stored_floats outputs;   ///< self_test_outputs() of them
  } test;                    ///< self_test, as views
  byte_span payload;         ///< weights in the order of layout_of(shape), or of layout_of(join(shape, ssd))

  /// The name of class i, empty where there is none. Reads the labels before it.
  [[nodiscard]] std::string_view label(int i) const noexcept {
    if (i < 0 || i >= label_count) return {};
    std::string_view rest = label_text;
    for (; i > 0; --i) rest.remove_prefix(rest.find('\n') + 1);
    return {rest.data(), rest.find('\n')};
  }
  /// The weights in place, 64-byte aligned; null where they are float16: see expand_half().
  [[nodiscard]] const float* floats() const noexcept {
    return type == element_type::f32 ? reinterpret_cast<const float*>(payload.data()) : nullptr;
  }
};

/// Of a packed_view or packed_header `h`, alike for classifiers, backbones and detectors: classes that may
/// have names (a detector's without its background), numbers of the payload, outputs of a self-test of h x w
/// pixels (a detector's logits, then its codes).
/// @{
template <class Header>
[[nodiscard]] constexpr int named_classes(const Header& h) noexcept {
  return h.ssd.classes > 0 ? h.ssd.classes - 1 : h.shape.classes;
}
template <class Header>
[[nodiscard]] constexpr std::int64_t payload_numbers(const Header& h) noexcept {
  return h.ssd.classes > 0 ? packed_numbers(join(h.shape, h.ssd)) : packed_numbers(h.shape);
}
template <class Header>
[[nodiscard]] constexpr std::int64_t self_test_outputs(const Header& h) noexcept {
  if (h.ssd.classes < 1) return output_c(h.shape);
  return detector_rows(join(h.shape, h.ssd), h.test.h, h.test.w) * (h.ssd.classes + 4);
}
/// @}

enum class check : std::uint8_t {
  header,  ///< everything that memory safety rests on
  full     ///< the payload's checksum, too: reads the whole file
};

[[nodiscard]] inline bool is_packed(byte_span bytes) noexcept {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), "REXNETPK", 8) == 0;
}

namespace detail {

inline constexpr std::uint32_t packed_endian = 0x01020304u;
/// Magic, version, byte order mark, checksum: the same in all versions.
inline constexpr std::size_t packed_start = 20;

/// Reads numbers one after the other. Precondition: they are there.
struct field_reader {
  const unsigned char* next;
  bool bad = false;         ///< a number of the shape that no network has
  bool bad_resize = false;  ///< an interpolation or pass order that has no meaning
  void u32(std::uint32_t& v) { v = static_cast<std::uint32_t>(little_endian<4>(next)), next += 4; }
  void i32(int& v) {
    v = static_cast<std::int32_t>(little_endian<4>(next)), next += 4;
    bad = bad || v < 0 || v > (1 << 20);
  }
  void f32(float& v) { v = float_from_bits(static_cast<std::uint32_t>(little_endian<4>(next))), next += 4; }
  void f64(double& v) {
    const std::uint64_t bits = little_endian<8>(next);
    std::memcpy(&v, &bits, sizeof(v)), next += 8;
  }
};

/// Walks over how pictures are prepared, for reading and for writing: each field is named once, in order.
template <class Io>
REXNET_COLD void picture_fields(Io& io, preprocessing& p) {
  auto filter = static_cast<std::uint32_t>(p.interpolation), order = static_cast<std::uint32_t>(p.order);
  io.i32(p.input_size), io.u32(filter), io.u32(order);
  p.interpolation = filter == 1 ? interpolation::bilinear : interpolation::bicubic;
  p.order = order == 1 ? pass_order::horizontal_first : pass_order::pillow_13;
  io.bad_resize = filter > 1 || order > 1;
  for (float& v : p.mean) io.f32(v);
  for (float& v : p.std) io.f32(v);
  io.f64(p.crop_pct);
}
inline constexpr std::size_t picture_bytes = 44;

/// @param at where interpolation and pass order are
template <class Fail>
[[nodiscard]] REXNET_COLD errc check_picture_fields(const field_reader& r, const preprocessing& p,
                                                    const unsigned char* at, Fail&& fail) {
  if (r.bad_resize)
    return fail(errc::packed_preprocessing, "interpolation ", little_endian<4>(at), ", pass order ",
                little_endian<4>(at + 4), ": 0 and 1 are known");
  return check_preprocessing(
      p, [&fail](errc, const auto&... parts) { return fail(errc::packed_preprocessing, parts...); });
}

/// The labels: one per class, or none; then they are in the view.
template <class Fail>
[[nodiscard]] REXNET_COLD errc read_labels(std::string_view labels, std::uint32_t count, packed_view& v,
                                           Fail&& fail) {
  std::uint32_t lines = 0;
  for (const char c : labels) lines += c == '\n' ? 1u : 0u;
  if (lines != count || (count != 0 && count != static_cast<std::uint32_t>(named_classes(v))))
    return fail(errc::packed_labels, count, " labels in ", lines, " lines for ", named_classes(v),
                " classes");
  std::string_view rest = labels;
  for (std::uint32_t i = 1; i <= lines; ++i) {
    const std::size_t end = rest.find('\n');
    if (const errc e = check_label({rest.data(), end}, "label ", i, fail); e != errc::ok) return e;
    rest.remove_prefix(end + 1);
  }
  if (!rest.empty()) return fail(errc::packed_label_text, rest.size(), " bytes behind the last label");
  v.label_count = static_cast<int>(count);
  v.label_text = labels;
  return errc::ok;
}

/// Whether the self-test's input is one. @param input_floats that the file holds of it
template <class Fail>
[[nodiscard]] REXNET_COLD errc check_test_size(const packed_view& v, std::uint32_t input_floats,
                                               Fail&& fail) {
  const std::uint64_t needed =
      3 * static_cast<std::uint64_t>(v.test.h) * static_cast<std::uint64_t>(v.test.w);
  if ((v.test.h > 0) == (v.test.w > 0) && v.test.h <= 16384 && v.test.w <= 16384 &&
      (input_floats == 0 || input_floats == needed))
    return errc::ok;
  return fail(errc::packed_shape, "a self-test of ", v.test.h, " x ", v.test.w, " pixels with ", input_floats,
              " values");
}

/// Whether the payload is of the size that the network needs.
template <class Fail>
[[nodiscard]] REXNET_COLD errc check_payload_size(const packed_view& v, std::uint64_t bytes, Fail&& fail) {
  const checked expected = checked(static_cast<std::uint64_t>(payload_numbers(v))) *
                           static_cast<std::uint64_t>(element_bytes(v.type));
  if (bytes == expected.get()) return errc::ok;
  return fail(errc::packed_shape, bytes, " bytes of weights, this network needs ", expected.get());
}

/// Where the payload lies and, with check::full, what it holds.
template <class Fail>
[[nodiscard]] REXNET_COLD errc check_payload(const packed_view& v, check depth, std::uint32_t recorded,
                                             Fail&& fail) {
  if (v.type == element_type::f32 && !is_aligned(v.payload.data()))
    return fail(errc::packed_misaligned,
                "memory at address modulo 64 = ", reinterpret_cast<std::uintptr_t>(v.payload.data()) % 64,
                ", must be 0");
  if (depth != check::full) return errc::ok;
  const std::uint32_t found = crc32(v.payload);
  if (found == recorded) return errc::ok;
  return fail(errc::packed_payload_checksum, "weights checksum ", found, ", recorded ", recorded);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_FIELDS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

inline constexpr std::size_t packed_fixed = 384;  ///< bytes before the labels

/// Walks over the fixed fields, for reading and for writing: each field is named once, in order.
/// @tparam Header packed_view or packed_header
template <class Io, class Header>
REXNET_COLD void packed_fields(Io&& io, Header& h) {
  auto type = static_cast<std::uint32_t>(h.type), family_code = static_cast<std::uint32_t>(h.shape.family);
  io.u32(type), io.u32(family_code);
  h.type = type == 1 ? element_type::f16 : element_type::f32;
  h.shape.family = static_cast<family>(family_code < family_count ? family_code : 0);
  io.bad = io.bad || type > 1 || family_code >= family_count;
  for (int* v :
       {&h.shape.width_hundredths, &h.shape.classes, &h.shape.stem_c, &h.shape.head_c, &h.shape.hidden_c})
    io.i32(*v);
  for (int i = 0; i < rexnet_blocks; ++i) {
    block_config& b = h.shape.blocks[i];
    io.i32(b.out_c), io.i32(b.se_c), io.i32(b.kernel);
  }
  picture_fields(io, h.input);
  io.i32(h.test.h), io.i32(h.test.w), io.u32(h.test.seed);
}

/// What version 1 says of a network, without the rest.
[[nodiscard]] constexpr config as_version_1(const config& c) noexcept {
  config d;
  d.family = c.family, d.width_hundredths = c.width_hundredths, d.classes = c.classes;
  d.stem_c = c.stem_c, d.head_c = c.head_c, d.hidden_c = c.hidden_c;
  for (int i = 0; i < rexnet_blocks; ++i)
    d.blocks[i].out_c = c.blocks[i].out_c, d.blocks[i].se_c = c.blocks[i].se_c,
    d.blocks[i].kernel = c.blocks[i].kernel;
  connect_blocks(d);
  return d;
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc parse_version_1(byte_span bytes, check depth, packed_view& v, Fail&& fail) {
  if (bytes.size() < packed_fixed)
    return fail(errc::packed_size, bytes.size(), " bytes are less than a header");
  field_reader r{bytes.data() + packed_start};
  packed_fields(r, v);
  std::uint32_t label_count = 0, label_bytes = 0, input_floats = 0, payload_crc = 0;
  r.u32(label_count), r.u32(label_bytes), r.u32(input_floats), r.u32(payload_crc);
  const std::uint64_t header_bytes = little_endian<8>(r.next), payload_bytes = little_endian<8>(r.next + 8);
  if (header_bytes % 64 != 0 || header_bytes < packed_fixed || header_bytes > bytes.size())
    return fail(errc::packed_offset, "payload at ", header_bytes, " of ", bytes.size(), " bytes");
  const std::uint32_t found = crc32(bytes.subspan(20, static_cast<std::size_t>(header_bytes) - 20)),
                      recorded = static_cast<std::uint32_t>(little_endian<4>(bytes.data() + 16));
  if (found != recorded)
    return fail(errc::packed_header_checksum, "header checksum ", found, ", recorded ", recorded);
  if (!r.bad) connect_blocks(v.shape);  // whose products then fit
  if (r.bad || !is_runnable(v.shape)) return fail(errc::packed_shape, "impossible network shape");
  if (const errc e = check_payload_size(v, payload_bytes, fail); e != errc::ok) return e;
  const checked end = checked(header_bytes) + payload_bytes;
  if (!end.at_most(bytes.size()) || end.get() != bytes.size())
    return fail(errc::packed_size, bytes.size(), " bytes, expected ", header_bytes + payload_bytes,
                " (cut short?)");
  v.payload = bytes.subspan(static_cast<std::size_t>(header_bytes), static_cast<std::size_t>(payload_bytes));
  if (const errc e = check_payload(v, depth, payload_crc, fail); e != errc::ok) return e;
  if (const errc e = check_picture_fields(r, v.input, bytes.data() + 244, fail); e != errc::ok) return e;
  // Behind the fixed fields: labels, then the self-test's outputs and input, each from a multiple of 4.
  const std::uint64_t outputs = v.test.h > 0 ? static_cast<std::uint64_t>(output_c(v.shape)) : 0;
  const checked labels_end = checked(packed_fixed) + round_up(std::uint64_t{label_bytes}, 4);
  if (!(labels_end + checked(outputs + input_floats) * 4).at_most(header_bytes))
    return fail(errc::packed_offset, "labels and self-test leave the header of ", header_bytes, " bytes");
  if (const errc e = check_test_size(v, input_floats, fail); e != errc::ok) return e;
  const std::string_view labels = text(bytes.subspan(packed_fixed, label_bytes));
  if (const errc e = read_labels(labels, label_count, v, fail); e != errc::ok) return e;
  const auto first = static_cast<std::size_t>(labels_end.get()),
             output_count = static_cast<std::size_t>(outputs);
  v.test.outputs = stored_floats(bytes.subspan(first, output_count * 4));
  v.test.input = stored_floats(bytes.subspan(first + output_count * 4, std::size_t{input_floats} * 4));
  return errc::ok;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_VERSION1_HPP
// ---- rexnet/payload/file/version2.hpp
// The packed file, version 2: a table of sections, of any network that the engine can run.
// Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_VERSION2_HPP
#define REXNET_PAYLOAD_FILE_VERSION2_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// What a section holds. A reader refuses a kind that is not in this list, unless `may_skip` is set in its
/// number.
enum class section_kind : std::uint32_t {
  shape = 1,
  pictures = 2,
  labels = 3,
  self_test = 4,
  weights = 5,
  detector = 6
};
inline constexpr std::uint32_t may_skip = 0x80000000u;
inline constexpr int section_kinds = 6;
inline constexpr std::uint32_t max_sections = 64;
/// Bytes before the table, and of one row of it.
inline constexpr std::size_t table_at = 64, table_row = 32;

[[nodiscard]] constexpr const char* section_name(section_kind kind) noexcept {
  switch (kind) {
    case section_kind::shape: return "shape";
    case section_kind::pictures: return "pictures";
    case section_kind::labels: return "labels";
    case section_kind::self_test: return "self-test";
    case section_kind::weights: return "weights";
    case section_kind::detector: return "detector";
  }
  return "unknown";
}

/// One row of the table.
struct section {
  std::uint32_t kind = 0;
  std::uint32_t type = 0;  ///< element_type
  byte_span bytes;         ///< no data(): the file has no such section
  std::uint32_t crc = 0;
};

/// The sections that a reader of this version knows.
struct section_table {
  section known[section_kinds];
  [[nodiscard]] const section& operator[](section_kind k) const noexcept {
    return known[static_cast<std::uint32_t>(k) - 1];
  }
};

/// Numbers of a shape before its blocks, and of each block.
inline constexpr std::uint32_t shape_numbers_before = 11, shape_numbers_of_block = 12;

/// A number that stands for one of a few values: 0 to `most`.
template <class Io, class Value>
REXNET_COLD void code_field(Io& io, Value& value, std::uint32_t most) {
  auto number = static_cast<std::uint32_t>(value);
  io.u32(number);
  io.bad = io.bad || number > most;
  value = static_cast<Value>(number <= most ? number : 0);
}
template <class Io>
REXNET_COLD void activation_field(Io& io, activation& a) {
  code_field(io, a, static_cast<std::uint32_t>(activation::sigmoid));
}
template <class Io>
REXNET_COLD void block_fields(Io& io, block_config& b) {
  for (int* v : {&b.in_c, &b.mid_c, &b.out_c, &b.se_c, &b.stride, &b.kernel, &b.residual_c}) io.i32(*v);
  code_field(io, b.expand, 1);
  activation_field(io, b.expand_act), activation_field(io, b.depthwise_act);
  activation_field(io, b.project_act), code_field(io, b.se_first, 1);
}

/// Walks over the shape, for reading and for writing. Before it: the caller has read block_count.
template <class Io>
REXNET_COLD void shape_fields(Io& io, config& c) {
  code_field(io, c.family, family_count - 1);
  for (int* v : {&c.width_hundredths, &c.classes, &c.stem_c, &c.head_c, &c.hidden_c}) io.i32(*v);
  activation_field(io, c.stem_act), activation_field(io, c.head_act), activation_field(io, c.hidden_act);
  for (int i = 0; i < c.block_count; ++i) block_fields(io, c.blocks[i]);
}

/// The same of a detector's part.
template <class Io>
REXNET_COLD void detector_fields(Io& io, ssd_part& d, detector_settings& s) {
  for (int* v : {&d.tap, &d.classes, &s.input_h, &s.input_w, &s.boxes.candidates, &s.boxes.most}) io.i32(*v);
  io.f32(s.boxes.score), io.f64(s.boxes.iou), io.f64(s.anchors.least), io.f64(s.anchors.most);
  for (block_config& b : d.extra) block_fields(io, b);
}
inline constexpr std::size_t detector_bytes = 4 * (7 + ssd_extra_blocks * shape_numbers_of_block) + 8 * 3;

/// Reads the table: sections lie one after the other, each from a multiple of 64, with zeros between, to the
/// file's end.
template <class Fail>
[[nodiscard]] REXNET_COLD errc read_table(byte_span bytes, section_table& table, Fail&& fail) {
  const auto word = [bytes](std::size_t at) {
    return static_cast<std::uint32_t>(little_endian<4>(bytes.data() + at));
  };
  const auto wide = [bytes](std::size_t at) { return little_endian<8>(bytes.data() + at); };
  const auto all = static_cast<std::uint64_t>(bytes.size());
  const std::uint32_t count = all < table_at ? 0 : word(20);
  const std::size_t table_end = table_at + (count <= max_sections ? count : 0) * table_row;
  if (all < table_end || all < table_at) return fail(errc::packed_size, all, " bytes are less than a header");
  if (count > max_sections) return fail(errc::packed_section, count, " sections, at most ", max_sections);
  const std::uint32_t found = crc32(bytes.subspan(packed_start, table_end - packed_start));
  if (found != word(16))
    return fail(errc::packed_header_checksum, "header checksum ", found, ", recorded ", word(16));
  if (wide(24) != all) return fail(errc::packed_size, all, " bytes, expected ", wide(24), " (cut short?)");
  std::uint64_t end = table_end;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t row = table_at + i * table_row;
    section s{word(row), word(row + 4), {}, word(row + 24)};
    const std::uint64_t offset = wide(row + 8), size = wide(row + 16), expected = round_up(end, 64);
    if (offset != expected || offset > all || size > all - offset)
      return fail(errc::packed_offset, "section ", i, " of ", size, " bytes at ", offset, " of ", all,
                  " bytes, expected at ", expected);
    for (; end < offset; ++end)
      if (bytes[static_cast<std::size_t>(end)] != 0)
        return fail(errc::packed_offset, "byte ", end, " before section ", i, " is not 0");
    end = offset + size;
    s.bytes = bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    if (s.kind == 0 || s.kind > section_kinds) {
      if ((s.kind & may_skip) != 0) continue;
      return fail(errc::packed_section, "section ", i, " of kind ", s.kind,
                  ", which this program cannot read");
    }
    section& place = table.known[s.kind - 1];
    const char* const name = section_name(static_cast<section_kind>(s.kind));
    if (place.bytes.data() != nullptr) return fail(errc::packed_section, "two sections of kind ", name);
    place = s;
    if (static_cast<section_kind>(s.kind) == section_kind::weights) continue;
    const std::uint32_t sum = crc32(s.bytes);
    if (sum != s.crc)
      return fail(errc::packed_header_checksum, name, " checksum ", sum, ", recorded ", s.crc);
  }
  if (end != all) return fail(errc::packed_size, all, " bytes, expected ", end);
  return errc::ok;
}

/// A number at the beginning of a section, which need not be that long.
[[nodiscard]] inline std::uint32_t section_word(byte_span s, std::size_t i) noexcept {
  return s.size() >= 4 * i + 4 ? static_cast<std::uint32_t>(little_endian<4>(s.data() + 4 * i)) : 0;
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc read_shape(byte_span s, config& c, Fail&& fail) {
  const std::uint32_t blocks = section_word(s, 0), numbers = section_word(s, 1);
  if (blocks < 1 || blocks > static_cast<std::uint32_t>(max_blocks) || numbers != shape_numbers_of_block)
    return fail(errc::packed_shape, blocks, " blocks of ", numbers, " numbers, this program reads 1 to ",
                max_blocks, " of ", shape_numbers_of_block);
  const std::size_t needed =
      4 * (std::size_t{shape_numbers_before} + std::size_t{blocks} * shape_numbers_of_block);
  if (s.size() != needed)
    return fail(errc::packed_section, "shape of ", s.size(), " bytes, expected ", needed);
  c.block_count = static_cast<int>(blocks);
  field_reader r{s.data() + 8};
  shape_fields(r, c);
  if (r.bad || !is_runnable(c)) return fail(errc::packed_shape, "impossible network shape");
  return errc::ok;
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc read_detector(byte_span s, packed_view& v, Fail&& fail) {
  if (s.data() == nullptr) return errc::ok;
  if (s.size() != detector_bytes)
    return fail(errc::packed_section, "detector of ", s.size(), " bytes, expected ", detector_bytes);
  field_reader r{s.data()};
  detector_fields(r, v.ssd, v.settings);
  if (r.bad || !is_runnable(v.shape, v.ssd))
    return fail(errc::packed_shape, "impossible detector: ", v.ssd.classes,
                " classes, its first map from block ", v.ssd.tap, " of ", v.shape.block_count,
                ", a backbone of ", v.shape.classes, " classes, an input of ", v.settings.input_w, " x ",
                v.settings.input_h);
  return check_settings(
      v.settings, [&fail](errc, const auto&... parts) { return fail(errc::packed_preprocessing, parts...); });
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc read_self_test(byte_span s, packed_view& v, Fail&& fail) {
  if (s.data() == nullptr) return errc::ok;
  constexpr std::size_t fixed = 16;
  if (s.size() < fixed) return fail(errc::packed_section, "self-test of ", s.size(), " bytes");
  field_reader r{s.data()};
  std::uint32_t input_floats = 0;
  r.i32(v.test.h), r.i32(v.test.w), r.u32(v.test.seed), r.u32(input_floats);
  if (r.bad || v.test.h < 1)
    return fail(errc::packed_shape, "a self-test of ", v.test.h, " x ", v.test.w, " pixels");
  if (const errc e = check_test_size(v, input_floats, fail); e != errc::ok) return e;
  const auto all_outputs = static_cast<std::uint64_t>(self_test_outputs(v));
  const checked needed = checked(fixed) + (checked(all_outputs) + input_floats) * 4;
  if (s.size() != needed.get())
    return fail(errc::packed_section, "self-test of ", s.size(), " bytes, expected ", needed.get());
  const auto outputs = static_cast<std::size_t>(all_outputs);
  v.test.outputs = stored_floats(s.subspan(fixed, outputs * 4));
  v.test.input = stored_floats(s.subspan(fixed + outputs * 4, std::size_t{input_floats} * 4));
  return errc::ok;
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc parse_version_2(byte_span bytes, check depth, packed_view& v, Fail&& fail) {
  section_table table;
  if (const errc e = read_table(bytes, table, fail); e != errc::ok) return e;
  for (const section_kind kind : {section_kind::shape, section_kind::pictures, section_kind::weights})
    if (table[kind].bytes.data() == nullptr)
      return fail(errc::packed_section, "no section of kind ", section_name(kind));
  if (const errc e = read_shape(table[section_kind::shape].bytes, v.shape, fail); e != errc::ok) return e;
  if (const errc e = read_detector(table[section_kind::detector].bytes, v, fail); e != errc::ok) return e;

  const byte_span pictures = table[section_kind::pictures].bytes;
  if (pictures.size() != picture_bytes)
    return fail(errc::packed_section, "pictures of ", pictures.size(), " bytes, expected ", picture_bytes);
  field_reader r{pictures.data()};
  picture_fields(r, v.input);
  if (const errc e = check_picture_fields(r, v.input, pictures.data() + 4, fail); e != errc::ok) return e;

  if (const byte_span labels = table[section_kind::labels].bytes; labels.data() != nullptr) {
    if (labels.size() < 4) return fail(errc::packed_section, "labels of ", labels.size(), " bytes");
    if (const errc e =
            read_labels(text(labels.subspan(4, labels.size() - 4)), section_word(labels, 0), v, fail);
        e != errc::ok)
      return e;
  }
  if (const errc e = read_self_test(table[section_kind::self_test].bytes, v, fail); e != errc::ok) return e;

  const section& weights = table[section_kind::weights];
  if (weights.type > static_cast<std::uint32_t>(element_type::f16))
    return fail(errc::packed_section, "weights of element type ", weights.type,
                ", this program reads 0 (float32) and 1 (float16)");
  v.type = static_cast<element_type>(weights.type);
  if (const errc e = check_payload_size(v, weights.bytes.size(), fail); e != errc::ok) return e;
  v.payload = weights.bytes;
  return check_payload(v, depth, weights.crc, fail);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_VERSION2_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The parser: fills v in and reports through fail(code, parts of a text...), whose value it returns.
template <class Fail>
[[nodiscard]] errc parse_packed(byte_span bytes, check depth, packed_view& v, Fail&& fail) {
  if (!is_packed(bytes)) return fail(errc::packed_magic, "wrong magic");
  if (bytes.size() < packed_start)
    return fail(errc::packed_size, bytes.size(), " bytes are less than a header");
  const auto word = [bytes](std::size_t at) {
    return static_cast<std::uint32_t>(little_endian<4>(bytes.data() + at));
  };
  if (word(12) != packed_endian) return fail(errc::packed_endianness, "byte order mark ", word(12));
  v = packed_view();
  v.version = static_cast<int>(word(8));
  if (word(8) == 1) return parse_version_1(bytes, depth, v, fail);
  if (word(8) == 2) return parse_version_2(bytes, depth, v, fail);
  return fail(errc::packed_version, "version ", word(8), ", this program reads 1 and 2");
}

}  // namespace detail

/// Opens a packed file in memory without the heap: `file` becomes views of `bytes`, which must outlive it. A
/// float32 payload must be 64-byte aligned. @param depth check::full reads the whole file and compares its
/// checksum.
/// @return ok, or one of K1 to K13 of docs/refusals.md; `file` is of no use then. read_packed() gives the
///         same with a text.
[[nodiscard]] inline errc open_packed(byte_span bytes, check depth, packed_view& file) noexcept {
  return detail::parse_packed(bytes, depth, file, detail::report_code());
}

/// The same for a program made for one network, static_config<...>::value. @return also shape_mismatch: the
/// file holds another one.
[[nodiscard]] inline errc open_packed(byte_span bytes, check depth, const config& expected,
                                      packed_view& file) noexcept {
  if (const errc e = open_packed(bytes, depth, file); e != errc::ok) return e;
  return same_shape(file.shape, expected) ? errc::ok : errc::shape_mismatch;
}

/// The same for a program made for one detector, static_detector<...>::value.
[[nodiscard]] inline errc open_packed(byte_span bytes, check depth, const detector_config& expected,
                                      packed_view& file) noexcept {
  if (const errc e = open_packed(bytes, depth, file); e != errc::ok) return e;
  return same_shape(file.shape, expected.backbone) && same_part(file.ssd, expected) ? errc::ok
                                                                                    : errc::shape_mismatch;
}

/// Expands a float16 payload into a buffer of the caller's, 64-byte aligned for network's sake.
/// @param out payload_numbers(file) floats, network<static_config<...>>::packed_floats()
/// @return ok; shape_mismatch: another size
[[nodiscard]] inline errc expand_half(byte_span payload, span<float> out) noexcept {
  if (payload.size() != out.size() * 2) return errc::shape_mismatch;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = half_to_float(static_cast<std::uint16_t>(payload[2 * i] | payload[2 * i + 1] << 8));
  return errc::ok;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_VIEW_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// An input and the outputs that the model must give for it, so that a copy can be checked where it runs.
struct self_test {
  int h = 0;                   ///< rows of the input; 0: the file has no self-test
  int w = 0;                   ///< columns of the input
  std::uint32_t seed = 1;      ///< of self_test_input(), when the file holds no input of its own
  std::vector<float> input;    ///< [h][w][3], or empty
  std::vector<float> outputs;  ///< self_test_outputs() of them
};

/// The input of a self-test that holds none: [h][w][3] values in [-1, 1) from a linear congruential
/// generator. x = 1664525 x + 1013904223 modulo 2^32, starting at `seed`; each new x gives (x >> 8) / 2^23 -
/// 1, exactly.
[[nodiscard]] inline std::vector<float> self_test_input(int h, int w, std::uint32_t seed) {
  std::vector<float> v(static_cast<std::size_t>(h) * static_cast<std::size_t>(w) * 3);
  for (float& x : v) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(seed >> 8) / 8388608.0f - 1.0f;
  }
  return v;
}

/// What a packed file says beside its weights.
struct packed_header {
  config shape;                           ///< of the network; of a detector its backbone
  ssd_part ssd;                           ///< classes 0: no detector
  detector_settings settings;             ///< of a detector
  preprocessing input;                    ///< how it wants its pictures; of a detector mean and std
  std::vector<std::string> labels;        ///< empty, or one per class (of a detector without the background)
  element_type type = element_type::f32;  ///< of the payload: f32 or f16
  self_test test;                         ///< what it must give on every machine
  int version = 0;                        ///< of the format; to write: 0 for the lowest that can say it
};

struct packed_file {
  packed_header header;
  byte_span payload;
};

/// Checks a packed file and gives its parts; the payload is a view of `bytes`. Memory: 40 bytes for a label
/// at most, of which the payload has at least 4 for each; the self-test once more. Errors: K1 to K13 of
/// docs/refusals.md.
[[nodiscard]] inline result<packed_file> read_packed(byte_span bytes, check depth = check::header) {
  packed_view v;
  std::string what = "packed file: ";
  if (const errc e = detail::parse_packed(bytes, depth, v, detail::report_text{what}); e != errc::ok)
    return error(e, what);
  packed_file file;
  file.payload = v.payload;
  packed_header& h = file.header;
  h.shape = v.shape;
  h.ssd = v.ssd;
  h.settings = v.settings;
  h.input = v.input;
  h.type = v.type;
  h.version = v.version;
  std::string_view labels = v.label_text;
  for (std::size_t end; (end = labels.find('\n')) != labels.npos; labels.remove_prefix(end + 1))
    h.labels.emplace_back(labels.substr(0, end));
  h.test.h = v.test.h, h.test.w = v.test.w, h.test.seed = v.test.seed;
  for (std::size_t i = 0; i < v.test.outputs.size(); ++i) h.test.outputs.push_back(v.test.outputs[i]);
  for (std::size_t i = 0; i < v.test.input.size(); ++i) h.test.input.push_back(v.test.input[i]);
  return file;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_READ_HPP
// ---- rexnet/system/file_bytes.hpp
// A file's bytes, mapped read-only. A file that another program shortens while it is mapped raises SIGBUS on
// POSIX: read such files into memory first.
#ifndef REXNET_SYSTEM_FILE_BYTES_HPP
#define REXNET_SYSTEM_FILE_BYTES_HPP

// ---- rexnet/system/folder.hpp
// A folder given where a file is expected: which file of it is the model, or what the folder is.
#ifndef REXNET_SYSTEM_FOLDER_HPP
#define REXNET_SYSTEM_FOLDER_HPP

// ---- rexnet/system/windows.hpp
// The only include of <windows.h>, and the step between its UTF-16 and this library's UTF-8. Empty on other
// systems. A program that needs more of <windows.h> than its lean part includes it before this library.
#ifndef REXNET_SYSTEM_WINDOWS_HPP
#define REXNET_SYSTEM_WINDOWS_HPP

#if defined(_WIN32)

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <string>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// UTF-16 of UTF-8. Empty, a name that no file has, where `text` is not UTF-8.
[[nodiscard]] inline std::wstring utf16(const std::string& text) {
  const int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.c_str(), -1, nullptr, 0);
  if (size <= 0) return {};
  std::wstring wide(static_cast<std::size_t>(size), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.c_str(), -1, &wide[0], size);
  wide.pop_back();  // the terminating zero was counted
  return wide;
}

/// UTF-8 of UTF-16; a lone surrogate, which file names may hold, becomes U+FFFD.
[[nodiscard]] inline std::string utf8(const wchar_t* wide) {
  const int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, nullptr, 0, nullptr, nullptr);
  if (size <= 0) return {};
  std::string text(static_cast<std::size_t>(size), '\0');
  WideCharToMultiByte(CP_UTF8, 0, wide, -1, &text[0], size, nullptr, nullptr);
  text.pop_back();
  return text;
}

/// The system's words for GetLastError()'s `code`, without the full stop, and the number.
[[nodiscard]] inline std::string windows_message(unsigned long code) {
  wchar_t wide[256];
  const DWORD size = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr, code,
                                    0, wide, 256, nullptr);
  std::string text = size > 0 ? utf8(wide) : std::string();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  if (!text.empty() && text.back() == '.') text.pop_back();
  const std::string number = "Windows error " + std::to_string(code);
  return text.empty() ? number : text + " (" + number + ")";
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // _WIN32

#endif  // REXNET_SYSTEM_WINDOWS_HPP

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

[[nodiscard]] inline bool file_is_there(const std::string& path) noexcept {
#if defined(_WIN32)
  return GetFileAttributesW(utf16(path).c_str()) != INVALID_FILE_ATTRIBUTES;
#else
  return ::access(path.c_str(), F_OK) == 0;
#endif
}

/// "is a directory" and, where a file in it has a well-known name, what to do.
[[nodiscard]] inline std::string folder_text(const std::string& path) {
  static constexpr struct {
    const char *file, *text;
  } known[] = {
      {"model.safetensors", "; its weights are in model.safetensors"},
      {"pytorch_model.bin", "; its weights are in pytorch_model.bin"},
      {"model.safetensors.index.json",
       " with a checkpoint in several parts (model.safetensors.index.json): load them with Python and write "
       "one"},
      {"pytorch_model.bin.index.json",
       " with a checkpoint in several parts (pytorch_model.bin.index.json): load them with Python and write "
       "one"},
      {"zero_to_fp32.py", " of DeepSpeed: its zero_to_fp32.py writes one checkpoint"},
      {"data.pkl",
       " that was a torch file (data.pkl) and was unpacked as a zip archive: take the file itself"},
      {"saved_model.pb",
       " with a TensorFlow SavedModel: only PyTorch's, PaddleClas' and MindCV's weights are read"},
      {"Manifest.json", " with a Core ML package: save the state_dict() of its network with torch.save"},
  };
  for (const auto& k : known)
    if (file_is_there(path + "/" + k.file)) return std::string("is a directory") + k.text;
  return "is a directory";
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_FOLDER_HPP

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// Move-only owner of a file's bytes: a mapping (page-aligned) or a copy in memory (64-byte aligned).
class file_bytes {
 public:
  file_bytes() noexcept = default;
  /// Takes the bytes; the other is empty then.
  file_bytes(file_bytes&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})), copy_(std::move(other.copy_)) {}
  /// Changes places with the other.
  file_bytes& operator=(file_bytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(copy_, other.copy_);
    return *this;
  }
  file_bytes(const file_bytes&) = delete;
  file_bytes& operator=(const file_bytes&) = delete;
  ~file_bytes() {
    if (bytes_.data() == nullptr || copy_.data() != nullptr) return;
#if defined(_WIN32)
    UnmapViewOfFile(bytes_.data());
#else
    ::munmap(const_cast<unsigned char*>(bytes_.data()), bytes_.size());
#endif
  }
  /// The whole file, as long as its owner lives: not of a temporary.
  [[nodiscard]] span<const unsigned char> bytes() const& noexcept {
    return bytes_;
  }
  [[nodiscard]] span<const unsigned char> bytes() const&& = delete;

  /// Maps a regular file. @param path UTF-8. Errors: io_error, naming the path and the system's reason; a
  /// directory, a pipe, a device and an empty file are refused by name.
  [[nodiscard]] static result<file_bytes> map(const std::string& path) {
    file_bytes f;
#if defined(_WIN32)
    const auto failed = [&path](const std::string& what) {
      return error(errc::io_error, path + ": " + what);
    };
    const std::wstring wide = detail::utf16(path);
    const DWORD attributes = GetFileAttributesW(wide.c_str());
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
      return failed(detail::folder_text(path));
    // As on POSIX, others may have the file open for writing, rename it and remove it: output_file does.
    const HANDLE file =
        CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    nullptr, OPEN_EXISTING, 0, nullptr);
    if (file == INVALID_HANDLE_VALUE)
      return failed("cannot be opened: " + detail::windows_message(GetLastError()));
    LARGE_INTEGER size{};
    const bool regular = GetFileType(file) == FILE_TYPE_DISK && GetFileSizeEx(file, &size) != 0;
    const bool fits = static_cast<std::uint64_t>(size.QuadPart) <= static_cast<std::size_t>(-1) / 2;
    const bool mappable = regular && fits && size.QuadPart > 0;
    const HANDLE mapping =
        mappable ? CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr) : nullptr;
    const void* view = mapping != nullptr ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0) : nullptr;
    const DWORD reason = GetLastError();
    if (mapping != nullptr) CloseHandle(mapping);
    CloseHandle(file);
    if (!regular) return failed("is not a regular file");
    if (!fits) return failed("is larger than the address space");
    if (size.QuadPart == 0) return failed("is empty");
    if (view == nullptr) return failed("cannot be mapped: " + detail::windows_message(reason));
    f.bytes_ = {static_cast<const unsigned char*>(view), static_cast<std::size_t>(size.QuadPart)};
#else
    const auto file = open_regular(path);
    if (!file) return file.error();
    const auto [fd, size] = *file;
    void* view = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    const int reason = errno;
    ::close(fd);
    if (view == MAP_FAILED)
      return error(errc::io_error, path + ": cannot be mapped: " + std::strerror(reason));
    f.bytes_ = {static_cast<const unsigned char*>(view), size};
#endif
    return f;
  }

  /// The same, read into memory: later changes of the file are not seen, and one that shrinks meanwhile is an
  /// io_error, where a mapping would end the program (SIGBUS). Errors: also out_of_memory, at once where the
  /// file is larger than the machine's memory (a sparse file of 100 GB is easily made).
  [[nodiscard]] static result<file_bytes> read(const std::string& path) {
    const auto no_memory = [&path](std::size_t size) {
      return error(errc::out_of_memory, path + ": no memory for " + std::to_string(size) + " bytes");
    };
    file_bytes f;
#if defined(_WIN32)
    const auto mapped = map(path);  // a mapped file cannot shrink
    if (!mapped) return mapped.error();
    const std::size_t size = mapped->bytes_.size();
    f.copy_ = aligned_buffer(size);
    if (f.copy_.data() == nullptr) return no_memory(size);
    std::memcpy(f.copy_.data(), mapped->bytes_.data(), size);
#else
    const auto file = open_regular(path);
    if (!file) return file.error();
    const auto [fd, size] = *file;
    if (size > physical_memory()) {  // a system that overcommits would grant it, and end the program later
      ::close(fd);
      return no_memory(size);
    }
    f.copy_ = aligned_buffer(size);
    if (f.copy_.data() == nullptr) {
      ::close(fd);
      return no_memory(size);
    }
    std::size_t got = 0;
    for (::ssize_t n = 1; got < size && n > 0;) {
      n = ::read(fd, f.copy_.data() + got, size - got);
      if (n > 0) got += static_cast<std::size_t>(n);
      if (n < 0 && errno == EINTR) n = 1;
    }
    ::close(fd);
    if (got < size)
      return error(errc::io_error, path + ": " + std::to_string(got) + " of " + std::to_string(size) +
                                       " bytes could be read");
#endif
    f.bytes_ = {f.copy_.data(), size};
    return f;
  }

 private:
#if !defined(_WIN32)
  struct opened {
    int fd;
    std::size_t size;
  };
  /// In bytes; the largest number where the system does not say.
  [[nodiscard]] static std::uint64_t physical_memory() noexcept {
#if defined(_SC_PHYS_PAGES)
    const long pages = ::sysconf(_SC_PHYS_PAGES), bytes = ::sysconf(_SC_PAGESIZE);
    if (pages > 0 && bytes > 0) return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(bytes);
#endif
    return ~std::uint64_t{0};
  }
  /// A regular file that is not empty. Errors: io_error.
  [[nodiscard]] static result<opened> open_regular(const std::string& path) {
    const auto failed = [&path](const std::string& what) {
      return error(errc::io_error, path + ": " + what);
    };
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return failed(std::string("cannot be opened: ") + std::strerror(errno));
    struct stat info {};
    const bool known = ::fstat(fd, &info) == 0;
    if (!known || !S_ISREG(info.st_mode) || info.st_size == 0) {
      ::close(fd);
      if (known && S_ISDIR(info.st_mode)) return failed(detail::folder_text(path));
      if (known && S_ISREG(info.st_mode)) return failed("is empty");
      return failed("is not a regular file");
    }
    if (static_cast<std::uint64_t>(info.st_size) > static_cast<std::size_t>(-1) / 2) {
      ::close(fd);
      return failed("is larger than the address space");
    }
    return opened{fd, static_cast<std::size_t>(info.st_size)};
  }
#endif
  span<const unsigned char> bytes_;
  aligned_buffer copy_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_FILE_BYTES_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// What runs a model: kernels chosen when the program runs, where rexnet_add_dispatch() built some; else
/// those of the instruction set that this translation unit is compiled for. It borrows its weights.
using model_network = network<dynamic_config>;
using model_detector_network = detector_network<dynamic_config>;

namespace detail {

struct model_maker;

/// What every copy of a model shares.
struct model_state {
  packed_header header;
  model_origin origin;
  std::string container;
  file_bytes file;
  aligned_buffer owned;
  span<const float> payload;
};

}  // namespace detail

/// A model, made by load() or load_packed(): immutable, shareable between threads. A copy is another
/// handle of the same weights, which live as long as one of the handles. A move copies, so that a model that
/// was moved from still has its weights. Members of a temporary model give copies; those that would only
/// point into it do not compile.
class model {
 public:
  /// Family, width, classes; of a detector its backbone, without classes.
  /// @{
  [[nodiscard]] const config& shape() const& noexcept { return state_->header.shape; }
  [[nodiscard]] config shape() const&& noexcept { return state_->header.shape; }
  /// @}
  /// Whether it finds boxes: see detector. Else it is a classifier or a backbone.
  [[nodiscard]] bool is_detector() const noexcept { return state_->header.ssd.classes > 0; }
  /// The whole detector; its classes are 0 where the model is none.
  [[nodiscard]] detector_config detector_shape() const noexcept {
    return join(state_->header.shape, state_->header.ssd);
  }
  /// How its pictures are prepared; origin().input_from says where that comes from.
  /// @{
  [[nodiscard]] const preprocessing& input() const& noexcept { return state_->header.input; }
  [[nodiscard]] preprocessing input() const&& noexcept { return state_->header.input; }
  /// @}
  /// One name per class, of a detector the background excepted; empty where there are none.
  /// @{
  [[nodiscard]] const std::vector<std::string>& labels() const& noexcept { return state_->header.labels; }
  [[nodiscard]] std::vector<std::string> labels() const&& { return state_->header.labels; }
  /// @}
  /// All that the file says beside its weights.
  /// @{
  [[nodiscard]] const packed_header& header() const& noexcept { return state_->header; }
  [[nodiscard]] packed_header header() const&& { return state_->header; }
  /// @}
  /// "packed", or checkpoint::container().
  /// @{
  [[nodiscard]] const std::string& container() const& noexcept { return state_->container; }
  [[nodiscard]] std::string container() const&& { return state_->container; }
  /// @}
  /// Where its weights, preprocessing and names come from, and what was left out.
  /// @{
  [[nodiscard]] const model_origin& origin() const& noexcept { return state_->origin; }
  [[nodiscard]] model_origin origin() const&& { return state_->origin; }
  /// @}

  /// The packed payload, payload_numbers(header()) floats, 64-byte aligned. It is borrowed: keep the model.
  [[nodiscard]] span<const float> payload() const& noexcept { return state_->payload; }
  [[nodiscard]] span<const float> payload() const&& = delete;
  /// The network on these weights, which it borrows: keep the model. Of a detector its backbone, which gives
  /// features.
  [[nodiscard]] model_network net() const& noexcept { return {shape(), state_->payload.data()}; }
  [[nodiscard]] model_network net() const&& = delete;
  /// The whole detector, likewise. Precondition: is_detector().
  [[nodiscard]] model_detector_network detector_net() const& noexcept {
    return {detector_shape(), state_->payload.data()};
  }
  [[nodiscard]] model_detector_network detector_net() const&& = delete;

  /// Without weights, to be assigned to: sessions, classifiers, extractors and detectors refuse it.
  model() : state_(std::make_shared<detail::model_state>()) {}
  /// Another handle of the same weights.
  /// @{
  model(const model&) noexcept = default;
  model& operator=(const model&) noexcept = default;
  /// @}
  ~model() = default;

 private:
  friend struct detail::model_maker;
  std::shared_ptr<detail::model_state> state_;  ///< changed by model_maker alone, before there is a copy
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_MODEL_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// A batch may have at most this many pictures.
inline constexpr std::size_t max_batch_pictures = std::size_t{1} << 30;

/// A model at work: its network, how pictures are prepared, the threads, and plan and workspace for one size
/// of input at a time. It gives the network's outputs as they are; classifier and feature_extractor make
/// answers of them. It keeps the model's weights alive, so it may be made of a temporary model; of
/// load(bytes) and load_packed(bytes), which borrow, the caller keeps the bytes. One per thread: no two calls
/// at a time. A session that was moved from may be used again: it has its weights and makes a new workspace.
///
/// The outputs of an image are output_c(shape()) floats: logits, or features where the model has no
/// classifier. `out` takes those of n images one after the other. They have the same bits for every number of
/// threads, and for an image alone and in a batch.
///
/// All run() take forward_options for taps and observer; `how.threads` is not used, the session's executor
/// is. Their errors: shape_mismatch (out has room for fewer images), unsupported (no kernels for this CPU),
/// limit_exceeded, out_of_memory (the workspace of a size that was not prepared).
class session {
 public:
  /// Reserves nothing: prepare() does, or the first run().
  /// @param input   how pictures are prepared
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: invalid_argument (no weights, preprocessing, threads), unsupported (no kernels for this CPU).
  [[nodiscard]] static result<session> make(const model& m, const preprocessing& input, int threads = 1,
                                            const executor& pool = {}) {
    std::string what;
    if (const errc e = detail::check_preprocessing(input, detail::report_text{what}); e != errc::ok)
      return error(e, what);
    session s(m, input, threads, pool);
    if (!s.net_.has_weights())
      return error(errc::invalid_argument, "the model has no weights: it was not loaded");
    if (auto any = s.plan_for(1, 1); !any) return any.error();  // threads and kernels
    return s;
  }
  /// The same with the model's own preprocessing.
  [[nodiscard]] static result<session> make(const model& m, int threads = 1, const executor& pool = {}) {
    return make(m, m.input(), threads, pool);
  }

  /// Family, width, classes. Valid as long as the session, as are input() and net().
  [[nodiscard]] const config& shape() const& noexcept { return net_.shape(); }
  [[nodiscard]] const config& shape() const&& = delete;
  /// How pictures are prepared.
  [[nodiscard]] const preprocessing& input() const& noexcept { return input_; }
  [[nodiscard]] const preprocessing& input() const&& = delete;
  /// The network on the model's weights.
  [[nodiscard]] const model_network& net() const& noexcept { return net_; }
  [[nodiscard]] const model_network& net() const&& = delete;
  /// Threads of a pass, at most.
  [[nodiscard]] int threads() const noexcept { return threads_; }

  /// The plan of images of h x w pixels on the session's threads: bytes of workspace, sizes of all maps.
  /// Errors: those of basic_network::make_plan().
  [[nodiscard]] result<plan> plan_for(int h, int w) const { return net_.make_plan(h, w, threads_); }

  /// Makes ready for images of h x w pixels: the next run() of that size allocates no workspace. The
  /// workspace grows where that is needed and never shrinks. Errors: those of plan_for(), out_of_memory.
  [[nodiscard]] status prepare(int h, int w) {
    if (plan_.h == h && plan_.w == w && workspace_.data() != nullptr) return done;
    auto made = plan_for(h, w);
    if (!made) return made.error();
    if (status s = reserve(made->workspace_bytes()); !s) return s;
    plan_ = *made;
    return done;
  }
  /// The same for pictures, which become input().input_size pixels high and wide.
  [[nodiscard]] status prepare() { return prepare(input_.input_size, input_.input_size); }
  /// The same for batches of normalised images, of which each thread takes one at a time: faster than sharing
  /// each, for a workspace of plan.workspace_bytes() on one thread for each of the threads.
  [[nodiscard]] status prepare_batch(int h, int w) {
    if (status s = prepare(h, w); !s) return s;
    return reserve(net_.batch_workspace_bytes(plan_));
  }

  /// The pixels that the network sees of a picture of any size: resized and cropped, not yet normalised.
  /// Errors: those of preprocess_pixels().
  [[nodiscard]] result<rgb_image> pixels_of(const image_view& picture) const {
    return preprocess_pixels(picture, input_, net_.resample());
  }

  /// A picture of any size and format, preprocessed. Errors: also those of preprocess_pixels().
  /// @param out output_c(shape()) floats
  [[nodiscard]] status run(const image_view& picture, span<float> out, const forward_options& how = {}) {
    auto pixels = pixels_of(picture);
    if (!pixels) return pixels.error();
    return run_pixels(pixels->view(), out, how);
  }
  /// Pixels as pixels_of() gives them: normalised on the way, not resized. Any size from 1 x 1 to 16384 x
  /// 16384. Errors: also invalid_argument (null data, a side beyond that).
  /// @param out output_c(shape()) floats
  [[nodiscard]] status run_pixels(const image_view& pixels, span<float> out,
                                  const forward_options& how = {}) {
    if (status s = prepare(pixels.height, pixels.width); !s) return s;
    return answered(net_.forward_u8(plan_, pixels, table_, out, workspace(), with_threads(how)));
  }
  /// Normalised images, [n][h][w][3] of any strides and any size; n may be 0. Errors: also invalid_argument
  /// (null data, a side beyond 1 .. 16384), shape_mismatch (not three channels).
  /// @param out n * output_c(shape()) floats
  [[nodiscard]] status run(nhwc_view<const float> images, span<float> out, const forward_options& how = {}) {
    if (status s = prepare(images.h, images.w); !s) return s;
    return answered(net_.forward(plan_, images, out, workspace(), with_threads(how)));
  }
  /// Pictures, each with the bits that it has alone; none are fine. All are looked at before the first is
  /// computed, so that one which is refused costs nothing.
  /// @param out n * output_c(shape()) floats
  /// @param how its observer is not called where a thread takes a picture at a time
  /// Memory, kept: where there are as many pictures as threads, workspace_bytes(side, side, 1) for each
  /// thread. For the call: the pixels of one input and the scratch of the largest picture for each thread.
  /// Errors: invalid_argument, naming the picture by its index; limit_exceeded, out_of_memory.
  [[nodiscard]] status run(span<const image_view> pictures, span<float> out,
                           const forward_options& how = {}) {
    auto scratch = checked_scratch(pictures);
    if (!scratch) return scratch.error();
    if (pictures.empty()) return done;
    if (out.size() / static_cast<std::size_t>(output_c(shape())) < pictures.size())
      return error(errc::limit_exceeded, "the outputs of " + std::to_string(pictures.size()) +
                                             " pictures are larger than the address space");
    if (status s = prepare(); !s) return s;
    return run_checked(pictures, *scratch, out, how);
  }

 private:
  session(const model& m, const preprocessing& input, int threads, const executor& pool)
      : model_(m),
        net_(model_.net()),
        input_(input),
        threads_(threads),
        pool_(pool),
        table_(normalise_table(input)) {}

  /// A workspace that is large enough stays. Errors: out_of_memory.
  [[nodiscard]] status reserve(std::size_t bytes) {
    if (workspace_.size() >= bytes) return done;
    aligned_buffer larger(bytes);
    if (larger.data() == nullptr)
      return error(errc::out_of_memory, "no memory for a workspace of " + std::to_string(bytes) + " bytes");
    workspace_ = std::move(larger);
    return done;
  }

  /// Bytes of scratch that each of the pictures can be preprocessed in.
  [[nodiscard]] result<std::size_t> checked_scratch(span<const image_view> pictures) const {
    if (pictures.size() > max_batch_pictures)
      return error(errc::limit_exceeded, std::to_string(pictures.size()) + " pictures at once, at most " +
                                             std::to_string(max_batch_pictures));
    std::size_t most = 0;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      const image_view& picture = pictures[i];
      std::string what;
      if (const errc e = detail::check_picture(picture, input_, detail::report_text{what}); e != errc::ok)
        return error(e, what).in("pictures[" + std::to_string(i) + "]");
      const std::size_t bytes =
          preprocess_scratch_bytes(picture.width, picture.height, picture.format, input_);
      most = bytes > most ? bytes : most;
    }
    return most;
  }

  /// As many pictures as threads or more: each thread takes one at a time, which beats sharing one. Fewer:
  /// they are preprocessed at the same time, and then all threads share every pass.
  [[nodiscard]] status run_checked(span<const image_view> pictures, std::size_t scratch_bytes,
                                   span<float> out, const forward_options& how) {
    const int n = static_cast<int>(pictures.size()), side = input_.input_size;
    const bool sharing = n < threads_;
    const int workers = sharing ? n : threads_;
    auto alone = net_.make_plan(side, side, 1);
    if (!alone) return alone.error();
    if (!sharing)
      if (status s = reserve(net_.batch_workspace_bytes(plan_)); !s) return s;
    const std::size_t pixel_bytes = preprocess_output_bytes(input_), bytes = pixel_bytes + scratch_bytes;
    std::vector<unsigned char> memory(static_cast<std::size_t>(workers) * bytes);
    std::vector<errc> codes(pictures.size(), errc::ok);

    const auto forward = [&](const plan& of, int i, const unsigned char* pixels, unsigned char* workspace) {
      const auto outputs = static_cast<std::size_t>(output_c(shape()));
      const feature_taps taps = detail::taps_of(shape(), of, how.taps, i);
      forward_options mine = with_threads(how);
      if (how.taps != nullptr) mine.taps = &taps;
      if (!sharing) mine.observer = {};
      return net_.forward_u8(of, {pixels, side, side}, table_,
                             out.subspan(static_cast<std::size_t>(i) * outputs, outputs),
                             {workspace, of.workspace_bytes()}, mine);
    };
    detail::shared_counter next;
    auto work = [&](int worker) {
      for (int i; (i = next.take()) < n;) {
        const auto place = static_cast<std::size_t>(sharing ? i : worker);
        unsigned char* const pixels = memory.data() + place * bytes;
        errc e = preprocess_pixels_into(pictures[static_cast<std::size_t>(i)], input_, {pixels, pixel_bytes},
                                        {pixels + pixel_bytes, scratch_bytes}, net_.resample());
        if (e == errc::ok && !sharing)
          e = forward(*alone, i, pixels, workspace_.data() + place * alone->workspace_bytes());
        codes[static_cast<std::size_t>(i)] = e;
      }
    };
    detail::run_tasks(
        pool_, workers, [](void* context, int worker) { (*static_cast<decltype(work)*>(context))(worker); },
        &work);
    for (int i = 0; i < n; ++i) {
      errc e = codes[static_cast<std::size_t>(i)];
      if (e == errc::ok && sharing)
        e = forward(plan_, i, memory.data() + static_cast<std::size_t>(i) * bytes, workspace_.data());
      if (e != errc::ok) return answered(e).error().in("pictures[" + std::to_string(i) + "]");
    }
    return done;
  }

  [[nodiscard]] span<unsigned char> workspace() noexcept { return {workspace_.data(), workspace_.size()}; }
  [[nodiscard]] forward_options with_threads(forward_options how) const noexcept {
    how.threads = pool_;
    return how;
  }
  [[nodiscard]] static status answered(errc e) {
    if (e != errc::ok) return error(e, std::string("forward: ") + to_string(e));
    return done;
  }

  model model_;  ///< for its weights, which net_ borrows
  model_network net_;
  preprocessing input_;
  int threads_;
  executor pool_;
  std::array<float, 768> table_;  ///< normalise_table() of input_
  plan plan_;                     ///< of 0 x 0 pixels before the first prepare()
  aligned_buffer workspace_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_SESSION_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// One map of a backbone: the last one of its resolution. Its pixel (y, x) looks around pixel
/// (stride * y, stride * x) of the input.
struct feature_stage {
  int stride = 0;  ///< input pixels per pixel of the map, in each direction: 2, 4, 8, 16 or 32
  int block = 0;   ///< whose output it is, 0 to config::block_count - 1
  int h = 0;       ///< rows
  int w = 0;       ///< columns
  int c = 0;       ///< channels; 0: the network has no such stage
};

inline constexpr int feature_stage_count = 5;

/// The five stages for an input of h x w pixels: the output of the block before each one that halves the map,
/// and of the last block, as timm's features_only=True gives them. These outputs are linear: no activation
/// follows the project convolution. A network that halves its maps less often has fewer stages, which come
/// first; of one that does so more often these are the first five. Precondition: h, w >= 1.
[[nodiscard]] constexpr std::array<feature_stage, feature_stage_count> feature_stages(const config& c, int h,
                                                                                      int w) noexcept {
  std::array<feature_stage, feature_stage_count> stages{};
  std::size_t next = 0;
  int stride = 2;
  h = strided(h, 2), w = strided(w, 2);
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    h = strided(h, b.stride), w = strided(w, b.stride), stride *= b.stride;
    const bool last = i + 1 == c.block_count || c.blocks[i + 1].stride == 2;
    if (last && next < stages.size()) stages[next++] = {stride, i, h, w, b.out_c};
  }
  return stages;
}

/// A batch of maps that owns its floats.
struct feature_map {
  int n = 0;                ///< images
  int h = 0;                ///< rows
  int w = 0;                ///< columns
  int c = 0;                ///< channels
  std::vector<float> data;  ///< [n][h][w][c]; empty when it was not asked for

  /// Valid as long as the map stays as it is; not of a temporary.
  [[nodiscard]] nhwc_view<const float> view() const& noexcept { return {data.data(), n, h, w, c}; }
  [[nodiscard]] nhwc_view<const float> view() const&& = delete;
};

/// What a backbone gives for n images.
struct feature_maps {
  int n = 0;                                            ///< images
  std::array<feature_map, feature_stage_count> stages;  ///< of feature_stages()
  feature_map head;           ///< after the last 1x1 convolution and its activation: timm's forward_features
  std::vector<float> pooled;  ///< [n][head_c]: the head's mean over its pixels
  std::vector<float> features;  ///< [n][feature_c(config)]: what the classifier sees (pre-logits)
  std::vector<float> logits;    ///< [n][classes]; empty for a backbone without classifier
};

/// Which maps to make. The vectors cost nothing and always come.
struct feature_choice {
  bool stages = true;  ///< copies of the five stages
  bool head = true;    ///< computes the last 1x1 convolution twice: without taps its map never exists
};

/// Maps and vectors of pictures: like classifier, a session and what is made of its outputs. One per thread.
class feature_extractor {
 public:
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: those of classifier::make().
  [[nodiscard]] static result<feature_extractor> make(const model& m, const preprocessing& input,
                                                      int threads = 1, const executor& pool = {}) {
    auto made = session::make(m, input, threads, pool);
    if (!made) return made.error();
    if (status s = made->prepare(); !s) return s.error();
    return feature_extractor(*std::move(made));
  }
  /// The same with the model's own preprocessing.
  [[nodiscard]] static result<feature_extractor> make(const model& m, int threads = 1,
                                                      const executor& pool = {}) {
    return make(m, m.input(), threads, pool);
  }

  /// Of a picture of any size, resized and cropped as for classification. Errors: those of
  /// preprocess_pixels().
  [[nodiscard]] result<feature_maps> extract(const image_view& picture, const feature_choice& choice = {}) {
    const int side = session_.input().input_size;
    return collect(1, side, side, choice, picture);
  }
  /// The same of many, computed as classifier::logits() does it; an empty batch has empty maps.
  /// Errors: those of classifier::logits() of many pictures.
  [[nodiscard]] result<feature_maps> extract(span<const image_view> pictures,
                                             const feature_choice& choice = {}) {
    if (pictures.size() > max_batch_pictures)
      return error(errc::limit_exceeded, std::to_string(pictures.size()) + " pictures at once");
    const int side = session_.input().input_size;
    return collect(static_cast<int>(pictures.size()), side, side, choice, pictures);
  }

  /// Of images that are normalised already, [n][h][w][3] of any strides and any size: nothing is resized. The
  /// workspace is kept for the size of the last call and grows where that needs more. n may be 0.
  /// Errors: invalid_argument (null data, a side beyond 1 .. 16384), shape_mismatch (not three channels),
  /// limit_exceeded, out_of_memory.
  [[nodiscard]] result<feature_maps> extract(nhwc_view<const float> images,
                                             const feature_choice& choice = {}) {
    if (images.n < 0)
      return error(errc::invalid_argument, "a batch of " + std::to_string(images.n) + " images");
    if (status s = session_.prepare(images.h, images.w); !s) return s.error();  // before maps of that size
    if (images.c != 3)
      return error(errc::shape_mismatch,
                   "images of " + std::to_string(images.c) + " channels: 3 are expected");
    if (images.data == nullptr && images.n > 0)
      return error(errc::invalid_argument, "images: no data (null pointer)");
    return collect(images.n, images.h, images.w, choice, images);
  }

 private:
  explicit feature_extractor(session made) : session_(std::move(made)) {}

  /// Runs `input`, whose n images reach the network with h x w pixels, and taps what was chosen.
  template <class Input>
  [[nodiscard]] result<feature_maps> collect(int n, int h, int w, const feature_choice& choice,
                                             const Input& input) {
    const config& c = session_.shape();
    const auto stages = feature_stages(c, h, w);
    feature_maps out;
    out.n = n;
    feature_taps taps;
    bool fits = true;  // small pictures have large maps: many of them pass a 32-bit address space
    const auto sized = [n, &fits](int floats, int rows = 1, int columns = 1) {
      const checked all = checked(static_cast<std::uint64_t>(n)) * static_cast<std::uint64_t>(floats) *
                          static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns);
      const bool good = all.at_most(static_cast<std::size_t>(-1) / 2 / sizeof(float));
      fits = fits && good;
      return good ? static_cast<std::size_t>(all.get()) : std::size_t{0};
    };
    const auto tap = [&sized, n](feature_map& map, int mh, int mw, int mc) {
      map.n = n, map.h = mh, map.w = mw, map.c = mc;
      map.data.resize(sized(mc, mh, mw));
      return map.data.data();
    };
    for (std::size_t i = 0; choice.stages && i < stages.size() && stages[i].c > 0; ++i)
      taps.blocks[stages[i].block] = tap(out.stages[i], stages[i].h, stages[i].w, stages[i].c);
    if (choice.head) taps.head = tap(out.head, last_side(c, h), last_side(c, w), c.head_c);
    out.pooled.resize(sized(c.head_c));
    out.features.resize(sized(feature_c(c)));
    out.logits.resize(sized(output_c(c)));
    if (!fits)
      return error(errc::limit_exceeded,
                   "the maps of " + std::to_string(n) + " images are larger than the address space");
    taps.pooled = out.pooled.data();
    taps.features = out.features.data();
    forward_options how;
    how.taps = &taps;
    if (status s = session_.run(input, out.logits, how); !s) return s.error();
    if (c.classes == 0) out.logits.clear();
    return out;
  }

  session session_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_FEATURES_HPP
// ---- rexnet/ops.hpp
// The operators of the network, each usable alone on NHWC views of any stride: shapes are checked, nothing
// outside a view is touched, nothing is allocated. Weights are packed once with pack_filter(). Results have
// the bits of the network's own kernels: those of `kernels`, which is the last parameter of each (a network's
// own are net.kernels()); without it default_kernels().
#ifndef REXNET_OPS_HPP
#define REXNET_OPS_HPP

// ---- rexnet/dispatch/default_kernels.hpp
// The kernels that operators use where the caller names none.
#ifndef REXNET_DISPATCH_DEFAULT_KERNELS_HPP
#define REXNET_DISPATCH_DEFAULT_KERNELS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Those of the compiler's instruction set; in a program that chooses at run time (docs/dispatch.md) those of
/// chosen_kernel_table(), null where none runs on this CPU.
[[nodiscard]] inline const kernel_table* default_kernels() {
  return &kernels_of<simd::default_arch>;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_DISPATCH_DEFAULT_KERNELS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Packed weights [ceil(out_c / 16)][k][16] and bias [ceil(out_c / 16) * 16].
struct filter {
  const float* weights = nullptr;  ///< 64-byte aligned, as pack_filter() makes them
  const float* bias = nullptr;     ///< of every output channel, padded with zeros
  int k = 0;                       ///< pointwise, dense: in_c; depthwise: K * K; convolution: K * K * in_c
  int out_c = 0;                   ///< output channels
};

/// Owner of a filter's memory, made by pack_filter().
class packed_filter {
 public:
  /// What the operators take, as long as its owner lives: not of a temporary.
  [[nodiscard]] filter view() const& noexcept { return view_; }
  [[nodiscard]] filter view() const&& = delete;

 private:
  friend result<packed_filter> pack_filter(span<const float> weights, span<const float> bias, int out_c,
                                           int k);
  aligned_buffer memory_;  ///< weights, then bias
  filter view_;            ///< of that memory
};

/// Packs weights [out_c][k] (k in the order rows, columns, channels) and a bias [out_c] (empty: zeros).
/// Errors: shape_mismatch, out_of_memory.
[[nodiscard]] inline result<packed_filter> pack_filter(span<const float> weights, span<const float> bias,
                                                       int out_c, int k) {
  if (out_c < 1 || k < 1 || weights.size() != static_cast<std::size_t>(out_c) * static_cast<std::size_t>(k) ||
      (!bias.empty() && bias.size() != static_cast<std::size_t>(out_c)))
    return error(errc::shape_mismatch, "pack_filter: " + std::to_string(weights.size()) + " weights and " +
                                           std::to_string(bias.size()) + " biases for " +
                                           std::to_string(out_c) + " outputs of " + std::to_string(k));
  packed_filter f;
  const std::int64_t numbers = panel_numbers(k, out_c);
  f.memory_ = float_buffer(numbers + round_up(std::int64_t{out_c}, panel_c));
  if (f.memory_.data() == nullptr) return error(errc::out_of_memory, "pack_filter: no memory");
  float* const to = f.memory_.floats().data();
  for (int o = 0; o < out_c; ++o)
    for (int i = 0; i < k; ++i) to[panel_index(k, o, i)] = weights.data()[std::ptrdiff_t{o} * k + i];
  std::copy(bias.begin(), bias.end(), to + numbers);
  f.view_ = {to, to + numbers, k, out_c};
  return f;
}

/// Threads of one operator call.
struct op_threads {
  int count = 1;    ///< 1 to max_threads; the rows of the output are shared
  executor pool{};  ///< OpenMP, or a pool of the caller's
};

namespace detail {

template <class T>
[[nodiscard]] bool good_view(const nhwc_view<T>& v) noexcept {
  return v.n >= 0 && v.h >= 1 && v.w >= 1 && v.c >= 1 && (v.n == 0 || v.data != nullptr);
}

/// `out` is what a convolution with padding kernel / 2 makes of `in`.
[[nodiscard]] inline bool strided_views(const nhwc_view<const float>& in, const nhwc_view<float>& out,
                                        int stride) noexcept {
  return good_view(in) && good_view(out) && in.n == out.n && out.h == (in.h + stride - 1) / stride &&
         out.w == (in.w + stride - 1) / stride;
}

/// Filter and output row of a kernel call: what pointwise_args and depthwise_args have in common.
template <class Args>
[[nodiscard]] Args output_row(const filter& f, const nhwc_view<float>& out, int b, int y) noexcept {
  Args a{};
  a.weights = f.weights;
  a.bias = f.bias;
  a.out = out.pixel(b, y, 0);
  a.out_step = out.pixel_stride;
  return a;
}

/// body(image, row) for all rows of all images, split over the threads.
template <class Body>
void for_each_row(int n, int h, const op_threads& t, Body&& body) noexcept {
  const std::int64_t rows = std::int64_t{n} * h;
  const std::int64_t tasks = (std::max)(std::int64_t{1}, (std::min)(std::int64_t{t.count}, rows));
  auto work = [&](std::int64_t task) {
    for (std::int64_t r = rows * task / tasks; r < rows * (task + 1) / tasks; ++r)
      body(static_cast<int>(r / h), static_cast<int>(r % h));
  };
  run_tasks(
      t.pool, static_cast<int>(tasks),
      [](void* context, int task) { (*static_cast<decltype(work)*>(context))(task); }, &work);
}

}  // namespace detail

/// 1x1 convolution: out[..., o] = act(bias[o] + sum_i in[..., i] w[o][i]) + residual[..., o] for o <
/// residual.c.
/// @param act      none, relu, relu6 or silu
/// @param residual null data: none; else the same pixels and at most out.c channels
/// Errors: shape_mismatch, invalid_argument (activation), unsupported (no kernels).
[[nodiscard]] inline errc pointwise(nhwc_view<const float> in, const filter& f, nhwc_view<float> out,
                                    activation act = activation::none, nhwc_view<const float> residual = {},
                                    const op_threads& threads = {},
                                    const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (act == activation::sigmoid) return errc::invalid_argument;
  if (!detail::strided_views(in, out, 1) || in.c != f.k || out.c != f.out_c) return errc::shape_mismatch;
  if (residual.data != nullptr && (residual.n != out.n || residual.h != out.h || residual.w != out.w ||
                                   residual.c < 1 || residual.c > out.c))
    return errc::shape_mismatch;
  detail::for_each_row(in.n, in.h, threads, [&](int b, int y) {
    const float* const row = in.pixel(b, y, 0);
    auto a = detail::output_row<pointwise_args>(f, out, b, y);
    a.segment = &row;
    a.segments = 1;
    a.run = in.c;
    a.pixel_step = in.pixel_stride;
    a.pixels = in.w;
    a.out_c = a.last_c = out.c;
    a.act = act;
    a.ahead = 2;
    if (residual.data != nullptr) {
      a.residual = residual.pixel(b, y, 0);
      a.residual_step = residual.pixel_stride;
      a.residual_c = residual.c;
    }
    kernels->pointwise(a);
  });
  return errc::ok;
}

/// Depthwise convolution, padding kernel / 2; out.h = ceil(in.h / stride), f.k = kernel * kernel.
/// @param kernel 3 or 5, @param stride 1 or 2, @param act none, relu or relu6
/// Errors: shape_mismatch, invalid_argument (kernel, stride or activation), unsupported (no kernels).
[[nodiscard]] inline errc depthwise(nhwc_view<const float> in, const filter& f, int kernel, int stride,
                                    nhwc_view<float> out, activation act = activation::none,
                                    const op_threads& threads = {},
                                    const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if ((kernel != 3 && kernel != 5) || (stride != 1 && stride != 2)) return errc::invalid_argument;
  if (act == activation::silu || act == activation::sigmoid) return errc::invalid_argument;
  if (!detail::strided_views(in, out, stride) || in.c != out.c || f.out_c != in.c || f.k != kernel * kernel)
    return errc::shape_mismatch;
  detail::for_each_row(out.n, out.h, threads, [&](int b, int y) {
    auto a = detail::output_row<depthwise_args>(f, out, b, y);
    a.in = in.pixel(b, 0, 0);
    a.in_row = in.row_stride;
    a.ring_rows = a.h = in.h;
    a.first_y = y;
    a.rows = 1;
    a.w = in.w;
    a.in_step = in.pixel_stride;
    a.kernel = kernel;
    a.stride = stride;
    a.ow = out.w;
    a.c = in.c;
    a.act = act;
    kernels->depthwise(a);
  });
  return errc::ok;
}

/// Floats of scratch for convolution(): `kernel` zero-padded rows.
[[nodiscard]] constexpr std::size_t convolution_scratch_floats(int w, int c, int kernel) noexcept {
  return static_cast<std::size_t>(w + kernel) * static_cast<std::size_t>(c) *
         static_cast<std::size_t>(kernel);
}

/// Dense KxK convolution (the stem), padding kernel / 2, kernel odd and at most 15, any stride.
/// @param scratch convolution_scratch_floats(in.w, in.c, kernel) floats
/// @param act     none, relu, relu6 or silu
/// Errors: shape_mismatch, invalid_argument (kernel, stride or activation), workspace_too_small, unsupported
/// (no kernels).
[[nodiscard]] inline errc convolution(nhwc_view<const float> in, const filter& f, int kernel, int stride,
                                      nhwc_view<float> out, span<float> scratch,
                                      activation act = activation::none,
                                      const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (act == activation::sigmoid) return errc::invalid_argument;
  if (kernel < 1 || kernel > 15 || kernel % 2 == 0 || stride < 1) return errc::invalid_argument;
  if (!detail::strided_views(in, out, stride) || f.k != kernel * kernel * in.c || f.out_c != out.c)
    return errc::shape_mismatch;
  if (scratch.size() < convolution_scratch_floats(in.w, in.c, kernel)) return errc::workspace_too_small;
  const int pad = kernel / 2;
  const std::ptrdiff_t row_floats = static_cast<std::ptrdiff_t>(in.w + kernel) * in.c;
  for (int b = 0; b < in.n; ++b)
    for (int y = 0; y < out.h; ++y) {
      const float* rows[15];
      for (int ky = 0; ky < kernel; ++ky) {
        float* const row = scratch.data() + ky * row_floats;
        rows[ky] = row;
        std::fill_n(row, row_floats, 0.0f);
        const int iy = y * stride - pad + ky;
        if (iy < 0 || iy >= in.h) continue;
        for (int x = 0; x < in.w; ++x)
          std::copy_n(in.pixel(b, iy, x), in.c, row + static_cast<std::ptrdiff_t>(x + pad) * in.c);
      }
      auto a = detail::output_row<pointwise_args>(f, out, b, y);
      a.segment = rows;
      a.segments = kernel;
      a.run = kernel * in.c;
      a.pixel_step = static_cast<std::ptrdiff_t>(stride) * in.c;
      a.pixels = out.w;
      a.out_c = a.last_c = out.c;
      a.act = act;
      a.ahead = 2;
      kernels->pointwise(a);
    }
  return errc::ok;
}

/// Mean over all pixels of each image: out [n][c]. Errors: shape_mismatch, unsupported (no kernels).
[[nodiscard]] inline errc global_mean(nhwc_view<const float> in, span<float> out,
                                      const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (!detail::good_view(in) || out.size() != static_cast<std::size_t>(in.n) * static_cast<std::size_t>(in.c))
    return errc::shape_mismatch;
  constexpr int slice = detail::mean_channels;
  for (int b = 0; b < in.n; ++b)
    for (int first = 0; first < in.c; first += slice) {
      const int channels = (std::min)(slice, in.c - first);
      float* const sums = out.data() + static_cast<std::ptrdiff_t>(b) * in.c + first;
      std::fill_n(sums, channels, 0.0f);
      detail::mean_of_pixels mean;
      for (int y = 0; y < in.h; ++y)
        for (int x = 0, run = static_cast<int>(detail::mean_run); x < in.w; x += run) {
          const int count = (std::min)(run, in.w - x);
          mean.add(sums, channels, count);
          kernels->add_pixels({const_cast<float*>(in.pixel(b, y, x)) + first, count, in.pixel_stride, sums,
                               channels, activation::none});
        }
      mean.finish(sums, channels);
    }
  return errc::ok;
}

/// Fully connected layer: out = act(bias + W in). in [f.k], out [f.out_c].
/// @param act none, relu, relu6 or sigmoid
/// Errors: shape_mismatch, invalid_argument (activation), unsupported (no kernels).
[[nodiscard]] inline errc dense(span<const float> in, const filter& f, span<float> out,
                                activation act = activation::none,
                                const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (act == activation::silu) return errc::invalid_argument;
  if (in.size() != static_cast<std::size_t>(f.k) || out.size() != static_cast<std::size_t>(f.out_c))
    return errc::shape_mismatch;
  kernels->dense({in.data(), f.k, f.weights, f.bias, out.data(), f.out_c, 0, f.out_c, act});
  return errc::ok;
}

/// Squeeze-excite in place: map = act(map * sigmoid(W2 relu(W1 mean(map)))).
/// @param scratch 2 * map.c + squeeze.out_c floats, @param act none, relu or relu6
/// Errors: shape_mismatch, invalid_argument (activation), workspace_too_small, unsupported (no kernels).
[[nodiscard]] inline errc squeeze_excite(nhwc_view<float> map, const filter& squeeze, const filter& excite,
                                         span<float> scratch, activation act = activation::none,
                                         const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (act == activation::silu || act == activation::sigmoid) return errc::invalid_argument;
  if (!detail::good_view(map) || squeeze.k != map.c || excite.k != squeeze.out_c || excite.out_c != map.c)
    return errc::shape_mismatch;
  const auto c = static_cast<std::size_t>(map.c), se = static_cast<std::size_t>(squeeze.out_c);
  if (scratch.size() < 2 * c + se) return errc::workspace_too_small;
  float* const mean = scratch.data();
  float* const squeezed = mean + c;
  float* const scale = squeezed + se;
  for (int b = 0; b < map.n; ++b) {
    nhwc_view<float> image = map;
    image.data = map.pixel(b, 0, 0);
    image.n = 1;
    errc e = global_mean(image, {mean, c}, kernels);
    if (e == errc::ok) e = dense({mean, c}, squeeze, {squeezed, se}, activation::relu, kernels);
    if (e == errc::ok) e = dense({squeezed, se}, excite, {scale, c}, activation::sigmoid, kernels);
    if (e != errc::ok) return e;
    for (int y = 0; y < map.h; ++y)
      kernels->scale_pixels({image.pixel(0, y, 0), map.w, map.pixel_stride, scale, map.c, act});
  }
  return errc::ok;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_OPS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// The map of a class, [n][head.h][head.w]: what every place of the head's map adds to the class's logit.
///
/// v1 and rexnetr: map[y][x] = sum over c of weight[class][c] * head[y][x][c]. The classifier is linear, so
/// the map's mean plus the class's bias is the logit (but for rounding). lite has a hidden layer with a ReLU6
/// before its classifier, so that the logit is no mean of places. Its map[y][x] is the logit, less the bias,
/// that the class would have if the whole picture looked like that place: hidden layer and classifier on
/// head[y][x] in place of the pooled vector.
///
/// Place (y, x) looks around pixel (32 y, 32 x) of the network's input and not around the middle of the 32 x
/// 32 pixels from there: a convolution of stride 2 with padding keeps the even pixels. seen_part() gives
/// the part of the picture that the input shows.
/// @param head        feature_maps::head of the same model, any strides, n from 0 on
/// @param class_index 0 to classes - 1
/// Errors: unsupported (a backbone without classifier), invalid_argument (class, null data), shape_mismatch
/// (channels).
[[nodiscard]] inline result<std::vector<float>> class_activation_map(const model& m,
                                                                     nhwc_view<const float> head,
                                                                     int class_index) {
  const config& c = m.shape();
  if (c.classes == 0)
    return error(errc::unsupported, "class activation map: the model is a backbone without classifier");
  if (class_index < 0 || class_index >= c.classes)
    return error(errc::invalid_argument, "class activation map: class " + std::to_string(class_index) +
                                             " of " + std::to_string(c.classes) + " classes");
  if (head.c != c.head_c || head.n < 0 || head.h < 1 || head.w < 1)
    return error(errc::shape_mismatch, "class activation map: a head of " + std::to_string(head.n) + " x " +
                                           std::to_string(head.h) + " x " + std::to_string(head.w) + " x " +
                                           std::to_string(head.c) + ", expected " + std::to_string(c.head_c) +
                                           " channels");
  if (head.data == nullptr && head.n > 0)
    return error(errc::invalid_argument, "class activation map: no head (null pointer)");

  const weights_layout layout = layout_of(c);
  const float* const payload = m.payload().data();
  std::vector<double> weights;  // of the class: every sixteenth float of its panel
  weights.reserve(static_cast<std::size_t>(layout.classifier.k));
  for (int k = 0; k < layout.classifier.k; ++k)
    weights.push_back(static_cast<double>(numbers_of(payload, layout.classifier).weight(class_index, k)));
  const layer_numbers<const float> dense = numbers_of(payload, layout.hidden);
  const filter hidden{dense.weights, dense.bias, dense.k, dense.out_c};
  std::vector<float> map, row(static_cast<std::size_t>(head.w) * static_cast<std::size_t>(c.hidden_c));
  for (int b = 0; b < head.n; ++b)
    for (int y = 0; y < head.h; ++y) {
      nhwc_view<const float> seen(head.pixel(b, y, 0), 1, 1, head.w, head.c, head.pixel_stride);
      if (c.hidden_c > 0) {
        const nhwc_view<float> to(row.data(), 1, 1, head.w, c.hidden_c);
        if (const errc e = pointwise(seen, hidden, to, c.hidden_act); e != errc::ok)
          return error(e, std::string("class activation map: ") + to_string(e));
        seen = to;
      }
      for (int x = 0; x < head.w; ++x) {
        const float* const pixel = seen.pixel(0, 0, x);
        double sum = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * static_cast<double>(pixel[k]);
        map.push_back(static_cast<float>(sum));
      }
    }
  return map;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_CAM_HPP
// ---- rexnet/heads/ssd.hpp
// From an SSD head's raw outputs to boxes, as torchvision's SSD does it: anchors, decoding, the best of each
// class, suppression of overlaps. Usable alone, on the outputs of any network of that layout. Nothing here
// allocates. Source: torchvision 0.29, models/detection/ssd.py, _utils.py, anchor_utils.py, ops/boxes.py.
#ifndef REXNET_HEADS_SSD_HPP
#define REXNET_HEADS_SSD_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Corners in pixels: left, top, right, bottom.
struct box {
  float x1 = 0;  ///< left
  float y1 = 0;  ///< top
  float x2 = 0;  ///< right
  float y2 = 0;  ///< bottom
};

/// What was found in a picture.
struct detection {
  box at;           ///< in the pixels of what the boxes were scaled to
  float score = 0;  ///< probability of the class
  int label = 0;    ///< class as torchvision numbers it: 1 is the first, 0 the background
  int anchor = 0;   ///< row of the raw outputs that it comes from
};

/// Maps that an ssd_shape has room for.
inline constexpr int max_ssd_levels = 8;
/// A detection's row is an int.
inline constexpr std::int64_t max_ssd_rows = 0x7fffffff;

/// The maps that a detector's heads are computed from, and the network's input.
struct ssd_shape {
  int input_h = 0;             ///< rows of the input
  int input_w = 0;             ///< its columns
  int levels = 0;              ///< 1 to max_ssd_levels
  int h[max_ssd_levels] = {};  ///< rows of each map
  int w[max_ssd_levels] = {};  ///< its columns
};

/// The maps of a detector for an input of h x w pixels.
[[nodiscard]] constexpr ssd_shape ssd_shape_of(const detector_config& d, int h, int w) noexcept {
  ssd_shape s;
  s.input_h = h, s.input_w = w;
  s.levels = ssd_levels;
  for (int k = 0; k < ssd_levels; ++k) s.h[k] = level_side(d, k, h), s.w[k] = level_side(d, k, w);
  return s;
}

/// Rows of the raw outputs: 6 for each place of each map.
[[nodiscard]] inline std::size_t ssd_rows(const ssd_shape& s) noexcept {
  std::size_t rows = 0;
  for (int k = 0; k < s.levels; ++k)
    rows += static_cast<std::size_t>(s.h[k]) * static_cast<std::size_t>(s.w[k]) * ssd_anchors_a_place;
  return rows;
}

/// The anchors, corners in pixels of the network's input, not clipped: level by level, row by row, six for
/// each place. Bit for bit torchvision's, which computes shapes in double and centres in float32.
/// @param out ssd_rows(s) boxes
/// @return ok; shape_mismatch: another number of boxes; invalid_argument: a shape without levels, maps or
/// input, or of more than max_ssd_rows rows
[[nodiscard]] inline errc ssd_anchors(const ssd_shape& s, span<box> out,
                                      const anchor_scales& scales = anchor_scales()) noexcept {
  if (s.levels < 1 || s.levels > max_ssd_levels || s.input_h < 1 || s.input_w < 1)
    return errc::invalid_argument;
  for (int k = 0; k < s.levels; ++k)
    if (s.h[k] < 1 || s.w[k] < 1) return errc::invalid_argument;
  std::uint64_t places = 0;
  for (int k = 0; k < s.levels; ++k) {
    places += static_cast<std::uint64_t>(s.h[k]) * static_cast<std::uint64_t>(s.w[k]);
    if (places > static_cast<std::uint64_t>(max_ssd_rows) / ssd_anchors_a_place)
      return errc::invalid_argument;
  }
  if (out.size() != ssd_rows(s)) return errc::shape_mismatch;
  const auto scale = [&](int k) {
    if (k == s.levels) return 1.0;
    return s.levels > 1 ? scales.least + (scales.most - scales.least) * k / (s.levels - 1.0) : scales.least;
  };
  const auto clamped = [](double v) { return (std::min)((std::max)(static_cast<float>(v), 0.0f), 1.0f); };
  std::size_t row = 0;
  for (int k = 0; k < s.levels; ++k) {
    const double own = scale(k), between = std::sqrt(own * scale(k + 1));
    float shapes[ssd_anchors_a_place][2] = {{clamped(own), clamped(own)},
                                            {clamped(between), clamped(between)}};
    for (int r = 2; r <= 3; ++r) {
      const double root = std::sqrt(static_cast<double>(r));
      float(&wide)[2] = shapes[2 * r - 2];
      float(&high)[2] = shapes[2 * r - 1];
      wide[0] = clamped(own * root), wide[1] = clamped(own / root);
      high[0] = wide[1], high[1] = wide[0];
    }
    const auto w = static_cast<float>(s.w[k]), h = static_cast<float>(s.h[k]);
    const auto across = static_cast<float>(s.input_w), down = static_cast<float>(s.input_h);
    for (int y = 0; y < s.h[k]; ++y)
      for (int x = 0; x < s.w[k]; ++x) {
        const float cx = (static_cast<float>(x) + 0.5f) / w, cy = (static_cast<float>(y) + 0.5f) / h;
        for (const float(&shape)[2] : shapes)
          out[row++] = {(cx - 0.5f * shape[0]) * across, (cy - 0.5f * shape[1]) * down,
                        (cx + 0.5f * shape[0]) * across, (cy + 0.5f * shape[1]) * down};
      }
  }
  return errc::ok;
}

/// The box that an anchor and its four codes (shift of the centre, logarithm of the size) stand for; sizes
/// grow to 62.5 times the anchor's at most. Clipped to [0, w] x [0, h].
[[nodiscard]] inline box decode_box(const box& anchor, const float* codes, float w, float h) noexcept {
  constexpr float largest = 4.135166556742356f;  // log(1000 / 16)
  const float aw = anchor.x2 - anchor.x1, ah = anchor.y2 - anchor.y1;
  const float cx = codes[0] / 10.0f * aw + (anchor.x1 + 0.5f * aw),
              cy = codes[1] / 10.0f * ah + (anchor.y1 + 0.5f * ah);
  const auto size = [](float code, float of) {
    const float d = code / 5.0f;
    return std::exp(d > largest ? largest : d) * of;  // NaN stays NaN
  };
  const float half_w = 0.5f * size(codes[2], aw), half_h = 0.5f * size(codes[3], ah);
  const auto clip = [](float v, float end) { return v < 0 ? 0 : v > end ? end : v; };
  return {clip(cx - half_w, w), clip(cy - half_h, h), clip(cx + half_w, w), clip(cy + half_h, h)};
}

namespace detail {

/// How well two candidates compare: the better score first, then the lower class and row.
[[nodiscard]] inline bool before(const detection& a, const detection& b) noexcept {
  if (a.score != b.score) return a.score > b.score;
  return a.label != b.label ? a.label < b.label : a.anchor < b.anchor;
}

[[nodiscard]] inline float area_of(const box& b) noexcept {
  return (b.x2 - b.x1) * (b.y2 - b.y1);
}

/// Intersection over union. 0 for boxes without area.
[[nodiscard]] inline float overlap_of(const box& a, const box& b, float area_a, float area_b) noexcept {
  const float w = (std::min)(a.x2, b.x2) - (std::max)(a.x1, b.x1),
              h = (std::min)(a.y2, b.y2) - (std::max)(a.y1, b.y1);
  if (!(w > 0 && h > 0)) return 0;
  const float shared = w * h;
  return shared / (area_a + area_b - shared);
}

[[nodiscard]] inline bool has_nan(const box& b) noexcept {
  return std::isnan(b.x1) || std::isnan(b.y1) || std::isnan(b.x2) || std::isnan(b.y2);
}

/// A box moved right and down, as torchvision does with all boxes of a class, so that classes do not overlap.
[[nodiscard]] inline box moved(const box& b, float by) noexcept {
  return {b.x1 + by, b.y1 + by, b.x2 + by, b.y2 + by};
}

}  // namespace detail

/// Candidates that ssd_detections() needs room for.
[[nodiscard]] inline std::size_t ssd_candidates(std::size_t rows, int classes,
                                                const ssd_options& o) noexcept {
  const std::size_t of_class = (std::min)(rows, static_cast<std::size_t>((std::max)(o.candidates, 0)));
  return of_class * static_cast<std::size_t>((std::max)(classes - 1, 0));
}

/// The outputs of one picture.
struct ssd_outputs {
  const float* logits = nullptr;  ///< [rows][classes], class 0 is the background
  const float* codes = nullptr;   ///< [rows][4]
  std::size_t rows = 0;           ///< an anchor each
  int classes = 0;                ///< with the background
};

/// Detections, the most probable first: softmax, boxes clipped to the network's input, for each class the
/// best o.candidates above o.score, of which those go that overlap a better one by more than o.iou, then the
/// best o.most. torchvision's two ways of suppression, by the number of candidates: up to 1000, all classes
/// at once, moved apart by the largest coordinate (which rounds coordinates); beyond, each class alone.
/// Scores that are equal: the lower class, then the lower row, where torchvision leaves the order open. A row
/// with a NaN or plus infinity among its logits has no class above any score. A candidate with a coordinate
/// that is NaN, as codes that are make them, is dropped (torchvision returns it).
///
/// Time: that of reading the outputs, and of each class's candidates at most min(o.candidates, o.most)
/// comparisons each.
/// @param anchors [rows], of ssd_anchors()
/// @param counts room for [classes]
/// @param candidates room for ssd_candidates(): the detections are its first elements
/// @param found their number
/// @return ok; shape_mismatch: too little room; invalid_argument: classes below 2, more than 2^31 - 1 rows,
/// or options that cannot be
[[nodiscard]] inline errc ssd_detections(const ssd_outputs& out, span<const box> anchors, int input_h,
                                         int input_w, const ssd_options& o, span<int> counts,
                                         span<detection> candidates, std::size_t& found) noexcept {
  found = 0;
  if (out.classes < 2 || out.rows > static_cast<std::size_t>(max_ssd_rows) || o.candidates < 1 ||
      o.most < 1 || input_h < 1 || input_w < 1 || !(o.iou >= 0) || !(o.score >= 0))
    return errc::invalid_argument;
  const auto classes = static_cast<std::size_t>(out.classes);
  if (anchors.size() != out.rows || counts.size() < classes ||
      candidates.size() < ssd_candidates(out.rows, out.classes, o))
    return errc::shape_mismatch;

  // The best of each class in a place of its own: a heap whose root is the worst that is kept. Most rows end
  // at once: what is that far below the row's largest has a probability below o.score, whatever the others
  // are.
  detection* const all = candidates.data();
  const std::size_t room = ssd_candidates(out.rows, 2, o);
  const float lowest = o.score > 0 ? std::log(o.score) - 0.01f : -(std::numeric_limits<float>::infinity)();
  std::fill(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(classes), 0);
  for (std::size_t row = 0; row < out.rows; ++row) {
    const float* in = out.logits + row * classes;
    float best = in[1];
    for (std::size_t c = 2; c < classes; ++c) best = in[c] > best ? in[c] : best;
    const float top = in[0] > best ? in[0] : best;
    if (best - top < lowest) continue;
    float sum = 0;  // NaN if any of them is
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(in[c] - top);
    for (std::size_t c = 1; c < classes; ++c) {
      if (in[c] - top < lowest) continue;
      detection d;
      d.score = std::exp(in[c] - top) / sum;
      d.label = static_cast<int>(c);
      d.anchor = static_cast<int>(row);
      if (!(d.score > o.score)) continue;
      detection* const first = all + (c - 1) * room;
      const auto kept = static_cast<std::size_t>(counts[c]);
      if (kept < room) {
        first[kept] = d;
        std::push_heap(first, first + kept + 1, detail::before);
        ++counts[c];
      } else if (detail::before(d, *first)) {
        std::pop_heap(first, first + kept, detail::before);
        first[kept - 1] = d;
        std::push_heap(first, first + kept, detail::before);
      }
    }
  }

  const auto w = static_cast<float>(input_w), h = static_cast<float>(input_h);
  float largest = 0;
  std::size_t n = 0;
  for (std::size_t c = 1; c < classes; ++c)
    for (int i = 0; i < counts[c]; ++i) {
      detection d = all[(c - 1) * room + static_cast<std::size_t>(i)];
      const auto row = static_cast<std::size_t>(d.anchor);
      d.at = decode_box(anchors[row], out.codes + 4 * row, w, h);
      if (detail::has_nan(d.at)) continue;
      for (const float v : {d.at.x1, d.at.y1, d.at.x2, d.at.y2}) largest = (std::max)(largest, v);
      all[n++] = d;
    }

  // Class by class, which the others do not touch; what stays moves together.
  constexpr std::size_t moved_apart = 1000;  // 4000 coordinates
  const float step = n <= moved_apart ? largest + 1 : 0;
  const auto place = [step](const detection& d) {
    return detail::moved(d.at, static_cast<float>(d.label) * step);
  };
  const auto most = static_cast<std::size_t>(o.most);
  std::size_t stay = 0;
  for (std::size_t begin = 0, end; begin < n; begin = end) {
    for (end = begin; end < n && all[end].label == all[begin].label; ++end) {
    }
    std::sort(all + begin, all + end, detail::before);
    const std::size_t first = stay;
    for (std::size_t i = begin; i < end && stay - first < most; ++i) {
      const detection d = all[i];
      const box candidate = place(d);
      const float area = detail::area_of(candidate);
      bool suppressed = false;
      for (std::size_t k = first; k < stay && !suppressed; ++k) {
        const box better = place(all[k]);
        const float overlap = detail::overlap_of(better, candidate, detail::area_of(better), area);
        suppressed = static_cast<double>(overlap) > o.iou;
      }
      if (!suppressed) all[stay++] = d;
    }
  }
  std::sort(all, all + stay, detail::before);
  found = (std::min)(stay, most);
  return errc::ok;
}

/// Boxes from pixels of the network's input to those of the picture that was resized to it.
inline void scale_boxes(span<detection> found, int input_h, int input_w, int picture_h,
                        int picture_w) noexcept {
  const float across = static_cast<float>(picture_w) / static_cast<float>(input_w),
              down = static_cast<float>(picture_h) / static_cast<float>(input_h);
  for (detection& d : found) d.at = {d.at.x1 * across, d.at.y1 * down, d.at.x2 * across, d.at.y2 * down};
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_SSD_HPP
// ---- rexnet/labels/imagenet.hpp
// The 1000 classes of the ILSVRC-2012 challenge ("ImageNet-1k") in the order of every published ReXNet:
// ascending WordNet synset. The names derive from WordNet 3.0, Copyright 2006 by Princeton University, all
// rights reserved; its licence stands in LICENSES/LicenseRef-WordNet-3.0.txt. Each is the synset's first
// word, with another one where two classes would share it (crane, Cardigan, maillot). One constant table: no
// code runs at start-up, and a program that does not ask for it does not contain it.
#ifndef REXNET_LABELS_IMAGENET_HPP
#define REXNET_LABELS_IMAGENET_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// A class of ImageNet-1k.
struct imagenet_class {
  std::string_view synset;  ///< "n01440764", as in WordNet 3.0 and ImageNet's folders
  std::string_view name;    ///< for people, unique among the 1000: "tench"
};

namespace detail {
// clang-format off
inline constexpr imagenet_class imagenet_table[1000] = {
  {"n01440764", "tench"}, {"n01443537", "goldfish"}, {"n01484850", "great white shark"},
  {"n01491361", "tiger shark"}, {"n01494475", "hammerhead"}, {"n01496331", "electric ray"},
  {"n01498041", "stingray"}, {"n01514668", "cock"}, {"n01514859", "hen"}, {"n01518878", "ostrich"},
  {"n01530575", "brambling"}, {"n01531178", "goldfinch"}, {"n01532829", "house finch"},
  {"n01534433", "junco"}, {"n01537544", "indigo bunting"}, {"n01558993", "robin"}, {"n01560419", "bulbul"},
  {"n01580077", "jay"}, {"n01582220", "magpie"}, {"n01592084", "chickadee"}, {"n01601694", "water ouzel"},
  {"n01608432", "kite"}, {"n01614925", "bald eagle"}, {"n01616318", "vulture"},
  {"n01622779", "great grey owl"}, {"n01629819", "European fire salamander"}, {"n01630670", "common newt"},
  {"n01631663", "eft"}, {"n01632458", "spotted salamander"}, {"n01632777", "axolotl"},
  {"n01641577", "bullfrog"}, {"n01644373", "tree frog"}, {"n01644900", "tailed frog"},
  {"n01664065", "loggerhead"}, {"n01665541", "leatherback turtle"}, {"n01667114", "mud turtle"},
  {"n01667778", "terrapin"}, {"n01669191", "box turtle"}, {"n01675722", "banded gecko"},
  {"n01677366", "common iguana"}, {"n01682714", "American chameleon"}, {"n01685808", "whiptail"},
  {"n01687978", "agama"}, {"n01688243", "frilled lizard"}, {"n01689811", "alligator lizard"},
  {"n01692333", "Gila monster"}, {"n01693334", "green lizard"}, {"n01694178", "African chameleon"},
  {"n01695060", "Komodo dragon"}, {"n01697457", "African crocodile"}, {"n01698640", "American alligator"},
  {"n01704323", "triceratops"}, {"n01728572", "thunder snake"}, {"n01728920", "ringneck snake"},
  {"n01729322", "hognose snake"}, {"n01729977", "green snake"}, {"n01734418", "king snake"},
  {"n01735189", "garter snake"}, {"n01737021", "water snake"}, {"n01739381", "vine snake"},
  {"n01740131", "night snake"}, {"n01742172", "boa constrictor"}, {"n01744401", "rock python"},
  {"n01748264", "Indian cobra"}, {"n01749939", "green mamba"}, {"n01751748", "sea snake"},
  {"n01753488", "horned viper"}, {"n01755581", "diamondback"}, {"n01756291", "sidewinder"},
  {"n01768244", "trilobite"}, {"n01770081", "harvestman"}, {"n01770393", "scorpion"},
  {"n01773157", "black and gold garden spider"}, {"n01773549", "barn spider"}, {"n01773797", "garden spider"},
  {"n01774384", "black widow"}, {"n01774750", "tarantula"}, {"n01775062", "wolf spider"},
  {"n01776313", "tick"}, {"n01784675", "centipede"}, {"n01795545", "black grouse"},
  {"n01796340", "ptarmigan"}, {"n01797886", "ruffed grouse"}, {"n01798484", "prairie chicken"},
  {"n01806143", "peacock"}, {"n01806567", "quail"}, {"n01807496", "partridge"}, {"n01817953", "African grey"},
  {"n01818515", "macaw"}, {"n01819313", "sulphur-crested cockatoo"}, {"n01820546", "lorikeet"},
  {"n01824575", "coucal"}, {"n01828970", "bee eater"}, {"n01829413", "hornbill"},
  {"n01833805", "hummingbird"}, {"n01843065", "jacamar"}, {"n01843383", "toucan"}, {"n01847000", "drake"},
  {"n01855032", "red-breasted merganser"}, {"n01855672", "goose"}, {"n01860187", "black swan"},
  {"n01871265", "tusker"}, {"n01872401", "echidna"}, {"n01873310", "platypus"}, {"n01877812", "wallaby"},
  {"n01882714", "koala"}, {"n01883070", "wombat"}, {"n01910747", "jellyfish"}, {"n01914609", "sea anemone"},
  {"n01917289", "brain coral"}, {"n01924916", "flatworm"}, {"n01930112", "nematode"}, {"n01943899", "conch"},
  {"n01944390", "snail"}, {"n01945685", "slug"}, {"n01950731", "sea slug"}, {"n01955084", "chiton"},
  {"n01968897", "chambered nautilus"}, {"n01978287", "Dungeness crab"}, {"n01978455", "rock crab"},
  {"n01980166", "fiddler crab"}, {"n01981276", "king crab"}, {"n01983481", "American lobster"},
  {"n01984695", "spiny lobster"}, {"n01985128", "crayfish"}, {"n01986214", "hermit crab"},
  {"n01990800", "isopod"}, {"n02002556", "white stork"}, {"n02002724", "black stork"},
  {"n02006656", "spoonbill"}, {"n02007558", "flamingo"}, {"n02009229", "little blue heron"},
  {"n02009912", "American egret"}, {"n02011460", "bittern"}, {"n02012849", "crane (bird)"},
  {"n02013706", "limpkin"}, {"n02017213", "European gallinule"}, {"n02018207", "American coot"},
  {"n02018795", "bustard"}, {"n02025239", "ruddy turnstone"}, {"n02027492", "red-backed sandpiper"},
  {"n02028035", "redshank"}, {"n02033041", "dowitcher"}, {"n02037110", "oystercatcher"},
  {"n02051845", "pelican"}, {"n02056570", "king penguin"}, {"n02058221", "albatross"},
  {"n02066245", "grey whale"}, {"n02071294", "killer whale"}, {"n02074367", "dugong"},
  {"n02077923", "sea lion"}, {"n02085620", "Chihuahua"}, {"n02085782", "Japanese spaniel"},
  {"n02085936", "Maltese dog"}, {"n02086079", "Pekinese"}, {"n02086240", "Shih-Tzu"},
  {"n02086646", "Blenheim spaniel"}, {"n02086910", "papillon"}, {"n02087046", "toy terrier"},
  {"n02087394", "Rhodesian ridgeback"}, {"n02088094", "Afghan hound"}, {"n02088238", "basset"},
  {"n02088364", "beagle"}, {"n02088466", "bloodhound"}, {"n02088632", "bluetick"},
  {"n02089078", "black-and-tan coonhound"}, {"n02089867", "Walker hound"}, {"n02089973", "English foxhound"},
  {"n02090379", "redbone"}, {"n02090622", "borzoi"}, {"n02090721", "Irish wolfhound"},
  {"n02091032", "Italian greyhound"}, {"n02091134", "whippet"}, {"n02091244", "Ibizan hound"},
  {"n02091467", "Norwegian elkhound"}, {"n02091635", "otterhound"}, {"n02091831", "Saluki"},
  {"n02092002", "Scottish deerhound"}, {"n02092339", "Weimaraner"},
  {"n02093256", "Staffordshire bullterrier"}, {"n02093428", "American Staffordshire terrier"},
  {"n02093647", "Bedlington terrier"}, {"n02093754", "Border terrier"}, {"n02093859", "Kerry blue terrier"},
  {"n02093991", "Irish terrier"}, {"n02094114", "Norfolk terrier"}, {"n02094258", "Norwich terrier"},
  {"n02094433", "Yorkshire terrier"}, {"n02095314", "wire-haired fox terrier"},
  {"n02095570", "Lakeland terrier"}, {"n02095889", "Sealyham terrier"}, {"n02096051", "Airedale"},
  {"n02096177", "cairn"}, {"n02096294", "Australian terrier"}, {"n02096437", "Dandie Dinmont"},
  {"n02096585", "Boston bull"}, {"n02097047", "miniature schnauzer"}, {"n02097130", "giant schnauzer"},
  {"n02097209", "standard schnauzer"}, {"n02097298", "Scotch terrier"}, {"n02097474", "Tibetan terrier"},
  {"n02097658", "silky terrier"}, {"n02098105", "soft-coated wheaten terrier"},
  {"n02098286", "West Highland white terrier"}, {"n02098413", "Lhasa"},
  {"n02099267", "flat-coated retriever"}, {"n02099429", "curly-coated retriever"},
  {"n02099601", "golden retriever"}, {"n02099712", "Labrador retriever"},
  {"n02099849", "Chesapeake Bay retriever"}, {"n02100236", "German short-haired pointer"},
  {"n02100583", "vizsla"}, {"n02100735", "English setter"}, {"n02100877", "Irish setter"},
  {"n02101006", "Gordon setter"}, {"n02101388", "Brittany spaniel"}, {"n02101556", "clumber"},
  {"n02102040", "English springer"}, {"n02102177", "Welsh springer spaniel"}, {"n02102318", "cocker spaniel"},
  {"n02102480", "Sussex spaniel"}, {"n02102973", "Irish water spaniel"}, {"n02104029", "kuvasz"},
  {"n02104365", "schipperke"}, {"n02105056", "groenendael"}, {"n02105162", "malinois"},
  {"n02105251", "briard"}, {"n02105412", "kelpie"}, {"n02105505", "komondor"},
  {"n02105641", "Old English sheepdog"}, {"n02105855", "Shetland sheepdog"}, {"n02106030", "collie"},
  {"n02106166", "Border collie"}, {"n02106382", "Bouvier des Flandres"}, {"n02106550", "Rottweiler"},
  {"n02106662", "German shepherd"}, {"n02107142", "Doberman"}, {"n02107312", "miniature pinscher"},
  {"n02107574", "Greater Swiss Mountain dog"}, {"n02107683", "Bernese mountain dog"},
  {"n02107908", "Appenzeller"}, {"n02108000", "EntleBucher"}, {"n02108089", "boxer"},
  {"n02108422", "bull mastiff"}, {"n02108551", "Tibetan mastiff"}, {"n02108915", "French bulldog"},
  {"n02109047", "Great Dane"}, {"n02109525", "Saint Bernard"}, {"n02109961", "Eskimo dog"},
  {"n02110063", "malamute"}, {"n02110185", "Siberian husky"}, {"n02110341", "dalmatian"},
  {"n02110627", "affenpinscher"}, {"n02110806", "basenji"}, {"n02110958", "pug"}, {"n02111129", "Leonberg"},
  {"n02111277", "Newfoundland"}, {"n02111500", "Great Pyrenees"}, {"n02111889", "Samoyed"},
  {"n02112018", "Pomeranian"}, {"n02112137", "chow"}, {"n02112350", "keeshond"},
  {"n02112706", "Brabancon griffon"}, {"n02113023", "Pembroke"}, {"n02113186", "Cardigan Welsh corgi"},
  {"n02113624", "toy poodle"}, {"n02113712", "miniature poodle"}, {"n02113799", "standard poodle"},
  {"n02113978", "Mexican hairless"}, {"n02114367", "timber wolf"}, {"n02114548", "white wolf"},
  {"n02114712", "red wolf"}, {"n02114855", "coyote"}, {"n02115641", "dingo"}, {"n02115913", "dhole"},
  {"n02116738", "African hunting dog"}, {"n02117135", "hyena"}, {"n02119022", "red fox"},
  {"n02119789", "kit fox"}, {"n02120079", "Arctic fox"}, {"n02120505", "grey fox"}, {"n02123045", "tabby"},
  {"n02123159", "tiger cat"}, {"n02123394", "Persian cat"}, {"n02123597", "Siamese cat"},
  {"n02124075", "Egyptian cat"}, {"n02125311", "cougar"}, {"n02127052", "lynx"}, {"n02128385", "leopard"},
  {"n02128757", "snow leopard"}, {"n02128925", "jaguar"}, {"n02129165", "lion"}, {"n02129604", "tiger"},
  {"n02130308", "cheetah"}, {"n02132136", "brown bear"}, {"n02133161", "American black bear"},
  {"n02134084", "ice bear"}, {"n02134418", "sloth bear"}, {"n02137549", "mongoose"}, {"n02138441", "meerkat"},
  {"n02165105", "tiger beetle"}, {"n02165456", "ladybug"}, {"n02167151", "ground beetle"},
  {"n02168699", "long-horned beetle"}, {"n02169497", "leaf beetle"}, {"n02172182", "dung beetle"},
  {"n02174001", "rhinoceros beetle"}, {"n02177972", "weevil"}, {"n02190166", "fly"}, {"n02206856", "bee"},
  {"n02219486", "ant"}, {"n02226429", "grasshopper"}, {"n02229544", "cricket"},
  {"n02231487", "walking stick"}, {"n02233338", "cockroach"}, {"n02236044", "mantis"},
  {"n02256656", "cicada"}, {"n02259212", "leafhopper"}, {"n02264363", "lacewing"}, {"n02268443", "dragonfly"},
  {"n02268853", "damselfly"}, {"n02276258", "admiral"}, {"n02277742", "ringlet"}, {"n02279972", "monarch"},
  {"n02280649", "cabbage butterfly"}, {"n02281406", "sulphur butterfly"}, {"n02281787", "lycaenid"},
  {"n02317335", "starfish"}, {"n02319095", "sea urchin"}, {"n02321529", "sea cucumber"},
  {"n02325366", "wood rabbit"}, {"n02326432", "hare"}, {"n02328150", "Angora"}, {"n02342885", "hamster"},
  {"n02346627", "porcupine"}, {"n02356798", "fox squirrel"}, {"n02361337", "marmot"}, {"n02363005", "beaver"},
  {"n02364673", "guinea pig"}, {"n02389026", "sorrel"}, {"n02391049", "zebra"}, {"n02395406", "hog"},
  {"n02396427", "wild boar"}, {"n02397096", "warthog"}, {"n02398521", "hippopotamus"}, {"n02403003", "ox"},
  {"n02408429", "water buffalo"}, {"n02410509", "bison"}, {"n02412080", "ram"}, {"n02415577", "bighorn"},
  {"n02417914", "ibex"}, {"n02422106", "hartebeest"}, {"n02422699", "impala"}, {"n02423022", "gazelle"},
  {"n02437312", "Arabian camel"}, {"n02437616", "llama"}, {"n02441942", "weasel"}, {"n02442845", "mink"},
  {"n02443114", "polecat"}, {"n02443484", "black-footed ferret"}, {"n02444819", "otter"},
  {"n02445715", "skunk"}, {"n02447366", "badger"}, {"n02454379", "armadillo"},
  {"n02457408", "three-toed sloth"}, {"n02480495", "orangutan"}, {"n02480855", "gorilla"},
  {"n02481823", "chimpanzee"}, {"n02483362", "gibbon"}, {"n02483708", "siamang"}, {"n02484975", "guenon"},
  {"n02486261", "patas"}, {"n02486410", "baboon"}, {"n02487347", "macaque"}, {"n02488291", "langur"},
  {"n02488702", "colobus"}, {"n02489166", "proboscis monkey"}, {"n02490219", "marmoset"},
  {"n02492035", "capuchin"}, {"n02492660", "howler monkey"}, {"n02493509", "titi"},
  {"n02493793", "spider monkey"}, {"n02494079", "squirrel monkey"}, {"n02497673", "Madagascar cat"},
  {"n02500267", "indri"}, {"n02504013", "Indian elephant"}, {"n02504458", "African elephant"},
  {"n02509815", "lesser panda"}, {"n02510455", "giant panda"}, {"n02514041", "barracouta"},
  {"n02526121", "eel"}, {"n02536864", "coho"}, {"n02606052", "rock beauty"}, {"n02607072", "anemone fish"},
  {"n02640242", "sturgeon"}, {"n02641379", "gar"}, {"n02643566", "lionfish"}, {"n02655020", "puffer"},
  {"n02666196", "abacus"}, {"n02667093", "abaya"}, {"n02669723", "academic gown"}, {"n02672831", "accordion"},
  {"n02676566", "acoustic guitar"}, {"n02687172", "aircraft carrier"}, {"n02690373", "airliner"},
  {"n02692877", "airship"}, {"n02699494", "altar"}, {"n02701002", "ambulance"}, {"n02704792", "amphibian"},
  {"n02708093", "analog clock"}, {"n02727426", "apiary"}, {"n02730930", "apron"}, {"n02747177", "ashcan"},
  {"n02749479", "assault rifle"}, {"n02769748", "backpack"}, {"n02776631", "bakery"},
  {"n02777292", "balance beam"}, {"n02782093", "balloon"}, {"n02783161", "ballpoint"},
  {"n02786058", "Band Aid"}, {"n02787622", "banjo"}, {"n02788148", "bannister"}, {"n02790996", "barbell"},
  {"n02791124", "barber chair"}, {"n02791270", "barbershop"}, {"n02793495", "barn"},
  {"n02794156", "barometer"}, {"n02795169", "barrel"}, {"n02797295", "barrow"}, {"n02799071", "baseball"},
  {"n02802426", "basketball"}, {"n02804414", "bassinet"}, {"n02804610", "bassoon"},
  {"n02807133", "bathing cap"}, {"n02808304", "bath towel"}, {"n02808440", "bathtub"},
  {"n02814533", "beach wagon"}, {"n02814860", "beacon"}, {"n02815834", "beaker"}, {"n02817516", "bearskin"},
  {"n02823428", "beer bottle"}, {"n02823750", "beer glass"}, {"n02825657", "bell cote"}, {"n02834397", "bib"},
  {"n02835271", "bicycle-built-for-two"}, {"n02837789", "bikini"}, {"n02840245", "binder"},
  {"n02841315", "binoculars"}, {"n02843684", "birdhouse"}, {"n02859443", "boathouse"},
  {"n02860847", "bobsled"}, {"n02865351", "bolo tie"}, {"n02869837", "bonnet"}, {"n02870880", "bookcase"},
  {"n02871525", "bookshop"}, {"n02877765", "bottlecap"}, {"n02879718", "bow"}, {"n02883205", "bow tie"},
  {"n02892201", "brass"}, {"n02892767", "brassiere"}, {"n02894605", "breakwater"},
  {"n02895154", "breastplate"}, {"n02906734", "broom"}, {"n02909870", "bucket"}, {"n02910353", "buckle"},
  {"n02916936", "bulletproof vest"}, {"n02917067", "bullet train"}, {"n02927161", "butcher shop"},
  {"n02930766", "cab"}, {"n02939185", "caldron"}, {"n02948072", "candle"}, {"n02950826", "cannon"},
  {"n02951358", "canoe"}, {"n02951585", "can opener"}, {"n02963159", "cardigan"}, {"n02965783", "car mirror"},
  {"n02966193", "carousel"}, {"n02966687", "carpenter's kit"}, {"n02971356", "carton"},
  {"n02974003", "car wheel"}, {"n02977058", "cash machine"}, {"n02978881", "cassette"},
  {"n02979186", "cassette player"}, {"n02980441", "castle"}, {"n02981792", "catamaran"},
  {"n02988304", "CD player"}, {"n02992211", "cello"}, {"n02992529", "cellular telephone"},
  {"n02999410", "chain"}, {"n03000134", "chainlink fence"}, {"n03000247", "chain mail"},
  {"n03000684", "chain saw"}, {"n03014705", "chest"}, {"n03016953", "chiffonier"}, {"n03017168", "chime"},
  {"n03018349", "china cabinet"}, {"n03026506", "Christmas stocking"}, {"n03028079", "church"},
  {"n03032252", "cinema"}, {"n03041632", "cleaver"}, {"n03042490", "cliff dwelling"}, {"n03045698", "cloak"},
  {"n03047690", "clog"}, {"n03062245", "cocktail shaker"}, {"n03063599", "coffee mug"},
  {"n03063689", "coffeepot"}, {"n03065424", "coil"}, {"n03075370", "combination lock"},
  {"n03085013", "computer keyboard"}, {"n03089624", "confectionery"}, {"n03095699", "container ship"},
  {"n03100240", "convertible"}, {"n03109150", "corkscrew"}, {"n03110669", "cornet"},
  {"n03124043", "cowboy boot"}, {"n03124170", "cowboy hat"}, {"n03125729", "cradle"},
  {"n03126707", "crane (machine)"}, {"n03127747", "crash helmet"}, {"n03127925", "crate"},
  {"n03131574", "crib"}, {"n03133878", "Crock Pot"}, {"n03134739", "croquet ball"}, {"n03141823", "crutch"},
  {"n03146219", "cuirass"}, {"n03160309", "dam"}, {"n03179701", "desk"}, {"n03180011", "desktop computer"},
  {"n03187595", "dial telephone"}, {"n03188531", "diaper"}, {"n03196217", "digital clock"},
  {"n03197337", "digital watch"}, {"n03201208", "dining table"}, {"n03207743", "dishrag"},
  {"n03207941", "dishwasher"}, {"n03208938", "disk brake"}, {"n03216828", "dock"}, {"n03218198", "dogsled"},
  {"n03220513", "dome"}, {"n03223299", "doormat"}, {"n03240683", "drilling platform"}, {"n03249569", "drum"},
  {"n03250847", "drumstick"}, {"n03255030", "dumbbell"}, {"n03259280", "Dutch oven"},
  {"n03271574", "electric fan"}, {"n03272010", "electric guitar"}, {"n03272562", "electric locomotive"},
  {"n03290653", "entertainment center"}, {"n03291819", "envelope"}, {"n03297495", "espresso maker"},
  {"n03314780", "face powder"}, {"n03325584", "feather boa"}, {"n03337140", "file"},
  {"n03344393", "fireboat"}, {"n03345487", "fire engine"}, {"n03347037", "fire screen"},
  {"n03355925", "flagpole"}, {"n03372029", "flute"}, {"n03376595", "folding chair"},
  {"n03379051", "football helmet"}, {"n03384352", "forklift"}, {"n03388043", "fountain"},
  {"n03388183", "fountain pen"}, {"n03388549", "four-poster"}, {"n03393912", "freight car"},
  {"n03394916", "French horn"}, {"n03400231", "frying pan"}, {"n03404251", "fur coat"},
  {"n03417042", "garbage truck"}, {"n03424325", "gasmask"}, {"n03425413", "gas pump"},
  {"n03443371", "goblet"}, {"n03444034", "go-kart"}, {"n03445777", "golf ball"}, {"n03445924", "golfcart"},
  {"n03447447", "gondola"}, {"n03447721", "gong"}, {"n03450230", "gown"}, {"n03452741", "grand piano"},
  {"n03457902", "greenhouse"}, {"n03459775", "grille"}, {"n03461385", "grocery store"},
  {"n03467068", "guillotine"}, {"n03476684", "hair slide"}, {"n03476991", "hair spray"},
  {"n03478589", "half track"}, {"n03481172", "hammer"}, {"n03482405", "hamper"}, {"n03483316", "hand blower"},
  {"n03485407", "hand-held computer"}, {"n03485794", "handkerchief"}, {"n03492542", "hard disc"},
  {"n03494278", "harmonica"}, {"n03495258", "harp"}, {"n03496892", "harvester"}, {"n03498962", "hatchet"},
  {"n03527444", "holster"}, {"n03529860", "home theater"}, {"n03530642", "honeycomb"}, {"n03532672", "hook"},
  {"n03534580", "hoopskirt"}, {"n03535780", "horizontal bar"}, {"n03538406", "horse cart"},
  {"n03544143", "hourglass"}, {"n03584254", "iPod"}, {"n03584829", "iron"}, {"n03590841", "jack-o'-lantern"},
  {"n03594734", "jean"}, {"n03594945", "jeep"}, {"n03595614", "jersey"}, {"n03598930", "jigsaw puzzle"},
  {"n03599486", "jinrikisha"}, {"n03602883", "joystick"}, {"n03617480", "kimono"}, {"n03623198", "knee pad"},
  {"n03627232", "knot"}, {"n03630383", "lab coat"}, {"n03633091", "ladle"}, {"n03637318", "lampshade"},
  {"n03642806", "laptop"}, {"n03649909", "lawn mower"}, {"n03657121", "lens cap"},
  {"n03658185", "letter opener"}, {"n03661043", "library"}, {"n03662601", "lifeboat"},
  {"n03666591", "lighter"}, {"n03670208", "limousine"}, {"n03673027", "liner"}, {"n03676483", "lipstick"},
  {"n03680355", "Loafer"}, {"n03690938", "lotion"}, {"n03691459", "loudspeaker"}, {"n03692522", "loupe"},
  {"n03697007", "lumbermill"}, {"n03706229", "magnetic compass"}, {"n03709823", "mailbag"},
  {"n03710193", "mailbox"}, {"n03710637", "maillot"}, {"n03710721", "tank suit"},
  {"n03717622", "manhole cover"}, {"n03720891", "maraca"}, {"n03721384", "marimba"}, {"n03724870", "mask"},
  {"n03729826", "matchstick"}, {"n03733131", "maypole"}, {"n03733281", "maze"},
  {"n03733805", "measuring cup"}, {"n03742115", "medicine chest"}, {"n03743016", "megalith"},
  {"n03759954", "microphone"}, {"n03761084", "microwave"}, {"n03763968", "military uniform"},
  {"n03764736", "milk can"}, {"n03769881", "minibus"}, {"n03770439", "miniskirt"}, {"n03770679", "minivan"},
  {"n03773504", "missile"}, {"n03775071", "mitten"}, {"n03775546", "mixing bowl"},
  {"n03776460", "mobile home"}, {"n03777568", "Model T"}, {"n03777754", "modem"}, {"n03781244", "monastery"},
  {"n03782006", "monitor"}, {"n03785016", "moped"}, {"n03786901", "mortar"}, {"n03787032", "mortarboard"},
  {"n03788195", "mosque"}, {"n03788365", "mosquito net"}, {"n03791053", "motor scooter"},
  {"n03792782", "mountain bike"}, {"n03792972", "mountain tent"}, {"n03793489", "mouse"},
  {"n03794056", "mousetrap"}, {"n03796401", "moving van"}, {"n03803284", "muzzle"}, {"n03804744", "nail"},
  {"n03814639", "neck brace"}, {"n03814906", "necklace"}, {"n03825788", "nipple"}, {"n03832673", "notebook"},
  {"n03837869", "obelisk"}, {"n03838899", "oboe"}, {"n03840681", "ocarina"}, {"n03841143", "odometer"},
  {"n03843555", "oil filter"}, {"n03854065", "organ"}, {"n03857828", "oscilloscope"},
  {"n03866082", "overskirt"}, {"n03868242", "oxcart"}, {"n03868863", "oxygen mask"}, {"n03871628", "packet"},
  {"n03873416", "paddle"}, {"n03874293", "paddlewheel"}, {"n03874599", "padlock"},
  {"n03876231", "paintbrush"}, {"n03877472", "pajama"}, {"n03877845", "palace"}, {"n03884397", "panpipe"},
  {"n03887697", "paper towel"}, {"n03888257", "parachute"}, {"n03888605", "parallel bars"},
  {"n03891251", "park bench"}, {"n03891332", "parking meter"}, {"n03895866", "passenger car"},
  {"n03899768", "patio"}, {"n03902125", "pay-phone"}, {"n03903868", "pedestal"}, {"n03908618", "pencil box"},
  {"n03908714", "pencil sharpener"}, {"n03916031", "perfume"}, {"n03920288", "Petri dish"},
  {"n03924679", "photocopier"}, {"n03929660", "pick"}, {"n03929855", "pickelhaube"},
  {"n03930313", "picket fence"}, {"n03930630", "pickup"}, {"n03933933", "pier"}, {"n03935335", "piggy bank"},
  {"n03937543", "pill bottle"}, {"n03938244", "pillow"}, {"n03942813", "ping-pong ball"},
  {"n03944341", "pinwheel"}, {"n03947888", "pirate"}, {"n03950228", "pitcher"}, {"n03954731", "plane"},
  {"n03956157", "planetarium"}, {"n03958227", "plastic bag"}, {"n03961711", "plate rack"},
  {"n03967562", "plow"}, {"n03970156", "plunger"}, {"n03976467", "Polaroid camera"}, {"n03976657", "pole"},
  {"n03977966", "police van"}, {"n03980874", "poncho"}, {"n03982430", "pool table"},
  {"n03983396", "pop bottle"}, {"n03991062", "pot"}, {"n03992509", "potter's wheel"},
  {"n03995372", "power drill"}, {"n03998194", "prayer rug"}, {"n04004767", "printer"},
  {"n04005630", "prison"}, {"n04008634", "projectile"}, {"n04009552", "projector"}, {"n04019541", "puck"},
  {"n04023962", "punching bag"}, {"n04026417", "purse"}, {"n04033901", "quill"}, {"n04033995", "quilt"},
  {"n04037443", "racer"}, {"n04039381", "racket"}, {"n04040759", "radiator"}, {"n04041544", "radio"},
  {"n04044716", "radio telescope"}, {"n04049303", "rain barrel"}, {"n04065272", "recreational vehicle"},
  {"n04067472", "reel"}, {"n04069434", "reflex camera"}, {"n04070727", "refrigerator"},
  {"n04074963", "remote control"}, {"n04081281", "restaurant"}, {"n04086273", "revolver"},
  {"n04090263", "rifle"}, {"n04099969", "rocking chair"}, {"n04111531", "rotisserie"},
  {"n04116512", "rubber eraser"}, {"n04118538", "rugby ball"}, {"n04118776", "rule"},
  {"n04120489", "running shoe"}, {"n04125021", "safe"}, {"n04127249", "safety pin"},
  {"n04131690", "saltshaker"}, {"n04133789", "sandal"}, {"n04136333", "sarong"}, {"n04141076", "sax"},
  {"n04141327", "scabbard"}, {"n04141975", "scale"}, {"n04146614", "school bus"}, {"n04147183", "schooner"},
  {"n04149813", "scoreboard"}, {"n04152593", "screen"}, {"n04153751", "screw"}, {"n04154565", "screwdriver"},
  {"n04162706", "seat belt"}, {"n04179913", "sewing machine"}, {"n04192698", "shield"},
  {"n04200800", "shoe shop"}, {"n04201297", "shoji"}, {"n04204238", "shopping basket"},
  {"n04204347", "shopping cart"}, {"n04208210", "shovel"}, {"n04209133", "shower cap"},
  {"n04209239", "shower curtain"}, {"n04228054", "ski"}, {"n04229816", "ski mask"},
  {"n04235860", "sleeping bag"}, {"n04238763", "slide rule"}, {"n04239074", "sliding door"},
  {"n04243546", "slot"}, {"n04251144", "snorkel"}, {"n04252077", "snowmobile"}, {"n04252225", "snowplow"},
  {"n04254120", "soap dispenser"}, {"n04254680", "soccer ball"}, {"n04254777", "sock"},
  {"n04258138", "solar dish"}, {"n04259630", "sombrero"}, {"n04263257", "soup bowl"},
  {"n04264628", "space bar"}, {"n04265275", "space heater"}, {"n04266014", "space shuttle"},
  {"n04270147", "spatula"}, {"n04273569", "speedboat"}, {"n04275548", "spider web"}, {"n04277352", "spindle"},
  {"n04285008", "sports car"}, {"n04286575", "spotlight"}, {"n04296562", "stage"},
  {"n04310018", "steam locomotive"}, {"n04311004", "steel arch bridge"}, {"n04311174", "steel drum"},
  {"n04317175", "stethoscope"}, {"n04325704", "stole"}, {"n04326547", "stone wall"},
  {"n04328186", "stopwatch"}, {"n04330267", "stove"}, {"n04332243", "strainer"}, {"n04335435", "streetcar"},
  {"n04336792", "stretcher"}, {"n04344873", "studio couch"}, {"n04346328", "stupa"},
  {"n04347754", "submarine"}, {"n04350905", "suit"}, {"n04355338", "sundial"}, {"n04355933", "sunglass"},
  {"n04356056", "sunglasses"}, {"n04357314", "sunscreen"}, {"n04366367", "suspension bridge"},
  {"n04367480", "swab"}, {"n04370456", "sweatshirt"}, {"n04371430", "swimming trunks"},
  {"n04371774", "swing"}, {"n04372370", "switch"}, {"n04376876", "syringe"}, {"n04380533", "table lamp"},
  {"n04389033", "tank"}, {"n04392985", "tape player"}, {"n04398044", "teapot"}, {"n04399382", "teddy"},
  {"n04404412", "television"}, {"n04409515", "tennis ball"}, {"n04417672", "thatch"},
  {"n04418357", "theater curtain"}, {"n04423845", "thimble"}, {"n04428191", "thresher"},
  {"n04429376", "throne"}, {"n04435653", "tile roof"}, {"n04442312", "toaster"},
  {"n04443257", "tobacco shop"}, {"n04447861", "toilet seat"}, {"n04456115", "torch"},
  {"n04458633", "totem pole"}, {"n04461696", "tow truck"}, {"n04462240", "toyshop"}, {"n04465501", "tractor"},
  {"n04467665", "trailer truck"}, {"n04476259", "tray"}, {"n04479046", "trench coat"},
  {"n04482393", "tricycle"}, {"n04483307", "trimaran"}, {"n04485082", "tripod"},
  {"n04486054", "triumphal arch"}, {"n04487081", "trolleybus"}, {"n04487394", "trombone"},
  {"n04493381", "tub"}, {"n04501370", "turnstile"}, {"n04505470", "typewriter keyboard"},
  {"n04507155", "umbrella"}, {"n04509417", "unicycle"}, {"n04515003", "upright"}, {"n04517823", "vacuum"},
  {"n04522168", "vase"}, {"n04523525", "vault"}, {"n04525038", "velvet"}, {"n04525305", "vending machine"},
  {"n04532106", "vestment"}, {"n04532670", "viaduct"}, {"n04536866", "violin"}, {"n04540053", "volleyball"},
  {"n04542943", "waffle iron"}, {"n04548280", "wall clock"}, {"n04548362", "wallet"},
  {"n04550184", "wardrobe"}, {"n04552348", "warplane"}, {"n04553703", "washbasin"}, {"n04554684", "washer"},
  {"n04557648", "water bottle"}, {"n04560804", "water jug"}, {"n04562935", "water tower"},
  {"n04579145", "whiskey jug"}, {"n04579432", "whistle"}, {"n04584207", "wig"},
  {"n04589890", "window screen"}, {"n04590129", "window shade"}, {"n04591157", "Windsor tie"},
  {"n04591713", "wine bottle"}, {"n04592741", "wing"}, {"n04596742", "wok"}, {"n04597913", "wooden spoon"},
  {"n04599235", "wool"}, {"n04604644", "worm fence"}, {"n04606251", "wreck"}, {"n04612504", "yawl"},
  {"n04613696", "yurt"}, {"n06359193", "web site"}, {"n06596364", "comic book"},
  {"n06785654", "crossword puzzle"}, {"n06794110", "street sign"}, {"n06874185", "traffic light"},
  {"n07248320", "book jacket"}, {"n07565083", "menu"}, {"n07579787", "plate"}, {"n07583066", "guacamole"},
  {"n07584110", "consomme"}, {"n07590611", "hot pot"}, {"n07613480", "trifle"}, {"n07614500", "ice cream"},
  {"n07615774", "ice lolly"}, {"n07684084", "French loaf"}, {"n07693725", "bagel"}, {"n07695742", "pretzel"},
  {"n07697313", "cheeseburger"}, {"n07697537", "hotdog"}, {"n07711569", "mashed potato"},
  {"n07714571", "head cabbage"}, {"n07714990", "broccoli"}, {"n07715103", "cauliflower"},
  {"n07716358", "zucchini"}, {"n07716906", "spaghetti squash"}, {"n07717410", "acorn squash"},
  {"n07717556", "butternut squash"}, {"n07718472", "cucumber"}, {"n07718747", "artichoke"},
  {"n07720875", "bell pepper"}, {"n07730033", "cardoon"}, {"n07734744", "mushroom"},
  {"n07742313", "Granny Smith"}, {"n07745940", "strawberry"}, {"n07747607", "orange"}, {"n07749582", "lemon"},
  {"n07753113", "fig"}, {"n07753275", "pineapple"}, {"n07753592", "banana"}, {"n07754684", "jackfruit"},
  {"n07760859", "custard apple"}, {"n07768694", "pomegranate"}, {"n07802026", "hay"},
  {"n07831146", "carbonara"}, {"n07836838", "chocolate sauce"}, {"n07860988", "dough"},
  {"n07871810", "meat loaf"}, {"n07873807", "pizza"}, {"n07875152", "potpie"}, {"n07880968", "burrito"},
  {"n07892512", "red wine"}, {"n07920052", "espresso"}, {"n07930864", "cup"}, {"n07932039", "eggnog"},
  {"n09193705", "alp"}, {"n09229709", "bubble"}, {"n09246464", "cliff"}, {"n09256479", "coral reef"},
  {"n09288635", "geyser"}, {"n09332890", "lakeside"}, {"n09399592", "promontory"}, {"n09421951", "sandbar"},
  {"n09428293", "seashore"}, {"n09468604", "valley"}, {"n09472597", "volcano"}, {"n09835506", "ballplayer"},
  {"n10148035", "groom"}, {"n10565667", "scuba diver"}, {"n11879895", "rapeseed"}, {"n11939491", "daisy"},
  {"n12057211", "yellow lady's slipper"}, {"n12144580", "corn"}, {"n12267677", "acorn"}, {"n12620546", "hip"},
  {"n12768682", "buckeye"}, {"n12985857", "coral fungus"}, {"n12998815", "agaric"},
  {"n13037406", "gyromitra"}, {"n13040303", "stinkhorn"}, {"n13044778", "earthstar"},
  {"n13052670", "hen-of-the-woods"}, {"n13054560", "bolete"}, {"n13133613", "ear"},
  {"n15075141", "toilet tissue"},
};
// clang-format on
}  // namespace detail

/// The 1000 classes; entry i belongs to logit i.
[[nodiscard]] constexpr span<const imagenet_class> imagenet_1k() noexcept {
  return detail::imagenet_table;
}

/// The class of a synset ("n02123045" -> 281), -1 where it is none of the thousand. Binary search.
[[nodiscard]] constexpr int imagenet_index(std::string_view synset) noexcept {
  int first = 0, last = 1000;
  while (first < last) {
    const int middle = (first + last) / 2;
    if (detail::imagenet_table[middle].synset < synset)
      first = middle + 1;
    else
      last = middle;
  }
  return first < 1000 && detail::imagenet_table[first].synset == synset ? first : -1;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_LABELS_IMAGENET_HPP
// ---- rexnet/load.hpp
// A model from any file: torch checkpoints, safetensors, packed files.
#ifndef REXNET_LOAD_HPP
#define REXNET_LOAD_HPP

// ---- rexnet/checkpoint/checkpoint.hpp
// Any checkpoint file as a list of named tensors. Useful on its own, for any model:
//
//   auto file = rexnet::open_checkpoint("model.pth");
//   if (!file) return complain(file.error().message());
//   for (const rexnet::tensor& t : file->tensors()) use(t.name, t.shape, t.values());
#ifndef REXNET_CHECKPOINT_CHECKPOINT_HPP
#define REXNET_CHECKPOINT_CHECKPOINT_HPP

// ---- rexnet/checkpoint/impostors.hpp
// Files that are mistaken for checkpoints, recognised by their content, with what to do.
#ifndef REXNET_CHECKPOINT_IMPOSTORS_HPP
#define REXNET_CHECKPOINT_IMPOSTORS_HPP

// ---- rexnet/checkpoint/file_kinds.hpp
// Files of other kinds by their first bytes: what each is, and what to do with it.
#ifndef REXNET_CHECKPOINT_FILE_KINDS_HPP
#define REXNET_CHECKPOINT_FILE_KINDS_HPP

// ---- rexnet/checkpoint/protobuf.hpp
// A walk over the fields of a protobuf message, bounded by its bytes. Source: protobuf.dev, "Encoding".
#ifndef REXNET_CHECKPOINT_PROTOBUF_HPP
#define REXNET_CHECKPOINT_PROTOBUF_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// One field: `value` of a number (wire types 0, 1 and 5), `data` of what has a length (2).
struct protobuf_field {
  std::uint64_t number = 0;
  unsigned wire = 0;
  std::uint64_t value = 0;
  byte_span data;
};

class protobuf_cursor {
 public:
  explicit protobuf_cursor(byte_span message) : message_(message) {}
  /// Bytes read so far.
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  /// No more fields; false also when the last next() failed.
  [[nodiscard]] bool finished() const noexcept { return at_ == message_.size(); }

  /// The field that follows; false at the end, and on what is no field, where at() stays.
  bool next(protobuf_field& f) {
    const std::size_t start = at_;
    std::uint64_t tag = 0;
    f = {};
    if (!finished() && varint(tag) && tag >> 3 != 0 && tag >> 3 < (1u << 29)) {
      f.number = tag >> 3;
      f.wire = static_cast<unsigned>(tag & 7u);
      if (f.wire == 0 && varint(f.value)) return true;
      if (f.wire == 1 && fixed<8>(f.value)) return true;
      if (f.wire == 5 && fixed<4>(f.value)) return true;
      std::uint64_t n = 0;
      if (f.wire == 2 && varint(n) && n <= message_.size() - at_) {
        f.data = message_.subspan(at_, static_cast<std::size_t>(n));
        at_ += static_cast<std::size_t>(n);
        return true;
      }
    }
    at_ = start;
    return false;
  }

  /// A number of at most 64 bits, seven a byte.
  bool varint(std::uint64_t& v) {
    v = 0;
    for (int shift = 0; shift < 70 && at_ < message_.size(); shift += 7) {
      const unsigned char byte = message_[at_++];
      if (shift == 63 && byte > 1) return false;
      v |= std::uint64_t{byte & 127u} << shift;
      if (byte < 128) return true;
    }
    return false;
  }

 private:
  template <int N>
  bool fixed(std::uint64_t& v) {
    if (message_.size() - at_ < N) return false;
    v = little_endian<N>(message_.data() + at_);
    at_ += N;
    return true;
  }

  byte_span message_;
  std::size_t at_ = 0;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PROTOBUF_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

inline constexpr std::string_view unpack_first = ": unpack it first",
                                  use_joblib = ": read it with joblib and write it with torch.save",
                                  save_weights = ": save the state_dict() of its network with torch.save",
                                  other_framework =
                                      ": only PyTorch's, PaddleClas' and MindCV's weights are read";

/// Bytes that begin a file of another kind (from `at` on), and what to say of it.
struct file_sign {
  std::size_t at;
  std::string_view bytes, what, advice;
  /// The bytes may hold zeros: their number is the literal's.
  template <std::size_t N>
  constexpr file_sign(std::size_t place, const char (&sign)[N], std::string_view kind,
                      std::string_view todo = {})
      : at(place), bytes(sign, N - 1), what(kind), advice(todo) {}
};

inline constexpr file_sign file_signs[] = {
    // compressed
    {0, "\x1f\x8b", "a gzip file", unpack_first},
    {0, "BZh", "a bzip2 file", unpack_first},
    {0, "\xfd\x37zXZ\0", "an xz file", unpack_first},
    {0, "\x28\xb5\x2f\xfd", "a zstd file", unpack_first},
    {0, "\x04\x22\x4d\x18", "an lz4 file", unpack_first},
    {0, "7z\xbc\xaf\x27\x1c", "a 7z archive", unpack_first},
    {0, "Rar!\x1a\x07", "a rar archive", unpack_first},
    {0, "\x5d\0\0", "an lzma file", unpack_first},
    {0, "\x78\x01", "zlib data, perhaps of joblib", use_joblib},
    {0, "\x78\x5e", "zlib data, perhaps of joblib", use_joblib},
    {0, "\x78\x9c", "zlib data, perhaps of joblib", use_joblib},
    {0, "\x78\xda", "zlib data, perhaps of joblib", use_joblib},
    // models
    {0, "\x89HDF\r\n\x1a\n", "an HDF5 file, perhaps of Keras", other_framework},
    {0, "GGUF", "a GGUF file", other_framework},
    {0, "lmgg", "a GGML file", other_framework},
    {0, "fmgg", "a GGML file", other_framework},
    {0, "tjgg", "a GGML file", other_framework},
    {4, "TFL3", "a TensorFlow Lite model", save_weights},
    {4, "ET12", "an ExecuTorch program", save_weights},
    {4, "ET13", "an ExecuTorch program", save_weights},
    {0, "\x93NUMPY", "a numpy array (.npy)", ": a checkpoint holds many of them, by name"},
    {0, "REXNETPK", "a packed file of rexnet", ": load() reads it"},
    // anything else
    {0, "\x89PNG", "a PNG picture"},
    {0, "\xff\xd8\xff", "a JPEG picture"},
    {0, "GIF8", "a GIF picture"},
    {8, "WEBP", "a WebP picture"},
    {0, "BM", "a BMP picture"},
    {0, "II*\0", "a TIFF picture"},
    {0, "MM\0*", "a TIFF picture"},
    {0, "%PDF", "a PDF"},
    {0, "\x7f\x45LF", "a program (ELF)"},
    {0, "MZ", "a program of Windows"},
    {0, "SQLite format 3\0", "an SQLite database"},
    {0, "PAR1", "a Parquet file"},
    {0, "\x4c\0\0\0\x01\x14\x02\0", "a Windows shortcut", ": take the file that it leads to"},
    {0, "\0\x05\x16\x07", "a macOS resource fork", ": the file itself has the name without ._"},
};

[[nodiscard]] inline error other_format(std::string_view what, std::string_view advice = {}) {
  return {errc::model_other_format, std::string(what) + ", not a checkpoint" + std::string(advice)};
}

/// The fields of a protobuf message, as far as the file reaches.
struct protobuf_fields {
  std::uint64_t first = 0;  ///< the number of the first field
  bool low[32] = {};        ///< one of 1 to 31
  bool high = false;        ///< one of 200 to 1000
};
[[nodiscard]] inline protobuf_fields fields_of(byte_span message) {
  protobuf_fields all;
  protobuf_cursor cursor(message);
  protobuf_field f;
  for (bool more = true; more && !cursor.finished();) {
    more = cursor.next(f);  // a field that is cut short still has its number
    if (all.first == 0) all.first = f.number;
    if (f.number < 32) all.low[f.number] = true;
    all.high = all.high || (f.number >= 200 && f.number <= 1000);
  }
  return all;
}

/// TensorFlow's index of a checkpoint ends as every LevelDB table does.
[[nodiscard]] inline bool is_leveldb_table(byte_span file) noexcept {
  return file.size() >= 48 && little_endian<8>(file.data() + file.size() - 8) == 0xdb4775248b80fb57u;
}

/// Models without a signature in front; most are protobuf messages: ONNX's ModelProto, Core ML's Model,
/// TensorFlow's SavedModel and GraphDef, Paddle's ProgramDesc, which differ in the numbers of their fields.
[[nodiscard]] inline status refuse_other_models(byte_span file) {
  if (is_leveldb_table(file)) return other_format("the index of a TensorFlow checkpoint", other_framework);
  protobuf_cursor cursor(file);
  protobuf_field f;
  if (file.size() < 16 || !cursor.next(f) || f.number != 1) return done;
  const protobuf_fields top = fields_of(file);
  if (f.wire == 0 && f.value < 64) {
    // A version, then: ONNX the graph 7; Core ML a description 2 and the model, 200 and more; TensorFlow 2.
    if (top.high && top.low[2]) return other_format("a Core ML model", save_weights);
    if (top.low[7] || top.low[8]) return other_format("an ONNX model", save_weights);
    if (top.low[2] && f.value == 1) return other_format("a TensorFlow SavedModel", other_framework);
    return done;
  }
  if (f.wire != 2) return done;
  const protobuf_fields inner = fields_of(f.data);
  // A node has a name 1, an operation 2 and attributes 5; a block of a Paddle program numbers 1 and 2, then
  // variables 3 and operations 4.
  if (inner.low[1] && inner.low[2] && inner.low[5])
    return other_format("a TensorFlow graph", other_framework);
  if (f.data.size() > 4 && f.data[0] == 8 && inner.low[3] && inner.low[4])
    return other_format("Paddle's exported program (.pdmodel)", ": take the .pdparams of the network");
  return done;
}

/// Parameters of Paddle's exported programs: version, levels and version again, all zero, then a message of
/// a few bytes that begins with the element type.
[[nodiscard]] inline bool is_pdiparams(byte_span file) noexcept {
  if (file.size() < 24) return false;
  for (std::size_t i = 0; i < 16; ++i)
    if (file[i] != 0) return false;
  return little_endian<4>(file.data() + 16) <= 64 && file[20] == 8 && file[22] == 16;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_FILE_KINDS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Whether all of it is readable text; the last character may be cut.
[[nodiscard]] inline bool is_text(std::string_view s) noexcept {
  while (!s.empty()) {
    const std::size_t length = utf8_length(s);
    if (length == 0) return s.size() < 4 && static_cast<unsigned char>(s[0]) >= 0xc2;
    if (static_cast<unsigned char>(s[0]) < 32 && std::string_view("\t\n\r\f").find(s[0]) == s.npos)
      return false;
    s.remove_prefix(length);
  }
  return true;
}

/// Text, of which `head` is the beginning without white space.
[[nodiscard]] inline error text_instead(std::string_view head) {
  const auto holds = [head](std::string_view part) { return head.find(part) != head.npos; };
  const auto begins = [head](std::string_view part) { return begins_with(head, part); };
  if (holds("<net ") && holds("<layer")) return other_format("an OpenVINO network (.xml)", save_weights);
  if (begins("<?xml"))
    return {errc::model_html,
            "an XML text, not a checkpoint: the download answered with it (an error message?)"};
  if (begins("7767517")) return other_format("an ncnn network (.param)", save_weights);
  if (begins("{") || begins("["))
    return holds("\"weight_map\"")
               ? other_format("the index of a checkpoint in several files",
                              ": load its parts with Python and write them as one")
               : other_format("a JSON text", ": the download answered with it, or it is a configuration");
  if (begins("(dp") || begins("(lp") || begins("ccollections\n") || begins("ctorch"))
    return other_format("a pickle of protocol 0", ": write it with torch.save");
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  return other_format("a text file (" + in_quotes(line) + ")");
}

/// A number of a tar archive's header: octal digits among spaces and zeros.
[[nodiscard]] inline std::uint64_t octal(std::string_view field) noexcept {
  std::uint64_t v = 0;
  for (const char c : field)
    if (c >= '0' && c <= '7') v = v * 8 + static_cast<std::uint64_t>(c - '0');
  return v;
}

/// Whether the file begins with a tar archive's header: its mark alone may lie in any checkpoint's tensors,
/// so the header's checksum (POSIX: the sum of its bytes, its own eight taken for spaces) must be right, too.
[[nodiscard]] inline bool is_tar(byte_span file) noexcept {
  if (file.size() < 512 || text(file).substr(257, 5) != "ustar") return false;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? std::uint64_t{' '} : file[i];
  return sum == octal(text(file).substr(148, 8));
}

/// A tar archive: torch's own before 0.1.10 has these entries, in any order.
[[nodiscard]] inline error tar_instead(byte_span file) {
  std::string first;
  for (std::size_t at = 0, entries = 0; entries < 8 && at + 512 <= file.size(); ++entries) {
    const std::string_view header = text(file.subspan(at, 512));
    const std::string_view name = header.substr(0, (std::min)(header.find('\0'), std::size_t{100}));
    if (name.empty() && entries > 0) break;  // the end
    const std::string_view base = name.substr(name.rfind('/') + 1);
    if (name.empty() || base == "sys_info" || base == "pickle" || base == "tensors" || base == "storages")
      return {errc::model_old_tar,
              "a torch file of the tar form (torch < 0.1.10): load it with an old torch and save it again"};
    const bool described = header[156] == 'x' || header[156] == 'g' || header[156] == 'L';
    if (first.empty() && !described) first = in_quotes(name);
    const checked next = checked(at) + 512 + (octal(header.substr(124, 11)) + 511) / 512 * 512;
    if (!next.at_most(file.size())) break;
    at = static_cast<std::size_t>(next.get());
  }
  return other_format("a tar archive" + (first.empty() ? "" : " that begins with " + first), unpack_first);
}

/// A download that reserved its bytes and did not get them: the first 4096 bytes are zeros.
[[nodiscard]] inline bool is_blank(byte_span file) noexcept {
  const std::size_t n = (std::min)(file.size(), std::size_t{4096});
  return n >= 16 && std::all_of(file.data(), file.data() + n, [](unsigned char c) { return c == 0; });
}

/// What people save under the name .pth by mistake, by its first bytes; ok when it is none of that.
[[nodiscard]] inline status refuse_impostors(byte_span bytes) {
  const std::string_view beginning = text(bytes).substr(0, 512);
  const std::size_t start = beginning.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  const std::string_view head = start == beginning.npos ? beginning : beginning.substr(start);
  std::string tag(head.substr(0, 9));
  for (char& c : tag) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (tag == "<!doctype" || tag.substr(0, 5) == "<html" || tag.substr(0, 5) == "<head")
    return error(errc::model_html,
                 "a web page, not a checkpoint: the download answered with HTML (a login or a 'file too "
                 "large' page?)");
  if (head.substr(0, 42) == "version https://git-lfs.github.com/spec/v1")
    return error(errc::model_git_lfs, "a git-lfs pointer, not the file itself: run git lfs pull");
  if (head.size() >= 4 && is_text(head)) return text_instead(head);
  // The length of a safetensors header may begin like anything.
  if (bytes.size() > 8 && bytes[8] == '{' && little_endian<4>(bytes.data() + 4) == 0) return done;
  if (beginning.size() >= 2 && (beginning.substr(0, 2) == "\xff\xfe" || beginning.substr(0, 2) == "\xfe\xff"))
    return other_format("a text in UTF-16");
  if (is_tar(bytes)) return tar_instead(bytes);
  for (const file_sign& sign : file_signs)
    if (beginning.size() >= sign.at && beginning.substr(sign.at, sign.bytes.size()) == sign.bytes)
      return other_format(sign.what, sign.advice);
  if (is_pdiparams(bytes))
    return other_format("parameters of Paddle's exported program", ": take the .pdparams of the network");
  if (is_blank(bytes))
    return error(errc::model_truncated,
                 "zeros, " + std::to_string(bytes.size()) +
                     " bytes from the first on: the download reserved them and did not "
                     "finish");
  return done;
}

/// The error for a file of no known kind.
[[nodiscard]] inline error unknown_file(byte_span bytes) {
  std::string first;
  static constexpr char digits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size() && i < 8; ++i)
    first += {digits[bytes[i] >> 4], digits[bytes[i] & 15], ' '};
  return {errc::unknown_format, "not a checkpoint that rexnet reads; its " + std::to_string(bytes.size()) +
                                    " bytes start with " + first};
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_IMPOSTORS_HPP
// ---- rexnet/checkpoint/mindspore.hpp
// MindSpore's checkpoints, a protobuf message, in which MindCV offers ReXNet. Source: mindspore,
// checkpoint.proto: Checkpoint { repeated Value { string tag = 1; TensorProto tensor = 2 } value = 1 },
// TensorProto { repeated int64 dims = 1; string tensor_type = 2; bytes tensor_content = 3 }.
#ifndef REXNET_CHECKPOINT_MINDSPORE_HPP
#define REXNET_CHECKPOINT_MINDSPORE_HPP

// ---- rexnet/checkpoint/tensor.hpp
// A named tensor inside a checkpoint: a view of the file's bytes with shape, strides and element type.
#ifndef REXNET_CHECKPOINT_TENSOR_HPP
#define REXNET_CHECKPOINT_TENSOR_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

enum class dtype : std::uint8_t { f32, f64, f16, bf16, i64, i32, i16, i8, u8, boolean };

[[nodiscard]] constexpr int dtype_bytes(dtype type) noexcept {
  switch (type) {
    case dtype::f64:
    case dtype::i64: return 8;
    case dtype::f32:
    case dtype::i32: return 4;
    case dtype::f16:
    case dtype::bf16:
    case dtype::i16: return 2;
    default: return 1;
  }
}
[[nodiscard]] constexpr const char* dtype_name(dtype type) noexcept {
  constexpr const char* names[] = {"float32", "float64", "float16", "bfloat16", "int64",
                                   "int32",   "int16",   "int8",    "uint8",    "bool"};
  return names[static_cast<int>(type)];
}

/// The values of a tensor may be at most this many times the bytes of its file (shared storages, stride 0).
inline constexpr std::uint64_t max_blow_up = 8;

struct tensor {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;    ///< in elements
  const unsigned char* data = nullptr;  ///< the first element, little endian, not aligned

  /// Number of elements; checked when the tensor was made.
  [[nodiscard]] std::int64_t elements() const noexcept {
    std::int64_t n = 1;
    for (const std::int64_t side : shape)
      if (side == 0) return 0;  // the other sides may be anything
    for (const std::int64_t side : shape) n *= side;
    return n;
  }
  /// The element `offset` elements behind the first, as a double: exact for every type but large int64.
  [[nodiscard]] double element(std::int64_t offset) const noexcept {
    const unsigned char* p = data + offset * dtype_bytes(type);
    using detail::little_endian;
    switch (type) {
      case dtype::f32: return float_from_bits(static_cast<std::uint32_t>(little_endian<4>(p)));
      case dtype::f64: {
        const std::uint64_t bits = little_endian<8>(p);
        double number;
        std::memcpy(&number, &bits, sizeof(number));
        return number;
      }
      case dtype::f16: return half_to_float(static_cast<std::uint16_t>(little_endian<2>(p)));
      case dtype::bf16: return bfloat16_to_float(static_cast<std::uint16_t>(little_endian<2>(p)));
      case dtype::i64: return static_cast<double>(static_cast<std::int64_t>(little_endian<8>(p)));
      case dtype::i32: return static_cast<std::int32_t>(little_endian<4>(p));
      case dtype::i16: return static_cast<std::int16_t>(little_endian<2>(p));
      case dtype::i8: return static_cast<std::int8_t>(*p);
      case dtype::u8: return *p;
      case dtype::boolean: return *p != 0 ? 1.0 : 0.0;
    }
    return 0.0;
  }
  /// Whether the elements follow each other in the order of their indices.
  [[nodiscard]] bool row_major() const noexcept {
    if (elements() == 0) return true;
    std::int64_t expected = 1;
    for (std::size_t d = shape.size(); d-- > 0; expected *= shape[d])
      if (shape[d] != 1 && strides[d] != expected) return false;
    return true;
  }
  /// Calls visit(row-major index, value) for every element, whatever the strides.
  template <class Visit>
  void for_each(Visit&& visit) const {
    const std::int64_t n = elements();
    if (n == 0) return;
    if (type == dtype::f32 && row_major()) {  // most tensors of most files
      for (std::int64_t i = 0; i < n; ++i)
        visit(i, static_cast<double>(
                     float_from_bits(static_cast<std::uint32_t>(detail::little_endian<4>(data + 4 * i)))));
      return;
    }
    std::int64_t index[8] = {}, offset = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      visit(i, element(offset));
      for (std::size_t d = shape.size(); d-- > 0;) {
        if (++index[d] < shape[d]) {
          offset += strides[d];
          break;
        }
        // Never beyond the last element: a side of 1 may have any stride.
        offset -= strides[d] * (shape[d] - 1);
        index[d] = 0;
      }
    }
  }
  /// All elements in row-major order.
  [[nodiscard]] std::vector<double> values() const {
    std::vector<double> out(static_cast<std::size_t>(elements()));
    for_each([&out](std::int64_t i, double v) { out[static_cast<std::size_t>(i)] = v; });
    return out;
  }
};

namespace detail {

/// The product of the sides in 63 bits, from the left, as safetensors' own reader multiplies: a zero further
/// right does not undo an overflow. Precondition: no side is negative.
[[nodiscard]] inline checked element_count(const std::vector<std::int64_t>& shape) noexcept {
  checked n = 1;
  for (const std::int64_t side : shape) {
    n = n * static_cast<std::uint64_t>(side);
    if (!n.at_most(0x7fffffffffffffffu)) n = checked(~std::uint64_t{0}) + 1;  // invalid for good
  }
  return n;
}

}  // namespace detail

/// "[162,27,1,1]"
[[nodiscard]] inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string s = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) s += (i > 0 ? "," : "") + std::to_string(shape[i]);
  return s + "]";
}

namespace detail {

template <class T>
[[nodiscard]] status copy_elements(const tensor& t, span<T> out) {
  if (static_cast<std::uint64_t>(t.elements()) != out.size())
    return error(errc::shape_mismatch, "tensor " + in_quotes(t.name) + ": shape " + shape_text(t.shape) +
                                           " has " + std::to_string(t.elements()) +
                                           " elements, the destination " + std::to_string(out.size()));
  t.for_each([&out](std::int64_t i, double v) { out[static_cast<std::size_t>(i)] = static_cast<T>(v); });
  return done;
}

}  // namespace detail

/// All elements in row-major order of the shape, whatever the strides; float16, bfloat16, float64, integers
/// and booleans are converted (int64 beyond 2^53 and float64 round). Errors: shape_mismatch unless out.size()
/// == t.elements().
[[nodiscard]] inline status copy_to(const tensor& t, span<float> out) {
  return detail::copy_elements(t, out);
}
[[nodiscard]] inline status copy_to(const tensor& t, span<double> out) {
  return detail::copy_elements(t, out);
}

/// Fills in `data` and checks that every element lies in the storage.
/// @param offset first element, in elements; negative numbers are refused
/// Errors: T1 to T4 and T6 of docs/refusals.md.
[[nodiscard]] inline status place_tensor(tensor& t, byte_span storage, std::int64_t offset,
                                         std::uint64_t file_bytes) {
  const auto fail = [&t](errc code, const std::string& what) {
    return error(code, "tensor " + detail::in_quotes(t.name) + ": " + what);
  };
  if (t.shape.size() > 8)
    return fail(errc::tensor_rank, std::to_string(t.shape.size()) + " dimensions, at most 8");
  if (t.shape.size() != t.strides.size())
    return fail(errc::tensor_rank, std::to_string(t.shape.size()) + " dimensions, but " +
                                       std::to_string(t.strides.size()) + " strides");
  if (offset < 0) return fail(errc::tensor_negative, "offset " + std::to_string(offset));
  checked last = static_cast<std::uint64_t>(offset);
  bool empty = false;
  for (std::size_t i = 0; i < t.shape.size(); ++i) {
    if (t.shape[i] < 0 || t.strides[i] < 0)
      return fail(errc::tensor_negative,
                  "shape " + shape_text(t.shape) + ", strides " + shape_text(t.strides));
    empty = empty || t.shape[i] == 0;
    if (t.shape[i] > 0)
      last = last +
             checked(static_cast<std::uint64_t>(t.shape[i] - 1)) * static_cast<std::uint64_t>(t.strides[i]);
  }
  const auto size = static_cast<std::uint64_t>(dtype_bytes(t.type));
  const checked elements = detail::element_count(t.shape);
  const checked end = (last + 1) * size;
  if (!(elements * size).valid() || !end.valid())
    return fail(errc::tensor_overflow, "shape " + shape_text(t.shape) + " overflows 64 bits");
  if (empty) return done;
  if (!end.at_most(storage.size()))
    return fail(errc::tensor_out_of_storage, "its last element ends at byte " + std::to_string(end.get()) +
                                                 " of a storage of " + std::to_string(storage.size()));
  if (!(elements * size).at_most((checked(file_bytes) * max_blow_up).get()))
    return fail(errc::tensor_blow_up, std::to_string(elements.get()) + " elements out of a file of " +
                                          std::to_string(file_bytes) + " bytes");
  // values() holds them as doubles; only a 32-bit address space is too small for what passed so far.
  if (!(elements * sizeof(double)).at_most(static_cast<std::size_t>(-1) / 2))
    return fail(errc::tensor_blow_up,
                std::to_string(elements.get()) + " elements are more than the address space holds");
  t.data = storage.data() + static_cast<std::size_t>(offset) * size;
  return done;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_TENSOR_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The element type of MindSpore's "Float32" and its kin; null for what is not supported.
[[nodiscard]] inline const dtype* mindspore_dtype(std::string_view name) noexcept {
  struct entry {
    std::string_view name;
    dtype type;
  };
  static constexpr entry types[] = {
      {"Float32", dtype::f32}, {"Float64", dtype::f64}, {"Float16", dtype::f16}, {"BFloat16", dtype::bf16},
      {"Int64", dtype::i64},   {"Int32", dtype::i32},   {"Int16", dtype::i16},   {"Int8", dtype::i8},
      {"UInt8", dtype::u8},    {"Bool", dtype::boolean}};
  for (const entry& e : types)
    if (e.name == name) return &e.type;
  return nullptr;
}

/// What a training file has beside the network: the optimizer's state under the network's names
/// ("moments.stem..."), and numbers without a layer ("learning_rate", "epoch_num").
[[nodiscard]] inline bool is_mindspore_state(std::string_view tag) noexcept {
  for (const std::string_view prefix :
       {"moments.", "moment1.", "moment2.", "accum.", "accumulation.", "stat.", "mean_square.", "mean_grad."})
    if (begins_with(tag, prefix)) return true;
  return tag.find('.') == tag.npos;
}

struct mindspore_value {
  std::string_view tag;
  byte_span tensor;
};

/// The message of one entry; false when it is none.
[[nodiscard]] inline bool parse_mindspore_value(byte_span message, mindspore_value& v) {
  protobuf_cursor cursor(message);
  protobuf_field f;
  while (cursor.next(f))
    if (f.wire == 2 && f.number == 1)
      v.tag = text(f.data);
    else if (f.wire == 2 && (f.number == 2 || f.number == 3))  // 3: a map of embeddings, which no network has
      v.tensor = f.data;
    else
      return false;
  return cursor.finished() && !v.tag.empty() && v.tensor.data() != nullptr;
}

/// Does the file begin with an entry of such a checkpoint: a tag in printable characters, a tensor with a
/// type?
[[nodiscard]] inline bool is_mindspore(byte_span file) {
  protobuf_cursor cursor(file), tensor{byte_span()};
  protobuf_field f;
  mindspore_value v;
  if (!cursor.next(f) || f.number != 1 || f.wire != 2 || !parse_mindspore_value(f.data, v)) return false;
  for (const char c : v.tag)
    if (static_cast<unsigned char>(c) < 32) return false;
  if (!is_utf8(v.tag)) return false;
  tensor = protobuf_cursor(v.tensor);
  while (tensor.next(f))
    if (f.number == 2 && f.wire == 2 && f.data.size() >= 3 && f.data.size() <= 16) return true;
  return false;
}

[[nodiscard]] inline result<tensor> read_mindspore_tensor(const mindspore_value& v,
                                                          std::uint64_t file_bytes) {
  tensor t;
  t.name = std::string(v.tag);
  const auto fail = [&t](errc code, const std::string& what) {
    return error(code, "tensor " + in_quotes(t.name) + ": " + what);
  };
  std::string_view type;
  byte_span data;
  const auto side = [&t](std::uint64_t n) {
    t.shape.push_back(static_cast<std::int64_t>(n));
    return t.shape.size() <= 8;
  };
  protobuf_cursor cursor(v.tensor);
  protobuf_field f;
  bool fits = true;
  while (fits && cursor.next(f)) {
    if (f.number == 1 && f.wire == 2) {  // packed
      protobuf_cursor sides(f.data);
      for (std::uint64_t n; fits && !sides.finished();) fits = sides.varint(n) && side(n);
    } else if (f.number == 1 && f.wire == 0)
      fits = side(f.value);
    else if (f.number == 2 && f.wire == 2)
      type = text(f.data);
    else if (f.number == 3 && f.wire == 2)
      data = f.data;
  }
  if (t.shape.size() > 8) return fail(errc::tensor_rank, "more than 8 dimensions");
  if (!fits || !cursor.finished()) return fail(errc::model_truncated, "its record is damaged or cut short");
  const dtype* const found = mindspore_dtype(type);
  if (found == nullptr) return fail(errc::tensor_unsupported, in_quotes(type) + " is not supported");
  t.type = *found;
  for (const std::int64_t n : t.shape)
    if (n < 0) return fail(errc::tensor_negative, "shape " + shape_text(t.shape));
  const checked bytes = element_count(t.shape) * static_cast<std::uint64_t>(dtype_bytes(t.type));
  if (!bytes.valid())
    return fail(errc::tensor_overflow, "shape " + shape_text(t.shape) + " overflows 64 bits");
  if (bytes.get() != data.size())
    return fail(errc::tensor_storage_size, "shape " + shape_text(t.shape) + " needs " +
                                               std::to_string(bytes.get()) + " bytes, its record has " +
                                               std::to_string(data.size()));
  t.strides.assign(t.shape.size(), 0);
  std::int64_t stride = 1;
  for (std::size_t d = t.shape.size(); d-- > 0 && bytes.get() > 0; stride *= t.shape[d])
    t.strides[d] = stride;
  if (status s = place_tensor(t, data, 0, file_bytes); !s) return s.error();
  return t;
}

/// The file ends with its CRC-32 where crc_check=True wrote it: "crc_num" and ten bytes, big endian.
[[nodiscard]] inline status check_mindspore_end(byte_span file, std::size_t at) {
  if (at == file.size()) return done;
  constexpr std::size_t tail = 17;
  const bool has_crc = file.size() - at == tail && text(file.subspan(at, 7)) == "crc_num";
  if (!has_crc)
    return error(errc::model_truncated, "MindSpore checkpoint: the record at byte " + std::to_string(at) +
                                            " of " + std::to_string(file.size()) +
                                            " is damaged or cut short");
  std::uint64_t recorded = 0;
  for (std::size_t i = file.size() - 8; i < file.size(); ++i) recorded = recorded << 8 | file[i];
  const std::uint32_t found = crc32(file.subspan(0, at));
  if (recorded != found)
    return error(errc::model_truncated, "MindSpore checkpoint: its checksum is " + std::to_string(found) +
                                            ", recorded " + std::to_string(recorded) + ": it is damaged");
  return done;
}

/// All tensors of the network; they point into `file`. Names must differ. Errors: M1, M3, M12, P8, P11, T1 to
/// T5, T8.
[[nodiscard]] inline result<std::vector<tensor>> read_mindspore(byte_span file) {
  std::vector<tensor> tensors;
  std::vector<std::string_view> tags;
  protobuf_cursor cursor(file);
  protobuf_field f;
  while (cursor.next(f)) {
    mindspore_value v;
    if (f.number != 1 || f.wire != 2 || !parse_mindspore_value(f.data, v))
      return error(errc::model_truncated, "MindSpore checkpoint: the record before byte " +
                                              std::to_string(cursor.at()) + " is none of a tensor");
    if (is_mindspore_state(v.tag)) continue;
    if (v.tag.size() > 1024)
      return error(errc::pickle_length, "a tensor's name has " + std::to_string(v.tag.size()) +
                                            " bytes, at most 1024: " + in_quotes(v.tag));
    if (!is_utf8(v.tag))
      return error(errc::pickle_utf8, "the tensor name " + in_quotes(v.tag) + " is not valid UTF-8");
    auto t = read_mindspore_tensor(v, file.size());
    if (!t) return t.error();
    tags.push_back(v.tag);
    tensors.push_back(std::move(*t));
  }
  if (status s = check_mindspore_end(file, cursor.at()); !s) return s.error();
  if (tensors.empty())
    return error(errc::model_missing, "no tensors of a network in the MindSpore checkpoint");
  std::sort(tags.begin(), tags.end());
  const auto twice = std::adjacent_find(tags.begin(), tags.end());
  if (twice != tags.end())
    return error(errc::model_duplicate_role, "two tensors are named " + in_quotes(*twice));
  return tensors;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_MINDSPORE_HPP
// ---- rexnet/checkpoint/safetensors.hpp
// The safetensors container: u64 length, a JSON header of that length, the tensors' bytes without gaps.
// Source: the format section of huggingface/safetensors. The parser knows only the JSON that the format
// allows: an object of objects; strings; arrays of non-negative integers.
#ifndef REXNET_CHECKPOINT_SAFETENSORS_HPP
#define REXNET_CHECKPOINT_SAFETENSORS_HPP

// ---- rexnet/checkpoint/json/cursor.hpp
// JSON's tokens (RFC 8259), for the header of safetensors and for configuration files: white space,
// separators, whole numbers, strings with their escapes.
#ifndef REXNET_CHECKPOINT_JSON_CURSOR_HPP
#define REXNET_CHECKPOINT_JSON_CURSOR_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Reads a text from left to right; the first failure sticks and makes every later call return false.
class json_cursor {
 public:
  /// @param nulls whether strings may have null characters, as "\u0000"
  explicit json_cursor(std::string_view text, bool nulls = false) : text_(text), nulls_(nulls) {}
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

  bool fail(const std::string& what) {
    if (failure_.empty()) failure_ = what + " at byte " + std::to_string(at_);
    return false;
  }
  [[nodiscard]] bool peek(char c) {
    skip();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool eat(char c) {
    if (!peek(c)) return fail(std::string("expected '") + c + "'");
    ++at_;
    return true;
  }
  /// Nothing but white space is left.
  bool finish() {
    skip();
    return at_ == text_.size() || fail("text after the object");
  }
  /// The separator behind an element: true to go on, false at `close` or on failure.
  bool more(char close) {
    if (peek(',')) return ++at_, true;
    eat(close);
    return false;
  }
  bool number(std::uint64_t& v) {
    skip();
    const std::size_t start = at_;
    checked sum = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      sum = sum * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
    if (at_ == start) return fail("expected a non-negative integer");
    if (text_[start] == '0' && at_ != start + 1) return fail("a number with leading zero");
    if (!sum.at_most(0x7fffffffffffffffu)) return fail("a number beyond 2^63");
    v = sum.get();
    return true;
  }
  bool string(std::string& out) {
    if (!eat('"')) return false;
    out.clear();
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 32) return fail("control character in a string");
      if (text_[at_] != '\\')
        out += text_[at_++];
      else if (!escape(out))
        return false;
    }
    if (at_ == text_.size()) return fail("a string without end");
    ++at_;
    return is_utf8(out) || fail("a string that is not UTF-8");
  }

 protected:
  void skip() noexcept {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
  std::string failure_;

 private:
  bool hex4(std::uint32_t& v) {
    v = 0;
    if (text_.size() - at_ < 4) return fail("an escape without end");
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = text_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return fail("not a hexadecimal digit");
      v = v * 16 + static_cast<std::uint32_t>(digit);
    }
    return true;
  }
  bool escape(std::string& out) {
    if (text_.size() - ++at_ < 1) return fail("an escape without end");
    constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
    const char c = text_[at_++];
    if (const std::size_t k = from.find(c); k != from.npos) return out += to[k], true;
    std::uint32_t code = 0, low = 0;
    if (c != 'u' || !hex4(code)) return fail("unknown escape");
    if (code >= 0xd800 && code < 0xdc00) {
      if (text_.substr(at_, 2) != "\\u") return fail("half a surrogate pair");
      at_ += 2;
      if (!hex4(low) || low < 0xdc00 || low > 0xdfff) return fail("half a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code == 0 && !nulls_) return fail("a null character in a string");
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80)
      put(code);
    else if (code < 0x800)
      put(0xc0 | code >> 6), put(0x80 | (code & 63));
    else if (code < 0x10000)
      put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
    else
      put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)),
          put(0x80 | (code & 63));
    return true;
  }

  bool nulls_;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_JSON_CURSOR_HPP

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
// ---- rexnet/checkpoint/torch_file.hpp
// torch.save files: the ZIP form (torch >= 1.6) and the legacy form (before). Both hold a pickle whose
// tensors name storages; network_choice.hpp says which of them are the network's. A pickle alone, of numpy's
// arrays, is what PaddleClas offers as .pdparams.
#ifndef REXNET_CHECKPOINT_TORCH_FILE_HPP
#define REXNET_CHECKPOINT_TORCH_FILE_HPP

// ---- rexnet/checkpoint/archives.hpp
// Zip archives that are no torch checkpoint, recognised by the names of their entries, with what to do.
// Nothing in them is read, so that they may be compressed.
#ifndef REXNET_CHECKPOINT_ARCHIVES_HPP
#define REXNET_CHECKPOINT_ARCHIVES_HPP

// ---- rexnet/checkpoint/zip.hpp
// The zip container of torch >= 1.6 checkpoints: stored entries, found through the central directory, every
// record compared with its twin. Anything torch does not write is refused. Compressed entries are listed, so
// that an archive of another kind can be named, and never read. Source: PKWARE APPNOTE 6.3.
#ifndef REXNET_CHECKPOINT_ZIP_HPP
#define REXNET_CHECKPOINT_ZIP_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

struct zip_entry {
  std::string_view name;  ///< in the file's bytes
  byte_span data;
  std::uint32_t crc = 0;
  std::uint16_t method = 0;  ///< 0: stored; read_zip() gives no others
};

/// ReXNet checkpoints have about 450 entries.
inline constexpr std::uint64_t max_zip_entries = 65536;

namespace detail {

class zip_reader {
 public:
  explicit zip_reader(byte_span file) : file_(file) {}

  /// Every entry, also compressed ones; no checksum is compared yet.
  result<std::vector<zip_entry>> list() {
    const auto place = find_end();
    if (!place) return place.error();
    const auto end = read_end(*place);
    if (!end) return end.error();
    if (status s = check_end(*end); !s) return s.error();
    auto at = static_cast<std::size_t>(end->directory);
    const std::size_t stop = at + static_cast<std::size_t>(end->directory_size);
    std::vector<zip_entry> entries;
    entries.reserve(static_cast<std::size_t>(end->count));
    for (std::uint64_t i = 0; i < end->count; ++i) {
      auto entry = central(at, stop, end->directory);
      if (!entry) return entry.error();
      entries.push_back(*entry);
    }
    if (at != stop) return fail(errc::zip_malformed, "the central directory is longer than its entries");
    return check_together(std::move(entries));
  }

 private:
  [[nodiscard]] std::uint64_t u16(std::size_t at) const noexcept {
    return little_endian<2>(file_.data() + at);
  }
  [[nodiscard]] std::uint64_t u32(std::size_t at) const noexcept {
    return little_endian<4>(file_.data() + at);
  }
  [[nodiscard]] std::uint64_t u64(std::size_t at) const noexcept {
    return little_endian<8>(file_.data() + at);
  }
  [[nodiscard]] std::uint64_t signature(std::size_t at) const noexcept {
    return at + 4 <= file_.size() ? u32(at) : 0;
  }
  [[nodiscard]] static error fail(errc code, const std::string& what) { return {code, "zip: " + what}; }
  [[nodiscard]] error entry_error(errc code, const std::string& what) const {
    return fail(code, "entry " + in_quotes(name_) + ": " + what);
  }

  /// Where the end record begins. It is the last thing in the file, behind which a comment of up to 65535
  /// bytes may stand. Two of them, one in the other's comment, are two archives: readers differ in which one
  /// they see.
  [[nodiscard]] result<std::size_t> find_end() const {
    const std::size_t size = file_.size();
    if (size < 22)
      return fail(errc::model_truncated,
                  "the file has " + std::to_string(size) + " bytes, a zip at least 22");
    std::size_t end = size;
    const std::size_t lowest = size > 22 + 65535 ? size - 22 - 65535 : 0;
    for (std::size_t at = size - 22 + 1; at-- > lowest;) {
      if (signature(at) != 0x06054b50 || at + 22 + u16(at + 20) != size) continue;
      if (end != size)
        return fail(errc::zip_malformed,
                    "two end records, at " + std::to_string(at) + " and " + std::to_string(end));
      end = at;
    }
    if (end == size)
      return fail(errc::model_truncated,
                  "no zip end record: the file is cut short or was not downloaded completely");
    return end;
  }

  /// What the end record says, or that of zip64 where there is one.
  struct end_record {
    std::uint64_t disk, first_disk, on_disk, count;
    std::uint64_t directory_size, directory;
    std::uint64_t limit;  ///< where the end records begin
  };
  [[nodiscard]] result<end_record> read_end(std::size_t end) const {
    end_record narrow{u16(end + 4),  u16(end + 6),  u16(end + 8), u16(end + 10),
                      u32(end + 12), u32(end + 16), end};
    if (end < 20 || signature(end - 20) != 0x07064b50) return narrow;
    const std::uint64_t at = u64(end - 12);
    if (!(checked(at) + 56).at_most(end - 20) || signature(static_cast<std::size_t>(at)) != 0x06064b50)
      return fail(errc::zip_zip64_out_of_range, "zip64 end record at " + std::to_string(at) +
                                                    " in a file of " + std::to_string(file_.size()) +
                                                    " bytes");
    const auto wide_at = static_cast<std::size_t>(at);
    const end_record wide{u32(wide_at + 16),
                          u32(wide_at + 20),
                          u64(wide_at + 24),
                          u64(wide_at + 32),
                          u64(wide_at + 40),
                          u64(wide_at + 48),
                          at};
    // What the 32-bit record does say must be the same.
    const auto agrees = [](std::uint64_t of_narrow, std::uint64_t none, std::uint64_t of_wide) {
      return of_narrow == none || of_narrow == of_wide;
    };
    if (!agrees(narrow.count, 0xffffu, wide.count) || !agrees(narrow.on_disk, 0xffffu, wide.on_disk) ||
        !agrees(narrow.directory_size, 0xffffffffu, wide.directory_size) ||
        !agrees(narrow.directory, 0xffffffffu, wide.directory))
      return fail(errc::zip_header_mismatch, "the end record and the zip64 end record disagree");
    return wide;
  }
  /// One disk, not too many entries, and a directory that ends where the end records begin.
  [[nodiscard]] static status check_end(const end_record& end) {
    if (end.disk != 0 || end.first_disk != 0 || end.on_disk != end.count)
      return fail(errc::zip_multi_disk,
                  "part of a multi-disk archive (disk " + std::to_string(end.disk) + ")");
    if (end.count > max_zip_entries)
      return fail(errc::zip_too_many_entries,
                  std::to_string(end.count) + " entries, at most " + std::to_string(max_zip_entries));
    if (!(checked(end.directory) + end.directory_size).at_most(end.limit) ||
        !(checked(end.count) * 46).at_most(end.directory_size))
      return fail(errc::zip_entry_out_of_range, "central directory of " + std::to_string(end.directory_size) +
                                                    " bytes at " + std::to_string(end.directory) +
                                                    " leaves the file");
    if (end.directory + end.directory_size != end.limit)
      return fail(errc::zip_malformed, std::to_string(end.limit - end.directory - end.directory_size) +
                                           " bytes between the central directory and the end record");
    return done;
  }

  /// Replaces 0xffffffff fields by the zip64 extra field's values, in the order that the format prescribes.
  status zip64_fields(std::size_t extra, std::size_t length, bool stored, std::uint64_t& size,
                      std::uint64_t& packed, std::uint64_t& offset) {
    const std::size_t stop = extra + length;
    bool wide = false;
    while (extra + 4 <= stop) {
      const std::uint64_t tag = u16(extra), bytes = u16(extra + 2);
      if (bytes > stop - extra - 4) break;
      if (tag == 1) {
        std::size_t at = extra + 4, left = static_cast<std::size_t>(bytes);
        for (std::uint64_t* field : {&size, &packed, &offset}) {
          if (*field != 0xffffffffu) continue;
          if (left < 8)
            return entry_error(errc::zip_zip64_out_of_range,
                               "zip64 field of " + std::to_string(bytes) + " bytes is too short");
          *field = u64(at);
          wide = true;
          at += 8, left -= 8;
        }
      }
      extra += 4 + static_cast<std::size_t>(bytes);
    }
    if ((stored && size > file_.size()) || packed > file_.size() || offset > file_.size())
      return entry_error(wide ? errc::zip_zip64_out_of_range : errc::zip_entry_out_of_range,
                         std::to_string(size) + " bytes at " + std::to_string(offset) + " in a file of " +
                             std::to_string(file_.size()));
    return done;
  }

  result<zip_entry> central(std::size_t& at, std::size_t stop, std::uint64_t directory) {
    if (stop - at < 46 || signature(at) != 0x02014b50)
      return fail(errc::zip_malformed, "central directory record at " + std::to_string(at) + " is damaged");
    const std::uint64_t flags = u16(at + 8), method = u16(at + 10), crc_value = u32(at + 16);
    std::uint64_t packed = u32(at + 20), size = u32(at + 24), offset = u32(at + 42);
    const std::size_t name_length = static_cast<std::size_t>(u16(at + 28)),
                      extra = static_cast<std::size_t>(u16(at + 30)),
                      comment = static_cast<std::size_t>(u16(at + 32));
    if (name_length + extra + comment > stop - at - 46)
      return fail(errc::zip_malformed,
                  "central directory record at " + std::to_string(at) + " leaves the directory");
    name_ = text(file_.subspan(at + 46, name_length));
    if (u16(at + 34) != 0)
      return entry_error(errc::zip_multi_disk, "starts on disk " + std::to_string(u16(at + 34)));
    if ((flags & 0x2041u) != 0) return entry_error(errc::zip_encrypted, "is encrypted");
    if (status s = safe_name(); !s) return s.error();
    if (status s = zip64_fields(at + 46 + name_length, extra, method == 0, size, packed, offset); !s)
      return s.error();
    if (packed != size && method == 0)
      return entry_error(errc::zip_header_mismatch, "stored " + std::to_string(packed) + " bytes, but " +
                                                        std::to_string(size) + " uncompressed");
    at += 46 + name_length + extra + comment;
    return local({offset, packed, size, crc_value, flags, method}, directory);
  }

  [[nodiscard]] status safe_name() const {
    const std::string_view n = name_;
    bool bad = n.empty() || n[0] == '/' || n.find('\\') != n.npos || n.find('\0') != n.npos ||
               (n.size() > 1 && n[1] == ':');
    for (std::size_t start = 0; !bad && start <= n.size();) {
      const std::size_t slash = (std::min)(n.find('/', start), n.size());
      bad = n.substr(start, slash - start) == "..";
      start = slash + 1;
    }
    if (bad) return entry_error(errc::zip_unsafe_name, "unsafe name");
    return done;
  }

  /// What the central record says.
  struct record {
    std::uint64_t offset, packed, size, crc, flags, method;
  };

  result<zip_entry> local(const record& r, std::uint64_t directory) {
    const std::uint64_t offset = r.offset, size = r.size, packed = r.packed;
    if (!(checked(offset) + 30).at_most(directory) ||
        signature(static_cast<std::size_t>(offset)) != 0x04034b50)
      return entry_error(errc::zip_entry_out_of_range, "no local header at " + std::to_string(offset));
    const auto at = static_cast<std::size_t>(offset);
    const std::size_t name_length = static_cast<std::size_t>(u16(at + 26)),
                      extra = static_cast<std::size_t>(u16(at + 28));
    const std::uint64_t begin = offset + 30 + name_length + extra;
    if (!(checked(begin) + packed).at_most(directory))
      return entry_error(errc::zip_entry_out_of_range, std::to_string(packed) + " bytes at " +
                                                           std::to_string(begin) + " reach beyond " +
                                                           std::to_string(directory));
    // Headers that lie in each other would have the same extra fields read once for each.
    local_extra_ += extra;
    if (local_extra_ > file_.size())
      return entry_error(errc::zip_overlap, "extra fields of more bytes than the file overlap");
    const auto mismatch = [this](const char* field) {
      return entry_error(errc::zip_header_mismatch,
                         std::string("local and central header disagree on the ") + field);
    };
    if (text(file_.subspan(at + 30, name_length)) != name_) return mismatch("name");
    if (u16(at + 6) != r.flags) return mismatch("flags");
    if (u16(at + 8) != r.method) return mismatch("compression method");
    std::uint64_t local_crc = u32(at + 14), local_packed = u32(at + 18), local_size = u32(at + 22), none = 0;
    std::uint64_t end = begin + packed;
    if ((r.flags & 8u) != 0) {
      // Sizes follow the data, with or without a signature, in 32 or 64 bits: one of the forms must agree.
      if (!descriptor_agrees(end, directory, r)) return mismatch("data descriptor");
      const auto zero_or = [](std::uint64_t v, std::uint64_t expected) {
        return v == 0 || v == expected || v == 0xffffffffu;
      };
      if (!zero_or(local_crc, r.crc) || !zero_or(local_packed, packed) || !zero_or(local_size, size))
        return mismatch("size or checksum");
    } else {
      if (status s =
              zip64_fields(at + 30 + name_length, extra, r.method == 0, local_size, local_packed, none);
          !s)
        return s.error();
      if (local_crc != r.crc || local_packed != packed || local_size != size)
        return mismatch("size or checksum");
    }
    extents_.push_back({offset, end, name_});
    return zip_entry{name_, file_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(packed)),
                     static_cast<std::uint32_t>(r.crc), static_cast<std::uint16_t>(r.method)};
  }

  /// On success `end` is moved behind the descriptor.
  bool descriptor_agrees(std::uint64_t& end, std::uint64_t limit, const record& r) const {
    for (const std::uint64_t sign : {4u, 0u})
      for (const std::uint64_t field : {8u, 4u}) {
        const std::uint64_t bytes = sign + 4 + 2 * field;
        if (limit - end < bytes) continue;
        auto at = static_cast<std::size_t>(end);
        if (sign != 0 && signature(at) != 0x08074b50) continue;
        at += static_cast<std::size_t>(sign);
        const std::uint64_t packed = field == 8 ? u64(at + 4) : u32(at + 4),
                            size = field == 8 ? u64(at + 12) : u32(at + 8);
        if (u32(at) == r.crc && packed == r.packed && size == r.size) {
          end += bytes;
          return true;
        }
      }
    return false;
  }

  result<std::vector<zip_entry>> check_together(std::vector<zip_entry> entries) {
    std::vector<std::string_view> names;
    names.reserve(entries.size());
    for (const zip_entry& e : entries) names.push_back(e.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end())
      return fail(errc::zip_duplicate_name, "two entries are named " + in_quotes(*twice));
    std::sort(extents_.begin(), extents_.end(),
              [](const extent& a, const extent& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < extents_.size(); ++i)
      if (extents_[i].begin < extents_[i - 1].end)
        return fail(errc::zip_overlap, "entries " + in_quotes(extents_[i - 1].name) + " and " +
                                           in_quotes(extents_[i].name) + " overlap");
    return entries;
  }

  struct extent {
    std::uint64_t begin, end;
    std::string_view name;
  };
  byte_span file_;
  std::string_view name_;
  std::vector<extent> extents_;
  std::uint64_t local_extra_ = 0;
};

/// The entries, if all are stored and have their checksums. Errors: Z3, Z9.
[[nodiscard]] inline result<std::vector<zip_entry>> stored_entries(std::vector<zip_entry> entries) {
  for (const zip_entry& e : entries)
    if (e.method != 0)
      return error(errc::zip_compressed, "zip: entry " + in_quotes(e.name) + ": compression method " +
                                             std::to_string(e.method) +
                                             "; torch stores entries uncompressed");
  // torch.serialization.set_crc32_options(False) records 0 for every entry: nothing to compare with.
  const bool none =
      std::all_of(entries.begin(), entries.end(), [](const zip_entry& e) { return e.crc == 0; });
  for (const zip_entry& e : entries) {
    const std::uint32_t found = none ? 0 : crc32(e.data);
    if (found != e.crc)
      return error(errc::zip_crc_mismatch, "zip: entry " + in_quotes(e.name) + ": checksum " +
                                               std::to_string(found) + ", recorded " + std::to_string(e.crc));
  }
  return entries;
}

}  // namespace detail

/// The entries of a zip whose entries are all stored. Views into `file`, which must outlive them. Memory: at
/// most 4 bytes for each byte of the file. Time: that of its checksums, n log n in the number of entries.
/// Errors: Z1 to Z11 of docs/refusals.md, zip_malformed, model_truncated (no end record).
[[nodiscard]] inline result<std::vector<zip_entry>> read_zip(byte_span file) {
  auto entries = detail::zip_reader(file).list();
  return entries ? detail::stored_entries(std::move(*entries)) : entries;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_ZIP_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

inline constexpr std::string_view use_torch_save = ": save model.state_dict() with torch.save instead";

/// An entry whose presence tells what the archive is: the end of its name, from a '/' or the beginning on, or
/// "*.x" for any such. The first sign that fits decides.
struct archive_sign {
  std::string_view entry;
  errc code;
  std::string_view what, advice;
};

/// Of archives that may have a data.pkl, too.
inline constexpr archive_sign archive_signs[] = {
    {"bytecode.pkl", errc::model_torchscript, "a TorchScript archive for mobile (bytecode.pkl)",
     use_torch_save},
    {"constants.pkl", errc::model_torchscript, "a TorchScript archive (constants.pkl)", use_torch_save},
    {"archive_format", errc::model_other_format, "an exported program (torch.export.save)", use_torch_save},
    {"serialized_exported_program.json", errc::model_other_format, "an exported program (torch.export.save)",
     use_torch_save},
    {".data/extern_modules", errc::model_other_format, "a torch.package archive", use_torch_save},
};
/// Of archives without.
inline constexpr archive_sign other_archive_signs[] = {
    {"model.weights.h5", errc::model_other_format, "a Keras model", other_framework},
    {"saved_model.pb", errc::model_other_format, "a TensorFlow SavedModel", other_framework},
    {"*.mlmodel", errc::model_other_format, "a Core ML package", save_weights},
    {"*.npy", errc::model_other_format, "an archive of numpy arrays (.npz)",
     ": write them by name with safetensors.numpy.save_file"},
    {"*.safetensors", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.pth", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.pt", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.tar", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.ckpt", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.bin", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.pdparams", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
};

[[nodiscard]] inline bool fits(std::string_view sign, std::string_view name) noexcept {
  const bool any = sign[0] == '*';
  if (any) sign.remove_prefix(1);
  if (name.size() < sign.size() || name.substr(name.size() - sign.size()) != sign) return false;
  return any || name.size() == sign.size() || name[name.size() - sign.size() - 1] == '/';
}

template <std::size_t N>
[[nodiscard]] status refuse_by_names(const archive_sign (&signs)[N], const std::vector<zip_entry>& entries) {
  for (const archive_sign& sign : signs)
    for (const zip_entry& e : entries)
      if (fits(sign.entry, e.name)) {
        std::string what(sign.what);
        if (sign.entry[0] == '*') what += ", " + in_quotes(e.name);
        return error(sign.code, what + std::string(sign.advice));
      }
  return done;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_ARCHIVES_HPP
// ---- rexnet/checkpoint/network/state_dict.hpp
// The state dict inside the pickle of a torch.save file, and its tensors.
#ifndef REXNET_CHECKPOINT_NETWORK_STATE_DICT_HPP
#define REXNET_CHECKPOINT_NETWORK_STATE_DICT_HPP

// ---- rexnet/checkpoint/network/network_choice.hpp
// Which tensors of a file are the network. A training file holds many (weights, averages of them, optimizer,
// losses), under keys and prefixes of its own; what is looked for is a dictionary with the names of a whole
// ReXNet, whatever stands before them.
//
//   1. Every dictionary of the file is a candidate, and each prefix in it under which a ReXNet's blocks lie.
//   2. The lowest rank goes first: state_dict_ema, model_ema, others with "ema" in their name, state_dict,
//      model, the file's own dictionary, the rest.
//   3. A candidate that is no whole network, or an average that was never updated or is not finite, is passed
//      over where another one is whole: a note says why.
//   4. Two whole ones of the same rank: M16. A key chooses by hand.
#ifndef REXNET_CHECKPOINT_NETWORK_NETWORK_CHOICE_HPP
#define REXNET_CHECKPOINT_NETWORK_NETWORK_CHOICE_HPP

// ---- rexnet/checkpoint/network/foreign_names.hpp
// Names that other frameworks' ReXNets give their tensors, in the words of the official network or of timm.
// Sources: PaddleClas, ppcls/arch/backbone/model_zoo/rexnet.py; MindCV, mindcv/models/rexnet.py.
#ifndef REXNET_CHECKPOINT_NETWORK_FOREIGN_NAMES_HPP
#define REXNET_CHECKPOINT_NETWORK_FOREIGN_NAMES_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// PaddleClas has the official layers under the official names, but for BatchNorm's statistics:
/// "features.1._mean" -> "features.1.running_mean".
[[nodiscard]] inline std::string paddle_name(std::string_view name) {
  for (const auto& [theirs, ours] : {std::pair<std::string_view, std::string_view>{"._mean", ".running_mean"},
                                     {"._variance", ".running_var"}})
    if (ends_with(name, theirs))
      return std::string(name.substr(0, name.size() - theirs.size())) + std::string(ours);
  return std::string(name);
}

/// MindCV has timm's layers in containers of its own:
/// "features.3.conv_exp.features.1.gamma" -> "features.3.conv_exp.bn.weight".
[[nodiscard]] inline std::string mindspore_name(std::string_view name) {
  std::string out(name);
  const auto end = [&out](std::string_view theirs, std::string_view ours) {
    if (!ends_with(out, theirs)) return;
    out.resize(out.size() - theirs.size());
    out += ours;
  };
  end(".moving_mean", ".running_mean");
  end(".moving_variance", ".running_var");
  end(".gamma", ".weight");
  end(".beta", ".bias");
  // A convolution and its BatchNorm are features.0 and features.1 of their container. At the end of a name
  // that is the layer, for the features of the network are longer: "features.0.conv_dw.features.0.weight".
  for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var"}) {
    end(std::string(".features.0") + leaf, std::string(".conv") + leaf);
    end(std::string(".features.1") + leaf, std::string(".bn") + leaf);
    end(std::string(".se.conv_reduce") + leaf, std::string(".se.fc1") + leaf);
    end(std::string(".se.conv_expand") + leaf, std::string(".se.fc2") + leaf);
    if (out == std::string("cls.1") + leaf) out = std::string("head.fc") + leaf;
    end(std::string(".cls.1") + leaf, std::string(".head.fc") + leaf);
  }
  return out;
}

/// Translates the names where one of them shows whose they are. Errors: M3, two names became one.
[[nodiscard]] inline status translate_names(std::vector<tensor>& tensors) {
  const auto any_ends = [&tensors](std::string_view end) {
    return std::any_of(tensors.begin(), tensors.end(),
                       [end](const tensor& t) { return ends_with(t.name, end); });
  };
  const bool paddle = any_ends("._variance"), mindspore = !paddle && any_ends(".moving_variance");
  if (!paddle && !mindspore) return done;
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (tensor& t : tensors) t.name = paddle ? paddle_name(t.name) : mindspore_name(t.name);
  for (const tensor& t : tensors) names.push_back(t.name);
  std::sort(names.begin(), names.end());
  const auto same = std::adjacent_find(names.begin(), names.end());
  if (same != names.end())
    return error(errc::model_duplicate_role, std::string("two tensors are named ") + in_quotes(*same) +
                                                 " once " + (paddle ? "PaddleClas'" : "MindCV's") +
                                                 " names are translated");
  return done;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_FOREIGN_NAMES_HPP
// ---- rexnet/checkpoint/network/found_networks.hpp
// What a search through a file of tensors finds, and the tensors that are chosen in the end.
#ifndef REXNET_CHECKPOINT_NETWORK_FOUND_NETWORKS_HPP
#define REXNET_CHECKPOINT_NETWORK_FOUND_NETWORKS_HPP

// ---- rexnet/checkpoint/network/network_names.hpp
// Names alone: where a ReXNet begins in them, which dictionary of a training file goes first, and what is no
// part of a network.
#ifndef REXNET_CHECKPOINT_NETWORK_NETWORK_NAMES_HPP
#define REXNET_CHECKPOINT_NETWORK_NETWORK_NAMES_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Without "module." and "_orig_mod.", however often and in whatever order they are stacked.
[[nodiscard]] inline std::string_view strip_prefixes(std::string_view name) noexcept {
  for (;;) {
    if (name.substr(0, 7) == "module.")
      name.remove_prefix(7);
    else if (name.substr(0, 10) == "_orig_mod.")
      name.remove_prefix(10);
    else
      return name;
  }
}

[[nodiscard]] inline bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// What lies before the first point, which is removed from `rest` with it.
[[nodiscard]] inline std::string_view next_component(std::string_view& rest) noexcept {
  const std::size_t point = rest.find('.');
  const std::string_view head = rest.substr(0, point);
  rest.remove_prefix(point == rest.npos ? rest.size() : point + 1);
  return head;
}

/// Where the network's own name begins in that of a tensor of its blocks: "a.b.features.3.out.0.weight" gives
/// 4. npos for every other name. Sixteen blocks make at least 235 such tensors; no other well-known network
/// has any.
[[nodiscard]] inline std::size_t block_name_at(std::string_view name) noexcept {
  constexpr std::string_view features = "features.";
  for (std::size_t at = name.find(features); at != name.npos; at = name.find(features, at + 1)) {
    if (at > 0 && name[at - 1] != '.') continue;
    std::size_t i = at + features.size();
    const std::size_t digits = i;
    while (i < name.size() && i < digits + 2 && is_digit(name[i])) ++i;
    if (i == digits || i >= name.size() || name[i] != '.') continue;
    const std::string_view rest = name.substr(i + 1);
    for (const std::string_view block : {"out.", "conv_exp.", "conv_dw.", "conv_pwl."})
      if (begins_with(rest, block)) return at;
  }
  return name.npos;
}
/// A dictionary with fewer of them under one prefix holds no whole network.
inline constexpr std::size_t whole_network_names = 128;

/// Is "ema" a word of it, as in "state_dict_ema", "ema_model", "EMA"?
[[nodiscard]] inline bool names_an_average(std::string_view s) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (std::size_t i = 0; i + 3 <= s.size(); ++i)
    if ((s[i] | 32) == 'e' && (s[i + 1] | 32) == 'm' && (s[i + 2] | 32) == 'a' &&
        (i == 0 || !letter(s[i - 1])) && (i + 3 == s.size() || !letter(s[i + 3])))
      return true;
  return false;
}

/// Which of several networks of a file is meant: the lowest rank. Two of the same are for the user to choose.
namespace rank {
inline constexpr int average = 2, top = 5, other = 6, before_average = 7;
}
/// Of an entry of the file's own dictionary: timm's order, other averages after timm's.
[[nodiscard]] inline int rank_of_key(std::string_view key) noexcept {
  constexpr std::string_view order[] = {"state_dict_ema", "model_ema", "", "state_dict", "model"};
  for (int i = 0; i < 5; ++i)
    if (i != rank::average && key == order[i]) return i;
  return names_an_average(key) ? rank::average : rank::other;
}

/// What counters and profilers leave among the weights; numbers, which say nothing about the network.
[[nodiscard]] inline bool is_counter(std::string_view name) noexcept {
  const std::size_t point = name.rfind('.');
  const std::string_view last = point == name.npos ? name : name.substr(point + 1);
  for (const std::string_view known : {"num_batches_tracked", "total_ops", "total_params", "n_averaged"})
    if (last == known) return true;
  return false;
}

/// A tensor that shows another form of the weights than the plain one: what it is, and what to do. Null for a
/// plain name.
struct other_form {
  errc code;
  const char* what;
};
[[nodiscard]] inline const other_form* other_form_of(std::string_view name) noexcept {
  static constexpr other_form quantized{errc::model_quantized,
                                        "a quantized model, or one prepared for it: save the float model's "
                                        "state_dict(), from before quantization"},
      lora{errc::unsupported,
           "a LoRA adapter: merge it first (peft: model.merge_and_unload()), then save state_dict()"},
      normed{errc::unsupported,
             "a parametrized weight (weight_norm, spectral_norm): remove it first "
             "(torch.nn.utils.remove_weight_norm(), remove_spectral_norm() or "
             "parametrize.remove_parametrizations()), then save state_dict()"};
  const auto one_of = [](std::string_view s, std::initializer_list<std::string_view> known) {
    for (const std::string_view k : known)
      if (s == k) return true;
    return false;
  };
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view part = next_component(rest);
    if (one_of(part, {"activation_post_process", "weight_fake_quant", "bias_fake_quant", "_packed_params",
                      "fake_quant_enabled", "observer_enabled", "zero_point", "input_scale", "output_scale",
                      "weight_scale", "absmax", "quant_map", "SCB"}) ||
        begins_with(part, "activation_post_process_") || (rest.empty() && part == "scale") ||
        part.find("_zero_point_") != part.npos)
      return &quantized;
    if (begins_with(part, "lora_") || part == "base_layer") return &lora;
    if (part == "parametrizations" || (rest.empty() && one_of(part, {"weight_g", "weight_v", "weight_u"})))
      return &normed;
  }
  return nullptr;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_NETWORK_NAMES_HPP
// ---- rexnet/checkpoint/pickle/numpy_array.hpp
// numpy's arrays in pickles as tensors. Their bytes are used where they lie in the file, but for protocol 2,
// which has them as UTF-8 of Latin-1: those are decoded. Source: numpy's ndarray.__reduce__.
#ifndef REXNET_CHECKPOINT_PICKLE_NUMPY_ARRAY_HPP
#define REXNET_CHECKPOINT_PICKLE_NUMPY_ARRAY_HPP

// ---- rexnet/checkpoint/pickle/value.hpp
// What a pickle is reduced to: values that refer to each other by index, and the walk that makes sure they
// form no loop.
#ifndef REXNET_CHECKPOINT_PICKLE_VALUE_HPP
#define REXNET_CHECKPOINT_PICKLE_VALUE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {

enum class kind : std::uint8_t {
  none,
  boolean,
  integer,
  real,
  string,
  tuple,
  list,
  dict,
  global,      ///< a name; `text` is its last part, items[0] (where there is one) the module, a string
  storage,     ///< a persistent id: items = its tuple
  tensor,      ///< items = the arguments of _rebuild_tensor_v2
  odd_tensor,  ///< a tensor of a kind that is not read; `text` is what made it
  array,  ///< numpy's: items = shape (a tuple), array_type, data (string or encoded); integer: Fortran order
  array_type,  ///< numpy's dtype: `text` is "f4", integer the byte order '<', '>' or '|', 0 while unknown
  encoded,     ///< bytes as protocol 2 has them: `text` is UTF-8 of Latin-1
  inert,       ///< anything else: a box that is never opened; items[0], where there is one, is its class
  module,      ///< a box that holds a torch.nn.Module
  mark
};

/// What a state dict holds as a tensor. Whether it is of a kind that is read is seen when it is read.
[[nodiscard]] constexpr bool is_tensor(kind k) noexcept {
  return k == kind::tensor || k == kind::odd_tensor || k == kind::array;
}

/// Values refer to each other by index into program::values.
struct value {
  kind type = kind::none;
  std::uint8_t depth = 0;
  std::int64_t integer = 0;          ///< of a real number: its bits
  std::string_view text;             ///< in the file's bytes
  std::vector<std::uint32_t> items;  ///< elements; of a dict: key, value, key, value ...
};

struct program {
  std::deque<value> values;  ///< in blocks: a growing vector would need three times their bytes for a moment
  std::uint32_t root = 0;
  std::size_t consumed = 0;  ///< bytes up to and including STOP

  [[nodiscard]] const value& operator[](std::uint32_t i) const { return values[i]; }
  /// The dict entry of this key, or null. The last one counts, as in Python.
  [[nodiscard]] const value* find(const value& dict, std::string_view key) const {
    for (std::size_t i = dict.items.size() & ~std::size_t{1}; i >= 2;)
      if (i -= 2; values[dict.items[i]].type == kind::string && values[dict.items[i]].text == key)
        return &values[dict.items[i + 1]];
    return nullptr;
  }
  /// "torch.nn.modules.conv.Conv2d": the whole name of a global, or of an object's class.
  [[nodiscard]] std::string full_name(const value& v) const {
    if (v.type != kind::global && !v.items.empty()) return full_name(values[v.items[0]]);
    std::string name(v.text.substr(0, 200));
    return v.items.empty() ? name : std::string(values[v.items[0]].text.substr(0, 200)) + "." + name;
  }
};

inline constexpr int max_depth = 64;
inline constexpr std::uint32_t max_memo = 1u << 20;
/// A value takes 56 bytes and may come from one byte of the file. Training files of ReXNet have about 15,000.
inline constexpr std::size_t max_values = 1u << 20;
/// Of a storage. torch numbers them, legacy files have 15 digits. Keys are compared once for each of the
/// tensors that name them, and thousands may share one string.
inline constexpr std::size_t max_key_bytes = 128;

namespace detail {

[[nodiscard]] inline error fail(errc code, const std::string& what) {
  return {code, "pickle: " + what};
}

/// Walks everything that the root leads to, once: a container on the way to itself is P9, a long way P7.
/// Only after this check may values be followed recursively.
[[nodiscard]] inline status check_shape(program& p) {
  enum : std::uint8_t { fresh, open, closed };
  struct step {
    std::uint32_t index;
    std::size_t next;
  };
  std::vector<std::uint8_t> state(p.values.size(), fresh);
  std::vector<step> path{{p.root, 0}};
  state[p.root] = open;
  while (!path.empty()) {
    step& top = path.back();
    value& v = p.values[top.index];
    if (top.next == v.items.size()) {
      for (const std::uint32_t item : v.items)
        v.depth = (std::max)(v.depth, static_cast<std::uint8_t>(p[item].depth + 1));
      if (v.depth > max_depth)
        return fail(errc::pickle_depth, "nested deeper than " + std::to_string(max_depth));
      state[top.index] = closed;
      path.pop_back();
      continue;
    }
    const std::uint32_t item = v.items[top.next++];
    if (state[item] == open) return fail(errc::pickle_self_reference, "a container holds itself");
    if (state[item] == closed) continue;
    if (path.size() > static_cast<std::size_t>(max_depth))
      return fail(errc::pickle_depth, "nested deeper than " + std::to_string(max_depth));
    state[item] = open;
    path.push_back({item, 0});
  }
  return done;
}

}  // namespace detail

}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_VALUE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Bytes that tensors point into and that lie in no file, by the value that they were decoded from: each text
/// once, however many arrays share it. Moving it moves none of them.
using decoded_bytes = std::map<std::uint32_t, std::vector<unsigned char>>;

/// The element type of numpy's "f4" and its kin; null for what is not supported.
[[nodiscard]] inline const dtype* array_dtype(std::string_view name) noexcept {
  struct entry {
    std::string_view name;
    dtype type;
  };
  static constexpr entry types[] = {{"f4", dtype::f32}, {"f8", dtype::f64}, {"f2", dtype::f16},
                                    {"i8", dtype::i64}, {"i4", dtype::i32}, {"i2", dtype::i16},
                                    {"i1", dtype::i8},  {"u1", dtype::u8},  {"b1", dtype::boolean}};
  for (const entry& e : types)
    if (e.name == name) return &e.type;
  return nullptr;
}

/// The bytes whose Latin-1 characters this UTF-8 spells; false when one of them is beyond U+00FF.
[[nodiscard]] inline bool decode_latin1(std::string_view utf8, std::vector<unsigned char>& out) {
  out.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    auto c = static_cast<unsigned char>(utf8[i]);
    if (c >= 0x80) {
      if ((c != 0xc2 && c != 0xc3) || i + 1 == utf8.size()) return false;
      c = static_cast<unsigned char>((c & 3u) << 6 | (static_cast<unsigned char>(utf8[++i]) & 63u));
    }
    out.push_back(c);
  }
  return true;
}

/// @param v of kind array. Errors: T1 to T3, T5 (data of another size than the shape needs), T7, T8, P3.
[[nodiscard]] inline result<tensor> read_array(std::string name, const pickle::program& p,
                                               const pickle::value& v, std::uint64_t file_bytes,
                                               decoded_bytes& decoded) {
  tensor t;
  t.name = std::move(name);
  const auto fail = [&t](errc code, const std::string& what) {
    return error(code, "tensor " + in_quotes(t.name) + ": a numpy array " + what);
  };
  if (v.items.size() != 3) return fail(errc::pickle_reduce, "without its state");
  const pickle::value &shape = p[v.items[0]], &type = p[v.items[1]], &data = p[v.items[2]];
  const dtype* const found = array_dtype(type.text);
  if (found == nullptr)
    return fail(errc::tensor_unsupported, "of the type " + in_quotes(type.text) + ", which is not supported");
  t.type = *found;
  if (type.integer == '>' && dtype_bytes(t.type) > 1)
    return fail(errc::tensor_big_endian, "in big-endian order: array.astype(array.dtype.newbyteorder('<'))");
  if (shape.items.size() > 8)
    return fail(errc::tensor_rank, "of " + std::to_string(shape.items.size()) + " dimensions, at most 8");
  for (const std::uint32_t side : shape.items) {
    if (p[side].type != pickle::kind::integer)
      return fail(errc::pickle_reduce, "with a size that is no integer");
    if (p[side].integer < 0)
      return fail(errc::tensor_negative, "with the size " + std::to_string(p[side].integer));
    t.shape.push_back(p[side].integer);
  }
  const checked bytes = element_count(t.shape) * static_cast<std::uint64_t>(dtype_bytes(t.type));
  if (!bytes.valid())
    return fail(errc::tensor_overflow, "whose shape " + shape_text(t.shape) + " overflows 64 bits");
  byte_span storage{reinterpret_cast<const unsigned char*>(data.text.data()), data.text.size()};
  if (data.type == pickle::kind::encoded && bytes.get() > 0) {
    const auto [at, fresh] = decoded.try_emplace(v.items[2]);
    if (fresh && !decode_latin1(data.text, at->second)) {
      decoded.erase(at);
      return fail(errc::pickle_reduce, "whose bytes are no Latin-1");
    }
    storage = at->second;
  }
  if (storage.size() != bytes.get())
    return fail(errc::tensor_storage_size, "of the shape " + shape_text(t.shape) + " needs " +
                                               std::to_string(bytes.get()) + " bytes, it has " +
                                               std::to_string(storage.size()));
  t.strides.assign(t.shape.size(), 0);
  std::int64_t stride = 1;
  for (std::size_t i = 0; i < t.shape.size() && bytes.get() > 0; ++i) {
    const std::size_t d =
        v.integer != 0 ? i : t.shape.size() - 1 - i;  // Fortran order: the first is the fastest
    t.strides[d] = stride;
    stride *= t.shape[d];
  }
  if (status s = place_tensor(t, storage, 0, file_bytes); !s) return s.error();
  return t;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_NUMPY_ARRAY_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// A tensor that a file holds beside the chosen network.
struct left_out_tensor {
  std::string name;                 ///< as in the file
  std::vector<std::int64_t> shape;  ///< empty where it could not be read, too
};

namespace detail {

/// The tensors that were chosen in a file, and how.
struct torch_content {
  const char* container = "torch zip";
  std::vector<tensor> tensors;
  decoded_bytes decoded;    ///< arrays that the file has in another form; some `tensors` point into it
  bool is_network = false;  ///< a ReXNet's names were found
  std::string state_key;    ///< the entry that held them: "model.state_dict"; empty for a bare one
  std::string prefix;       ///< what was removed in front of the network's names
  bool by_prefix = false;   ///< the caller's key named the prefix
  std::vector<std::string> others;        ///< networks that were not chosen, as keys that choose them
  std::vector<left_out_tensor> left_out;  ///< of the same dictionary, outside of the prefix
  std::vector<std::string> notes;         ///< in words, for people
  std::vector<std::vector<unsigned char>> computed;  ///< what `tensors` do not find in the file
};

/// An entry of a dictionary of tensors; only the source that gave it can read `value`.
struct named_value {
  std::string_view name;
  std::uint32_t value;
};

/// A prefix in a dictionary, under which names of a ReXNet's blocks lie.
struct found_network {
  std::string prefix;     ///< of names without module. and _orig_mod.
  std::string shown;      ///< as it stands in the file
  std::size_t names = 0;  ///< of blocks
};

/// A dictionary that holds tensors.
struct found_dict {
  std::uint32_t dict = 0;
  std::string path;  ///< keys from the file's own dictionary, with points between
  int rank = rank::other;
  std::size_t tensors = 0;
  std::vector<found_network> networks;

  /// Counts a tensor's name. `at`: block_name_at() of the whole name.
  void add(std::string_view name, std::size_t at) {
    ++tensors;
    if (at == name.npos) return;
    const std::string_view inner = strip_prefixes(name);
    const std::size_t skipped = name.size() - inner.size();
    const std::string_view prefix = inner.substr(0, at > skipped ? at - skipped : 0);
    for (found_network& n : networks)
      if (n.prefix == prefix) {
        ++n.names;
        return;
      }
    if (networks.size() < most_networks)
      networks.push_back({std::string(prefix), std::string(name.substr(0, at)), 1});
  }
  /// Prefixes beyond are no candidates: each name is compared with all of them.
  static constexpr std::size_t most_networks = 16;
};

[[nodiscard]] inline status check_distinct(std::vector<std::string_view> names) {
  // First by place: one pickled string of a kilobyte may name thousands of tensors, and comparing it with
  // itself is slow. What remains lies in different places and is as long as the file at most.
  std::sort(names.begin(), names.end(), [](std::string_view a, std::string_view b) {
    return std::less<const char*>()(a.data(), b.data());
  });
  auto same = std::adjacent_find(names.begin(), names.end(), [](std::string_view a, std::string_view b) {
    return a.data() == b.data() && a.size() == b.size();
  });
  if (same == names.end()) {
    std::sort(names.begin(), names.end());
    same = std::adjacent_find(names.begin(), names.end());
  }
  if (same != names.end())
    return error(errc::model_duplicate_role,
                 "two tensors are named " + in_quotes(*same) + " once prefixes are stripped");
  return done;
}

/// "head.fc" as mmpretrain has it, "fc", "classifier.1": where the last layer stands whose backbone is
/// another module. Every part is one of these words or a number.
[[nodiscard]] inline bool names_a_classifier(std::string_view layer) noexcept {
  while (!layer.empty()) {
    const std::string_view part = next_component(layer);
    bool known = part.size() < 3 && !part.empty();
    for (const char c : part) known = known && is_digit(c);
    for (const std::string_view word :
         {"head", "fc", "classifier", "cls_head", "linear", "last_linear", "logits"})
      known = known || part == word;
    if (!known) return false;
  }
  return true;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_FOUND_NETWORKS_HPP
// ---- rexnet/checkpoint/network/identify_detector.hpp
// Which tensor of a detector's state dict plays which role: the backbone below "backbone." by timm's names or
// the official ones, extra blocks and heads by torchvision's. What the tensors show is read from them: the
// backbone's variant, the tap by the channels of the first head, the number of classes.
#ifndef REXNET_CHECKPOINT_NETWORK_IDENTIFY_DETECTOR_HPP
#define REXNET_CHECKPOINT_NETWORK_IDENTIFY_DETECTOR_HPP

// ---- rexnet/checkpoint/network/identify.hpp
// Which tensor plays which role: official names (clovaai/rexnet v1 and lite) and timm's (rexnet_*,
// rexnetr_*). Variant, width and class count are read from the tensors, never from a file name.
#ifndef REXNET_CHECKPOINT_NETWORK_IDENTIFY_HPP
#define REXNET_CHECKPOINT_NETWORK_IDENTIFY_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// The tensors of one convolution or dense layer; null where the layer has none.
struct layer_tensors {
  const tensor* weight = nullptr;    ///< of the convolution or the dense layer
  const tensor* bias = nullptr;      ///< of the convolution or the dense layer
  const tensor* gamma = nullptr;     ///< BatchNorm's weight
  const tensor* beta = nullptr;      ///< BatchNorm's bias
  const tensor* mean = nullptr;      ///< BatchNorm's running_mean
  const tensor* variance = nullptr;  ///< BatchNorm's running_var
};

struct block_tensors {
  layer_tensors expand, depthwise, squeeze, excite, project;
};

/// What identify() finds: the network's configuration, and every layer's tensors.
struct model_tensors {
  config shape;                      ///< as the tensors show it
  const char* naming = "";           ///< "official" or "timm"
  layer_tensors stem;                ///< the first convolution
  block_tensors blocks[max_blocks];  ///< in the order of the network
  layer_tensors head;                ///< the last 1x1 convolution
  layer_tensors hidden;              ///< lite's extra layer
  layer_tensors classifier;          ///< none in a backbone, which has no hidden layer then: classes is 0
};

namespace detail {

/// "-1e-07": short, whatever the magnitude.
[[nodiscard]] inline std::string number_text(double v) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", v);
  return text;
}

/// "v1 1.0x", "rexnetr 2.0x"
[[nodiscard]] inline std::string variant_text(const config& c) {
  const int w = c.width_hundredths;
  std::string digits = std::to_string(w / 100) + "." + std::to_string(w % 100 / 10);
  if (w % 10 != 0) digits += std::to_string(w % 10);
  return std::string(family_name(c.family)) + " " + digits + "x";
}

class model_reader {
 public:
  explicit model_reader(span<const tensor> tensors) : used_(tensors.size(), false) {
    for (const tensor& t : tensors) sorted_.push_back(&t);
    std::sort(sorted_.begin(), sorted_.end(),
              [](const tensor* a, const tensor* b) { return a->name < b->name; });
  }

  result<model_tensors> read() {
    for (std::size_t i = 1; i < sorted_.size(); ++i)
      if (sorted_[i]->name == sorted_[i - 1]->name)
        return fail(errc::model_duplicate_role,
                    sorted_[i]->name + ": two tensors have this name once prefixes are stripped");
    timm_ = any("stem.");
    if (!timm_ && !any("features.3.out."))
      return fail(errc::model_missing,
                  "neither features.3.out. (official names) nor stem. (timm) begins a name: not a ReXNet "
                  "state dict" +
                      first_names());
    m_.naming = timm_ ? "timm" : "official";
    for (const tensor* t : sorted_)
      if (const other_form* form = other_form_of(t->name))
        return fail(form->code, t->name + ": " + form->what);
    collect();
    if (!error_.empty()) return fail(code_, error_);
    if (status s = derive_config(); !s) return s.error();
    if (status s = check_shapes(); !s) return s.error();
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      const std::string& name = sorted_[i]->name;
      if (!used_[i] && !(is_counter(name) && sorted_[i]->elements() <= 1))
        return fail(errc::model_unexpected, name + ": unexpected, shape " + shape_text(sorted_[i]->shape) +
                                                " (" + variant_text(m_.shape) + ", " + m_.naming + " names)");
    }
    return m_;
  }

 private:
  [[nodiscard]] static error fail(errc code, const std::string& what) { return {code, what}; }

  [[nodiscard]] std::string first_names() const {
    std::string list = "; it has " + std::to_string(sorted_.size()) + " tensors";
    for (std::size_t i = 0; i < sorted_.size() && i < 3; ++i)
      list += (i == 0 ? ": " : ", ") + in_quotes(sorted_[i]->name);
    return list;
  }

  /// The first tensor whose name is not before this one.
  [[nodiscard]] std::vector<const tensor*>::const_iterator first_from(const std::string& name) const {
    return std::lower_bound(sorted_.begin(), sorted_.end(), name,
                            [](const tensor* t, const std::string& wanted) { return t->name < wanted; });
  }
  const tensor* find(const std::string& name) {
    const auto at = first_from(name);
    if (at == sorted_.end() || (*at)->name != name) return nullptr;
    used_[static_cast<std::size_t>(at - sorted_.begin())] = true;
    return *at;
  }
  /// Whether any tensor's name begins so: a layer of which one tensor is missing is still there.
  [[nodiscard]] bool any(const std::string& prefix) const {
    const auto at = first_from(prefix);
    return at != sorted_.end() && begins_with((*at)->name, prefix);
  }
  const tensor* need(const std::string& name, std::size_t rank) {
    const tensor* t = find(name);
    if (t == nullptr)
      note(errc::model_missing,
           name + ": missing (" + m_.naming + " names)" +
               (find(name + "_orig") != nullptr ? "; its _orig is there without _mask" : ""));
    else if (t->shape.size() != rank)
      note(errc::model_wrong_shape,
           name + ": expected " + std::to_string(rank) + " dimensions, found " + shape_text(t->shape));
    return t;
  }
  void note(errc code, const std::string& what) {
    if (error_.empty()) code_ = code, error_ = what;
  }

  /// A layer named `conv`, with BatchNorm `bn` unless empty, and a bias of its own when asked for.
  layer_tensors layer(const std::string& conv, const std::string& bn, bool bias, std::size_t rank = 4) {
    layer_tensors l;
    l.weight = need(conv + ".weight", rank);
    if (bias) l.bias = need(conv + ".bias", 1);
    if (!bn.empty()) {
      l.gamma = need(bn + ".weight", 1);
      l.beta = need(bn + ".bias", 1);
      l.mean = need(bn + ".running_mean", 1);
      l.variance = need(bn + ".running_var", 1);
    }
    return l;
  }

  /// A dense layer or a 1x1 convolution, which compute the same. @param rank of the naming's own, for errors
  layer_tensors classifier(const std::string& name, std::size_t rank) {
    const auto at = first_from(name + ".weight");
    const bool there = at != sorted_.end() && (*at)->name == name + ".weight";
    const std::size_t found = there ? (*at)->shape.size() : rank;
    return layer(name, "", true, found == 2 || found == 4 ? found : rank);
  }
  void collect() {
    m_.stem = timm_ ? layer("stem.conv", "stem.bn", false) : layer("features.0", "features.1", false);
    for (int i = 0; i < rexnet_blocks; ++i) timm_ ? timm_block(i) : official_block(i);
    if (timm_) {
      m_.head = layer("features.16.conv", "features.16.bn", false);
      if (any("head.fc.")) m_.classifier = classifier("head.fc", 2);
      return;
    }
    m_.head = layer("features.19", "features.20", false);
    if (any("output.4.") || any("output.0.")) {
      m_.hidden = layer("output.0", "output.1", true);
      if (any("output.4.")) m_.classifier = layer("output.4", "", true);
    } else if (any("output.")) {
      m_.classifier = classifier("output.1", 4);
    }
  }
  void official_block(int i) {
    block_tensors& b = m_.blocks[i];
    const std::string out = "features." + std::to_string(i + 3) + ".out.";
    const auto at = [&out](int index) { return out + std::to_string(index); };
    int next = 0;
    if (i > 0) {
      b.expand = layer(at(0), at(1), false);
      next = 3;
    }
    b.depthwise = layer(at(next), at(next + 1), false);
    next += 2;
    if (any(at(next) + ".fc.")) {
      b.squeeze = layer(at(next) + ".fc.0", at(next) + ".fc.1", true);
      b.excite = layer(at(next) + ".fc.3", "", true);
      ++next;
    }
    b.project = layer(at(next + 1), at(next + 2), false);
  }
  void timm_block(int i) {
    block_tensors& b = m_.blocks[i];
    const std::string f = "features." + std::to_string(i) + ".";
    if (i > 0) b.expand = layer(f + "conv_exp.conv", f + "conv_exp.bn", false);
    b.depthwise = layer(f + "conv_dw.conv", f + "conv_dw.bn", false);
    if (any(f + "se.")) {
      b.squeeze = layer(f + "se.fc1", f + "se.bn", true);
      b.excite = layer(f + "se.fc2", "", true);
    }
    b.project = layer(f + "conv_pwl.conv", f + "conv_pwl.bn", false);
  }

  /// The formula whose channels the tensors have; the lowest width where several do.
  status derive_config() {
    constexpr std::int64_t limit = 1 << 20;
    const auto rows = [](const layer_tensors& l) { return l.weight == nullptr ? 0 : l.weight->shape[0]; };
    std::int64_t found[rexnet_blocks + 1] = {rows(m_.stem)};
    for (int i = 0; i < rexnet_blocks; ++i) found[i + 1] = rows(m_.blocks[i].project);
    bool lite = true;  // the only family without squeeze-excite
    for (const block_tensors& b : m_.blocks) lite = lite && b.squeeze.weight == nullptr;
    if (m_.classifier.weight != nullptr && rows(m_.classifier) == 0)
      return fail(errc::model_no_classes, m_.classifier.weight->name + ": 0 classes");
    if (rows(m_.classifier) > max_classes || rows(m_.head) > limit || rows(m_.hidden) > limit)
      return fail(errc::limit_exceeded, "over " + std::to_string(max_classes) + " classes or " +
                                            std::to_string(limit) + " features");

    config best;
    std::int64_t best_distance = -1;
    const auto consider = [&](const config& c) {
      std::int64_t distance = found[0] > c.stem_c ? found[0] - c.stem_c : c.stem_c - found[0];
      for (int i = 0; i < rexnet_blocks; ++i) {
        const std::int64_t difference = found[i + 1] - c.blocks[i].out_c;
        distance += difference < 0 ? -difference : difference;
      }
      if (best_distance < 0 || distance < best_distance) best = c, best_distance = distance;
    };
    const int classes = static_cast<int>(rows(m_.classifier));
    for (int w = min_width_hundredths; w <= max_width_hundredths && best_distance != 0; ++w)
      consider(config_for(lite ? family::lite : family::v1, w, classes));
    if (!lite)
      for (const int divisor : {8, 16})
        for (int w = min_width_hundredths; w <= max_width_hundredths && best_distance != 0; ++w)
          consider(config_for(family::rexnetr, w, classes, divisor));

    for (int i = 0; i < rexnet_blocks; ++i) {
      block_config& b = best.blocks[i];
      b.kernel = static_cast<int>((std::min)(m_.blocks[i].depthwise.weight->shape[2], limit));
      b.se_c = static_cast<int>((std::min)(rows(m_.blocks[i].squeeze), limit));
      if (b.kernel != 3 && b.kernel != 5)
        return fail(errc::unsupported, m_.blocks[i].depthwise.weight->name + ": a kernel of " +
                                           std::to_string(b.kernel) + ", 3 and 5 are supported");
    }
    // The first block is computed in bands together with the stem: there is no whole map to take a mean of.
    if (best.blocks[0].se_c > 0)
      return fail(errc::unsupported,
                  m_.blocks[0].squeeze.weight->name + ": squeeze-excite in the first block is not supported");
    best.head_c = static_cast<int>(rows(m_.head));
    best.hidden_c = static_cast<int>(rows(m_.hidden));
    m_.shape = best;
    return done;
  }

  status check_shapes() {
    const config& c = m_.shape;
    if (status s = check(m_.stem, {c.stem_c, 3, 3, 3}); !s) return s;
    for (int i = 0; i < rexnet_blocks; ++i) {
      const block_config& b = c.blocks[i];
      const block_tensors& tensors = m_.blocks[i];
      if (b.expand)
        if (status s = check(tensors.expand, {b.mid_c, b.in_c, 1, 1}); !s) return s;
      if (status s = check(tensors.depthwise, {b.mid_c, 1, b.kernel, b.kernel}); !s) return s;
      if (b.se_c > 0) {
        if (status s = check(tensors.squeeze, {b.se_c, b.mid_c, 1, 1}); !s) return s;
        if (status s = check(tensors.excite, {b.mid_c, b.se_c, 1, 1}); !s) return s;
      }
      if (status s = check(tensors.project, {b.out_c, b.mid_c, 1, 1}); !s) return s;
    }
    if (status s = check(m_.head, {c.head_c, last_block(c).out_c, 1, 1}); !s) return s;
    int features = c.head_c;
    if (c.hidden_c > 0) {
      if (status s = check(m_.hidden, {c.hidden_c, features, 1, 1}); !s) return s;
      features = c.hidden_c;
    }
    if (m_.classifier.weight == nullptr) return done;
    if (m_.classifier.weight->shape.size() == 2) return check(m_.classifier, {c.classes, features});
    return check(m_.classifier, {c.classes, features, 1, 1});
  }
  [[nodiscard]] status check(const layer_tensors& l, const std::vector<std::int64_t>& expected) const {
    const std::vector<std::int64_t> vector{expected[0]};
    for (const tensor* t : {l.weight, l.bias, l.gamma, l.beta, l.mean, l.variance}) {
      if (t == nullptr) continue;
      const auto& want = t == l.weight ? expected : vector;
      if (t->shape != want)
        return fail(errc::model_wrong_shape, t->name + ": expected " + shape_text(want) + " for " +
                                                 variant_text(m_.shape) + ", the nearest variant, found " +
                                                 shape_text(t->shape));
    }
    return done;
  }

  std::vector<const tensor*> sorted_;
  std::vector<bool> used_;
  model_tensors m_;
  bool timm_ = false;
  errc code_ = errc::ok;
  std::string error_;
};

}  // namespace detail

/// Finds variant, width and classes, and each layer's tensors; all shapes are checked. The tensors must
/// outlive the result. Errors: M1 to M4 and M7 of docs/refusals.md, unsupported.
[[nodiscard]] inline result<model_tensors> identify(span<const tensor> tensors) {
  return detail::model_reader(tensors).read();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_IDENTIFY_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// What identify_detector() finds.
struct detector_tensors {
  detector_config shape;                             ///< as the tensors show it
  model_tensors backbone;                            ///< of the tensors below "backbone."
  block_tensors extra[ssd_extra_blocks];             ///< each on the map before
  block_tensors logits[ssd_levels];                  ///< heads: depthwise and project
  block_tensors codes[ssd_levels];                   ///< likewise
  std::shared_ptr<const std::vector<tensor>> named;  ///< the backbone's tensors under their own names
};

namespace detail {

/// Whether a name is one of SSD's heads.
[[nodiscard]] inline bool names_ssd_head(std::string_view name) noexcept {
  return begins_with(name, "head.classification_head.") || begins_with(name, "head.regression_head.");
}

}  // namespace detail

/// Whether a state dict is one of a detector: it has SSD's heads or extra blocks.
[[nodiscard]] inline bool is_detector(span<const tensor> tensors) noexcept {
  for (const tensor& t : tensors)
    if (detail::names_ssd_head(t.name) || detail::begins_with(t.name, "backbone.extra.")) return true;
  return false;
}

namespace detail {

class detector_reader {
 public:
  explicit detector_reader(span<const tensor> tensors) : used_(tensors.size(), false) {
    for (const tensor& t : tensors) sorted_.push_back(&t);
    std::sort(sorted_.begin(), sorted_.end(),
              [](const tensor* a, const tensor* b) { return a->name < b->name; });
  }

  result<detector_tensors> read() {
    const auto named = std::make_shared<std::vector<tensor>>();
    std::vector<tensor>& backbone = *named;
    d_.named = named;
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      const tensor& t = *sorted_[i];
      if (i > 0 && sorted_[i - 1]->name == t.name)
        return error(errc::model_duplicate_role, t.name + ": two tensors have this name");
      if (!begins_with(t.name, prefix) || begins_with(t.name, "backbone.extra.")) continue;
      used_[i] = true;
      backbone.push_back(t);
      backbone.back().name.erase(0, prefix.size());
    }
    auto m = identify(backbone);
    if (!m) return m.error().in("backbone");
    d_.backbone = *m;
    detector_config& shape = d_.shape;
    shape.backbone = d_.backbone.shape;
    for (const layer_tensors* l : {&d_.backbone.hidden, &d_.backbone.classifier})
      if (l->weight != nullptr)
        return error(errc::model_unexpected, "backbone." + l->weight->name +
                                                 ": the backbone has a classifier still, which no detector "
                                                 "has: leave it out of the state dict");
    if (status s = check_heads(); !s) return s.error();
    collect();
    if (!error_.empty()) return error(code_, error_);
    if (status s = derive(); !s) return s.error();
    if (status s = check_shapes(); !s) return s.error();
    for (std::size_t i = 0; i < sorted_.size(); ++i)
      if (!used_[i] && !(is_counter(sorted_[i]->name) && sorted_[i]->elements() <= 1))
        return error(errc::model_unexpected, sorted_[i]->name + ": unexpected, shape " +
                                                 shape_text(sorted_[i]->shape) + " (SSDLite on " +
                                                 variant_text(shape.backbone) + ")");
    return d_;
  }

 private:
  static constexpr std::string_view prefix = "backbone.";

  /// The first tensor whose name is not before this one.
  [[nodiscard]] std::vector<const tensor*>::const_iterator first_from(const std::string& name) const {
    return std::lower_bound(sorted_.begin(), sorted_.end(), name,
                            [](const tensor* t, const std::string& wanted) { return t->name < wanted; });
  }
  /// The first tensor whose name begins so; null: there is none.
  [[nodiscard]] const tensor* first_of(const std::string& prefix_) const {
    const auto at = first_from(prefix_);
    return at != sorted_.end() && begins_with((*at)->name, prefix_) ? *at : nullptr;
  }

  /// Heads of other detectors: those of other layers, on another number of maps, for other numbers of boxes.
  [[nodiscard]] status check_heads() const {
    for (const char* kind : {"head.classification_head.", "head.regression_head."}) {
      const std::string list = kind + std::string("module_list");
      const auto head = [&list](int k) { return list + "." + std::to_string(k) + "."; };
      const tensor* const any = first_of(kind);
      if (any != nullptr && first_of(list + ".") == nullptr)
        return error(errc::model_missing, list + ": missing, the heads of an SSD on several maps; " +
                                              any->name + " belongs to another kind of detector");
      if (const tensor* const plain = first_of(head(0) + "weight"))
        return error(errc::model_wrong_shape,
                     plain->name + ": a head of one layer, as SSD's; SSDLite's are depthwise and 1x1 (" +
                         head(0) + "0.0.weight, " + head(0) + "1.weight)");
      int maps = 0;
      while (first_of(head(maps)) != nullptr) ++maps;
      if (maps == ssd_levels || any == nullptr) continue;
      bool beyond = false;  // a head that is missing between others is missed by name
      for (int k = maps + 1; k < ssd_levels; ++k) beyond = beyond || first_of(head(k)) != nullptr;
      if (!beyond)
        return error(maps < ssd_levels ? errc::model_missing : errc::model_unexpected,
                     list + ": heads on " + std::to_string(maps) + " maps, expected " +
                         std::to_string(ssd_levels) +
                         ": those of block 10, of the last convolution and of four extra blocks");
    }
    return done;
  }

  const tensor* need(const std::string& name, std::size_t rank) {
    const auto at = first_from(name);
    if (at == sorted_.end() || (*at)->name != name) {
      note(errc::model_missing, name + ": missing (torchvision's names of SSDLite)");
      return nullptr;
    }
    used_[static_cast<std::size_t>(at - sorted_.begin())] = true;
    if ((*at)->shape.size() != rank)
      note(errc::model_wrong_shape,
           name + ": expected " + std::to_string(rank) + " dimensions, found " + shape_text((*at)->shape));
    return *at;
  }
  void note(errc code, const std::string& what) {
    if (error_.empty()) code_ = code, error_ = what;
  }
  layer_tensors conv_bn(const std::string& name) {
    layer_tensors l;
    l.weight = need(name + ".0.weight", 4);
    l.gamma = need(name + ".1.weight", 1);
    l.beta = need(name + ".1.bias", 1);
    l.mean = need(name + ".1.running_mean", 1);
    l.variance = need(name + ".1.running_var", 1);
    return l;
  }
  block_tensors head(const std::string& name) {
    block_tensors b;
    b.depthwise = conv_bn(name + ".0");
    b.project.weight = need(name + ".1.weight", 4);
    b.project.bias = need(name + ".1.bias", 1);
    return b;
  }
  void collect() {
    for (int k = 0; k < ssd_extra_blocks; ++k) {
      const std::string name = "backbone.extra." + std::to_string(k);
      d_.extra[k].expand = conv_bn(name + ".0");
      d_.extra[k].depthwise = conv_bn(name + ".1");
      d_.extra[k].project = conv_bn(name + ".2");
    }
    for (int k = 0; k < ssd_levels; ++k) {
      const std::string number = ".module_list." + std::to_string(k);
      d_.logits[k] = head("head.classification_head" + number);
      d_.codes[k] = head("head.regression_head" + number);
    }
  }

  /// Classes, tap and the extra blocks' channels.
  status derive() {
    detector_config& shape = d_.shape;
    const tensor &logits = *d_.logits[0].project.weight, &codes = *d_.codes[0].project.weight;
    if (codes.shape[0] != std::int64_t{ssd_anchors_a_place} * 4)
      return error(errc::model_wrong_shape,
                   codes.name + ": " + std::to_string(codes.shape[0]) + " outputs, expected " +
                       std::to_string(ssd_anchors_a_place * 4) + ": four for each of " +
                       std::to_string(ssd_anchors_a_place) + " boxes at a place (aspect ratios 1, 2 and 3)");
    const std::int64_t outputs = logits.shape[0];
    if (outputs % ssd_anchors_a_place != 0 || outputs < std::int64_t{2} * ssd_anchors_a_place ||
        outputs > std::int64_t{ssd_anchors_a_place} * max_detector_classes)
      return error(errc::model_wrong_shape, logits.name + ": " + std::to_string(outputs) +
                                                " outputs, expected 6 for each of 2 to " +
                                                std::to_string(max_detector_classes) + " classes");
    shape.classes = static_cast<int>(outputs / ssd_anchors_a_place);
    // The last block of stride 16 with so many channels; channels grow from block to block.
    const std::int64_t tapped = logits.shape[1];
    shape.tap = -1;
    int stride = 2;
    for (int i = 0; i < shape.backbone.block_count; ++i) {
      stride *= shape.backbone.blocks[i].stride;
      if (stride == 16 && shape.backbone.blocks[i].out_c == tapped) shape.tap = i;
    }
    if (shape.tap < 0)
      return error(errc::model_wrong_shape, logits.name + ": a head on " + std::to_string(tapped) +
                                                " channels, which no block of stride 16 of " +
                                                variant_text(shape.backbone) + " has");
    connect_extra_blocks(shape);
    return done;
  }

  [[nodiscard]] status check_shapes() const {
    for (int k = 0; k < ssd_extra_blocks; ++k) {
      const block_config& b = d_.shape.extra[k];
      if (status s = check(d_.extra[k].expand, {b.mid_c, b.in_c, 1, 1}); !s) return s;
      if (status s = check(d_.extra[k].depthwise, {b.mid_c, 1, 3, 3}); !s) return s;
      if (status s = check(d_.extra[k].project, {b.out_c, b.mid_c, 1, 1}); !s) return s;
    }
    for (int k = 0; k < ssd_levels; ++k)
      for (const auto& [tensors, b] : {std::pair{&d_.logits[k], logits_head(d_.shape, k)},
                                       std::pair{&d_.codes[k], codes_head(d_.shape, k)}}) {
        if (status s = check(tensors->depthwise, {b.mid_c, 1, 3, 3}); !s) return s;
        if (status s = check(tensors->project, {b.out_c, b.mid_c, 1, 1}); !s) return s;
      }
    return done;
  }
  [[nodiscard]] status check(const layer_tensors& l, const std::vector<std::int64_t>& expected) const {
    const std::vector<std::int64_t> vector{expected[0]};
    for (const tensor* t : {l.weight, l.bias, l.gamma, l.beta, l.mean, l.variance}) {
      if (t == nullptr) continue;
      const auto& want = t == l.weight ? expected : vector;
      if (t->shape != want)
        return error(errc::model_wrong_shape,
                     t->name + ": expected " + shape_text(want) + " for SSDLite on " +
                         variant_text(d_.shape.backbone) + " with " + std::to_string(d_.shape.classes) +
                         " classes (the background is one), found " + shape_text(t->shape));
    }
    return done;
  }

  std::vector<const tensor*> sorted_;
  std::vector<bool> used_;
  detector_tensors d_;
  errc code_ = errc::ok;
  std::string error_;
};

}  // namespace detail

/// Finds a detector's backbone, tap and classes, and each layer's tensors; all shapes are checked.
/// @param tensors must outlive the result
/// Errors: M1 to M4 and M7 of docs/refusals.md, unsupported.
[[nodiscard]] inline result<detector_tensors> identify_detector(span<const tensor> tensors) {
  return detail::detector_reader(tensors).read();
}

/// The tensors of a network of either kind.
struct network_tensors {
  bool is_detector = false;   ///< which of the two it is
  model_tensors classifier;   ///< or a backbone; unless is_detector
  detector_tensors detector;  ///< if is_detector

  /// Of the network, or of the detector's backbone.
  [[nodiscard]] const config& shape() const noexcept {
    return is_detector ? detector.shape.backbone : classifier.shape;
  }
};

/// identify(), or identify_detector() where SSD's heads are there.
[[nodiscard]] inline result<network_tensors> identify_network(span<const tensor> tensors) {
  network_tensors n;
  n.is_detector = is_detector(tensors);
  if (n.is_detector) {
    auto d = identify_detector(tensors);
    if (!d) return d.error();
    n.detector = std::move(*d);
  } else {
    auto m = identify(tensors);
    if (!m) return m.error();
    n.classifier = *m;
  }
  return n;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_IDENTIFY_DETECTOR_HPP
// ---- rexnet/checkpoint/network/pruned.hpp
// Layers that torch.nn.utils.prune has cut: "weight_orig" and "weight_mask" stand where "weight" was, and
// their product is what the layer computes with.
#ifndef REXNET_CHECKPOINT_NETWORK_PRUNED_HPP
#define REXNET_CHECKPOINT_NETWORK_PRUNED_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The value as an element of the type would keep it: torch's `mask.to(dtype=orig.dtype) * orig` rounds both
/// the mask and the product. The product of two float32 is exact in double.
[[nodiscard]] inline double rounded_to(dtype type, double v) noexcept {
  if (type == dtype::f64) return v;
  const auto f = static_cast<float>(v);
  if (type == dtype::f16) return static_cast<double>(half_to_float(float_to_half(f)));
  if (type == dtype::f32 || std::isnan(f)) return static_cast<double>(f);
  const std::uint32_t bits = bits_of(f);
  return static_cast<double>(float_from_bits((bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u));
}

[[nodiscard]] inline tensor product(const tensor& orig, const tensor& mask,
                                    std::vector<unsigned char>& bytes) {
  tensor t;
  t.name = orig.name.substr(0, orig.name.size() - 5);
  t.type = orig.type;
  t.shape = orig.shape;
  t.strides.assign(t.shape.size(), 1);
  for (std::size_t d = t.shape.size(); d-- > 1;)
    t.strides[d - 1] = t.strides[d] * (std::max)(t.shape[d], std::int64_t{1});
  const auto size = static_cast<std::size_t>(dtype_bytes(t.type));
  bytes.resize(static_cast<std::size_t>(t.elements()) * size);
  const auto put = [&](std::int64_t i, double v) {
    const auto f = static_cast<float>(v);
    std::uint64_t bits = bits_of(f);
    if (t.type == dtype::f64) std::memcpy(&bits, &v, sizeof(v));
    if (t.type == dtype::f16) bits = float_to_half(f);
    if (t.type == dtype::bf16) bits >>= 16;
    for (std::size_t k = 0; k < size; ++k, bits >>= 8)
      bytes[static_cast<std::size_t>(i) * size + k] = static_cast<unsigned char>(bits);
  };
  t.data = bytes.data();
  mask.for_each([&](std::int64_t i, double v) { put(i, rounded_to(orig.type, v)); });
  // In the order of the indices, both: what stands there is the mask's element.
  orig.for_each([&](std::int64_t i, double v) { put(i, rounded_to(orig.type, v * t.element(i))); });
  return t;
}

/// Puts the product in the place of each "_orig" that has a "_mask", takes the masks out, and says how many
/// there were. `computed` keeps the products' bytes. Errors: M4 (shapes that differ), M1 (one without the
/// other).
[[nodiscard]] inline result<std::size_t> multiply_out(std::vector<tensor>& tensors,
                                                      std::vector<std::vector<unsigned char>>& computed) {
  std::vector<std::size_t> masks;
  bool any = false;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (ends_with(tensors[i].name, "_mask")) masks.push_back(i);
    any = any || ends_with(tensors[i].name, "_orig");
  }
  if (masks.empty() || !any) return std::size_t{0};
  std::sort(masks.begin(), masks.end(),
            [&](std::size_t a, std::size_t b) { return tensors[a].name < tensors[b].name; });
  std::vector<bool> used(tensors.size(), false);
  std::size_t n = 0;
  for (tensor& t : tensors) {
    if (!ends_with(t.name, "_orig")) continue;
    const std::string name = t.name.substr(0, t.name.size() - 4) + "mask";
    const auto at =
        std::lower_bound(masks.begin(), masks.end(), name,
                         [&](std::size_t i, const std::string& s) { return tensors[i].name < s; });
    if (at == masks.end() || tensors[*at].name != name) continue;  // identify() will name it
    const tensor& mask = tensors[*at];
    if (t.type > dtype::bf16) continue;  // an integer, which no layer has
    if (mask.shape != t.shape)
      return error(errc::model_wrong_shape, name + ": expected " + shape_text(t.shape) + " as " + t.name +
                                                " has, found " + shape_text(mask.shape));
    used[*at] = true;
    computed.emplace_back();
    t = product(t, mask, computed.back());
    ++n;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (!used[i]) {
      if (kept != i) tensors[kept] = std::move(tensors[i]);
      ++kept;
    }
  tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(kept), tensors.end());
  return n;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_PRUNED_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

/// Source: `std::vector<named_value> entries(dict)`, the tensors of a dictionary; `result<tensor>
/// tensor_at(name, value)`; `std::uint64_t file_bytes()`.
template <class Source>
class network_chooser {
 public:
  /// @param found in the file's order. @param key "" or what the user asks for
  network_chooser(Source& source, const std::vector<found_dict>& found, std::string_view key)
      : source_(source), found_(found), key_(key) {}

  /// The tensors of the chosen network. `otherwise`: the dictionary to take where no network is found (null:
  /// the largest).
  result<torch_content> choose(const found_dict* otherwise) {
    for (const found_dict& d : found_)
      for (const found_network& n : d.networks)
        if (n.names >= whole_network_names) add(d, n);
    if (!key_.empty() && !by_hand()) return no_such_key();
    if (candidates_.empty()) return any_dictionary(otherwise);
    // In the file's order within a rank. Not stable_sort(), whose temporary memory clang 19 warns of.
    std::sort(candidates_.begin(), candidates_.end(), [](const candidate& a, const candidate& b) {
      return std::tie(a.rank, a.dict, a.network) < std::tie(b.rank, b.dict, b.network);
    });
    if (candidates_.size() > 1) return decide();
    auto content = read(candidates_[0]);
    if (content && candidates_[0].rank <= rank::average && averages_nothing(candidates_[0]))
      content->notes.push_back("n_averaged is 0: an average of nothing, but the only network in the file");
    return content;
  }

 private:
  struct candidate {
    const found_dict* dict;
    const found_network* network;
    int rank;
    bool by_prefix = false;
    /// What chooses it: the dictionary's key, and the prefix where that has several networks.
    [[nodiscard]] std::string name() const {
      std::size_t whole = 0;
      for (const found_network& n : dict->networks) whole += n.names >= whole_network_names ? 1 : 0;
      if (!dict->path.empty() && whole < 2) return dict->path;
      std::string prefix = network->shown;
      if (!prefix.empty() && prefix.back() == '.') prefix.pop_back();
      if (dict->path.empty()) return prefix.empty() ? "the file's own dictionary" : prefix;
      return prefix.empty() ? dict->path : dict->path + "." + prefix;
    }
  };

  void add(const found_dict& d, const found_network& n) {
    int r = d.rank;
    std::string_view rest = n.shown;
    while (!rest.empty() && r > rank::average)
      if (names_an_average(next_component(rest))) r = rank::average;
    candidates_.push_back({&d, &n, r});
  }

  // ---- by hand ----

  /// Keeps what the key means: a dictionary, one that holds it, or a prefix, with or without its dictionary.
  bool by_hand() {
    std::vector<candidate> kept;
    for (candidate c : candidates_) {
      std::string_view inner = key_;
      const std::string& path = c.dict->path;
      if (!path.empty() && begins_with(key_, path) && key_.size() > path.size() + 1 &&
          key_[path.size()] == '.')
        inner = key_.substr(path.size() + 1);
      c.by_prefix = names_prefix(inner, c.network->shown) || names_prefix(inner, c.network->prefix);
      if (c.by_prefix || names_path(path)) kept.push_back(c);
    }
    candidates_ = kept;
    if (!kept.empty()) return true;
    for (const found_dict& d : found_) asked_ = asked_ == nullptr && d.path == key_ ? &d : asked_;
    for (const found_dict& d : found_) asked_ = asked_ == nullptr && names_path(d.path) ? &d : asked_;
    return asked_ != nullptr;
  }
  [[nodiscard]] bool names_path(const std::string& path) const {
    return !path.empty() && (path == key_ || (begins_with(path, key_) && path[key_.size()] == '.'));
  }
  [[nodiscard]] static bool names_prefix(std::string_view key, std::string_view prefix) {
    if (prefix.empty() || !begins_with(prefix, key)) return false;
    return key.back() == '.' || prefix.substr(key.size(), 1) == ".";
  }
  [[nodiscard]] error no_such_key() const {
    std::string there;
    std::size_t named = 0;
    for (const found_dict& d : found_) {
      if (d.networks.empty() && named < 12 && !d.path.empty())
        there += (named++ > 0 ? ", " : "") + in_quotes(d.path);
      for (const found_network& n : d.networks)
        if (named < 12 && !(d.path.empty() && n.shown.empty()))
          there += (named++ > 0 ? ", " : "") + in_quotes(candidate{&d, &n, 0}.name());
    }
    return {errc::model_no_such_key,
            "no " + in_quotes(key_) + " in the file; it has " +
                (there.empty() ? "no keys: a bare state dict without prefix" : there)};
  }

  // ---- several ----

  /// A candidate's tensors, and why it is not to be taken: an error, or a useless average.
  struct trial {
    result<torch_content> content;
    std::string against;
  };
  [[nodiscard]] trial attempt(const candidate& c) {
    trial tried{read(c), {}};
    if (!tried.content) return tried.against = tried.content.error().message(), std::move(tried);
    const span<const tensor> tensors{tried.content->tensors.data(), tried.content->tensors.size()};
    auto m = identify_network(tensors);
    if (!m) return tried.against = m.error().message(), std::move(tried);
    if (c.rank <= rank::average) tried.against = useless_average(c, tensors);
    return tried;
  }
  /// torch's AveragedModel counts what it has averaged.
  [[nodiscard]] bool averages_nothing(const candidate& c) {
    for (const named_value& e : source_.entries(c.dict->dict)) {
      if (e.name != "n_averaged" && !ends_with(e.name, ".n_averaged")) continue;
      const auto count = source_.tensor_at(std::string(e.name), e.value);
      if (count && count->elements() == 1 && count->element(0) == 0.0) return true;
    }
    return false;
  }
  [[nodiscard]] std::string useless_average(const candidate& c, span<const tensor> tensors) {
    if (averages_nothing(c)) return "its n_averaged is 0, it averages nothing";
    for (const tensor& t : tensors) {
      bool finite = true;
      t.for_each([&finite](std::int64_t, double v) { finite = finite && std::isfinite(v); });
      if (!finite) return t.name + " is not finite";
    }
    return {};
  }
  /// The same bytes under two names are one network.
  [[nodiscard]] static bool same(const torch_content& a, const torch_content& b) {
    return std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                      [](const tensor& x, const tensor& y) {
                        return x.data == y.data && x.shape == y.shape && x.name == y.name;
                      });
  }

  result<torch_content> decide() {
    std::vector<std::string> notes;
    for (std::size_t i = 0; i < candidates_.size();) {
      std::size_t end = i;
      while (end < candidates_.size() && candidates_[end].rank == candidates_[i].rank) ++end;
      result<torch_content> chosen = error(errc::model_missing, "none");
      std::size_t whole = 0, which = 0;
      std::string names;
      for (; i < end; ++i) {
        trial tried = attempt(candidates_[i]);
        if (!tried.against.empty()) {
          notes.push_back(candidates_[i].name() + " was passed over: " + tried.against);
          continue;
        }
        if (whole > 0 && same(*chosen, *tried.content)) continue;
        names += (whole > 0 ? ", " : "") + in_quotes(candidates_[i].name());
        if (whole++ == 0) chosen = std::move(tried.content), which = i;
      }
      if (whole > 1)
        return error(errc::model_ambiguous, std::to_string(whole) +
                                                " networks are in the file, and nothing says "
                                                "which one is meant: " +
                                                names + "; choose one by its key (--key)");
      if (whole == 1) return with_others(std::move(*chosen), which, std::move(notes));
    }
    // None is whole: the first one's own error says what is wrong.
    auto first = read(candidates_[0]);
    return first ? result<torch_content>(with_others(std::move(*first), 0, std::move(notes))) : first;
  }
  [[nodiscard]] torch_content with_others(torch_content content, std::size_t chosen,
                                          std::vector<std::string> notes) const {
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      if (i != chosen) content.others.push_back(candidates_[i].name());
    content.notes.insert(content.notes.begin(), std::make_move_iterator(notes.begin()),
                         std::make_move_iterator(notes.end()));
    return content;
  }

  // ---- one ----

  /// Of a file without a whole ReXNet: any model's tensors, for programs that read them themselves, and for
  /// identify() to say what is missing.
  result<torch_content> any_dictionary(const found_dict* otherwise) {
    const found_dict* d = asked_ != nullptr ? asked_ : otherwise;
    if (d == nullptr)
      for (const found_dict& f : found_)
        if (d == nullptr || f.tensors > d->tensors) d = &f;
    // Some of a ReXNet's names are there: most of this dictionary's.
    for (const found_network& n : d->networks)
      if (2 * n.names > d->tensors) return read({d, &n, d->rank});
    const found_network whole;
    return read({d, &whole, d->rank});
  }

  result<torch_content> read(const candidate& c) {
    torch_content content;
    content.state_key = c.dict->path;
    content.prefix = c.network->shown;
    content.by_prefix = c.by_prefix;
    std::vector<named_value> inside, outside;
    for (const named_value& e : source_.entries(c.dict->dict)) {
      if (e.name.size() > 1024)  // before strip_prefixes() walks through it
        return error(errc::pickle_length, "a tensor's name has " + std::to_string(e.name.size()) +
                                              " bytes, at most 1024: " + in_quotes(e.name));
      const std::string_view name = strip_prefixes(e.name);
      const found_network* of = c.network->names == 0 ? c.network : owner(c, name);
      if (of == c.network)
        inside.push_back({name.substr(c.network->prefix.size()), e.value});
      else if (of == nullptr && !is_head_of_another(c, name))
        outside.push_back(e);
    }
    attached_.clear(), renamed_.clear();
    if (const std::size_t backbone = attach_detector(c, inside, outside); backbone > 0)
      content.prefix.erase(content.prefix.size() - backbone);
    else
      attach_classifier(inside, outside);
    std::vector<std::string_view> names;
    names.reserve(inside.size());
    for (const named_value& e : inside) names.push_back(e.name);
    if (status s = check_distinct(std::move(names)); !s) return s.error();
    for (const named_value& e : inside)
      if (!is_utf8(e.name))
        return error(errc::pickle_utf8, "the tensor name " + in_quotes(e.name) + " is not valid UTF-8");
    if (status s = read_tensors(inside, content.tensors); !s) return s.error();
    for (const named_value& e : outside) {
      auto t = source_.tensor_at(std::string(e.name), e.value);
      content.left_out.push_back(
          {std::string(e.name), t ? std::move(t->shape) : std::vector<std::int64_t>()});
    }
    if (!attached_.empty())
      content.notes.push_back("\"" + attached_ + "\", beside \"" + c.network->shown +
                              "\", is taken for its classifier");
    if (status s = translate_names(content.tensors); !s) return s.error();
    content.is_network = c.network->names > 0;
    if (!content.is_network) return content;
    auto pruned = multiply_out(content.tensors, content.computed);
    if (!pruned) return pruned.error();
    if (*pruned > 0)
      content.notes.push_back(std::to_string(*pruned) +
                              " pruned tensors were multiplied out (_orig * _mask)");
    return content;
  }

  /// The network that a tensor belongs to: of this one and the other whole ones that with the longest prefix.
  /// Null outside of all.
  [[nodiscard]] static const found_network* owner(const candidate& c, std::string_view name) {
    const found_network* best = nullptr;
    for (const found_network& n : c.dict->networks)
      if ((&n == c.network || n.names >= whole_network_names) && begins_with(name, n.prefix) &&
          (best == nullptr || n.prefix.size() > best->prefix.size()))
        best = &n;
    return best;
  }

  /// Bytes at the end of a prefix that are "backbone.", or wrapped "backbone._orig_mod."; 0: it has another
  /// end.
  [[nodiscard]] static std::size_t backbone_at_end(std::string_view prefix) noexcept {
    std::string_view rest = prefix;
    for (const std::string_view wrapper : {"_orig_mod.", "module.", "_orig_mod."})
      if (ends_with(rest, wrapper)) rest.remove_suffix(wrapper.size());
    constexpr std::string_view name = "backbone.";
    if (!ends_with(rest, name)) return 0;
    rest.remove_suffix(name.size());
    return rest.empty() || rest.back() == '.' ? prefix.size() - rest.size() : 0;
  }

  /// Whether a name is a head of another detector: "ema.head." beside "backbone.", "head." beside
  /// "ema.backbone.".
  [[nodiscard]] static bool is_head_of_another(const candidate& c, std::string_view name) noexcept {
    const auto front = [](const found_network& n) {
      return std::string_view(n.prefix).substr(0, n.prefix.size() - backbone_at_end(n.prefix));
    };
    for (const found_network& n : c.dict->networks)
      if (n.names >= whole_network_names && backbone_at_end(n.prefix) > 0 && front(n) != front(*c.network) &&
          begins_with(name, front(n)) && names_ssd_head(name.substr(front(n).size())))
        return true;
    return false;
  }

  /// A detector's heads stand beside its backbone: everything below what both have in front is one network.
  /// Returns the bytes that the prefix has of the backbone; 0: it is no detector's.
  [[nodiscard]] std::size_t attach_detector(const candidate& c, std::vector<named_value>& inside,
                                            std::vector<named_value>& outside) {
    const std::string_view prefix = c.network->prefix;
    const std::size_t backbone = backbone_at_end(prefix);
    if (backbone == 0) return 0;
    const std::string_view common = prefix.substr(0, prefix.size() - backbone);
    const auto heads = [common](const named_value& e) {
      const std::string_view name = strip_prefixes(e.name);
      return begins_with(name, common) && names_ssd_head(name.substr(common.size()));
    };
    if (std::none_of(outside.begin(), outside.end(), heads) &&
        std::none_of(inside.begin(), inside.end(),
                     [](const named_value& e) { return begins_with(e.name, "extra."); }))
      return 0;
    constexpr std::string_view before = "backbone.";
    for (named_value& e : inside)
      if (backbone == before.size()) {  // the names' own bytes go on in front
        e.name = {e.name.data() - before.size(), e.name.size() + before.size()};
      } else {
        renamed_.push_back(std::string(before) + std::string(e.name));
        e.name = renamed_.back();
      }
    std::vector<named_value> others;
    for (const named_value& e : outside) {
      const std::string_view name = strip_prefixes(e.name);
      if (begins_with(name, common))
        inside.push_back({name.substr(common.size()), e.value});
      else
        others.push_back(e);
    }
    outside = std::move(others);
    return backbone;
  }

  /// A backbone's classifier that stands beside its prefix: mmpretrain's "head.fc", Lightning's "classifier".
  /// Only where it is all that stands there.
  void attach_classifier(std::vector<named_value>& inside, std::vector<named_value>& outside) {
    bool timm = false;
    for (const named_value& e : inside) {
      if (begins_with(e.name, "head.") || begins_with(e.name, "output.")) return;
      timm = timm || begins_with(e.name, "stem.");
    }
    const named_value *weight = nullptr, *bias = nullptr;
    std::string_view layer;
    for (const named_value& e : outside) {
      if (is_counter(e.name)) continue;
      const std::string_view name = strip_prefixes(e.name);
      const bool is_bias = ends_with(name, ".bias");
      const named_value*& role = is_bias ? bias : weight;
      const std::string_view here = name.substr(0, name.rfind('.'));
      if (role != nullptr || !(is_bias || ends_with(name, ".weight")) || (!layer.empty() && layer != here))
        return;
      role = &e, layer = here;
    }
    if (weight == nullptr || bias == nullptr || !names_a_classifier(layer)) return;
    attached_ = std::string(layer);
    inside.push_back({timm ? "head.fc.weight" : "output.1.weight", weight->value});
    inside.push_back({timm ? "head.fc.bias" : "output.1.bias", bias->value});
    outside.erase(std::remove_if(outside.begin(), outside.end(),
                                 [](const named_value& e) { return !is_counter(e.name); }),
                  outside.end());
  }

  [[nodiscard]] status read_tensors(const std::vector<named_value>& entries, std::vector<tensor>& out) {
    out.reserve(entries.size());  // exactly: a growing vector would need three times as much for a moment
    checked total = 0;
    for (const named_value& e : entries) {
      auto t = source_.tensor_at(std::string(e.name), e.value);
      if (!t) return t.error();
      total = total + checked(static_cast<std::uint64_t>(t->elements())) *
                          static_cast<std::uint64_t>(dtype_bytes(t->type));
      if (!total.at_most((checked(source_.file_bytes()) * max_blow_up).get()))
        return error(errc::tensor_blow_up, "tensors that share storages take more than " +
                                               std::to_string(max_blow_up) + " times the file's " +
                                               std::to_string(source_.file_bytes()) + " bytes");
      out.push_back(std::move(*t));
    }
    return done;
  }

  Source& source_;
  const std::vector<found_dict>& found_;
  std::string_view key_;
  std::vector<candidate> candidates_;
  const found_dict* asked_ = nullptr;
  std::string attached_;
  std::deque<std::string> renamed_;  ///< names that do not stand in the file
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_NETWORK_CHOICE_HPP
// ---- rexnet/checkpoint/pickle/pickle.hpp
// A pickle program reduced to data: dictionaries, lists, tuples, strings, numbers, and the few torch objects
// that a state dict is made of. Nothing is imported or called; what is not understood is inert.
// Sources: CPython's pickletools (opcodes); the names that torch.save writes.
#ifndef REXNET_CHECKPOINT_PICKLE_PICKLE_HPP
#define REXNET_CHECKPOINT_PICKLE_PICKLE_HPP

// ---- rexnet/checkpoint/pickle/objects.hpp
// The objects of a pickle: names, what is made by calling them, and their state. Tensors, numpy's arrays and
// dictionaries are made of the few names that globals.hpp lists; all others make boxes.
#ifndef REXNET_CHECKPOINT_PICKLE_OBJECTS_HPP
#define REXNET_CHECKPOINT_PICKLE_OBJECTS_HPP

// ---- rexnet/checkpoint/pickle/globals.hpp
// What the names in a checkpoint's pickle stand for. Tensors come out of the few names that are understood;
// every other name is inert: a box with a label. No name is ever imported, looked up or called.
#ifndef REXNET_CHECKPOINT_PICKLE_GLOBALS_HPP
#define REXNET_CHECKPOINT_PICKLE_GLOBALS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {

namespace detail {

using rexnet::detail::ends_with;

/// What a name is used for.
enum class role : std::uint8_t {
  inert,
  runs_code,     ///< refused, P2
  other_pickle,  ///< refused, M14: pickles that torch.save and numpy do not write
  ordered_dict,
  default_dict,
  plain_tuple,
  rebuild_tensor,
  rebuild_typed,  ///< a tensor with attributes of its own
  rebuild_parameter,
  parameter,
  odd_tensor,
  storage,
  size,
  array,
  array_of_buffer,
  array_class,
  array_type,
  encode
};

[[nodiscard]] constexpr bool is_one_of(std::string_view name,
                                       std::initializer_list<std::string_view> known) noexcept {
  for (const std::string_view k : known)
    if (name == k) return true;
  return false;
}
/// Names that a file has only to make another program run something. Here they are labels like all others:
/// the list is there to warn the user about the file. torch's weights_only has the first four modules.
[[nodiscard]] constexpr bool names_code(std::string_view module, std::string_view name) noexcept {
  if (is_one_of(module, {"os",           "posix",
                         "nt",           "sys",
                         "subprocess",   "commands",
                         "popen2",       "pty",
                         "shutil",       "socket",
                         "ctypes",       "_ctypes",
                         "imp",          "runpy",
                         "code",         "codeop",
                         "pdb",          "bdb",
                         "marshal",      "pickle",
                         "_pickle",      "cPickle",
                         "webbrowser",   "requests",
                         "torch.hub",    "importlib",
                         "requests.api", "urllib.request",
                         "urllib2",      "torch.utils.cpp_extension"}) ||
      is_one_of(module.substr(0, module.find('.')), {"importlib", "ctypes", "pip"}))
    return true;
  // Protocol 2 has Python 2's name of the module.
  if (module == "builtins" || module == "__builtin__")
    return is_one_of(
        name.substr(0, name.find('.')),
        {"eval", "exec", "execfile", "compile", "open", "file", "input", "raw_input", "__import__",
         "breakpoint", "globals", "locals", "vars", "setattr", "delattr", "apply"});
  return (is_one_of(module, {"torch", "torch.serialization", "torch.jit"}) && name == "load") ||
         (module == "types" && is_one_of(name, {"CodeType", "FunctionType"})) ||
         (is_one_of(module, {"io", "_io", "codecs"}) && is_one_of(name, {"open", "open_code", "FileIO"}));
}

/// torch's own names.
[[nodiscard]] constexpr role torch_role(std::string_view module, std::string_view name) noexcept {
  if (module == "torch._utils") {
    if (is_one_of(name, {"_rebuild_tensor_v2", "_rebuild_tensor"})) return role::rebuild_tensor;
    if (is_one_of(name, {"_rebuild_parameter", "_rebuild_parameter_with_state"}))
      return role::rebuild_parameter;
    return name.substr(0, 9) == "_rebuild_" ? role::odd_tensor : role::inert;
  }
  if (module == "torch._tensor" && name == "_rebuild_from_type_v2") return role::rebuild_typed;
  if (module == "torch.nn.parameter" && name == "Parameter") return role::parameter;
  if (module == "torch.storage" && name == "_load_from_bytes") return role::other_pickle;
  if (is_one_of(module, {"torch", "torch.storage", "torch.cuda"}) && ends_with(name, "Storage") &&
      name.size() > 7)
    return role::storage;
  if (module == "torch" && name == "Size") return role::size;
  if (is_one_of(module, {"torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse"}) &&
      ends_with(name, "Tensor"))
    return role::odd_tensor;
  return role::inert;
}

[[nodiscard]] constexpr role role_of(std::string_view module, std::string_view name) noexcept {
  if (names_code(module, name)) return role::runs_code;
  if (module.substr(0, 5) == "torch") return torch_role(module, name);
  if (module == "collections")
    return name == "OrderedDict"   ? role::ordered_dict
           : name == "defaultdict" ? role::default_dict
                                   : role::inert;
  if (module == "builtins" || module == "__builtin__")
    return name == "tuple" ? role::plain_tuple : role::inert;
  if (is_one_of(module, {"numpy.core.multiarray", "numpy._core.multiarray"}))
    return name == "_reconstruct" ? role::array : role::inert;
  if (is_one_of(module, {"numpy.core.numeric", "numpy._core.numeric"}))
    return name == "_frombuffer" ? role::array_of_buffer : role::inert;
  if (module == "numpy")
    return name == "dtype" ? role::array_type : name == "ndarray" ? role::array_class : role::inert;
  if (module == "_codecs") return name == "encode" ? role::encode : role::inert;
  return module.substr(0, module.find('.')) == "joblib" ? role::other_pickle : role::inert;
}

}  // namespace detail

}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_GLOBALS_HPP
// ---- rexnet/checkpoint/pickle/state.hpp
// What a pickle's opcodes work on: the bytes that are left, the values, the stack and the memo. Each byte of
// the program adds a bounded number of bytes to each.
#ifndef REXNET_CHECKPOINT_PICKLE_STATE_HPP
#define REXNET_CHECKPOINT_PICKLE_STATE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {
namespace detail {

class machine_state {
 protected:
  explicit machine_state(byte_span bytes) : bytes_(bytes) {}
  [[nodiscard]] static error underflow() { return fail(errc::pickle_stack_underflow, "stack underflow"); }

  result<std::uint64_t> number(int bytes) {
    if (bytes_.size() - at_ < static_cast<std::size_t>(bytes))
      return fail(errc::pickle_length, "the program ends within an opcode");
    std::uint64_t bits = 0;
    for (int i = bytes; i-- > 0;) bits = bits << 8 | bytes_[at_ + static_cast<std::size_t>(i)];
    at_ += static_cast<std::size_t>(bytes);
    return bits;
  }
  result<std::string_view> take(std::uint64_t length) {
    if (length > bytes_.size() - at_)
      return fail(errc::pickle_length, "a string of " + std::to_string(length) + " bytes, " +
                                           std::to_string(bytes_.size() - at_) + " are left");
    const auto taken = rexnet::detail::text(bytes_.subspan(at_, static_cast<std::size_t>(length)));
    at_ += static_cast<std::size_t>(length);
    return taken;
  }
  result<std::string_view> line() {
    for (std::size_t i = at_; i < bytes_.size(); ++i)
      if (bytes_[i] == '\n') {
        auto taken = take(i - at_);
        ++at_;
        return taken;
      }
    return fail(errc::pickle_length, "a line without end");
  }

  value& push(kind k) {
    stack_.push_back(static_cast<std::uint32_t>(p_.values.size()));
    p_.values.emplace_back();
    p_.values.back().type = k;
    return p_.values.back();
  }
  /// A value that nothing can change: one serves all of its kind, so that a byte of the program costs a place
  /// on the stack only. @param k none, boolean, tuple (empty) or mark
  void push_constant(kind k, bool truth = false) {
    std::uint32_t& known = constants_[2 * static_cast<std::size_t>(k) + (truth ? 1 : 0)];
    if (known != 0) return stack_.push_back(known - 1);
    push(k).integer = truth ? 1 : 0;
    known = stack_.back() + 1;
  }
  void push_integer(std::int64_t integer) { push(kind::integer).integer = integer; }
  /// The top value, which is no mark; `ok` false on underflow.
  bool pop(std::uint32_t& index) {
    if (stack_.empty() || p_[stack_.back()].type == kind::mark) return false;
    index = stack_.back();
    stack_.pop_back();
    return true;
  }
  /// Everything above the last mark; the mark goes, too.
  bool pop_to_mark(std::vector<std::uint32_t>& items) {
    std::size_t i = stack_.size();
    while (i > 0 && p_[stack_[i - 1]].type != kind::mark) --i;
    if (i == 0) return false;
    items.assign(stack_.begin() + static_cast<std::ptrdiff_t>(i), stack_.end());
    stack_.resize(i - 1);
    --marks_;
    return true;
  }

  status put(int bytes) {
    auto slot = number(bytes);
    return slot ? put_value(*slot) : status(slot.error());
  }
  status put_value(std::uint64_t slot) {
    if (stack_.empty()) return underflow();
    // Python numbers its memo from 0 without gaps; a slot far beyond only takes memory.
    if (slot > at_ + 256 || slot >= max_memo)
      return fail(errc::pickle_memo,
                  "memo slot " + std::to_string(slot) + ", " + std::to_string(memo_.size()) + " are in use");
    if (slot >= memo_.size()) memo_.resize(static_cast<std::size_t>(slot) + 1, no_value);
    memo_[static_cast<std::size_t>(slot)] = stack_.back();
    return done;
  }
  status get(int bytes) {
    auto slot = number(bytes);
    if (!slot) return slot.error();
    if (*slot >= memo_.size() || memo_[static_cast<std::size_t>(*slot)] == no_value)
      return fail(errc::pickle_memo, "memo slot " + std::to_string(*slot) + " is empty");
    stack_.push_back(memo_[static_cast<std::size_t>(*slot)]);
    if (p_[stack_.back()].type == kind::mark) return fail(errc::pickle_memo, "a mark in the memo");
    return done;
  }

  static constexpr std::uint32_t no_value = 0xffffffffu;
  byte_span bytes_;
  std::size_t at_ = 0;
  program p_;
  std::vector<std::uint32_t> stack_, memo_;
  int marks_ = 0;

 private:
  /// By kind and truth: the index of push_constant()'s value, plus 1.
  std::uint32_t constants_[2 * static_cast<std::size_t>(kind::mark) + 2] = {};
};

}  // namespace detail
}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_STATE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {
namespace detail {

using rexnet::detail::in_quotes;

class machine_objects : protected machine_state {
 protected:
  explicit machine_objects(byte_span bytes) : machine_state(bytes) {}

  /// Boxes drop the state, arguments and items that they are given.
  [[nodiscard]] bool is_box(std::uint32_t index) const {
    return p_[index].type == kind::inert || p_[index].type == kind::module;
  }

  status global() {
    auto module = line();
    if (!module) return module.error();
    auto name = line();
    if (!name) return name.error();
    const auto index = static_cast<std::uint32_t>(p_.values.size());
    push(kind::string).text = *module;
    stack_.pop_back();
    return push_global(index, *name);
  }
  status stack_global() {
    std::uint32_t module, name;
    if (!pop(name) || !pop(module)) return underflow();
    if (p_[name].type != kind::string || p_[module].type != kind::string)
      return fail(errc::pickle_global, "a global whose name is no string");
    return push_global(module, p_[name].text);
  }
  status push_global(std::uint32_t module, std::string_view name) {
    const role r = role_of(p_[module].text, name);
    value v;
    v.type = kind::global;
    v.text = name;
    v.integer = static_cast<std::int64_t>(r);
    v.items = {module};
    if (r == role::runs_code)
      return fail(errc::pickle_global,
                  "refers to " + in_quotes(p_.full_name(v)) + ", which is not part of a checkpoint's data");
    if (r == role::other_pickle)
      return fail(errc::model_other_format,
                  "refers to " + in_quotes(p_.full_name(v)) +
                      ", written by joblib or pickle.dump: read the file with Python and write it with "
                      "torch.save or safetensors");
    push(kind::global) = std::move(v);
    return done;
  }

  status persistent() {
    std::uint32_t id;
    if (!pop(id)) return underflow();
    const value& v = p_[id];
    // Legacy files keep the source text of a module's class beside it.
    if (v.type == kind::tuple && v.items.size() == 4 && p_[v.items[0]].text == "module") {
      stack_.push_back(v.items[1]);
      return done;
    }
    const bool fits = v.type == kind::tuple && (v.items.size() == 5 || v.items.size() == 6) &&
                      p_[v.items[0]].text == "storage" && role_at(v.items[1]) == role::storage &&
                      p_[v.items[2]].type == kind::string && p_[v.items[4]].type == kind::integer;
    if (!fits) return fail(errc::pickle_reduce, "a persistent id that is no storage");
    if (p_[v.items[2]].text.size() > max_key_bytes)
      return fail(errc::pickle_length, "a storage's key of " + std::to_string(p_[v.items[2]].text.size()) +
                                           " bytes, at most " + std::to_string(max_key_bytes));
    std::vector<std::uint32_t> items = v.items;
    push(kind::storage).items = std::move(items);
    return done;
  }

  /// REDUCE and NEWOBJ: a name and a tuple of arguments.
  status reduce() {
    std::uint32_t arguments, callee;
    if (!pop(arguments) || !pop(callee)) return underflow();
    if ((p_[callee].type != kind::global && !is_box(callee)) || p_[arguments].type != kind::tuple)
      return fail(errc::pickle_reduce, "REDUCE of something that is no name with a tuple");
    // Eight arguments are the most that anything below takes: a long tuple is never copied.
    const std::size_t given = p_[arguments].items.size();
    const std::vector<std::uint32_t> items = given <= 8 ? p_[arguments].items : std::vector<std::uint32_t>();
    return make(callee, given, items);
  }
  /// NEWOBJ_EX: with keywords, which only classes that are not understood take.
  status new_object() {
    std::uint32_t keywords, arguments, callee;
    if (!pop(keywords) || !pop(arguments) || !pop(callee)) return underflow();
    if (p_[callee].type != kind::global || p_[keywords].type != kind::dict ||
        p_[arguments].type != kind::tuple)
      return fail(errc::pickle_reduce, "NEWOBJ_EX of something that is no name with a tuple and a dict");
    if (role_at(callee) != role::inert)
      return fail(errc::pickle_reduce, "NEWOBJ_EX of " + in_quotes(p_[callee].text));
    return push_box(callee);
  }

  /// State for an object: taken for OrderedDict (torch puts _metadata there), numpy's objects and boxes.
  status build() {
    std::uint32_t state;
    if (!pop(state) || stack_.empty()) return underflow();
    value& target = p_.values[stack_.back()];
    switch (target.type) {
      case kind::dict:
        if (p_[state].type == kind::dict) return done;
        break;
      case kind::inert:
        if (is_module_state(p_[state])) target.type = kind::module;
        return done;
      case kind::module:
      case kind::odd_tensor: return done;
      case kind::array:
        if (p_[state].type == kind::tuple) return fill_array(target, p_[state].items);
        break;
      case kind::array_type:
        if (const value& s = p_[state]; s.type == kind::tuple && s.items.size() > 1 &&
                                        p_[s.items[1]].type == kind::string &&
                                        p_[s.items[1]].text.size() == 1)
          target.integer = static_cast<unsigned char>(p_[s.items[1]].text[0]);
        return done;
      default: break;
    }
    return fail(errc::pickle_reduce, "BUILD on something that takes no state");
  }

 private:
  /// What every torch.nn.Module has, and nothing else. All states together are no longer than the program:
  /// when more items than that were searched, one state is used many times, and no more are.
  [[nodiscard]] bool is_module_state(const value& state) {
    if (state.type != kind::dict) return false;
    searched_ += state.items.size();
    return searched_ <= bytes_.size() && p_.find(state, "_parameters") != nullptr &&
           p_.find(state, "_modules") != nullptr;
  }
  [[nodiscard]] role role_at(std::uint32_t index) const {
    return p_[index].type == kind::global ? static_cast<role>(p_[index].integer) : role::inert;
  }
  [[nodiscard]] bool is(std::uint32_t index, kind k) const { return p_[index].type == k; }

  status push_box(std::uint32_t callee, const std::vector<std::uint32_t>& arguments = {}) {
    // What is made of a module wraps it: torch.compile's OptimizedModule. Of what a box made, the class is
    // the box's: chains of them stay short.
    const bool name = p_[callee].type == kind::global;
    std::vector<std::uint32_t> items = name ? std::vector<std::uint32_t>{callee} : p_[callee].items;
    const bool wraps = std::any_of(arguments.begin(), arguments.end(),
                                   [this](std::uint32_t a) { return is(a, kind::module); });
    push(wraps ? kind::module : kind::inert).items = std::move(items);
    return done;
  }
  status push_odd(std::string_view made_by) {
    push(kind::odd_tensor).text = made_by;
    return done;
  }
  status push_same(std::uint32_t index) {
    stack_.push_back(index);
    return done;
  }

  status make(std::uint32_t callee, std::size_t given, const std::vector<std::uint32_t>& items) {
    const std::string_view name = p_[callee].text;
    const auto wrong = [&] { return fail(errc::pickle_reduce, "wrong arguments for " + in_quotes(name)); };
    switch (role_at(callee)) {
      case role::ordered_dict:
        if (given == 1 && is(items[0], kind::list)) return dict_of_pairs(items[0]);
        if (given != 0) return wrong();
        push(kind::dict);
        return done;
      case role::default_dict:
        if (given > 1) return wrong();
        push(kind::dict);
        return done;
      case role::rebuild_tensor:
        if (items.size() < 4 || !is(items[0], kind::storage) || !is(items[1], kind::integer) ||
            !is(items[2], kind::tuple) || !is(items[3], kind::tuple))
          return wrong();
        push(kind::tensor).items = items;
        return done;
      case role::rebuild_typed: return rebuild_typed(name, items);
      case role::rebuild_parameter:
        if (items.empty() || (!is_tensor(p_[items[0]].type) && !is_box(items[0]))) return wrong();
        return is_box(items[0]) ? push_odd(name) : push_same(items[0]);
      case role::parameter:
        if (!items.empty() && is_tensor(p_[items[0]].type)) return push_same(items[0]);
        return push_odd(name);
      case role::odd_tensor: return push_odd(name);
      case role::size:
        if (items.size() != 1 || !is(items[0], kind::tuple)) return wrong();
        return push_same(items[0]);
      case role::plain_tuple:
        // paddle.save writes a tensor among other things as tuple((name, array)).
        if (items.size() == 1 && is(items[0], kind::tuple) && p_[items[0]].items.size() == 2 &&
            is(p_[items[0]].items[0], kind::string) && is(p_[items[0]].items[1], kind::array))
          return push_same(p_[items[0]].items[1]);
        return push_box(callee);
      case role::array:
        if (items.empty() || role_at(items[0]) != role::array_class) return push_box(callee);
        push(kind::array);
        return done;
      case role::array_of_buffer: return array_of_buffer(items);
      case role::array_type:
        if (items.empty() || !is(items[0], kind::string)) return push_box(callee);
        push(kind::array_type).text = p_[items[0]].text;
        return done;
      case role::encode:
        if (items.size() != 2 || !is(items[0], kind::string) || p_[items[1]].text != "latin1")
          return push_box(callee);
        push(kind::encoded).text = p_[items[0]].text;
        return done;
      case role::inert: return push_box(callee, items);
      default: return fail(errc::pickle_reduce, "REDUCE of " + in_quotes(name));
    }
  }

  /// _rebuild_from_type_v2(function, class, its arguments, state): a tensor with attributes of its own.
  status rebuild_typed(std::string_view name, const std::vector<std::uint32_t>& items) {
    if (items.size() == 4 && is(items[2], kind::tuple) && p_[items[2]].items.size() <= 8 &&
        is(items[1], kind::global) &&
        is_one_of(p_.full_name(p_[items[1]]),
                  {"torch.Tensor", "torch._tensor.Tensor", "torch.nn.parameter.Parameter"}) &&
        (role_at(items[0]) == role::rebuild_tensor || role_at(items[0]) == role::rebuild_parameter)) {
      const std::vector<std::uint32_t> arguments = p_[items[2]].items;
      return make(items[0], arguments.size(), arguments);
    }
    return push_odd(name);
  }

  /// The state of an array: version, shape, type, Fortran order, data.
  status fill_array(value& array, const std::vector<std::uint32_t>& state) {
    if (state.size() != 5 || !is(state[1], kind::tuple) || !is(state[3], kind::boolean))
      return fail(errc::pickle_reduce, "wrong state for a numpy array");
    set_array(array, state[1], state[2], state[4], p_[state[3]].integer != 0);
    return done;
  }
  /// Protocol 5: the data, type, shape, order.
  status array_of_buffer(const std::vector<std::uint32_t>& items) {
    if (items.size() != 4 || !is(items[2], kind::tuple) || !is(items[3], kind::string))
      return fail(errc::pickle_reduce, "wrong arguments for \"_frombuffer\"");
    set_array(push(kind::array), items[2], items[1], items[0], p_[items[3]].text == "F");
    return done;
  }
  /// An array of objects, strings or records is no tensor, but something that lies beside them.
  void set_array(value& array, std::uint32_t shape, std::uint32_t type, std::uint32_t data, bool fortran) {
    const bool plain = is(type, kind::array_type) && (is(data, kind::string) || is(data, kind::encoded)) &&
                       !p_[type].text.empty() &&
                       std::string_view("fiubc").find(p_[type].text[0]) != std::string_view::npos;
    array.type = plain ? kind::array : kind::inert;
    array.integer = fortran ? 1 : 0;
    array.items = plain ? std::vector<std::uint32_t>{shape, type, data} : std::vector<std::uint32_t>();
  }

  /// Python 2 wrote OrderedDict([[key, value], ...]), each with a list of its own. All such lists together
  /// are no longer than the program; one list that is used many times could add up to more.
  status dict_of_pairs(std::uint32_t list) {
    copied_ += 2 * p_[list].items.size();
    if (copied_ > bytes_.size())
      return fail(errc::pickle_length, std::to_string(copied_) + " items of OrderedDicts in a program of " +
                                           std::to_string(bytes_.size()) + " bytes");
    std::vector<std::uint32_t> flat;
    for (const std::uint32_t pair : p_[list].items) {
      const value& v = p_[pair];
      if ((v.type != kind::list && v.type != kind::tuple) || v.items.size() != 2)
        return fail(errc::pickle_reduce, "wrong arguments for \"OrderedDict\"");
      flat.insert(flat.end(), v.items.begin(), v.items.end());
    }
    push(kind::dict).items = std::move(flat);
    return done;
  }

  std::size_t copied_ = 0;    ///< items of Python 2's OrderedDicts
  std::size_t searched_ = 0;  ///< items of states
};

}  // namespace detail
}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_OBJECTS_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {
namespace detail {

class machine : machine_objects {
 public:
  explicit machine(byte_span bytes) : machine_objects(bytes) {}

  result<program> run() {
    while (at_ < bytes_.size()) {
      const std::size_t opcode_at = at_;
      const unsigned char op = bytes_[at_++];
      if (op == '.') {
        if (stack_.size() != 1)
          return fail(errc::pickle_stack_underflow,
                      "STOP with " + std::to_string(stack_.size()) + " values on the stack");
        p_.root = stack_.back();
        p_.consumed = at_;
        if (p_[p_.root].type == kind::mark) return fail(errc::pickle_stack_underflow, "STOP on a mark");
        if (status s = check_shape(p_); !s) return s.error();
        return std::move(p_);
      }
      if (p_.values.size() >= max_values)
        return fail(errc::pickle_length, "more than " + std::to_string(max_values) + " values");
      if (status s = step(op); !s)
        return error(s.code(), s.error().message() + " (opcode " + std::to_string(op) + " at byte " +
                                   std::to_string(opcode_at) + ")");
    }
    return fail(errc::pickle_no_stop,
                "the program of " + std::to_string(bytes_.size()) + " bytes ends without STOP");
  }

 private:
  /// The opcodes that are allowed, by their names in pickletools: program and stack, memo, plain values,
  /// containers, objects.
  status step(unsigned char op) {
    switch (op) {
      case 0x80: return protocol();                     // PROTO
      case 0x95: return skip_number(8);                 // FRAME
      case '(': return mark();                          // MARK
      case '0': return drop();                          // POP
      case '1': return drop_to_mark();                  // POP_MARK
      case 'q': return put(1);                          // BINPUT
      case 'r': return put(4);                          // LONG_BINPUT
      case 0x94: return memoize();                      // MEMOIZE
      case 'h': return get(1);                          // BINGET
      case 'j': return get(4);                          // LONG_BINGET
      case 'N': return constant(kind::none);            // NONE
      case 0x88: return constant(kind::boolean, true);  // NEWTRUE
      case 0x89: return constant(kind::boolean);        // NEWFALSE
      case 'K': return sized_integer(1);                // BININT1
      case 'M': return sized_integer(2);                // BININT2
      case 'J': return sized_integer(4);                // BININT
      case 0x8a: return long_integer(1);                // LONG1
      case 0x8b: return long_integer(4);                // LONG4
      case 'G': return real();                          // BINFLOAT
      case 'X': return string(4, true);                 // BINUNICODE
      case 0x8c: return string(1, true);                // SHORT_BINUNICODE
      case 0x8d: return string(8, true);                // BINUNICODE8
      case 'U':                                         // SHORT_BINSTRING
      case 'C': return string(1, false);                // SHORT_BINBYTES
      case 'T':                                         // BINSTRING
      case 'B': return string(4, false);                // BINBYTES
      case 0x8e:                                        // BINBYTES8
      case 0x96: return string(8, false);               // BYTEARRAY8
      case '}': return fresh(kind::dict);               // EMPTY_DICT
      case ']': return fresh(kind::list);               // EMPTY_LIST
      case 0x8f: return fresh(kind::inert);             // EMPTY_SET, in training scripts' files
      case ')': return constant(kind::tuple);           // EMPTY_TUPLE
      case 0x85: return small_tuple(1);                 // TUPLE1
      case 0x86: return small_tuple(2);                 // TUPLE2
      case 0x87: return small_tuple(3);                 // TUPLE3
      case 't': return from_mark(kind::tuple);          // TUPLE
      case 'l': return from_mark(kind::list);           // LIST
      case 'd': return from_mark(kind::dict);           // DICT
      case 'a': return append(false);                   // APPEND
      case 'e': return append(true);                    // APPENDS
      case 's': return set_items(false);                // SETITEM
      case 'u': return set_items(true);                 // SETITEMS
      case 0x90: return add_items();                    // ADDITEMS
      case 0x91: return frozen_set();                   // FROZENSET
      case 'c': return global();                        // GLOBAL
      case 0x93: return stack_global();                 // STACK_GLOBAL
      case 'Q': return persistent();                    // BINPERSID
      case 'R':                                         // REDUCE
      case 0x81: return reduce();                       // NEWOBJ
      case 0x92: return new_object();                   // NEWOBJ_EX
      case 'b': return build();                         // BUILD
      default: return fail(errc::pickle_opcode, "opcode is not allowed");
    }
  }

  status protocol() {
    auto version = number(1);
    if (!version) return version.error();
    if (*version < 2 || *version > 5)
      return fail(errc::pickle_opcode, "protocol " + std::to_string(*version));
    return done;
  }
  status mark() {
    if (++marks_ > max_depth)
      return fail(errc::pickle_depth, "more than " + std::to_string(max_depth) + " open marks");
    push_constant(kind::mark);
    return done;
  }
  status drop() {
    std::uint32_t dropped;
    return pop(dropped) ? status(done) : status(underflow());
  }
  status drop_to_mark() {
    std::vector<std::uint32_t> dropped;
    return pop_to_mark(dropped) ? status(done) : status(underflow());
  }
  status memoize() { return put_value(static_cast<std::uint64_t>(memo_.size())); }
  status constant(kind type, bool truth = false) {
    push_constant(type, truth);
    return done;
  }
  status fresh(kind type) {
    push(type);
    return done;
  }
  status skip_number(int bytes) {
    auto skipped = number(bytes);
    return skipped ? status(done) : status(skipped.error());
  }
  status sized_integer(int bytes) {
    auto bits = number(bytes);
    if (!bits) return bits.error();
    push_integer(bytes == 4 ? static_cast<std::int32_t>(*bits) : static_cast<std::int64_t>(*bits));
    return done;
  }
  status long_integer(int length_bytes) {
    auto length = number(length_bytes);
    if (!length) return length.error();
    auto digits = take(*length);
    if (!digits) return digits.error();
    if (*length > 8) {  // larger than any size: seeds of training scripts, the magic number of legacy files
      push(kind::inert).text = *digits;
      return done;
    }
    std::uint64_t bits = 0;
    for (std::size_t i = digits->size(); i-- > 0;)
      bits = bits << 8 | static_cast<unsigned char>((*digits)[i]);
    if (!digits->empty() && (static_cast<unsigned char>(digits->back()) & 0x80u) != 0 && *length < 8)
      bits |= ~std::uint64_t{0} << (8 * *length);
    push_integer(static_cast<std::int64_t>(bits));
    return done;
  }
  status real() {
    auto bytes = take(8);
    if (!bytes) return bytes.error();
    std::uint64_t bits = 0;
    for (const char byte : *bytes) bits = bits << 8 | static_cast<unsigned char>(byte);
    push(kind::real).integer = static_cast<std::int64_t>(bits);
    return done;
  }
  status string(int length_bytes, bool utf8) {
    auto length = number(length_bytes);
    if (!length) return length.error();
    auto bytes = take(*length);
    if (!bytes) return bytes.error();
    if (utf8 && !rexnet::detail::is_utf8(*bytes))
      return fail(errc::pickle_utf8, "the string " + in_quotes(*bytes) + " is not valid UTF-8");
    push(kind::string).text = *bytes;
    return done;
  }
  status small_tuple(int size) {
    std::vector<std::uint32_t> items(static_cast<std::size_t>(size));
    for (std::size_t i = items.size(); i-- > 0;)
      if (!pop(items[i])) return underflow();
    push(kind::tuple).items = std::move(items);
    return done;
  }
  status from_mark(kind type) {
    std::vector<std::uint32_t> items;
    if (!pop_to_mark(items)) return underflow();
    if (type == kind::dict && items.size() % 2 != 0) return fail(errc::pickle_setitem, "a key without value");
    push(type).items = std::move(items);
    return done;
  }
  status append(bool many) {
    std::vector<std::uint32_t> items(1);
    if (many ? !pop_to_mark(items) : !pop(items[0])) return underflow();
    return extend(items, kind::list, "APPEND on something that is no list");
  }
  status set_items(bool many) {
    std::vector<std::uint32_t> items(2);
    if (many ? !pop_to_mark(items) : !(pop(items[1]) && pop(items[0]))) return underflow();
    if (items.size() % 2 != 0) return fail(errc::pickle_setitem, "a key without value");
    return extend(items, kind::dict, "SETITEM on something that is no dict");
  }
  status add_items() {
    std::vector<std::uint32_t> items;
    if (!pop_to_mark(items) || stack_.empty()) return underflow();
    if (is_box(stack_.back())) return done;
    return fail(errc::pickle_setitem, "ADDITEMS on something that is no set");
  }
  status frozen_set() {
    std::vector<std::uint32_t> items;
    if (!pop_to_mark(items)) return underflow();
    push(kind::inert);
    return done;
  }
  status extend(const std::vector<std::uint32_t>& items, kind expected, const char* otherwise) {
    if (stack_.empty() || p_[stack_.back()].type == kind::mark) return underflow();
    value& container = p_.values[stack_.back()];
    if (is_box(stack_.back())) return done;  // a dictionary or list of a class of its own
    if (container.type != expected) return fail(errc::pickle_setitem, otherwise);
    container.items.insert(container.items.end(), items.begin(), items.end());
    return done;
  }
};

}  // namespace detail

/// Interprets one pickle at the start of `bytes`. Views into `bytes`, which must outlive the program.
/// Errors: P1 to P11 of docs/refusals.md, with the opcode and its position. Memory: at most 80 bytes for each
/// byte of the program. Time: a few dozen nanoseconds for each.
[[nodiscard]] inline result<program> read(byte_span bytes) {
  return detail::machine(bytes).run();
}

}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_PICKLE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct torch_storage {
  std::string_view key;
  byte_span data;
};

/// The element type of "FloatStorage" and its kin; null for what is not supported.
[[nodiscard]] inline const dtype* storage_dtype(std::string_view name) noexcept {
  struct entry {
    std::string_view name;
    dtype type;
  };
  static constexpr entry types[] = {{"FloatStorage", dtype::f32}, {"DoubleStorage", dtype::f64},
                                    {"HalfStorage", dtype::f16},  {"BFloat16Storage", dtype::bf16},
                                    {"LongStorage", dtype::i64},  {"IntStorage", dtype::i32},
                                    {"ShortStorage", dtype::i16}, {"CharStorage", dtype::i8},
                                    {"ByteStorage", dtype::u8},   {"BoolStorage", dtype::boolean}};
  for (const entry& e : types)
    if (e.name == name) return &e.type;
  return nullptr;
}

/// Bytes of an element of any storage that torch has had, also of kinds that are not read: legacy files have
/// them one behind the other. 0: none of torch's.
[[nodiscard]] inline int storage_element_bytes(std::string_view name) noexcept {
  if (const dtype* const known = storage_dtype(name)) return dtype_bytes(*known);
  for (const char* one :
       {"UntypedStorage", "QInt8Storage", "QUInt8Storage", "QUInt4x2Storage", "QUInt2x4Storage"})
    if (name == one) return 1;
  return name == "QInt32Storage"          ? 4
         : name == "ComplexFloatStorage"  ? 8
         : name == "ComplexDoubleStorage" ? 16
                                          : 0;
}

class state_dict_reader {
 public:
  /// @param storages sorted by key; byte-exact
  state_dict_reader(const pickle::program& p, const std::vector<torch_storage>& storages,
                    std::uint64_t file_bytes)
      : p_(p), storages_(storages), file_bytes_(file_bytes) {}

  /// @param key "" or the dictionary or prefix that the caller asks for. Errors: those of read_tensor(), T6,
  /// T8 (no dictionary at all), M1 (no tensors), M3, M16, M17, P8 and P11 of names.
  result<torch_content> read(std::string_view key) {
    key_ = key;
    walk();
    if (!found_.empty()) return network_chooser(*this, found_, key).choose(by_order());
    const pickle::value& root = p_[p_.root];
    if (root.type != pickle::kind::dict)
      return error(errc::tensor_unsupported,
                   "the checkpoint holds no dictionary of tensors (a pickled module, a list or a single "
                   "tensor): save model.state_dict()");
    return error(errc::model_missing, "no tensors in the state dict; its keys are " + keys_of(root));
  }

  /// What the tensors that read() gave point into, besides the file.
  [[nodiscard]] decoded_bytes take_decoded() { return std::move(decoded_); }

  // ---- what network_chooser needs ----

  [[nodiscard]] std::vector<named_value> entries(std::uint32_t index) const {
    std::vector<named_value> named;
    const pickle::value& dict = p_[index];
    std::size_t count = 0;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) count += is_entry(dict, i) ? 1 : 0;
    named.reserve(count);
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (is_entry(dict, i)) named.push_back({p_[dict.items[i]].text, dict.items[i + 1]});
    return named;
  }
  [[nodiscard]] result<tensor> tensor_at(std::string name, std::uint32_t value) {
    return read_tensor(std::move(name), p_[value]);
  }
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }

 private:
  [[nodiscard]] bool is_entry(const pickle::value& dict, std::size_t i) const {
    return p_[dict.items[i]].type == pickle::kind::string && pickle::is_tensor(p_[dict.items[i + 1]].type);
  }
  [[nodiscard]] std::string keys_of(const pickle::value& dict) const {
    std::string keys;
    for (std::size_t i = 0; i + 1 < dict.items.size() && i < 12; i += 2)
      keys += (i > 0 ? ", " : "") + in_quotes(p_[dict.items[i]].text);
    return keys.empty() ? "none" : keys;
  }

  // ---- the search ----

  struct step {
    std::uint32_t index;
    std::size_t next;         ///< item to look at
    std::size_t path_length;  ///< of the path to this container
    int rank;                 ///< of this container
  };
  /// Every container that the file's own leads to, once: that one, its entries, then what lies deeper, in the
  /// file's order.
  void walk() {
    seen_.assign(p_.values.size(), 0);
    if (!is_container(p_.root)) return;
    if (p_[p_.root].type == pickle::kind::dict) {
      count(p_.root, rank::top);
      count_entries(p_[p_.root]);
    }
    descend();
    if (larger_.tensors > 0) found_.push_back(std::move(larger_));
    settle_mmengine();
  }
  /// Of several keys of one dictionary the one that is asked for counts, or that of the lowest rank.
  void count_entries(const pickle::value& root) {
    struct entry {
      std::uint32_t index;
      int rank;
      std::size_t item;
    };
    std::vector<entry> entries;
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const pickle::value& key = p_[root.items[i]];
      const std::uint32_t index = root.items[i + 1];
      if (key.type != pickle::kind::string || p_[index].type != pickle::kind::dict || index == p_.root)
        continue;
      entries.push_back({index, !key_.empty() && key.text == key_ ? -1 : rank_of_key(key.text), i});
    }
    std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) {
      return std::tie(a.index, a.rank, a.item) < std::tie(b.index, b.rank, b.item);
    });
    entries.erase(std::unique(entries.begin(), entries.end(),
                              [](const entry& a, const entry& b) { return a.index == b.index; }),
                  entries.end());
    std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) { return a.item < b.item; });
    for (const entry& e : entries) {
      const std::string_view key = p_[root.items[e.item]].text;
      path_.clear();
      append(std::string(key.substr(0, 256)));
      count(e.index, rank_of_key(key));
    }
    path_.clear();
  }
  void descend() {
    std::vector<step> steps{{p_.root, 0, 0, rank::top}};
    seen_[p_.root] = entered;
    while (!steps.empty()) {
      step& top = steps.back();
      const pickle::value& v = p_[top.index];
      const bool dict = v.type == pickle::kind::dict;
      path_.resize(top.path_length);
      std::size_t at = top.next;
      while (at < v.items.size() && ((dict && at % 2 == 0) || !is_container(v.items[at]))) ++at;
      top.next = at + 1;
      if (at >= v.items.size()) {
        steps.pop_back();
        continue;
      }
      const std::string_view key = dict ? p_[v.items[at - 1]].text : std::string_view();
      append(dict && p_[v.items[at - 1]].type == pickle::kind::string
                 ? std::string(key.substr(0, 256))
                 : "[" + std::to_string(at / (dict ? 2 : 1)) + "]");
      int rank = steps.size() == 1 ? rank_of_key(key) : top.rank;
      if (rank > rank::average && names_an_average(key)) rank = rank::average;
      const std::uint32_t index = v.items[at];
      if (seen_[index] == 0 && p_[index].type == pickle::kind::dict) count(index, rank);
      seen_[index] = entered;
      steps.push_back({index, 0, path_.size(), rank});
    }
  }
  [[nodiscard]] bool is_container(std::uint32_t index) const {
    const pickle::kind type = p_[index].type;
    return (type == pickle::kind::dict || type == pickle::kind::list || type == pickle::kind::tuple) &&
           seen_[index] != entered;
  }
  /// Long paths are cut: one string of the file may stand in thousands of them.
  void append(const std::string& key) {
    if (path_.size() < 256) path_ += (path_.empty() ? "" : ".") + key;
  }
  /// Counts a dictionary's tensors, and keeps it where it may be asked for.
  void count(std::uint32_t index, int rank) {
    const pickle::value& dict = p_[index];
    seen_[index] = counted;
    found_dict d;
    d.dict = index, d.rank = rank;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (is_entry(dict, i)) d.add(p_[dict.items[i]].text, block_at(dict.items[i]));
    if (d.tensors == 0) return;
    bool whole = false;
    for (const found_network& n : d.networks) whole = whole || n.names >= whole_network_names;
    const bool keep = whole || few_ < most_few || path_ == key_;
    if (!keep && d.tensors <= larger_.tensors) return;
    if (!whole && keep) ++few_;
    d.path = path_;
    if (keep)
      found_.push_back(std::move(d));
    else
      larger_ = std::move(d);
  }
  /// block_name_at(), once for each string: thousands of entries may share one.
  [[nodiscard]] std::size_t block_at(std::uint32_t key) {
    const std::string_view name = p_[key].text;
    if (name.size() > 1024) return name.npos;
    if (seen_[key] == 0) {
      const std::size_t at = block_name_at(name);
      seen_[key] = static_cast<std::uint16_t>(at == name.npos ? 1 : at + 2);
    }
    return seen_[key] == 1 ? name.npos : seen_[key] - std::size_t{2};
  }
  /// mmengine swaps the two before it saves: its "state_dict" is the average, "ema_state_dict" is not.
  void settle_mmengine() {
    if (p_[p_.root].type != pickle::kind::dict || p_.find(p_[p_.root], "meta") == nullptr) return;
    for (found_dict& d : found_)
      if (d.path == "ema_state_dict") d.rank = rank::other;
  }
  /// Of a file without a ReXNet the dictionary that timm would take; null where there is none of its names.
  [[nodiscard]] const found_dict* by_order() const {
    const found_dict* best = nullptr;
    for (const found_dict& d : found_)
      if (rank_of_key(d.path) == d.rank && d.rank < rank::top && (best == nullptr || d.rank < best->rank))
        best = &d;
    return best;
  }

  result<tensor> read_tensor(std::string name, const pickle::value& v) {
    if (v.type == pickle::kind::array) return read_array(std::move(name), p_, v, file_bytes_, decoded_);
    if (v.type != pickle::kind::tensor)
      return error(errc::tensor_unsupported,
                   "tensor " + in_quotes(name) + ": " + in_quotes(v.text) +
                       ": quantized, sparse, nested, float8 and meta tensors are not supported; save dense "
                       "float tensors");
    tensor t;
    t.name = std::move(name);
    const pickle::value& storage = p_[v.items[0]];
    const std::string_view type = p_[storage.items[1]].text;
    const dtype* found = storage_dtype(type);
    if (found == nullptr)
      return error(errc::tensor_unsupported,
                   "tensor " + in_quotes(t.name) + ": " + in_quotes(type) +
                       " is not supported (quantized, complex and sparse tensors are not)");
    t.type = *found;
    if (p_[v.items[2]].items.size() > 8)
      return error(errc::tensor_rank, "tensor " + in_quotes(t.name) + ": " +
                                          std::to_string(p_[v.items[2]].items.size()) +
                                          " dimensions, at most 8");
    if (p_[v.items[3]].items.size() != p_[v.items[2]].items.size())
      return error(errc::tensor_rank, "tensor " + in_quotes(t.name) + ": " +
                                          std::to_string(p_[v.items[2]].items.size()) + " dimensions, but " +
                                          std::to_string(p_[v.items[3]].items.size()) + " strides");
    if (storage.items.size() > 5 && p_[storage.items[5]].type != pickle::kind::none)
      return error(errc::tensor_unsupported,
                   "tensor " + in_quotes(t.name) + ": a view of a storage, as torch before 0.4 wrote it");
    for (const auto& [list, out] : {std::pair{v.items[2], &t.shape}, std::pair{v.items[3], &t.strides}})
      for (const std::uint32_t item : p_[list].items) {
        if (p_[item].type != pickle::kind::integer)
          return error(errc::pickle_reduce, "tensor " + in_quotes(t.name) + ": a size that is no integer");
        out->push_back(p_[item].integer);
      }
    const std::string_view key = p_[storage.items[2]].text;
    const auto at =
        std::lower_bound(storages_.begin(), storages_.end(), key,
                         [](const torch_storage& one, std::string_view wanted) { return one.key < wanted; });
    if (at == storages_.end() || at->key != key)
      return error(errc::tensor_storage_size,
                   "tensor " + in_quotes(t.name) + ": storage " + in_quotes(key) + " is not in the file");
    const std::int64_t count = p_[storage.items[4]].integer;
    const checked bytes = checked(count < 0 ? 0 : static_cast<std::uint64_t>(count)) *
                          static_cast<std::uint64_t>(dtype_bytes(t.type));
    if (count < 0 || !bytes.valid() || bytes.get() != at->data.size())
      return error(errc::tensor_storage_size, "tensor " + in_quotes(t.name) + ": storage " + in_quotes(key) +
                                                  " of " + std::to_string(count) + " elements has " +
                                                  std::to_string(at->data.size()) + " bytes");
    if (status s = place_tensor(t, at->data, p_[v.items[1]].integer, file_bytes_); !s) return s.error();
    return t;
  }

  const pickle::program& p_;
  const std::vector<torch_storage>& storages_;
  std::uint64_t file_bytes_;
  decoded_bytes decoded_;
  std::string_view key_;
  static constexpr std::uint16_t counted = 1, entered = 2;
  std::vector<std::uint16_t> seen_;  ///< of a container: these; of a name: 1 or block_name_at() + 2
  std::vector<found_dict> found_;
  std::string path_;
  std::size_t few_ = 0;  ///< dictionaries in found_ that hold no whole network; then the largest alone
  found_dict larger_;
  static constexpr std::size_t most_few = 64;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_STATE_DICT_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The object that stands where a dictionary of tensors is expected, or null: the file's own, or the entry of
/// its dictionary that is a module.
[[nodiscard]] inline const pickle::value* object_instead(const pickle::program& program) {
  const pickle::value& root = program[program.root];
  if (root.type == pickle::kind::module || root.type == pickle::kind::inert) return &root;
  if (root.type != pickle::kind::dict) return nullptr;
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2)
    if (const pickle::value& v = program[root.items[i + 1]]; v.type == pickle::kind::module) return &v;
  return nullptr;
}

[[nodiscard]] inline result<torch_content> finish_torch(const pickle::program& program,
                                                        std::vector<torch_storage>& storages,
                                                        std::uint64_t file_bytes,
                                                        std::string_view wanted = {}) {
  std::sort(storages.begin(), storages.end(),
            [](const torch_storage& a, const torch_storage& b) { return a.key < b.key; });
  state_dict_reader reader(program, storages, file_bytes);
  auto content = reader.read(wanted);
  if (content) content->decoded = reader.take_decoded();
  // Tensors that lie beside a module are no network either: {"model": module, "loss": tensor}.
  const bool network = content ? content->is_network || (!content->state_key.empty() &&
                                                         rank_of_key(content->state_key) < rank::top)
                               : content.code() != errc::model_missing;
  const pickle::value* const object = object_instead(program);
  if (object == nullptr || (network && program[program.root].type == pickle::kind::dict)) return content;
  const std::string name = in_quotes(program.full_name(*object));
  if (object->type == pickle::kind::module)
    return error(errc::model_pickled_module, "a pickled module of the class " + name +
                                                 ", which only its program can open: save "
                                                 "model.state_dict() with torch.save instead");
  return error(errc::tensor_unsupported, "the checkpoint holds an object of the class " + name +
                                             " and no dictionary of tensors: save a plain dict");
}

/// The ZIP form: <prefix>/data.pkl, <prefix>/data/<key>, <prefix>/byteorder.
[[nodiscard]] inline result<torch_content> read_torch_zip(byte_span file, std::string_view wanted = {}) {
  auto listed = zip_reader(file).list();
  if (!listed) return listed.error();
  if (status s = refuse_by_names(archive_signs, *listed); !s) return s.error();
  std::string prefix;
  const zip_entry* pickled = nullptr;
  for (const zip_entry& e : *listed) {
    if (!fits("data.pkl", e.name)) continue;
    if (pickled != nullptr)
      return error(errc::zip_malformed, "two entries are named data.pkl: " + in_quotes(pickled->name) +
                                            " and " + in_quotes(e.name));
    pickled = &e;
    prefix = std::string(e.name.substr(0, e.name.size() - 8));
  }
  if (pickled == nullptr) {
    if (status s = refuse_by_names(other_archive_signs, *listed); !s) return s.error();
    return error(errc::unknown_format, "a zip archive without data.pkl: not a torch checkpoint");
  }
  const byte_span bytes = pickled->data;
  auto entries = stored_entries(std::move(*listed));
  if (!entries) return entries.error();
  std::vector<torch_storage> storages;
  for (const zip_entry& e : *entries) {
    if (e.name.size() < prefix.size() || e.name.substr(0, prefix.size()) != prefix) continue;
    const std::string_view rest = e.name.substr(prefix.size());
    if (rest == "byteorder" && text(e.data) != "little")
      return error(errc::tensor_big_endian,
                   "byte order " + in_quotes(text(e.data)) + ": only little-endian checkpoints are read");
    if (rest.substr(0, 5) == "data/") storages.push_back({rest.substr(5), e.data});
  }
  auto program = pickle::read(bytes);
  if (!program) return program.error();
  return finish_torch(*program, storages, file.size(), wanted);
}

/// Does the file begin with a pickle? The magic number is checked later.
[[nodiscard]] inline bool is_torch_legacy(byte_span file) noexcept {
  return file.size() > 2 && file[0] == 0x80 && file[1] >= 2 && file[1] <= 5;
}

/// A pickle and nothing else. Those of numpy's arrays are read.
[[nodiscard]] inline result<torch_content> read_plain_pickle(const pickle::program& program, byte_span file,
                                                             std::string_view wanted) {
  std::vector<torch_storage> none;
  auto content = finish_torch(program, none, file.size(), wanted);
  const error other(errc::legacy_magic,
                    "a pickle, but not one of torch.save: it does not begin with torch's magic number");
  if (content && program.consumed != file.size())
    return error(errc::legacy_magic, "a pickle of numpy arrays, behind which " +
                                         std::to_string(file.size() - program.consumed) + " bytes follow");
  if (!content &&
      (content.code() == errc::model_missing || program[program.root].type != pickle::kind::dict) &&
      content.code() != errc::model_pickled_module)
    return other;
  if (content) content->container = "pickle";
  return content;
}

/// The legacy form: five pickles (magic, protocol, system, object, storage keys), then for each key an int64
/// element count and the elements.
class legacy_reader {
 public:
  explicit legacy_reader(byte_span file) : file_(file) {}

  result<torch_content> read(std::string_view wanted) {
    if (status s = read_pickle(magic); !s) return s.error();
    if (root(magic).text != magic_number) return read_plain_pickle(pickles_[magic], file_, wanted);
    for (const int which : {protocol, system, object, keys})
      if (status s = read_pickle(which); !s) return s.error();
    if (status s = check_origin(); !s) return s.error();
    if (status s = find_element_sizes(); !s) return s.error();
    if (status s = find_storages(); !s) return s.error();
    auto content = finish_torch(pickles_[object], storages_, file_.size(), wanted);
    if (content) content->container = "torch legacy";
    return content;
  }

 private:
  enum : int { magic, protocol, system, object, keys, pickle_count };
  // 0x1950a86a20f9469cfc6c
  static constexpr std::string_view magic_number = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

  [[nodiscard]] static error fail(errc code, const std::string& what) {
    return {code, "legacy torch file: " + what};
  }
  [[nodiscard]] const pickle::value& root(int which) const { return pickles_[which][pickles_[which].root]; }

  status read_pickle(int which) {
    auto read = pickle::read(file_.subspan(at_, file_.size() - at_));
    if (!read)
      return which > 0 && at_ + 2 >= file_.size()
                 ? fail(errc::legacy_truncated, "ends after pickle " + std::to_string(which))
                 : read.error();
    at_ += read->consumed;
    pickles_[which] = std::move(*read);
    return done;
  }

  [[nodiscard]] status check_origin() const {
    const pickle::value& version = root(protocol);
    if (version.type != pickle::kind::integer || version.integer != 1001)
      return fail(errc::legacy_magic, "protocol " + std::to_string(version.integer) + ", expected 1001");
    const pickle::value* little = pickles_[system].find(root(system), "little_endian");
    if (little != nullptr && little->integer == 0)
      return fail(errc::tensor_big_endian, "written on a big-endian machine");
    return done;
  }

  /// The element size of a storage is known from the tensors that use it.
  status find_element_sizes() {
    const pickle::program& tensors = pickles_[object];
    for (const pickle::value& v : tensors.values)
      if (v.type == pickle::kind::storage) {
        const std::string_view type = tensors[v.items[1]].text;
        const int bytes = storage_element_bytes(type);
        if (bytes == 0) return fail(errc::tensor_unsupported, in_quotes(type) + " is not supported");
        element_sizes_.emplace_back(tensors[v.items[2]].text, bytes);
      }
    std::sort(element_sizes_.begin(), element_sizes_.end());
    element_sizes_.erase(std::unique(element_sizes_.begin(), element_sizes_.end()), element_sizes_.end());
    for (std::size_t i = 1; i < element_sizes_.size(); ++i)
      if (element_sizes_[i].first == element_sizes_[i - 1].first)
        return fail(errc::legacy_storage_count,
                    "storage " + in_quotes(element_sizes_[i].first) + " has elements of two sizes");
    return done;
  }

  /// The storages in the order of their keys, to the end of the file.
  status find_storages() {
    const pickle::value& listed = root(keys);
    if (listed.type != pickle::kind::list) return fail(errc::legacy_storage_count, "no list of storages");
    if (listed.items.size() != element_sizes_.size())
      return fail(errc::legacy_storage_count, std::to_string(listed.items.size()) +
                                                  " storages are listed, tensors use " +
                                                  std::to_string(element_sizes_.size()));
    for (const std::uint32_t item : listed.items)
      if (status s = read_storage(pickles_[keys][item].text); !s) return s;
    if (at_ != file_.size())
      return fail(errc::legacy_storage_count,
                  std::to_string(file_.size() - at_) + " bytes after the last storage");
    return done;
  }
  status read_storage(std::string_view key) {
    const auto size = std::lower_bound(element_sizes_.begin(), element_sizes_.end(), std::pair(key, 0));
    if (size == element_sizes_.end() || size->first != key)
      return fail(errc::legacy_storage_count, "storage " + in_quotes(key) + " belongs to no tensor");
    if (file_.size() - at_ < 8) return fail(errc::legacy_truncated, "ends before storage " + in_quotes(key));
    const checked bytes =
        checked(little_endian<8>(file_.data() + at_)) * static_cast<std::uint64_t>(size->second);
    at_ += 8;
    if (!bytes.at_most(file_.size() - at_))
      return fail(errc::legacy_truncated, "storage " + in_quotes(key) + " reaches beyond the file's " +
                                              std::to_string(file_.size()) + " bytes");
    storages_.push_back({key, file_.subspan(at_, static_cast<std::size_t>(bytes.get()))});
    at_ += static_cast<std::size_t>(bytes.get());
    return done;
  }

  byte_span file_;
  std::size_t at_ = 0;
  pickle::program pickles_[pickle_count];
  std::vector<std::pair<std::string_view, int>> element_sizes_;  ///< by the storage's key, sorted
  std::vector<torch_storage> storages_;
};

[[nodiscard]] inline result<torch_content> read_torch_legacy(byte_span file, std::string_view wanted = {}) {
  return legacy_reader(file).read(wanted);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_TORCH_FILE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

class checkpoint;

namespace detail {
/// The checkpoint of a file, which it keeps; `path` is for errors.
[[nodiscard]] result<checkpoint> own_checkpoint(const std::string& path, result<file_bytes> file,
                                                std::string_view key);
}  // namespace detail

/// What is read: the tensors of the ReXNet that the file holds, under whatever key and prefix
/// (network_choice.hpp has the rule), and of a file without one those of state_dict_ema, model_ema,
/// state_dict, model (timm's order), else of the largest dictionary. Entries that are no tensors (numbers,
/// strings, None, objects of any class) are ignored. Names of PaddleClas and MindCV are translated
/// (foreign_names.hpp). In front of names the network's prefix is removed, of other models "module."
/// and "_orig_mod.", however stacked. Names are distinct. Pruned layers are multiplied out.
///
/// Tensors in the order of the file; their data points into the mapped file (or the caller's memory).
class checkpoint {
 public:
  /// All tensors, as long as the checkpoint lives: not of a temporary, as all that points into it.
  [[nodiscard]] span<const tensor> tensors() const& noexcept {
    return {content_.tensors.data(), content_.tensors.size()};
  }
  [[nodiscard]] span<const tensor> tensors() const&& = delete;
  /// The tensor of this name, or null.
  [[nodiscard]] const tensor* find(std::string_view name) const& noexcept {
    for (const tensor& t : content_.tensors)
      if (t.name == name) return &t;
    return nullptr;
  }
  [[nodiscard]] const tensor* find(std::string_view name) const&& = delete;
  /// "torch zip", "torch legacy", "safetensors", "pickle" (numpy's arrays, PaddleClas) or "mindspore"
  /// (MindCV).
  /// @{
  [[nodiscard]] const std::string& container() const& noexcept { return container_; }
  [[nodiscard]] std::string container() const&& { return container_; }
  /// @}
  /// Which entry of a training file was taken ("state_dict_ema", "model.state_dict"); empty when the file is
  /// a bare state dict.
  /// @{
  [[nodiscard]] const std::string& state_key() const& noexcept { return content_.state_key; }
  [[nodiscard]] std::string state_key() const&& { return content_.state_key; }
  /// @}
  /// What stood in front of all names of the network ("module.model."); empty where nothing did, and for
  /// other models.
  /// @{
  [[nodiscard]] const std::string& prefix() const& noexcept { return content_.prefix; }
  [[nodiscard]] std::string prefix() const&& { return content_.prefix; }
  /// @}
  /// Keys of the other networks that the file holds; each chooses its own when it is given as key.
  /// @{
  [[nodiscard]] const std::vector<std::string>& others() const& noexcept { return content_.others; }
  [[nodiscard]] std::vector<std::string> others() const&& { return content_.others; }
  /// @}
  /// Tensors beside the network in its dictionary, outside of its prefix ("criterion.weight").
  /// @{
  [[nodiscard]] const std::vector<left_out_tensor>& left_out() const& noexcept { return content_.left_out; }
  [[nodiscard]] std::vector<left_out_tensor> left_out() const&& { return content_.left_out; }
  /// @}
  /// What was done that the file does not say, a sentence each: an average that was passed over, layers that
  /// were multiplied out.
  /// @{
  [[nodiscard]] const std::vector<std::string>& notes() const& noexcept { return content_.notes; }
  [[nodiscard]] std::vector<std::string> notes() const&& { return content_.notes; }
  /// @}

  /// What the file says about itself: the strings of safetensors' __metadata__. Empty for torch files.
  [[nodiscard]] span<const std::pair<std::string, std::string>> metadata() const& noexcept {
    return {metadata_.data(), metadata_.size()};
  }
  [[nodiscard]] span<const std::pair<std::string, std::string>> metadata() const&& = delete;

 private:
  friend result<checkpoint> read_checkpoint(byte_span bytes, std::string_view key);
  friend result<network_tensors> identify_network(const checkpoint& c);
  friend result<checkpoint> detail::own_checkpoint(const std::string& path, result<file_bytes> file,
                                                   std::string_view key);
  file_bytes file_;
  detail::torch_content content_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::string container_;
};

namespace detail {

/// safetensors and MindSpore's files are one dictionary, whose names alone tell networks apart.
struct flat_source {
  std::vector<tensor>& tensors;
  std::uint64_t size;

  [[nodiscard]] std::vector<named_value> entries(std::uint32_t) const {
    std::vector<named_value> named;
    named.reserve(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i)
      named.push_back({tensors[i].name, static_cast<std::uint32_t>(i)});
    return named;
  }
  [[nodiscard]] result<tensor> tensor_at(std::string name, std::uint32_t i) const {
    tensor t = tensors[i];
    t.name = std::move(name);
    return t;
  }
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return size; }
};

[[nodiscard]] inline result<torch_content> choose_among(std::vector<tensor>& tensors,
                                                        std::uint64_t file_bytes, std::string_view key) {
  std::vector<found_dict> one(1);
  one[0].rank = rank::top;
  for (const tensor& t : tensors)
    one[0].add(t.name, t.name.size() > 1024 ? t.name.npos : block_name_at(t.name));
  flat_source source{tensors, file_bytes};
  return network_chooser(source, one, key).choose(nullptr);
}

}  // namespace detail

/// Reads a checkpoint from memory, which must outlive it. The format is recognised by content. Memory: at
/// most 100 bytes for each byte of the file (ordinary files: a kilobyte for each tensor). Time: linear.
/// @param key of a dictionary of the file ("model_ema", "model.state_dict"), or the prefix of a network's
/// names ("student."), with or without its dictionary's key in front; empty: the rule decides
/// Errors: everything in docs/refusals.md but M1 to M7 and K; unknown_format names the first bytes.
[[nodiscard]] inline result<checkpoint> read_checkpoint(byte_span bytes, std::string_view key = {}) {
  if (status s = detail::refuse_impostors(bytes); !s) return s.error();
  checkpoint c;
  // safetensors first: a header of 19280 bytes begins with "PK", one of 640 like a pickle.
  if (is_safetensors(bytes)) {
    auto content = read_safetensors(bytes);
    if (!content) return content.error();
    c.container_ = "safetensors";
    c.metadata_ = std::move(content->metadata);
    auto chosen = detail::choose_among(content->tensors, bytes.size(), key);
    if (!chosen) return chosen.error();
    c.content_ = std::move(*chosen);
    return c;
  }
  if (detail::is_mindspore(bytes)) {
    auto tensors = detail::read_mindspore(bytes);
    if (!tensors) return tensors.error();
    auto chosen = detail::choose_among(*tensors, bytes.size(), key);
    if (!chosen) return chosen.error();
    c.container_ = "mindspore";
    c.content_ = std::move(*chosen);
    return c;
  }
  const bool zip = bytes.size() >= 4 && bytes[0] == 'P' && bytes[1] == 'K';
  if (!zip && !detail::is_torch_legacy(bytes)) {
    if (status s = detail::refuse_other_models(bytes); !s) return s.error();
    return detail::unknown_file(bytes);
  }
  auto content = zip ? detail::read_torch_zip(bytes, key) : detail::read_torch_legacy(bytes, key);
  if (!content) return content.error();
  c.container_ = content->container;
  c.content_ = std::move(*content);
  return c;
}

/// identify_network() of a checkpoint's tensors. Errors say under which key and prefix they stand; M2 also
/// for what stands beside the network and may be part of it: anything with two or more dimensions where the
/// network has neither classifier nor a detector's heads, a layer on top of a classifier's classes. With the
/// prefix as key the network is taken without it.
[[nodiscard]] inline result<network_tensors> identify_network(const checkpoint& c) {
  std::string where;
  if (!c.state_key().empty()) where = "key " + detail::in_quotes(c.state_key());
  if (!c.prefix().empty()) where += (where.empty() ? "" : ", ") + ("prefix " + detail::in_quotes(c.prefix()));
  auto m = identify_network(c.tensors());
  if (!m) return where.empty() ? m.error() : m.error().in(where);
  if (c.content_.by_prefix || m->is_detector) return m;
  for (const left_out_tensor& left : c.left_out()) {
    if (left.shape.size() < 2) continue;
    if (m->classifier.classifier.weight != nullptr && left.shape[1] != m->shape().classes) continue;
    return error(errc::model_unexpected,
                 left.name + ": beside the network (" + where + "), shape " + shape_text(left.shape) +
                     ": it may be part of it, a head that no ReXNet has; the key " +
                     detail::in_quotes(c.prefix()) + " takes the network without it (--key)");
  }
  return m;
}
/// The same of a classifier or backbone. Errors: also unsupported (a detector).
[[nodiscard]] inline result<model_tensors> identify(const checkpoint& c) {
  auto n = identify_network(c);
  if (!n) return n.error();
  if (n->is_detector) return error(errc::unsupported, "a detector, not a classifier: see identify_network()");
  return n->classifier;
}
/// Its tensors would be gone.
/// @{
result<network_tensors> identify_network(const checkpoint&& c) = delete;
result<model_tensors> identify(const checkpoint&& c) = delete;
/// @}

namespace detail {

inline result<checkpoint> own_checkpoint(const std::string& path, result<file_bytes> file,
                                         std::string_view key) {
  if (!file) return file.error();
  auto c = read_checkpoint(file->bytes(), key);
  if (!c) return c.error().in(path);
  c->file_ = std::move(*file);
  return c;
}

}  // namespace detail

/// Maps and reads a checkpoint file. It must not shrink while the checkpoint lives: on POSIX the next access
/// would end the program (SIGBUS). @param path UTF-8. @param key as read_checkpoint()'s. Errors: io_error and
/// those of read_checkpoint(), with the path in front.
[[nodiscard]] inline result<checkpoint> open_checkpoint(const std::string& path, std::string_view key = {}) {
  return detail::own_checkpoint(path, file_bytes::map(path), key);
}

/// The same, read into memory instead of mapped: nothing that happens to the file afterwards matters. Errors:
/// also out_of_memory.
[[nodiscard]] inline result<checkpoint> open_checkpoint_copy(const std::string& path,
                                                             std::string_view key = {}) {
  return detail::own_checkpoint(path, file_bytes::read(path), key);
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_CHECKPOINT_HPP
// ---- rexnet/checkpoint/model_config.hpp
// config.json as timm writes it beside the weights (timm.models.save_for_hf, hub folders), and as
// transformers' TimmWrapper does: how pictures are prepared, and the names of the classes.
// Source: timm.data.resolve_data_config and timm.models._hub of timm 1.0.
#ifndef REXNET_CHECKPOINT_MODEL_CONFIG_HPP
#define REXNET_CHECKPOINT_MODEL_CONFIG_HPP

// ---- rexnet/checkpoint/json/json.hpp
// A small JSON reader for configuration files: RFC 8259, and the NaN and Infinity that Python writes. What it
// builds is bounded: 16 MB of text, 262144 values, 32 levels.
#ifndef REXNET_CHECKPOINT_JSON_JSON_HPP
#define REXNET_CHECKPOINT_JSON_JSON_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct json_value {
  enum class kind { null, boolean, number, string, array, object };
  kind type = kind::null;
  bool truth = false;
  std::string text;                                         ///< of a string; a number as it is written
  std::vector<std::pair<std::string, json_value>> members;  ///< of an object; of an array without names

  /// The member of this name, or null; null for what is no object. The last one counts, as in Python.
  [[nodiscard]] const json_value* find(std::string_view name) const noexcept {
    if (type != kind::object) return nullptr;
    for (std::size_t i = members.size(); i-- > 0;)
      if (members[i].first == name) return &members[i].second;
    return nullptr;
  }
  /// The number, correctly rounded whatever the locale; NaN for what is none.
  [[nodiscard]] double number() const {
    if (type != kind::number || text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    const double huge = std::numeric_limits<double>::infinity();
    if (text == "Infinity" || text == "-Infinity") return text[0] == '-' ? -huge : huge;
    std::istringstream in(text);
    in.imbue(std::locale::classic());
    double parsed = 0;
    in >> parsed;  // beyond the largest double: the largest, which passes no check either
    return parsed;
  }
};

class json_reader : private json_cursor {
 public:
  static constexpr std::size_t max_bytes = 16u << 20;
  explicit json_reader(std::string_view text) : json_cursor(text, true) {}

  /// Errors: model_config, with the position.
  result<json_value> read() {
    json_value v;
    if (text_.size() > max_bytes)
      fail("more than " + std::to_string(max_bytes) + " bytes");
    else if (text_.substr(0, 3) == "\xef\xbb\xbf")
      at_ = 3;
    if (failure_.empty() && value(v, 0)) {
      skip();
      if (at_ != text_.size()) fail("text after the value");
    }
    if (!failure_.empty()) return error(errc::model_config, "JSON: " + failure_);
    return v;
  }

 private:
  static constexpr std::size_t max_values = 1u << 18;
  static constexpr int max_levels = 32;

  bool word(std::string_view w) { return text_.substr(at_, w.size()) == w ? at_ += w.size(), true : false; }

  bool value(json_value& v, int level) {
    if (level > max_levels) return fail("nested deeper than " + std::to_string(max_levels));
    if (++values_ > max_values) return fail("more than " + std::to_string(max_values) + " values");
    skip();
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    if (c == '{' || c == '[') return container(v, c, level);
    if (c == '"') return v.type = json_value::kind::string, string(v.text);
    if (word("true") || word("false")) return v.type = json_value::kind::boolean, v.truth = c == 't', true;
    if (word("null")) return true;
    return number(v);
  }
  bool container(json_value& v, char open, int level) {
    v.type = open == '{' ? json_value::kind::object : json_value::kind::array;
    const char close = open == '{' ? '}' : ']';
    ++at_;
    if (peek(close)) return ++at_, true;
    for (;;) {
      v.members.emplace_back();
      auto& [name, member] = v.members.back();
      if (open == '{' && !(string(name) && eat(':'))) return false;
      if (!value(member, level + 1)) return false;
      if (!more(close)) return failure_.empty();
    }
  }
  bool number(json_value& v) {
    v.type = json_value::kind::number;
    const std::size_t start = at_;
    const auto digits = [this] {
      const std::size_t from = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      return at_ > from;
    };
    if (!word("NaN")) {
      word("-");
      if (!word("Infinity")) {
        const std::size_t first = at_;
        bool good = digits() && (text_[first] != '0' || at_ == first + 1);
        if (good && word(".")) good = digits();
        if (good && (word("e") || word("E"))) {
          if (!word("+")) word("-");
          good = digits();
        }
        if (!good) return fail("expected a value");
      }
    }
    v.text = text_.substr(start, at_ - start);
    return v.text.size() < 400 || fail("a number of " + std::to_string(v.text.size()) + " characters");
  }
  std::size_t values_ = 0;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_JSON_JSON_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// What a config.json says.
struct model_config {
  bool applies = false;             ///< it belongs to this network; else only `notes` say something
  preprocessing input;              ///< timm's defaults where it says nothing
  int test_size = 0;                ///< test_input_size, where there is one that differs
  double test_crop_pct = 0;         ///< and the crop for it
  std::vector<std::string> labels;  ///< empty, or one per class
  std::vector<std::string> notes;   ///< what was not taken, and why
};

namespace detail {

class config_reader {
 public:
  explicit config_reader(const config& shape) : shape_(shape) {}

  result<model_config> read(std::string_view text) {
    auto parsed = json_reader(text).read();
    if (!parsed) return not_taken(parsed.error().message());
    const json_value& root = *parsed;
    const json_value* inner = root.find("pretrained_cfg");
    const json_value& cfg = inner != nullptr && inner->type == json_value::kind::object ? *inner : root;
    const json_value* architecture = first(root, cfg, "architecture");
    if (architecture == nullptr || architecture->type != json_value::kind::string)
      return not_taken("it names no architecture, as timm's do");
    if (std::string other = contradiction(architecture->text, first(root, cfg, "num_classes"));
        !other.empty())
      return not_taken(other);
    c_.applies = true;
    picture(cfg);
    if (shape_.classes > 0) labels(root, cfg);
    if (!wrong_.empty()) return error(errc::model_config, wrong_);
    return std::move(c_);
  }

 private:
  using kind = json_value::kind;
  model_config not_taken(const std::string& why) {
    model_config none;
    none.notes.push_back("was not taken: " + why);
    return none;
  }
  void wrong(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }
  /// To timm absent, null, empty and 0 are the same.
  [[nodiscard]] static const json_value* get(const json_value& from, std::string_view name) {
    const json_value* v = from.find(name);
    const bool nothing =
        v == nullptr || v->type == kind::null || (v->type == kind::string && v->text.empty()) ||
        (v->type == kind::array && v->members.empty()) || (v->type == kind::number && v->number() == 0.0);
    return nothing ? nullptr : v;
  }
  [[nodiscard]] static const json_value* first(const json_value& root, const json_value& cfg,
                                               std::string_view name) {
    const json_value* v = get(root, name);
    return v != nullptr ? v : get(cfg, name);
  }
  [[nodiscard]] static std::string shown(const json_value& v) {
    return v.type == kind::string   ? in_quotes(v.text)
           : v.type == kind::number ? v.text.substr(0, 60)
                                    : "no number or text";
  }

  /// Why the file is of another network; empty where it may be of this one.
  [[nodiscard]] std::string contradiction(std::string_view architecture, const json_value* classes) const {
    const std::string_view name = architecture.substr(0, architecture.find('.'));
    std::string digits = std::to_string(shape_.width_hundredths);
    while (digits.size() < 3) digits.insert(digits.begin(), '0');
    const std::string own = (shape_.family == family::rexnetr ? "rexnetr_" : "rexnet_") + digits;
    if (shape_.family == family::lite || name != own)
      return "it is of " + in_quotes(architecture) + ", the tensors are of " + variant_text(shape_);
    if (classes != nullptr && classes->number() != static_cast<double>(shape_.classes))
      return "it is of " + shown(*classes) + " classes, the tensors have " + std::to_string(shape_.classes);
    return {};
  }

  // ---- pictures ----

  /// The side of [3, side, side]; 0 where there is none.
  int side(const json_value& cfg, const char* name) {
    const json_value* v = get(cfg, name);
    if (v == nullptr) return 0;
    double sides[3] = {};
    if (!numbers(v, sides))
      return wrong(std::string(name) + ": expected three numbers, [3, height, width]"), 0;
    const std::string text = std::string(name) + " [" + number_text(sides[0]) + ", " + number_text(sides[1]) +
                             ", " + number_text(sides[2]) + "]";
    if (sides[0] != 3 || sides[1] != sides[2])
      return wrong(text + ": pictures of three channels and equal sides are supported"), 0;
    if (!(sides[1] >= 1 && sides[1] <= 16384) || sides[1] != std::floor(sides[1]))
      return wrong(text + ": a side must be 1 to 16384"), 0;
    return static_cast<int>(sides[1]);
  }
  [[nodiscard]] static bool numbers(const json_value* v, double (&out)[3]) {
    if (v->type != kind::array || v->members.size() != 3) return false;
    for (std::size_t i = 0; i < 3; ++i) {
      if (v->members[i].second.type != kind::number) return false;
      out[i] = v->members[i].second.number();
    }
    return true;
  }
  void fraction(const json_value& cfg, const char* name, double& out) {
    const json_value* v = get(cfg, name);
    if (v == nullptr) return;
    if (v->type != kind::number) return wrong(std::string(name) + " " + shown(*v) + ": must be a number");
    out = v->number();
  }
  void channels(const json_value& cfg, const char* name, std::array<float, 3>& out) {
    const json_value* v = get(cfg, name);
    if (v == nullptr) return;
    double values[3] = {};
    if (!numbers(v, values)) return wrong(std::string(name) + ": expected three numbers");
    // Beyond float's range the conversion would be undefined; the check below refuses either.
    for (std::size_t i = 0; i < 3; ++i)
      out[i] = std::fabs(values[i]) < 1e30 ? static_cast<float>(values[i]) : 1e30f;
    for (std::size_t i = 0; i < 3; ++i)
      if (std::isnan(values[i])) out[i] = std::numeric_limits<float>::quiet_NaN();
  }
  void picture(const json_value& cfg) {
    preprocessing& p = c_.input;
    if (const int size = side(cfg, "input_size"); size > 0) p.input_size = size;
    fraction(cfg, "crop_pct", p.crop_pct);
    channels(cfg, "mean", p.mean);
    channels(cfg, "std", p.std);
    if (const json_value* v = get(cfg, "interpolation")) {
      if (v->type == kind::string && v->text == "bilinear")
        p.interpolation = interpolation::bilinear;
      else if (v->type != kind::string || v->text != "bicubic")
        wrong("interpolation " + shown(*v) + ": bicubic and bilinear are supported");
    }
    if (const json_value* v = get(cfg, "crop_mode");
        v != nullptr && (v->type != kind::string || v->text != "center"))
      wrong("crop_mode " + shown(*v) + ": only \"center\" is supported");
    check(p);
    preprocessing test = p;
    if (const int size = side(cfg, "test_input_size"); size > 0) test.input_size = size;
    fraction(cfg, "test_crop_pct", test.crop_pct);
    check(test);
    if (test.input_size == p.input_size) return;
    c_.test_size = test.input_size, c_.test_crop_pct = test.crop_pct;
  }
  void check(const preprocessing& p) {
    std::string why;
    if (check_preprocessing(p, report_text{why}) != errc::ok) wrong(why);
  }

  // ---- names ----

  void labels(const json_value& root, const json_value& cfg) {
    const json_value* v = nullptr;
    for (const char* name : {"label_names", "labels", "id2label"})
      if (v == nullptr && (v = first(root, cfg, name)) != nullptr) source_ = name;
    if (v == nullptr) return;
    if (v->type == kind::string) {
      c_.notes.push_back(source_ + " is the name " + in_quotes(v->text) +
                         ", not a list: no names were taken");
      return;
    }
    std::vector<std::string> names;
    if (v->type == kind::array) {
      for (const auto& [none, name] : v->members)
        if (name.type != kind::string)
          return wrong(source_ + ": a name that is no text");
        else
          names.push_back(name.text);
    } else if (v->type == kind::object) {
      if (!by_number(*v, names)) return;
    } else {
      return wrong(source_ + ": expected a list of names");
    }
    if (names.size() != static_cast<std::size_t>(shape_.classes))
      return wrong(source_ + ": " + std::to_string(names.size()) + " names for " +
                   std::to_string(shape_.classes) + " classes");
    std::string why;
    if (check_labels(names, report_text{why}) != errc::ok) return wrong(source_ + ": " + why);
    if (placeholders(names)) {
      c_.notes.push_back(source_ + " has placeholders (\"LABEL_0\"): no names were taken");
      return;
    }
    c_.labels = std::move(names);
  }
  /// {"0": "cat", "1": "dog"}: each number once.
  bool by_number(const json_value& v, std::vector<std::string>& names) {
    names.assign(v.members.size(), {});
    std::vector<bool> seen(names.size(), false);
    for (const auto& [key, name] : v.members) {
      std::size_t number = 0;
      bool good = !key.empty() && key.size() < 8 && name.type == kind::string;
      for (const char c : key)
        good = good && is_digit(c), number = number * 10 + static_cast<std::size_t>(c - '0');
      if (!good || number >= names.size() || seen[number])
        return wrong(source_ + ": " + in_quotes(key) + " is not one of the numbers 0 to " +
                     std::to_string(names.size() - 1) + ", each with a name"),
               false;
      seen[number] = true;
      names[number] = name.text;
    }
    return true;
  }
  /// What transformers writes for a model that was never given names.
  [[nodiscard]] static bool placeholders(const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] != "LABEL_" + std::to_string(i)) return false;
    return true;
  }

  const config& shape_;
  model_config c_;
  std::string wrong_, source_;
};

/// Where the file of this name would stand.
[[nodiscard]] inline std::string beside(const std::string& path, const char* name) {
#if defined(_WIN32)
  const std::size_t slash = path.find_last_of("/\\:");
#else
  const std::size_t slash = path.rfind('/');
#endif
  return (slash == path.npos ? std::string() : path.substr(0, slash + 1)) + name;
}
[[nodiscard]] inline bool is_there(const std::string& path) noexcept {
  return file_is_there(path);
}

}  // namespace detail

/// Reads the text of a config.json for a network of this shape. What is no JSON, not of timm's layout, or of
/// another network (its `architecture` or `num_classes` differ) is not taken, and notes say so.
/// input_size and crop_pct are those for inference that timm's resolve_data_config() gives; test_* are what
/// its validation script uses. Errors: M18 (it is of this network, but what it says cannot be done or is
/// nonsense).
[[nodiscard]] inline result<model_config> read_model_config(std::string_view json, const config& shape) {
  return detail::config_reader(shape).read(json);
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_MODEL_CONFIG_HPP
// ---- rexnet/model.hpp
// The convenient layer: a model from a packed file, and pictures in, probabilities out. load.hpp opens any
// file as a model; this header alone opens packed files.
#ifndef REXNET_MODEL_HPP
#define REXNET_MODEL_HPP

// ---- rexnet/heads/classifier.hpp
// Pictures in, probabilities out.
#ifndef REXNET_HEADS_CLASSIFIER_HPP
#define REXNET_HEADS_CLASSIFIER_HPP

// ---- rexnet/heads/scores.hpp
// From logits to an answer: probabilities, and the most probable classes.
#ifndef REXNET_HEADS_SCORES_HPP
#define REXNET_HEADS_SCORES_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Logits to probabilities, in place, without overflow. NaN stays NaN.
inline void softmax(span<float> v) noexcept {
  if (v.empty()) return;
  const float top = *std::max_element(v.begin(), v.end());
  float sum = 0;
  for (float& x : v) sum += x = std::exp(x - top);
  for (float& x : v) x /= sum;
}

struct scored_class {
  int index;
  float score;
};

namespace detail {
/// NaN counts as the smallest.
[[nodiscard]] inline float score_key(float s) noexcept {
  return std::isnan(s) ? -INFINITY : s;
}
[[nodiscard]] inline status check_top_k(int k) {
  if (k < 1) return error(errc::invalid_argument, "top " + std::to_string(k) + ": must be 1 or more classes");
  return done;
}
/// The count largest scores, for top_k(). Precondition: count <= scores.size().
[[nodiscard]] inline std::vector<scored_class> largest(span<const float> scores, std::size_t count) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&scores](int i) { return score_key(scores[static_cast<std::size_t>(i)]); };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&key](int a, int b) { return key(a) != key(b) ? key(a) > key(b) : a < b; });
  std::vector<scored_class> top;
  for (std::size_t i = 0; i < count; ++i)
    top.push_back({order[i], scores[static_cast<std::size_t>(order[i])]});
  return top;
}
}  // namespace detail

/// The top.size() largest scores, largest first, without the heap; equal scores in the order of their index.
/// NaN counts as the smallest. For few scores or a small top: the time grows with their product.
/// @return how many were written: fewer than top.size() where there are not as many scores, so 0 for no room
inline std::size_t top_k_into(span<const float> scores, span<scored_class> top) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    std::size_t place = count;
    while (place > 0 && detail::score_key(scores[i]) > detail::score_key(top[place - 1].score)) --place;
    if (place == top.size()) continue;
    if (count < top.size()) ++count;
    for (std::size_t k = count - 1; k > place; --k) top[k] = top[k - 1];
    top[place] = {static_cast<int>(i), scores[i]};
  }
  return count;
}

/// The same, with memory of its own, for any k from 1 on; all scores where there are fewer. Errors:
/// invalid_argument (k below 1).
[[nodiscard]] inline result<std::vector<scored_class>> top_k(span<const float> scores, int k) {
  if (status s = detail::check_top_k(k); !s) return s.error();
  return detail::largest(scores, (std::min)(static_cast<std::size_t>(k), scores.size()));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_SCORES_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Classifies pictures: a session, which keeps the model's weights and a workspace, and the answers made of
/// its outputs. One per thread. Of load(bytes) and load_packed(bytes), which borrow, the caller keeps the
/// bytes.
class classifier {
 public:
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: all that has nothing to do with a picture: invalid_argument (no weights, preprocessing,
  /// threads), limit_exceeded, unsupported (no kernels for this CPU), out_of_memory.
  [[nodiscard]] static result<classifier> make(const model& m, const preprocessing& input, int threads = 1,
                                               const executor& pool = {}) {
    auto made = session::make(m, input, threads, pool);
    if (!made) return made.error();
    if (status s = made->prepare(); !s) return s.error();
    return classifier(*std::move(made));
  }
  /// The same with the model's own preprocessing.
  [[nodiscard]] static result<classifier> make(const model& m, int threads = 1, const executor& pool = {}) {
    return make(m, m.input(), threads, pool);
  }

  /// Logits (features, where the model has no classifier) of a picture of any size. Errors: those of
  /// preprocess_pixels().
  [[nodiscard]] result<std::vector<float>> logits(const image_view& picture) {
    std::vector<float> out(outputs());
    if (status s = session_.run(picture, out); !s) return s.error();
    return out;
  }
  /// The same of many, [n][output_c(shape)]: bit by bit those of each alone. Each thread takes a picture at a
  /// time, preprocessing included; of fewer pictures than threads each is shared. No pictures: no logits.
  /// Memory: for each thread a workspace, which is kept, and the pixels of an input.
  /// Errors: invalid_argument, naming the first picture that cannot be ("pictures[3]: ..."), before any is
  /// computed; limit_exceeded, out_of_memory.
  [[nodiscard]] result<std::vector<float>> logits(span<const image_view> pictures) {
    std::vector<float> out(pictures.size() * outputs());
    if (status s = session_.run(pictures, out); !s) return s.error();
    return out;
  }

  /// The k most probable classes, or all where there are fewer. Errors: those of logits(), invalid_argument
  /// (k below 1), unsupported (a model without classifier).
  [[nodiscard]] result<std::vector<scored_class>> classify(const image_view& picture, int k = 5) {
    if (status s = can_classify(k); !s) return s.error();
    auto scores = logits(picture);
    if (!scores) return scores.error();
    return answer(*scores, k);
  }
  /// The same of many pictures, an answer for each, as logits() of many computes them.
  [[nodiscard]] result<std::vector<std::vector<scored_class>>> classify(span<const image_view> pictures,
                                                                        int k = 5) {
    if (status s = can_classify(k); !s) return s.error();
    auto scores = logits(pictures);
    if (!scores) return scores.error();
    std::vector<std::vector<scored_class>> answers;
    answers.reserve(pictures.size());
    for (std::size_t i = 0; i < pictures.size(); ++i)
      answers.push_back(answer(span<float>(*scores).subspan(i * outputs(), outputs()), k));
    return answers;
  }

 private:
  explicit classifier(session made) : session_(std::move(made)) {}
  [[nodiscard]] std::size_t outputs() const noexcept {
    return static_cast<std::size_t>(output_c(session_.shape()));
  }
  /// Makes probabilities of the logits. Precondition: can_classify(k).
  [[nodiscard]] static std::vector<scored_class> answer(span<float> logits, int k) {
    softmax(logits);
    return detail::largest(logits, (std::min)(static_cast<std::size_t>(k), logits.size()));
  }
  [[nodiscard]] status can_classify(int k) const {
    if (session_.shape().classes == 0)
      return error(errc::unsupported,
                   "the model is a backbone without classifier: use logits() for its features");
    return detail::check_top_k(k);
  }

  session session_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_CLASSIFIER_HPP
// ---- rexnet/heads/detector.hpp
// Pictures in, boxes out: torchvision's SSDLite pipeline around a detector's network.
#ifndef REXNET_HEADS_DETECTOR_HPP
#define REXNET_HEADS_DETECTOR_HPP

// ---- rexnet/image/resize_normalised.hpp
// How torchvision's detectors prepare a picture: normalise its bytes, then resize the floats to the network's
// input, whatever the aspect: bilinear, without antialiasing. (Classifiers resize bytes as Pillow does:
// image/resize.hpp.) Source: torchvision models/detection/transform.py, torch interpolate(mode="bilinear",
// align_corners=False).
#ifndef REXNET_IMAGE_RESIZE_NORMALISED_HPP
#define REXNET_IMAGE_RESIZE_NORMALISED_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

/// The two input samples that an output sample lies between, and how near it is to the second.
struct bilinear_place {
  int first, second;
  float part;
};
/// Of output sample i. The source's place is a float product and a float difference, two roundings: what
/// torch 2.15 computes with every instruction set. (One fma differs in a place or two of 300: 1.5e-5 at 333
/// -> 300.)
[[nodiscard]] inline bilinear_place bilinear_place_of(int i, int in, int out) noexcept {
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float unbounded = scale * (static_cast<float>(i) + 0.5f) - 0.5f, at = unbounded > 0 ? unbounded : 0;
  const int first = at < static_cast<float>(in - 1) ? static_cast<int>(at) : in - 1;
  const float part = at - static_cast<float>(first);
  return {first, first + 1 < in ? first + 1 : in - 1, part < 1.0f ? part : 1.0f};
}

}  // namespace detail

/// Floats of scratch that resize_normalised() needs.
[[nodiscard]] constexpr std::size_t resize_normalised_scratch(int out_w) noexcept {
  return 9 * static_cast<std::size_t>(out_w > 0 ? out_w : 0);
}

/// A picture as a network's input.
/// @param in      any format, 1 pixel at least, rows of either direction and with gaps
/// @param table   [256][3]: the normalised value of byte v in channel c at 3 v + c (normalise_table())
/// @param out     [out_h][out_w][3]
/// @param scratch resize_normalised_scratch(out_w) floats
/// @return ok; invalid_argument: no pixels, rows that overlap or reach beyond all memory, or no output;
/// shape_mismatch: table, out or scratch of another size
[[nodiscard]] inline errc resize_normalised(const image_view& in, span<const float> table, int out_h,
                                            int out_w, span<float> out, span<float> scratch) noexcept {
  if (in.data == nullptr || in.width < 1 || in.height < 1 || out_h < 1 || out_w < 1)
    return errc::invalid_argument;
  constexpr std::ptrdiff_t memory = (std::numeric_limits<std::ptrdiff_t>::max)();
  const int step = bytes_per_pixel(in.format);
  if (in.width > memory / step) return errc::invalid_argument;
  const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(in.width) * step, most = memory / in.height;
  if ((in.stride < pixels && in.stride > -pixels) || in.stride > most || in.stride < -most)
    return errc::invalid_argument;
  const std::size_t row_floats = 3 * static_cast<std::size_t>(out_w);
  if (table.size() != 768 || out.size() != row_floats * static_cast<std::size_t>(out_h) ||
      scratch.size() < resize_normalised_scratch(out_w))
    return errc::shape_mismatch;

  // The two rows between which an output row lies, resized across; most of them serve the next one, too.
  float* rows[2] = {scratch.data(), scratch.data() + row_floats};
  int held[2] = {-1, -1};
  // The samples of each column: the same in every row.
  static_assert(sizeof(detail::bilinear_place) == 3 * sizeof(float));
  auto* const columns = reinterpret_cast<detail::bilinear_place*>(scratch.data() + 2 * row_floats);
  for (int x = 0; x < out_w; ++x)
    new (columns + x) detail::bilinear_place(detail::bilinear_place_of(x, in.width, out_w));
  const int channel[3] = {channel_offset(in.format, 0), channel_offset(in.format, 1),
                          channel_offset(in.format, 2)};
  const auto fill = [&](int which, int y) {
    held[which] = y;
    const std::uint8_t* const from = in.data + static_cast<std::ptrdiff_t>(y) * in.stride;
    float* to = rows[which];
    for (int x = 0; x < out_w; ++x) {
      const detail::bilinear_place p = columns[x];
      const std::uint8_t *a = from + static_cast<std::ptrdiff_t>(p.first) * step,
                         *b = from + static_cast<std::ptrdiff_t>(p.second) * step;
      for (int c = 0; c < 3; ++c) {
        const auto value = [&](const std::uint8_t* pixel) {
          return table[3 * std::size_t{pixel[channel[c]]} + static_cast<std::size_t>(c)];
        };
        *to++ = value(a) * (1.0f - p.part) + value(b) * p.part;
      }
    }
  };
  float* to = out.data();
  for (int y = 0; y < out_h; ++y) {
    const detail::bilinear_place p = detail::bilinear_place_of(y, in.height, out_h);
    if (held[0] != p.first && held[1] == p.first) {
      float* const row = rows[0];
      rows[0] = rows[1], rows[1] = row;
      held[1] = held[0], held[0] = p.first;
    }
    if (held[0] != p.first) fill(0, p.first);
    if (held[1] != p.second) fill(1, p.second);
    for (std::size_t i = 0; i < row_floats; ++i) *to++ = rows[0][i] * (1.0f - p.part) + rows[1][i] * p.part;
  }
  return errc::ok;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_IMAGE_RESIZE_NORMALISED_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// Finds things in pictures: a detector model at work, with its memory and threads. It keeps the model's
/// weights alive, so it may be made of a temporary model; of load(bytes) and load_packed(bytes), which
/// borrow, the caller keeps the bytes. One per thread: no two calls at a time.
///
/// A picture becomes the network's input (normalised, then resized to settings().input_h x input_w, whatever
/// its aspect), the network's outputs become boxes in pixels of the picture. A picture's boxes have the same
/// bits for every number of threads, alone and among others. The boxes of one picture allocate nothing. A
/// detector that was moved from may be used again: it has its weights and makes new memory.
class detector {
 public:
  /// @param input   of which mean and standard deviation count
  /// @param how     size of the input, anchors, thresholds
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: invalid_argument (no weights, preprocessing, settings, threads), unsupported (not a detector, no
  /// kernels for this CPU), limit_exceeded, out_of_memory.
  [[nodiscard]] static result<detector> make(const model& m, const preprocessing& input,
                                             const detector_settings& how, int threads = 1,
                                             const executor& pool = {}) {
    if (m.payload().data() == nullptr)
      return error(errc::invalid_argument, "the model has no weights: it was not loaded");
    if (!m.is_detector())
      return error(errc::unsupported, "the model is not a detector: it has no heads that predict boxes");
    std::string what;
    const detail::report_text says{what};
    if (const errc e = detail::check_preprocessing(input, says); e != errc::ok) return error(e, what);
    if (const errc e = detail::check_settings(how, says); e != errc::ok) return error(e, what);
    detector d(m, input, how, threads, pool);
    auto shared = d.net_.make_plan(how.input_h, how.input_w, threads);
    if (!shared) return shared.error();
    auto alone = d.net_.make_plan(how.input_h, how.input_w, 1);
    if (!alone) return alone.error();
    if (shared->rows > max_ssd_rows)
      return error(errc::limit_exceeded, "an input of " + std::to_string(how.input_w) + " x " +
                                             std::to_string(how.input_h) + " pixels gives " +
                                             std::to_string(shared->rows) + " rows of outputs, at most " +
                                             std::to_string(max_ssd_rows));
    d.shared_ = *shared, d.alone_ = *alone;
    d.places_ = places(d.net_.shape(), how, d.shared_, d.alone_);
    if (status s = d.reserve(1); !s) return s.error();
    return d;
  }
  /// The same with the model's own mean and deviation, and with its own settings.
  /// @{
  [[nodiscard]] static result<detector> make(const model& m, const detector_settings& how, int threads = 1,
                                             const executor& pool = {}) {
    return make(m, m.input(), how, threads, pool);
  }
  [[nodiscard]] static result<detector> make(const model& m, int threads = 1, const executor& pool = {}) {
    return make(m, m.input(), m.header().settings, threads, pool);
  }
  /// @}

  /// Backbone, classes (with the background). Valid as long as the detector.
  [[nodiscard]] const detector_config& shape() const& noexcept { return net_.shape(); }
  [[nodiscard]] const detector_config& shape() const&& = delete;
  /// Size of the input, anchors, thresholds.
  [[nodiscard]] const detector_settings& settings() const& noexcept { return settings_; }
  [[nodiscard]] const detector_settings& settings() const&& = delete;
  /// Threads of a pass, at most.
  [[nodiscard]] int threads() const noexcept { return threads_; }
  /// Name of the kernels' set.
  [[nodiscard]] const char* instruction_set() const noexcept { return net_.instruction_set(); }

  /// What is in a picture, the most probable first; boxes in its pixels, not beyond its borders but for
  /// rounding. Valid until the next call.
  /// @param picture any size and format: sides of 1 to 65536 pixels
  /// Errors: invalid_argument (no pixels, sides, stride).
  [[nodiscard]] result<span<const detection>> detect(const image_view& picture) {
    if (status s = reserve(1); !s) return s.error();
    std::string what;
    if (const errc e = detail::check_pixels(picture, detail::report_text{what}); e != errc::ok)
      return error(e, what);
    span<detection> found;
    if (const errc e = run(shared_, picture, pool_, slot(0), found); e != errc::ok)
      return answered(e).error();
    return span<const detection>(found.data(), found.size());
  }
  /// The same of many, each with the bits that it has alone; none are fine. All are looked at before the
  /// first is computed. Each thread takes a picture at a time; of fewer pictures than threads each is shared.
  /// Memory, kept: what one picture needs, for each thread.
  /// Errors: invalid_argument, naming the picture by its index ("pictures[3]: ..."); out_of_memory.
  [[nodiscard]] result<std::vector<std::vector<detection>>> detect(span<const image_view> pictures) {
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      std::string what;
      if (const errc e = detail::check_pixels(pictures[i], detail::report_text{what}); e != errc::ok)
        return error(e, what).in("pictures[" + std::to_string(i) + "]");
    }
    std::vector<std::vector<detection>> all(pictures.size());
    const bool sharing = pictures.size() < static_cast<std::size_t>(threads_);
    const std::size_t at_a_time = sharing ? 1 : static_cast<std::size_t>(threads_);
    if (status s = reserve(static_cast<int>(at_a_time)); !s) return s.error();
    // The workers allocate nothing: what they found is copied when all of them are done.
    struct answer {
      errc code = errc::ok;
      span<detection> found;
    };
    std::vector<answer> answers(at_a_time);
    for (std::size_t first = 0; first < pictures.size(); first += at_a_time) {
      const std::size_t n = (std::min)(at_a_time, pictures.size() - first);
      auto work = [&](int worker) {
        const auto i = static_cast<std::size_t>(worker);
        answers[i].code = run(sharing ? shared_ : alone_, pictures[first + i], sharing ? pool_ : executor(),
                              slot(worker), answers[i].found);
      };
      if (sharing)
        work(0);
      else
        detail::run_tasks(
            pool_, static_cast<int>(n),
            [](void* context, int worker) { (*static_cast<decltype(work)*>(context))(worker); }, &work);
      for (std::size_t i = 0; i < n; ++i) {
        if (answers[i].code != errc::ok)
          return answered(answers[i].code).error().in("pictures[" + std::to_string(first + i) + "]");
        all[first + i].assign(answers[i].found.begin(), answers[i].found.end());
      }
    }
    return all;
  }

  /// Rows of the raw outputs of inputs of h x w pixels.
  [[nodiscard]] std::int64_t rows(int h, int w) const noexcept { return detector_rows(net_.shape(), h, w); }
  /// The network's raw outputs for normalised images of any size, without resize, softmax and suppression.
  /// @param images [n][h][w][3], any strides; n may be 0
  /// @param logits [n][rows(h, w)][shape().classes]
  /// @param codes  [n][rows(h, w)][4]
  /// Memory: the workspace of that size, made for each call.
  /// Errors: invalid_argument (null data, a side beyond 1 .. 16384), shape_mismatch (not three channels, too
  /// few floats), limit_exceeded, out_of_memory.
  [[nodiscard]] status run(nhwc_view<const float> images, span<float> logits, span<float> codes) {
    auto p = net_.make_plan(images.h, images.w, threads_);
    if (!p) return p.error();
    const auto room = [&](const span<float>& given, int numbers, const char* name) -> status {
      const auto n = static_cast<std::uint64_t>((std::max)(images.n, 0));
      const checked needed =
          checked(n) * static_cast<std::uint64_t>(p->rows) * static_cast<std::uint64_t>(numbers);
      if (needed.at_most(given.size())) return done;
      return error(errc::shape_mismatch, std::string(name) + " of " + std::to_string(given.size()) +
                                             " floats, " + std::to_string(n) + " images of " +
                                             std::to_string(images.w) + " x " + std::to_string(images.h) +
                                             " pixels need " + std::to_string(needed.get()));
    };
    if (status s = room(logits, net_.shape().classes, "logits"); !s) return s;
    if (status s = room(codes, 4, "codes"); !s) return s;
    aligned_buffer workspace(p->workspace_bytes());
    if (workspace.data() == nullptr) return no_memory(p->workspace_bytes());
    return answered(net_.forward(*p, images, logits, codes, {workspace.data(), workspace.size()}, pool_));
  }

 private:
  /// Where the parts of one picture's memory lie, in bytes.
  struct memory_places {
    std::size_t input = 0, scratch = 0, logits = 0, codes = 0, counts = 0, candidates = 0, bytes = 0;
    bool fits = true;
  };
  [[nodiscard]] static memory_places places(const detector_config& d, const detector_settings& s,
                                            const detector_plan& shared, const detector_plan& alone) {
    memory_places m;
    const std::size_t workspace = (std::max)(shared.workspace_bytes(), alone.workspace_bytes());
    const auto rows = static_cast<std::uint64_t>(shared.rows),
               pixels = static_cast<std::uint64_t>(s.input_h) * static_cast<std::uint64_t>(s.input_w);
    checked next = checked(workspace);
    const auto take = [&next, &m](checked bytes) {
      const std::uint64_t at = round_up(next.get(), 64);
      next = checked(at) + bytes;
      m.fits = m.fits && next.at_most(static_cast<std::size_t>(-1) / 4);
      return static_cast<std::size_t>(at);
    };
    m.input = take(checked(pixels) * 12);
    m.scratch = take(checked(resize_normalised_scratch(s.input_w)) * 4);
    m.logits = take(checked(rows) * static_cast<std::uint64_t>(d.classes) * 4);
    m.codes = take(checked(rows) * 16);
    m.counts = take(checked(static_cast<std::uint64_t>(d.classes)) * sizeof(int));
    m.candidates =
        take(checked(ssd_candidates(static_cast<std::size_t>(rows), d.classes, s.boxes)) * sizeof(detection));
    m.bytes = static_cast<std::size_t>(round_up(next.get(), 64));
    return m;
  }

  detector(const model& m, const preprocessing& input, const detector_settings& how, int threads,
           const executor& pool)
      : model_(m),
        net_(model_.detector_net()),
        settings_(how),
        threads_(threads),
        pool_(pool),
        table_(normalise_table(input)) {}

  /// Memory for `pictures` at the same time. Errors: out_of_memory.
  [[nodiscard]] status reserve(int pictures) {
    const std::uint64_t of_anchors = anchor_bytes();
    const checked bytes = checked(places_.bytes) * static_cast<std::uint64_t>(pictures) + of_anchors;
    if (!places_.fits || !bytes.at_most(static_cast<std::size_t>(-1) / 2)) return no_memory(bytes.get());
    if (memory_.size() >= bytes.get()) return done;
    aligned_buffer larger(static_cast<std::size_t>(bytes.get()));
    if (larger.data() == nullptr) return no_memory(bytes.get());
    memory_ = std::move(larger);
    return answered(ssd_anchors(ssd_shape_of(net_.shape(), settings_.input_h, settings_.input_w), anchors(),
                                settings_.anchors));
  }
  /// The anchors come first in the memory, then a slot for each picture at a time.
  [[nodiscard]] std::uint64_t anchor_bytes() const noexcept {
    return round_up(static_cast<std::uint64_t>(shared_.rows) * sizeof(box), 64);
  }
  [[nodiscard]] span<box> anchors() const noexcept {
    return {reinterpret_cast<box*>(const_cast<unsigned char*>(memory_.data())),
            static_cast<std::size_t>(shared_.rows)};
  }
  [[nodiscard]] unsigned char* slot(int i) noexcept {
    return memory_.data() + anchor_bytes() + static_cast<std::size_t>(i) * places_.bytes;
  }
  [[nodiscard]] static error no_memory(std::uint64_t bytes) {
    return error(errc::out_of_memory, "no memory for " + std::to_string(bytes) + " bytes of workspace");
  }
  [[nodiscard]] static status answered(errc e) {
    if (e != errc::ok) return error(e, std::string("detector: ") + to_string(e));
    return done;
  }

  /// One picture in one slot.
  [[nodiscard]] errc run(const detector_plan& p, const image_view& picture, const executor& pool,
                         unsigned char* memory, span<detection>& found) const noexcept {
    const int h = settings_.input_h, w = settings_.input_w, classes = net_.shape().classes;
    const auto floats = [memory](std::size_t at, std::size_t n) {
      return span<float>(reinterpret_cast<float*>(memory + at), n);
    };
    const auto rows = static_cast<std::size_t>(p.rows);
    const span<float> input = floats(places_.input,
                                     3 * static_cast<std::size_t>(h) * static_cast<std::size_t>(w)),
                      logits = floats(places_.logits, rows * static_cast<std::size_t>(classes)),
                      codes = floats(places_.codes, rows * 4);
    if (const errc e = resize_normalised(picture, {table_.data(), table_.size()}, h, w, input,
                                         floats(places_.scratch, resize_normalised_scratch(w)));
        e != errc::ok)
      return e;
    if (const errc e =
            net_.forward(p, {input.data(), 1, h, w, 3}, logits, codes, {memory, p.workspace_bytes()}, pool);
        e != errc::ok)
      return e;
    const span<detection> candidates(reinterpret_cast<detection*>(memory + places_.candidates),
                                     ssd_candidates(rows, classes, settings_.boxes));
    const span<int> counts(reinterpret_cast<int*>(memory + places_.counts),
                           static_cast<std::size_t>(classes));
    std::size_t n = 0;
    const errc e = ssd_detections({logits.data(), codes.data(), rows, classes}, anchors(), h, w,
                                  settings_.boxes, counts, candidates, n);
    if (e != errc::ok) return e;
    found = candidates.subspan(0, n);
    scale_boxes(found, h, w, picture.height, picture.width);
    return errc::ok;
  }

  model model_;  ///< for its weights, which net_ borrows
  model_detector_network net_;
  detector_settings settings_;
  int threads_;
  executor pool_;
  std::array<float, 768> table_;  ///< normalise_table() of mean and deviation
  detector_plan shared_, alone_;  ///< on all threads, and on one
  memory_places places_;
  aligned_buffer memory_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_DETECTOR_HPP
// ---- rexnet/model/load_packed.hpp
// A model from a packed file, in memory or by its path.
#ifndef REXNET_MODEL_LOAD_PACKED_HPP
#define REXNET_MODEL_LOAD_PACKED_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {
/// Fills a model in; load() and load_packed() are made of it.
struct model_maker {
  /// From a packed file. Its float32 payload is used in place: `bytes` must outlive the model.
  [[nodiscard]] static result<model> from_packed(byte_span bytes, check depth) {
    model m;
    auto v = read_packed(bytes, depth);
    if (!v) return v.error();
    m.state_->container = "packed";
    if (v->header.type == element_type::f16) {
      m.state_->owned = float_buffer(payload_numbers(v->header));
      if (m.state_->owned.data() == nullptr) return error(errc::out_of_memory, "no memory for the weights");
      if (const errc e = expand_half(v->payload, m.state_->owned.floats()); e != errc::ok)
        return error(e, "packed file: float16 weights of another size");
      m.state_->payload = m.state_->owned.floats();
    } else {
      m.state_->payload = {reinterpret_cast<const float*>(v->payload.data()),
                           v->payload.size() / sizeof(float)};
    }
    m.state_->header = std::move(v->header);
    m.state_->origin.number_type = element_name(m.state_->header.type);
    m.state_->origin.input_from = "packed file";
    if (!m.state_->header.labels.empty()) m.state_->origin.labels_from = "packed file";
    return m;
  }
  /// From weights in memory.
  [[nodiscard]] static model from_weights(const config& shape, std::vector<std::string> labels,
                                          aligned_buffer weights, std::string container) {
    model m;
    m.state_->container = std::move(container);
    m.state_->header.shape = shape;
    m.state_->header.labels = std::move(labels);
    m.state_->owned = std::move(weights);
    m.state_->payload = m.state_->owned.floats();
    return m;
  }
  /// What is known beside the weights.
  static void describe(model& m, packed_header header, model_origin origin) {
    m.state_->header = std::move(header);
    m.state_->origin = std::move(origin);
  }
  /// The same from a file, mapped or read, which the model keeps where it needs it. Errors get the path in
  /// front.
  template <class Load>
  [[nodiscard]] static result<model> from_file(const std::string& path, result<file_bytes> file,
                                               Load&& load_bytes) {
    if (!file) return file.error();
    result<model> m = load_bytes(file->bytes());
    if (!m) return m.error().in(path);
    if (m->state_->owned.data() == nullptr) m->state_->file = std::move(*file);
    return m;
  }
  /// The same from a copy of the bytes, which the model keeps where it needs it.
  template <class Load>
  [[nodiscard]] static result<model> from_copy(byte_span bytes, Load&& load_bytes) {
    if (bytes.empty()) return load_bytes(bytes);  // for its error
    aligned_buffer copy(bytes.size());
    if (copy.data() == nullptr)
      return error(errc::out_of_memory, "no memory for a copy of " + std::to_string(bytes.size()) + " bytes");
    std::copy(bytes.begin(), bytes.end(), copy.data());
    result<model> m = load_bytes(byte_span(copy.data(), bytes.size()));
    if (m && m->state_->owned.data() == nullptr) m->state_->owned = std::move(copy);
    return m;
  }
};
}  // namespace detail

/// Opens a packed file in memory. A float32 payload is borrowed: `bytes` must be 64-byte aligned and outlive
/// the model, its copies and their classifiers; float16 is expanded into memory of the model's own. Programs
/// that read nothing but packed files are a third smaller with this than with load(). @param depth
/// check::full reads the whole file and compares its checksum. Errors: those of read_packed(), out_of_memory.
[[nodiscard]] inline result<model> load_packed(byte_span bytes, check depth = check::header) {
  return detail::model_maker::from_packed(bytes, depth);
}

/// Opens a packed file, which is mapped: a float32 payload is used in place and shared between processes. A
/// file that shrinks while the model lives ends the program on POSIX (SIGBUS): see load_packed_copy().
/// @param path UTF-8. Errors: those of load_packed() from memory and io_error, with the path in front.
[[nodiscard]] inline result<model> load_packed(const std::string& path, check depth = check::header) {
  return detail::model_maker::from_file(path, file_bytes::map(path),
                                        [depth](byte_span bytes) { return load_packed(bytes, depth); });
}

/// The same, read into memory instead: nothing that happens to the file afterwards matters, a file that
/// shrinks meanwhile is an io_error, and large models run some percent faster, because the system backs
/// memory with larger pages than files. Errors: also out_of_memory.
[[nodiscard]] inline result<model> load_packed_copy(const std::string& path, check depth = check::header) {
  return detail::model_maker::from_file(path, file_bytes::read(path),
                                        [depth](byte_span bytes) { return load_packed(bytes, depth); });
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_LOAD_PACKED_HPP

#endif  // REXNET_MODEL_HPP
// ---- rexnet/payload/pack_detector.hpp
// From a detector's named tensors to its packed payload.
#ifndef REXNET_PAYLOAD_PACK_DETECTOR_HPP
#define REXNET_PAYLOAD_PACK_DETECTOR_HPP

// ---- rexnet/payload/pack.hpp
// From named tensors to the packed payload: folded layers, in panels of 16 channels, as float32.
#ifndef REXNET_PAYLOAD_PACK_HPP
#define REXNET_PAYLOAD_PACK_HPP

// ---- rexnet/payload/fold.hpp
// BatchNorm folded into the layer before it, in double precision.
#ifndef REXNET_PAYLOAD_FOLD_HPP
#define REXNET_PAYLOAD_FOLD_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// What a layer's tensors are folded to: y = scale * (W x) + shift, per output channel.
struct folded {
  std::vector<double> scale, shift;
};

/// Names the first value of a layer's tensors that is no finite number.
[[nodiscard]] inline status check_finite(const layer_tensors& l) {
  for (const tensor* t : {l.weight, l.bias, l.gamma, l.beta, l.mean, l.variance}) {
    if (t == nullptr) continue;
    std::int64_t bad = -1;
    double value = 0;
    t->for_each([&](std::int64_t i, double v) {
      if (bad < 0 && !std::isfinite(v)) bad = i, value = v;
    });
    if (bad >= 0)
      return error(errc::model_not_finite, t->name + ": element " + std::to_string(bad) + " of " +
                                               shape_text(t->shape) + " is " + number_text(value));
  }
  return done;
}

/// Errors: M5 (an infinite variance), M6 (a negative one).
[[nodiscard]] inline result<folded> fold_batchnorm(const layer_tensors& l, int out_c, double bn_eps) {
  const auto n = static_cast<std::size_t>(out_c);
  folded f{std::vector<double>(n, 1.0), l.bias != nullptr ? l.bias->values() : std::vector<double>(n, 0.0)};
  if (l.gamma == nullptr) return f;
  const std::vector<double> gamma = l.gamma->values(), beta = l.beta->values(), mean = l.mean->values(),
                            variance = l.variance->values();
  for (std::size_t i = 0; i < n; ++i) {
    if (variance[i] < 0)
      return error(errc::model_negative_variance,
                   l.variance->name + "[" + std::to_string(i) + "] is " + number_text(variance[i]));
    // An infinite variance would fold into a harmless zero: it is damage all the same.
    if (!std::isfinite(variance[i])) return check_finite(l).error();
    f.scale[i] = gamma[i] / std::sqrt(variance[i] + bn_eps);
    f.shift[i] = (f.shift[i] - mean[i]) * f.scale[i] + beta[i];
  }
  return f;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FOLD_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Folded values below this are zero: a denormal weight contributes nothing and costs a hundred cycles.
inline constexpr double smallest_weight = 1.1754943508222875e-38;

/// Folds a layer and packs it. @param to zeros
[[nodiscard]] inline status pack_layer(const layer_tensors& l, double bn_eps,
                                       const layer_numbers<float>& to) {
  auto f = fold_batchnorm(l, to.out_c, bn_eps);
  if (!f) return f.error();
  bool finite = true;
  const auto put = [&finite](float& where, double v) {
    const auto rounded = static_cast<float>(v);
    finite = finite && std::isfinite(rounded);
    where = std::fabs(v) < smallest_weight ? 0.0f : rounded;
  };
  // PyTorch keeps [out][in][ky][kx]; the payload wants the input index as (ky, kx, in).
  const auto& shape = l.weight->shape;
  const std::int64_t taps = shape.size() == 4 ? shape[2] * shape[3] : 1, in_c = shape[1];
  // for_each goes through them in this order; counters take the place of three divisions an element.
  std::int64_t o = 0, in = 0, tap = 0;
  float* panel = to.weights;
  double scale = f->scale[0];
  l.weight->for_each([&](std::int64_t, double v) {
    put(panel[(tap * in_c + in) * panel_c], v * scale);
    if (++tap < taps) return;
    tap = 0;
    if (++in < in_c) return;
    in = 0;
    if (++o == to.out_c) return;
    panel = &to.weight(static_cast<int>(o), 0);
    scale = f->scale[static_cast<std::size_t>(o)];
  });
  for (int c = 0; c < to.out_c; ++c) put(to.bias[c], f->shift[static_cast<std::size_t>(c)]);
  if (finite) return done;
  if (status s = check_finite(l); !s) return s;
  return error(errc::model_not_finite, l.weight->name + ": passes float32 once its BatchNorm is folded in");
}

/// Packs layer after layer into memory that is large enough for each, and emits it.
template <class Emit>
class layer_packer {
 public:
  explicit layer_packer(Emit& emit) : emit_(emit) {}
  /// Before the first is packed: the layers that will be.
  void reserve(const layer_layout& l) noexcept { largest_ = (std::max)(largest_, numbers(l)); }
  [[nodiscard]] status operator()(const layer_tensors& t, double bn_eps, const layer_layout& l) {
    if (l.out_c == 0) return done;
    if (buffer_.data() == nullptr) buffer_ = aligned_buffer(largest_ * sizeof(float));
    if (buffer_.data() == nullptr)
      return error(errc::out_of_memory,
                   "no memory for a layer of " + std::to_string(largest_ * 4) + " bytes");
    const span<float> layer(buffer_.floats().data(), numbers(l));
    std::fill(layer.begin(), layer.end(), 0.0f);
    float* const bias = layer.data() + panel_numbers(l.k, l.out_c);
    if (status s = pack_layer(t, bn_eps, {layer.data(), bias, l.k, l.out_c}); !s) return s;
    return emit_(span<const float>(layer));
  }

 private:
  [[nodiscard]] static std::size_t numbers(const layer_layout& l) noexcept {
    return static_cast<std::size_t>(panel_numbers(l.k, l.out_c) + round_up(std::int64_t{l.out_c}, panel_c));
  }
  Emit& emit_;
  aligned_buffer buffer_;
  std::size_t largest_ = 0;
};

/// All that pack_layers() emits of `m`, in memory.
template <class Tensors>
[[nodiscard]] result<aligned_buffer> packed_buffer(const Tensors& m, std::int64_t floats) {
  aligned_buffer buffer = float_buffer(floats);
  if (buffer.data() == nullptr)
    return error(errc::out_of_memory, "no memory for " + std::to_string(floats * 4) + " bytes of weights");
  float* next = buffer.floats().data();
  status s = pack_layers(m, [&next](span<const float> run) -> status {
    next = std::copy(run.begin(), run.end(), next);
    return done;
  });
  if (!s) return s.error();
  return buffer;
}

}  // namespace detail

/// Folds and packs layer after layer, for write_packed(): emit(span) gets runs of the payload in order.
/// Memory: the largest layer. Errors: M5 (not finite), M6 (negative variance), out_of_memory, those of emit.
template <class Emit>
[[nodiscard]] status pack_layers(const model_tensors& m, Emit&& emit) {
  const weights_layout layout = layout_of(m.shape);
  const auto each = [&](auto&& visit) -> status {
    const double eps = m.shape.bn_eps;
    if (status s = visit(m.stem, eps, layout.stem); !s) return s;
    for (int i = 0; i < m.shape.block_count; ++i) {
      const block_tensors& t = m.blocks[i];
      const block_layout& l = layout.blocks[i];
      for (const auto& [tensors, at] :
           {std::pair{&t.expand, &l.expand}, std::pair{&t.depthwise, &l.depthwise},
            std::pair{&t.squeeze, &l.squeeze}, std::pair{&t.excite, &l.excite},
            std::pair{&t.project, &l.project}})
        if (status s = visit(*tensors, m.shape.blocks[i].bn_eps, *at); !s) return s;
    }
    if (status s = visit(m.head, eps, layout.head); !s) return s;
    if (status s = visit(m.hidden, eps, layout.hidden); !s) return s;
    return visit(m.classifier, eps, layout.classifier);
  };
  detail::layer_packer pack(emit);
  static_cast<void>(each([&pack](const layer_tensors&, double, const layer_layout& l) -> status {
    pack.reserve(l);
    return done;
  }));
  return each(pack);
}

/// The whole payload in memory, in the layout of layout_of(m.shape). Errors: those of pack_layers().
[[nodiscard]] inline result<aligned_buffer> pack_weights(const model_tensors& m) {
  return detail::packed_buffer(m, packed_numbers(m.shape));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PACK_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// pack_layers() of a detector: the backbone's layers, then those of extra blocks and heads.
template <class Emit>
[[nodiscard]] status pack_layers(const detector_tensors& t, Emit&& emit) {
  if (status s = pack_layers(t.backbone, emit); !s) return s.error().in("backbone");
  const detector_layout layout = layout_of(t.shape);
  // The same walk over tensors and layout: their members are called alike.
  std::vector<const layer_tensors*> tensors;
  for_each_detector_layer(
      t.shape, t, [&](const layer_tensors& l, const block_config&, int, int) { tensors.push_back(&l); });
  detail::layer_packer pack(emit);
  for_each_detector_layer(t.shape, layout,
                          [&](const layer_layout& l, const block_config&, int, int) { pack.reserve(l); });
  status s = done;
  std::size_t next = 0;
  for_each_detector_layer(t.shape, layout, [&](const layer_layout& l, const block_config& b, int, int) {
    if (s) s = pack(*tensors[next], b.bn_eps, l);
    ++next;
  });
  return s;
}

/// The whole payload in memory, in the layout of layout_of(t.shape). Errors: those of pack_layers().
[[nodiscard]] inline result<aligned_buffer> pack_weights(const detector_tensors& t) {
  return detail::packed_buffer(t, packed_numbers(t.shape));
}

/// The same of a network of either kind.
/// @{
template <class Emit>
[[nodiscard]] status pack_layers(const network_tensors& t, Emit&& emit) {
  return t.is_detector ? pack_layers(t.detector, emit) : pack_layers(t.classifier, emit);
}
[[nodiscard]] inline result<aligned_buffer> pack_weights(const network_tensors& t) {
  return t.is_detector ? pack_weights(t.detector) : pack_weights(t.classifier);
}
/// @}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PACK_DETECTOR_HPP

namespace rexnet {
inline namespace REXNET_BUILD {

/// The names of a classifier's classes: ImageNet-1k's for a thousand, as all published files have them, else
/// none. (Checkpoints bring no names; packed files and a config.json may.)
[[nodiscard]] inline std::vector<std::string> default_labels(const config& shape) {
  std::vector<std::string> names;
  if (shape.classes == static_cast<int>(imagenet_1k().size()))
    for (const imagenet_class& c : imagenet_1k()) names.emplace_back(c.name);
  return names;
}

/// Weights in memory may be at most this many times the bytes of their checkpoint: float16 doubles, channels
/// are rounded up to 16, and more comes only from tensors that repeat their elements (stride 0).
inline constexpr std::uint64_t max_weights_blow_up = 32;

namespace detail {

/// Whether a checkpoint of so many bytes may become a model of these tensors. Errors: T6.
[[nodiscard]] inline status check_blow_up(const network_tensors& t, std::size_t file_bytes) {
  const std::int64_t numbers =
      t.is_detector ? packed_numbers(t.detector.shape) : packed_numbers(t.classifier.shape);
  const auto weights = checked(static_cast<std::uint64_t>(numbers)) * 4;
  if (weights.at_most((checked(file_bytes) * max_weights_blow_up).get())) return done;
  return error(errc::tensor_blow_up, std::to_string(weights.get()) + " bytes of weights out of a file of " +
                                         std::to_string(file_bytes) + " bytes, at most " +
                                         std::to_string(max_weights_blow_up) + " times as many");
}

}  // namespace detail

/// How pictures are prepared for a checkpoint that does not say: as timm's own configurations do for the
/// architecture. Those of rexnetr 2.0x and 3.0x, the published ones, keep 0.95 of the short side
/// (and were measured at 288 pixels with 1.0); all others 0.875, at 224 pixels.
[[nodiscard]] inline preprocessing default_preprocessing(const config& shape) noexcept {
  preprocessing p;
  const int w = shape.width_hundredths;
  if (shape.family == family::rexnetr && (w == 200 || w == 300)) p.crop_pct = 0.95;
  return p;
}

/// The same for a detector: mean and deviation of torchvision's SSD. The rest is of no use there: see
/// detector_settings.
[[nodiscard]] inline preprocessing detector_preprocessing() noexcept {
  preprocessing p;
  p.input_size = 320;
  p.crop_pct = 1;
  p.interpolation = interpolation::bilinear;
  return p;
}

/// How a file is opened.
struct load_options {
  /// check::full reads the whole of a packed file and compares its checksum.
  check depth = check::header;
  /// Which network of a training file: read_checkpoint()'s key. Packed files have none (M17).
  std::string key;
  /// The config.json of a checkpoint: "" for the one in its folder, if it is there and of this network;
  /// "none"; or a path. load() from memory reads none but a path's.
  std::string config;

  load_options() = default;
  /// load(path, check::full)
  load_options(check how_deep) : depth(how_deep) {}  // NOLINT(google-explicit-constructor): as before
};

/// What a checkpoint's model is beside its weights.
struct model_description {
  packed_header header;  ///< shape, preprocessing, names of the classes
  model_origin origin;   ///< where they come from
};

namespace detail {

/// Preprocessing and names from a config.json. Errors: M18; io_error where a path was asked for.
[[nodiscard]] inline status apply_config(const std::string& path, bool asked_for, model_description& d) {
  auto file = file_bytes::map(path);
  if (file && file->bytes().size() > json_reader::max_bytes)
    file =
        error(errc::model_config, path + ": more than " + std::to_string(json_reader::max_bytes) + " bytes");
  else if (file)
    file = file_bytes::read(path);  // a mapping would end the program where others shorten it
  if (!file) {
    if (asked_for) return file.error();
    d.origin.notes.push_back("config.json was not taken: " + file.error().message());
    return done;
  }
  auto c = read_model_config(text(file->bytes()), d.header.shape);
  if (!c) return c.error().in(path);
  if (!c->applies && asked_for)
    return error(errc::model_config, path + ": " + (c->notes.empty() ? "not taken" : c->notes[0]));
  for (const std::string& note : c->notes) d.origin.notes.push_back("config.json: " + note);
  if (!c->applies) return done;
  d.header.input = c->input;
  d.origin.input_from = "config.json";
  d.origin.test_size = c->test_size, d.origin.test_crop_pct = c->test_crop_pct;
  if (c->labels.empty()) return done;
  d.header.labels = std::move(c->labels);
  d.origin.labels_from = "config.json";
  return done;
}

/// "float32", or all types that the weights have.
[[nodiscard]] inline std::string number_types(span<const tensor> tensors) {
  std::string types;
  for (const dtype type : {dtype::f32, dtype::f64, dtype::f16, dtype::bf16})
    for (const tensor& t : tensors)
      if (t.type == type && !is_counter(t.name)) {
        types += (types.empty() ? "" : ", ") + std::string(dtype_name(type));
        break;
      }
  return types;
}

}  // namespace detail

namespace detail {
/// "v1 1.0x", "SSDLite on v1 1.0x"
[[nodiscard]] inline std::string network_text(const packed_header& h) {
  return (h.ssd.classes > 0 ? "SSDLite on " : "") + variant_text(h.shape);
}
}  // namespace detail

/// What load() takes from a checkpoint beside its weights.
/// @param t    as identify_network() finds them in it
/// @param path of the file, for the config.json beside it; empty: there is none
/// Errors: M18, io_error (a config that was asked for).
[[nodiscard]] inline result<model_description> describe(const checkpoint& c, const network_tensors& t,
                                                        const std::string& path,
                                                        const load_options& how = {}) {
  model_description d;
  const config& shape = t.shape();
  d.header.shape = shape;
  if (t.is_detector) d.header.ssd = static_cast<const ssd_part&>(t.detector.shape);
  d.header.input = t.is_detector ? detector_preprocessing() : default_preprocessing(shape);
  d.header.labels = default_labels(shape);
  model_origin& o = d.origin;
  o.key = c.state_key(), o.prefix = c.prefix(), o.others = c.others(), o.notes = c.notes();
  for (const left_out_tensor& left : c.left_out()) o.left_out.push_back(left.name);
  o.number_type = detail::number_types(c.tensors());
  o.input_from = "defaults of " + detail::network_text(d.header);
  if (t.is_detector) {
    if (!how.config.empty() && how.config != "none")
      return error(errc::model_config,
                   how.config + ": config.json describes classifiers, this is a detector");
    return d;
  }
  if (d.header.input.crop_pct != preprocessing().crop_pct) o.test_size = 288, o.test_crop_pct = 1.0;
  if (!d.header.labels.empty()) o.labels_from = "ImageNet-1k";
  const bool asked_for = !how.config.empty();
  const std::string file = asked_for ? how.config : detail::beside(path, "config.json");
  if (how.config == "none" || (!asked_for && (path.empty() || !detail::is_there(file)))) return d;
  if (status s = detail::apply_config(file, asked_for, d); !s) return s.error();
  return d;
}

namespace detail {

[[nodiscard]] inline result<model> load_bytes(byte_span bytes, const load_options& how,
                                              const std::string& path) {
  if (is_packed(bytes)) {
    if (!how.key.empty())
      return error(errc::model_no_such_key, "no " + in_quotes(how.key) + ": a packed file holds one model");
    if (!how.config.empty() && how.config != "none")
      return error(errc::model_config, how.config + ": a packed file has preprocessing of its own");
    return load_packed(bytes, how.depth);
  }
  auto c = read_checkpoint(bytes, how.key);
  if (!c) return c.error();
  auto t = identify_network(*c);
  if (!t) return t.error();
  if (status s = check_blow_up(*t, bytes.size()); !s) return s.error();
  auto d = describe(*c, *t, path, how);
  if (!d) return d.error();
  auto packed = pack_weights(*t);
  if (!packed) return packed.error();
  model m = model_maker::from_weights(t->shape(), {}, std::move(*packed), c->container());
  model_maker::describe(m, std::move(d->header), std::move(d->origin));
  return m;
}

}  // namespace detail

/// Loads a checkpoint (its weights are folded and packed in memory) or a packed file from memory. The payload
/// of a packed float32 file is borrowed: `bytes` must be 64-byte aligned and outlive the model, its copies
/// and their classifiers; load_copy() has no such condition. Everything else is copied. Errors: those of
/// read_checkpoint(), identify_network(), pack_weights() and read_packed(); T6 beyond max_weights_blow_up. A
/// checkpoint gets default_preprocessing() and default_labels(), a detector's detector_preprocessing(),
/// detector_settings() and no labels. Memory: the file's size once for an ordinary checkpoint (float16:
/// twice) and a megabyte, 200 times for the worst that can be made; see docs/refusals.md.
[[nodiscard]] inline result<model> load(byte_span bytes, const load_options& how = {}) {
  return detail::load_bytes(bytes, how, {});
}

/// load() from memory of any alignment that may go away afterwards. Errors: also out_of_memory.
[[nodiscard]] inline result<model> load_copy(byte_span bytes, const load_options& how = {}) {
  return detail::model_maker::from_copy(bytes, [&how](byte_span copy) { return load(copy, how); });
}

/// load() from a file, which is mapped: a packed float32 file is used in place and shared between processes.
/// A checkpoint with a config.json of its own network beside it (timm's, transformers') has its preprocessing
/// and names from there. Where the file shrinks or its disk fails while it is read, or later while a packed
/// float32 model is used, POSIX ends the program (SIGBUS). load_copy() is immune. So are files that
/// are replaced by renaming, as `pack` does: the mapping keeps the old file.
/// @param path UTF-8. Errors: those of load() from memory, M18 (config.json) and io_error, with the path in
/// front.
[[nodiscard]] inline result<model> load(const std::string& path, const load_options& how = {}) {
  return detail::model_maker::from_file(
      path, file_bytes::map(path), [&](byte_span bytes) { return detail::load_bytes(bytes, how, path); });
}

/// The same, read into memory instead of mapped, for files that others may change: one that shrinks meanwhile
/// is an io_error, what happens afterwards does not matter. Also a little faster, see load_packed_copy().
/// Errors: also out_of_memory (no copy is begun that the machine's memory cannot hold).
[[nodiscard]] inline result<model> load_copy(const std::string& path, const load_options& how = {}) {
  return detail::model_maker::from_file(
      path, file_bytes::read(path), [&](byte_span bytes) { return detail::load_bytes(bytes, how, path); });
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_LOAD_HPP
// ---- rexnet/system/cpus.hpp
// How many CPUs this process may use.
#ifndef REXNET_SYSTEM_CPUS_HPP
#define REXNET_SYSTEM_CPUS_HPP

#if defined(__linux__)
// ---- rexnet/system/cgroup.hpp
// CPU time that a Linux control group grants, in whole CPUs. Containers are limited this way: on a machine
// with 64 CPUs and a quota of two, 64 threads would spend most of their time stopped.
// Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max), scheduler/sched-bwc.rst (version 1).
#ifndef REXNET_SYSTEM_CGROUP_HPP
#define REXNET_SYSTEM_CGROUP_HPP

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

inline constexpr std::size_t cgroup_path_bytes = 4096;  // PATH_MAX

/// The beginning of file directory/name as text. False when it cannot be read.
[[nodiscard]] inline bool read_text(const char* directory, const char* name, char* text,
                                    std::size_t size) noexcept {
  char path[cgroup_path_bytes + 64];
  const int length = std::snprintf(path, sizeof(path), "%s/%s", directory, name);
  if (length < 0 || static_cast<std::size_t>(length) >= sizeof(path)) return false;
  std::FILE* file = std::fopen(path, "r");
  if (file == nullptr) return false;
  text[std::fread(text, 1, size - 1, file)] = '\0';
  std::fclose(file);
  return true;
}

/// CPUs that `quota` microseconds of every `period` are worth, rounded up; 0 for no limit, which version 1
/// writes as -1 and version 2 as "max". Anything else but two positive numbers is no limit, too.
[[nodiscard]] inline int quota_cpus(const char* quota, const char* period) noexcept {
  const long long q = std::strtoll(quota, nullptr, 10), p = std::strtoll(period, nullptr, 10);
  if (q <= 0 || p <= 0) return 0;
  const long long cpus = q / p + (q % p != 0 ? 1 : 0);
  return cpus < 1 << 20 ? static_cast<int>(cpus) : 0;
}

/// The limit of one control group, whichever version's files its directory has; 0 for none.
[[nodiscard]] inline int directory_cpus(const char* directory) noexcept {
  char quota[64], period[64];
  if (read_text(directory, "cpu.max", quota, sizeof(quota))) {  // "150000 100000"
    const char* space = std::strchr(quota, ' ');
    return space != nullptr ? quota_cpus(quota, space) : 0;
  }
  if (read_text(directory, "cpu.cfs_quota_us", quota, sizeof(quota)) &&
      read_text(directory, "cpu.cfs_period_us", period, sizeof(period)))
    return quota_cpus(quota, period);
  return 0;
}

/// The smaller of two limits, of which 0 is none.
[[nodiscard]] inline int tighter(int a, int b) noexcept {
  return a == 0 || (b != 0 && b < a) ? b : a;
}

/// The smallest limit of the group at `path` below the file system mounted at root + mount, and of all groups
/// above it. A container may see its own group as the mounted root and name it as the host does: directories
/// that are not there count for nothing.
[[nodiscard]] inline int path_cpus(const char* root, const char* mount, const char* path) noexcept {
  char directory[cgroup_path_bytes];
  const int base = std::snprintf(directory, sizeof(directory), "%s%s", root, mount);
  if (base < 0 || static_cast<std::size_t>(base) >= sizeof(directory)) return 0;
  // A path that leaves the namespace ("/../other") says nothing about what is mounted here.
  const bool inside = std::strstr(path, "/..") == nullptr && std::strcmp(path, "/") != 0;
  const std::size_t bytes = std::strlen(path) + 1;
  if (inside && bytes <= sizeof(directory) - static_cast<std::size_t>(base))
    std::memcpy(directory + base, path, bytes);
  for (int limit = 0;;) {
    limit = tighter(limit, directory_cpus(directory));
    char* slash = std::strrchr(directory + base, '/');
    if (slash == nullptr) return limit;
    *slash = '\0';
  }
}

/// Whether `list`, "cpu,cpuacct", names the controller "cpu".
[[nodiscard]] inline bool has_cpu_controller(const char* list) noexcept {
  for (const char* at = list; at != nullptr; at = std::strchr(at, ',')) {
    if (*at == ',') ++at;
    if (std::strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0')) return true;
  }
  return false;
}

/// CPUs that the quotas of this process's control groups leave, rounded up; 0 where nothing limits them or
/// there are no control groups.
/// @param root put before every path: "" for this system, or a folder with files made up by a test
[[nodiscard]] inline int cgroup_cpus(const char* root = "") noexcept {
  char line[cgroup_path_bytes + 256];
  std::snprintf(line, sizeof(line), "%s/proc/self/cgroup", root);
  std::FILE* file = std::fopen(line, "r");
  if (file == nullptr) return 0;
  int limit = 0;
  while (std::fgets(line, sizeof(line), file) != nullptr) {  // "4:cpu,cpuacct:/a/b", version 2: "0::/a/b"
    line[std::strcspn(line, "\n")] = '\0';
    char* controllers = std::strchr(line, ':');
    char* path = controllers != nullptr ? std::strchr(controllers + 1, ':') : nullptr;
    if (path == nullptr || path[1] != '/') continue;
    *path++ = '\0';
    ++controllers;
    if (*controllers == '\0') {
      limit = tighter(limit, path_cpus(root, "/sys/fs/cgroup", path));
    } else if (has_cpu_controller(controllers)) {
      char mount[256];
      std::snprintf(mount, sizeof(mount), "/sys/fs/cgroup/%s", controllers);
      limit = tighter(limit, path_cpus(root, mount, path));
      limit = tighter(limit, path_cpus(root, "/sys/fs/cgroup/cpu", path));  // where only the link exists
    }
  }
  std::fclose(file);
  return limit;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_CGROUP_HPP

#include <sched.h>
#elif defined(_WIN32)
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// CPUs in the process's affinity mask; 0 where it cannot be read.
[[nodiscard]] inline int affinity_cpus() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
#elif defined(_WIN32)
  DWORD_PTR process = 0, system = 0;
  int cpus = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system) != 0)
    for (; process != 0; process &= process - 1) ++cpus;
  return cpus;  // 0, too, for a process in several groups of 64 CPUs
#else
  return 0;
#endif
}

/// CPUs that a quota of the system leaves; 0 for no limit.
[[nodiscard]] inline int quota_of_process() noexcept {
#if defined(__linux__)
  return cgroup_cpus();
#else
  return 0;
#endif
}

}  // namespace detail

/// CPUs that this process may use: its affinity mask (Linux, Windows), limited by the CPU quotas of its
/// control groups (Linux); elsewhere those of the machine. At least 1. Reads small files: ask once and keep
/// the answer.
[[nodiscard]] inline int available_cpus() noexcept {
  int cpus = detail::affinity_cpus();
  if (cpus == 0) cpus = static_cast<int>(std::thread::hardware_concurrency());
  const int quota = detail::quota_of_process();
  if (quota != 0 && quota < cpus) cpus = quota;
  return cpus > 1 ? cpus : 1;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_CPUS_HPP

#endif  // REXNET_REXNET_HPP
// ---- rexnet/embedded.hpp
// What a program without heap, exceptions and operating system needs: a packed file in memory, a picture to
// the network's pixels, the network, the best classes. docs/embedded.md shows how.
#ifndef REXNET_EMBEDDED_HPP
#define REXNET_EMBEDDED_HPP

#endif  // REXNET_EMBEDDED_HPP
// ---- rexnet/payload/file/write.hpp
// Writes the packed file, layer by layer: no more of the model is in memory than its largest layer.
// Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_WRITE_HPP
#define REXNET_PAYLOAD_FILE_WRITE_HPP

// ---- rexnet/system/output_file.hpp
// A file that appears under its name only when it is complete and on the disk.
#ifndef REXNET_SYSTEM_OUTPUT_FILE_HPP
#define REXNET_SYSTEM_OUTPUT_FILE_HPP

#if defined(_WIN32)
#include <io.h>
#include <share.h>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

// What output_file needs of the system. Paths are UTF-8; `why` and what is returned give the reason of a
// failure, or "".
//
// output_target(): the file that is to be replaced: what a symbolic link leads to, so that the link stays.
// Directories, pipes and devices have the wrong kind: renaming over /dev/null would replace it.
// create_part(): empty and this process's alone. A part that a killed process left is taken over.
// publish(): closes the stream and gives the file its name, in the order that the system allows.
#if defined(_WIN32)
inline std::string output_target(const std::string& path, std::string& why) {
  const DWORD attributes = GetFileAttributesW(utf16(path).c_str());
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    why = "it is a directory";
  return path;
}
inline std::FILE* create_part(const std::string& path, std::string& why) {
  std::FILE* const stream = _wfsopen(utf16(path).c_str(), L"wb", _SH_DENYWR);
  if (stream == nullptr) why = std::strerror(errno);
  return stream;
}
inline bool flush_to_disk(std::FILE* stream) {
  return std::fflush(stream) == 0 && _commit(_fileno(stream)) == 0;
}
inline void remove_part(std::FILE* stream, const std::string& path) {
  std::fclose(stream);
  DeleteFileW(utf16(path).c_str());
}
inline std::string publish(std::FILE* stream, const std::string& from, const std::string& to) {
  std::string why;
  if (std::fclose(stream) != 0) why = std::strerror(errno);
  const DWORD how = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
  if (why.empty() && MoveFileExW(utf16(from).c_str(), utf16(to).c_str(), how) == 0)
    why = windows_message(GetLastError());
  if (!why.empty()) DeleteFileW(utf16(from).c_str());
  return why;
}
#else
/// Of a file that something is mounted on, as containers are given single files: it cannot be renamed over.
inline constexpr const char* mount_point =
    "it is a mount point, and a file that is mounted cannot be replaced: write to another name";
inline bool is_mount_point([[maybe_unused]] const std::string& path) {
#if defined(STATX_ATTR_MOUNT_ROOT)  // Linux 5.8; elsewhere rename() says EBUSY
  struct statx info {};
  return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &info) == 0 &&
         (info.stx_attributes_mask & info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  return false;
#endif
}
inline std::string output_target(const std::string& path, std::string& why) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return path;  // there is none yet
  std::string target = path;
  if (S_ISLNK(info.st_mode)) {
    char* const real = ::realpath(path.c_str(), nullptr);
    if (real == nullptr || ::stat(real, &info) != 0) {
      why = std::string("it is a symbolic link: ") + std::strerror(errno);
      std::free(real);
      return path;
    }
    target = real;
    std::free(real);
  }
  if (S_ISDIR(info.st_mode))
    why = "it is a directory";
  else if (!S_ISREG(info.st_mode))
    why = "it is not a regular file";
  else if (is_mount_point(target))
    why = mount_point;
  return target;
}
inline std::FILE* create_part(const std::string& path, std::string& why) {
  // No link is followed, which another user may have made in a shared folder; no pipe's reader is awaited.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode_t{0666});
  if (fd < 0) {
    why = std::strerror(errno);
    return nullptr;
  }
  struct stat mine {
  }, named{};
  const bool regular = ::fstat(fd, &mine) == 0 && S_ISREG(mine.st_mode);
  // The lock ends with its process, however that ends. On file systems without locks there is none.
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  // The process that held the lock may have renamed the file since it was opened here.
  const bool same =
      ::lstat(path.c_str(), &named) == 0 && mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
  if (!regular)
    why = path + " is not a regular file";
  else if (!locked || !same)
    why = "another process is writing it";
  else if (::ftruncate(fd, 0) == 0)
    if (std::FILE* const stream = ::fdopen(fd, "wb")) return stream;
  if (why.empty()) why = std::strerror(errno);
  ::close(fd);
  return nullptr;
}
inline bool flush_to_disk(std::FILE* stream) {
  return std::fflush(stream) == 0 && ::fsync(::fileno(stream)) == 0;
}
inline void remove_part(std::FILE* stream, const std::string& path) {
  std::remove(path.c_str());  // as long as it is locked
  std::fclose(stream);
}
inline std::string publish(std::FILE* stream, const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    std::string why = errno == EBUSY ? mount_point : std::strerror(errno);
    remove_part(stream, from);
    return why;
  }
  std::fclose(stream);
  // The new name is on the disk when its folder is. Where the folder cannot be read or flushed, the file is
  // renamed all the same: no error.
  const std::size_t slash = to.rfind('/');
  const std::string folder = slash == to.npos ? "." : to.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return {};
  static_cast<void>(::fsync(fd));
  ::close(fd);
  return {};
}
#endif

}  // namespace detail

/// Writes to `path`.part and renames in commit(), once everything is on the disk. Whatever happens before (an
/// error, a full disk, the end of the process or of the power), the old file stays; an output_file that is
/// destroyed without commit() removes its part. A killed process leaves its part, which the next one takes
/// over. The file that a symbolic link leads to is replaced, not the link.
class output_file {
 public:
  /// @param path UTF-8. Errors: io_error with the path and the system's reason; also where the path is a
  /// directory, a pipe, a device or a mount point, and (on POSIX, by flock; on Windows, by sharing) where
  /// another process is writing the same file.
  [[nodiscard]] static result<output_file> create(const std::string& path) {
    output_file f;
    std::string why;
    f.path_ = detail::output_target(path, why);
    if (why.empty()) f.stream_ = detail::create_part(f.part(), why);
    if (f.stream_ == nullptr) return error(errc::io_error, f.path_ + ": cannot be created: " + why);
    return f;
  }
  /// Takes the file; the other writes nothing any more.
  output_file(output_file&& other) noexcept
      : path_(std::move(other.path_)), stream_(std::exchange(other.stream_, nullptr)) {}
  /// Changes places with the other.
  output_file& operator=(output_file&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  ~output_file() {
    if (stream_ == nullptr) return;
    detail::remove_part(stream_, part());
  }

  /// Appends. Errors: io_error.
  [[nodiscard]] status write(byte_span bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size())
      return failed("cannot be written");
    return done;
  }
  /// What was written so far can be read from part().
  [[nodiscard]] status flush() {
    return std::fflush(stream_) == 0 ? status(done) : status(failed("cannot be written"));
  }
  /// Writes over the first bytes again. Only commit() may follow.
  [[nodiscard]] status rewrite_start(byte_span bytes) {
    if (std::fseek(stream_, 0, SEEK_SET) != 0) return failed("cannot be written");
    return write(bytes);
  }
  /// The file as long as it is not complete.
  [[nodiscard]] std::string part() const { return path_ + ".part"; }
  /// Flushes to the disk and gives the file its name.
  [[nodiscard]] status commit() {
    if (!detail::flush_to_disk(stream_)) return failed("cannot be written");
    const std::string why = detail::publish(std::exchange(stream_, nullptr), part(), path_);
    if (why.empty()) return done;
    return error(errc::io_error, path_ + ": cannot be written: " + why);
  }

 private:
  output_file() = default;
  [[nodiscard]] error failed(const char* what) const {
    return {errc::io_error, path_ + ": " + what + ": " + std::strerror(errno)};
  }
  std::string path_;
  std::FILE* stream_ = nullptr;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_OUTPUT_FILE_HPP

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct field_writer {
  std::string out;
  bool bad = false, bad_resize = false;
  void bytes(std::uint64_t v, int n) {
    for (int i = 0; i < n; ++i) out += static_cast<char>(v >> (8 * i) & 255);
  }
  void u32(std::uint32_t v) { bytes(v, 4); }
  void i32(int v) { bytes(static_cast<std::uint32_t>(v), 4); }
  void f32(float v) { bytes(bits_of(v), 4); }
  void f64(double v) {
    std::uint64_t bits;
    std::memcpy(&bits, &v, sizeof(bits));
    bytes(bits, 8);
  }
};

[[nodiscard]] inline byte_span as_bytes(const std::string& s) noexcept {
  return {reinterpret_cast<const unsigned char*>(s.data()), s.size()};
}

/// Calls write(bytes) for a run of the payload in the file's element type, some thousand at a time.
template <class Write>
[[nodiscard]] status packed_elements(span<const float> v, element_type type, Write&& write) {
  // The host is little-endian, as xsimd's are: float32 goes out as it is.
  if (type == element_type::f32)
    return write(byte_span(reinterpret_cast<const unsigned char*>(v.data()), v.size() * sizeof(float)));
  unsigned char bytes[8192];
  for (std::size_t i = 0; i < v.size();) {
    std::size_t n = 0;
    for (; n < sizeof(bytes) && i < v.size(); n += 2, ++i) {
      const std::uint16_t bits = float_to_half(v[i]);
      bytes[n] = static_cast<unsigned char>(bits & 255), bytes[n + 1] = static_cast<unsigned char>(bits >> 8);
    }
    if (status s = write(byte_span(bytes, n)); !s) return s;
  }
  return done;
}

/// Zeros up to a multiple of `size`.
inline void pad_to(std::string& s, int size) {
  s.resize(round_up(s.size(), size), '\0');
}
[[nodiscard]] inline std::string label_lines(const packed_header& h) {
  std::string lines;
  for (const std::string& label : h.labels) lines += label + '\n';
  return lines;
}
/// The self-test's outputs, then its own input.
inline void put_test_floats(field_writer& w, const self_test& t) {
  for (const auto* values : {&t.outputs, &t.input})
    for (const float v : *values) w.f32(v);
}
[[nodiscard]] inline std::uint64_t payload_bytes(const packed_header& h) {
  return static_cast<std::uint64_t>(payload_numbers(h)) * static_cast<std::uint64_t>(element_bytes(h.type));
}
/// The first 20 bytes, whose checksum is that of the `rest` of the header.
[[nodiscard]] inline std::string packed_beginning(std::uint32_t version, const std::string& rest) {
  field_writer start;
  start.out.assign("REXNETPK", 8);
  start.u32(version), start.u32(packed_endian), start.u32(crc32(as_bytes(rest)));
  return start.out;
}

[[nodiscard]] inline std::string head_of_version_1(packed_header h, std::uint32_t payload_crc) {
  field_writer w;
  packed_fields(w, h);
  field_writer tail;
  tail.out = label_lines(h);
  w.u32(static_cast<std::uint32_t>(h.labels.size())), w.u32(static_cast<std::uint32_t>(tail.out.size()));
  w.u32(static_cast<std::uint32_t>(h.test.input.size())), w.u32(payload_crc);
  pad_to(tail.out, 4);
  put_test_floats(tail, h.test);
  const std::size_t header_bytes = round_up(packed_fixed + tail.out.size(), 64);
  w.bytes(header_bytes, 8), w.bytes(payload_bytes(h), 8);
  std::string rest = w.out;
  rest.resize(packed_fixed - packed_start, '\0');
  rest += tail.out;
  rest.resize(header_bytes - packed_start, '\0');
  return packed_beginning(1, rest) + rest;
}

/// The sections before the weights, which are the last.
[[nodiscard]] inline std::vector<std::pair<section_kind, std::string>> sections_of(packed_header h) {
  std::vector<std::pair<section_kind, std::string>> sections;
  const auto add = [&sections](section_kind kind, auto&& put) {
    field_writer w;
    put(w);
    sections.emplace_back(kind, std::move(w.out));
  };
  add(section_kind::shape, [&h](field_writer& w) {
    w.i32(h.shape.block_count), w.u32(shape_numbers_of_block);
    shape_fields(w, h.shape);
  });
  if (h.ssd.classes > 0)
    add(section_kind::detector, [&h](field_writer& w) { detector_fields(w, h.ssd, h.settings); });
  add(section_kind::pictures, [&h](field_writer& w) { picture_fields(w, h.input); });
  if (!h.labels.empty())
    add(section_kind::labels, [&h](field_writer& w) {
      w.u32(static_cast<std::uint32_t>(h.labels.size()));
      w.out += label_lines(h);
    });
  if (h.test.h > 0)
    add(section_kind::self_test, [&h](field_writer& w) {
      w.i32(h.test.h), w.i32(h.test.w), w.u32(h.test.seed);
      w.u32(static_cast<std::uint32_t>(h.test.input.size()));
      put_test_floats(w, h.test);
    });
  return sections;
}

[[nodiscard]] inline std::string head_of_version_2(const packed_header& h, std::uint32_t payload_crc) {
  const auto sections = sections_of(h);
  const std::size_t table_end = table_at + (sections.size() + 1) * table_row;
  field_writer table;
  std::string body;
  const auto add_row = [&](section_kind kind, element_type type, std::uint64_t bytes, std::uint32_t sum) {
    const std::uint64_t at = round_up(table_end, 64) + body.size();
    table.u32(static_cast<std::uint32_t>(kind)), table.u32(static_cast<std::uint32_t>(type));
    table.bytes(at, 8), table.bytes(bytes, 8), table.u32(sum), table.u32(0);
    return at;
  };
  for (const auto& [kind, bytes] : sections) {
    static_cast<void>(add_row(kind, element_type::f32, bytes.size(), crc32(as_bytes(bytes))));
    body += bytes;
    pad_to(body, 64);
  }
  const std::uint64_t at = add_row(section_kind::weights, h.type, payload_bytes(h), payload_crc);
  field_writer rest;
  rest.u32(static_cast<std::uint32_t>(sections.size() + 1));
  rest.bytes(at + payload_bytes(h), 8);
  rest.out.resize(table_at - packed_start, '\0');
  rest.out += table.out;
  std::string head = packed_beginning(2, rest.out) + rest.out;
  pad_to(head, 64);
  return head + body;
}

}  // namespace detail

/// The version that a header is written in: what it asks for, or else 1 where version 1 can say it.
[[nodiscard]] inline int packed_version_of(const packed_header& h) noexcept {
  if (h.version != 0) return h.version;
  return h.ssd.classes == 0 && same_shape(h.shape, detail::as_version_1(h.shape)) ? 1 : 2;
}

/// Everything before the payload: its size depends on the version, the labels and the size of the self-test
/// only.
/// @param payload_crc CRC-32 of the payload's bytes
[[nodiscard]] inline std::string packed_head(const packed_header& h, std::uint32_t payload_crc) {
  return packed_version_of(h) == 1 ? detail::head_of_version_1(h, payload_crc)
                                   : detail::head_of_version_2(h, payload_crc);
}

namespace detail {

/// Whether a reader would take it. Errors: those of write_packed().
[[nodiscard]] inline status check_header(const packed_header& h) {
  const int version = packed_version_of(h);
  if (version != 1 && version != 2)
    return error(errc::packed_version, "version " + std::to_string(version) + ": 1 and 2 can be written");
  if (h.type != element_type::f32 && h.type != element_type::f16)
    return error(errc::unsupported,
                 std::string("weights as ") + element_name(h.type) + ": float32 and float16 can be written");
  if (!is_runnable(h.shape)) return error(errc::packed_shape, "impossible network shape");
  if (h.ssd.classes != 0) {
    if (!is_runnable(h.shape, h.ssd)) return error(errc::packed_shape, "impossible detector");
    if (version == 1) return error(errc::packed_version, "version 1 cannot describe a detector");
  }
  if (version == 1 && !same_shape(h.shape, as_version_1(h.shape)))
    return error(errc::packed_version,
                 "version 1 cannot describe this network: its blocks are not joined as those "
                 "of a published ReXNet are");
  if (!h.labels.empty() && h.labels.size() != static_cast<std::size_t>(named_classes(h)))
    return error(errc::packed_labels, std::to_string(h.labels.size()) + " labels for " +
                                          std::to_string(named_classes(h)) + " classes");
  std::string what;
  const report_text says{what};
  if (check_preprocessing(h.input, says) != errc::ok) return error(errc::packed_preprocessing, what);
  if (h.ssd.classes != 0 && check_settings(h.settings, says) != errc::ok)
    return error(errc::packed_preprocessing, what);
  if (check_labels(h.labels, says) != errc::ok) return error(errc::packed_label_text, what);
  return done;
}

}  // namespace detail

/// Writes a packed file. The same input gives the same bytes.
/// @param layers called twice (for the checksum, then for the bytes) as layers(emit): it calls
///               `status emit(span<const float>)` for consecutive runs of the payload and returns a status
/// @param emit   gets the bytes of the file in order, as `status write(byte_span)`
/// @return the payload's checksum, for packed_head()
/// Errors: those of the two functions; what no reader would take: packed_shape (K7), packed_preprocessing
/// (K11), packed_labels (labels that are neither none nor one per class), packed_label_text (K12),
/// packed_version (a version that is none or cannot describe the network), unsupported (a type of weights);
/// limit_exceeded (a weight beyond float16).
template <class Layers, class Write>
[[nodiscard]] result<std::uint32_t> write_packed(const packed_header& h, Layers&& layers, Write&& write) {
  if (status s = detail::check_header(h); !s) return s.error();
  std::uint32_t crc = 0;
  if (status s = layers([&](span<const float> run) -> status {
        if (h.type == element_type::f16)
          for (const float v : run)
            if (v > 65504.0f || v < -65504.0f)
              return error(errc::limit_exceeded, "a weight of " +
                                                     detail::number_text(static_cast<double>(v)) +
                                                     " does not fit float16: pack as float32");
        return detail::packed_elements(run, h.type, [&crc](byte_span b) -> status {
          crc = crc32(b, crc);
          return done;
        });
      });
      !s)
    return s.error();
  if (status s = write(detail::as_bytes(packed_head(h, crc))); !s) return s.error();
  status s =
      layers([&](span<const float> run) -> status { return detail::packed_elements(run, h.type, write); });
  if (!s) return s.error();
  return crc;
}

/// write_packed() to a file, which appears under its name when it is complete.
/// Errors: also io_error, with the path.
template <class Layers>
[[nodiscard]] status save_packed(const std::string& path, const packed_header& h, Layers&& layers) {
  auto file = output_file::create(path);
  if (!file) return file.error();
  auto crc = write_packed(h, layers, [&](byte_span b) { return file->write(b); });
  if (!crc) return crc.error();
  return file->commit();
}

/// A payload that is in memory already, as the `layers` of write_packed().
[[nodiscard]] inline auto payload_layers(span<const float> payload) {
  return [payload](auto&& emit) -> status { return emit(payload); };
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_WRITE_HPP
#if defined(REXNET_SINGLE_WITH_EIGEN)
// ---- rexnet/engine/reference.hpp
// The network in double precision, for checks and not for speed: a few plain functions on Eigen matrices,
// written from the architecture and sharing nothing with the kernels but the payload's documented layout.
// This is the only header that needs Eigen; rexnet.hpp does not include it.
//
// A map is a matrix [h * w][c]. Sources: arXiv 2007.00992; clovaai/rexnet (v1, lite), timm (rexnetr).
#ifndef REXNET_ENGINE_REFERENCE_HPP
#define REXNET_ENGINE_REFERENCE_HPP

#include <Eigen/Core>

#include <cmath>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace reference {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct map {
  int h = 0, w = 0;
  matrix v;  ///< [h * w][c]
};

/// A layer's weights as [k][count], for the output channels [first, first + count).
[[nodiscard]] inline matrix weights_of(const float* payload, const layer_layout& l, int first, int count) {
  const layer_numbers<const float> layer = numbers_of(payload, l);
  matrix m(l.k, count);
  for (int k = 0; k < l.k; ++k)
    for (int o = first; o < first + count; ++o) m(k, o - first) = static_cast<double>(layer.weight(o, k));
  return m;
}
[[nodiscard]] inline matrix bias_of(const float* payload, const layer_layout& l) {
  return Eigen::Map<const Eigen::RowVectorXf>(numbers_of(payload, l).bias, l.out_c).cast<double>();
}

[[nodiscard]] inline matrix silu(const matrix& x) {
  return (x.array() / (1.0 + (-x.array()).exp())).matrix();
}
[[nodiscard]] inline matrix relu6(const matrix& x) {
  return x.cwiseMax(0.0).cwiseMin(6.0);
}
[[nodiscard]] inline matrix activated(activation act, const matrix& x) {
  switch (act) {
    case activation::none: break;
    case activation::relu: return x.cwiseMax(0.0);
    case activation::relu6: return relu6(x);
    case activation::silu: return silu(x);
    case activation::sigmoid: return (1.0 / (1.0 + (-x.array()).exp())).matrix();
  }
  return x;
}

/// x [n][k] times the layer's weights, plus its bias; a hundred columns at a time to save memory.
[[nodiscard]] inline matrix dense(const float* payload, const layer_layout& l, const matrix& x) {
  matrix out = bias_of(payload, l).replicate(x.rows(), 1);
  for (int o = 0; o < l.out_c; o += 100) {
    const int count = l.out_c - o < 100 ? l.out_c - o : 100;
    out.middleCols(o, count) += x * weights_of(payload, l, o, count);
  }
  return out;
}

/// The stem: 3x3, stride 2, zero padding 1; every output pixel's 27 inputs make a row of a matrix.
[[nodiscard]] inline map stem(const config& c, const float* payload, const layer_layout& l, const map& in) {
  map out{strided(in.h, 2), strided(in.w, 2), {}};
  matrix patches = matrix::Zero(Eigen::Index{out.h} * out.w, 27);
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x)
      for (int ky = 0; ky < 3; ++ky)
        for (int kx = 0; kx < 3; ++kx) {
          const int iy = 2 * y - 1 + ky, ix = 2 * x - 1 + kx;
          if (iy >= 0 && ix >= 0 && iy < in.h && ix < in.w)
            patches.block(Eigen::Index{y} * out.w + x, Eigen::Index{ky * 3 + kx} * 3, 1, 3) =
                in.v.row(iy * in.w + ix);
        }
  out.v = activated(c.stem_act, dense(payload, l, patches));
  return out;
}

[[nodiscard]] inline map depthwise(const float* payload, const layer_layout& l, const map& in, int kernel,
                                   int stride) {
  const matrix taps = weights_of(payload, l, 0, l.out_c), bias = bias_of(payload, l);
  map out{strided(in.h, stride), strided(in.w, stride), {}};
  out.v = bias.replicate(Eigen::Index{out.h} * out.w, 1);
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x)
      for (int ky = 0; ky < kernel; ++ky)
        for (int kx = 0; kx < kernel; ++kx) {
          const int iy = y * stride + ky - kernel / 2, ix = x * stride + kx - kernel / 2;
          if (iy >= 0 && ix >= 0 && iy < in.h && ix < in.w)
            out.v.row(y * out.w + x) += in.v.row(iy * in.w + ix).cwiseProduct(taps.row(ky * kernel + kx));
        }
  return out;
}

/// A block: expand, depthwise, squeeze-excite, activation, project, and the input added to the first
/// channels.
[[nodiscard]] inline map block(const block_config& b, const float* payload, const block_layout& l,
                               const map& in) {
  map x = in;
  if (b.expand) x.v = activated(b.expand_act, dense(payload, l.expand, in.v));
  x = depthwise(payload, l.depthwise, x, b.kernel, b.stride);
  if (!b.se_first) x.v = activated(b.depthwise_act, x.v);
  if (b.se_c > 0) {
    const matrix squeezed = dense(payload, l.squeeze, x.v.colwise().mean()).cwiseMax(0.0);
    const Eigen::RowVectorXd gate = activated(activation::sigmoid, dense(payload, l.excite, squeezed));
    x.v = x.v.array().rowwise() * gate.array();
  }
  if (b.se_first) x.v = activated(b.depthwise_act, x.v);
  map out{x.h, x.w, activated(b.project_act, dense(payload, l.project, x.v))};
  if (b.residual()) out.v.leftCols(b.residual_c) += in.v.leftCols(b.residual_c);
  return out;
}

/// Everything between an image and its outputs. Vectors are matrices of one row.
struct answer {
  std::vector<map> blocks;  ///< the output of each block
  map head;                 ///< after its activation
  matrix pooled;            ///< the head's mean
  matrix features;          ///< what the classifier sees
  matrix outputs;           ///< output_c(c) logits, or the features where classes is 0
};

/// One image through the network.
/// @param payload packed_numbers(c) floats
/// @param image   [h][w][3], normalised
[[nodiscard]] inline answer run(const config& c, const float* payload, const float* image, int h, int w) {
  const weights_layout layout = layout_of(c);
  answer a;
  map x{h, w,
        Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, 3, Eigen::RowMajor>>(image, Eigen::Index{h} * w,
                                                                                   3)
            .cast<double>()};
  x = stem(c, payload, layout.stem, x);
  for (int i = 0; i < c.block_count; ++i) {
    x = block(c.blocks[i], payload, layout.blocks[i], x);
    a.blocks.push_back(x);
  }
  a.head = {x.h, x.w, activated(c.head_act, dense(payload, layout.head, x.v))};
  a.pooled = a.head.v.colwise().mean();
  a.features = c.hidden_c > 0 ? activated(c.hidden_act, dense(payload, layout.hidden, a.pooled)) : a.pooled;
  a.outputs = c.classes > 0 ? dense(payload, layout.classifier, a.features) : a.features;
  return a;
}

/// A detector's raw outputs.
struct detector_answer {
  std::vector<map> maps;  ///< of every level
  matrix logits;          ///< [rows][classes]
  matrix codes;           ///< [rows][4]
};

/// One image through a detector.
/// @param payload layout_of(d).bytes
/// @param image   [h][w][3], normalised
[[nodiscard]] inline detector_answer run(const detector_config& d, const float* payload, const float* image,
                                         int h, int w) {
  const detector_layout layout = layout_of(d);
  const answer backbone = run(d.backbone, payload, image, h, w);
  detector_answer a;
  a.maps = {backbone.blocks[static_cast<std::size_t>(d.tap)], backbone.head};
  for (int k = 0; k < ssd_extra_blocks; ++k)
    a.maps.push_back(block(d.extra[k], payload, layout.extra[k], a.maps.back()));
  a.logits.resize(detector_rows(d, h, w), d.classes);
  a.codes.resize(a.logits.rows(), 4);
  Eigen::Index row = 0;
  for (int k = 0; k < ssd_levels; ++k) {
    const map& in = a.maps[static_cast<std::size_t>(k)];
    // A place's outputs are its anchors', one after the other: [places][6 * n] is [places * 6][n].
    const auto head = [&](const block_config& b, const block_layout& l, matrix& to) {
      const matrix v = block(b, payload, l, in).v;
      to.middleRows(row, v.rows() * ssd_anchors_a_place) =
          Eigen::Map<const matrix>(v.data(), v.rows() * ssd_anchors_a_place, to.cols());
    };
    head(logits_head(d, k), layout.logits[k], a.logits);
    head(codes_head(d, k), layout.codes[k], a.codes);
    row += in.v.rows() * ssd_anchors_a_place;
  }
  return a;
}

/// The outputs alone: output_c(c) logits, or features where classes is 0.
[[nodiscard]] inline std::vector<double> forward(const config& c, const float* payload, const float* image,
                                                 int h, int w) {
  const matrix outputs = run(c, payload, image, h, w).outputs;
  return {outputs.data(), outputs.data() + outputs.size()};
}

/// A class activation map, [h * w][1] (cam.hpp): the classifier without its bias on every place of the head.
[[nodiscard]] inline matrix class_activation_map(const config& c, const float* payload, const map& head,
                                                 int class_index) {
  const weights_layout layout = layout_of(c);
  const matrix seen =
      c.hidden_c > 0 ? activated(c.hidden_act, dense(payload, layout.hidden, head.v)) : head.v;
  return seen * weights_of(payload, layout.classifier, class_index, 1);
}

}  // namespace reference
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_REFERENCE_HPP
#endif  // REXNET_SINGLE_WITH_EIGEN

#endif  // REXNET_REXNET_SINGLE_HPP
