# SPDX-License-Identifier: MIT
"""Conan 2: `conan create packaging/conan` packages the sources that this file lies in.

The package keeps the project's own CMake files, so that find_package(rexnet) gives rexnet::rexnet, rexnet::c,
rexnet_add_dispatch() and rexnet_embed_model() as it does everywhere else.
"""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rm, rmdir

required_conan_version = ">=2.0"


class RexnetConan(ConanFile):
    name = "rexnet"
    license = "MIT AND LicenseRef-WordNet-3.0"
    description = "ReXNet image classifiers on CPUs, header-only C++17"
    topics = ("image-classification", "neural-network", "inference", "header-only")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    # c: librexnet, the C interface, a shared library; without it the package is headers. eigen: what
    # engine/reference.hpp needs. openmp: threads of find_package(rexnet)'s users.
    options = {"c": [True, False], "eigen": [True, False]}
    default_options = {"c": False, "eigen": False}
    no_copy_source = True

    def set_version(self):
        lists = load(self, os.path.join(self.recipe_folder, "..", "..", "CMakeLists.txt"))
        self.version = self.version or re.search(r"project\(rexnet VERSION (\S+)", lists)[1]

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "LICENSES/*", "cmake/*", "include/*", "bindings/c/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def requirements(self):
        self.requires("xsimd/[>=8.1]", transitive_headers=True)
        if self.options.eigen:
            self.requires("eigen/[>=3.3]", transitive_headers=True)

    def configure(self):
        self.package_type = "shared-library" if self.options.c else "header-library"

    def validate(self):
        check_min_cppstd(self, 17)

    def layout(self):
        cmake_layout(self)

    def package_id(self):
        if not self.info.options.c:
            self.info.clear()

    def generate(self):
        toolchain = CMakeToolchain(self)
        for what in ("TOOLS", "TESTS", "EXAMPLES"):
            toolchain.cache_variables[f"REXNET_BUILD_{what}"] = False
        toolchain.cache_variables["REXNET_BUILD_C_API"] = bool(self.options.c)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "share", "doc"))
        rm(self, "*.pc", self.package_folder, recursive=True)  # Conan's PkgConfigDeps writes its own
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*", os.path.join(self.source_folder, "LICENSES"), os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.set_property("cmake_find_mode", "none")  # the package's own rexnetConfig.cmake
        self.cpp_info.set_property("pkg_config_name", "rexnet" if self.options.c else "rexnet-cpp")
        self.cpp_info.builddirs = [os.path.join("share", "cmake", "rexnet")]
        self.cpp_info.libs = ["rexnet"] if self.options.c else []
        if not self.options.c:
            self.cpp_info.bindirs, self.cpp_info.libdirs = [], []
        if self.settings.get_safe("compiler") in ("gcc", "clang", "apple-clang"):
            self.cpp_info.cxxflags = ["-ffp-contract=off"]
