# SPDX-License-Identifier: MIT
# The library target, and the flags of this project's own binaries.

function(add_subdirectory_if condition directory)
  if(${condition} AND EXISTS "${PROJECT_SOURCE_DIR}/${directory}/CMakeLists.txt")
    add_subdirectory(${directory})
  endif()
endfunction()

add_library(rexnet INTERFACE)
add_library(rexnet::rexnet ALIAS rexnet)
target_compile_features(rexnet INTERFACE cxx_std_17)
target_include_directories(rexnet INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# The bit rule (docs/design.md): a multiply-add is fused where the source says fma, nowhere else.
target_compile_options(rexnet INTERFACE $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-ffp-contract=off>)
rexnet_attach_dependencies(rexnet)
# Win64's stack is aligned to 16 bytes and g++ does not align it further for wider vectors that it spills (GCC bug
# 54412; Debian's g++ is patched, others are not): the assembler makes unaligned moves of aligned ones, which cost
# nothing more on CPUs with AVX.
target_compile_options(rexnet INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<PLATFORM_ID:Windows>>:-Wa,-muse-unaligned-vector-move>)

# Flags for targets of this project, never for its users.
add_library(rexnet_project_options INTERFACE)
target_compile_options(rexnet_project_options INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall;-Wextra;-Wconversion;-Wshadow>
  $<$<BOOL:${REXNET_WERROR}>:-Werror>)
if(REXNET_DEVELOPER_CHECKS)
  target_compile_definitions(rexnet_project_options INTERFACE REXNET_DEVELOPER_CHECKS)
endif()
if(REXNET_NO_EXCEPTIONS)
  target_compile_options(rexnet_project_options INTERFACE -fno-exceptions -fno-rtti)
endif()
if(REXNET_SANITIZE)
  # Checks of use after scope make g++ need minutes and gigabytes for the unrolled tiles, which have hundreds
  # of short-lived references; -O1 and line tables for the same reason. What contains no kernel (REXNET_QUICK) clang
  # compiles at -O0 in a third of the time that it or g++ takes at -O1.
  set(quick $<AND:$<CXX_COMPILER_ID:Clang>,$<BOOL:$<TARGET_PROPERTY:REXNET_QUICK>>>)
  if(REXNET_SANITIZE STREQUAL "thread")
    set(quick 0)
  endif()
  target_compile_options(rexnet_project_options INTERFACE
    $<IF:${quick},-O0,-O1> -g1 -fsanitize=${REXNET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    $<$<CXX_COMPILER_ID:GNU>:-fno-sanitize-address-use-after-scope>)
  target_link_options(rexnet_project_options INTERFACE -fsanitize=${REXNET_SANITIZE})
endif()
