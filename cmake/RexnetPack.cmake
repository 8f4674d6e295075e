# SPDX-License-Identifier: MIT
# `cpack` in a build directory: Debian packages. librexnet0 has the C library, librexnet-dev the headers and what
# compilers need, rexnet the command. Preset `deb` builds what belongs into them.
set(REXNET_DEBIAN_MAINTAINER "the rexnet authors" CACHE STRING "Of the Debian packages: NAME <ADDRESS>")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR "the rexnet authors")
set(CPACK_PACKAGE_CONTACT "${REXNET_DEBIAN_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "image classifiers of the ReXNet family on CPUs")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_COMPONENTS_ALL rexnet_development)

set(CPACK_DEBIAN_REXNET_DEVELOPMENT_PACKAGE_NAME librexnet-dev)
set(CPACK_DEBIAN_REXNET_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_REXNET_DEVELOPMENT_PACKAGE_DEPENDS "libxsimd-dev (>= 8.1)")
set(CPACK_DEBIAN_REXNET_DEVELOPMENT_PACKAGE_SUGGESTS "libeigen3-dev")
set(CPACK_COMPONENT_REXNET_DEVELOPMENT_DESCRIPTION 
  "Header-only C++17, and the C library's header,\nwith files for CMake and pkg-config.")
if(TARGET rexnet_c)
  list(APPEND CPACK_COMPONENTS_ALL rexnet_library)
  get_target_property(abi rexnet_c SOVERSION)
  set(CPACK_DEBIAN_REXNET_LIBRARY_PACKAGE_NAME librexnet${abi})
  set(CPACK_DEBIAN_REXNET_LIBRARY_PACKAGE_SECTION libs)
  set(CPACK_COMPONENT_REXNET_LIBRARY_DESCRIPTION 
    "The C library: loads a model and classifies pixels,\nwith kernels for every processor of its architecture.")
  file(WRITE "${PROJECT_BINARY_DIR}/debian/triggers" "activate-noawait ldconfig\n")
  set(CPACK_DEBIAN_REXNET_LIBRARY_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/debian/triggers")
  string(APPEND CPACK_DEBIAN_REXNET_DEVELOPMENT_PACKAGE_DEPENDS
    ", librexnet${abi} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
endif()
if(TARGET rexnet_command)
  list(APPEND CPACK_COMPONENTS_ALL rexnet_command)
  set(CPACK_DEBIAN_REXNET_COMMAND_PACKAGE_NAME rexnet)
  set(CPACK_DEBIAN_REXNET_COMMAND_PACKAGE_SECTION science)
  set(CPACK_COMPONENT_REXNET_COMMAND_DESCRIPTION 
    "The command: classifies pictures, measures accuracy and speed,\npacks PyTorch's checkpoints.")
endif()
include(CPack)

# What Debian wants of every package: its licences and its changes.
set(directory "${PROJECT_BINARY_DIR}/debian")
file(READ "${PROJECT_SOURCE_DIR}/LICENSE" licence)
file(READ "${PROJECT_SOURCE_DIR}/LICENSES/LicenseRef-WordNet-3.0.txt" names_licence)
file(CONFIGURE OUTPUT "${directory}/copyright" @ONLY CONTENT "@licence@\n@names_licence@")
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # heeds SOURCE_DATE_EPOCH
set(maintainer "${REXNET_DEBIAN_MAINTAINER}")
if(NOT maintainer MATCHES "<")
  string(APPEND maintainer " <>")  # the format's, where there is no address
endif()
file(WRITE "${directory}/changelog" "rexnet (${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
  "  * Version ${PROJECT_VERSION}; CHANGELOG.md of the sources tells what is new.\n\n -- ${maintainer}  ${date}\n")
execute_process(COMMAND gzip -9nc "${directory}/changelog" OUTPUT_FILE "${directory}/changelog.Debian.gz")
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  install(FILES "${directory}/copyright" "${directory}/changelog.Debian.gz" COMPONENT ${component} EXCLUDE_FROM_ALL
    DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
endforeach()
