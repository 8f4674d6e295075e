# SPDX-License-Identifier: MIT
# An overlay port: it builds the sources that it lies in. A registry's copy takes them from a release instead
# (vcpkg_from_github or vcpkg_from_git with the tag v${VERSION}).
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS FEATURES c REXNET_BUILD_C_API)
if("c" IN_LIST FEATURES)
  vcpkg_check_linkage(ONLY_DYNAMIC_LIBRARY)
else()
  set(VCPKG_BUILD_TYPE release)  # headers alone
endif()

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${FEATURE_OPTIONS}
    -DREXNET_BUILD_TOOLS=OFF
    -DREXNET_BUILD_TESTS=OFF
    -DREXNET_BUILD_EXAMPLES=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/rexnet)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share"
  "${CURRENT_PACKAGES_DIR}/share/doc")
if(NOT "c" IN_LIST FEATURES)
  file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/lib")
endif()
file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE" "${SOURCE_PATH}/LICENSES/LicenseRef-WordNet-3.0.txt")
