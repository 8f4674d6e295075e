# SPDX-License-Identifier: MIT
"""Step `setup`: the peers from PyPI, rexnet with CMake."""

import json
import shutil
import subprocess
import sys

import peers


def run_logged(command, log, **options):
    """None, or why it failed: the last line of its output that says something."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w") as out:
        try:
            done = subprocess.run(
                list(map(str, command)), stdout=out, stderr=subprocess.STDOUT, timeout=1800, **options
            )
        except (OSError, subprocess.TimeoutExpired) as e:
            return str(e)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return (lines[-1] if lines else f"exit code {done.returncode}")[:200]


def make_environment(setup, name, packages):
    """A virtual environment; one that was given by --venv is used as it is."""
    directory = setup.work / "environments" / name
    if name in setup.given or (directory / "complete").exists():
        return
    print(f"  environment {name}: {' '.join(packages)}", flush=True)
    shutil.rmtree(directory, ignore_errors=True)
    log = setup.work / "logs" / f"environment_{name}.log"
    reason = run_logged([sys.executable, "-m", "venv", directory], log) or run_logged(
        [directory / "bin/python", "-m", "pip", "install", "--quiet", *packages], log
    )
    if reason:
        print(f"    failed: {reason}", flush=True)
    else:
        (directory / "complete").touch()


def make_environments(setup):
    """One per group of peers."""
    needed = {peers.PEERS[p].environment for p in setup.peers} - {None} | {"torch"}
    for name in sorted(needed):
        make_environment(setup, name, peers.ENVIRONMENTS[name])


def versions(setup, environments):
    """What is installed when the measurement starts: {environment: {package: version}}."""
    found = {}
    for name, packages in environments.items():
        code = (
            "import importlib.metadata as m, json, sys\nfound = {}\nfor p in sys.argv[1:]:\n"
            "  try: found[p] = m.version(p)\n  except m.PackageNotFoundError: pass\nprint(json.dumps(found))"
        )
        try:
            answer = subprocess.run(
                [setup.python(name), "-c", code, *packages], stdout=subprocess.PIPE, check=True
            )
            found[name] = json.loads(answer.stdout)
        except (OSError, subprocess.CalledProcessError):
            found[name] = {}
    return found


def write_versions(setup):
    found = versions(setup, peers.ENVIRONMENTS)
    (setup.work / "versions.json").write_text(json.dumps(found, indent=1))


def build_rexnet(setup, targets):
    flags = [
        "-DCMAKE_BUILD_TYPE=Release",
        "-DREXNET_NATIVE=ON",
        "-DREXNET_BUILD_BENCH=ON",
        "-DREXNET_BUILD_TESTS=OFF",
    ]
    log = setup.work / "logs/build.log"
    reason = run_logged(
        ["cmake", "-S", setup.here.parents[1], "-B", setup.build, *flags], log
    ) or run_logged(
        [
            "cmake",
            "--build",
            setup.build,
            "-j",
            str(len(setup.cores)),
            "--target",
            *targets,
        ],
        log,
    )
    if reason:
        sys.exit(f"rexnet could not be built: {reason} (see {log})")
    (setup.work / "commit.txt").write_text(commit(setup.root))


def commit(root):
    """The commit, marked where the headers differ from it."""
    git = ["git", "-C", str(root)]
    head = subprocess.run(git + ["rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    if head.returncode != 0:
        return "unknown"
    changed = subprocess.run(
        git + ["diff", "--quiet", "HEAD", "--", "include"], capture_output=True
    ).returncode
    return head.stdout.strip() + (" with changes" if changed else "")


def prepare(setup):
    make_environments(setup)
    build_rexnet(setup, ["rexnet_worker", "rexnet_command", "minimal"])
