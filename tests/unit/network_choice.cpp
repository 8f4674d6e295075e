// SPDX-License-Identifier: MIT
// Which tensors of a training file are the network: keys, prefixes, averages, extras (M15 to M17).
#include "rexnet/load.hpp"

#include "tests/support/craft_model.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

using namespace rexnet_test;
using rexnet::errc;

namespace {

using items = std::vector<std::pair<std::string, std::string>>;

const rexnet::config shape = rexnet::config_for(rexnet::family::v1, 50, 3);
const state_dict& network() {
  static const state_dict d = craft_model(shape);
  return d;
}
/// Of the same shape, with other values.
const state_dict& second() {
  static const state_dict d = craft_model(shape, false, 2);
  return d;
}
const std::size_t behind = network().bytes.size();  ///< storages of second()
const std::string number_tensor = tensor_of(storage("1", 32), 0, {1}, {1});

std::string dictionary(const state_dict& d, const std::string& prefix = "", const items& more = {}) {
  items all = d.items(prefix, &d == &network() ? 0 : behind);
  all.insert(all.end(), more.begin(), more.end());
  return ordered_dict(all);
}
std::string zip_file(const std::string& pickled) {
  return network().torch_zip(pickled, &second());
}
items joined(items a, const items& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct opened {
  std::string bytes;
  rexnet::result<rexnet::checkpoint> file;
  opened(const std::string& pickled, const std::string& key = "")
      : bytes(zip_file(pickled)), file(rexnet::read_checkpoint(bytes_of(bytes), key)) {}
  /// The dictionary that was taken; its error where there is none.
  [[nodiscard]] std::string key() const { return file ? file->state_key() : file.error().message(); }
  /// Whether it is this network, whole.
  [[nodiscard]] bool is(const state_dict& d) const {
    if (!file) return false;
    const auto m = rexnet::identify(*file);
    return m && m->stem.weight->values() == d.tensors[0].values();
  }
  [[nodiscard]] bool notes(const std::string& part) const {
    for (const std::string& note : file->notes())
      if (note.find(part) != std::string::npos) return true;
    return false;
  }
};
void check_refused(const rexnet::error& e, errc code, const std::string& part) {
  const std::string other = otherwise(e, code, part);
  CHECK_MESSAGE(other.empty(), other);
}
rexnet::error refusal(const std::string& pickled, const std::string& key = "") {
  const std::string bytes = zip_file(pickled);
  rexnet::load_options how;
  how.key = key;
  auto m = rexnet::load(bytes_of(bytes), how);
  return m ? rexnet::error(errc::ok, "") : m.error();
}

}  // namespace

TEST_CASE("choice: the network is found under any key, beside tensors that are none of it") {
  const items beside{{"loss", number_tensor},
                     {"optimizer", dict({{"state", dict({{"exp_avg", number_tensor}})}})}};
  for (const char* key : {"model_state_dict", "net", "module", "weights", "a.b"}) {
    const opened o(dict(joined(beside, {{key, dictionary(network())}})));
    CHECK(o.key() == key);
    CHECK(o.is(network()));
    CHECK(o.file->others().empty());
  }
  const opened nested(dict({{"model", dict({{"state_dict", dictionary(network())}, {"x", number_tensor}})}}));
  CHECK(nested.key() == "model.state_dict");
  CHECK(nested.is(network()));
  const opened listed(dict({{"runs", "](K\x01" + dict({{"net", dictionary(network())}}) + "e"}}));
  CHECK(listed.key() == "runs.[1].net");
}

TEST_CASE("choice: the documented order decides, a key by hand instead") {
  const std::string a = dictionary(network()), b = dictionary(second());
  const char* order[] = {"state_dict_ema", "model_ema", "my_ema", "state_dict", "model"};
  for (int i = 0; i < 4; ++i) {
    const std::string both = dict({{order[i + 1], b}, {"other", b}, {order[i], a}});
    CHECK(opened(both).key() == order[i]);
    CHECK(opened(both).is(network()));
    const opened by_hand(both, order[i + 1]);
    CHECK(by_hand.key() == order[i + 1]);
    CHECK(by_hand.is(second()));
  }
  const opened bare(ordered_dict(joined(network().items(), {{"old", b}})));
  CHECK(bare.key() == "");
  CHECK(bare.is(network()));
  CHECK(bare.file->others() == std::vector<std::string>{"old"});
}

TEST_CASE("choice: M16 two networks of one rank are named") {
  check_refused(refusal(dict({{"student", dictionary(network())}, {"teacher", dictionary(second())}})),
                errc::model_ambiguous,
                "2 networks are in the file, and nothing says which one is meant: \"student\", \"teacher\"");
  const std::string two =
      ordered_dict(joined(network().items("model_q."), second().items("model_k.", behind)));
  check_refused(refusal(two), errc::model_ambiguous, "\"model_q\", \"model_k\"");
  CHECK(opened(two, "model_k").is(second()));
  CHECK(opened(two, "model_q.").is(network()));
  const std::string deep = dict({{"state_dict", two}, {"epoch", "K\x01"}});
  CHECK(opened(deep, "state_dict.model_k").is(second()));
  check_refused(refusal(deep, "state_dict"), errc::model_ambiguous, "\"state_dict.model_q\"");
  // The same bytes twice are one network, and so is one dictionary under two keys.
  CHECK(opened(dict({{"net", dictionary(network())}, {"copy", dictionary(network())}})).is(network()));
  const std::string twice = "}(" + str("net") + dictionary(network()) + "q\x01" + str("model") + "h\x01u";
  CHECK(opened(twice).key() == "model");
  CHECK(opened(twice, "net").key() == "net");
}

TEST_CASE("choice: M17 a key that is not there is answered with those that are") {
  check_refused(refusal(dict({{"net", dictionary(network())}}), "model"), errc::model_no_such_key,
                "no \"model\" in the file; it has \"net\"");
  check_refused(refusal(dict({{"net", dictionary(network(), "module.")}}), "ne"), errc::model_no_such_key,
                "\"net\"");
  check_refused(refusal(dictionary(network()), "model"), errc::model_no_such_key, "bare state dict");
  const auto packed = [] {
    rexnet::load_options how;
    how.key = "model";
    return rexnet::load(source_path("models/clothing_1.0x.rexnet"), how);
  }();
  check_refused(packed.error(), errc::model_no_such_key, "a packed file holds one model");
}

TEST_CASE("choice: a useless average is passed over with a note, where there is something else") {
  const std::string good = dictionary(network());
  const std::string zero = tensor_of(storage(std::to_string(2 * behind), 1, "LongStorage"), 0, {}, {});
  const auto with_counter = [&](const std::string& pickled, std::uint64_t n) {
    std::vector<std::string> storages(network().bytes.begin(), network().bytes.end());
    storages.insert(storages.end(), second().bytes.begin(), second().bytes.end());
    storages.push_back(number(n, 8));
    return torch_zip(program(pickled), storages);
  };
  const std::string average = dictionary(second(), "module.", {{"n_averaged", zero}});
  const std::string both = dict({{"model", good}, {"model_ema", average}});
  const std::string never = with_counter(both, 0), often = with_counter(both, 5);
  auto c = must(rexnet::read_checkpoint(bytes_of(never)));
  CHECK(c.state_key() == "model");
  CHECK(c.notes() ==
        std::vector<std::string>{"model_ema was passed over: its n_averaged is 0, it averages nothing"});
  CHECK(c.others() == std::vector<std::string>{"model_ema"});
  c = must(rexnet::read_checkpoint(bytes_of(often)));
  CHECK(c.state_key() == "model_ema");
  CHECK(c.prefix() == "module.");
  CHECK(c.notes().empty());
  const std::string alone = with_counter(dict({{"model_ema", average}}), 0);
  c = must(rexnet::read_checkpoint(bytes_of(alone)));
  CHECK(c.notes().size() == 1);
  CHECK(rexnet::identify(c).ok());

  // Not finite, and not whole.
  items some = second().items("", behind);
  some.resize(some.size() - 9);
  const opened incomplete(dict({{"ema", ordered_dict(some)}, {"net", good}}));
  CHECK(incomplete.key() == "net");
  CHECK(incomplete.notes("ema was passed over: "));
  state_dict sick = craft_model(shape, false, 2);
  sick.set("features.9.out.0.weight", 5, NAN);
  const std::string bytes = network().torch_zip(
      dict({{"model", good}, {"model_ema", ordered_dict(sick.items("", behind))}}), &sick);
  c = must(rexnet::read_checkpoint(bytes_of(bytes)));
  CHECK(c.state_key() == "model");
  CHECK(c.notes()[0] == "model_ema was passed over: features.9.out.0.weight is not finite");
  // mmengine swaps the two before it saves.
  CHECK(opened(dict({{"meta", "}"}, {"state_dict", good}, {"ema_state_dict", dictionary(second())}})).key() ==
        "state_dict");
}

TEST_CASE("choice: where none is whole, the first one's error says what is missing, and where") {
  items some = network().items("model.");
  some.erase(some.begin() + 40);
  check_refused(refusal(dict({{"net", ordered_dict(some)}, {"loss", number_tensor}})), errc::model_missing,
                "key \"net\", prefix \"model.\": features.");
  items more = second().items("", behind);
  more.erase(more.begin() + 60);
  check_refused(refusal(dict({{"model_ema", ordered_dict(more)}, {"net", ordered_dict(some)}})),
                errc::model_missing, "key \"model_ema\": features.");
}

TEST_CASE("choice: a common prefix is removed, whatever it is") {
  for (const char* prefix :
       {"model.", "timm_model.", "a.b.", "module.model.", "_orig_mod.module.x.", "features."}) {
    const opened o(dictionary(network(), prefix));
    INFO(prefix, " ", o.key());
    CHECK(o.is(network()));
    CHECK(o.file->prefix() == prefix);
    CHECK(o.file->find("features.0.weight") != nullptr);
  }
  const std::string flat = safetensors(R"({"w":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})", "x");
  CHECK(must(rexnet::read_checkpoint(bytes_of(flat))).prefix() == "");
}

TEST_CASE("choice: what stands beside the prefix is listed, or refused where it may be part of the network") {
  const std::string vector = tensor_of(storage("1", 32), 0, {3}, {1}),
                    matrix = tensor_of(storage("0", 864), 0, {4, 3}, {3, 1});
  const opened o(dictionary(network(), "model.", {{"criterion.weight", vector}}));
  CHECK(o.is(network()));
  REQUIRE(o.file->left_out().size() == 1);
  CHECK(o.file->left_out()[0].name == "criterion.weight");
  CHECK(o.file->left_out()[0].shape == std::vector<std::int64_t>{3});
  check_refused(refusal(dictionary(network(), "model.", {{"top.weight", matrix}})), errc::model_unexpected,
                "top.weight: beside the network (prefix \"model.\"), shape [4,3]");
  CHECK(refusal(dictionary(network(), "model.", {{"top.weight", matrix}}), "model").code() == errc::ok);
  check_refused(refusal(dictionary(network(), "model.", {{"model.more", vector}})), errc::model_unexpected,
                "prefix \"model.\": more: unexpected");
}

TEST_CASE("choice: a backbone's classifier may stand beside it") {
  for (const bool timm : {false, true}) {
    const state_dict whole = craft_model(shape, timm);
    const std::string own = timm ? "head.fc." : "output.1.";
    for (const char* layer : {"head.fc.", "fc.", "classifier.1.", "module.head."}) {
      items all;
      for (auto& [name, value] : whole.items())
        all.emplace_back(
            name.compare(0, own.size(), own) == 0 ? layer + name.substr(own.size()) : "backbone." + name,
            value);
      const std::string bytes = whole.torch_zip(ordered_dict(all));
      const auto c = must(rexnet::read_checkpoint(bytes_of(bytes)));
      const auto m = rexnet::identify(c);
      REQUIRE_MESSAGE(m.ok(), m.error().message());
      CHECK(m->shape.classes == 3);
      CHECK(c.notes().size() == 1);
      // Anything more, and it is a head of another kind.
      all.emplace_back("neck.weight", tensor_of(storage("0", 864), 0, {4, 3}, {3, 1}));
      const std::string odd = whole.torch_zip(ordered_dict(all));
      check_refused(rexnet::load(bytes_of(odd)).error(), errc::model_unexpected,
                    "beside the network (prefix \"backbone.\")");
      rexnet::load_options how;
      how.key = "backbone";
      CHECK(must(rexnet::load(bytes_of(odd), how)).shape().classes == 0);
    }
  }
}

TEST_CASE("choice: counters of profilers are no obstacle") {
  items all = network().items();
  for (const char* name :
       {"total_ops", "features.3.total_params", "n_averaged", "features.1.num_batches_tracked"})
    if (std::string(name) != "features.1.num_batches_tracked") all.emplace_back(name, number_tensor);
  CHECK(opened(ordered_dict(all)).is(network()));
  all.emplace_back("features.4.total_ops", tensor_of(storage("1", 32), 0, {32}, {1}));
  check_refused(refusal(ordered_dict(all)), errc::model_unexpected, "features.4.total_ops: unexpected");
}

TEST_CASE("choice: pruned layers are multiplied out, in the arithmetic of their type") {
  state_dict cut = craft_model(shape), plain = craft_model(shape);
  for (const char* name : {"features.0.weight", "features.6.out.5.fc.0.bias", "output.1.weight"}) {
    rexnet::tensor& t = cut.at(name);
    std::vector<float> mask;
    for (std::int64_t i = 0; i < t.elements(); ++i) {
      mask.push_back(i % 3 == 0 ? 0.0f : i % 7 == 0 ? 1.1f : 1.0f);
      plain.set(name, i, static_cast<float>(plain.at(name).element(i)) * mask.back());
    }
    const std::vector<std::int64_t> sides = t.shape;
    t.name += "_orig";
    cut.add(std::string(name) + "_mask", sides, mask);
  }
  const std::string bytes = cut.torch_zip();
  const auto c = must(rexnet::read_checkpoint(bytes_of(bytes)));
  CHECK(c.notes() == std::vector<std::string>{"3 pruned tensors were multiplied out (_orig * _mask)"});
  REQUIRE(c.tensors().size() == plain.tensors.size());
  for (const rexnet::tensor& t : plain.tensors) {
    REQUIRE(c.find(t.name) != nullptr);
    CHECK(c.find(t.name)->values() == t.values());
  }
  CHECK(rexnet::identify(c).ok());
  cut.at("features.0.weight_mask").shape = {3, 32, 3, 3};
  const std::string bent = cut.torch_zip();
  check_refused(rexnet::read_checkpoint(bytes_of(bent)).error(), errc::model_wrong_shape,
                "features.0.weight_mask: expected [32,3,3,3] as features.0.weight_orig has");
  cut.at("features.0.weight_mask").shape = {32, 3, 3, 3};
  cut.at("features.0.weight_mask").name = "features.0.mask";
  const std::string lost = cut.torch_zip();
  check_refused(rexnet::load(bytes_of(lost)).error(), errc::model_missing,
                "features.0.weight: missing (official names); its _orig is there without _mask");
}

TEST_CASE("choice: products of half floats are rounded as torch rounds them") {
  // torch 2.15: mask.to(orig.dtype) * orig for the masks 1.1, 0.3, 0.7, 1.003 in float32.
  struct example {
    rexnet::dtype type;
    std::uint16_t orig[4], product[4];
  };
  const float masks[4] = {1.1f, 0.3f, 0.7f, 1.003f};
  for (const example& e :
       {example{rexnet::dtype::bf16, {0x3f81, 0x4040, 0xbf33, 0x477e}, {0x3f8e, 0x3f67, 0xbefa, 0x477e}},
        example{rexnet::dtype::f16, {0x3c08, 0x4200, 0xb99a, 0x2e66}, {0x3c6f, 0x3b34, 0xb7d8, 0x2e6b}}}) {
    rexnet::tensor orig, mask;
    orig.name = "weight_orig", mask.name = "weight_mask";
    orig.type = e.type, mask.type = rexnet::dtype::f32;
    orig.shape = mask.shape = {4}, orig.strides = mask.strides = {1};
    orig.data = reinterpret_cast<const unsigned char*>(e.orig);
    mask.data = reinterpret_cast<const unsigned char*>(masks);
    std::vector<unsigned char> bytes;
    const rexnet::tensor t = rexnet::detail::product(orig, mask, bytes);
    CHECK(t.name == "weight");
    REQUIRE(bytes.size() == sizeof(e.product));
    CHECK(std::memcmp(bytes.data(), e.product, sizeof(e.product)) == 0);
  }
}

TEST_CASE("choice: M15 quantized models, and other forms of weights, are named") {
  const std::string t = number_tensor;
  for (const char* name :
       {"features.0.activation_post_process.scale", "features.4.out.0.weight_fake_quant.zero_point",
        "activation_post_process_12.min_val", "quant.scale", "features.0._packed_params"})
    check_refused(refusal(ordered_dict(joined(network().items(), {{name, t}}))), errc::model_quantized,
                  std::string(name) + ": a quantized model");
  check_refused(refusal(ordered_dict(joined(network().items(), {{"output.1.lora_A.default.weight", t}}))),
                errc::unsupported, "a LoRA adapter: merge it first");
  for (const char* name :
       {"output.1.weight_g", "output.1.parametrizations.weight.original0", "output.1.weight_u"})
    check_refused(refusal(ordered_dict(joined(network().items(), {{name, t}}))), errc::unsupported,
                  "a parametrized weight");
}

TEST_CASE("choice: other models' tensors are listed as they are") {
  const std::string w = number_tensor, v = tensor_of(storage("1", 32), 0, {32}, {1});
  const opened o(dict({{"loss", w}, {"net", dict({{"module.a.weight", v}, {"b_orig", v}, {"b_mask", v}})}}));
  CHECK(o.key() == "net");
  CHECK(o.file->tensors().size() == 3);
  CHECK(o.file->find("a.weight") != nullptr);
  CHECK(opened(dict({{"net", dict({{"a", v}})}, {"x", dict({{"b", v}})}}), "x").key() == "x");
}
