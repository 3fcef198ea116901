"""Weights as people have them: in bundles, of near relatives, of another size; what is no use is refused at import."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from pix2pix import Translator
from pix2pix.__main__ import main
from pix2pix.files import foreign
from pix2pix.files.bundles import ForeignError
from pix2pix.files.export import export
from pix2pix.files.importing import About, import_generator
from pix2pix.files.places import GENERATOR_FILE
from tests.rounding import SAME
from tests.scenes import photo
from tests.test_foreign import NestedUNet, batch
from ui.draw.canvas import describe


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
    """As pix2pixHD has it, at a small width: its convolutions have biases, whatever the norm."""

    def __init__(self, ngf: int = 4, downs: int = 4, blocks: int = 2, norm: type[nn.Module] = nn.InstanceNorm2d):
        super().__init__()
        act = nn.ReLU
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7), norm(ngf), act()]
        for level in range(downs):
            width = ngf * 2**level
            layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), norm(2 * width), act()]
        width = ngf * 2**downs
        layers += [GlobalBlock(width, norm) for _ in range(blocks)]
        for level in range(downs, 0, -1):
            width = ngf * 2**level
            up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1)
            layers += [up, norm(width // 2), act()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())

    def forward(self, a: Tensor) -> Tensor:
        return self.model(a)


class GlobalBlock(nn.Module):
    def __init__(self, width: int, norm: type[nn.Module]) -> None:
        super().__init__()
        half = lambda: [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width)]  # noqa: E731
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
        ({"G_A": G, "G_B": G, "D_A": D}, "more than one generator is among them: G_A, G_B, D_A"),
        ({"generator": G, "netG": G}, "more than one generator is among them: generator, netG"),
        ({"G_A2B": G, "G_B2A": G}, "more than one generator is among them: G_A2B, G_B2A"),
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


@pytest.mark.parametrize("statistics", ["picture", "running"])
def test_pix2pixhds_batch_norm_is_the_same_though_its_convolutions_have_biases(
    tmp_path: Path, statistics: foreign.Statistics
):
    torch.manual_seed(1)
    network = GlobalGenerator(downs=2, norm=nn.BatchNorm2d)
    a = torch.rand(1, 3, 64, 64) * 2 - 1
    for _ in range(30):  # until its averages are some of such pictures
        seen_by(network, a)
    generator = foreign.read(save(network.state_dict(), tmp_path / "G.pth"), statistics=statistics)
    assert generator.config.norm == "batch"
    with torch.inference_mode():
        expected = network.train(statistics == "picture")(a)
        assert expected.std() > 0.1
        assert (generator(a) - expected).abs().max() < 1e-3


R = GlobalGenerator().state_dict()
STRANGERS: dict[str, tuple[Any, str]] = {
    "PyTorch-GAN": ({"model.1.weight": torch.zeros(8, 3, 7, 7), "model.10.block.1.weight": torch.zeros(32, 32, 3, 3)},
                    "ResNet of PyTorch-GAN's CycleGAN"),
    "LocalEnhancer": (dict(list(R.items())[:-2]) | {"model1_1.1.weight": torch.zeros(2, 3, 7, 7)},
                      "LocalEnhancer of pix2pixHD"),
    "CUT": (R | {"model.7.filt": torch.zeros(8, 1, 3, 3)}, "ResNet of CUT"),
    "SPADE": ({"fc.weight": torch.zeros(4, 3, 3, 3), "head_0.conv_0.bias": torch.zeros(4)}, "SPADE"),
    "a discriminator": (D, "are of no generator that is known here"),
    "of label maps": (R | {"model.1.weight": torch.zeros(4, 36, 7, 7)}, "it takes 36 channels"),
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGERS)
def test_another_architecture_is_named_and_not_called_damaged(tmp_path: Path, runs: Path, name: str):
    weights, words = STRANGERS[name]
    with pytest.raises(ForeignError, match=words) as raised:
        import_generator(str(save(weights, tmp_path / "G.pth")), "strange", About())
    assert "lacks" not in str(raised.value)
    assert not (runs / "strange").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1f\nsize 217\n", "a pointer of Git LFS"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "no file of PyTorch weights: it is HDF5, as Keras has it"),
        (b"PK\3\4" + bytes(500), "no whole file of PyTorch weights: it is cut off"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "more than weights, or is damaged"),
    ],
)
def test_what_is_no_file_of_weights_is_said_to_be_what_it_is(tmp_path: Path, content: bytes, words: str):
    (tmp_path / "G.pth").write_bytes(content)
    with pytest.raises(ForeignError, match=words):
        foreign.read(tmp_path / "G.pth")


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


def test_the_size_that_was_told_holds_for_everything_that_is_made_of_it(tmp_path: Path, runs: Path):
    """Not for translating alone: ONNX, and what the Draw tab knows of it, are of that size too."""
    import_generator(str(save(G, tmp_path / "G.pth")), "told", About(image_size=64))
    assert describe("told", runs / "told" / GENERATOR_FILE)["size"] == 64
    export("told", tmp_path / "told.onnx")
    (given,) = onnxruntime.InferenceSession(tmp_path / "told.onnx").get_inputs()
    assert given.shape[2:] == [64, 64]
