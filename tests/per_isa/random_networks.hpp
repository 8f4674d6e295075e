// SPDX-License-Identifier: MIT
// Random networks: every block of small ones with its own bound, element by element, from the input that the
// library gave it; and whole networks of the published families. Part of network.cpp, which has compiled the
// kernels already.
#ifndef REXNET_TESTS_PER_ISA_RANDOM_NETWORKS_HPP
#define REXNET_TESTS_PER_ISA_RANDOM_NETWORKS_HPP

#include "rexnet/engine/reference.hpp"

#include "tests/support/bounded_network.hpp"
#include "tests/support/network_case.hpp"
#include "tests/support/random_cases.hpp"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace random_networks {

using rexnet::config;
using rexnet::family;
using rexnet_test::bounded_map;
using rexnet_test::dice;
using rexnet_test::network_case;

/// Channels, squeeze-excite, kernels and head as no published network has them: what a packed file may say.
inline config small_config(dice& d) {
  config c;
  c.family = d.one_of({family::v1, family::v1, family::lite});
  c.classes = d.between(0, 40);
  c.stem_c = d.between(2, 36);
  for (int i = 0; i < rexnet::rexnet_blocks; ++i) {
    rexnet::block_config& b = c.blocks[i];
    const int before = i == 0 ? c.stem_c : c.blocks[i - 1].out_c;
    b.out_c = i == 0        ? d.between(1, c.stem_c - 1)
              : d.one_in(2) ? d.between(before, before + 3)
                            : d.between(1, 20);
    b.se_c = i > 0 && d.one_in(2) ? d.between(1, 12) : 0;
    b.kernel = d.one_in(5) ? 5 : 3;
  }
  if (d.one_in(12)) c.blocks[15].out_c = d.between(370, 400);  // wide enough to go by columns
  rexnet::connect_blocks(c);
  c.head_c = d.between(1, 70);
  c.hidden_c = d.one_in(3) ? d.between(1, 40) : 0;
  if (d.one_in(2)) return c;
  // As no formula fills them in: other numbers of blocks, activations, and squeeze-excite behind the
  // activation.
  using act = rexnet::activation;
  c.block_count = d.one_in(2) ? d.between(1, 16) : 16;
  const auto any = [&d] { return d.one_of({act::none, act::relu, act::relu6, act::silu}); };
  const auto clip = [&d] { return d.one_of({act::none, act::relu, act::relu6}); };
  c.stem_act = any(), c.head_act = any(), c.hidden_act = clip();
  for (int i = 0; i < c.block_count; ++i) {
    rexnet::block_config& b = c.blocks[i];
    b.expand_act = any(), b.depthwise_act = clip();
    if (d.one_in(3)) b.project_act = any();
    if (i > 0 && d.one_in(3)) b.mid_c = d.between(1, 90);
    if (i > 0 && d.one_in(3)) b.stride = d.between(1, 2);
    b.residual_c = i > 0 && b.stride == 1 && b.in_c <= b.out_c && !d.one_in(4) ? b.in_c : 0;
    b.se_first = !d.one_in(3);
  }
  return c;
}

inline std::string text_of(const network_case& n, int threads) {
  char text[200];
  std::snprintf(text, sizeof(text), "%s width %d stem %d classes %d, %d images of %d x %d, %d threads",
                rexnet::family_name(n.c.family), n.c.width_hundredths, n.c.stem_c, n.c.classes, n.n, n.h, n.w,
                threads);
  return text;
}

/// One thread, or tasks that run backwards on this one, or (slower) OpenMP's threads.
inline rexnet::forward_options options_of(dice& d) {
  rexnet::forward_options o;
  if (d.one_in(10)) return o;
  o.threads.pool = [](void*, rexnet::task_function fn, void* context, int n) {
    for (int i = n; i-- > 0;) fn(context, i);
  };
  return o;
}

/// The worst share of a map; `reference` must have the values that the bounds are for.
inline double worst_of(const float* found, const bounded_map& bounds,
                       const rexnet::reference::matrix& reference) {
  double worst = 0;
  for (std::size_t e = 0; e < bounds.v.size(); ++e) {
    const double exact = reference.data()[e];
    const rexnet_test::bounded expected(exact, bounds.v[e].error);
    const bool agree = std::fabs(exact - bounds.v[e].value) <= 1e-10 * (1 + std::fabs(exact));
    const double share = agree ? expected.share(found[e]) : INFINITY;
    if (!(share <= worst)) worst = share;
  }
  return worst;
}

/// Buffers for all taps of a batch.
struct all_taps {
  std::vector<float> stem, head, pooled, features;
  std::vector<std::vector<float>> blocks;
  rexnet::feature_taps view;

  all_taps(const config& c, const rexnet::plan& p, int n) {
    const auto sized = [n](std::int64_t floats) {
      return std::vector<float>(static_cast<std::size_t>(n * floats));
    };
    stem = sized(std::int64_t{p.blocks[0].h} * p.blocks[0].w * c.stem_c);
    for (int i = 0; i < c.block_count; ++i)
      blocks.push_back(sized(std::int64_t{p.blocks[i].oh} * p.blocks[i].ow * c.blocks[i].out_c));
    head = sized(std::int64_t{p.blocks[c.block_count - 1].oh} * p.blocks[c.block_count - 1].ow * c.head_c);
    pooled = sized(c.head_c), features = sized(rexnet::feature_c(c));
    view.stem = stem.data(), view.head = head.data(), view.pooled = pooled.data(),
    view.features = features.data();
    for (int i = 0; i < c.block_count; ++i) view.blocks[i] = blocks[static_cast<std::size_t>(i)].data();
  }
};

/// One small network: stem, 16 blocks and head by their bounds, all ways of running it bit by bit.
inline double blocks_case(dice& d, std::string& text) {
  const config c = small_config(d);
  const int h = d.between(1, d.one_in(4) ? 66 : 24), w = d.between(1, d.one_in(4) ? 66 : 24),
            threads = d.between(1, 5);
  const network_case n(c, d.one_in(3) ? 2 : 1, h, w, static_cast<unsigned>(d.next()),
                       rexnet_test::payload_from(c, [&d] { return d.normal(); }));
  text = text_of(n, threads);
  const rexnet::plan p = rexnet::make_plan(c, h, w, 1);
  const rexnet::weights_layout layout = rexnet::layout_of(c);
  all_taps taps(c, p, n.n);
  rexnet::forward_options tapped = options_of(d);
  tapped.taps = &taps.view;
  const std::vector<float> outputs = n.run(1, tapped);
  double worst = 0;
  if (!rexnet_test::same_bits(outputs, n.run(1))) worst = INFINITY;
  if (!rexnet_test::same_bits(outputs, n.run(threads, options_of(d), d.one_in(2)))) worst = INFINITY;

  const auto judge = [&worst, &text](const char* what, int index, double share) {
    if (share <= worst) return;
    worst = share;
    text += std::string("; ") + what + " " + std::to_string(index);
  };
  namespace reference = rexnet::reference;
  const float* const payload = n.payload();
  // The last image: the ones before it must not have left anything behind.
  const int image = n.n - 1;
  const auto map_of = [](const float* floats, int mh, int mw, int mc) {
    return reference::map{
        mh, mw,
        Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>>(floats, mh * mw, mc).cast<double>()};
  };
  const float* in = n.image.data() + static_cast<std::size_t>(image) * static_cast<std::size_t>(h * w * 3);
  const auto of_image = [&](const std::vector<float>& v) {
    return v.data() + v.size() / static_cast<std::size_t>(n.n) * static_cast<std::size_t>(image);
  };
  const float* out = of_image(taps.stem);
  judge("stem", 0,
        worst_of(out, rexnet_test::stem(c, payload, layout, bounded_map(h, w, 3, in)),
                 reference::stem(c, payload, layout.stem, map_of(in, h, w, 3)).v));
  for (int i = 0; i < c.block_count; ++i) {
    const rexnet::block_plan& b = p.blocks[i];
    in = out, out = of_image(taps.blocks[static_cast<std::size_t>(i)]);
    const int in_c = c.blocks[i].in_c;
    judge("block", i,
          worst_of(out, rexnet_test::block(c, payload, layout, i, bounded_map(b.h, b.w, in_c, in)),
                   reference::block(c.blocks[i], payload, layout.blocks[i], map_of(in, b.h, b.w, in_c)).v));
  }
  const rexnet::block_plan& last = p.blocks[c.block_count - 1];
  const int last_c = last_block(c).out_c;
  const bounded_map head = rexnet_test::head(c, payload, layout, bounded_map(last.oh, last.ow, last_c, out));
  const reference::matrix activated = reference::activated(
      c.head_act, reference::dense(payload, layout.head, map_of(out, last.oh, last.ow, last_c).v));
  judge("head", 0, worst_of(of_image(taps.head), head, activated));
  bounded_map pooled(1, 1, c.head_c);
  pooled.v = rexnet_test::mean(head);
  judge("pooled", 0, worst_of(of_image(taps.pooled), pooled, activated.colwise().mean()));
  const auto dense = [&](const rexnet::layer_layout& l, const float* from) {
    return std::pair{rexnet_test::pointwise(payload, l, bounded_map(1, 1, l.k, from)),
                     reference::dense(payload, l, map_of(from, 1, 1, l.k).v)};
  };
  if (c.hidden_c > 0) {
    auto [bounds, exact] = dense(layout.hidden, of_image(taps.pooled));
    for (rexnet_test::bounded& v : bounds.v) v = rexnet_test::activated(c.hidden_act, v);
    judge("hidden", 0, worst_of(of_image(taps.features), bounds, reference::activated(c.hidden_act, exact)));
  }
  if (c.classes > 0) {
    const auto [bounds, exact] = dense(layout.classifier, of_image(taps.features));
    judge("classifier", 0, worst_of(of_image(outputs), bounds, exact));
  }
  return worst;
}

/// How large the terms of a network's outputs are: what a rounding error is relative to. (A logit alone may
/// be near zero by cancellation.)
inline double output_scale(const config& c, const float* payload, const rexnet::reference::answer& a) {
  if (c.classes == 0) return a.outputs.cwiseAbs().maxCoeff();
  const rexnet::layer_layout l = rexnet::layout_of(c).classifier;
  double scale = 0;
  for (int o = 0; o < c.classes; ++o) {
    double squares = 0;
    for (int k = 0; k < l.k; ++k)
      squares += std::pow(rexnet_test::weight_of(payload, l, o, k) * a.features(0, k), 2);
    scale = std::max(
        scale, std::sqrt(squares) + std::fabs(static_cast<double>(rexnet::numbers_of(payload, l).bias[o])));
  }
  return scale;
}

/// A published family at any width, against the double reference of the whole network.
inline double network_case_of(dice& d, std::string& text) {
  const auto f = d.one_of({family::v1, family::lite, family::rexnetr});
  const int width = d.one_in(8) ? d.between(130, 260) : d.between(10, 130),
            classes = d.one_in(10)  ? 0
                      : d.one_in(4) ? d.between(100, 400)
                                    : d.between(1, 30);
  const config c = rexnet::config_for(f, width, classes, d.one_in(3) ? 16 : 8);
  const int h = d.between(1, d.one_in(2) ? 96 : 33), w = d.between(1, d.one_in(2) ? 96 : 33),
            threads = d.between(1, 4);
  const network_case n(c, d.one_in(6) ? 2 : 1, h, w, static_cast<unsigned>(d.next()),
                       rexnet_test::payload_from(c, [&d] { return d.normal(); }));
  text = text_of(n, threads);
  const std::vector<float> found = n.run(threads, options_of(d), d.one_in(2));
  const auto outputs = static_cast<std::size_t>(rexnet::output_c(c));
  double worst = 0;
  for (int i = 0; i < n.n; ++i) {
    const auto a = rexnet::reference::run(
        c, n.payload(), n.image.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(h * w * 3), h,
        w);
    const double bound = rexnet_test::rounding_tolerance(c) * output_scale(c, n.payload(), a);
    for (std::size_t o = 0; o < outputs; ++o) {
      const double share = rexnet_test::bounded(a.outputs.data()[o], bound)
                               .share(found[static_cast<std::size_t>(i) * outputs + o]);
      if (!(share <= worst)) worst = share;
    }
  }
  return worst;
}

}  // namespace random_networks

TEST_CASE("network: each block of random small networks is within the bounds of rounding") {
  rexnet_test::each_case(rexnet::simd::name<rexnet::simd::default_arch>(), 60,
                         [](auto& d, std::string& text) { return random_networks::blocks_case(d, text); });
}

TEST_CASE("network: random families, widths and sizes agree with the double reference") {
  rexnet_test::each_case(rexnet::simd::name<rexnet::simd::default_arch>(), 6, [](auto& d, std::string& text) {
    return random_networks::network_case_of(d, text);
  });
}

#endif  // REXNET_TESTS_PER_ISA_RANDOM_NETWORKS_HPP
