# SPDX-License-Identifier: MIT
# Cross build for 32-bit ARM (ARMv7, hard float) with Debian's g++-arm-linux-gnueabihf; programs run under qemu-user (qemu-arm).
# Header-only packages are the host's. Pictures need libpng and libjpeg of the target:
#   cmake/fetch-target-libraries.sh armhf DIR    and    -DREXNET_TARGET_LIBRARIES=DIR
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_LIBRARY_ARCHITECTURE arm-linux-gnueabihf)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm -L /usr/arm-linux-gnueabihf)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES REXNET_TARGET_LIBRARIES REXNET_ARM_FPU)

# neon-vfpv4 has fused multiply-adds (Cortex-A7, A15 and newer); plain neon (Cortex-A8, A9) has not.
set(REXNET_ARM_FPU neon-vfpv4 CACHE STRING "The -mfpu that everything is compiled for")
set(CMAKE_CXX_FLAGS_INIT "-mfpu=${REXNET_ARM_FPU}")

set(REXNET_TARGET_LIBRARIES "" CACHE PATH "Libraries of the target, unpacked by fetch-target-libraries.sh")
set(CMAKE_FIND_ROOT_PATH "${REXNET_TARGET_LIBRARIES}" /usr/arm-linux-gnueabihf)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
