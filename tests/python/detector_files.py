#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens the files that programs write of detectors, and those of detectors that are none of this project's.

usage: detector_files.py DUMP_DETECTOR [FIXTURES]

Each file is written by the program that people use (torch, torchvision, safetensors, tools/train, and where it is installed
Lightning); the same weights must come out of all of them, with PyTorch's raw outputs. What is refused must be named.
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
from functools import partial
from pathlib import Path

try:
    import numpy
    import timm  # noqa: F401
    import torch
    import torchvision
    from safetensors.torch import save_file
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    from torchvision.models import detection as zoo
    from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
    from torchvision.models.detection.ssd import SSD, SSDHead
    from torchvision.models.detection.ssdlite import SSDLiteHead
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "train"))
import detector  # noqa: E402
from checkpoints import block_names  # noqa: E402
from rexnet_lite import RexnetLite  # noqa: E402

warnings.simplefilter("ignore")
DUMP = sys.argv[1]
FIXTURES = Path(sys.argv[2]) if len(sys.argv) > 2 else None
SIDE = 96
MOST_SECONDS = 2.0  # of a refusal; measured: 0.03, a sanitizer and other programs beside it
failures = 0
count = 0


def complain(label, what):
    global failures
    failures += 1
    print(f"WRONG: {label}: {what}")


def settle(model, seed):
    """Statistics that are not those of a fresh BatchNorm, heads that are not all alike."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for m in model.modules():
            if isinstance(m, torch.nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.1, generator=g)
                m.running_var.uniform_(0.8, 1.2, generator=g)
                m.weight.uniform_(0.8, 1.2, generator=g)
                m.bias.normal_(0, 0.1, generator=g)
                m.num_batches_tracked += 1
            elif isinstance(m, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(m.weight, generator=g)
                if m.bias is not None:
                    m.bias.normal_(0, 0.1, generator=g)
    return model.eval()


def network(seed=1, classes=3, name="rexnetv1", width=0.35):
    return settle(detector.create_detector(name, width, classes, (SIDE, SIDE)), seed)


class LiteMaps(torch.nn.Module):
    """detector.Maps of ReXNet lite under its official names."""

    def __init__(self, width):
        super().__init__()
        self.features = RexnetLite(width, 10).features
        self.tap = 3 + detector.TAP
        last = [m for m in self.features if isinstance(m, torch.nn.Conv2d)][-1].out_channels
        self.channels = [self.features[self.tap].out[-1].num_features, last, *detector.EXTRA_CHANNELS]
        norm = partial(torch.nn.BatchNorm2d, eps=0.001)
        self.extra = torch.nn.ModuleList(
            detector._extra_block(a, b, norm) for a, b in zip(self.channels[1:], self.channels[2:]))

    def forward(self, x):
        maps = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i == self.tap:
                maps.append(x)
        maps.append(x)
        for block in self.extra:
            maps.append(block(maps[-1]))
        return {str(i): m for i, m in enumerate(maps)}


def official(state):
    """timm's names of a backbone as the official network has them."""
    layers = {
        "stem.conv": "features.0",
        "stem.bn": "features.1",
        "features.16.conv": "features.19",
        "features.16.bn": "features.20",
    }
    for i in range(16):
        squeezed = f"backbone.features.{i}.se.fc1.weight" in state
        for place, name in block_names(i, squeezed).items():
            layers[f"features.{i}.{name}"] = f"features.{i + 3}.out.{place}"
    renamed = collections.OrderedDict()
    for key, tensor in state.items():
        layer, _, kind = key.removeprefix("backbone.").rpartition(".")
        renamed[f"backbone.{layers[layer]}.{kind}" if key.startswith("backbone.") and layer in layers else key] = tensor
    return renamed


class folder:
    def __init__(self, path):
        self.path = path
        self.image = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
        self.image.permute(0, 2, 3, 1).contiguous().numpy().tofile(self.at("in.f32"))
        self.saved = 0

    def at(self, name):
        return os.path.join(self.path, name)

    def file_of(self, content):
        """A path, or something to save."""
        if isinstance(content, str):
            return content
        self.saved += 1
        path = self.at(f"file{self.saved % 4}.pt")
        torch.save(content, path)
        return path

    def opened(self, content, key=""):
        global count
        count += 1
        path = self.file_of(content)
        done = subprocess.run([DUMP, *(("--key", key) if key else ()), path], capture_output=True, check=False)
        if done.returncode != 0:
            return [f"exit {done.returncode}", done.stderr.decode()]
        return done.stdout.decode().rstrip("\n").split("\t")

    def payload(self, state):
        """The checksum of the weights as they are in memory."""
        found = self.opened(dict(state))
        if found[0] != "detector":
            complain("a bare state dict", found)
        return found[6]

    def loads(self, label, content, payload, key="", prefix="", by_hand="", notes="", others="", left_out=""):
        found = self.opened(content, by_hand)
        if found[0] != "detector":
            return complain(label, found)
        if found[6] != payload:
            complain(label, "other weights")
        if found[4:6] != [key, prefix]:
            complain(label, f"key and prefix {found[4:6]}")
        if (notes == "") != (found[8] == "") or notes not in found[8]:
            complain(label, f"notes {found[8]}")
        if found[9:] != [others, left_out]:
            complain(label, f"others, left out {found[9:]}")
        return found

    def refused(self, label, content, *words):
        found = self.opened(content)
        if found[0] != "error" or not all(w in found[2] for w in words):
            return complain(label, found)
        if float(found[3]) > MOST_SECONDS:
            complain(label, f"took {found[3]} s")
        return None

    def outputs(self, label, content, model):
        """Raw outputs are PyTorch's."""
        path = self.file_of(content)
        done = subprocess.run([DUMP, "--run", str(SIDE), self.at("in.f32"), self.at("out.f32"), path],
                              capture_output=True, check=False)
        if done.returncode != 0:
            return complain(label, done.stderr.decode())
        with torch.no_grad():
            raw = model.head(list(model.backbone(self.image).values()))
        wanted = torch.cat([raw["cls_logits"].flatten(), raw["bbox_regression"].flatten()]).numpy()
        found = numpy.fromfile(self.at("out.f32"), numpy.float32)
        worst = abs(found - wanted).max() / abs(wanted).max() if found.shape == wanted.shape else None
        print(f"  {label}: outputs within {worst}")
        if worst is None or not worst < 1e-4:
            complain(label, f"outputs differ by {worst}")
        return None


def prefixed(prefix, d):
    return collections.OrderedDict((prefix + k, v) for k, v in d.items())


def forms(f, model):
    """What torch and those around it write."""
    d = model.state_dict()
    same = f.payload(d)
    f.outputs("v1", d, model)
    other = network(2)
    if f.payload(other.state_dict()) == same:
        complain("two networks", "the same payload")
    optimizer = torch.optim.SGD([p for p in model.parameters()], lr=0.1, momentum=0.9)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    # references/detection/train.py
    reference = {"model": d, "optimizer": optimizer.state_dict(), "epoch": 3,
                 "lr_scheduler": torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 5]).state_dict(),
                 "args": types.SimpleNamespace(model="ssdlite", epochs=660, data_path="/data/coco"), "scaler": {}}
    f.loads("torchvision's training script", reference, same, "model")
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    f.loads("an average of nothing", {"model": other.state_dict(), "model_ema": ema.state_dict()},
            f.payload(other.state_dict()), "model", notes="n_averaged is 0", others="model_ema")
    ema.update_parameters(model)
    f.loads("torchvision's with an average", {**reference, "model": other.state_dict(), "model_ema": ema.state_dict()}, same,
            "model_ema", "module.", others="model")
    f.loads("by hand", {**reference, "model_ema": other.state_dict()}, same, "model", by_hand="model", others="")
    f.loads("an average alone", ema.state_dict(), same, "", "module.")
    f.loads("DataParallel", torch.nn.DataParallel(model).state_dict(), same, "", "module.")
    f.loads("torch.compile", torch.compile(model).state_dict(), same, "", "_orig_mod.")
    inner = copy.deepcopy(model)
    inner.backbone = torch.compile(inner.backbone)
    f.loads("torch.compile of the backbone", inner.state_dict(), same)
    inner.backbone = torch.nn.DataParallel(inner.backbone)
    f.loads("both around the backbone", prefixed("model.", inner.state_dict()), same, "", "model.")
    f.loads("Lightning by hand", {"state_dict": {**prefixed("model.", d), "loss.weight": torch.ones(3, 4)}, "loops": {}},
            same, "state_dict", "model.", left_out="loss.weight")
    f.loads("two prefixes, one an average", {**prefixed("net.", other.state_dict()), **prefixed("ema_net.module.", d)}, same, "",
            "ema_net.module.", others="net.backbone", left_out="")
    f.loads("an average below the network's own names", {**other.state_dict(), **prefixed("ema.", d)}, same, "", "ema.",
            others="backbone")
    f.loads("the network above an average, by hand", {**d, **prefixed("ema.", other.state_dict())}, same, "", "",
            by_hand="backbone")
    f.refused("two detectors", {**prefixed("student.", d), **prefixed("teacher.", other.state_dict())},
              '"student.backbone", "teacher.backbone"')
    f.loads("one of them", {**prefixed("student.", d), **prefixed("teacher.", other.state_dict())}, same, "", "student.",
            by_hand="student")
    torch.save(d, f.at("legacy.pth"), _use_new_zipfile_serialization=False)
    f.loads("legacy", f.at("legacy.pth"), same)
    torch.save({"model": d, "epoch": 1}, f.at("legacy.pth"), _use_new_zipfile_serialization=False)
    f.loads("legacy with a key", f.at("legacy.pth"), same, "model")
    save_file({k: v.clone().contiguous() for k, v in d.items()}, f.at("d.safetensors"), metadata={"format": "pt"})
    f.loads("safetensors", f.at("d.safetensors"), same)
    save_file({"net." + k: v.clone().contiguous() for k, v in d.items()}, f.at("p.safetensors"))
    f.loads("safetensors with a prefix", f.at("p.safetensors"), same, "", "net.")
    for half in (torch.float16, torch.bfloat16):
        cut = {k: v.to(half) if v.is_floating_point() else v for k, v in d.items()}
        wide = {k: v.float() if v.is_floating_point() else v for k, v in cut.items()}
        f.loads(str(half), cut, f.payload(wide))
        save_file(cut, f.at("h.safetensors"))
        f.loads(f"{half} in safetensors", f.at("h.safetensors"), f.payload(wide))
    f.loads("double", copy.deepcopy(model).double().state_dict(), same)
    f.loads("channels last", copy.deepcopy(model).to(memory_format=torch.channels_last).state_dict(), same)
    f.loads("without counters", {k: v for k, v in d.items() if not k.endswith("num_batches_tracked")}, same)

    class raw_outputs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return tuple(self.model.head(list(self.model.backbone(x).values())).values())

    torch.jit.trace(raw_outputs(), f.image).save(f.at("script.pt"))
    f.refused("TorchScript", f.at("script.pt"), "a TorchScript archive")
    f.refused("a pickled module", model, "a pickled module of the class")
    f.refused("a pickled module with its optimizer", {"model": model, "optimizer": optimizer.state_dict()}, "a pickled module")
    return same


def lightning(f, model, same):
    try:
        import pytorch_lightning as pl
    except ImportError:
        return print("  not tried: pytorch_lightning is not installed")

    class task(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.detector = copy.deepcopy(model)

        def training_step(self, batch, _):
            return self.detector.head.classification_head.module_list[0][1].bias.sum() * 0

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.0)

    trainer = pl.Trainer(max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, default_root_dir=f.path)
    data = torch.utils.data.TensorDataset(torch.zeros(2, 1))
    trainer.fit(task(), torch.utils.data.DataLoader(data))
    trainer.save_checkpoint(f.at("lightning.ckpt"))
    return f.loads("Lightning", f.at("lightning.ckpt"), same, "state_dict", "detector.")


def own_training(f):
    """tools/train/detect.py."""
    try:
        import pycocotools  # noqa: F401
        from PIL import Image
    except ImportError as missing:
        return print(f"  not tried: {missing}")
    coco = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "box"}]}
    for i in range(4):
        Image.new("RGB", (100, 90), (40 * i, 90, 120)).save(f.at(f"{i}.png"))
        coco["images"].append({"id": i + 1, "file_name": f"{i}.png", "width": 100, "height": 90})
        coco["annotations"].append({"id": i + 1, "image_id": i + 1, "category_id": 1, "bbox": [10, 10, 40, 50], "area": 2000,
                                    "iscrowd": 0})
    Path(f.at("coco.json")).write_text(json.dumps(coco), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/train/detect.py"), "--train", f.at("coco.json"), "--val", f.at("coco.json"),
         "--output", f.at("run"), *"--rex-width-mult 0.35 --input-size 96 --epochs 1 --batch-size 2 --workers 0 --threads 1 "
         "--device cpu".split()], capture_output=True, check=False)
    if done.returncode != 0:
        return complain("detect.py", done.stderr.decode()[-500:])
    best = torch.load(f.at("run/best.pth"), weights_only=True)
    same = f.payload(best)
    f.loads("best.pth", f.at("run/best.pth"), same)
    last = torch.load(f.at("run/last.pth"), weights_only=True)
    found = f.loads("last.pth", f.at("run/last.pth"), f.payload(last["state_dict_ema"]), "state_dict_ema", others="state_dict")
    f.loads("last.pth, by hand", f.at("run/last.pth"), f.payload(last["state_dict"]), "state_dict", by_hand="state_dict")
    if found and found[1:4] != ["v1 0.35x", "2", "10"]:
        complain("last.pth", found)
    return None


def names(f, model, same):
    """The backbone under the official names, of v1 and lite; timm's rexnetr."""
    d = model.state_dict()
    theirs = official(d)
    if len(theirs) != len(d) or theirs.keys() & {"backbone.features.3.conv_dw.conv.weight"}:
        complain("official names", "the test's own translation")
    f.loads("official names", theirs, same)
    f.loads("official names in DataParallel", {"model": prefixed("module.", theirs)}, same, "model", "module.")
    inner = {k.replace("backbone.", "backbone._orig_mod.", 1): v for k, v in theirs.items()}
    f.loads("official names, compiled", inner, same)
    f.refused("official names with the classifier", {**theirs, "backbone.output.1.weight": torch.ones(10, 448, 1, 1),
                                                     "backbone.output.1.bias": torch.ones(10)},
              "backbone.output.1.weight: the backbone has a classifier still")
    f.refused("timm's names with the classifier", {**d, "backbone.head.fc.weight": torch.ones(10, 448),
                                                   "backbone.head.fc.bias": torch.ones(10)},
              "backbone.head.fc.weight: the backbone has a classifier still")
    r = network(4, 5, "rexnetr_100", None)
    f.outputs("rexnetr 1.0", r.state_dict(), r)
    found = f.opened(official(r.state_dict()))
    if found[:4] != ["detector", "rexnetr 1.0x", "6", "10"] or found[6] != f.payload(r.state_dict()):
        complain("rexnetr under official names", found)
    # Lite has no other names than the official ones. Its hidden layer belongs to the classifier.
    for width in (0.5, 1.0):
        lite = copy.deepcopy(model)
        lite.backbone = LiteMaps(width)
        lite.head = SSDLiteHead(lite.backbone.channels, [6] * 6, 4, partial(torch.nn.BatchNorm2d, eps=0.001))
        settle(lite, 6)
        found = f.opened(lite.state_dict())
        if found[:4] != ["detector", f"lite {width}x", "4", "10"]:
            complain("lite", found)
        f.outputs(f"lite {width}", lite.state_dict(), lite)
        whole = {**lite.state_dict(), **{"backbone." + k: v for k, v in RexnetLite(width, 10).state_dict().items()
                                         if k.startswith("output.")}}
        f.refused("lite with its classifier", whole, "backbone.output.0.weight: the backbone has a classifier still")
    if FIXTURES and (FIXTURES / "official_v1_0.5x_10c_zip.pth").exists():
        whole = torch.load(FIXTURES / "official_v1_0.5x_10c_zip.pth", weights_only=True)
        ours = torch.load(FIXTURES / "detection" / "ssdlite_050_320.pth", weights_only=True)
        begun = detector.create_detector("rexnetv1", 0.5, 3, (SIDE, SIDE)).eval()
        begun.load_state_dict(ours)
        f.outputs("the fixture", str(FIXTURES / "detection" / "ssdlite_050_320.pth"), begun)
        f.loads("the fixture's names translated", official(ours), f.payload(ours))
        detector.load_initial(begun, str(FIXTURES / "official_v1_0.5x_10c_zip.pth"))
        file = {**{k: v for k, v in ours.items() if not k.startswith(("backbone.stem", "backbone.features"))},
                **{"backbone." + k: v for k, v in whole.items() if not k.startswith("output.")}}
        for k, v in begun.state_dict().items():
            if k in file and not k.startswith("backbone.features"):
                file[k] = v
        f.outputs("the official file's features as a backbone", file, begun)
    else:
        print("  not tried: official checkpoints (no fixtures)")


def damages(f, model):
    """What is wrong is named."""
    d = model.state_dict()

    def without(*starts):
        return {k: v for k, v in d.items() if not k.startswith(starts)}

    def with_shape(name, *shape):
        return {**d, name: torch.zeros(shape)}

    logits, codes = "head.classification_head.module_list", "head.regression_head.module_list"
    for name in ("head.regression_head.module_list.3.1.bias", logits + ".0.0.0.weight", logits + ".5.0.1.running_var",
                 "backbone.extra.2.1.0.weight", "backbone.extra.0.2.1.bias"):
        f.refused(name, without(name), name + ": missing")
    f.refused("a block's tensor", without("backbone.features.7.conv_exp.bn.weight"),
              "backbone: features.7.conv_exp.bn.weight: missing (timm names)")
    f.refused("an extra block", without("backbone.extra.3."), "backbone.extra.3.0.0.weight: missing")
    f.refused("no heads", without("head."), "head.classification_head.module_list.0.0.0.weight: missing")
    f.refused("no regression head", without("head.regression_head"), codes + ".0.0.0.weight: missing")
    f.refused("no extra blocks", without("backbone.extra."), "backbone.extra.0.0.0.weight: missing")
    f.refused("a head between others", without(logits + ".2."), logits + ".2.0.0.weight: missing")
    f.refused("5 maps", without(logits + ".5.", codes + ".5.", "backbone.extra.3."), logits + ": heads on 5 maps, expected 6")
    more = {k.replace(".module_list.5.", ".module_list.6."): v for k, v in d.items() if ".module_list.5." in k}
    f.refused("7 maps", {**d, **more}, logits + ": heads on 7 maps, expected 6")
    f.refused("5 extra blocks", {**d, **{k.replace("extra.3.", "extra.4."): v for k, v in d.items() if "extra.3." in k}},
              "backbone.extra.4.0.0.weight: unexpected", "SSDLite on v1 0.35x")
    # A head on the expansion of a block, as MobileNetV3's SSDLite has it.
    wide = {k: torch.zeros(18, 500, 1, 1) if k == logits + ".0.1.weight" else v for k, v in d.items()}
    f.refused("another tap", wide, logits + ".0.1.weight: a head on 500 channels, which no block of stride 16 of v1 0.35x has")
    f.refused("another channel count", with_shape(logits + ".1.0.0.weight", 639, 1, 3, 3),
              logits + ".1.0.0.weight: expected [", "found [639,1,3,3]")
    f.refused("classes that differ", with_shape(logits + ".2.1.weight", 30, 512, 1, 1),
              logits + ".2.1.weight: expected [24,512,1,1]", "with 4 classes (the background is one), found [30,512,1,1]")
    f.refused("a bias of other classes", with_shape(logits + ".4.1.bias", 25), logits + ".4.1.bias: expected [24]", "found [25]")
    f.refused("codes that are not four", with_shape(codes + ".0.1.weight", 30, model.backbone.channels[0], 1, 1),
              codes + ".0.1.weight: 30 outputs, expected 24")
    f.refused("codes that are not four further on", with_shape(codes + ".3.1.weight", 30, 256, 1, 1),
              codes + ".3.1.weight: expected [24,256,1,1]")
    for classes in (3, 4):  # 3 x 4 outputs could be 2 classes of 6 boxes
        four = copy.deepcopy(model)
        anchors = DefaultBoxGenerator([[2]] * 6, min_ratio=0.2, max_ratio=0.95)
        four.head = SSDLiteHead(model.backbone.channels, anchors.num_anchors_per_location(), classes, torch.nn.BatchNorm2d)
        f.refused("4 boxes at a place", four.state_dict(), codes + ".0.1.weight: 16 outputs, expected 24")
    plain = copy.deepcopy(model)
    plain.head = SSDHead(model.backbone.channels, [6] * 6, 4)
    f.refused("SSD's heads", plain.state_dict(), logits + ".0.weight: a head of one layer, as SSD's")
    f.refused("a tensor too many", {**d, "head.more.weight": torch.ones(3)}, "head.more.weight: unexpected, shape [3]")
    for name in ("backbone.stem.conv.weight", "backbone.features.10.conv_pwl.bn.running_var", "backbone.extra.1.1.1.bias",
                 logits + ".3.1.weight", codes + ".0.0.1.running_mean"):
        for value in (float("nan"), float("inf")):
            sick = {k: v.clone() for k, v in d.items()}
            sick[name].view(-1)[2] = value
            f.refused(f"{value} in {name}", sick, name.replace("backbone.stem", "backbone: stem").replace(
                "backbone.features", "backbone: features") + ": element 2 of [", str(value))
    negative = {k: v.clone() for k, v in d.items()}
    negative["head.regression_head.module_list.4.0.1.running_var"][1] = -1
    f.refused("a negative variance", negative, "head.regression_head.module_list.4.0.1.running_var[1] is -1")
    f.refused("complex", {**d, logits + ".0.1.weight": d[logits + ".0.1.weight"].to(torch.complex64)}, "is not supported")
    f.refused("under a key and a prefix", {"model": prefixed("module.", without("backbone.extra.3."))},
              'key "model", prefix "module."', "backbone.extra.3.0.0.weight: missing")


def others(f):
    """Other detectors, with random weights. Each is said not to be a ReXNet, with some of its tensors."""
    none = {"weights": None, "weights_backbone": None}
    for build in (zoo.ssdlite320_mobilenet_v3_large, zoo.ssd300_vgg16, zoo.retinanet_resnet50_fpn, zoo.fasterrcnn_resnet50_fpn,
                  zoo.fasterrcnn_mobilenet_v3_large_fpn, zoo.fcos_resnet50_fpn, zoo.maskrcnn_resnet50_fpn):
        d = build(**none, num_classes=5).state_dict()
        for form in (d, {"model": prefixed("module.", d), "epoch": 1}):
            f.refused(build.__name__, form, "not a ReXNet state dict; it has ", "tensors: \"")
    # Detectors of other kinds on a ReXNet.
    model = network()
    d = model.state_dict()
    body = {k: v for k, v in d.items() if not k.startswith("head.") and ".extra." not in k}
    retina = zoo.retinanet_resnet50_fpn(**none, num_classes=5).state_dict()
    f.refused("RetinaNet's heads", {**body, **{k: v for k, v in retina.items() if k.startswith("head.")}},
              "head.classification_head.module_list: missing", "belongs to another kind of detector")
    f.refused("Faster R-CNN with a pyramid", {**{k.replace("backbone.", "backbone.body."): v for k, v in body.items()},
                                              "rpn.head.conv.weight": torch.ones(3, 3, 3, 3)},
              "rpn.head.conv.weight: beside the network")
    six = SSD(model.backbone, DefaultBoxGenerator([[2, 3]] * 6), (SIDE, SIDE), 4, head=SSDHead(model.backbone.channels, [6] * 6, 4))
    f.refused("SSD on a ReXNet", six.state_dict(), "a head of one layer, as SSD's")


def main():
    with tempfile.TemporaryDirectory() as path:
        f = folder(path)
        model = network()
        same = forms(f, model)
        lightning(f, model, same)
        own_training(f)
        names(f, model, same)
        damages(f, model)
        others(f)
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}: {count} files, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
