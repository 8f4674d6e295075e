// SPDX-License-Identifier: MIT
// classify --embed: a .npy file that grows by a row for each picture, however many follow.
#ifndef REXNET_TOOLS_EMBEDDING_FILE_HPP
#define REXNET_TOOLS_EMBEDDING_FILE_HPP

#include "tools/commands.hpp"

#include "rexnet/checkpoint/npy.hpp"
#include "rexnet/system/output_file.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rexnet_tools {

class embedding_file {
 public:
  /// Throws rexnet::error (io_error) where the file cannot be made; it has its name only after commit().
  /// @param path UTF-8
  embedding_file(std::string path, int columns)
      : path_(std::move(path)), columns_(columns), file_(create_output(path_)) {
    check(file_.write(bytes_of(header())));
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] int columns() const { return columns_; }

  /// Appends a row. Throws rexnet::error (io_error). Precondition: as many values as columns.
  void add(const std::vector<float>& row) {
    // What write_npy() puts behind its header: little-endian on every machine.
    check(file_.write(bytes_of(rexnet::write_npy({columns_}, row).substr(header_bytes))));
    ++rows_;
  }
  /// Writes the number of rows, and gives the file its name.
  void commit() {
    check(file_.rewrite_start(bytes_of(header())));
    commit_output(file_, path_);
  }

 private:
  /// write_npy() pads a header to a multiple of 64, which is 128 for these shapes.
  static constexpr std::size_t header_bytes = 128;

  /// Of as many rows as there are now: the number in an empty array's header takes the place of padding.
  [[nodiscard]] std::string header() const {
    std::string text = rexnet::write_npy({0, columns_}, {});
    const std::string rows = std::to_string(rows_);
    text.replace(text.find("(0, ") + 1, 1, rows);
    text.erase(text.size() - rows.size(), rows.size() - 1);
    return text;
  }
  static rexnet::byte_span bytes_of(const std::string& text) {
    return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
  }
  static void check(const rexnet::status& s) {
    if (!s) throw s.error();
  }

  std::string path_;
  int columns_;
  rexnet::output_file file_;
  std::int64_t rows_ = 0;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_EMBEDDING_FILE_HPP
