#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every place that names the version names the same: project() in CMakeLists.txt has it, docs/releasing.md lists the rest.

usage: versions.py SOURCE_DIR [--release]    --release: CHANGELOG.md must have closed it, too
"""
import json
import pathlib
import re
import sys

SOURCE = pathlib.Path(sys.argv[1])


def text(path):
    return (SOURCE / path).read_text(encoding="utf-8")


def one(path, pattern):
    found = re.findall(pattern, text(path), re.M)
    return found[0] if len(found) == 1 else f"{len(found)} matches of {pattern}"


def macros(path):
    return ".".join(one(path, rf"^#define REXNET_VERSION_{part} (\d+)\b") for part in ("MAJOR", "MINOR", "PATCH"))


def main():
    version = one("CMakeLists.txt", r"^project\(rexnet VERSION (\d+\.\d+\.\d+) ")
    minor = ".".join(version.split(".")[:2])
    changelog = one("CHANGELOG.md", r"\A# Changelog\n\n## (.+)$")
    places = {
        "include/rexnet/core/build.hpp, numbers": (macros("include/rexnet/core/build.hpp"), version),
        "include/rexnet/core/build.hpp, text": (
            one("include/rexnet/core/build.hpp", r'^#define REXNET_VERSION_STRING "(.+)"$'), version),
        "include/rexnet/core/build.hpp, namespace": (
            "".join(sorted(set(re.findall(r"REXNET_THREADING (v\d+)_", text("include/rexnet/core/build.hpp"))))),
            f"v{version.split('.')[0]}"),
        "include/rexnet.h": (macros("include/rexnet.h"), version),
        "single_include/rexnet/rexnet_single.hpp": (
            one("single_include/rexnet/rexnet_single.hpp", r"^// rexnet (\S+) as one header"), version),
        "packaging/vcpkg/rexnet/vcpkg.json": (json.loads(text("packaging/vcpkg/rexnet/vcpkg.json"))["version-semver"], version),
        "packaging/conan/conanfile.py": (
            "reads it" if "set_version" in text("packaging/conan/conanfile.py") else "does not read it", "reads it"),
        "SECURITY.md": (one("SECURITY.md", r"^\| (\S+)\.x \| yes"), minor),
    }
    if "--release" in sys.argv[2:] or changelog != "Unreleased":
        places["CHANGELOG.md, first heading"] = (re.sub(r" \(\d{4}-\d\d-\d\d\)$", "", changelog), version)
    bad = [f"{place}: {found}, expected {expected}" for place, (found, expected) in places.items() if found != expected]
    print("\n".join(bad) or f"{version} in {len(places)} places")
    sys.exit(bool(bad))


main()
