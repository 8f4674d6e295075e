#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the headers and the tools as MSVC would, as far as that goes without Microsoft's headers.

    msvc_syntax.py SOURCE_DIR INCLUDE_DIR...      (folders that hold xsimd, Eigen, CLI, nlohmann)

clang parses them for x86_64-pc-windows-msvc with -fms-compatibility. The standard library is mingw-w64's, which only
a GNU compiler can read; so a prelude includes all of it first, and then takes __GNUC__ and __clang__ away, sets
_MSC_VER and poisons GNU's keywords. What follows, this project's own text, takes MSVC's branch everywhere, with the
macros min and max of <windows.h> in force. Templates are parsed where they stand (as with /permissive-).
Not covered: Microsoft's standard library, MSVC's own bugs and warnings, code generation, OpenMP.

Also, by text alone: GNU extensions in include/ outside the two headers that guard them.
Exit code 77: clang or the mingw-w64 compiler is not installed.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ISAS = {"sse2": ["-msse2"], "fma3_avx2": ["-mavx2", "-mfma"],
        "avx512bw": ["-mavx512f", "-mavx512cd", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma", "-mavx2"]}
PACKAGES = ["xsimd", "Eigen", "CLI", "nlohmann"]
NOT_ON_WINDOWS = re.compile(r"sys/|unistd|poll\.h|utf8proc|sched|fcntl|cpuid\.h|png\.h|zlib|jpeglib|jerror|gif_lib|webp|tiffio|libheif|omp\.h|rexnet")
NOT_BUILT_ON_WINDOWS = {"codec_jpeg.cpp", "codec_png.cpp", "codec_gif.cpp", "codec_webp.cpp", "codec_tiff.cpp", "codec_heif.cpp", "iso_boxes.cpp"}
GUARDED = {"core/build.hpp", "simd/simd.hpp", "dispatch/cpu.hpp"}
GNU = re.compile(r"__attribute__|__builtin_|\b__asm|\basm\b|__restrict__|__typeof|__extension__|__int128|\bssize_t\b|\bM_PI\b")
POISON = "__attribute__ __restrict__ asm __asm__ __asm __typeof__ typeof __extension__ ssize_t " \
         "__builtin_prefetch __builtin_expect __builtin_unreachable __builtin_cpu_supports __builtin_cpu_init"
PRELUDE = """
extern "C" void __cpuidex(int*, int, int);  // Microsoft's <intrin.h>, which xsimd includes
#define __declspec(x) __declspec(x)         // tells mingw-w64's headers that the compiler has it
{includes}
#undef __GNUC__
#undef __GNUC_MINOR__
#undef __GNUC_PATCHLEVEL__
#undef __clang__
#undef __MINGW32__
#undef __MINGW64__
#undef _MSC_VER
#define _MSC_VER 1938
#ifndef _CPPUNWIND
#define _CPPUNWIND 1
#endif
// Microsoft's <windows.h> has them; libstdc++ keeps mingw-w64's from defining them.
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#pragma GCC poison {poison}
"""


def extensions_in(include, headers):
    """Lines that hold a GNU extension where none belongs."""
    found = []
    for header in headers:
        name = str(header.relative_to(include / "rexnet"))
        for number, line in enumerate(header.read_text().splitlines(), 1):
            code = re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]  # without texts and comments
            if name not in GUARDED and GNU.search(code) and "::ssize_t" not in line:
                found.append(f"{name}:{number}: a GNU extension: {line.strip()}")
    return found


def system_includes(compiler):
    """The folders where the compiler looks for <...>, C++'s first."""
    text = subprocess.run([compiler, "-E", "-v", "-x", "c++", "-"], input="", capture_output=True, text=True).stderr
    found = text.split("#include <...> search starts here:")[1].split("End of search list.")[0].split()
    # Intrinsics, which lie in g++'s own folder, must be clang's.
    return [d for d in found if "/c++" in d or "/gcc/" not in str(pathlib.Path(d).resolve())]


def prelude_of(sources):
    """Everything that the sources include and that is not this project's."""
    names = set()
    for source in sources:
        names |= set(re.findall(r"^#include <([^>]+)>", source.read_text(), re.M))
    # <windows.h> before the headers that need it.
    names = sorted((n for n in names if not NOT_ON_WINDOWS.search(n)), key=lambda n: (n.endswith(".h"), n != "windows.h", n))
    return PRELUDE.format(includes="\n".join(f"#include <{n}>" for n in names), poison=POISON)


def jobs_of(include, headers, tools):
    """Triples: what it is, the instruction set, a translation unit."""

    def unit(isa, text):
        # A unit's xsimd lives in a namespace of its own; the prelude's stands in for it.
        return f"#define REXNET_UNIT {isa}\nnamespace xsimd_{isa} = xsimd;\n{text}"

    def program(text):
        return f"#define REXNET_DISPATCH\n#include <rexnet_dispatch_sets.hpp>\n{text}"

    each = "".join(f"#include <{h.relative_to(include)}>\n" for h in headers if h.name not in ("unit.hpp", "table.hpp"))
    for isa in ISAS:
        yield f"all headers, {isa}", isa, each
        yield f"dispatch unit, {isa}", isa, unit(isa, "#include <rexnet/dispatch/unit.hpp>\n")
    yield "dispatch table", "sse2", program("#include <rexnet/dispatch/table.hpp>\n")
    for tool in tools:
        wrap = (lambda text: unit("sse2", text)) if tool.name.endswith("_unit.cpp") else program
        yield f"tools/{tool.name}", "sse2", wrap(f'#include "tools/{tool.name}"\n')


def refused(clang, mingw, source, packages, headers, tools):
    """Compiles all jobs; the names of those that clang refuses."""
    include, bad = source / "include", []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "packages").mkdir()
        for package in PACKAGES:  # links, because the packages' own folder holds this system's headers, too
            place = next(d / package for d in packages if (d / package).is_dir())
            (folder / "packages" / package).symlink_to(place.resolve())
        (folder / "prelude.hpp").write_text(prelude_of(headers + tools + list((source / "tools").glob("*.hpp"))))
        (folder / "rexnet_dispatch_sets.hpp").write_text(
            f"#define REXNET_DISPATCH_SETS(use) {' '.join(f'use({isa})' for isa in ISAS)}\n")
        command = [clang, "--target=x86_64-pc-windows-msvc", "-fms-compatibility", "-fms-extensions",
                   "-fms-compatibility-version=19.38", "-fgnuc-version=12", "-fno-delayed-template-parsing",
                   "-fno-operator-names", "-std=c++17", "-Wall", "-Wextra", "-Wgnu", "-Wmicrosoft", "-pedantic-errors",
                   "-Werror", "-Wno-#warnings", "-nostdinc++", "-I", str(include), "-I", str(source), "-I", str(folder),
                   "-isystem", str(folder / "packages")]
        for d in system_includes(mingw):
            command += ["-isystem", d]
        for what, isa, text in jobs_of(include, headers, tools):
            (folder / "source.cpp").write_text(text)
            prelude = folder / f"{isa}.pch"
            if not prelude.exists():
                subprocess.run(command + ISAS[isa] + ["-x", "c++-header", str(folder / "prelude.hpp"), "-o", str(prelude)],
                               check=True)
            run = subprocess.run(command + ISAS[isa] + ["-fsyntax-only", "-include-pch", str(prelude),
                                                        str(folder / "source.cpp")], capture_output=True, text=True)
            print(f"{what}: {'accepted' if run.returncode == 0 else 'REFUSED'}", flush=True)
            if run.returncode != 0:
                bad.append(what)
                print("\n".join(line for line in run.stderr.splitlines() if "error" in line)[:1500])
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("packages", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    headers = sorted((arguments.source / "include").rglob("*.hpp"))
    tools = sorted(p for p in (arguments.source / "tools").glob("*.cpp") if p.name not in NOT_BUILT_ON_WINDOWS)
    bad = extensions_in(arguments.source / "include", headers)
    print("\n".join(bad) or f"{len(headers)} headers without GNU extensions outside {', '.join(sorted(GUARDED))}")
    clang, mingw = shutil.which("clang++"), shutil.which("x86_64-w64-mingw32-g++-posix")
    if not clang or not mingw:
        print("skipped: clang++ and x86_64-w64-mingw32-g++-posix are needed for the rest")
        sys.exit(1 if bad else 77)
    bad += refused(clang, mingw, arguments.source, arguments.packages, headers, tools)
    sys.exit(bool(bad))


main()
