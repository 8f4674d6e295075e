// SPDX-License-Identifier: MIT
// features: the maps of a backbone as .npy files.
#include "tools/commands.hpp"
#include "tools/image_io.hpp"

#include <filesystem>

namespace rexnet_tools {

namespace {

/// By content: a .npy array, or else a picture. @param images set to what a detector's network sees
rexnet::feature_maps maps_of(const options& o, const rexnet::model& m, bool nchw, image_batch& images) {
  const rexnet::preprocessing input = o.input_of(m.input(), m.origin());
  auto extractor = rexnet::feature_extractor::make(m, input, o.thread_count()).value();
  const std::string& path = o.inputs[0];
  const auto file = rexnet::file_bytes::map(path).value();
  const std::string_view bytes = rexnet::detail::text(file.bytes());
  auto maps = [&] {
    if (bytes.substr(0, 6) == "\x93NUMPY") {
      images = read_images(path, nchw);
    } else {
      const rexnet::rgb_image picture = read_image(path, o.exif).value();
      if (!m.is_detector()) return extractor.extract(picture.view());
      images = detector_input(picture.view(), input, o.settings_of(m.header().settings));
    }
    return extractor.extract({images.data.data(), images.n, images.h, images.w, 3});
  }();
  if (!maps) throw maps.error().in(path);
  return *std::move(maps);
}

}  // namespace

std::vector<std::string> feature_files() {
  return {"stride2.npy", "stride4.npy", "stride8.npy",  "stride16.npy", "stride32.npy",
          "head.npy",    "pooled.npy",  "features.npy", "map0.npy",     "map1.npy",
          "map2.npy",    "map3.npy",    "map4.npy",     "map5.npy"};
}

void features(const options& o) {
  const rexnet::model m = load_model(o);
  const bool nchw = o.layout == "nchw";
  o.check_kind(m.header());
  image_batch images;
  const rexnet::feature_maps maps = maps_of(o, m, nchw, images);
  std::filesystem::create_directories(std::filesystem::u8path(o.output));
  const auto write = [&](const std::string& name, const rexnet::feature_map& map) {
    write_map(o.output + "/" + name + ".npy", map, nchw);
  };
  for (std::size_t i = 0; i < maps.stages.size(); ++i)
    write("stride" + std::to_string(2 << i), maps.stages[i]);
  write("head", maps.head);
  struct column {
    int floats;  // of an image: an empty batch has none to count
    const std::vector<float>* data;
  };
  const column pooled{m.shape().head_c, &maps.pooled}, features{feature_c(m.shape()), &maps.features};
  for (const auto& [name, vectors] : {std::pair{"pooled", &pooled}, {"features", &features}})
    write_file(o.output + "/" + name + ".npy", rexnet::write_npy({maps.n, vectors->floats}, *vectors->data));
  if (m.is_detector()) write_level_maps(o, m, images);
}

}  // namespace rexnet_tools
