// SPDX-License-Identifier: MIT
// An SSD head's outputs, whatever they are, to boxes: in blocks of exactly the sizes that are promised to be
// enough, against a plain reference that compares every box with every other one.
#include "rexnet/heads/ssd.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using namespace rexnet_fuzz;
using rexnet::box;
using rexnet::detection;
using rexnet::errc;

float float_of(std::uint64_t bits) {
  const auto low = static_cast<std::uint32_t>(bits);
  float v = 0;
  std::memcpy(&v, &low, sizeof(v));
  return v;
}
double double_of(std::uint64_t bits) {
  double v = 0;
  std::memcpy(&v, &bits, sizeof(v));
  return v;
}

/// Numbers of one kind: of every size, a few that are alike, odd ones, any bits.
float some_float(int kind, dice& d) {
  using limits = std::numeric_limits<float>;
  static constexpr float odd[] = {limits::quiet_NaN(),
                                  limits::infinity(),
                                  -limits::infinity(),
                                  limits::denorm_min(),
                                  -limits::denorm_min(),
                                  (limits::max)(),
                                  -(limits::max)(),
                                  -0.0f,
                                  88.8f,
                                  -104.0f,
                                  1e30f};
  const float small = static_cast<float>(static_cast<int>(d.below(2001)) - 1000) / 100;
  switch (kind) {
    case 0: return small;
    case 1: return static_cast<float>(d.below(3));
    case 2: return d.one_in(4) ? d.pick(odd) : small;
    case 3: return d.pick(odd);
    case 4: return float_of(d.next());
    case 5: return 0;
    default: return small / 100;
  }
}

struct problem {
  rexnet::ssd_shape shape;
  rexnet::ssd_options options;
  rexnet::anchor_scales scales;
  int classes = 2;
  std::vector<float> logits, codes;
  std::vector<box> anchors;
};

problem some_problem(choices& c) {
  problem p;
  rexnet::ssd_shape& s = p.shape;
  s.input_h = c.between(1, 400), s.input_w = c.between(1, 400);
  s.levels = c.between(1, rexnet::max_ssd_levels);
  // Now and then more than the 1000 candidates at which suppression has another way.
  const int side = c.flag() ? 2 : 4;
  for (int k = 0; k < s.levels; ++k) s.h[k] = c.between(1, side), s.w[k] = c.between(1, side);
  p.classes = c.between(2, 4);
  rexnet::ssd_options& o = p.options;
  switch (c.between(0, 7)) {
    case 0: o.score = 0; break;
    case 1: o.score = float_of(c.bytes(4)); break;
    case 2: o.score = 0.3f; break;
    default: break;
  }
  switch (c.between(0, 7)) {
    case 0: o.iou = 0; break;
    case 1: o.iou = double_of(c.bytes(8)); break;
    case 2: o.iou = 1; break;
    default: o.iou = c.between(0, 100) / 100.0;
  }
  switch (c.between(0, 7)) {
    case 0: o.candidates = static_cast<int>(c.bytes(4)); break;
    case 1: o.candidates = c.between(1, 4); break;
    default: o.candidates = c.between(1, 1000);
  }
  switch (c.between(0, 7)) {
    case 0: o.most = static_cast<int>(c.bytes(4)); break;
    case 1: o.most = c.between(1, 4); break;
    default: o.most = c.between(1, 1000);
  }
  if (c.between(0, 7) == 0) p.scales.least = double_of(c.bytes(8)), p.scales.most = double_of(c.bytes(8));

  p.anchors.resize(rexnet::ssd_rows(s));
  REXNET_FUZZ_CHECK(rexnet::ssd_anchors(s, p.anchors, p.scales) == errc::ok);
  const std::size_t rows = p.anchors.size();
  const int logits_kind = c.between(0, 5), codes_kind = c.between(0, 6), anchors_kind = c.between(0, 15);
  dice d(c.bytes(8));
  p.logits.resize(rows * static_cast<std::size_t>(p.classes));
  p.codes.resize(rows * 4);
  for (float& v : p.logits) v = some_float(logits_kind, d);
  for (float& v : p.codes) v = some_float(codes_kind, d);
  if (anchors_kind < 5)  // anchors of another program
    for (box& a : p.anchors)
      for (float* v : {&a.x1, &a.y1, &a.x2, &a.y2}) *v = some_float(anchors_kind, d);
  // Single values out of the input.
  for (int n = c.between(0, 7); n > 0; --n)
    p.logits[static_cast<std::size_t>(c.bytes(2)) % p.logits.size()] = float_of(c.bytes(4));
  for (int n = c.between(0, 7); n > 0; --n)
    p.codes[static_cast<std::size_t>(c.bytes(2)) % p.codes.size()] = float_of(c.bytes(4));
  return p;
}

/// As torchvision words it: all candidates by score, each compared with all that stay.
std::vector<detection> reference(const problem& p) {
  const auto classes = static_cast<std::size_t>(p.classes);
  const rexnet::ssd_options& o = p.options;
  std::vector<std::vector<detection>> of_class(classes);
  for (std::size_t row = 0; row < p.anchors.size(); ++row) {
    const float* in = &p.logits[row * classes];
    bool nan = false;
    float top = -INFINITY, sum = 0;
    for (std::size_t c = 0; c < classes; ++c) nan = nan || std::isnan(in[c]), top = (std::fmax)(top, in[c]);
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(in[c] - top);
    for (std::size_t c = 1; c < classes && !nan && std::isfinite(top); ++c) {
      detection d;
      d.score = std::exp(in[c] - top) / sum;
      d.label = static_cast<int>(c), d.anchor = static_cast<int>(row);
      if (d.score > o.score) of_class[c].push_back(d);
    }
  }
  const auto better = [](const detection& a, const detection& b) { return a.score > b.score; };
  std::vector<detection> all;
  float largest = 0;
  for (std::vector<detection>& list : of_class) {
    std::stable_sort(list.begin(), list.end(), better);
    if (list.size() > static_cast<std::size_t>(o.candidates))
      list.resize(static_cast<std::size_t>(o.candidates));
    for (detection d : list) {
      const auto row = static_cast<std::size_t>(d.anchor);
      d.at = rexnet::decode_box(p.anchors[row], &p.codes[4 * row], static_cast<float>(p.shape.input_w),
                                static_cast<float>(p.shape.input_h));
      const float at[] = {d.at.x1, d.at.y1, d.at.x2, d.at.y2};
      if (std::any_of(at, at + 4, [](float v) { return std::isnan(v); })) continue;
      for (const float v : at) largest = (std::fmax)(largest, v);
      all.push_back(d);
    }
  }
  std::stable_sort(all.begin(), all.end(), better);
  const float step = all.size() <= 1000 ? largest + 1 : 0;
  std::vector<detection> stay;
  std::vector<std::vector<detection>> stay_of(classes);
  for (const detection& d : all) {
    bool suppressed = false;
    std::vector<detection>& same_class = stay_of[static_cast<std::size_t>(d.label)];
    for (std::size_t i = 0; i < same_class.size() && !suppressed; ++i) {
      const detection& s = same_class[i];
      const float by = step * static_cast<float>(d.label);
      const box a{s.at.x1 + by, s.at.y1 + by, s.at.x2 + by, s.at.y2 + by},
          b{d.at.x1 + by, d.at.y1 + by, d.at.x2 + by, d.at.y2 + by};
      const float w = (std::fmax)((std::fmin)(a.x2, b.x2) - (std::fmax)(a.x1, b.x1), 0.0f),
                  h = (std::fmax)((std::fmin)(a.y2, b.y2) - (std::fmax)(a.y1, b.y1), 0.0f);
      const float shared = w * h, area_a = (a.x2 - a.x1) * (a.y2 - a.y1),
                  area_b = (b.x2 - b.x1) * (b.y2 - b.y1);
      suppressed = static_cast<double>(shared / (area_a + area_b - shared)) > o.iou;
    }
    if (!suppressed) stay.push_back(d), same_class.push_back(d);
  }
  if (stay.size() > static_cast<std::size_t>(o.most)) stay.resize(static_cast<std::size_t>(o.most));
  return stay;
}

bool same(const detection& a, const detection& b) {
  return a.score == b.score && a.label == b.label && a.anchor == b.anchor && a.at.x1 == b.at.x1 &&
         a.at.y1 == b.at.y1 && a.at.x2 == b.at.x2 && a.at.y2 == b.at.y2;
}

void run(rexnet::byte_span input) {
  choices c(input);
  const problem p = some_problem(c);
  const rexnet::ssd_options& o = p.options;
  const std::size_t rows = p.anchors.size();
  const rexnet::ssd_outputs out{p.logits.data(), p.codes.data(), rows, p.classes};
  std::vector<int> counts(static_cast<std::size_t>(p.classes), -1);
  std::vector<detection> room(rexnet::ssd_candidates(rows, p.classes, o));
  room.shrink_to_fit();
  const auto call = [&](std::size_t places, std::size_t numbers, std::size_t& found) {
    return rexnet::ssd_detections(out, p.anchors, p.shape.input_h, p.shape.input_w, o,
                                  {counts.data(), numbers}, {room.data(), places}, found);
  };
  std::size_t found = 7;
  const bool good = o.candidates >= 1 && o.most >= 1 && o.iou >= 0 && o.score >= 0;
  if (!good) {
    REXNET_FUZZ_CHECK(call(room.size(), counts.size(), found) == errc::invalid_argument && found == 0);
    return;
  }
  REXNET_FUZZ_CHECK(call(room.size() - 1, counts.size(), found) == errc::shape_mismatch);
  REXNET_FUZZ_CHECK(call(room.size(), counts.size() - 1, found) == errc::shape_mismatch && found == 0);
  REXNET_FUZZ_CHECK(call(room.size(), counts.size(), found) == errc::ok);
  REXNET_FUZZ_CHECK(found <= room.size() && found <= static_cast<std::size_t>(o.most));

  const auto w = static_cast<float>(p.shape.input_w), h = static_cast<float>(p.shape.input_h);
  std::vector<int> of_class(static_cast<std::size_t>(p.classes));
  for (std::size_t i = 0; i < found; ++i) {
    const detection& d = room[i];
    REXNET_FUZZ_CHECK(d.score > o.score && d.score <= 1 && (i == 0 || d.score <= room[i - 1].score));
    REXNET_FUZZ_CHECK(d.label >= 1 && d.label < p.classes && d.anchor >= 0 &&
                      static_cast<std::size_t>(d.anchor) < rows);
    for (const float v : {d.at.x1, d.at.x2}) REXNET_FUZZ_CHECK(v >= 0 && v <= w);
    for (const float v : {d.at.y1, d.at.y2}) REXNET_FUZZ_CHECK(v >= 0 && v <= h);
    REXNET_FUZZ_CHECK(++of_class[static_cast<std::size_t>(d.label)] <= o.candidates);
  }
  const std::vector<detection> expected = reference(p);
  REXNET_FUZZ_CHECK(found == expected.size());
  for (std::size_t i = 0; i < found; ++i) REXNET_FUZZ_CHECK(same(room[i], expected[i]));
}

/// The bytes are choices: no structure can break.
void mutate(std::string& input, dice& d) {
  if (input.size() < 64) input.resize(64, static_cast<char>(d.next()));
  if (d.one_in(4))
    for (char& v : input) v = static_cast<char>(d.next());
  mutate_bytes(input, d);
}

const registered here{{"ssd", run, mutate}};

}  // namespace
