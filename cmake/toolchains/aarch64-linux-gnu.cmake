# SPDX-License-Identifier: MIT
# Cross build for 64-bit ARM with Debian's g++-aarch64-linux-gnu; programs run under qemu-user (qemu-aarch64).
# Header-only packages are the host's. Pictures need libpng and libjpeg of the target:
#   cmake/fetch-target-libraries.sh arm64 DIR    and    -DREXNET_TARGET_LIBRARIES=DIR
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES REXNET_TARGET_LIBRARIES)
set(REXNET_TARGET_LIBRARIES "" CACHE PATH "Libraries of the target, unpacked by fetch-target-libraries.sh")
set(CMAKE_FIND_ROOT_PATH "${REXNET_TARGET_LIBRARIES}" /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
