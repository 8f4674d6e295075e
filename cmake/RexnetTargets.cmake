# The library target, the flags of this project's own binaries, and the instruction sets they are built for.

function(add_subdirectory_if condition directory)
  if(${condition} AND EXISTS "${PROJECT_SOURCE_DIR}/${directory}/CMakeLists.txt")
    add_subdirectory(${directory})
  endif()
endfunction()

find_package(xsimd REQUIRED)
if(xsimd_VERSION VERSION_LESS 8.1)
  message(FATAL_ERROR "rexnet needs xsimd 8.1 or newer, found ${xsimd_VERSION}")
endif()

add_library(rexnet INTERFACE)
add_library(rexnet::rexnet ALIAS rexnet)
target_compile_features(rexnet INTERFACE cxx_std_17)
target_include_directories(rexnet INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# Its headers only: Debian's target asks for a library (xtl) that is not needed.
get_target_property(rexnet_xsimd_include xsimd INTERFACE_INCLUDE_DIRECTORIES)
target_include_directories(rexnet SYSTEM INTERFACE ${rexnet_xsimd_include})
# The bit rule (docs/design.md): a multiply-add is fused where the source says fma, nowhere else.
target_compile_options(rexnet INTERFACE $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-ffp-contract=off>)
if(REXNET_OPENMP)
  find_package(OpenMP COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    target_link_libraries(rexnet INTERFACE OpenMP::OpenMP_CXX)
  endif()
endif()

# Flags for targets of this project, never for its users.
add_library(rexnet_project_options INTERFACE)
target_compile_options(rexnet_project_options INTERFACE
  $<$<CXX_COMPILER_ID:GNU,Clang,AppleClang>:-Wall;-Wextra;-Wconversion;-Wshadow>
  $<$<BOOL:${REXNET_WERROR}>:-Werror>)
if(REXNET_DEVELOPER_CHECKS)
  target_compile_definitions(rexnet_project_options INTERFACE REXNET_DEVELOPER_CHECKS)
endif()
if(REXNET_SANITIZE)
  # Checks of use after scope make g++ need minutes and gigabytes for the unrolled tiles, which have hundreds
  # of short-lived references; -O1 and line tables for the same reason.
  target_compile_options(rexnet_project_options INTERFACE
    -O1 -g1 -fsanitize=${REXNET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    -fno-sanitize-address-use-after-scope)
  target_link_options(rexnet_project_options INTERFACE -fsanitize=${REXNET_SANITIZE})
endif()

# Compiler flags of each instruction set that kernels are written for; the names are xsimd's tags.
set(rexnet_isas_x86 sse2 fma3_avx2 avx512bw)
set(rexnet_flags_sse2 -msse2)
set(rexnet_flags_fma3_avx2 -mavx2 -mfma)
set(rexnet_flags_avx512bw -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl -mfma -mavx2)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set(rexnet_isas ${rexnet_isas_x86})
else()
  set(rexnet_isas native)
  set(rexnet_flags_native "")
endif()
