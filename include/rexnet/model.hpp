// SPDX-License-Identifier: MIT
// The convenient layer: a model from a packed file, and pictures in, probabilities out. load.hpp opens any
// file as a model; this header alone opens packed files.
#ifndef REXNET_MODEL_HPP
#define REXNET_MODEL_HPP

#include "rexnet/heads/classifier.hpp"
#include "rexnet/heads/detector.hpp"
#include "rexnet/model/load_packed.hpp"
#include "rexnet/model/model.hpp"
#include "rexnet/model/session.hpp"

#endif  // REXNET_MODEL_HPP
