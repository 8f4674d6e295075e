# SPDX-License-Identifier: MIT
# rexnet_dispatched: the kernels of this project's own programs (the command, the viewer, tests), compiled once for all
# of them. Who links it is built with dispatch. Users call rexnet_add_dispatch() for their own target instead.
add_library(rexnet_dispatched STATIC EXCLUDE_FROM_ALL)
rexnet_add_dispatch(rexnet_dispatched ISAS ${rexnet_own_isas} UNIT_SOURCES "${PROJECT_SOURCE_DIR}/tools/measure_unit.cpp")
target_compile_definitions(rexnet_dispatched INTERFACE REXNET_DISPATCH)
target_include_directories(rexnet_dispatched INTERFACE "${PROJECT_BINARY_DIR}/rexnet_dispatched_dispatch")
target_link_libraries(rexnet_dispatched PUBLIC rexnet PRIVATE rexnet_project_options)
foreach(isa IN LISTS rexnet_own_isas)
  target_include_directories(rexnet_dispatched_${isa} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(rexnet_dispatched_${isa} PRIVATE rexnet_project_options)
endforeach()
