// SPDX-License-Identifier: MIT
// numpy arrays: what is accepted survives writing and reading.
#include "rexnet/checkpoint/npy.hpp"

#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/memory.hpp"

#include <cstring>

namespace {

using namespace rexnet_fuzz;

void run(rexnet::byte_span input) {
  const memory_watch watch;
  const auto a = rexnet::read_npy(input);
  REXNET_FUZZ_CHECK(watch.peak() <= 8192 + 4 * input.size());
  if (!a) return;
  std::size_t n = 1;
  for (const std::int64_t side : a->shape) n *= static_cast<std::size_t>(side);
  REXNET_FUZZ_CHECK(a->shape.size() <= 8 && a->data.size() == n && n * sizeof(float) <= input.size());
  // The data are the file's last bytes, bit by bit.
  std::vector<float> again(n);
  if (n > 0) std::memcpy(again.data(), input.data() + input.size() - 4 * n, 4 * n);
  REXNET_FUZZ_CHECK(n == 0 || std::memcmp(again.data(), a->data.data(), 4 * n) == 0);
  const std::string file = rexnet::write_npy(a->shape, a->data);
  REXNET_FUZZ_CHECK((file.size() - 4 * n) % 64 == 0);
  const auto b = rexnet::read_npy({reinterpret_cast<const unsigned char*>(file.data()), file.size()});
  REXNET_FUZZ_CHECK(b.ok() && b->shape == a->shape);
  REXNET_FUZZ_CHECK(n == 0 || std::memcmp(a->data.data(), b->data.data(), 4 * n) == 0);
}

std::string number(std::uint64_t v, int bytes) {
  std::string s;
  for (int i = 0; i < bytes; ++i, v >>= 8) s += static_cast<char>(v & 255);
  return s;
}

/// A header with the length that it has.
std::string with_header(int version, const std::string& fields, const std::string& data, dice& d) {
  return std::string("\x93NUMPY", 6) + static_cast<char>(version) + '\0' +
         number(d.one_in(16) ? d.number() : fields.size(), version == 1 ? 2 : 4) + fields + data;
}

std::string fresh(dice& d) {
  std::string sides;
  std::size_t n = 1;
  for (std::size_t rank = d.below(d.one_in(6) ? 11 : 4), i = 0; i < rank; ++i) {
    const std::uint64_t side = d.one_in(12) ? d.number() : d.below(4);
    n *= static_cast<std::size_t>(side);
    sides += std::to_string(side) + (d.one_in(5) ? "," : ", ");
  }
  static constexpr const char* types[] = {"<f4", "<f4", "<f4", "<f8", ">f4", "|u1", ""};
  const std::string fields = std::string("{'descr': '") + d.pick(types) +
                             "', 'fortran_order': " + (d.one_in(8) ? "True" : "False") + ", 'shape': (" +
                             sides + "), }" + std::string(d.below(20), ' ') + "\n";
  return with_header(1 + static_cast<int>(d.below(d.one_in(8) ? 5 : 3)), fields,
                     std::string(4 * (n <= 64 ? n : 0), static_cast<char>(d.next())), d);
}

void mutate(std::string& input, dice& d) {
  if (input.size() < 12 || d.one_in(6)) {
    input = fresh(d);
    return;
  }
  const bool first = input[6] == 1;
  const std::size_t start = first ? 10 : 12;
  const std::size_t length =
      static_cast<unsigned char>(input[8]) + 256 * std::size_t{static_cast<unsigned char>(input[9])};
  std::string fields = input.substr(start, length),
              data = input.size() > start + length ? input.substr(start + length) : "";
  if (d.one_in(3))
    data.resize(d.below(80));
  else
    mutate_bytes(fields, d);
  input = with_header(first ? 1 : 2 + static_cast<int>(d.below(2)), fields, data, d);
}

const registered here{{"npy", run, mutate}};

}  // namespace
