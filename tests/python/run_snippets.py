#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs what the documents tell people to type.

Usage: run_snippets.py sh SOURCE_DIR REXNET WRITE_CHECKPOINT    the ```sh blocks of the documents for users, in order,
                                                               with random weights in place of the published ones
       run_snippets.py cmake SOURCE_DIR BUILD_DIR COMPILER      configures every ```cmake block with the installed package
       run_snippets.py python SOURCE_DIR LIBRARY WRITE_DETECTOR
                                                               runs every ```python block with this librexnet
A block under <!-- not run: REASON --> is left out.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from extract_snippets import blocks, documents

# What the text has at hand: name, kind of names in it, width, classes.
CHECKPOINTS = (("rexnetv1_1.0x.pth", "official", 100, 1000), ("rexnet_100.pth", "timm", 100, 1000),
               ("rexnet_100.safetensors", "timm", 100, 1000), ("flowers.pth", "timm", 50, 5))


def run(what, command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{what}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def link_project(source, work):
    for folder in ("models", "examples"):
        (work / folder).symlink_to(source / folder)


def all_blocks(source, language):
    return [b for d in documents(source) for b in blocks(d) if b.language == language and not b.marker.startswith("not run")]


def run_python(source, work, library, write_detector):
    (work / "model.rexnet").symlink_to(source / "models/clothing_1.0x.rexnet")
    run("detector.rexnet", [write_detector, "detector.rexnet"], cwd=work)
    environment = {**os.environ, "REXNET_LIBRARY": library, "PYTHONPATH": str(source / "examples/python")}
    found = all_blocks(source, "python")
    for b in found:
        print(b.where(), run(b.where(), [sys.executable, "-B", "-c", b.text], cwd=work, env=environment), sep="\n")
    assert found


def run_shell(source, work, rexnet, write_checkpoint):
    link_project(source, work)
    for name, names, width, classes in CHECKPOINTS:
        run(name, [write_checkpoint, name, names, str(width), str(classes)], cwd=work)
    (work / "flowers.txt").write_text("aster\nborage\ncrocus\ndahlia\nedelweiss\n")
    shutil.copy(source / "examples/pictures/hat.png", work / "photo.png")
    path = f"{pathlib.Path(rexnet).parent}{os.pathsep}{os.environ['PATH']}"
    found = [b for b in all_blocks(source, "sh") if b.document.name in ("getting-started.md", "classify.md", "performance.md")]
    for b in found:
        print(run(b.where(), ["bash", "-eux", "-c", b.text], cwd=work, env={**os.environ, "PATH": path}))
    assert found


def configure(source, work, build, compiler):
    run("install", ["cmake", "--install", build, "--prefix", str(work / "prefix")])
    found = all_blocks(source, "cmake")
    for b in found:
        project = work / b.name
        project.mkdir()
        link_project(source, project)
        (project / "app.cpp").write_text("int main() {}\n")
        head = "" if "project(" in b.text else "cmake_minimum_required(VERSION 3.21)\nproject(snippet LANGUAGES CXX)\n"
        if "add_executable(" not in b.text:
            head += "add_executable(app app.cpp)\n"
        (project / "CMakeLists.txt").write_text(head + b.text)
        run(b.where(), ["cmake", "-S", str(project), "-B", str(project / "build"), "-G", "Ninja",
                        f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={work / 'prefix'}"])
        print(f"{b.where()}: configured")
    assert found


with tempfile.TemporaryDirectory() as scratch:
    modes = {"sh": run_shell, "cmake": configure, "python": run_python}
    modes[sys.argv[1]](pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(scratch), *sys.argv[3:])
