# SPDX-License-Identifier: MIT
"""One class per runtime, configured for float32 and a fixed number of threads.

Runner(path, threads) loads the model; prepare(x) turns [n][3][h][w] float32 into what the runtime likes best;
run(prepared) is one forward pass with the hand-over of the input and the fetching of the logits, which it
returns as a copy, [n][classes]. outputs(prepared), where there is one, returns copies of all outputs.
imports() is what a process needs without a model: the base line of memory.
"""

import numpy as np


class Litert:
    @staticmethod
    def imports():
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter

    def __init__(self, path, threads):
        self.interpreter = self.imports()(path, num_threads=threads)  # XNNPACK is its default delegate
        self.interpreter.allocate_tensors()
        self.image = self.interpreter.get_input_details()[0]["index"]
        self.logits = self.interpreter.get_output_details()[0]["index"]

    def prepare(self, x):
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1))

    def run(self, x):
        self.interpreter.set_tensor(self.image, x)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.logits)


class Onnxruntime:
    @staticmethod
    def imports():
        import onnxruntime

        return onnxruntime

    def __init__(self, path, threads):
        library = self.imports()
        options = library.SessionOptions()
        options.intra_op_num_threads = threads
        options.graph_optimization_level = library.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = library.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def prepare(self, x):
        return {"input": x}

    def outputs(self, x):
        return self.session.run(None, x)

    def run(self, x):
        return self.outputs(x)[0]


class Openvino:
    @staticmethod
    def imports():
        import openvino

        return openvino

    def __init__(self, path, threads):
        # Without the precision hint it computes in bfloat16 where the processor can.
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        }
        self.library = self.imports()
        self.request = self.library.Core().compile_model(path, "CPU", options).create_infer_request()

    def prepare(self, x):
        return self.library.Tensor(x, shared_memory=True)

    def outputs(self, x):
        self.request.set_input_tensor(x)
        self.request.infer()
        return [np.array(tensor.data) for tensor in self.request.output_tensors]

    def run(self, x):
        return self.outputs(x)[0]


class Executorch:
    @staticmethod
    def imports():
        import torch
        from executorch.extension.pybindings import portable_lib
        from executorch.runtime import Runtime

        torch.set_num_threads(1)  # torch computes nothing here
        return torch, portable_lib, Runtime

    def __init__(self, path, threads):
        self.torch, portable_lib, runtime = self.imports()
        portable_lib._unsafe_reset_threadpool(threads)
        self.program = runtime.get().load_program(path)
        self.method = self.program.load_method("forward")

    def prepare(self, x):
        return [self.torch.from_numpy(x)]

    def run(self, x):
        return np.array(self.method.execute(x)[0].numpy())


class Ncnn:
    """Knows no batches: one image a run."""

    @staticmethod
    def imports():
        import ncnn

        return ncnn

    def __init__(self, path, threads):
        self.library = self.imports()
        self.net = self.library.Net()
        for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
            if hasattr(self.net.opt, "use_" + name):
                setattr(self.net.opt, "use_" + name, False)
        self.net.opt.num_threads = threads
        self.net.load_param(path)
        self.net.load_model(path[: -len(".param")] + ".bin")

    def prepare(self, x):
        return self.library.Mat(x[0]), x  # the Mat points into x

    def run(self, x):
        extractor = self.net.create_extractor()
        extractor.input("in0", x[0])
        return np.array(extractor.extract("out0")[1])[np.newaxis]


class Mnn:
    @staticmethod
    def imports():
        import MNN

        return MNN

    def __init__(self, path, threads):
        self.library = self.imports()
        self.interpreter = self.library.Interpreter(path)
        options = {"backend": "CPU", "numThread": threads, "precision": "high"}  # high: float32
        self.session = self.interpreter.createSession(options)
        self.image = self.interpreter.getSessionInput(self.session)

    def host_tensor(self, array):
        library = self.library
        return library.Tensor(
            array.shape, library.Halide_Type_Float, array, library.Tensor_DimensionType_Caffe
        )

    def prepare(self, x):
        return self.host_tensor(x), x  # the tensor may point into x

    def run(self, x):
        self.image.copyFrom(x[0])
        self.interpreter.runSession(self.session)
        output = self.interpreter.getSessionOutput(self.session)
        zeros = np.zeros(output.getShape(), np.float32)
        host = self.host_tensor(zeros)
        output.copyToHostTensor(host)
        return np.array(host.getNumpyData())


def runner_class(peer):
    return globals()[peer.capitalize()]
