// SPDX-License-Identifier: MIT
// What a program without heap, exceptions and operating system needs: a packed file in memory, a picture to
// the network's pixels, the network, the best classes. docs/embedded.md shows how.
#ifndef REXNET_EMBEDDED_HPP
#define REXNET_EMBEDDED_HPP

#include "rexnet/engine/network.hpp"
#include "rexnet/heads/scores.hpp"
#include "rexnet/image/preprocess.hpp"
#include "rexnet/payload/file/view.hpp"

#endif  // REXNET_EMBEDDED_HPP
