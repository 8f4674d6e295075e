# SPDX-License-Identifier: MIT
# What the headers need, attached to the library's target: in this project's build and in an installed package.
#   REXNET_XSIMD_INCLUDE_DIR  headers of an xsimd that brings no CMake package
#   REXNET_OPENMP             ON: run the forward pass on OpenMP threads where the compiler has it

# rexnet_platform(VARIABLE): system, processor and bits of a pointer of what is compiled for, a list, in one spelling:
# whether a binary fits. What the build does not say is a question mark: vcpkg's builds may not name the processor,
# projects without a language have no pointers.
function(rexnet_platform variable)
  string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor)
  string(REGEX REPLACE "^amd64$" "x86_64" processor "${processor}")
  string(REGEX REPLACE "^i.86$" "x86" processor "${processor}")
  string(REGEX REPLACE "^arm64$" "aarch64" processor "${processor}")
  string(REGEX REPLACE "^armv[0-9].*$" "arm" processor "${processor}")
  if(NOT processor)
    set(processor "?")
  endif()
  set(bits "?")
  if(CMAKE_SIZEOF_VOID_P)
    math(EXPR bits "8 * ${CMAKE_SIZEOF_VOID_P}")
    string(APPEND bits " bits")
  endif()
  set(${variable} "${CMAKE_SYSTEM_NAME}" "${processor}" "${bits}" PARENT_SCOPE)
endfunction()

function(rexnet_attach_dependencies target)
  if(REXNET_XSIMD_INCLUDE_DIR)
    set(include "${REXNET_XSIMD_INCLUDE_DIR}")
  else()
    find_package(xsimd QUIET)
    if(xsimd_FOUND)
      # Its headers only: Debian's target asks for a library (xtl) that is not needed. Conan's target says where in an
      # expression for the generator; its variable is plain.
      get_target_property(include xsimd INTERFACE_INCLUDE_DIRECTORIES)
      if(include MATCHES "\\$<" AND xsimd_INCLUDE_DIRS)
        list(GET xsimd_INCLUDE_DIRS 0 include)
      endif()
    else()
      # Debian keeps the package file in a folder of the host's architecture, where cross builds do not look.
      find_path(include xsimd/xsimd.hpp NO_CACHE REQUIRED)
    endif()
  endif()
  set(config "${include}/xsimd/config/xsimd_config.hpp")
  if(NOT EXISTS "${config}")
    message(FATAL_ERROR "rexnet: there is no ${config}: is REXNET_XSIMD_INCLUDE_DIR right?")
  endif()
  file(STRINGS "${config}" lines REGEX "define XSIMD_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" version "${lines}")
  list(JOIN version "." version)
  if(version VERSION_LESS 8.1)
    message(FATAL_ERROR "rexnet needs xsimd 8.1 or newer, found ${version} in ${include}")
  endif()
  set(rexnet_xsimd_version "${version}" CACHE INTERNAL "")
  set(rexnet_xsimd_include "${include}" CACHE INTERNAL "")
  set_property(TARGET ${target} APPEND PROPERTY INTERFACE_INCLUDE_DIRECTORIES $<BUILD_INTERFACE:${include}>)
  set_property(TARGET ${target} APPEND PROPERTY INTERFACE_SYSTEM_INCLUDE_DIRECTORIES $<BUILD_INTERFACE:${include}>)
  if(REXNET_OPENMP)
    find_package(OpenMP COMPONENTS CXX)
    if(OpenMP_CXX_FOUND)
      # Flags and files, not FindOpenMP's target: that exists only below the directory that looked for it, and a
      # project that adds this one by add_subdirectory() is above.
      separate_arguments(flags NATIVE_COMMAND "${OpenMP_CXX_FLAGS}")
      set_property(TARGET ${target} APPEND PROPERTY INTERFACE_COMPILE_OPTIONS
        "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:${flags}>>")
      set_property(TARGET ${target} APPEND PROPERTY INTERFACE_LINK_LIBRARIES "$<BUILD_INTERFACE:${OpenMP_CXX_LIBRARIES}>")
    endif()
  endif()
endfunction()
