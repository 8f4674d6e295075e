// SPDX-License-Identifier: MIT
// Opens files as load() does and prints a line for each, with tabs between: "detector", variant, classes,
// tap, key, prefix, CRC-32 of the payload, seconds, then notes, other networks' keys and what was left out,
// each with "|" between; or "model" and the variant; or "error", its code, the message and seconds. Usage:
// dump_detector [--key KEY] FILE...
//        dump_detector --run SIDE INPUT OUT FILE   float32 in [SIDE][SIDE][3], out: logits, then codes
#include "rexnet/heads/detector.hpp"
#include "rexnet/load.hpp"

#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : "|") + part;
  return all;
}

void dump(const std::string& path, const std::string& key) {
  const auto start = std::chrono::steady_clock::now();
  rexnet::load_options how;
  how.key = key;
  const auto m = rexnet::load(path, how);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!m) {
    std::printf("error\t%d\t%s\t%.3f\n", static_cast<int>(m.code()), m.error().what(), seconds);
    return;
  }
  const std::string variant = rexnet::detail::variant_text(m->shape());
  if (!m->is_detector()) {
    std::printf("model\t%s\n", variant.c_str());
    return;
  }
  const rexnet::detector_config d = m->detector_shape();
  const auto payload = m->payload();
  const auto crc =
      rexnet::crc32({reinterpret_cast<const unsigned char*>(payload.data()), payload.size() * 4});
  const rexnet::model_origin& o = m->origin();
  std::printf("detector\t%s\t%d\t%d\t%s\t%s\t%08x\t%.3f\t%s\t%s\t%s\n", variant.c_str(), d.classes, d.tap,
              o.key.c_str(), o.prefix.c_str(), crc, seconds, joined(o.notes).c_str(),
              joined(o.others).c_str(), joined(o.left_out).c_str());
}

int run(int side, const std::string& input, const std::string& out, const std::string& path) {
  const rexnet::model m = rexnet_test::must(rexnet::load(path));
  auto d = rexnet_test::must(rexnet::detector::make(m));
  const std::string bytes = rexnet_test::read_bytes(input);
  const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  if (bytes.size() != pixels * 12) return 1;
  std::vector<float> image(3 * pixels);
  std::memcpy(image.data(), bytes.data(), bytes.size());
  const auto rows = static_cast<std::size_t>(d.rows(side, side));
  std::vector<float> logits(rows * static_cast<std::size_t>(d.shape().classes)), codes(rows * 4);
  if (!d.run({image.data(), 1, side, side, 3}, logits, codes)) return 1;
  logits.insert(logits.end(), codes.begin(), codes.end());
  rexnet_test::write_bytes(out, std::string(reinterpret_cast<const char*>(logits.data()), logits.size() * 4));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int i = 1;
  std::string key;
  if (argc == 6 && std::strcmp(argv[1], "--run") == 0)
    return run(std::atoi(argv[2]), argv[3], argv[4], argv[5]);
  if (argc > 2 && std::strcmp(argv[1], "--key") == 0) key = argv[2], i = 3;
  for (; i < argc; ++i) dump(argv[i], key);
  return 0;
}
