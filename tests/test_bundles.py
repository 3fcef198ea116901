"""Weights as people have them: in bundles, of near relatives, of another size; what is no use is refused at import."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from pix2pix import Translator
from pix2pix.__main__ import main
from pix2pix.files import foreign
from pix2pix.files.bundles import ForeignError
from pix2pix.files.importing import About, import_generator
from tests.rounding import SAME
from tests.scenes import photo
from tests.test_foreign import NestedUNet, batch


def no_norm(_: int) -> nn.Module:
    return nn.Identity()


def unet(norm: Callable[[int], nn.Module] = batch, downs: int = 5) -> nn.Module:
    torch.manual_seed(0)
    network = NestedUNet(downs, 4, norm, False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats = False
            module.running_mean = module.running_var = None
    return network


class GlobalGenerator(nn.Module):
    """As pix2pixHD has it, at a small width."""

    def __init__(self, ngf: int = 4, downs: int = 4, blocks: int = 2) -> None:
        super().__init__()
        norm, act = nn.InstanceNorm2d, nn.ReLU
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7), norm(ngf), act()]
        for level in range(downs):
            width = ngf * 2**level
            layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), norm(2 * width), act()]
        width = ngf * 2**downs
        layers += [GlobalBlock(width) for _ in range(blocks)]
        for level in range(downs, 0, -1):
            width = ngf * 2**level
            up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1)
            layers += [up, norm(width // 2), act()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())

    def forward(self, a: Tensor) -> Tensor:
        return self.model(a)


class GlobalBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        half = lambda: [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]  # noqa: E731
        self.conv_block = nn.Sequential(*half(), nn.ReLU(True), *half())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


def save(content: Any, path: Path) -> Path:
    torch.save(content, path)
    return path


def seen_by(network: nn.Module, a: Tensor) -> Tensor:
    """In training mode, where batch norm takes the statistics of the picture; there is no dropout."""
    with torch.inference_mode():
        return network.train()(a)


G, D = unet().state_dict(), {"model.0.weight": torch.zeros(8, 6, 4, 4)}
BUNDLES: dict[str, Any] = {
    "alone": G,
    "G and D": {"G": G, "D": D, "epoch": 5},
    "state dicts": {"generator_state_dict": G, "discriminator_state_dict": D, "optimizer": {"lr": 0.1}},
    "gen": {"gen": G, "disc": D},
    "lightning": {"epoch": 3, "state_dict": {f"netG.{key}": value for key, value in G.items()}
                  | {f"netD.{key}": value for key, value in D.items()}},
    "parallel": {"netG": {f"module.{key}": value for key, value in G.items()}},
    "compiled": {f"_orig_mod.{key}": value for key, value in G.items()},
    "averaged": {"params_ema": G, "params": {"other": torch.zeros(1)}},
    "checkpoint": {"model": {"generator": G, "discriminator": D}},
}  # fmt: skip


@pytest.mark.parametrize("name", BUNDLES)
def test_the_generator_in_a_bundle_is_taken(tmp_path: Path, name: str):
    generator = foreign.read(save(BUNDLES[name], tmp_path / "bundle.pth"))
    a = torch.rand(1, 3, 32, 32, dtype=torch.float64) * 2 - 1
    with torch.inference_mode():
        assert (generator.double()(a) - seen_by(unet().double(), a)).abs().max() < SAME


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"D": D, "epoch": 5}, "no generator .* is among them: D, epoch"),
        ({"G_A": G, "G_B": G, "D_A": D}, "among them: G_A, G_B, D_A"),
        ({"generator": G, "netG": G}, "among them: generator, netG"),
        ([G], "among them: a list"),
        ({}, "none at all"),
    ],
)
def test_a_bundle_without_one_generator_is_said_with_what_it_holds(tmp_path: Path, content: Any, words: str):
    with pytest.raises(ForeignError, match=words):
        foreign.read(save(content, tmp_path / "bundle.pth"))


def test_a_web_page_is_called_one(tmp_path: Path):
    (tmp_path / "latest_net_G.pth").write_text("<!DOCTYPE html><html><body>Quota exceeded</body></html>")
    with pytest.raises(ForeignError, match="is a web page, not weights"):
        foreign.read(tmp_path / "latest_net_G.pth")


def test_without_a_norm_it_is_the_same(tmp_path: Path):
    network = unet(no_norm)
    weights = dict(network.state_dict())
    without = {key: value for key, value in weights.items() if key == "model.model.3.bias" or not key.endswith("bias")}
    network.load_state_dict({key: without.get(key, torch.zeros_like(value)) for key, value in weights.items()})
    generator = foreign.read(save(without, tmp_path / "G.pth"))
    assert generator.config.norm == "none"
    a = torch.rand(1, 3, 32, 32, dtype=torch.float64) * 2 - 1
    with torch.inference_mode():
        assert (generator.double()(a) - seen_by(network.double(), a)).abs().max() < SAME


@pytest.mark.parametrize("downs", [3, 4])
def test_pix2pixhds_global_generator_is_the_same(tmp_path: Path, downs: int):
    network = GlobalGenerator(downs=downs)
    generator = foreign.read(save(network.state_dict(), tmp_path / "latest_net_G.pth"))
    assert (generator.config.downs, generator.needs.multiple) == (downs, 2**downs)
    a = torch.rand(1, 3, 64, 96, dtype=torch.float64) * 2 - 1
    with torch.inference_mode():
        assert (generator.double()(a) - seen_by(network.double(), a)).abs().max() < SAME


def test_another_resnet_is_named(tmp_path: Path):
    weights = {"model.1.weight": torch.zeros(8, 3, 7, 7), "model.10.block.1.weight": torch.zeros(32, 32, 3, 3)}
    with pytest.raises(ForeignError, match="ResNet of PyTorch-GAN's CycleGAN"):
        foreign.read(save(weights, tmp_path / "G_AB.pth"))


def test_channels_that_are_no_picture_are_refused_at_import(tmp_path: Path, runs: Path):
    weights = dict(G) | {"model.model.0.weight": torch.zeros(4, 6, 4, 4)}
    with pytest.raises(ForeignError, match="it takes 6 channels; pictures have one or three"):
        import_generator(str(save(weights, tmp_path / "G.pth")), "six", About())
    assert not (runs / "six").exists()


def test_the_size_of_its_training_can_be_told(tmp_path: Path):
    """A network of 5 halvings that was trained at 64 sees 64 pixels, as its project's own test does."""
    path = save(G, tmp_path / "G.pth")
    import_generator(str(path), "told", About(image_size=64))
    translator = Translator.load("told", "cpu")
    assert translator.config.image_size == 64
    picture = Image.fromarray(photo(3))
    with torch.inference_mode():
        right = seen_by(unet(), torch.from_numpy(np.asarray(picture) / np.float32(127.5) - 1).permute(2, 0, 1)[None])
    right = (right[0].permute(1, 2, 0).numpy() + 1) * 127.5
    assert np.abs(np.asarray(translator(picture)) - right).max() < 2.5, "grey levels: weights are kept in fp16"
    import_generator(str(path), "untold", About())
    assert Translator.load("untold", "cpu").config.image_size == 32


@pytest.mark.parametrize("size", [16, 33, 100, 4096])
def test_a_size_that_it_cannot_halve_as_often_is_refused(tmp_path: Path, size: int):
    with pytest.raises(ForeignError, match=f"must be a multiple of 32, at most 2048, not {size}"):
        foreign.read(save(G, tmp_path / "G.pth"), image_size=size)


def test_the_command_line_says_at_which_size_it_sees(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = str(save(G, tmp_path / "G.pth"))
    assert main(["import", path, "--name", "one"]) == 0
    assert "It sees pictures at 32 pixels" in capsys.readouterr().err
    assert main(["import", path, "--name", "two", "--image-size", "96"]) == 0
    said = capsys.readouterr()
    assert '"image_size": 96' in said.out
    assert "It sees pictures" not in said.err
