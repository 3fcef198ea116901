"""The settings of a training run: one dataclass, behind the command line, the Train tab and config.json alike."""

import ast
import inspect
import json
import re
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from itertools import pairwise
from math import inf
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_type_hints
from urllib.parse import urlsplit

from pix2pix.validation import parse_json, validate

Direction = Literal["AtoB", "BtoA"]
Layout = Literal["auto", "pairs", "stacked", "thirds-12", "thirds-13", "thirds-23", "folders", "photos"]
Kind = Literal["image", "edges", "photo", "labels"]
Precision = Literal["auto", "fp32", "bf16"]
Tracker = Literal["none", "tensorboard", "trackio", "wandb"]


Preset = Literal["quick", "recommended", "paper"]
ObjectiveName = Literal["paper", "recommended"]

# Of what is minimised: the paper's, and ours, which looks for materials as well as for shapes (docs/experiments.md).
OBJECTIVES: dict[ObjectiveName, dict[str, Any]] = {
    "paper": {},
    "recommended": {"lambda_l1": 20.0, "lambda_perceptual": 20.0, "lambda_colour": 50.0, "lambda_projected": 1.0,
                    "lambda_activation": 0.004, "beta2": 0.99, "ema": 0.998, "checkerboard_free": True},
}  # fmt: skip

# What to begin with: the paper's recipe is TrainConfig's own defaults.
PRESETS: dict[Preset, dict[str, Any]] = {
    "quick": {"crop_size": 128, "load_size": 143, "ngf": 32, "ndf": 32, "steps": 2000,
              "log_every": 20, "preview_every": 100, "save_every": 200},
    "recommended": {"ngf": 32, "ndf": 32, "steps": 6000, "decay_steps": 1500,
                    "log_every": 50, "preview_every": 250, "save_every": 500} | OBJECTIVES["recommended"],
    "paper": {},
}  # fmt: skip


# Of the facades that are drawn by code, from their labels to the picture.
DEMO_SETTINGS: dict[str, Any] = {
    "direction": "BtoA", "a": "photo", "b": "labels", "palette": "cmp", "licence": "MIT",
    "provenance": "Facades drawn by code.",
}  # fmt: skip


# What settings were called up to version 0.1: config.json files and commands of then keep working.
FORMER_NAMES = {
    "class_planes": "one_hot",
    "lambda_features": "lambda_feature_matching",
    "lambda_spikes": "lambda_activation",
    "smooth": "checkerboard_free",
    "wander": "random_affine",
}


class Bounds(NamedTuple):
    """Of a setting that is a number, both among what is allowed."""

    least: float
    most: float
    why: str
    """that it may not be more"""


LONGEST = 100_000_000  # steps: a year at three a second
EXACT = 2**53 - 1  # up to which JSON and browsers keep every whole number
MOST_TEXT = 10_000  # characters of a setting that is words

Share = Annotated[float, Bounds(0, 1, "it is a share")]
Rate = Annotated[float, Bounds(0, 10, "Adam moves each weight by about that much in a step, and they begin at 0.02")]
Weight = Annotated[float, Bounds(0, 1_000_000, "beside such a term no other counts in 32 bits")]
Count = Annotated[int, Bounds(0, LONGEST, "no training has more steps")]
Interval = Annotated[int, Bounds(1, LONGEST, "no training has more steps")]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """All that decides a run. The defaults are the paper's recipe, as the original notebook runs it."""

    name: str
    """name of the run, and of the generator it makes: letters, digits, dot, dash and underscore"""
    dataset: str
    """folder of pairs side by side or in two folders, or of photos alone"""
    layout: Layout = "auto"
    """how the pairs lie in the folder: side by side (pairs), A above B (stacked), two of three in a row (thirds-12 …),
    in two folders, or photos alone; auto looks at names and pictures, and asks where these do not decide"""
    folders: tuple[str, ...] = ()
    """names of the two folders that are A and B (masks images), or of the only one that counts"""
    direction: Direction = "AtoB"
    """A is the left half (or folder A): AtoB learns left to right, BtoA right to left"""
    a: Kind = "image"
    """what A shows; tells the app which drawing tools to offer (photos alone: always edges to photo)"""
    b: Kind = "image"
    """what B shows"""
    palette: str = "none"
    """snap the label colours of the input to a palette: cmp is the 12 facade classes, others are listed as
    wall=#0030ff,window=#027fff; names that begin with numbers (0 wall=#0030ff) are for files that hold these"""
    one_hot: bool = False
    """let the network see a palette's colours one-hot encoded, as one plane per class"""
    target_palette: str = "none"
    """the same for a target of label maps; files that hold the numbers of classes get both by themselves"""
    line_width: Annotated[float, Bounds(0, 100, "no line of a drawing is a tenth of the largest picture wide")] = 0.0
    """width in pixels that the Draw tab gives the lines of an input; 0 takes 1.5 for photos alone, else 1"""
    leave_out: tuple[str, ...] = ()
    """pairs to leave out, by the path of A's file below the folder: the dataset doctor lists blank ones and copies"""

    scale_a: str = "auto"
    """which values of A's files are black and white, where these have over 8 bits, as 0..4095; auto measures them"""
    scale_b: str = "auto"
    """the same for B, and for photos alone"""
    colour_hints: bool = False
    """give half of the line drawings coloured strokes to learn from, and, of photos alone, all of what is neither grey
    nor brown: a red stroke then makes a red shoe"""

    load_size: Annotated[
        int, Bounds(1, 4096, "four times the largest crop: of a larger picture a crop shows nearly nothing")
    ] = 286
    """each picture is resized to a square of this size, in pixels ..."""
    crop_size: int = 256
    """... of which training sees a random crop of this size: a power of two, 32 to 1024"""
    flip: bool = True
    """mirror half of the training pairs"""
    random_affine: bool = False
    """augment photos by random affine maps: half are seen smaller, turned and off the middle, as people draw, and some
    with a gap (photos alone)"""

    ngf: Annotated[int, Bounds(1, 256, "a generator of that width takes 14 GB to train, before the first picture")] = 64
    """width of the generator's first layer"""
    ndf: Annotated[
        int, Bounds(1, 512, "a discriminator of that width takes 3 GB to train, before the first picture")
    ] = 64
    """width of the discriminator's first layer"""
    n_layers: Annotated[int, Bounds(1, 8, "each layer halves the picture, and the largest has 1,024 pixels")] = 3
    """depth of the PatchGAN discriminator; 3 judges patches of 70x70 pixels"""
    dropout: Share = 0.5
    """dropout rate of the three innermost up-blocks"""

    checkerboard_free: bool = False
    """hold the outer up-convolutions to kernels that leave an even area even, so that none draws a checkerboard"""

    init_from: str = ""
    """a generator to begin from: a name, a path or hf://owner/name; ngf and crop_size must be its own"""
    distil_from: str = ""
    """a generator whose pictures are the targets, in place of B, so that a narrower one (half its ngf, say) learns to
    draw as it does: a name, a path or hf://owner/name; crop_size must be its own"""
    ema: Share = 0.0
    """if over 0 (say 0.999), what is saved is G's moving average, of this decay per step, which is smoother"""

    epochs: Annotated[int, Bounds(0, 1_000_000, "no training takes that long")] = 200
    """times to go through the dataset (if steps is 0)"""
    steps: Annotated[int, Bounds(0, LONGEST, "a year at three steps a second")] = 0
    """updates to make in all; 0 leaves it to epochs"""
    decay_steps: Count = 0
    """how many of the last steps lower the learning rate linearly to zero; it is constant before them"""
    batch_size: Annotated[int, Bounds(1, 1024, "of most datasets an epoch would be less than a step")] = 1
    """pairs per step; each image is normalised alone, so over 1 departs from the original's batch statistics"""
    lr: Rate = 2e-4
    """Adam's learning rate, of both networks"""
    lr_D: Rate = 0.0
    """the discriminator's own learning rate, for when it wins; 0 takes lr"""
    beta1: Share = 0.5
    """Adam's first momentum"""
    beta2: Share = 0.999
    """Adam's second momentum"""
    lambda_l1: Weight = 100.0
    """weight of the L1 term in the generator's objective"""
    lambda_feature_matching: Weight = 0.0
    """weight of feature matching, as pix2pixHD has it (there: 10); 0 is the paper's objective"""
    lambda_activation: Weight = 0.0
    """weight of a penalty on large activations of the generator, which grow into blots that never move (say 0.004)"""
    lambda_perceptual: Weight = 0.0
    """weight of the perceptual term: how differently a network that was trained on photos sees the fake and B (say 20,
    with lambda_l1 at 20)"""
    lambda_colour: Weight = 0.0
    """weight of a further L1 term of mean colours, of squares of 16 pixels, where lambda_l1 is small (say 50); pairs
    whose input has no colour do not count in it"""
    lambda_projected: Weight = 0.0
    """weight of further discriminators, on what that network sees in A and B (say 1)"""
    l1_steps: Count = 0
    """how many of the first steps train G by the L1 term alone, without D: it learns colours before textures"""
    seed: Annotated[int, Bounds(0, EXACT, "larger whole numbers change on their way through a browser")] = 0
    """decides the initial weights, the order, the crops and the dropout"""

    device: str = "auto"
    """auto, cpu, mps, cuda or cuda:N; auto takes CUDA, then MPS, then the CPU"""
    precision: Precision = "auto"
    """of the convolutions; auto: bf16 where the device has units for it (NVIDIA from Ampere on; AMX or AVX512_BF16),
    else fp32"""
    compile: bool = False
    """let torch.compile write the networks' kernels, and a single GPU replay the step as a CUDA graph: worth the
    minutes it takes there; CPUs are slower with it"""
    num_processes: Annotated[int, Bounds(1, 64, "no machine has more GPUs")] = 1
    """GPUs to train on at once when started from the app, under `accelerate launch` (on a CPU that starts just one)"""
    log_every: Interval = 50
    """steps between lines of metrics"""
    preview_every: Interval = 200
    """steps between previews"""
    save_every: Interval = 500
    """steps between saves of the whole state: what a crash can cost at most"""
    log_to: Tracker = "none"
    """a tracker that follows the training as well, where it is installed: it gets figures, and previews if it takes
    pictures; tensorboard writes them into the run's folder tracker"""
    notify: str = ""
    """address (https://…) that gets a line of JSON by POST when the training ends and when the coach warns; whatever
    becomes of it, the training goes on"""

    licence: str = "unknown"
    """licence or terms of the trained generator, kept in its file"""
    provenance: str = ""
    """where the data came from, in words, kept in the generator's file"""

    def __post_init__(self) -> None:
        """Raises ValueError, naming the setting, when a value makes no sense."""
        _require(
            0 < len(self.name) <= 100 and not set(self.name) - _NAME_CHARACTERS and self.name[0] not in ".-",
            f"name {self.name!r} must be letters, digits, dot, dash and underscore, not starting with dot or dash",
        )
        _require(bool(self.dataset), "dataset is empty: give a folder of images")
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            _require(value in allowed, f"{name} {value!r} is not one of {', '.join(allowed)}")
        for name in ("palette", "target_palette"):
            _require(
                _PALETTE.fullmatch(palette := getattr(self, name)) is not None,
                f"{name} {palette!r} is not none, cmp or a list such as wall=#0030ff,window=#027fff",
            )
        for name in ("scale_a", "scale_b"):
            _require(
                _SCALE.fullmatch(scale := getattr(self, name)) is not None,
                f"{name} {scale!r} is not auto or a scale of grey values such as 0..4095 or -1024..3071",
            )
        _require(len(self.folders) <= 2, "folders takes two names, of A and B, or one: the only one that counts")
        for name in _SHARES:
            _require(0 <= getattr(self, name) < 1, f"{name} {getattr(self, name)} is not in [0, 1)")
        _require(0 < self.lr < inf, f"lr {self.lr} must be above 0")
        for name, bounds in bounds_of_settings().items():
            value = getattr(self, name)
            positive = bounds.least == 1
            below = f"{name} {value} must be 1 or more" if positive else f"{name} {value} must not be negative"
            _require(bounds.least <= value, below)
            _require(value <= bounds.most, f"{name} {value:.15g} is over {bounds.most:,}: {bounds.why}")
        _require(self.crop_size in _SIZES, f"crop_size {self.crop_size} is not one of {', '.join(map(str, _SIZES))}")
        _require(self.load_size >= self.crop_size, f"load_size {self.load_size} is below crop_size {self.crop_size}")
        _require(
            self.crop_size >> self.n_layers >= SMALLEST_PATCHES,
            f"n_layers {self.n_layers} leaves nothing of a picture of crop_size {self.crop_size}: give fewer",
        )
        _require(self.steps > 0 or self.epochs > 0, "steps and epochs are both 0: nothing to train")
        _require(
            not self.notify or _is_address(self.notify),
            f"notify {self.notify[:100]!r} is not an address that begins with http:// or https://",
        )
        for name in _WORDS:
            _require(len(getattr(self, name)) <= MOST_TEXT, f"{name} has more than {MOST_TEXT:,} characters")

    @property
    def has_perceptual_terms(self) -> bool:
        """Whether the objective looks at pictures with the frozen network."""
        return bool(self.lambda_perceptual or self.lambda_projected)

    @property
    def best_by(self) -> str:
        """The figure of val that the best generator has the lowest of. L1 prefers blurs."""
        return "val_perceptual" if self.has_perceptual_terms else "val_L1"

    def to_json(self) -> str:
        """What config.json holds: all settings, each by its name."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Settings of a later version that this one does not know are an error; missing ones take their default.

        FORMER_NAMES are understood.
        """
        values = parse_json(text)
        _require(isinstance(values, dict), "it is no JSON object with settings")
        for former, name in FORMER_NAMES.items():
            if former in values:
                _require(name not in values, f"{former} and {name} are the same setting: it has both")
                values[name] = values.pop(former)
        unknown = set(values) - {field.name for field in fields(cls)}
        _require(not unknown, f"unknown settings: {', '.join(sorted(unknown))}")
        return validate(cls, values)

    def with_changes(self, **changes: Any) -> Self:
        """The same settings but for these. Raises ValueError as the constructor does."""
        return replace(self, **changes)


_CHOICES = {
    "layout": get_args(Layout),
    "direction": get_args(Direction),
    "a": get_args(Kind),
    "b": get_args(Kind),
    "precision": get_args(Precision),
    "log_to": get_args(Tracker),
}
_SCALE = re.compile(r"auto|-?[\d.]+(e[-+]?\d+)?\.\.-?[\d.]+(e[-+]?\d+)?", re.IGNORECASE)
_PALETTE = re.compile(r"none|cmp|([^=,#]+=)?#[0-9a-fA-F]{6}(,([^=,#]+=)?#[0-9a-fA-F]{6})*")
_SHARES = ("dropout", "beta1", "beta2", "ema")
_WORDS = ("dataset", "palette", "target_palette", "init_from", "distil_from", "licence", "provenance", "notify")
SMALLEST_PATCHES = 4  # pixels a side of what the discriminator's last two layers take
_SIZES = (32, 64, 128, 256, 512, 1024)
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


@cache
def bounds_of_settings() -> dict[str, Bounds]:
    """Of each setting that is a number."""
    hints = get_type_hints(TrainConfig, include_extras=True)
    return {name: bounds for name, hint in hints.items() for bounds in getattr(hint, "__metadata__", ())}


def help_of_settings() -> dict[str, str]:
    """What is written under each setting above, which the command line's --help and the Train tab both show."""
    (definition,) = (node for node in ast.parse(inspect.getsource(TrainConfig)).body if isinstance(node, ast.ClassDef))
    texts = {}
    for field_, text in pairwise(definition.body):
        if isinstance(field_, ast.AnnAssign) and isinstance(field_.target, ast.Name) and isinstance(text, ast.Expr):
            texts[field_.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return texts


def _is_address(text: str) -> bool:
    """Of the web, with a host, and a port that is a number if any; without a space."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not re.search(r"\s", text)
        )
    except ValueError:
        return False


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
