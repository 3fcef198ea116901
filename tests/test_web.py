"""What the page in one file is packed from; tests/browser/test_web.py opens it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from pix2pix.__main__ import main
from pix2pix.files import checkpoint, export
from pix2pix.files.export import ExportError
from pix2pix.page import web
from tests.rounding import GREY_LEVEL, rounding


# A weight is off by at most half of one of 127 steps, or of 32,767, and those of a sum by either sign: by less than a
# grey level in the mean. In 16 bits that is no more than the rounding of fp32 sums.
@pytest.mark.parametrize(("bits", "close"), [(8, GREY_LEVEL), (16, rounding(layers=10, terms=16 * 64))])
def test_packed_weights_make_nearly_the_same(make_generator: Callable[..., Path], bits: int, close: float):
    generator, _ = checkpoint.load(make_generator())
    packed = web.pack(export.to_onnx(generator), bits)
    session = onnxruntime.InferenceSession(web.unpack(packed), providers=["CPUExecutionProvider"])
    a = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        expected = generator(a).numpy()
    assert np.abs(session.run(None, {"a": a.numpy()})[0] - expected).mean() < close
    kernels = sum(weight.numel() for weight in generator.parameters() if weight.ndim == 4)
    assert len(packed.rest) < 100_000
    assert len(packed.weights) < (bits // 8 + 0.1) * kernels


def test_weights_that_lose_too_much_in_8_bits_are_kept_in_16(
    make_generator: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = make_generator()
    assert web.export_web(path, tmp_path / "page.html").bits == 8
    monkeypatch.setattr(web, "CLOSE", 1e-2)
    written = web.export_web(path, tmp_path / "page.html")
    assert written.bits == 16
    assert written.difference < 1e-2
    monkeypatch.setattr(web, "CLOSE", -1)
    with pytest.raises(ExportError, match="grey levels off"):
        web.export_web(path, tmp_path / "other.html")
    assert not (tmp_path / "other.html").exists()


def test_the_page_is_said_to_be_html(
    make_generator: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["export-web", str(make_generator()), str(tmp_path / "page")]) == 2
    assert "must end in .html" in capsys.readouterr().err
