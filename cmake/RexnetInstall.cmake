# SPDX-License-Identifier: MIT
# Headers, the CMake package (find_package(rexnet)) and the pkg-config file. Components for packages:
#   rexnet_development  headers and what compilers need       rexnet_library  librexnet       rexnet_command  rexnet
set(rexnet_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/rexnet")

# rexnet_install_pc(TEMPLATE DIRECTORY): a file for pkg-config that finds everything from where it lies, so that the
# prefix can be moved.
function(rexnet_install_pc template directory)
  get_filename_component(name "${template}" NAME_WLE)
  file(RELATIVE_PATH rexnet_pc_up "/prefix/${directory}" /prefix)
  string(REGEX REPLACE "/$" "" rexnet_pc_up "${rexnet_pc_up}")
  configure_file("${template}" "${PROJECT_BINARY_DIR}/${name}" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/${name}" DESTINATION "${directory}" COMPONENT rexnet_development)
endfunction()

if(NOT REXNET_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)
rexnet_platform(rexnet_c_platform)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/rexnet" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT rexnet_development)
install(TARGETS rexnet EXPORT rexnetTargets)
install(EXPORT rexnetTargets NAMESPACE rexnet:: DESTINATION "${rexnet_package_dir}" COMPONENT rexnet_development)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/rexnetConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/rexnetConfig.cmake" INSTALL_DESTINATION "${rexnet_package_dir}" NO_SET_AND_CHECK_MACRO)
# Headers are for every processor; that the C library is for one is the business of rexnetConfig.cmake.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/rexnetConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/rexnetConfig.cmake" "${PROJECT_BINARY_DIR}/rexnetConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/RexnetDependencies.cmake" "${PROJECT_SOURCE_DIR}/cmake/RexnetDispatch.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/RexnetEmbed.cmake" DESTINATION "${rexnet_package_dir}" COMPONENT rexnet_development)
rexnet_install_pc("${PROJECT_SOURCE_DIR}/cmake/rexnet-cpp.pc.in" "${CMAKE_INSTALL_DATADIR}/pkgconfig")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/LICENSES/LicenseRef-WordNet-3.0.txt"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT rexnet_development)
