# SPDX-License-Identifier: MIT
"""`rexnet classify` with pictures and lists on standard input, as another program's partner, interrupted, and on
directories of all kinds of files. POSIX only.

usage: command_lists.py REXNET SOURCE_DIR [memory]     (memory: nobody's sanitizer or emulator keeps memory of its own)
"""
import gzip
import io
import json
import os
import pathlib
import pickle
import resource
import select
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

rexnet, source = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
model = str(source / "models/clothing_1.0x.rexnet")
pictures = {p.stem: p for p in sorted((source / "examples/pictures").glob("*.png"))}
quick = ["--threads", "1", "--top", "1"]
failures = []


def require(condition, *what):
    if not condition:
        failures.append(what)
        print("FAILED", *(str(w)[:1000] for w in what))


def classify(inputs, *options, stdin=b"", cwd=None, command="classify"):
    done = subprocess.run([rexnet, command, model, *map(os.fspath, inputs), *quick[:2 if command == "eval" else 4],
                           *options], input=stdin, capture_output=True, cwd=cwd, timeout=300)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def answers(text):
    """image -> most probable class, of --jsonl"""
    return {e["image"]: e["top"][0]["label"] for e in map(json.loads, text.splitlines()) if "top" in e}


def start(*options):
    return subprocess.Popen([rexnet, "classify", model, *quick, *options], stdin=subprocess.PIPE, bufsize=0,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def read_line(process):
    """A line of the process' output; "" where none comes within a minute."""
    line = b""
    while not line.endswith(b"\n"):
        if not select.select([process.stdout], [], [], 60)[0]:
            return ""
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            break
        line += byte
    return line.decode(errors="replace")


def end(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


def pictures_on_standard_input(folder):
    for name in ("hat", "dress"):
        code, out, err = classify(["-"], "--jsonl", stdin=pictures[name].read_bytes())
        require(code == 0 and err == "" and answers(out) == {"-": name}, "a picture on standard input", out, err)
    jpeg = (source / "tests/golden/corners.jpg").read_bytes()
    code, out, err = classify(["-"], stdin=jpeg)
    require(code == 0 and out.startswith("- (24 x 16, "), "a JPEG on standard input", out, err)
    require(classify(["-"], "--cam", folder / "map.png", stdin=jpeg)[0] == 0 and (folder / "map.png").is_file(), "--cam")
    code, out, err = classify([pictures["hat"], "-"], "--jsonl", stdin=pictures["dress"].read_bytes())
    require(answers(out) == {str(pictures["hat"]): "hat", "-": "dress"}, "beside others", out, err)
    process = start("-", "--jsonl")  # a byte, and a byte, and the rest
    data = pictures["hat"].read_bytes()
    for piece in (data[:1], data[1:2], data[2:9], data[9:]):
        process.stdin.write(piece)
        time.sleep(0.05)
    code, out, err = end(process)
    require(code == 0 and answers(out) == {"-": "hat"}, "in pieces", out, err)
    code, out, err = classify(["-"], stdin=data[:3000])
    require(code == 1 and out == "" and err.count("\n") == 1 and err.startswith("rexnet: standard input: PNG"),
            "half a picture", out, err)


def other_binary(folder):
    archive, tar, database = io.BytesIO(), io.BytesIO(), folder / "a.sqlite"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
        z.write(pictures["hat"], "hat.png")
    with tarfile.open(fileobj=tar, mode="w") as t:
        t.add(pictures["hat"], "hat.png")
    with sqlite3.connect(database) as d:
        d.execute("create table t (a)")
    paths = b"a.png\nb.png\n"
    for name, data in {"zip": archive.getvalue(), "tar": tar.getvalue(), "gzip": gzip.compress(paths * 100),
                       "sqlite": database.read_bytes(), "pickle": pickle.dumps({"a": [1.5] * 9}, 2),
                       "ELF": pathlib.Path("/bin/sh").read_bytes(), "HTML": b"<!DOCTYPE html>\n<html>\n",
                       "PDF": b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "model": pathlib.Path(model).read_bytes()[:9999],
                       "UTF-16": "a.png\nb.png\n".encode("utf-16"), "UTF-16LE": "a.png\n".encode("utf-16-le"),
                       "NUL": b"a.png\0b.png\0"}.items():
        code, out, err = classify(["-"], stdin=data)
        require(code == 1 and out == "" and err.count("\n") == 1 and err.startswith("rexnet: standard input: "),
                name, "on standard input", code, out, err[:500])
        require(name not in ("NUL", ) or "--null" in err, "no advice", err)
        require("UTF-16" not in name or "UTF-16" in err, "not named", err)


def lists(folder):
    odd = {"a b.png": "hat", "-c.png": "dress", "d'\"\\.png": "pants", "sub/e.png": "shoes", "#f.png": "hat",
           "caf\udce9.png": "dress", "\x1b[31mg.png": "hat"}
    (folder / "sub").mkdir()
    for name, picture in odd.items():
        if picture not in pictures:
            odd[name] = picture = "hat"
        shutil.copy(pictures[picture], folder / name)
    raw = [os.fsencode(name) for name in odd]
    shown = {name.encode(errors="surrogateescape").decode(errors="replace"): what for name, what in odd.items()}
    for text, options in ((b"\n".join(raw), []), (b"\r\n".join(raw) + b"\r\n", []), (b"\xef\xbb\xbf" + b"\n\n".join(raw), []),
                          (b"\0".join(raw), ["--null"]), (b"\0".join(raw) + b"\0", ["-0"])):
        code, out, err = classify(["-"], "--jsonl", *options, stdin=text, cwd=folder)
        require(code == 0 and err == "" and answers(out) == shown, "a list", text[:20], answers(out), shown, err)
    (folder / "line\nfeed.png").write_bytes(pictures["hat"].read_bytes())
    code, out, err = classify(["-"], "--jsonl", "--null", stdin=b"line\nfeed.png\0", cwd=folder)
    require(answers(out) == {"line\nfeed.png": "hat"}, "a line feed in a name", out, err)
    code, out, err = classify(["-"], stdin=raw[6] + b"\n", cwd=folder)
    require(code == 0 and "\x1b" not in out + err and "\\x1b[31mg.png" in out, "escape sequences", out, err)
    code, out, err = classify(["-"], "--jsonl", stdin=b"a b.png\nsub/e\0.png\n-c.png\nnone.png", cwd=folder)
    require(code == 1 and list(answers(out)) == ["a b.png", "-c.png"], "a NUL in the second line", out, err)
    require("line 2: a NUL byte" in err and "2 of 4 pictures have no answer" in err, "a NUL in the second line", err)
    code, out, err = classify(["-"], "--jsonl", stdin=b"x" * 300000 + b"\na b.png\n", cwd=folder)
    require(code == 1 and answers(out) == {"a b.png": "hat"} and "line 1: longer than" in err, "an endless line", err)
    code, out, err = classify(["-", "sub", "a b.png"], "--jsonl", stdin=b"sub\n-c.png\n", cwd=folder)
    require([json.loads(line)["image"] for line in out.splitlines()] == ["sub/e.png", "-c.png", "sub/e.png", "a b.png"],
            "lists beside others, and directories in lists", out, err)
    require("2 times" in classify(["-", "-"])[2], "- twice")
    require("--null is for" in classify(["a b.png"], "--null", cwd=folder)[2], "--null without a list")
    code, out, err = classify(["-"], "--json")
    require(code == 1 and "names no pictures" in json.loads(out)[0]["error"] and err.count("\n") == 1, "an empty list", err)
    (folder / "list.txt").write_text("a b.png\n")
    code, out, err = classify(["list.txt"], cwd=folder)
    require(code == 1 and "standard input" in err, "a list as a picture", err)
    for closed in ("<&-", "< ."):
        done = subprocess.run(["bash", "-c", f'"$@" {closed}', "bash", rexnet, "classify", model, "-"], capture_output=True)
        require(done.returncode == 1 and b"standard input: cannot be read: " in done.stderr, closed, done.stderr)


def partner(folder):
    """Another program writes a path, waits for its answer, and writes the next."""
    hat, dress = str(pictures["hat"]), str(pictures["dress"])
    latin = os.fsencode(folder) + b"/\xe9.png"
    shutil.copy(hat, latin)
    for options, mark in (([], b"\n"), (["--null"], b"\0")):
        process = start("-", "--jsonl", *options)
        for path, expected in ((hat, "hat"), (dress, "dress"), ("/none.png", None), (latin, "hat"), (dress, "dress")):
            process.stdin.write(os.fsencode(path) + mark)
            line = read_line(process)
            require(line and answers(line).get(os.fsencode(path).decode(errors="replace")) == expected, "partner", path, line)
        code, out, err = end(process)
        require(code == 1 and out == "" and "1 of 5 pictures" in err, "the end of it", code, out, err)
    for first in (latin, b"./\x1b.png"):  # short first lines that are not plain text
        shutil.copy(hat, folder / "\x1b.png")
        process = subprocess.Popen([rexnet, "classify", model, *quick, "-"], stdin=subprocess.PIPE, bufsize=0,
                                   stdout=subprocess.PIPE, cwd=folder)
        process.stdin.write(first.replace(os.fsencode(folder) + b"/", b"") + b"\n")
        require(".png (400 x 400" in read_line(process) and "hat" in read_line(process), "a short first line", first)
        process.communicate(timeout=60)


def interrupted(folder):
    hat, dress = str(pictures["hat"]), str(pictures["dress"])
    for sent, form in ((signal.SIGINT, "--json"), (signal.SIGTERM, "--json"), (signal.SIGINT, "--jsonl")):
        rows = folder / "rows.npy"
        process = start("-", form, "--embed", str(rows))
        process.stdin.write(f"{hat}\n{dress}\n".encode())
        lines = ""
        while lines.count('"row"') < 2 and (line := read_line(process)):
            lines += line
        process.send_signal(sent)
        process.wait(timeout=60)  # while its standard input is open
        out = lines + process.stdout.read().decode()
        err = process.stderr.read().decode()
        process.stdin.close()
        entries = json.loads(out) if form == "--json" else [json.loads(line) for line in out.splitlines()]
        require(process.returncode == 130 and [e["top"][0]["label"] for e in entries] == ["hat", "dress"], sent, out, err)
        require("interrupted after 2 pictures" in err, sent, err)
        data = rows.read_bytes()
        require(b"'shape': (2, 1280), }" in data[:128] and len(data) == 128 + 2 * 1280 * 4, "rows", data[:128], len(data))
        rows.unlink()
    # Within a picture, not between: a long list that is there at once
    with open(folder / "long.txt", "w", encoding="utf-8") as f:
        f.write(f"{hat}\n" * 3000)
    with open(folder / "long.txt", "rb") as f:
        process = subprocess.Popen([rexnet, "classify", model, *quick, "-", "--json"], stdin=f, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        read_line(process)
        process.send_signal(signal.SIGINT)
        code, out, err = end(process)
    entries = json.loads("[" + out)
    require(code == 130 and 1 <= len(entries) < 3000 and f"after {len(entries)} pictures" in err, "a long list", code, err)


def embedding(folder):
    rows = folder / "rows.npy"
    many = ["hat", "dress", "hat", "none", "dress", "pants", "hat", "hat", "hat", "hat", "hat", "hat"]
    paths = [pictures.get(name, folder / "none.png") for name in many]
    code, out, err = classify(paths, "--embed", rows)
    data, row = rows.read_bytes(), 1280 * 4
    require(code == 1 and len(data) == 128 + 11 * row and struct.unpack("<H", data[8:10])[0] == 118, "rows", err)
    require(b"'fortran_order': False, 'shape': (11, 1280), }" in data[:128] and data[127:128] == b"\n", data[:128])
    single = [data[128 + i * row:128 + (i + 1) * row] for i in range(11)]
    require(single[0] == single[2] == single[10] and single[1] == single[3] != single[0] != single[4], "the rows' order")
    require("11 rows of 1280 features, none for the pictures without answer" in out, out)
    code, out, err = classify([folder / "none.png"], "--embed", rows)
    require(code == 1 and rows.read_bytes() == data and "not written" in err, "nothing over something", err)
    shutil.copy(pictures["hat"], folder / "hat.png")  # the rows of an earlier run lie beside the pictures
    code, out, err = classify([folder], "--embed", rows)
    require(code == 0 and len(rows.read_bytes()) == 128 + row, "rows beside their pictures", err)
    if os.path.exists("/dev/full"):
        rows.unlink()
        with open("/dev/full", "wb") as full:
            done = subprocess.run([rexnet, "classify", model, *quick, str(pictures["hat"]), "--embed", str(rows)], stdout=full,
                                  stderr=subprocess.PIPE)
        require(done.returncode == 1 and rows.read_bytes()[128:] == single[0], "a full disk behind standard output",
                done.stderr)


def as_nobody(command):
    """The command without the rights of root, who can read everything; None where that cannot be had."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=65534", "--clear-groups", *command] if shutil.which("setpriv") else None


def directories(folder):
    shelf, elsewhere = folder / "shelf", folder / "elsewhere"
    for name, content in {"hat/a.png": "hat", "hat/b": "hat", "hat/c.JFIF": "hat", "hat/d.jpg_large": "hat",
                          "dress/deep/e.jpe": "dress", "dress/f.txt": b"notes, longer than a line of them\n",
                          "dress/.DS_Store": b"\0\0\0\1Bud1\0", "dress/._g.png": b"\0\5\26\7\0\2\0\0Mac OS X        ",
                          "dress/h.pdf": b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "dress/empty": b""}.items():
        path = shelf / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else pictures[content].read_bytes())
    elsewhere.mkdir()
    shutil.copy(pictures["pants"], elsewhere / "i.png")
    (shelf / "pants").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(shelf)
    (shelf / "hat/up").symlink_to("..")
    os.mkfifo(shelf / "dress/pipe")
    taken = ["hat/a.png", "hat/b", "hat/c.JFIF", "hat/d.jpg_large", "pants/i.png", "dress/deep/e.jpe"]
    others = {"dress/f.txt", "dress/.DS_Store", "dress/._g.png", "dress/h.pdf", "dress/empty", "dress/pipe", "hat/up",
              "pants/back"}
    code, out, err = classify([shelf], "--jsonl")
    entries = [json.loads(line) for line in out.splitlines()]
    name = {e["image"]: os.path.relpath(e["image"], shelf) for e in entries}
    require(code == 0 and sorted(name[e["image"]] for e in entries if "top" in e) == sorted(taken), "taken", out, err)
    require({name[e["image"]] for e in entries if "left_out" in e} == others, "left out", out)
    require("left out: 8 files below directories (" in err and "empty file: 1" in err and "pipe: 1" in err, err)
    require("f.txt" not in err and "hat/up: link to a folder above it" in err, "loops are named, others on request", err)
    code, out, err = classify([shelf], "--left-out")
    require(all(other in err for other in others), "--left-out", err)
    (shelf / "hat/lost.png").symlink_to("nothing")
    (shelf / "hat/j.png").write_text("<html>")
    code, out, err = classify([shelf], "--json")
    require(code == 1 and "2 of 8 pictures have no answer" in err and "lost.png: a link to nothing" in err, err)
    require([os.path.relpath(e["image"], shelf) for e in json.loads(out) if "error" in e] == ["hat/j.png", "hat/lost.png"], out)
    # The same files for eval
    code, out, err = classify([shelf], "--json", "--csv", folder / "rows.csv", command="eval")
    report = json.loads(out)
    require(code == 1 and report["evaluated"] == 6 and report["broken"] == 1 and report["top1_correct"] == 6, out, err)
    require({n["path"] for n in report["left_out"]["names"]} == others, report["left_out"])
    require(sum(report["left_out"]["kinds"].values()) == report["left_out"]["files"] == 8, report["left_out"])
    require([u["path"] for u in report["left_out"]["unread"]] == ["hat/lost.png"], report["left_out"])
    require("4 pictures count that torchvision's ImageFolder does not take" in err, err)
    require(report["files"]["kinds"] == {"PNG": 6} and report["files"]["orientations"] == {"1": 6}, report["files"])
    require("left out: 8 files that are no pictures" in err and "f.txt" not in err, err)
    err = classify([shelf], "--left-out", command="eval")[2]
    require(all(other in err for other in others), "eval --left-out", err)
    # A class folder that is the data set itself
    (shelf / "shoes").symlink_to(".")
    code, out, err = classify([shelf], "--json", command="eval")
    require(json.loads(out)["evaluated"] == 6 and {"path": "shoes", "kind": "link to a folder above it"} in
            json.loads(out)["left_out"]["names"], out, err)
    os.unlink(shelf / "shoes")
    # A folder, and a file, that cannot be read
    os.unlink(shelf / "hat/lost.png")
    os.unlink(shelf / "hat/j.png")
    os.chmod(shelf / "dress/deep", 0)
    os.chmod(shelf / "dress/f.txt", 0)
    os.chmod(folder, 0o755)
    for command in ("classify", "eval"):
        run = as_nobody([rexnet, command, model, str(shelf), "--threads", "1", "--json"])
        done = subprocess.run(run, capture_output=True) if run else None
        if not done or b"setpriv" in done.stderr or model.encode() in done.stderr:
            print("skipped: folders that nobody may read need a user who is not root")
            break
        err = done.stderr.decode()
        require(done.returncode == 1 and "dress/deep: cannot be read: Permission denied" in err, command, err)
        found = json.loads(done.stdout)
        if command == "classify":
            failed = [os.path.relpath(e["image"], shelf) for e in found if "error" in e]
            require(sorted(failed) == ["dress/deep", "dress/f.txt"], failed)
            require(len([e for e in found if "top" in e]) == 5, "the rest is answered", found)
        else:
            require(sorted(u["path"] for u in found["left_out"]["unread"]) == ["dress/deep", "dress/f.txt"], found["left_out"])
            require(found["evaluated"] == 5, "the rest is evaluated", found)
    os.chmod(shelf / "dress/deep", 0o755)


def orientations(folder):
    jpeg = (source / "tests/golden/corners.jpg").read_bytes()
    tiff = b"MM\0*\0\0\0\x08\0\1" + b"\x01\x12\0\3\0\0\0\1\0\6\0\0" + b"\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    data = folder / "data" / "hat"
    data.mkdir(parents=True)
    for name, content in (("a.jpg", turned), ("b.jpg", turned), ("c.jpg", jpeg)):
        (data / name).write_bytes(content)
    for command in ("classify", "eval"):
        code, out, err = classify([folder / "data"], "--json", command=command)
        require(code == 0 and err.count("camera turned") == 1 and "2 pictures say" in err, command, err)
        if command == "classify":
            require([e["orientation"] for e in json.loads(out)] == [6, 6, 1], out)
        else:
            require(json.loads(out)["files"]["orientations"] == {"1": 1, "6": 2}, out)
        code, out, err = classify([folder / "data"], "--json", "--exif", command=command)
        require(code == 0 and "camera" not in err, command, "--exif", err)


def memory(folder):
    def peak(lines):
        with open(folder / "missing.txt", "w", encoding="utf-8") as f:
            f.writelines(f"missing/picture_of_a_long_name_that_fills_memory_{i}.png\n" for i in range(lines))
        child = os.fork()
        if child == 0:
            with open(folder / "missing.txt", "rb") as f, open(os.devnull, "wb") as null:
                subprocess.run([rexnet, "classify", model, *quick, "-"], stdin=f, stdout=null, stderr=null, check=False)
            usage = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            (folder / "peak").write_text(str(usage))
            os._exit(0)
        os.waitpid(child, 0)
        return int((folder / "peak").read_text())
    few, many = peak(1000), peak(200000)
    print(f"peak memory {few} kB for 1000 lines, {many} kB for 200000")
    require(many - few < 2048, "memory grows with the list", few, many)


for part in (pictures_on_standard_input, other_binary, lists, partner, interrupted, embedding, directories, orientations,
             *([memory] if "memory" in sys.argv[3:] else [])):
    before = len(failures)
    with tempfile.TemporaryDirectory() as name:
        part(pathlib.Path(name))
    print("ok" if len(failures) == before else "FAILED", part.__name__)
sys.exit(1 if failures else 0)
