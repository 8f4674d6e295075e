# What the headers need, attached to the library's target: in this project's build and in an installed package.
#   REXNET_XSIMD_INCLUDE_DIR  headers of an xsimd that brings no CMake package
#   REXNET_OPENMP             ON: run the forward pass on OpenMP threads where the compiler has it
function(rexnet_attach_dependencies target)
  if(REXNET_XSIMD_INCLUDE_DIR)
    set(include "${REXNET_XSIMD_INCLUDE_DIR}")
  else()
    find_package(xsimd QUIET)
    if(xsimd_FOUND)
      # Its headers only: Debian's target asks for a library (xtl) that is not needed.
      get_target_property(include xsimd INTERFACE_INCLUDE_DIRECTORIES)
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
