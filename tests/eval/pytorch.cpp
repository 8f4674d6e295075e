// SPDX-License-Identifier: MIT
// `rexnet eval` on the photographs that the trained checkpoints were validated with: PyTorch's top-1, picture
// by picture.
#include "tools/csv.hpp"

#include "tests/support/npz.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace {

using rexnet_test::shared_path;
using row = std::map<std::string, std::string>;

/// The rows of a file of predictions by their paths.
std::map<std::string, row> read_rows(const std::string& path) {
  const std::string text = rexnet_test::read_bytes(path);
  rexnet_tools::csv_reader reader(text);
  std::vector<std::string> names, fields;
  REQUIRE(reader.next(names));
  std::map<std::string, row> rows;
  while (reader.next(fields)) {
    REQUIRE(fields.size() == names.size());
    row r;
    for (std::size_t i = 0; i < names.size(); ++i) r[names[i]] = fields[i];
    CHECK(rows.emplace(r["path"], r).second);
  }
  return rows;
}

void check_top1(const std::string& name, const std::string& folder, const std::string& size) {
  const rexnet_test::scratch dir;
  const std::string base = shared_path("fixtures/trained/" + name), rows_path = dir.path("rows.csv"),
                    report_path = dir.path("report.json");
  const std::string command = "\"" REXNET_COMMAND "\" eval \"" + base + ".pth\" \"" + shared_path(folder) +
                              "\" --labels \"" + base + ".classes.txt\" --input-size " + size + " --csv \"" +
                              rows_path + "\" --json > \"" + report_path + "\"";
  REQUIRE(std::system(command.c_str()) == 0);

  const auto answers = rexnet_test::read_npz(base + ".npz");
  const auto about = nlohmann::json::parse(rexnet_test::read_bytes(base + ".json"));
  const auto report = nlohmann::json::parse(rexnet_test::read_bytes(report_path));
  const auto& paths = answers.at("paths").strings;
  const auto& logits = answers.at("logits").values;
  const std::size_t classes = logits.size() / paths.size();
  auto rows = read_rows(rows_path);
  REQUIRE(rows.size() == paths.size());
  std::size_t right = 0;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    INFO(paths[i]);
    REQUIRE(rows.count(paths[i]) == 1);
    row& r = rows[paths[i]];
    const auto first = logits.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto top = std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first;
    CHECK(r["predicted"] == std::to_string(top));
    CHECK(r["label"] == std::to_string(static_cast<int>(answers.at("labels").values[i])));
    // PyTorch's probability: logits differ by up to 6e-5.
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c)
      sum += std::exp(first[static_cast<std::ptrdiff_t>(c)] - first[top]);
    CHECK(std::stod(r["probability"]) == doctest::Approx(1 / sum).epsilon(2e-4));
    right += r["predicted"] == r["label"];
  }
  CHECK(report.at("broken") == 0);
  CHECK(report.at("evaluated") == about.at("images"));
  CHECK(report.at("top1_correct") == right);
  CHECK(report.at("top1").get<double>() == about.at("top1").get<double>());
  CHECK(report.at("top5").get<double>() == about.at("top5").get<double>());
  MESSAGE(name, ": top-1 ", report.at("top1").get<double>(), " of ", paths.size(),
          ", as PyTorch picture by picture");
}

}  // namespace

TEST_CASE("eval: PyTorch's top-1 for every picture of clothing") {
  REXNET_NEEDS("data/clothing/test");
  check_top1("clothing_1.0x", "data/clothing/test", "112");
}

TEST_CASE("eval: PyTorch's top-1 for every picture of sign digits") {
  REXNET_NEEDS("data/sign_digits/validation");
  check_top1("sign_digits_1.0x", "data/sign_digits/validation", "96");
}
