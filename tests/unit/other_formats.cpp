// SPDX-License-Identifier: MIT
// What a file is: files of other programs, most of them written by these (tests/golden/other_formats), the
// rest by their first bytes. tests/python/other_formats.py writes more of them where the programs are
// installed.
#include "rexnet/load.hpp"

#include "tests/support/craft.hpp"
#include "tests/support/npz.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace rexnet_test;
using rexnet::errc;

namespace {

std::string golden(const std::string& name) {
  return read_bytes(source_path("tests/golden/other_formats/" + name));
}
void refused(const std::string& file, errc code, const std::string& part) {
  const std::string other = otherwise(failure(file), code, part);
  CHECK_MESSAGE(other.empty(), other);
}
/// A protobuf field that has a length.
std::string field(int number_of_field, const std::string& data) {
  return std::string(1, static_cast<char>(number_of_field << 3 | 2)) + static_cast<char>(data.size()) + data;
}
std::string archive(const std::vector<std::string>& names, std::uint64_t method = 0) {
  std::vector<zip_part> parts;
  for (const std::string& n : names) {
    parts.emplace_back();
    parts.back().name = n, parts.back().method = method, parts.back().data = "0123456789";
    if (method == 0) continue;
    // A thousand bytes in ten, which the descriptor says as well.
    zip_part& p = parts.back();
    p.size = 1000;
    p.descriptor =
        number(0x08074b50, 4) + number(rexnet::crc32(bytes_of(p.data)), 4) + number(10, 4) + number(1000, 4);
  }
  return craft_zip(parts).file;
}

}  // namespace

TEST_CASE("other formats: M8, M13 and M14, files that the programs themselves wrote") {
  struct one {
    const char* file;
    errc code;
    const char* words;
  };
  // torch 2.15, onnx 1.23, h5py 3.16, gguf 0.19, joblib 1.6, numpy 2, Paddle 3.3
  for (const one& o :
       {one{"tiny.pt", errc::model_torchscript,
            "TorchScript archive (constants.pkl): save model.state_dict()"},
        one{"module.pth", errc::model_pickled_module, "torch.nn.modules.activation.ReLU"},
        one{"model.onnx", errc::model_other_format, "an ONNX model"},
        one{"keras.h5", errc::model_other_format, "HDF5"},
        one{"model.gguf", errc::model_other_format, "GGUF"},
        one{"raw.joblib", errc::model_other_format, "joblib.numpy_pickle"},
        one{"zlib.joblib", errc::model_other_format, "read it with joblib"},
        one{"deflated.npz", errc::model_other_format, "an archive of numpy arrays (.npz), \"w.npy\""},
        one{"model.pth.gz", errc::model_other_format, "a gzip file, not a checkpoint: unpack it first"},
        one{"deflated.zip", errc::model_other_format, "\"folder/model.pth\": unpack it first"},
        one{"paddle.pdiparams", errc::model_other_format, "take the .pdparams"}})
    refused(golden(o.file), o.code, o.words);
}
TEST_CASE("other formats: M13, a module alone, in a dictionary, and beside tensors that are no network") {
  const std::string module = global("torch.nn.modules.container", "Sequential") + ")\x81" +
                             dict({{"_parameters", "}"}, {"_modules", "}"}}) + "b";
  const std::string t = tensor_of(storage("0", 6), 0, {6}, {1}), six = floats({0, 1, 2, 3, 4, 5});
  const std::string words = "\"torch.nn.modules.container.Sequential\", which only its program can open";
  refused(torch_zip(program(module), {}), errc::model_pickled_module, words);
  refused(torch_zip(program(dict({{"model", module}, {"epoch", "K\x01"}})), {}), errc::model_pickled_module,
          words);
  refused(torch_zip(program(dict({{"model", module}, {"loss", t}})), {six}), errc::model_pickled_module,
          words);
  // torch's legacy form keeps the class and its source text as a persistent id.
  const std::string legacy_class =
      tuple({str("module"), global("mine", "Net"), str("net.py"), str("class Net: ...")}) + "Q";
  refused(legacy_head() +
              program(legacy_class + ")\x81" + dict({{"_parameters", "}"}, {"_modules", "}"}}) + "b") +
              legacy_keys({}),
          errc::model_pickled_module, "\"mine.Net\"");
  refused(program(module), errc::model_pickled_module, words);
  // A state dict beside it is what is asked for.
  auto c = rexnet::read_checkpoint(
      bytes_of(torch_zip(program(dict({{"model", module}, {"state_dict", dict({{"w", t}})}})), {six})));
  CHECK_MESSAGE(c.ok(), c.error().message());
  // Objects that are no modules are named, too.
  refused(torch_zip(program(global("easydict", "EasyDict") + ")\x81" + str("model") + dict({{"w", t}}) + "s"),
                    {six}),
          errc::tensor_unsupported, "\"easydict.EasyDict\" and no dictionary of tensors: save a plain dict");
}
TEST_CASE("other formats: M14, every signature of the table") {
  for (const rexnet::detail::file_sign& s : rexnet::detail::file_signs) {
    const std::string file = std::string(s.at, '\x01') + std::string(s.bytes) +
                             std::string("\x01\x02\x03", 3) + std::string(100, '\xee');
    refused(file, errc::model_other_format,
            std::string(s.what) + ", not a checkpoint" + std::string(s.advice));
  }
}
TEST_CASE("other formats: a safetensors header whose length begins like another file stays one") {
  // 0x8b1f: gzip; 0x4d42: BMP; 0x5a4d: a program; 0x9c78: zlib; 640: a pickle; 0x4b50: zip; 0x080a: protobuf
  for (const std::size_t length : {0x8b1f, 0x4d42, 0x5a4d, 0x9c78, 0x0178, 0x0280, 0x4b50, 0xfeff, 0x080a}) {
    std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    header.resize(length, ' ');
    CHECK(rexnet::read_checkpoint(bytes_of(safetensors(header, floats({1})))).ok());
  }
}
TEST_CASE("other formats: M10 and M14, texts") {
  refused("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", errc::model_html, "an XML text");
  refused("<?xml version=\"1.0\"?>\n<net name=\"m\" version=\"11\">\n<layers>\n<layer id=\"0\"/>",
          errc::model_other_format, "OpenVINO");
  refused("7767517\n75 83\nInput data 0 1 data\n", errc::model_other_format, "ncnn");
  refused(R"({"error":"Repository not found"})", errc::model_other_format, "a JSON text");
  refused(R"({"abc": {"d": 1}})", errc::model_other_format, "a JSON text");  // its ninth byte is a '{'
  refused(R"({"metadata":{"total_size":1},"weight_map":{"a":"model-00001-of-00002.safetensors"}})",
          errc::model_other_format, "the index of a checkpoint in several files");
  refused("\xef\xbb\xbf{\"a\":1}", errc::model_other_format, "a JSON text");
  refused("Entry not found", errc::model_other_format, "a text file (\"Entry not found\")");
  refused("model:\n  width: 1.0\n", errc::model_other_format, "a text file (\"model:\")");
  refused("gew\xc3\xb6hnlich", errc::model_other_format, "a text file");
  refused(std::string(600, 'a') + "\x01", errc::model_other_format, "a text file");
  refused(std::string(511, 'a') + "\xc3\xb6", errc::model_other_format,
          "a text file");  // cut within a character
  refused("ccollections\nOrderedDict\n(tR.", errc::model_other_format, "a pickle of protocol 0");
  refused(std::string("\xff\xfe<\0h\0t\0m\0l\0>\0", 14), errc::model_other_format, "a text in UTF-16");
  refused(std::string("text\0", 5), errc::unknown_format, "5 bytes start with 74 65");
}
TEST_CASE("other formats: M14, models in protobuf") {
  refused("\x08\x08" + field(2, "pytorch") + field(7, "graph....."), errc::model_other_format,
          "an ONNX model");
  refused("\x08\x08" + field(2, "pytorch") + "\x3a\x80\x80\x80\x01" + "cut", errc::model_other_format,
          "an ONNX model");
  refused("\x08\x05" + field(2, "description") + "\xa2\x1f\x03" + "net", errc::model_other_format,
          "a Core ML model");
  refused("\x08\x01" + field(2, "meta graph......"), errc::model_other_format, "a TensorFlow SavedModel");
  refused(field(1, field(1, "input") + field(2, "Placeholder") + field(5, "dtype")), errc::model_other_format,
          "a TensorFlow graph");
  refused(
      field(1, "\x08" + std::string(1, '\0') + "\x10\x01" + field(3, "variables") + field(4, "operations")),
      errc::model_other_format, ".pdmodel");
  refused("\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08\x08", errc::unknown_format,
          "17 bytes");
}
TEST_CASE("other formats: M9, M12 and M14, tar archives, zeros and tables") {
  const auto tar = [](const std::vector<std::string>& names, const char* size = "00000000005") {
    std::string file;
    for (const std::string& n : names) {
      file += tar_header(n, size) + std::string("hello") + std::string(507, '\0');
    }
    return file + std::string(1024, '\0');
  };
  refused(tar({"folder/model.pth"}), errc::model_other_format, "that begins with \"folder/model.pth\"");
  refused(tar({"sys_info", "pickle"}), errc::model_old_tar, "old torch");
  refused(tar({"a", "b", "x/storages"}), errc::model_old_tar, "old torch");
  refused(tar({"a"}, "77777777777"), errc::model_other_format, "a tar archive");
  // The mark alone may lie in a tensor of any checkpoint.
  const std::string none = patched(tar({"a"}), 148, "000000");
  refused(none, errc::unknown_format, "bytes start with 61 00");
  refused(std::string(100, '\0'), errc::model_truncated, "zeros, 100 bytes from the first on");
  refused(std::string(5000, '\0') + "x", errc::model_truncated, "did not finish");
  refused(std::string(100, '\x07') + "\x57\xfb\x80\x8b\x24\x75\x47\xdb", errc::model_other_format,
          "the index of a TensorFlow checkpoint");
}
TEST_CASE("other formats: M8 and M14, archives, compressed or not") {
  for (const std::uint64_t method : {0, 8}) {
    refused(archive({"m/data.pkl", "m/code/x.py", "m/constants.pkl"}, method), errc::model_torchscript,
            "state_dict()");
    refused(archive({"m/data.pkl", "m/constants.pkl", "m/bytecode.pkl"}, method), errc::model_torchscript,
            "for mobile");
    refused(archive({"m/archive_format", "m/data/weights/0"}, method), errc::model_other_format,
            "torch.export.save");
    refused(archive({"serialized_exported_program.json"}, method), errc::model_other_format,
            "torch.export.save");
    refused(archive({"m/.data/extern_modules", "m/x"}, method), errc::model_other_format, "torch.package");
    refused(archive({"metadata.json", "config.json", "model.weights.h5"}, method), errc::model_other_format,
            "Keras");
    refused(archive({"a/saved_model.pb"}, method), errc::model_other_format, "SavedModel");
    refused(archive({"Data/com.apple.CoreML/model.mlmodel"}, method), errc::model_other_format, "Core ML");
    refused(archive({"readme", "x.safetensors"}, method), errc::model_other_format, "unpack it first");
    refused(archive({"readme", "xconstants.pkl", "mydata.pkl"}, method), errc::unknown_format, "data.pkl");
  }
  // What would be read must be stored.
  refused(archive({"m/data.pkl", "m/data/0"}, 8), errc::zip_compressed, "compression method 8");
}
TEST_CASE("other formats: every name that torch 2.15's weights_only allows may lie beside the tensors") {
  struct module_names {
    const char *module, *names;
  };
  int tried = 0;
  for (const auto& [module, names] :
       {module_names{"_codecs", "encode"}, module_names{"builtins", "bytearray complex set"},
        module_names{"collections", "Counter OrderedDict"},
        module_names{
            "torch",
            "BFloat16Storage BFloat16Tensor BoolStorage BoolTensor ByteStorage ByteTensor CharStorage "
            "CharTensor ComplexDoubleStorage ComplexFloatStorage DoubleStorage DoubleTensor FloatStorage "
            "FloatTensor HalfStorage HalfTensor IntStorage IntTensor LongStorage LongTensor QInt32Storage "
            "QInt8Storage QUInt2x4Storage QUInt4x2Storage QUInt8Storage ShortStorage ShortTensor Size Tensor "
            "bcomplex32 bfloat16 bits16 bits1x8 bits2x4 bits4x2 bits8 bool complex128 complex32 complex64 "
            "device float16 float32 float4_e2m1fn_x2 float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 "
            "float8_e5m2fnuz float8_e8m0fnu int1 int16 int2 int3 int32 int4 int5 int6 int64 int7 int8 "
            "per_channel_affine per_channel_affine_float_qparams per_channel_symmetric per_tensor_affine "
            "per_tensor_symmetric qint32 qint8 quint2x4 quint4x2 quint8 uint1 uint16 uint2 uint3 uint32 "
            "uint4 uint5 uint6 uint64 uint7 uint8"},
        module_names{"torch._tensor", "_rebuild_from_type_v2"},
        module_names{"torch._utils",
                     "_rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy "
                     "_rebuild_meta_tensor_no_storage _rebuild_parameter _rebuild_parameter_with_state "
                     "_rebuild_qtensor _rebuild_sparse_tensor _rebuild_tensor _rebuild_tensor_v2 "
                     "_rebuild_tensor_v3 _rebuild_wrapper_subclass"},
        module_names{"torch.cuda",
                     "BFloat16Storage BFloat16Tensor BoolStorage BoolTensor ByteStorage ByteTensor "
                     "CharStorage CharTensor ComplexDoubleStorage ComplexFloatStorage DoubleStorage "
                     "DoubleTensor FloatStorage FloatTensor HalfStorage HalfTensor IntStorage IntTensor "
                     "LongStorage LongTensor ShortStorage ShortTensor"},
        module_names{"torch.cuda.sparse",
                     "BFloat16Tensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor "
                     "LongTensor ShortTensor"},
        module_names{"torch.nn.parameter", "Parameter"}, module_names{"torch.serialization", "_get_layout"},
        module_names{"torch.sparse",
                     "BFloat16Tensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor "
                     "LongTensor ShortTensor"},
        module_names{"torch.storage", "TypedStorage UntypedStorage"}}) {
    std::istringstream words(names);
    for (std::string name; words >> name; ++tried) {
      // The name itself, a call of it, and an object of it with a state.
      for (const char* use : {"", ")R", "N\x85R"}) {
        const std::string file =
            torch_zip(program(dict({{"state_dict", dict({{"w", tensor_of(storage("0", 6), 0, {6}, {1})}})},
                                    {"value", global(module, name) + use}})),
                      {floats({0, 1, 2, 3, 4, 5})});
        auto c = rexnet::read_checkpoint(bytes_of(file));
        if (*use == '\0') {
          CHECK_MESSAGE(c.ok(), c.error().message());
        } else if (!c.ok()) {  // what is understood has its arguments checked
          CHECK_MESSAGE(c.code() == errc::pickle_reduce, c.error().message());
        }
        if (c.ok()) CHECK(c->find("w")->values() == std::vector<double>{0, 1, 2, 3, 4, 5});
      }
    }
  }
  CHECK(tried == 144);
}
TEST_CASE("other formats: tensors that are not read may lie beside, but not in the network (T8)") {
  const std::string w = tensor_of(storage("0", 6), 0, {6}, {1}), six = floats({0, 1, 2, 3, 4, 5});
  for (const char* name :
       {"_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_nested_tensor", "_rebuild_tensor_v3",
        "_rebuild_meta_tensor_no_storage", "_rebuild_wrapper_subclass", "_rebuild_of_tomorrow"}) {
    const std::string odd = global("torch._utils", name) + tuple({"N", "N"}) + "R";
    auto c = rexnet::read_checkpoint(
        bytes_of(torch_zip(program(dict({{"state_dict", dict({{"w", w}})}, {"value", odd}})), {six})));
    CHECK_MESSAGE(c.ok(), c.error().message());
    refused(torch_zip(program(dict({{"state_dict", dict({{"w", w}, {"b", odd}})}})), {six}),
            errc::tensor_unsupported, "tensor \"b\": \"" + std::string(name) + "\"");
  }
  // Legacy files have the storages of such tensors among the others.
  const std::string legacy_w = tensor_of(storage("0", 6, "FloatStorage", true), 0, {6}, {1});
  for (const auto& [type, bytes] : {std::pair{"QInt8Storage", 1},
                                    {"QInt32Storage", 4},
                                    {"ComplexFloatStorage", 8},
                                    {"ComplexDoubleStorage", 16},
                                    {"UntypedStorage", 1}}) {
    const std::string file =
        legacy_head() +
        program(dict({{"state_dict", dict({{"w", legacy_w}})}, {"value", storage("1", 3, type, true)}})) +
        legacy_keys({"0", "1"}) + number(6, 8) + six + number(3, 8) +
        std::string(static_cast<std::size_t>(3 * bytes), 'x');
    auto c = rexnet::read_checkpoint(bytes_of(file));
    CHECK_MESSAGE(c.ok(), c.error().message());
  }
  // A tensor with attributes of its own is the tensor.
  const auto typed = [&](const std::string& function, const std::string& type) {
    return global("torch._tensor", "_rebuild_from_type_v2") +
           tuple({global("torch._utils", function), global("torch", type),
                  tuple({storage("0", 6), integer(0), integers({2, 3}), integers({3, 1})}),
                  dict({{"tag", str("x")}})}) +
           "R";
  };
  auto c = rexnet::read_checkpoint(
      bytes_of(torch_zip(program(dict({{"w", typed("_rebuild_tensor_v2", "Tensor")}})), {six})));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->find("w")->shape == std::vector<std::int64_t>{2, 3});
  refused(torch_zip(program(dict({{"w", typed("_rebuild_tensor_v2", "FloatTensor")}})), {six}),
          errc::tensor_unsupported, "_rebuild_from_type_v2");
  refused(torch_zip(program(dict({{"w", typed("_rebuild_qtensor", "Tensor")}})), {six}),
          errc::tensor_unsupported, "_rebuild_from_type_v2");
}
TEST_CASE("other formats: a folder is named with the file in it that is meant") {
  const rexnet_test::scratch s;
  const auto message = [&s] { return rexnet::load(s.folder()).error().message(); };
  CHECK(message().find("is a directory") != std::string::npos);
  const std::string made = s.file("data.pkl", "x");
  CHECK(message().find("was unpacked as a zip archive") != std::string::npos);
  const std::string index = s.file("model.safetensors.index.json", "{}");
  CHECK(message().find("in several parts (model.safetensors.index.json)") != std::string::npos);
  const std::string model = s.file("model.safetensors", "x");
  CHECK(message().find("is a directory; its weights are in model.safetensors") != std::string::npos);
}
