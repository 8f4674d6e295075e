# SPDX-License-Identifier: MIT
# rexnet_add_dispatch(TARGET [ISAS set...] [UNIT_SOURCES file...])
#
# Compiles the kernels for several instruction sets into TARGET, an executable or library, and lets its sources
# use them: rexnet::model, rexnet::classifier and rexnet::any_network then choose when the program runs.
#   ISAS          sse2, fma3_avx2, avx512bw (x86), neon64, neon (ARM); all by default. Those of other processors
#                 than the one compiled for are left out, so that one list serves all.
#   UNIT_SOURCES  sources of TARGET's own that are compiled once per set, too, with REXNET_UNIT defined as its name
#                 and its flags. The rules of <rexnet/dispatch/unit.hpp> hold for them.
# TARGET's sources see <rexnet_dispatch_sets.hpp>, which defines REXNET_DISPATCH_SETS(use) as use(avx512bw) ...,
# best first. Definitions and flags are PRIVATE to TARGET. Errors end the configuration.

# What each set's code may use is exactly what detection proves (include/rexnet/simd/cpu.hpp).
# Cache entries, because the caller may be a directory above this project's.
if(MSVC)
  set(rexnet_flags_sse2 "" CACHE INTERNAL "")
  set(rexnet_flags_fma3_avx2 /arch:AVX2 CACHE INTERNAL "")
  set(rexnet_flags_avx512bw /arch:AVX512 CACHE INTERNAL "")
else()
  set(rexnet_flags_sse2 -msse2 CACHE INTERNAL "")
  set(rexnet_flags_fma3_avx2 -mavx2 -mfma CACHE INTERNAL "")
  set(rexnet_flags_avx512bw -mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl -mfma -mavx2 CACHE INTERNAL "")
endif()
set(rexnet_flags_neon64 "" CACHE INTERNAL "")
# What -mfpu says of the whole build holds (cmake/toolchains/arm-linux-gnueabihf.cmake).
if(CMAKE_CXX_FLAGS MATCHES "-mfpu=")
  set(rexnet_flags_neon "" CACHE INTERNAL "")
else()
  set(rexnet_flags_neon -mfpu=neon CACHE INTERNAL "")
endif()
# The sets of the processor that is compiled for, best first.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|i.86)$")
  set(rexnet_isas avx512bw fma3_avx2 sse2 CACHE INTERNAL "")
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm|ARM64)")
  # By the pointer, because 32-bit systems on 64-bit kernels call the processor aarch64, too.
  if(CMAKE_SIZEOF_VOID_P EQUAL 8)
    set(rexnet_isas neon64 CACHE INTERNAL "")
  else()
    set(rexnet_isas neon CACHE INTERNAL "")
  endif()
else()
  set(rexnet_isas "" CACHE INTERNAL "")
endif()

function(rexnet_add_dispatch target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "ISAS;UNIT_SOURCES")
  if(NOT TARGET ${target})
    message(FATAL_ERROR "rexnet_add_dispatch: there is no target \"${target}\"")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "rexnet_add_dispatch(${target}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(known sse2 fma3_avx2 avx512bw neon64 neon)
  foreach(isa IN LISTS arg_ISAS)
    if(NOT isa IN_LIST known)
      message(FATAL_ERROR "rexnet_add_dispatch(${target}): \"${isa}\" is none of ${known}")
    endif()
  endforeach()
  set(isas ${rexnet_isas})
  if(arg_ISAS)
    set(isas "")
    foreach(isa IN LISTS rexnet_isas)
      if(isa IN_LIST arg_ISAS)
        list(APPEND isas ${isa})
      endif()
    endforeach()
  endif()
  if(NOT isas)
    message(FATAL_ERROR "rexnet_add_dispatch(${target}): no set for ${CMAKE_SYSTEM_PROCESSOR} among \"${arg_ISAS}\"; "
                        "there are ${rexnet_isas}")
  endif()

  set(directory "${CMAKE_CURRENT_BINARY_DIR}/${target}_dispatch")
  list(TRANSFORM isas REPLACE "(.+)" "use(\\1)" OUTPUT_VARIABLE uses)
  list(JOIN uses " " uses)
  file(CONFIGURE OUTPUT "${directory}/rexnet_dispatch_sets.hpp" @ONLY
    CONTENT "// Made by rexnet_add_dispatch().\n#define REXNET_DISPATCH_SETS(use) @uses@\n")
  file(CONFIGURE OUTPUT "${directory}/table.cpp" CONTENT
    "// Made by rexnet_add_dispatch().\n#include <rexnet_dispatch_sets.hpp>\n#include <rexnet/dispatch/table.hpp>\n")
  file(CONFIGURE OUTPUT "${directory}/unit.cpp" CONTENT
    "// Made by rexnet_add_dispatch().\n#include <rexnet/dispatch/unit.hpp>\n")
  target_compile_definitions(${target} PRIVATE REXNET_DISPATCH)
  target_include_directories(${target} PRIVATE "${directory}")
  target_link_libraries(${target} PRIVATE rexnet::rexnet)
  target_sources(${target} PRIVATE "${directory}/table.cpp")
  get_target_property(position_independent ${target} POSITION_INDEPENDENT_CODE)
  get_target_property(type ${target} TYPE)
  foreach(isa IN LISTS isas)
    set(unit ${target}_${isa})
    add_library(${unit} OBJECT "${directory}/unit.cpp" ${arg_UNIT_SOURCES})
    target_link_libraries(${unit} PRIVATE rexnet::rexnet)
    target_compile_definitions(${unit} PRIVATE REXNET_UNIT=${isa})
    target_compile_options(${unit} PRIVATE ${rexnet_flags_${isa}})
    if(NOT MSVC)
      # Exceptions do not cross forward(), and their bookkeeping would be a symbol that units share. Without a build
      # type, kernels at -O0 would be thirty times slower than anyone wants.
      target_compile_options(${unit} PRIVATE -fno-exceptions $<$<CONFIG:>:-O2>)
    endif()
    if(position_independent OR type STREQUAL "SHARED_LIBRARY" OR type STREQUAL "MODULE_LIBRARY")
      set_target_properties(${unit} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${unit}>)
  endforeach()
endfunction()
