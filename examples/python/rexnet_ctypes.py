#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ReXNet in Python through librexnet and ctypes: no package but Python's own. Copy this file.

    model = Model("model.rexnet")
    for label, probability in model.classify(array):
        print(f"{probability:.1%} {label}")

    detector = Detector("detector.rexnet", score=0.3)
    for label, score, (x1, y1, x2, y2) in detector.detect(array):
        print(f"{score:.1%} {label} at {x1:.0f}, {y1:.0f}")

A picture is an array of bytes, [height, width, 3], that has a shape: a NumPy array, a memoryview; [height, width]
for grey. Or a picture of Pillow's, which becomes RGB. Or a buffer without shape, such as bytes, with its size:
classify(pixels, width, height). Such a size cannot be checked: swapped numbers give a wrong answer.
A Model or Detector may be used by any number of threads; Python's other threads run meanwhile.

    rexnet_ctypes.py MODEL PICTURE.ppm      the five most probable classes, or the boxes that a detector finds
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


class _DetectorOptions(c.Structure):
    _fields_ = [("size", c.c_uint32), ("threads", c.c_int32), ("input_width", c.c_int32), ("input_height", c.c_int32),
                ("candidates", c.c_int32), ("most", c.c_int32), ("score", c.c_double), ("overlap", c.c_double),
                ("least_anchor", c.c_double), ("most_anchor", c.c_double)]


class _Picture(c.Structure):
    _fields_ = [("pixels", c.c_char_p), ("width", c.c_int32), ("height", c.c_int32), ("stride", c.c_ssize_t),
                ("format", c.c_int32)]


class _ScoredClass(c.Structure):
    _fields_ = [("index", c.c_int32), ("probability", c.c_float)]


class _Detection(c.Structure):
    _fields_ = [("x1", c.c_float), ("y1", c.c_float), ("x2", c.c_float), ("y2", c.c_float), ("score", c.c_float),
                ("label", c.c_int32)]


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
            ("model_is_detector", numbers, c.c_void_p), ("model_feature_count", numbers, c.c_void_p),
            ("model_input_size", numbers, c.c_void_p),
            ("model_variant", texts, c.c_void_p), ("model_label", texts, c.c_void_p, c.c_int32),
            ("classifier_new", calls, c.c_void_p, c.POINTER(_Options), c.POINTER(c.c_void_p), error),
            ("classifier_free", None, c.c_void_p),
            ("classify", calls, c.c_void_p, c.POINTER(_Picture), c.POINTER(_ScoredClass), c.c_size_t,
             c.POINTER(c.c_size_t), error),
            ("logits", calls, c.c_void_p, c.POINTER(_Picture), floats, c.c_size_t, error),
            ("features", calls, c.c_void_p, c.POINTER(_Picture), floats, c.c_size_t, error),
            ("classify_batch", calls, c.c_void_p, c.POINTER(_Picture), c.c_size_t, c.POINTER(_ScoredClass), c.c_size_t,
             c.POINTER(c.c_size_t), error),
            ("logits_batch", calls, c.c_void_p, c.POINTER(_Picture), c.c_size_t, floats, c.c_size_t, error),
            ("features_batch", calls, c.c_void_p, c.POINTER(_Picture), c.c_size_t, floats, c.c_size_t, error),
            ("model_detector_options", calls, c.c_void_p, c.POINTER(_DetectorOptions), error),
            ("detector_new", calls, c.c_void_p, c.POINTER(_DetectorOptions), c.POINTER(c.c_void_p), error),
            ("detector_free", None, c.c_void_p), ("detector_capacity", numbers, c.c_void_p),
            ("detect", calls, c.c_void_p, c.POINTER(_Picture), c.POINTER(_Detection), c.c_size_t, c.POINTER(c.c_size_t),
             error),
            ("detect_batch", calls, c.c_void_p, c.POINTER(_Picture), c.c_size_t, c.POINTER(_Detection), c.c_size_t,
             c.POINTER(c.c_size_t), error)):
        function = getattr(lib, "rexnet_" + name)
        function.restype, function.argtypes = result, arguments
    return lib


lib = _open()


def _call(function, *arguments):
    error = _Error()
    if function(*arguments, error) != 0:
        raise RexnetError(error.status, error.message.decode(errors="replace"))


class _Worker:
    """The memory of a forward pass, one for each thread that asks: a classifier or a detector."""

    def __init__(self, new, free, model, options):
        self.handle, self.free = c.c_void_p(), free
        _call(new, model, options, self.handle)

    def __del__(self):
        self.free(self.handle)


def _picture(pixels, width=None, height=None, format=None):
    """The picture as the library takes it. An array's shape is checked against width, height and format."""
    if hasattr(pixels, "convert"):  # Pillow's
        if format not in (None, "rgb"):
            raise ValueError(f"a Pillow picture as {format}: it becomes RGB")
        rgb = pixels.convert("RGB")
        pixels, (own_width, own_height), channels = rgb.tobytes(), rgb.size, 3
    else:
        view = memoryview(pixels)
        if view.itemsize != 1:
            raise ValueError(f"pixels of {view.itemsize} bytes each ({view.format}), expected bytes")
        if view.ndim == 1:
            if width is None or height is None:
                raise ValueError("bytes have no shape: say width and height")
            own_width, own_height, channels = width, height, None
        elif view.ndim in (2, 3):
            (own_height, own_width), channels = view.shape[:2], view.shape[2] if view.ndim == 3 else 1
        else:
            raise ValueError(f"an array of {view.ndim} dimensions, expected [height, width, channels]")
        pixels = pixels if isinstance(pixels, bytes) else view.tobytes()
    if width not in (None, own_width) or height not in (None, own_height):
        raise ValueError(f"{width} x {height} pixels, but the picture has {own_width} x {own_height}")
    format = format or ("grey" if channels == 1 else "rgb")
    number, step = FORMATS[format]
    if channels not in (None, step):
        raise ValueError(f"an array of shape {(own_height, own_width, channels)} for {format} pixels; [height, width, {step}] "
                         "is expected")
    if len(pixels) != own_width * own_height * step:
        raise ValueError(f"{len(pixels)} bytes for {own_width} x {own_height} {format} pixels")
    return _Picture(pixels, own_width, own_height, 0, number)


class _Loaded:
    """A model's file, and what runs it in each thread."""

    def __init__(self, file):
        self._handle, self._local = c.c_void_p(), threading.local()
        if isinstance(file, (bytes, bytearray, memoryview)):
            _call(lib.rexnet_model_load_memory, bytes(file), len(file), 0, self._handle)
        else:
            _call(lib.rexnet_model_load, os.fsencode(file), 0, self._handle)
        self.variant = lib.rexnet_model_variant(self._handle).decode()
        names = (lib.rexnet_model_label(self._handle, i) for i in range(lib.rexnet_model_class_count(self._handle)))
        self.labels = [name.decode() if name else f"class {i}" for i, name in enumerate(names)]

    def __del__(self, free=lib.rexnet_model_free):
        free(self._handle)

    def _worker(self):
        if not hasattr(self._local, "worker"):
            self._local.worker = _Worker(*self._functions, self._handle, self._options)
        return self._local.worker.handle

    @staticmethod
    def _batch(pictures):
        batch = []
        for i, picture in enumerate(pictures):
            try:
                batch.append(_picture(*picture) if isinstance(picture, tuple) else _picture(picture))
            except ValueError as problem:
                raise ValueError(f"pictures[{i}]: {problem}") from None
        return (_Picture * len(batch))(*batch)


class Model(_Loaded):
    """A loaded classifier or backbone. Errors are RexnetError; pixels that do not fit their size are a ValueError. What
    is said of a picture beside its pixels is (pixels, width, height, format); format is "rgb", or one of FORMATS."""
    _functions = lib.rexnet_classifier_new, lib.rexnet_classifier_free

    def __init__(self, file, threads=1, input_size=0):
        """file: a path, or the bytes of a file. threads: that share the work of one picture, or take the pictures of a
        batch. input_size: side of the network's input, 0 for the model's own."""
        super().__init__(file)
        self._options = _Options(c.sizeof(_Options), threads, input_size)
        self.input_size = input_size or lib.rexnet_model_input_size(self._handle)
        self._worker()  # errors of the options come here

    def _labelled(self, scored):
        return [(self.labels[s.index], s.probability) for s in scored]

    def classify(self, pixels, width=None, height=None, top=5, format=None):
        """The most probable classes as [(label, probability), ...]."""
        best, count = (_ScoredClass * max(top, 0))(), c.c_size_t()
        _call(lib.rexnet_classify, self._worker(), _picture(pixels, width, height, format), best, len(best), count)
        return self._labelled(best[:count.value])

    def logits(self, pixels, width=None, height=None, format=None):
        """The network's answer before softmax, a float per class."""
        return self._floats(lib.rexnet_logits, len(self.labels), _picture(pixels, width, height, format))

    def features(self, pixels, width=None, height=None, format=None):
        """What the classifying layer sees: an embedding."""
        return self._floats(lib.rexnet_features, self._feature_count(), _picture(pixels, width, height, format))

    def classify_batch(self, pictures, top=5):
        """What classify() gives, for each of the pictures: arrays, or tuples (pixels, width, height, format). The
        threads of the model take a picture each. One that cannot be is an error that names it."""
        batch, count = self._batch(pictures), c.c_size_t()
        best = (_ScoredClass * (len(batch) * max(top, 0)))()
        _call(lib.rexnet_classify_batch, self._worker(), batch, len(batch), best, max(top, 0), count)
        return [self._labelled(best[i * top:i * top + count.value]) for i in range(len(batch))]

    def logits_batch(self, pictures):
        """The logits of each of the pictures."""
        return self._rows(lib.rexnet_logits_batch, len(self.labels), pictures)

    def features_batch(self, pictures):
        """The features of each of the pictures."""
        return self._rows(lib.rexnet_features_batch, self._feature_count(), pictures)

    def _feature_count(self):
        return lib.rexnet_model_feature_count(self._handle)

    def _floats(self, function, size, picture):
        out = (c.c_float * size)()
        _call(function, self._worker(), picture, out, size)
        return list(out)

    def _rows(self, function, size, pictures):
        batch = self._batch(pictures)
        out = (c.c_float * (len(batch) * size))()
        _call(function, self._worker(), batch, len(batch), out, len(out))
        return [list(out[i * size:(i + 1) * size]) for i in range(len(batch))]


class Detector(_Loaded):
    """A loaded detector; errors, pictures and threads as Model's. labels[0] is the background, which is never found.
    settings: what it works with, by the names of rexnet_detector_options."""
    _functions = lib.rexnet_detector_new, lib.rexnet_detector_free

    def __init__(self, file, threads=1, **settings):
        """file: a path, or the bytes of a file. threads: that share the work of one picture, or take the pictures of a
        batch. settings: fields of rexnet_detector_options that win over the model's own: input_width, input_height,
        candidates, most, score, overlap, least_anchor, most_anchor; 0 is the model's own, 1e-9 next to nothing."""
        super().__init__(file)
        names = [name for name, _ in _DetectorOptions._fields_[2:]]
        for name in settings.keys() - set(names):
            raise TypeError(f"{name} is no setting of a detector; these are {', '.join(names)}")
        self._options = _DetectorOptions(c.sizeof(_DetectorOptions), threads, **settings)
        own = _DetectorOptions(c.sizeof(_DetectorOptions))
        _call(lib.rexnet_model_detector_options, self._handle, own)
        self.settings = {name: getattr(self._options, name) or getattr(own, name) for name in names}
        self._capacity = lib.rexnet_detector_capacity(self._worker())  # errors of the options come here

    def detect(self, pixels, width=None, height=None, format=None):
        """What is in a picture, the most probable first: [(label, score, (x1, y1, x2, y2)), ...], in its pixels."""
        found, count = (_Detection * self._capacity)(), c.c_size_t()
        _call(lib.rexnet_detect, self._worker(), _picture(pixels, width, height, format), found, len(found), count)
        return self._labelled(found[:count.value])

    def detect_batch(self, pictures):
        """What detect() gives, for each of the pictures: arrays, or tuples (pixels, width, height, format)."""
        batch, most = self._batch(pictures), self._capacity
        found, counts = (_Detection * (len(batch) * most))(), (c.c_size_t * len(batch))()
        _call(lib.rexnet_detect_batch, self._worker(), batch, len(batch), found, most, counts)
        return [self._labelled(found[i * most:i * most + n]) for i, n in enumerate(counts)]

    def _labelled(self, found):
        return [(self.labels[d.label], d.score, (d.x1, d.y1, d.x2, d.y2)) for d in found]


def is_detector(file):
    """Whether a file, a path or its bytes, is Detector's; else it is Model's."""
    model = _Loaded(file)  # kept until it was asked
    return lib.rexnet_model_is_detector(model._handle) == 1


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
        picture = read_ppm(sys.argv[2])
        if is_detector(sys.argv[1]):
            for label, score, corners in Detector(sys.argv[1]).detect(*picture):
                print(f"{100 * score:6.2f} %  {label:20}", *(f"{v:7.1f}" for v in corners))
        else:
            for label, probability in Model(sys.argv[1]).classify(*picture):
                print(f"{100 * probability:6.2f} %  {label}")
    except (RexnetError, ValueError, OSError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
