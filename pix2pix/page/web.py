"""A generator as one HTML file that opens from disk: the drawing page, onnxruntime-web, and the weights in 8 bits.

The page is the Draw tab's own; where the app would ask its server, a worker in the browser computes the picture.
"""

import base64
import gzip
import html
import json
import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pix2pix import images
from pix2pix.files.checkpoint import Metadata
from pix2pix.files.export import ExportError, to_onnx
from pix2pix.files.places import atomic_write
from pix2pix.inference import Translator
from pix2pix.input_checks import bounds_and_words
from pix2pix.page import language, page
from pix2pix.page.page import fitting
from pix2pix.samples import draw

if TYPE_CHECKING:
    import onnx

HERE = Path(__file__).parent / "offline"
RUNTIME = HERE / "vendor" / "ort-wasm-simd.jsep.wasm.xz"  # of onnxruntime-web 1.17.3, the last that needs no threads
OPENING = (page.PAGE / "computing.js", HERE / "remark.js", HERE / "page.js")  # what answers in place of a server
SCRIPT = HERE / "vendor" / "ort.webgpu.min.js"
BITS = (8, 16)  # of a weight; the second where the first is not close enough
CLOSE = 3.0  # grey levels, of 255, by which the pictures may differ on average


@dataclass(frozen=True)
class WebPage:
    """A file that was written. `difference` to PyTorch is in grey levels, on average over the sample drawings."""

    path: Path
    bits: int
    difference: float

    def describe(self) -> str:
        size = self.path.stat().st_size / 1e6
        return (
            f"{self.path}: {size:.1f} MB, weights in {self.bits} bits; "
            f"{self.difference:.2f} grey levels from PyTorch on average. Open it in a browser: it needs no network."
        )


@dataclass(frozen=True)
class Parts:
    """What a browser needs to compute a generator's pictures, beside the runtime; both files are gzip."""

    model: dict[str, Any]  # what the page needs to know of it
    table: dict[str, Any]  # where the kernels go
    graph: bytes
    weights: bytes
    bits: int
    difference: float


@dataclass(frozen=True)
class Packed:
    """An ONNX file whose kernels are whole numbers, with a scale for each of their rows (along the first axis)."""

    rest: bytes  # the file without its kernels
    kernels: list[tuple[int, int, int]]  # of each: where it goes in `rest`, how many rows it has, and how long
    weights: bytes  # the scales in fp32, then the numbers
    bits: int  # of a number


def export_web(name: str | Path, path: str | Path) -> WebPage:
    """Writes the page of the generator of that name. Raises CheckpointError or ExportError."""
    path = Path(path)
    if path.suffix != ".html":
        raise ExportError(f"{path}: the name must end in .html")
    translator = Translator.load(name, "cpu")
    parts = parts_of(translator)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_text(_html(translator.metadata, parts), encoding="utf-8")
    return WebPage(path, parts.bits, parts.difference)


def parts_of(translator: Translator) -> Parts:
    """Raises ExportError for a generator whose pictures would be others."""
    about = translator.metadata
    network = to_onnx(translator.generator)
    packed = pack(network, BITS[0])
    if (difference := _difference(translator, packed)) > CLOSE:
        packed = pack(network, BITS[1])
        difference = _difference(translator, packed)
    if difference > CLOSE:
        raise ExportError(f"no page is written: {about.name} would be {difference:.1f} grey levels off")
    channels = {"inChannels": about.config.in_channels, "outChannels": about.config.out_channels}
    model = page.describe(about.name, about) | {"kind": about.source.kind, "snapshots": []} | channels
    table = {"kernels": packed.kernels, "bits": packed.bits}
    return Parts(model, table, _gzip(packed.rest), _gzip(packed.weights), packed.bits, difference)


@cache
def runtime() -> bytes:
    """onnxruntime-web as WebAssembly, as gzip."""
    return _gzip(lzma.decompress(RUNTIME.read_bytes()))


def worker_script() -> str:
    """What computes, in a worker of the browser."""
    return "\n".join(path.read_text("utf-8") for path in (SCRIPT, HERE / "snap.js", HERE / "worker.js"))


def pack(model: "onnx.ModelProto", bits: int) -> Packed:
    """A network with its kernels as whole numbers of so many bits; all else stays in fp32."""
    from onnx import numpy_helper

    content = model.SerializeToString()
    rest, kernels, scales, numbers, end = bytearray(), [], [], [], 0
    for tensor in model.graph.initializer:
        if len(tensor.dims) != 4:
            continue
        start = content.index(tensor.raw_data, end)
        rest += content[end:start]
        end = start + len(tensor.raw_data)
        kernel = numpy_helper.to_array(tensor).reshape(tensor.dims[0], -1)
        scale = np.abs(kernel).max(axis=1, keepdims=True).clip(1e-12) / (2 ** (bits - 1) - 1)
        scales.append(scale.astype("<f4").tobytes())
        numbers.append(np.rint(kernel / scale).astype(f"<i{bits // 8}").tobytes())
        kernels.append((len(rest), *kernel.shape))
    return Packed(bytes(rest + content[end:]), kernels, b"".join(scales + numbers), bits)


def unpack(packed: Packed) -> bytes:
    """The ONNX file, with all in fp32 again: what the page does too."""
    scales = np.frombuffer(packed.weights, "<f4", sum(rows for _, rows, _ in packed.kernels))
    numbers = np.frombuffer(packed.weights, f"<i{packed.bits // 8}", offset=scales.nbytes)
    content, begin, row, at = b"", 0, 0, 0
    for place, rows, length in packed.kernels:
        kernel = numbers[at : at + rows * length].reshape(rows, length) * scales[row : row + rows, None]
        content += packed.rest[begin:place] + kernel.astype("<f4").tobytes()
        begin, row, at = place, row + rows, at + rows * length
    return content + packed.rest[begin:]


def _difference(translator: Translator, packed: Packed) -> float:
    """Mean difference of red, green and blue to PyTorch, as 0 to 255: over the sample drawings, or noise."""
    import onnxruntime

    session = onnxruntime.InferenceSession(unpack(packed), providers=["CPUExecutionProvider"])
    about = translator.metadata
    inputs = [translator.prepare(draw(sample, about)) for sample in fitting(about)]
    if not inputs:
        inputs = [torch.rand(1, translator.config.in_channels, *[translator.config.image_size] * 2) * 2 - 1]
    differences = []
    with torch.inference_mode():
        for a in inputs:
            expected = images.unscale(translator.generator(a)).astype(int)
            made = images.unscale(torch.from_numpy(session.run(None, {"a": a.numpy()})[0])).astype(int)
            differences.append(np.abs(expected - made).mean())
    return float(np.mean(differences))


def _html(about: Metadata, parts: Parts) -> str:
    begin = '(document.querySelector("main"), { samples }, offline);'
    opening = "\n".join(path.read_text("utf-8") for path in OPENING)
    script = f"{opening}\n((element, props, server) => {{\n{page.script()}\n}}){begin}"
    data = {"model": parts.model, "samples": fitting(about), "table": parts.table,
            "checks": bounds_and_words()}  # fmt: skip
    return (HERE / "page.html").read_text("utf-8").format(
        title=html.escape(about.name),
        languages=language.inline(),
        icon=base64.b64encode((page.PAGE / "icon.svg").read_bytes()).decode(),
        style=f"{(HERE / 'page.css').read_text('utf-8')}\n{page.style()}",
        canvas=(page.PAGE / "canvas.html").read_text("utf-8"),
        about=_about(about),
        data=_json(data),
        worker=_safe(worker_script()),
        runtime=_base64(runtime()),
        graph=_base64(parts.graph),
        weights=_base64(parts.weights),
        script=_safe(script),
    )  # fmt: skip


def _about(about: Metadata) -> str:
    size = about.config.image_size
    learned = [
        f"From {about.source.kind} to {about.target.kind}, {size} x {size} pixels",
        f"{about.steps:,} training steps" if about.steps else "",
        f"data: {about.dataset}" if about.dataset else "",
    ]
    lines = [
        "; ".join(filter(None, learned)),
        f"Licence: {about.licence}",
        "Computed by onnxruntime-web (© Microsoft, MIT licence)",
    ]
    return "<br>".join(map(html.escape, lines))


def _json(data: Any) -> str:
    return json.dumps(data).replace("<", "\\u003c")  # or a name could end the script


def _safe(script: str) -> str:
    assert "</script" not in script.lower()
    return script


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
