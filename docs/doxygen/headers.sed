# SPDX-License-Identifier: MIT
# The build mode is part of the linker's names, not of what users write: rexnet::model, not rexnet::v0_openmp::model.
s/^inline namespace REXNET_BUILD \{$//
s/^\}  \/\/ namespace REXNET_BUILD$//
