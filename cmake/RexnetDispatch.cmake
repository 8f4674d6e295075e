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

# Reads the list of sets (include/rexnet/simd/tiers.hpp: name, base, processor, flags of g++ and clang, flags of MSVC, best
# first): rexnet_tiers all names, rexnet_isas those of the processor that is compiled for, rexnet_flags_<name> exactly
# the flags whose code detection allows. Cache entries, because the caller may be a directory above this project's.
function(rexnet_read_tiers)
  set(file "${CMAKE_CURRENT_LIST_DIR}/../include/rexnet/simd/tiers.hpp")
  if(NOT EXISTS "${file}")  # an installed package
    get_target_property(directories rexnet::rexnet INTERFACE_INCLUDE_DIRECTORIES)
    list(GET directories 0 directory)
    set(file "${directory}/rexnet/simd/tiers.hpp")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|i.86)$")
    set(here x86)
  elseif(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm|ARM64)")
    set(here "")
  elseif(CMAKE_SIZEOF_VOID_P EQUAL 8)  # by the pointer: 32-bit systems on 64-bit kernels call the processor aarch64, too
    set(here arm64)
  else()
    set(here arm)
  endif()
  set(names "")
  set(isas "")
  set(string "\"([^\"]*)\"")
  set(entry "^ *{${string}, ${string}, ${string}, ${string}, ${string},")
  file(STRINGS "${file}" lines REGEX "${entry}")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "${entry}" line "${line}")
    set(name "${CMAKE_MATCH_1}")
    set(processor "${CMAKE_MATCH_3}")
    set(flags "${CMAKE_MATCH_4}")
    if(MSVC)
      set(flags "${CMAKE_MATCH_5}")
    endif()
    if(processor STREQUAL "arm" AND CMAKE_CXX_FLAGS MATCHES "-mfpu=")
      set(flags "")  # what -mfpu says of the whole build holds (cmake/toolchains/arm-linux-gnueabihf.cmake)
    endif()
    separate_arguments(flags UNIX_COMMAND "${flags}")
    set(rexnet_flags_${name} "${flags}" CACHE INTERNAL "")
    list(APPEND names ${name})
    if(processor STREQUAL here)
      list(APPEND isas ${name})
    endif()
  endforeach()
  if(NOT names)
    message(FATAL_ERROR "rexnet: no sets in ${file}")
  endif()
  set(rexnet_tiers "${names}" CACHE INTERNAL "")
  set(rexnet_isas "${isas}" CACHE INTERNAL "")
endfunction()
rexnet_read_tiers()

function(rexnet_add_dispatch target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "ISAS;UNIT_SOURCES")
  if(NOT TARGET ${target})
    message(FATAL_ERROR "rexnet_add_dispatch: there is no target \"${target}\"")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "rexnet_add_dispatch(${target}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  foreach(isa IN LISTS arg_ISAS)
    if(NOT isa IN_LIST rexnet_tiers)
      message(FATAL_ERROR "rexnet_add_dispatch(${target}): \"${isa}\" is none of ${rexnet_tiers}")
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
      # Kernels throw nothing, and the bookkeeping of exceptions would be a symbol that units share. Without a build
      # type, kernels at -O0 would be thirty times slower than anyone wants.
      target_compile_options(${unit} PRIVATE -fno-exceptions $<$<CONFIG:>:-O2>)
    endif()
    if(position_independent OR type STREQUAL "SHARED_LIBRARY" OR type STREQUAL "MODULE_LIBRARY")
      set_target_properties(${unit} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${unit}>)
  endforeach()
endfunction()
