#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/python/rexnet_ctypes.py with the library that was built: the command's numbers, threads, refusals, and what
else a Python process does to a library: fork() and dlclose().
Usage: ctypes_test.py LIBRARY COMMAND SOURCE_DIR PICTURES_DIR DETECTOR DETECT_PROGRAM (examples/c/detect.c)"""
import array
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

library, command, source, pictures, DETECTOR, detect_program = (Path(a).resolve() for a in sys.argv[1:7])
os.environ["REXNET_LIBRARY"] = str(library)
sys.path.insert(0, str(source / "examples/python"))
import rexnet_ctypes as rexnet  # noqa: E402

MODEL = source / "models/clothing_1.0x.rexnet"
NAMES = ["dress", "hat", "longsleeve", "pants", "t-shirt"]
DRESS = rexnet.read_ppm(pictures / "dress.ppm")
WIDE = (DRESS[0][:3 * DRESS[1] * 100], DRESS[1], 100)


def run(*arguments, env=None):
    return subprocess.run(list(map(str, arguments)), check=True, stdout=subprocess.PIPE, text=True, env=env).stdout


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = rexnet.Model(MODEL)

    def test_numbers_are_the_commands(self):
        files = [pictures / f"{name}.ppm" for name in NAMES]
        said = json.loads(run(command, "classify", MODEL, "--json", "--top", 10, *files))
        for name, entry in zip(NAMES, said):
            expected = [(best["label"], best["probability"]) for best in entry["top"]]
            self.assertEqual(self.model.classify(*rexnet.read_ppm(pictures / f"{name}.ppm"), top=10), expected)
            self.assertEqual(expected[0][0], name)

    def test_description(self):
        self.assertEqual((self.model.variant, self.model.input_size, len(self.model.labels)), ("v1 1.0x", 112, 10))
        self.assertRegex(rexnet.lib.rexnet_version().decode(), r"^\d+\.\d+\.\d+$")
        self.assertGreaterEqual(rexnet.lib.rexnet_available_cpus(), 1)

    def test_features_are_the_means_that_the_command_taps(self):
        # The resize leaves a picture of 112 / 0.875 pixels as it is: what the network sees is its middle.
        size, side, model = 112, 128, self.model
        pixels = bytes((x * 7 + y * 3 + c * 90) % 256 for y in range(side) for x in range(side) for c in range(3))
        rows = [pixels[3 * ((y + 8) * side + 8):][:3 * size] for y in range(size)]
        mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        values = array.array("f", ((row[i] / 255 - mean[i % 3]) / std[i % 3] for row in rows for i in range(3 * size)))
        with tempfile.TemporaryDirectory() as folder:
            head = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, %d, %d, 3), }" % (size, size)
            file = Path(folder) / "in.npy"
            file.write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + head.ljust(117).encode() + b"\n" + values.tobytes())
            run(command, "run", MODEL, file, "-o", Path(folder) / "logits.npy", "--layout", "nhwc", "--layers", folder)
            read = {name: self.npy(Path(folder) / name) for name in ("logits.npy", "features.22.npy")}
        for found, expected in ((model.logits(pixels, side, side), read["logits.npy"]),
                                (model.features(pixels, side, side), read["features.22.npy"])):
            self.assertEqual(len(found), len(expected))
            largest = max(map(abs, expected))
            self.assertLess(max(abs(a - b) for a, b in zip(found, expected)), 1e-5 * largest)

    @staticmethod
    def npy(path):
        data = path.read_bytes()
        return array.array("f", data[10 + struct.unpack_from("<H", data, 8)[0]:])

    def test_buffers_and_formats(self):
        pixels, width, height = DRESS
        expected = self.model.logits(*DRESS)
        bgr = bytearray(pixels)
        bgr[0::3], bgr[2::3] = pixels[2::3], pixels[0::3]
        self.assertEqual(self.model.logits(bgr, width, height, format="bgr"), expected)
        self.assertEqual(self.model.logits(memoryview(bgr), width, height, "bgr"), expected)
        self.assertNotEqual(self.model.logits(bgr, width, height), expected)
        self.assertEqual(rexnet.Model(MODEL.read_bytes()).logits(*DRESS), expected)

    def test_an_array_brings_its_own_size(self):
        pixels, width, height = WIDE
        expected = self.model.logits(*WIDE)
        self.assertNotEqual(self.model.logits(pixels, height, width), expected)  # what nobody can notice
        array_of = memoryview(pixels).cast("B", (height, width, 3))  # as NumPy's
        self.assertEqual(self.model.logits(array_of), expected)
        self.assertEqual(self.model.logits(array_of, width, height, "rgb"), expected)
        grey = memoryview(pixels[:width * height]).cast("B", (height, width))
        self.assertEqual(self.model.logits(grey), self.model.logits(pixels[:width * height], width, height, "grey"))

        class Picture:  # as Pillow's
            size = (width, height)

            def convert(self, mode):
                self.mode = mode
                return self

            def tobytes(self):
                return pixels if self.mode == "RGB" else b""
        self.assertEqual(self.model.logits(Picture()), expected)

    def test_numpy_and_pillow(self):
        try:
            import numpy
            from PIL import Image
        except ImportError:
            self.skipTest("needs numpy and Pillow")
        pixels, width, height = WIDE
        expected = self.model.logits(*WIDE)
        image = Image.frombytes("RGB", (width, height), pixels)
        found = numpy.asarray(image)
        self.assertEqual(self.model.logits(image), expected)
        self.assertEqual(self.model.logits(found), expected)
        self.assertEqual(self.model.logits(found[:, :, ::-1], format="bgr"), expected)  # not contiguous
        self.assertEqual(self.model.logits_batch([image, found]), [expected] * 2)
        for bad in (found.astype("f4"), found[None], found.transpose(2, 0, 1)):
            with self.assertRaises(ValueError):
                self.model.logits(bad)

    def test_batches_have_the_bits_of_each_picture_alone(self):
        files = [rexnet.read_ppm(pictures / f"{name}.ppm") for name in NAMES]
        for threads in (1, 2, 8):
            model = rexnet.Model(MODEL, threads=threads)
            for some in ([], files[:1], files, files * 2):
                self.assertEqual(model.classify_batch(some, top=3), [self.model.classify(*p, top=3) for p in some])
                self.assertEqual(model.logits_batch(some), [self.model.logits(*p) for p in some])
                self.assertEqual(model.features_batch(some), [self.model.features(*p) for p in some])
        self.assertEqual(len(self.model.classify_batch(files, top=99)[4]), 10)

    def test_threads_share_a_model(self):
        expected, found = self.model.classify(*DRESS), []
        for model in (self.model, rexnet.Model(MODEL, threads=2)):
            team = [threading.Thread(target=lambda: found.extend(model.classify(*DRESS) for _ in range(3)))
                    for _ in range(8)]
            for thread in team:
                thread.start()
            for thread in team:
                thread.join()
        self.assertEqual(found, [expected] * 48)

    def test_example_as_a_program(self):
        text = run(sys.executable, rexnet.__file__, MODEL, pictures / "hat.ppm")
        self.assertEqual(len(text.splitlines()), 5)
        self.assertRegex(text.splitlines()[0], r"^ 9\d\.\d\d %  hat$")

    def test_lines_of_the_manual(self):
        lines = re.search("```python\n(.+?)```", (source / "docs/c-api.md").read_text(), re.DOTALL)[1]
        path = f"import sys; sys.path.insert(0, {str(source / 'examples/python')!r})\n"
        text = run(sys.executable, "-c", path + lines.replace("model.rexnet", str(MODEL)))
        self.assertRegex(text, r"^(\d+\.\d% [a-z-]+\n){5}$")


class Boxes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.detector = rexnet.Detector(DETECTOR)

    def test_description(self):
        d = self.detector
        self.assertEqual((d.variant, d.labels), ("SSDLite on v1 0.3x", ["class 0", "one", "class 2", "three"]))
        self.assertEqual({name: round(value, 6) for name, value in d.settings.items()},
                         {"input_width": 130, "input_height": 96, "candidates": 300, "most": 40, "score": 0.3,
                          "overlap": 0.55, "least_anchor": 0.2, "most_anchor": 0.95})
        self.assertEqual((rexnet.is_detector(DETECTOR), rexnet.is_detector(MODEL)), (True, False))
        self.assertTrue(rexnet.is_detector(DETECTOR.read_bytes()))

    def test_boxes_are_the_c_programs(self):
        for name in NAMES:
            lines = run(detect_program, DETECTOR, pictures / f"{name}.ppm").splitlines()
            found = self.detector.detect(*rexnet.read_ppm(pictures / f"{name}.ppm"))
            self.assertEqual(len(lines), len(found))
            for line, (label, score, corners) in zip(lines, found):
                shown = "(no label)" if label == "class 2" else label
                self.assertEqual(line, f"{100 * score:6.2f} %  {shown:20}" + "".join(f" {v:7.1f}" for v in corners))
        self.assertGreater(len(self.detector.detect(*DRESS)), 0)

    def test_batches_settings_and_threads(self):
        files = [rexnet.read_ppm(pictures / f"{name}.ppm") for name in NAMES]
        for threads in (1, 2, 8):
            detector = rexnet.Detector(DETECTOR.read_bytes(), threads=threads)
            for some in ([], files[:1], files):
                self.assertEqual(detector.detect_batch(some), [self.detector.detect(*p) for p in some])
        few = rexnet.Detector(DETECTOR, most=1)
        self.assertEqual(few.settings["most"], 1)
        self.assertEqual(few.detect_batch(files), [self.detector.detect(*p)[:1] for p in files])
        sure = rexnet.Detector(DETECTOR, score=0.5)
        self.assertTrue(all(score > 0.5 for _, score, _ in sure.detect(*DRESS)))
        pixels, width, height = DRESS
        self.assertEqual(sure.detect(memoryview(pixels).cast("B", (height, width, 3))), sure.detect(*DRESS))

    def test_threads_share_a_detector(self):
        expected, found = self.detector.detect(*DRESS), []
        team = [threading.Thread(target=lambda: found.extend(self.detector.detect(*DRESS) for _ in range(3)))
                for _ in range(4)]
        for thread in team:
            thread.start()
        for thread in team:
            thread.join()
        self.assertEqual(found, [expected] * 12)

    def test_example_as_a_program(self):
        lines = run(sys.executable, rexnet.__file__, DETECTOR, pictures / "dress.ppm").splitlines()
        self.assertEqual(len(lines), len(self.detector.detect(*DRESS)))
        self.assertRegex(lines[0], r"^ *\d+\.\d\d %  (one|class 2|three)( +\d+\.\d){4}$")

    def test_lines_of_the_manual(self):
        lines = re.findall("```python\n(.+?)```", (source / "docs/c-api.md").read_text(), re.DOTALL)[1]
        path = f"import sys; sys.path.insert(0, {str(source / 'examples/python')!r})\n"
        text = run(sys.executable, "-c", path + lines.replace("detector.rexnet", str(DETECTOR)))
        self.assertRegex(text, r"^(\d+\.\d% (one|class 2|three) at \d+, \d+ to \d+, \d+\n)+$")


class Refusals(unittest.TestCase):
    def refused(self, status, text, function, *arguments, **named):
        with self.assertRaisesRegex(rexnet.RexnetError, text) as caught:
            function(*arguments, **named)
        self.assertEqual(caught.exception.status, status)

    def test_models(self):
        self.refused(4, "no-such-file: cannot be opened", rexnet.Model, "no-such-file")
        self.refused(5, "", rexnet.Model, __file__)
        self.refused(5, "", rexnet.Model, b"garbage")
        self.refused(5, "", rexnet.Model, b"")
        self.refused(5, "packed file", rexnet.Model, MODEL.read_bytes()[:5000])
        self.refused(1, "65 threads", rexnet.Model, MODEL, threads=65)
        self.refused(1, "input size -1", rexnet.Model, MODEL, input_size=-1)

    def test_detectors(self):
        self.refused(7, "the model is a detector", rexnet.Model, DETECTOR)
        self.refused(7, "the model is not a detector", rexnet.Detector, MODEL)
        self.refused(1, "65 threads", rexnet.Detector, DETECTOR, threads=65)
        self.refused(1, "overlap 2", rexnet.Detector, DETECTOR, overlap=2)
        with self.assertRaisesRegex(TypeError, "iou is no setting.*overlap"):
            rexnet.Detector(DETECTOR, iou=0.5)
        detector = rexnet.Detector(DETECTOR)
        self.refused(1, "0 x 0", detector.detect, b"", 0, 0)
        self.refused(1, r"^pictures\[1\]: ", detector.detect_batch, [DRESS, (b"", 0, 0)])
        with self.assertRaises(ValueError):
            detector.detect(bytes(11), 2, 2)

    def test_environment_names_an_instruction_set(self):
        lines = f"""if True:
            import sys
            sys.path.insert(0, {str(source / "examples/python")!r})
            import rexnet_ctypes as rexnet
            print(rexnet.lib.rexnet_instruction_set().decode())
            try:
                rexnet.Model({str(MODEL)!r})
            except rexnet.RexnetError as problem:
                print(problem.status, problem)"""
        best = rexnet.lib.rexnet_instruction_set().decode()
        for name, expected in ((best, f"^{best}\n$"), ("avx9", "^none\n7 REXNET_ISA: no instruction set .avx9. runs")):
            self.assertRegex(run(sys.executable, "-c", lines, env={**os.environ, "REXNET_ISA": name}), expected)

    def test_pictures(self):
        model = rexnet.Model(MODEL)
        self.refused(1, "0 x 0", model.classify, b"", 0, 0)
        self.refused(1, "capacity", model.classify, *DRESS, top=0)
        self.refused(1, "too thin", model.classify, bytes(65536), 1, 65536, format="grey")
        for size in (0, 11, 13):
            with self.assertRaises(ValueError):
                model.classify(bytes(size), 2, 2)
        self.assertEqual(len(model.classify(bytes(12), 2, 2)), 5)

    def test_sizes_that_an_array_contradicts(self):
        model = rexnet.Model(MODEL)
        array_of = memoryview(bytes(2 * 4 * 3)).cast("B", (2, 4, 3))
        for text, arguments in (("2 x 4 pixels, but the picture has 4 x 2", (array_of, 2, 4)),
                                ("shape .2, 4, 3. for rgba", (array_of, 4, 2, "rgba")),
                                ("say width and height", (bytes(24),)),
                                ("pixels of 4 bytes each", (memoryview(bytes(96)).cast("f", (2, 4, 3)),)),
                                ("1 dimension|2 dimensions|4 dimensions", (memoryview(bytes(24)).cast("B", (1, 2, 4, 3)),))):
            with self.assertRaisesRegex(ValueError, text):
                model.logits(*arguments)
            with self.assertRaisesRegex(ValueError, r"pictures\[1\]: .*(" + text + ")"):
                model.logits_batch([array_of, arguments])

    def test_batches(self):
        model = rexnet.Model(MODEL)
        self.refused(1, r"^pictures\[1\]: .*too thin", model.classify_batch,
                     [DRESS, (bytes(65536), 1, 65536, "grey")])
        self.refused(1, "capacity", model.classify_batch, [DRESS], top=0)
        self.refused(1, "capacity", model.classify_batch, [], top=-1)

    def test_each_thread_reads_its_own_reason(self):
        wrong = []

        def work(number):
            for _ in range(200):
                try:
                    rexnet.Model(f"no-such-file-{number}")
                except rexnet.RexnetError as problem:
                    if not str(problem).startswith(f"no-such-file-{number}: "):
                        wrong.append(str(problem))

        team = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in team:
            thread.start()
        for thread in team:
            thread.join()
        self.assertEqual(wrong, [])


@unittest.skipUnless(sys.platform == "linux", "reads /proc")
class Processes(unittest.TestCase):
    def test_a_forked_child_classifies_after_its_parent(self):
        model = rexnet.Model(MODEL, threads=2)
        expected = model.classify(*DRESS)
        child = os.fork()
        if child == 0:
            os._exit(0 if model.classify(*DRESS) == expected else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_no_thread_outlives_a_call_and_the_library_can_be_unloaded(self):
        # In a process of its own: this one needs the library until its end.
        text = run(sys.executable, "-c", f"""if True:
            import _ctypes, gc, os, sys
            sys.path.insert(0, {str(source / "examples/python")!r})
            import rexnet_ctypes as rexnet
            model = rexnet.Model({str(MODEL)!r}, threads=4)
            model.classify(bytes(12), 2, 2)
            print(len(os.listdir("/proc/self/task")))
            del model
            gc.collect()
            inside = lambda: "librexnet" in open("/proc/self/maps").read()
            print(inside())
            _ctypes.dlclose(rexnet.lib._handle)
            print(inside())""")
        self.assertEqual(text.split(), ["1", "True", "False"])

    def test_no_openmp_comes_with_it(self):
        text = run(sys.executable, "-c", f"""if True:
            import sys
            sys.path.insert(0, {str(source / "examples/python")!r})
            import rexnet_ctypes
            maps = open("/proc/self/maps").read()
            print([name for name in ("libgomp", "libomp", "libiomp") if name in maps])""")
        self.assertEqual(text, "[]\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
