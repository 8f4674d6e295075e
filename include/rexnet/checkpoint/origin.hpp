// SPDX-License-Identifier: MIT
// Where the parts of a model come from: what `rexnet inspect` and `pack` print.
#ifndef REXNET_CHECKPOINT_ORIGIN_HPP
#define REXNET_CHECKPOINT_ORIGIN_HPP

#include "rexnet/core/build.hpp"

#include <string>
#include <vector>

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
