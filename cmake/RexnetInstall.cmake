# Headers and the CMake package, for find_package(rexnet).
include(CMakePackageConfigHelpers)
set(rexnet_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/rexnet")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/rexnet" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(TARGETS rexnet EXPORT rexnetTargets)
install(EXPORT rexnetTargets NAMESPACE rexnet:: DESTINATION "${rexnet_package_dir}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/rexnetConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/rexnetConfig.cmake" INSTALL_DESTINATION "${rexnet_package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/rexnetConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/rexnetConfig.cmake" "${PROJECT_BINARY_DIR}/rexnetConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/RexnetDependencies.cmake" "${PROJECT_SOURCE_DIR}/cmake/RexnetDispatch.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/RexnetEmbed.cmake" DESTINATION "${rexnet_package_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/LICENSES/WordNet-3.0.txt"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
