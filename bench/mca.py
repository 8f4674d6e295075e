#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernels' inner loops on paper: compiles a few tiles for an ARM processor (or any other), finds the loops
with the multiply-adds, and asks llvm-mca how many cycles they take against the same multiply-adds alone.

    python3 bench/mca.py [--compiler g++ --compiler "clang++-16 --target=..."] [--cpu cortex-a76 neoverse-n1]

Prints per loop: multiply-adds, all instructions, accesses of the stack, cycles an iteration, and the share of
the multiply-adds' bound. llvm-mca knows no caches and no branch prediction: what it finds is an upper limit.
"""
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = """
#include "rexnet/kernels/depthwise.hpp"
#include "rexnet/kernels/pointwise.hpp"
using namespace rexnet;
using namespace rexnet::detail;
using arch = rexnet::simd::default_arch;
using traits = kernel_traits<arch>;
extern "C" {
void pointwise_two_vectors(const pointwise_args& a, std::ptrdiff_t pixel, int channel, std::uintptr_t ahead) {
  pointwise_tile<arch, traits::rows, 2>::run(a, pixel, channel, ahead);
}
void pointwise_one_vector(const pointwise_args& a, std::ptrdiff_t pixel, int channel, std::uintptr_t ahead) {
  pointwise_tile<arch, traits::tail_rows, 1>::run(a, pixel, channel, ahead);
}
void depthwise_stride_1(const depthwise_args& a) { depthwise_row<arch, 3, 1>::run(a); }
void depthwise_stride_2(const depthwise_args& a) { depthwise_row<arch, 3, 2>::run(a); }
void silu_in_place(float* out, std::ptrdiff_t step, std::ptrdiff_t rows) {
  activate<arch, 2>(out, step, rows, rexnet::activation::silu);
}
}
"""
# What is measured: a name, a pattern of the function, and whether it is the function's innermost loop or all of
# it (a depthwise tile: compilers unroll its three rows). The one with the most multiply-adds counts.
LOOPS = [
    ("pointwise, two vectors, 4 k", r"(pointwise_two_vectors|.*pointwise_tile.*Li2EE3runE.*)", True),
    ("pointwise, one vector, 4 k", r"(pointwise_one_vector|.*pointwise_tile.*Li1EE3runE.*)", True),
    ("depthwise, stride 1, a tile", r".*depthwise_row.*Li3ELi1E.*4tileILb1ELi\d+ELNS.*borderE0E.*", False),
    ("depthwise, stride 2, a tile", r".*depthwise_row.*Li3ELi2E.*4tileILb1ELi\d+ELNS.*borderE0E.*", False),
    ("SiLU, 4 vectors", r"(silu_in_place|.*8activateI.*)", True),
]
FMA = re.compile(r"\s(fmla|vfma\w*|vmla\w*|vfmadd\w+)\s")
STACK = re.compile(r"\[sp|\(%[er][sb]p\)|\[r7|\[x29")


def functions(assembly):
    """{name: lines}"""
    found, name = {}, None
    for line in assembly.splitlines():
        label = re.match(r"([A-Za-z_][\w$.]*):", line)
        if label and not label.group(1).startswith(".L"):
            name = label.group(1)
            found[name] = []
        elif name:
            found[name].append(line)
    return found


def loops(lines, innermost):
    """Instructions of the innermost loops, which jump back to a label, or of the whole function."""
    at, bodies = {}, []
    for i, line in enumerate(lines):
        label = re.match(r"(\.L\w+):", line)
        if label:
            at[label.group(1)] = i
        jump = re.search(r"\s(?:b|j|cb|tb)[\w.]*\s.*?(\.L\w+)\s*$", line)
        if jump and jump.group(1) in at:
            bodies.append((at[jump.group(1)], i + 1))
    if not innermost:
        bodies = [(0, len(lines))]
    inner = [(a, b) for a, b in bodies if not any(a <= c and d <= b and (c, d) != (a, b) for c, d in bodies)]
    return [[line for line in lines[a:b] if re.match(r"\s+[a-z]", line)] for a, b in inner]


def cycles(mca, triple, cpu, body):
    """Cycles of one iteration of many."""
    n = 200
    command = [mca, f"-mtriple={triple}", f"-mcpu={cpu}", f"-iterations={n}"]
    run = subprocess.run(command, input="\n".join(body) + "\n", capture_output=True, text=True)
    total = re.search(r"Total Cycles:\s+(\d+)", run.stdout)
    if not total:
        sys.exit(f"{' '.join(command)}: {run.stderr[:500]}")
    return int(total.group(1)) / n


def independent(body):
    """The multiply-adds of the loop, alone."""
    return [line for line in body if FMA.search(line + " ")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", action="append", help="with its target, e.g. aarch64-linux-gnu-g++")
    parser.add_argument("--flags", default="-O3", help="of the compiler; write --flags=-O2")
    parser.add_argument("--cpu", nargs="+", default=["cortex-a76", "neoverse-n1"])
    parser.add_argument("--triple", default="aarch64-linux-gnu")
    parser.add_argument("--mca", default="llvm-mca-19")
    parser.add_argument("--include", default=str(ROOT / "include"))
    parser.add_argument("--dump", type=Path, help="write the loops' assembly into this folder")
    options = parser.parse_args()
    print("| loop | compiler | FMA | instructions | stack | " +
          " | ".join(f"{cpu}: cycles, share" for cpu in options.cpu) + " |")
    print("|---|---|---|---|---|" + "---|" * len(options.cpu))
    for compiler in options.compiler or ["aarch64-linux-gnu-g++"]:
        with tempfile.TemporaryDirectory() as folder:
            source, out = Path(folder) / "loops.cpp", Path(folder) / "loops.s"
            source.write_text(SOURCE)
            subprocess.run([*compiler.split(), "-std=c++17", *options.flags.split(), "-ffp-contract=off",
                            "-I", options.include, "-S", source, "-o", out], check=True, cwd=ROOT)
            found = functions(out.read_text())
        for name, pattern, innermost in LOOPS:
            bodies = [body for function, lines in found.items() if re.fullmatch(pattern, function)
                      for body in loops(lines, innermost)]
            best = max(bodies, key=lambda body: len(independent(body)), default=[])
            if not independent(best):
                print(f"| {name} | {compiler.split()[0]} | no loop found |")
                continue
            if options.dump:
                options.dump.mkdir(exist_ok=True)
                (options.dump / (name.replace(", ", "_").replace(" ", "_") + ".s")).write_text("\n".join(best) + "\n")
            multiply_adds = independent(best)
            columns = []
            for cpu in options.cpu:
                took = cycles(options.mca, options.triple, cpu, best)
                # At the least: as many of them, each accumulator as often as in the loop.
                bound = cycles(options.mca, options.triple, cpu, multiply_adds)
                columns.append(f"{took:.1f}, {bound / took:.0%}")
            stack = sum(1 for line in best if STACK.search(line))
            print(f"| {name} | {compiler.split()[0]} | {len(multiply_adds)} | {len(best)} | {stack} | " +
                  " | ".join(columns) + " |")


if __name__ == "__main__":
    main()
