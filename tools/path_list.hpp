// SPDX-License-Identifier: MIT
// Lists of paths, as text that comes in pieces: on standard input, or as an evaluation's list.
#ifndef REXNET_TOOLS_PATH_LIST_HPP
#define REXNET_TOOLS_PATH_LIST_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace rexnet_tools {

/// Why text that begins so is no list, or "". UTF-16 (which PowerShell's > writes) is refused, and a NUL
/// where lines end with line feeds: readers that end a text there would lose the rest of the line.
/// @param start as much as there is of the first line at least
[[nodiscard]] std::string no_list(std::string_view start, bool null_separated);

/// What comes on standard input.
struct stream_start {
  enum class as {
    unclear,  ///< more bytes are needed
    picture,
    list,
    refused
  };
  as what = as::unclear;
  std::string why;  ///< of refused
};
/// Tells a picture from a list of paths from anything else by as few bytes as have come: a list's first line
/// must be answered before the next is written.
/// @param ended nothing follows
[[nodiscard]] stream_start judge_stream(std::string_view start, bool null_separated, bool ended);

/// Takes a list apart, line by line, as its pieces come.
class line_splitter {
 public:
  /// Longer lines are no paths: Windows' longest has 32767 characters of up to three bytes.
  static constexpr std::size_t longest = std::size_t{1} << 17;

  struct line {
    std::string text;
    std::size_t number = 0;  ///< from 1
    std::string why;         ///< not empty: what is wrong with it
  };

  /// @param null_separated lines end with NUL, as find -print0 writes them, and may hold line feeds
  explicit line_splitter(bool null_separated) : end_(null_separated ? '\0' : '\n') {}

  /// Another piece. The mark that Windows' editors put before UTF-8 is dropped.
  void add(std::string_view piece);
  /// Nothing follows: the rest is the last line.
  void finish() { ended_ = true; }
  /// The next line that is whole and not empty, without its end (\r before a line feed is part of that).
  [[nodiscard]] bool next(line& out);

 private:
  void check(line& l) const;

  char end_;
  std::string text_;      ///< not yet taken apart
  std::size_t at_ = 0;    ///< where in it the next line begins
  std::size_t seen_ = 0;  ///< up to where no end was found
  std::size_t number_ = 0;
  bool begun_ = false, ended_ = false;
  bool skipping_ = false;  ///< within a line that was too long
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_PATH_LIST_HPP
