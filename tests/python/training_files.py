#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens the files that training programs write, with what they put beside the weights.

usage: training_files.py REXNET_COMMAND

Each file is written by the program that people use (torch, timm, torchvision, and where they are installed Lightning,
transformers, peft, thop); the command must choose the network that is expected of it, and give PyTorch's logits.
Skipped without torch, timm and torchvision.
"""
import collections
import copy
import json
import os
import subprocess
import sys
import tempfile
import types
import warnings

try:
    import numpy
    import timm
    import torch
    from safetensors.torch import save_file
    from torch.nn.utils import parametrizations, prune
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

warnings.simplefilter("ignore")
REXNET = sys.argv[1]
failures = 0
count = 0


def network(seed, name="rexnet_100", classes=7, width=0.5):
    """Small, with statistics that are not those of a fresh BatchNorm."""
    torch.manual_seed(seed)
    model = timm.create_model(name, num_classes=classes, width_mult=width) if width else timm.create_model(
        name, num_classes=classes)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
            module.weight.data.uniform_(0.8, 1.2)
            module.num_batches_tracked += 1
    return model.eval()


def command(*arguments):
    done = subprocess.run([REXNET, *arguments], capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def complain(label, what):
    global failures
    failures += 1
    print(f"WRONG: {label}: {what}")


class folder:
    def __init__(self, path):
        self.path = path
        self.image = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(5))
        numpy.save(self.at("in.npy"), self.image.numpy())

    def at(self, name):
        return os.path.join(self.path, name)

    def loads(self, label, content, model, key="", prefix=None, options=(), notes=None, others=None, left_out=None):
        """The file, a path or something to save, is `model`."""
        global count
        count += 1
        path = content
        if not isinstance(content, str):
            path = self.at("file.pt")
            torch.save(content, path)
        code, out, err = command("inspect", "--json", path, *options)
        if code != 0:
            return complain(label, err.strip())
        j = json.loads(out)
        if j["state_key"] != key or (prefix is not None and j["prefix"] != prefix):
            complain(label, f"key {j['state_key']!r}, prefix {j['prefix']!r}")
        if (notes is None) != (not j["notes"]) or (notes and not any(notes in n for n in j["notes"])):
            complain(label, f"notes {j['notes']}")
        if others is not None and j["other_keys"] != others:
            complain(label, f"others {j['other_keys']}")
        if left_out is not None and j["left_out"] != left_out:
            complain(label, f"left out {j['left_out']}")
        code, _, err = command("run", path, self.at("in.npy"), "-o", self.at("out.npy"), *options)
        if code != 0:
            return complain(label, err.strip())
        with torch.no_grad():
            wanted = model(self.image).numpy()
        found = numpy.load(self.at("out.npy"))
        worst = numpy.abs(found - wanted).max() / numpy.abs(wanted).max() if found.shape == wanted.shape else None
        if worst is None or not worst < 1e-4:
            complain(label, f"logits differ by {worst}")
        return j

    def refused(self, label, content, words, options=()):
        global count
        count += 1
        path = content if isinstance(content, str) else self.at("file.pt")
        if not isinstance(content, str):
            torch.save(content, path)
        code, out, err = command("inspect", path, *options)
        if code != 1 or words not in err:
            complain(label, f"exit {code}: {(err or out).strip()[:300]}")


def prefixed(prefix, d):
    return collections.OrderedDict((prefix + k, v) for k, v in d.items())


def keys(f, model):
    """Case 7: dictionaries of every name."""
    d = model.state_dict()
    optimizer = torch.optim.Adam(model.parameters())
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    extra = {"epoch": torch.tensor(3), "optimizer_state_dict": optimizer.state_dict(), "loss": torch.tensor(0.5)}
    for key in ("model_state_dict", "net", "model_state", "network", "weights", "params", "module", "ema", "G",
                "state_dict", "model", "model_ema", "state_dict_ema", "model.with.points"):
        f.loads(f"a dictionary {key}", {**extra, key: d}, model, key, "", others=[])
    f.loads("the last key, and by hand", {**extra, "net": d}, model, "net", options=("--key", "net"))
    f.loads("state_dict in model", {"model": {"state_dict": d, "lr": 0.1}, **extra}, model, "model.state_dict")
    f.loads("state_dict in model, by hand", {"model": {"state_dict": d}, **extra}, model, "model.state_dict",
            options=("--key", "model"))
    f.loads("three levels", {"a": {"b": [1, {"c": d}]}, **extra}, model, "a.b.[1].c")
    f.loads("fastai", {"model": d, "opt": {"state": [{"grad_avg": torch.ones(9)}] * 3}}, model, "model")
    f.loads("one dictionary twice", {"net": d, "model": d}, model, "model", others=[])
    f.loads("one dictionary twice, by hand", {"net": d, "model": d}, model, "net", options=("--key", "net"))
    f.loads("the same under two names", {"net": d, "network": model.state_dict()}, model, "net")
    torch.save({"net": d, "loss": torch.tensor(1.0)}, f.at("legacy.pt"), _use_new_zipfile_serialization=False)
    f.loads("legacy", f.at("legacy.pt"), model, "net")
    f.refused("a key that is not there", {"net": d, **extra}, 'no "model" in the file; it has ', ("--key", "model"))
    other = network(2).state_dict()
    f.refused("two networks", {"student": d, "teacher": other}, '"student", "teacher"')
    f.loads("two networks, by hand", {"student": d, "teacher": other}, model, "student", options=("--key", "student"))
    f.loads("the documented order", {"teacher": other, "model": d, "best": dict(other)}, model, "model",
            others=["teacher", "best"])
    f.refused("a network that is not whole", {"net": collections.OrderedDict(list(d.items())[:-9]), **extra},
              'key "net": ')
    gradients = {k: torch.zeros_like(v) for k, v in model.named_parameters()}
    f.loads("gradients beside it", {"gradients": gradients, "net": d}, model, "net", notes="gradients was passed over")


def averages(f, model):
    """Case 8: torchvision's reference training, and averages that are none."""
    wrapped = torch.nn.Module()
    wrapped.module = model
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    later = network(3)
    untouched = ema.state_dict()
    f.loads("an average of nothing", {"model": model.state_dict(), "model_ema": copy.deepcopy(untouched), "epoch": 3},
            model, "model", "", notes="n_averaged is 0", others=["model_ema"])
    f.loads("an average of nothing alone", {"model_ema": untouched}, model, "model_ema", "module.",
            notes="n_averaged is 0")
    ema.update_parameters(model)
    ema.update_parameters(later)
    d = ema.state_dict()
    f.loads("torchvision's reference", {"model": wrapped.state_dict(), "optimizer": {}, "model_ema": d}, ema.module,
            "model_ema", "module.", others=["model"])
    f.loads("torchvision's reference, by hand", {"model": model.state_dict(), "model_ema": d}, model, "model",
            options=("--key", "model"))
    broken = copy.deepcopy(d)
    broken["module.stem.conv.weight"][0, 0, 0, 0] = float("nan")
    f.loads("an average with NaN", {"model": model.state_dict(), "model_ema": broken}, model, "model",
            notes="model_ema was passed over: stem.conv.weight is not finite")
    f.refused("an average with NaN alone", {"model_ema": broken}, "stem.conv.weight: element 0 of [32,3,3,3] is nan")
    shadow = {k: v.clone() for k, v in model.named_parameters()}
    f.loads("an average of parameters only", {"net": model.state_dict(), "ema": {"shadow": shadow, "decay": 0.9}},
            model, "net", notes="ema.shadow was passed over")
    f.loads("mmengine swaps them", {"meta": {"epoch": 1}, "message_hub": {}, "state_dict": model.state_dict(),
                                    "ema_state_dict": {"steps": torch.tensor(4), **prefixed("module.", later.state_dict())}},
            model, "state_dict", others=["ema_state_dict"])
    f.loads("an average under a prefix", {"state_dict": {**prefixed("model.", model.state_dict()),
                                                         **prefixed("ema_model.module.", later.state_dict())}},
            later, "state_dict", "ema_model.module.", others=["state_dict.model"])

    from timm.utils import CheckpointSaver, ModelEmaV3  # what timm's train.py does
    v3 = ModelEmaV3(model, decay=0.5)
    v3.update(later)
    os.makedirs(f.at("timm"))
    saver = CheckpointSaver(model, torch.optim.SGD(model.parameters(), 0.1),
                            args=types.SimpleNamespace(model="rexnet_100"), model_ema=v3,
                            checkpoint_dir=f.at("timm"), recovery_dir=f.at("timm"))
    saver.args = None  # of train.py: an argparse.Namespace
    saver.save_checkpoint(1, 50.0)
    f.loads("timm's CheckpointSaver", f.at("timm/last.pth.tar"), v3.module, "state_dict_ema", "", others=["state_dict"])


def prefixes(f, model):
    """Case 14."""
    d = model.state_dict()
    for prefix in ("model.", "timm_model.", "encoder.", "net.", "a.b.c.", "features.", "module.model.", "_orig_mod.module.x.",
                   "model._orig_mod."):
        f.loads(f"prefix {prefix}", prefixed(prefix, d), model, "", prefix)
    f.loads("a Lightning checkpoint by hand", {"state_dict": {**prefixed("model.", d), "criterion.weight": torch.ones(7)},
                                               "hyper_parameters": {"lr": 0.1}, "callbacks": {}, "loops": {}},
            model, "state_dict", "model.", left_out=["criterion.weight"])
    save_file({k: v.contiguous().clone() for k, v in prefixed("timm_model.", d).items()}, f.at("p.safetensors"))
    f.loads("safetensors", f.at("p.safetensors"), model, "", "timm_model.")
    two = {**prefixed("student.", d), **prefixed("teacher.", network(2).state_dict())}
    f.refused("two prefixes", two, '"student", "teacher"')
    f.loads("two prefixes, by hand", two, model, "", "student.", options=("--key", "student"))
    f.loads("two prefixes, with a point", {"state_dict": two}, model, "state_dict", "student.",
            options=("--key", "state_dict.student."))
    backbone = {k: v for k, v in d.items() if not k.startswith("head.")}
    head = {k[len("head.fc."):]: v for k, v in d.items() if k.startswith("head.")}
    for prefix, layer in (("backbone.timm_model.", "head.fc."), ("backbone.", "classifier.1."), ("module.backbone.", "module.fc.")):
        f.loads(f"{prefix} and {layer}", {"meta": {}, "state_dict": {**prefixed(prefix, backbone), **prefixed(layer, head)}},
                model, "state_dict", prefix, notes="is taken for its classifier")
    mlp = {**prefixed("backbone.", backbone), "head.0.weight": torch.ones(16, 1280), "head.0.bias": torch.ones(16),
           "head.2.weight": torch.ones(7, 16), "head.2.bias": torch.ones(7)}
    f.refused("a head of another kind", mlp, "head.0.weight: beside the network")
    features = copy.deepcopy(model)
    features.reset_classifier(0)
    f.loads("the backbone alone, by hand", mlp, features, "", "backbone.", options=("--key", "backbone."))
    f.refused("a layer on top of the classes", {**prefixed("model.", d), "top.weight": torch.ones(3, 7)}, "top.weight")
    f.refused("a tensor within", {**prefixed("model.", d), "model.features.4.more": torch.ones(3)},
              'prefix "model.": features.4.more: unexpected')


def extras(f, model):
    """Case 15."""
    counted = copy.deepcopy(model)
    for module in counted.modules():
        module.register_buffer("total_ops", torch.zeros(1, dtype=torch.float64))
        module.register_buffer("total_params", torch.zeros(1, dtype=torch.float64))
    f.loads("thop's counters", counted.state_dict(), model)
    f.loads("counters of other types", {k: v.float() if k.endswith("tracked") else v for k, v in model.state_dict().items()},
            model)
    for half in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        cut = copy.deepcopy(model).requires_grad_(False).to(half)
        for i, module in enumerate(cut.modules()):
            if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)) and i % 3 != 0:
                prune.l1_unstructured(module, "weight", amount=0.3)
                if module.bias is not None:
                    prune.random_unstructured(module, "bias", amount=0.5)
        plain = copy.deepcopy(cut)
        for module in plain.modules():
            for name in ("weight", "bias"):
                if hasattr(module, name + "_orig"):
                    prune.remove(module, name)
        f.loads(f"pruned, {half}", prefixed("model.", cut.state_dict()), plain.float(), "", "model.", notes="multiplied out")
        f.loads(f"pruned and removed, {half}", plain.state_dict(), plain.float())
    lost = copy.deepcopy(model).requires_grad_(False)
    prune.l1_unstructured(lost.stem.conv, "weight", amount=0.3)
    f.refused("a mask that is missing", {k: v for k, v in lost.state_dict().items() if not k.endswith("_mask")},
              "its _orig is there without _mask")
    for label, parametrize in (("weight_norm", parametrizations.weight_norm), ("spectral_norm", parametrizations.spectral_norm),
                               ("weight_norm before 2.0", torch.nn.utils.weight_norm),
                               ("spectral_norm before 2.0", torch.nn.utils.spectral_norm)):
        odd = copy.deepcopy(model)
        parametrize(odd.head.fc)
        f.refused(label, odd.state_dict(), "a parametrized weight")
    trained = copy.deepcopy(model).train()
    for module in trained.modules():
        module.qconfig = torch.ao.quantization.get_default_qat_qconfig("fbgemm") if isinstance(module, torch.nn.Conv2d) else None
    f.refused("prepared for quantization", torch.ao.quantization.prepare_qat(trained).state_dict(), "a quantized model")
    try:
        import peft
        lora = peft.get_peft_model(copy.deepcopy(model), peft.LoraConfig(target_modules=["fc1", "fc2"], r=2))
        f.refused("a LoRA adapter", lora.state_dict(), "a LoRA adapter")
    except ImportError:
        print("  not tried: peft is not installed")


def lightning(f, model):
    try:
        import pytorch_lightning as pl
    except ImportError:
        return print("  not tried: pytorch_lightning is not installed")

    class task(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.save_hyperparameters({"lr": 0.1})
            self.model = copy.deepcopy(model)
            self.loss = torch.nn.CrossEntropyLoss(weight=torch.ones(7))

        def training_step(self, batch, _):
            return self.loss(self.model(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-3)

    data = torch.utils.data.TensorDataset(torch.randn(4, 3, 32, 32), torch.arange(4))
    trainer = pl.Trainer(max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, default_root_dir=f.path)
    module = task()
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=4))
    trainer.save_checkpoint(f.at("lightning.ckpt"))
    return f.loads("Lightning", f.at("lightning.ckpt"), module.model.eval(), "state_dict", "model.", left_out=["loss.weight"])


def same_preprocessing(f, label, path, wanted, options=()):
    """`wanted`: what timm.data.resolve_data_config() gives."""
    global count
    count += 1
    code, out, err = command("inspect", "--json", path, *options)
    if code != 0:
        return complain(label, err.strip())
    j = json.loads(out)
    p = j["preprocessing"]
    found = (p["input_size"], p["crop_pct"], p["interpolation"], p["mean"], p["std"])
    expected = (wanted["input_size"][1], wanted["crop_pct"], wanted["interpolation"], list(wanted["mean"]), list(wanted["std"]))
    if found != expected:
        complain(label, f"{found} instead of {expected}")
    return j


def hub(f):
    """Preprocessing and names: timm's hub folders and its own defaults."""
    from timm.data import resolve_data_config
    from timm.models._hub import load_model_config_from_path, save_for_hf
    for name in ("rexnet_100", "rexnetr_100", "rexnetr_130", "rexnetr_200", "rexnetr_300", "rexnet_130"):
        model = network(1, name, 5, None)
        path = f.at(name + ".pth")
        torch.save(model.state_dict(), path)
        for test, options in ((False, ()), (True, ("--input-size", str(model.pretrained_cfg.get("test_input_size") and
                                                                       model.pretrained_cfg["test_input_size"][1] or 224)))):
            j = same_preprocessing(f, name + "'s defaults", path,
                                   resolve_data_config(pretrained_cfg=model.pretrained_cfg, use_test_size=test), options)
            if j and not j["preprocessing"]["from"].startswith("defaults of rexnet" if "rexnetr" in name else "defaults of v1"):
                complain(name, j["preprocessing"]["from"])
        os.remove(path)
    odd = {"input_size": [3, 192, 192], "crop_pct": 0.9, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.21, 0.22),
           "interpolation": "bilinear"}
    names = ["caf\u00e9", "b", "c", "d", "e"]
    for safe in (True, False):
        for name, data, labels in (("rexnetr_200", None, None), ("rexnet_100", odd, names),
                                   ("rexnet_100", None, {str(i): n for i, n in enumerate(names)})):
            model = network(1, name, 5, None)
            at = f.at(f"hub {safe} {name} {labels is None} {data is None}")
            save_for_hf(model, at, model_config={"label_names": labels} if labels else None, safe_serialization=safe,
                        data_config=data)
            path = os.path.join(at, "model.safetensors" if safe else "pytorch_model.bin")
            cfg = load_model_config_from_path(at)[0]
            j = same_preprocessing(f, at, path, resolve_data_config(pretrained_cfg=cfg))
            if j and (j["labels"] != (names if labels else []) or j["preprocessing"]["from"] != "config.json"):
                complain(at, f"{j['labels']}, {j['preprocessing']['from']}, {j['notes']}")
            j = same_preprocessing(f, at + " without", path, resolve_data_config(pretrained_cfg=model.pretrained_cfg),
                                   ("--config", "none"))
            torch.save(network(1, "rexnet_130", 5, None).state_dict(), os.path.join(at, "other.pth"))
            j = same_preprocessing(f, "another network's config", os.path.join(at, "other.pth"),
                                   resolve_data_config(pretrained_cfg=timm.create_model("rexnet_130").pretrained_cfg))
            if j and (j["labels"] or not any("was not taken: it is of" in n for n in j["notes"])):
                complain("another network's config", j["notes"])
    try:
        from transformers import TimmWrapperConfig, TimmWrapperForImageClassification
    except ImportError:
        return print("  not tried: transformers is not installed")
    at = f.at("transformers")
    timm_cfg = timm.create_model("rexnet_100").pretrained_cfg
    config = TimmWrapperConfig(architecture="rexnet_100", pretrained_cfg={**timm_cfg, "crop_pct": 0.9},
                               id2label=dict(enumerate(names)), label2id={n: i for i, n in enumerate(names)})
    model = TimmWrapperForImageClassification(config).eval()
    model.save_pretrained(at)
    path = os.path.join(at, "model.safetensors")
    f.loads("transformers", path, lambda x: model(x).logits, "", "timm_model.")
    j = same_preprocessing(f, "transformers", path, resolve_data_config(pretrained_cfg={**timm_cfg, "crop_pct": 0.9}))
    if j and j["labels"] != names:
        complain("transformers", j["labels"])


def main():
    with tempfile.TemporaryDirectory() as path:
        f = folder(path)
        model = network(1)
        for part in (keys, averages, prefixes, extras, lightning):
            part(f, copy.deepcopy(model))
        hub(f)
    print(f"{count} files, {failures} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
