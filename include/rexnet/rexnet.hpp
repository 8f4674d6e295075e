// SPDX-License-Identifier: MIT
// The whole library.
#ifndef REXNET_REXNET_HPP
#define REXNET_REXNET_HPP

#include "rexnet/checkpoint/npy.hpp"
#include "rexnet/heads/cam.hpp"
#include "rexnet/heads/features.hpp"
#include "rexnet/heads/ssd.hpp"
#include "rexnet/labels/imagenet.hpp"
#include "rexnet/load.hpp"
#include "rexnet/ops.hpp"
#include "rexnet/system/cpus.hpp"

#endif  // REXNET_REXNET_HPP
