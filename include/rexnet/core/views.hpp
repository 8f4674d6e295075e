// SPDX-License-Identifier: MIT
// Non-owning views: what the public functions take and give. Nothing here allocates.
#ifndef REXNET_CORE_VIEWS_HPP
#define REXNET_CORE_VIEWS_HPP

#include "rexnet/core/build.hpp"

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

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
