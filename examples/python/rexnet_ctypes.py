#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ReXNet in Python through librexnet and ctypes: no package but Python's own. Copy this file.

    model = Model("model.rexnet")
    for label, probability in model.classify(pixels, width, height):
        print(f"{probability:.1%} {label}")

`pixels` is bytes, or anything with a contiguous buffer of bytes: a bytearray, a memoryview, a NumPy array, what
Pillow's tobytes() gives. A Model may be used by any number of threads; Python's other threads run meanwhile.

    rexnet_ctypes.py MODEL PICTURE.ppm      the five most probable classes
"""
import ctypes as c
import ctypes.util
import os
import re
import sys
import threading

FORMATS = {"rgb": (0, 3), "bgr": (1, 3), "rgba": (2, 4), "bgra": (3, 4), "grey": (4, 1)}


class RexnetError(RuntimeError):
    """What the library refuses; .status is one of REXNET_... in rexnet.h."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class _Error(c.Structure):
    _fields_ = [("status", c.c_int32), ("message", c.c_char * 508)]


class _Options(c.Structure):
    _fields_ = [("size", c.c_uint32), ("threads", c.c_int32), ("input_size", c.c_int32)]


class _Picture(c.Structure):
    _fields_ = [("pixels", c.c_char_p), ("width", c.c_int32), ("height", c.c_int32), ("stride", c.c_ssize_t),
                ("format", c.c_int32)]


class _ScoredClass(c.Structure):
    _fields_ = [("index", c.c_int32), ("probability", c.c_float)]


def _open():
    """REXNET_LIBRARY in the environment, or where the system keeps libraries."""
    lib = c.CDLL(os.environ.get("REXNET_LIBRARY") or ctypes.util.find_library("rexnet") or "librexnet.so.0")
    texts, numbers, calls = c.c_char_p, c.c_int32, c.c_int32
    floats, error = c.POINTER(c.c_float), c.POINTER(_Error)
    for name, result, *arguments in (
            ("version", texts), ("instruction_set", texts), ("available_cpus", numbers),
            ("model_load", calls, c.c_char_p, c.c_uint32, c.POINTER(c.c_void_p), error),
            ("model_load_memory", calls, c.c_char_p, c.c_size_t, c.c_uint32, c.POINTER(c.c_void_p), error),
            ("model_free", None, c.c_void_p), ("model_class_count", numbers, c.c_void_p),
            ("model_feature_count", numbers, c.c_void_p), ("model_input_size", numbers, c.c_void_p),
            ("model_variant", texts, c.c_void_p), ("model_label", texts, c.c_void_p, c.c_int32),
            ("classifier_new", calls, c.c_void_p, c.POINTER(_Options), c.POINTER(c.c_void_p), error),
            ("classifier_free", None, c.c_void_p),
            ("classify", calls, c.c_void_p, c.POINTER(_Picture), c.POINTER(_ScoredClass), c.c_size_t,
             c.POINTER(c.c_size_t), error),
            ("logits", calls, c.c_void_p, c.POINTER(_Picture), floats, c.c_size_t, error),
            ("features", calls, c.c_void_p, c.POINTER(_Picture), floats, c.c_size_t, error)):
        function = getattr(lib, "rexnet_" + name)
        function.restype, function.argtypes = result, arguments
    return lib


lib = _open()


def _call(function, *arguments):
    error = _Error()
    if function(*arguments, error) != 0:
        raise RexnetError(error.status, error.message.decode(errors="replace"))


class _Classifier:
    """The memory of a forward pass, one for each thread that asks."""

    def __init__(self, model, options):
        self.handle = c.c_void_p()
        _call(lib.rexnet_classifier_new, model, options, self.handle)

    def __del__(self, free=lib.rexnet_classifier_free):
        free(self.handle)


class Model:
    """A loaded model. Errors are RexnetError; pixels that do not fit their size are a ValueError."""

    def __init__(self, file, threads=1, input_size=0):
        """file: a path, or the bytes of a file. threads: that share the work of one picture. input_size: side of
        the network's input, 0 for the model's own."""
        self._handle, self._local = c.c_void_p(), threading.local()
        self._options = _Options(c.sizeof(_Options), threads, input_size)
        if isinstance(file, (bytes, bytearray, memoryview)):
            _call(lib.rexnet_model_load_memory, bytes(file), len(file), 0, self._handle)
        else:
            _call(lib.rexnet_model_load, os.fsencode(file), 0, self._handle)
        self.variant = lib.rexnet_model_variant(self._handle).decode()
        self.input_size = input_size or lib.rexnet_model_input_size(self._handle)
        names = (lib.rexnet_model_label(self._handle, i) for i in range(lib.rexnet_model_class_count(self._handle)))
        self.labels = [f"class {i}" if name is None else name.decode() for i, name in enumerate(names)]
        self._classifier()  # errors of the options come here

    def __del__(self, free=lib.rexnet_model_free):
        free(self._handle)

    def _classifier(self):
        if not hasattr(self._local, "classifier"):
            self._local.classifier = _Classifier(self._handle, self._options)
        return self._local.classifier.handle

    @staticmethod
    def _picture(pixels, width, height, format):
        data = pixels if isinstance(pixels, bytes) else memoryview(pixels).tobytes()
        number, step = FORMATS[format]
        if len(data) != width * height * step:
            raise ValueError(f"{len(data)} bytes for {width} x {height} {format} pixels")
        return _Picture(data, width, height, 0, number)

    def classify(self, pixels, width, height, top=5, format="rgb"):
        """The most probable classes as [(label, probability), ...]."""
        best, count = (_ScoredClass * max(top, 0))(), c.c_size_t()
        _call(lib.rexnet_classify, self._classifier(), self._picture(pixels, width, height, format), best, len(best),
              count)
        return [(self.labels[s.index], s.probability) for s in best[:count.value]]

    def logits(self, pixels, width, height, format="rgb"):
        """The network's answer before softmax, a float per class."""
        return self._floats(lib.rexnet_logits, len(self.labels), pixels, width, height, format)

    def features(self, pixels, width, height, format="rgb"):
        """What the classifying layer sees: an embedding."""
        return self._floats(lib.rexnet_features, lib.rexnet_model_feature_count(self._handle), pixels, width, height,
                            format)

    def _floats(self, function, size, *picture):
        out = (c.c_float * size)()
        _call(function, self._classifier(), self._picture(*picture), out, size)
        return list(out)


def read_ppm(path):
    """(pixels, width, height) of a binary PPM file, P6."""
    with open(path, "rb") as file:
        data = file.read()
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if header is None:
        raise ValueError(f"{path}: not a binary PPM file with a byte per sample")
    return data[header.end():], int(header[1]), int(header[2])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        for label, probability in Model(sys.argv[1]).classify(*read_ppm(sys.argv[2])):
            print(f"{100 * probability:6.2f} %  {label}")
    except (RexnetError, ValueError, OSError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
