// SPDX-License-Identifier: MIT
// The whole library.
#ifndef REXNET_REXNET_HPP
#define REXNET_REXNET_HPP

#include "rexnet/cam.hpp"
#include "rexnet/core/cpus.hpp"
#include "rexnet/features.hpp"
#include "rexnet/imagenet.hpp"
#include "rexnet/load.hpp"
#include "rexnet/ops/ops.hpp"
#include "rexnet/weights/npy.hpp"

#endif  // REXNET_REXNET_HPP
