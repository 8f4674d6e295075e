#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The operator benchmarks against their targets, one line for each layer's shape.

    python3 bench/summary.py build/bench/bench/operators [--model v1:100] [--size 224] [--repetitions 5]

Every number is the best of the repetitions, which run in random order; a share is against the best FMA peak
of the same repetitions, measured just before each. Targets are judged with warm weights (the same call
again); cold weights come from memory at every call, which the network sees once for a layer, not at every
turn of a row band. Timing never fails: the exit code is 0 unless the program itself fails. Pin the script
to a core (taskset -c 0) on a shared machine.
"""
import argparse
import json
import subprocess
import sys

# Least share of the FMA peak with the bias alone, by K; with SiLU: time against FMA time and SiLU's own.
BIAS_TARGETS = ((96, 0.88), (38, 0.85), (0, 0.75))
SILU_FMA_SHARE = 0.90
DEPTHWISE_TARGET = 0.45
SILU_RATIO_TARGET = 0.5

VERDICTS = {True: "met", False: "not met"}


def run(options):
    command = [options.program, "--model", options.model, "--size", str(options.size),
               "--benchmark_format=json",
               f"--benchmark_min_time={options.min_time}", f"--benchmark_repetitions={options.repetitions}",
               "--benchmark_enable_random_interleaving=true", f"--benchmark_filter={options.filter}"]
    # What it says on stderr (a loaded machine, CPU scaling) is for readers.
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def best_of(answer):
    """{name: the repetition with the least CPU time, with the repetitions' best peak}, and all peaks."""
    best, peaks = {}, []
    for b in answer["benchmarks"]:
        if b.get("run_type") != "iteration":
            continue
        b["seconds"] = b["cpu_time"] * {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}[b["time_unit"]]
        name, peak = b["run_name"], b.get("peak", 0.0)
        if peak:
            peaks.append(peak)
        b["peak"] = max(peak, best.get(name, b).get("peak", 0.0))
        if name in best and best[name]["seconds"] <= b["seconds"]:
            best[name]["peak"] = b["peak"]
        else:
            best[name] = b
    return dict(sorted(best.items(), key=lambda item: item[1]["family_index"])), sorted(peaks)


def layers(best, kind):
    """[(layer, shape, {variant/temperature: benchmark})] of pointwise, depthwise or dense, in order."""
    found = {}
    for name, b in best.items():
        parts = name.split("/")
        if parts[0] == kind:
            found.setdefault((parts[1], parts[2]), {})["/".join(parts[3:])] = b
    # A filter may have left out what the targets are about.
    return [(layer, shape, runs) for (layer, shape), runs in found.items() if "bias/warm" in runs]


def share(b):
    return b["macs"] / b["seconds"] / b["peak"] if b else None


def percent(value):
    return "-" if value is None else f"{100 * value:.1f}%"


def microseconds(b):
    return f"{1e6 * b['seconds']:.2f}" if b else "-"


def judge(counts, met):
    counts[met] += 1
    return VERDICTS[met]


def pointwise(best, silu_seconds, counts):
    print(f"\npointwise      share of the FMA peak, bias only{'':20}with activation or residual: us, bound\n"
          f"{'layer':<16}{'shape':<24}{'warm':>6}{'cold':>7}  {'target':<15}"
          f"{'what':<9}{'warm':>8}{'cold':>8}{'bound':>8}")
    for layer, shape, runs in sorted(layers(best, "pointwise"), key=lambda r: r[2]["bias/warm"]["k"]):
        warm, cold = (share(runs.get(f"bias/{t}")) for t in ("warm", "cold"))
        target = next(least for k, least in BIAS_TARGETS if runs["bias/warm"]["k"] >= k)
        line = (f"{layer:<16}{shape:<24}{percent(warm):>6}{percent(cold):>7}  "
                f"{f'{target:.0%} {judge(counts, warm >= target)}':<15}")
        real = next((v.split("/")[0] for v in runs if not v.startswith("bias")), None)
        if real:
            w, c = runs.get(f"{real}/warm"), runs.get(f"{real}/cold")
            line += f"{real:<9}{microseconds(w):>8}{microseconds(c):>8}"
            if w and real == "silu" and silu_seconds:
                bound = w["macs"] / w["peak"] / SILU_FMA_SHARE + w["silu"] * silu_seconds
                line += f"{1e6 * bound:>8.2f} {judge(counts, w['seconds'] <= bound)}"
        print(line)


def depthwise(best, counts):
    print(f"\ndepthwise      share of the FMA peak\n{'layer':<16}{'shape':<24}{'bias warm':>10}{'cold':>7}"
          f"{'ReLU6/sums':>12}{'cold':>7}  target")
    for layer, shape, runs in layers(best, "depthwise"):
        real = next((v.split("/")[0] for v in runs if not v.startswith("bias")), "bias")
        values = [share(runs.get(f"{v}/{t}")) for v in ("bias", real) for t in ("warm", "cold")]
        print(f"{layer:<16}{shape:<24}{percent(values[0]):>10}{percent(values[1]):>7}{percent(values[2]):>12}"
              f"{percent(values[3]):>7}  {DEPTHWISE_TARGET:.0%} "
              f"{judge(counts, values[0] >= DEPTHWISE_TARGET)}")


def others(best, counts):
    print(f"\ndense          GB/s of weights\n{'layer':<20}{'shape':<20}{'warm':>6}{'cold':>6}")
    for layer, shape, runs in layers(best, "dense"):
        rates = [runs[v]["bytes/s"] / 1e9 for v in ("bias/warm", "bias/cold") if v in runs]
        print(f"{layer:<20}{shape:<20}" + "".join(f"{r:>6.0f}" for r in rates))
    print("\nns per element")
    for name, b in best.items():
        if "elements" in b:
            print(f"{name:<44}{1e9 * b['seconds'] / b['elements']:>8.3f}{1e6 * b['seconds']:>12.2f} us")
    if {"silu/ours", "silu/xsimd_exp"} <= set(best):
        ratio = best["silu/ours"]["seconds"] / best["silu/xsimd_exp"]["seconds"]
        print(f"SiLU against v / (1 + xsimd::exp(-v)): {ratio:.2f} of the time, target {SILU_RATIO_TARGET}: "
              f"{judge(counts, ratio <= SILU_RATIO_TARGET)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--model", default="v1:100", help="v1, lite or rexnetr, and the width in hundredths")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--min-time", type=float, default=0.02, help="seconds of a repetition")
    parser.add_argument("--filter", default=".", help="regular expression on the benchmarks' names")
    options = parser.parse_args()

    answer = run(options)
    best, peaks = best_of(answer)
    context = answer["context"]
    print(", ".join(context[k] for k in ("model", "cpu", "instruction_set", "compiler")))
    ours = best.get("silu/ours")
    silu_seconds = ours["seconds"] / ours["elements"] if ours else None
    peak = "not measured"
    if peaks:
        peak = f"{peaks[len(peaks) // 2] / 1e9:.1f} (best {peaks[-1] / 1e9:.1f}) GMAC/s"
    silu = f"{1e9 * silu_seconds:.3f} ns" if ours else "not measured (filter)"
    print(f"one core: FMA peak {peak}, SiLU {silu}, full pointwise tile "
          f"{context['loads_per_fma'][:4]} loads per FMA")
    counts = {True: 0, False: 0}
    pointwise(best, silu_seconds, counts)
    depthwise(best, counts)
    others(best, counts)
    print(f"\n{counts[True]} met, {counts[False]} not met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
