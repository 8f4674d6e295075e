# SPDX-License-Identifier: MIT
# Arm without an operating system: Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi and
# libstdc++-arm-none-eabi-newlib. A Cortex-A9 with NEON unless REXNET_ARM_FLAGS says otherwise.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++)
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(REXNET_ARM_FLAGS "-mcpu=cortex-a9 -mfloat-abi=hard -mthumb" CACHE STRING "Processor, FPU and ABI")
set(CMAKE_CXX_FLAGS_INIT "${REXNET_ARM_FLAGS} -ffunction-sections -fdata-sections")
set(CMAKE_ASM_FLAGS_INIT "${REXNET_ARM_FLAGS}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--gc-sections")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # a program needs start-up code and a linker script
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
