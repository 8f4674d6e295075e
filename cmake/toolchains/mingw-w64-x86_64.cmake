# SPDX-License-Identifier: MIT
# Windows on x86-64 with Debian's g++-mingw-w64-x86-64-posix; tests run under wine. docs/windows.md has the packages.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
# "posix" is libstdc++ with std::thread.
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
# One .exe that needs no DLL of the compiler.
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(ZLIB_USE_STATIC_LIBS ON)

get_property(rexnet_in_try_compile GLOBAL PROPERTY IN_TRY_COMPILE)
if(rexnet_in_try_compile)
  return()
endif()

# FindOpenMP would take the DLL's import library, which lies beside it.
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.a
  OUTPUT_VARIABLE rexnet_gomp OUTPUT_STRIP_TRAILING_WHITESPACE)
set(OpenMP_gomp_LIBRARY "${rexnet_gomp}" CACHE FILEPATH "Static, by the toolchain file")

# Debian's header-only packages lie in /usr/include among glibc's headers, which the compiler must not see: a prefix
# with links to the packages' own folders and copies of their CMake files, which name the prefix that they lie in.
set(rexnet_headers_root "${CMAKE_BINARY_DIR}/header-only")
function(rexnet_link_headers package folder)
  file(GLOB configs RELATIVE /usr /usr/lib/cmake/${package} /usr/lib/*/cmake/${package} /usr/share/cmake/${package}
    /usr/share/${folder}/cmake)
  if(NOT configs OR NOT EXISTS "/usr/include/${folder}")
    return()  # find_package() says what is missing, or where else it is
  endif()
  list(GET configs 0 config)
  file(MAKE_DIRECTORY "${rexnet_headers_root}/include")
  file(CREATE_LINK "/usr/include/${folder}" "${rexnet_headers_root}/include/${folder}" SYMBOLIC)
  file(GLOB scripts "/usr/${config}/*.cmake")
  foreach(script ${scripts})
    get_filename_component(name "${script}" NAME)
    file(READ "${script}" text)
    string(REPLACE "set(_IMPORT_PREFIX \"/usr\")" "set(_IMPORT_PREFIX \"${rexnet_headers_root}\")" text "${text}")
    file(WRITE "${rexnet_headers_root}/${config}/${name}" "${text}")
  endforeach()
  set(${package}_DIR "${rexnet_headers_root}/${config}" CACHE PATH "Linked by the toolchain file")
endfunction()
rexnet_link_headers(xsimd xsimd)
rexnet_link_headers(doctest doctest)
rexnet_link_headers(CLI11 CLI)
rexnet_link_headers(nlohmann_json nlohmann)
rexnet_link_headers(Eigen3 eigen3)
list(APPEND CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)

# wine with a home of its own.
find_program(rexnet_wine NAMES wine64 wine)
if(rexnet_wine)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${CMAKE_CURRENT_LIST_DIR}/wine.sh" "${rexnet_wine}" "${CMAKE_BINARY_DIR}/wine")
  if(NOT EXISTS "${CMAKE_BINARY_DIR}/wine/system.reg")
    message(STATUS "Creating wine's home in the build directory")
    execute_process(COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} wineboot --init OUTPUT_QUIET ERROR_QUIET)
  endif()
endif()
