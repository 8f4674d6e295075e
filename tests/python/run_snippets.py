#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs what the documents tell people to type.

Usage: run_snippets.py sh SOURCE_DIR REXNET WRITE_CHECKPOINT    the ```sh blocks of the documents for users, in order,
                                                               with random weights in place of the published ones
       run_snippets.py cmake SOURCE_DIR BUILD_DIR COMPILER      configures every ```cmake block with the installed package
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


def run_shell(source, work, rexnet, write_checkpoint):
    link_project(source, work)
    for name, names, width, classes in CHECKPOINTS:
        run(name, [write_checkpoint, name, names, str(width), str(classes)], cwd=work)
    (work / "flowers.txt").write_text("aster\nborage\ncrocus\ndahlia\nedelweiss\n")
    shutil.copy(source / "examples/pictures/hat.png", work / "photo.png")
    path = f"{pathlib.Path(rexnet).parent}{os.pathsep}{os.environ['PATH']}"
    count = 0
    for document in ("getting-started.md", "performance.md"):
        for b in blocks(source / "docs" / document):
            if b.language != "sh" or b.marker.startswith("not run"):
                continue
            print(run(b.where(), ["bash", "-eux", "-c", b.text], cwd=work, env={**os.environ, "PATH": path}))
            count += 1
    print(f"{count} blocks ran")
    assert count > 0


def configure(source, work, build, compiler):
    run("install", ["cmake", "--install", build, "--prefix", str(work / "prefix")])
    count = 0
    for document in documents(source):
        for b in blocks(document):
            if b.language != "cmake" or b.marker.startswith("not run"):
                continue
            project = work / b.name
            project.mkdir()
            link_project(source, project)
            (project / "app.cpp").write_text("int main() {}\n")
            head = "" if "project(" in b.text else "cmake_minimum_required(VERSION 3.21)\nproject(snippet LANGUAGES CXX)\n"
            (project / "CMakeLists.txt").write_text(head + b.text)
            run(b.where(), ["cmake", "-S", str(project), "-B", str(project / "build"), "-G", "Ninja",
                            f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={work / 'prefix'}"])
            print(f"{b.where()}: configured")
            count += 1
    assert count > 0


with tempfile.TemporaryDirectory() as scratch:
    {"sh": run_shell, "cmake": configure}[sys.argv[1]](pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(scratch), *sys.argv[3:])
