"""Weights of other projects: their networks are built here as those projects build them, saved, imported and compared.

Nothing of the importer is used for that: the nested U-Net, the ResNet in one sequence and GeneratorUNet are modules of
their own, with the layers and so the names of weights that the published files have.
"""

import json
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from pix2pix import Translator
from pix2pix.__main__ import main
from pix2pix.files import checkpoint, foreign
from pix2pix.files.foreign import ForeignError
from pix2pix.palette import CMP
from tests.rounding import SAME, rounding

Norm = Callable[[int], nn.Module]


def batch(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels)


def instance(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels)


def old_instance(channels: int) -> nn.Module:
    """As before PyTorch 0.4, whose files had running statistics that were not used."""
    return nn.InstanceNorm2d(channels, track_running_stats=True)


class Nested(nn.Module):
    """One level of the U-Net of pytorch-CycleGAN-and-pix2pix, around the next one."""

    def __init__(self, outer: int, inner: int, inside: nn.Module | None, norm: Norm, place: str, drop: bool, ins=None):
        super().__init__()
        bias = not isinstance(norm(1), nn.BatchNorm2d)
        self.outermost = place == "outermost"
        down = nn.Conv2d(ins or outer, inner, 4, 2, 1, bias=bias)
        up = nn.ConvTranspose2d(inner * (1 if inside is None else 2), outer, 4, 2, 1, bias=bias or self.outermost)
        layers: list[nn.Module]
        if inside is None:
            layers = [nn.LeakyReLU(0.2, True), down, nn.ReLU(True), up, norm(outer)]
        elif self.outermost:
            layers = [down, inside, nn.ReLU(True), up, nn.Tanh()]
        else:
            layers = [nn.LeakyReLU(0.2, True), down, norm(inner), inside, nn.ReLU(True), up, norm(outer)]
            layers += [nn.Dropout(0.5)] if drop else []
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class NestedUNet(nn.Module):
    def __init__(self, downs: int, ngf: int, norm: Norm, drop: bool):
        super().__init__()
        block: nn.Module = Nested(8 * ngf, 8 * ngf, None, norm, "innermost", False)
        for _ in range(downs - 5):
            block = Nested(8 * ngf, 8 * ngf, block, norm, "middle", drop)
        for factor in (4, 2, 1):
            block = Nested(factor * ngf, 2 * factor * ngf, block, norm, "middle", False)
        self.model = Nested(3, ngf, block, norm, "outermost", False, ins=3)

    def forward(self, a: Tensor) -> Tensor:
        return self.model(a)


class Residual(nn.Module):
    def __init__(self, channels: int, norm: Norm, drop: bool, bias: bool):
        super().__init__()
        pad, conv = lambda: nn.ReflectionPad2d(1), lambda: nn.Conv2d(channels, channels, 3, bias=bias)
        middle = [nn.Dropout(0.5)] if drop else []
        self.conv_block = nn.Sequential(
            pad(), conv(), norm(channels), nn.ReLU(True), *middle, pad(), conv(), norm(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class SequentialResNet(nn.Module):
    def __init__(self, blocks: int, ngf: int, norm: Norm, drop: bool):
        super().__init__()
        bias = not isinstance(norm(1), nn.BatchNorm2d)
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7, bias=bias), norm(ngf), nn.ReLU(True)]
        for width in (ngf, 2 * ngf):
            layers += [nn.Conv2d(width, 2 * width, 3, 2, 1, bias=bias), norm(2 * width), nn.ReLU(True)]
        layers += [Residual(4 * ngf, norm, drop, bias) for _ in range(blocks)]
        for width in (4 * ngf, 2 * ngf):
            up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1, bias=bias)
            layers += [up, norm(width // 2), nn.ReLU(True)]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())

    def forward(self, a: Tensor) -> Tensor:
        return self.model(a)


class Down(nn.Module):
    def __init__(self, ins: int, outs: int, norm: bool = True, drop: float = 0.0):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(ins, outs, 4, 2, 1, bias=False)]
        layers += [nn.InstanceNorm2d(outs)] if norm else []
        self.model = nn.Sequential(*layers, nn.LeakyReLU(0.2), *([nn.Dropout(drop)] if drop else []))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Up(nn.Module):
    def __init__(self, ins: int, outs: int, drop: float = 0.0):
        super().__init__()
        conv = nn.ConvTranspose2d(ins, outs, 4, 2, 1, bias=False)
        rest = [nn.Dropout(drop)] if drop else []
        self.model = nn.Sequential(conv, nn.InstanceNorm2d(outs), nn.ReLU(inplace=True), *rest)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return torch.cat((self.model(x), skip), 1)


class GeneratorUNet(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [3, 64, 128, 256, 512, 512, 512, 512, 512]
        for i in range(1, 9):
            setattr(self, f"down{i}", Down(widths[i - 1], widths[i], 1 < i < 8, 0.5 if i > 3 else 0.0))
        ups = [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
        for i, (ins, outs) in enumerate(ups, start=1):
            setattr(self, f"up{i}", Up(ins, outs, 0.5 if i < 5 else 0.0))
        self.final = nn.Sequential(
            nn.Upsample(scale_factor=2), nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(128, 3, 4, padding=1), nn.Tanh()
        )

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i in range(1, 9):
            x = getattr(self, f"down{i}")(x)
            skips.append(x)
        for i in range(1, 8):
            x = getattr(self, f"up{i}")(x, skips[7 - i])
        return self.final(x)


def trained(network: nn.Module) -> nn.Module:
    """As after a training: gains, biases and running statistics are not what they began with."""
    torch.manual_seed(0)
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            value.fill_(7)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2)
        elif value.ndim == 1:
            value.copy_(torch.randn_like(value) * 0.3 + (1 if "weight" in name else 0))
        else:
            value.normal_(0, 1 / (value[0].numel() ** 0.5))
    return network


@torch.inference_mode()
def made_by(network: nn.Module, a: Tensor) -> Tensor:
    """As the project's own test does: in training mode, one picture at a time; but without dropout."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    made = torch.cat([network(each[None]) for each in a])
    network.load_state_dict(state)  # which that changed the running statistics of
    return made


def save(network: nn.Module, path: Path, **how) -> Path:
    torch.save(network.state_dict(), path, **how)
    return path


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "unet_128 batch": lambda: NestedUNet(7, 8, batch, drop=False),
    "unet_128 batch dropout": lambda: NestedUNet(7, 8, batch, drop=True),
    "unet_128 instance": lambda: NestedUNet(7, 8, instance, drop=True),
    "unet_128 old instance": lambda: NestedUNet(7, 8, old_instance, drop=False),
    "unet_256 batch": lambda: NestedUNet(8, 64, batch, drop=True),
    "resnet_6blocks batch": lambda: SequentialResNet(6, 8, batch, drop=False),
    "resnet_6blocks instance dropout": lambda: SequentialResNet(6, 8, instance, drop=True),
    "resnet_9blocks batch dropout": lambda: SequentialResNet(9, 8, batch, drop=True),
    "resnet_9blocks instance": lambda: SequentialResNet(9, 64, instance, drop=False),
    "resnet_9blocks old instance": lambda: SequentialResNet(9, 8, old_instance, drop=False),
    "GeneratorUNet": GeneratorUNet,
}
PARAMETERS = {"unet_256 batch": 54_413_955, "resnet_9blocks instance": 11_378_179, "GeneratorUNet": 54_404_099}


@pytest.mark.parametrize("name", NETWORKS)
def test_an_imported_generator_makes_the_same(name: str, tmp_path: Path, runs: Path):
    network = trained(NETWORKS[name]())
    if name in PARAMETERS:  # the published ones: the builds above are theirs
        assert sum(weight.numel() for weight in network.parameters()) == PARAMETERS[name]
    path = save(network, tmp_path / "latest_net_G.pth")
    assert main(["import", str(path), "--name", "theirs"]) == 0
    generator, network = Translator.load("theirs").generator.double(), network.double()
    side = max(64, generator.needs.multiple)  # as small as a U-Net takes it; a ResNet takes any
    a = torch.rand(1, 3, side, side, dtype=torch.float64) * 2 - 1
    with torch.inference_mode():
        made, wanted = generator(a), made_by(network, a)
    assert (made - wanted).abs().max() < SAME
    assert wanted.std() > 0.01


@pytest.mark.parametrize(
    ("change", "bound"),
    [
        (lambda weights: {f"module.{key}": value for key, value in weights.items()}, SAME),
        (lambda weights: {key: value for key, value in weights.items() if "num_batches_tracked" not in key}, SAME),
        (lambda weights: {key: value for key, value in weights.items() if "running_" not in key}, SAME),
        (lambda weights: {"state_dict": weights, }, SAME),
        (lambda weights: {key: value.half().float() for key, value in weights.items()},
         rounding(layers=14, terms=1, dtype=torch.float16)),  # a weight that is off is so in each term alike
    ],
    ids=["module. before each name", "without num_batches_tracked", "without running statistics", "wrapped", "coarse"],
)  # fmt: skip
def test_files_of_many_makings_are_read(change: Callable, bound: float, tmp_path: Path):
    network = trained(NETWORKS["unet_128 batch"]())
    torch.save(change(dict(network.state_dict())), tmp_path / "G.pth")
    a = torch.rand(1, 3, 128, 128, dtype=torch.float64) * 2 - 1
    with torch.inference_mode():
        generator = foreign.read(tmp_path / "G.pth").double()
        assert (generator(a) - made_by(network.double(), a)).abs().max() < bound


def test_files_from_before_the_zip_format_are_read(tmp_path: Path):
    network = trained(NETWORKS["unet_128 batch"]())
    path = save(network, tmp_path / "G.pth", _use_new_zipfile_serialization=False)
    assert foreign.read(path).config.network == "junyanz-unet"


def test_an_ordered_dict_with_its_metadata_is_read(tmp_path: Path):
    """`state_dict()` has a `_metadata` attribute, which older files carry."""
    weights = NETWORKS["unet_128 batch"]().state_dict()
    assert isinstance(weights, OrderedDict)
    assert hasattr(weights, "_metadata")
    torch.save(weights, tmp_path / "G.pth")
    foreign.read(tmp_path / "G.pth")


@pytest.mark.parametrize("name", ["unet_128 batch", "resnet_6blocks batch"])
def test_the_averages_of_the_training_can_be_chosen(name: str, tmp_path: Path):
    network = trained(NETWORKS[name]())
    path = save(network, tmp_path / "G.pth")
    assert main(["import", str(path), "--name", "evaluated", "--statistics", "running"]) == 0
    a = torch.rand(2, 3, 128, 128, dtype=torch.float64) * 2 - 1
    generator, network = Translator.load("evaluated").generator.double(), network.double()
    with torch.inference_mode():
        assert (generator(a) - network.eval()(a)).abs().max() < SAME
        assert (generator(a) - made_by(network, a)).abs().max() > 1e-2


def test_averages_that_are_not_in_the_file_are_asked_for_in_vain(tmp_path: Path):
    weights = NETWORKS["unet_128 batch"]().state_dict()
    torch.save({key: value for key, value in weights.items() if "running" not in key}, tmp_path / "G.pth")
    with pytest.raises(ForeignError, match=r"G\.pth has no running statistics"):
        foreign.read(tmp_path / "G.pth", statistics="running")


def test_what_weights_do_not_tell_is_kept_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], runs: Path):
    path = save(NETWORKS["unet_128 batch"](), tmp_path / "facades_net_G.pth")
    options = ["--direction", "BtoA", "--a", "photo", "--b", "labels", "--palette", "cmp", "--licence", "BSD",
               "--dropout", "0.25", "--dataset", "facades"]  # fmt: skip
    assert main(["import", str(path), "--name", "houses", *options]) == 0
    read = checkpoint.read_metadata(runs / "houses" / "generator.safetensors")
    assert (read.source.kind, read.source.palette, read.target.kind) == ("labels", CMP, "photo")
    assert read.config.dropout == 0.25
    assert (read.licence, read.dataset, read.provenance) == ("BSD", "facades", "imported from facades_net_G.pth")
    assert json.loads(capsys.readouterr().out)["architecture"]["network"] == "junyanz-unet"
    picture = Image.new("RGB", (90, 60), CMP["facade"])
    plain, one, again, other = (Translator.load("houses")(picture, seed).tobytes() for seed in (None, 1, 1, 2))
    assert one == again
    assert len({plain, one, other}) == 3


@pytest.mark.parametrize(
    ("name", "dropout"),
    [("unet_128 batch", 0.5), ("resnet_6blocks batch", 0.0), ("resnet_6blocks instance dropout", 0.5)],
)
def test_dropout_is_told_by_a_resnet_and_else_supposed(name: str, dropout: float, tmp_path: Path):
    assert foreign.read(save(NETWORKS[name](), tmp_path / "G.pth")).config.dropout == dropout


@pytest.mark.parametrize("name", ["unet_128 instance", "resnet_6blocks batch"])
def test_an_imported_generator_takes_larger_pictures_and_is_exported(name: str, tmp_path: Path):
    path = save(trained(NETWORKS[name]()), tmp_path / "G.pth")
    assert main(["import", str(path), "--name", "theirs"]) == 0
    translator = Translator.load("theirs")
    assert translator(Image.new("RGB", (300, 170)), how="whole").size == (300, 170)
    assert main(["export", "theirs", str(tmp_path / "theirs.onnx")]) == 0
    assert {"InstanceNormalization"} <= {node.op_type for node in onnx.load(tmp_path / "theirs.onnx").graph.node}


# --- what is refused


def test_a_pickle_that_would_run_something_is_refused_with_the_reason(tmp_path: Path):
    class Harm:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'harm'}",)

    torch.save({"model.model.0.weight": Harm()}, tmp_path / "G.pth")
    with pytest.raises(ForeignError, match=r"G\.pth is refused: it would call (posix|nt)\.system"):
        foreign.read(tmp_path / "G.pth")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"encoder.weight": torch.zeros(2)}, "encoder.weight, …) are of no generator that is known"),
        ({"epoch": 3, "optimizer": {}}, "holds more than named weights"),
        (torch.zeros(3), "no state dict"),
        ({}, "none at all"),
    ],
)
def test_other_files_are_explained(content: object, message: str, tmp_path: Path):
    torch.save(content, tmp_path / "G.pth")
    with pytest.raises(ForeignError) as caught:
        foreign.read(tmp_path / "G.pth")
    assert message in str(caught.value)
    assert "G.pth" in str(caught.value)


def test_a_file_that_is_cut_off_or_no_file_is_named(tmp_path: Path):
    path = save(NETWORKS["unet_128 batch"](), tmp_path / "G.pth")
    path.write_bytes(path.read_bytes()[:5000])
    for each in (path, tmp_path / "nothing.pth"):
        with pytest.raises(ForeignError, match=each.name):
            foreign.read(each)
    (tmp_path / "text.pth").write_text("<html>404</html>")
    with pytest.raises(ForeignError, match=r"text\.pth"):
        foreign.read(tmp_path / "text.pth")


def test_missing_and_left_over_weights_are_named(tmp_path: Path):
    weights = NETWORKS["unet_128 batch"]().state_dict()
    del weights["model.model.3.bias"]
    torch.save(weights, tmp_path / "less.pth")
    with pytest.raises(ForeignError, match=r"less\.pth has no model\.model\.3\.bias"):
        foreign.read(tmp_path / "less.pth")
    torch.save(NETWORKS["unet_128 batch"]().state_dict() | {"extra.weight": torch.zeros(1)}, tmp_path / "more.pth")
    with pytest.raises(ForeignError, match=r"no place for: extra\.weight"):
        foreign.read(tmp_path / "more.pth")


def test_a_name_that_is_taken_or_no_name_is_refused(
    make_generator: Callable[..., Path], runs: Path, capsys: pytest.CaptureFixture[str]
):
    path = make_generator("boxes")
    assert main(["import", str(path), "--name", "boxes"]) == 0
    assert main(["import", str(path), "--name", "boxes"]) == 2
    assert "already a generator or a run named 'boxes'" in capsys.readouterr().err
    assert main(["import", str(path), "--name", "../boxes"]) == 2
    assert "must be of letters" in capsys.readouterr().err


def test_a_generator_of_ours_is_taken_as_it_is(make_generator: Callable[..., Path], runs: Path):
    path = make_generator("boxes")
    assert main(["import", str(path), "--name", "mine"]) == 0
    assert (runs / "mine" / "generator.safetensors").read_bytes() == path.read_bytes()
