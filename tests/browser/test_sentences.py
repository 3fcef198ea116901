"""Every sentence that the sources may show has its Chinese in the table, and the table has no other."""

import errno
import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import pytest
from PIL import Image
from playwright.sync_api import Browser
from pydantic import Field

from pix2pix.files.checkpoint import read_metadata
from pix2pix.files.places import ROOT
from pix2pix.formats import opened, why_not
from pix2pix.page import language, page
from pix2pix.palette import CMP
from pix2pix.validation import in_words, parse_json, validate
from tests.sentences import found_in, sources
from training.config import help_of_settings
from ui.train.fields import GROUPS

# Files whose words no page shows.
UNSEEN = {
    "pix2pix/__init__.py": "names in the library",
    "pix2pix/__main__.py": "the command line",
    "pix2pix/console.py": "the command line",
    "pix2pix/data/__init__.py": "names in the library",
    "pix2pix/doctor.py": "the command line",
    "pix2pix/files/unsupported.py": "names of architectures",
    "pix2pix/page/language.py": "for whoever writes the table",
    "training/__main__.py": "the command line",
    "training/discriminators.py": "the log",
    "training/loop.py": "the log, and what is kept in a generator's file",
    "training/notify.py": "a message to a program",
    "training/process.py": "the log",
    "ui/command.py": "the command line",
    "ui/draw/assets.py": "an answer to programs",
    "ui/guard.py": "answers to programs",
}
# What is for nobody to read, is the same in each language, or comes from elsewhere.
EXCEPT = {
    "names": ("pix2pix studio", "Photoshop", "Radiance HDR", "Targa", "Krita", "Zeiss CZI", "Leica LIF", "Nikon ND2",
              "Apple GPU", "pix2pix U-Net"),
    "keys": ("Shift", "Ctrl Y", "Ctrl Z"),
    "names of what is kept, sent or saved": (
        "pix2pix studio curves", "pix2pix studio grid", "pix2pix studio hardest", "pix2pix studio runs side by side",
        "pix2pix studio tell", "{} preferences", "{} what you made", "{} making", "{} drawn.{}", "{} drawing.png",
        "My drawing", "pix2pix drawing", "side by side", "api {}", "upload {}", "replay {}", "models {}", "Run({})",
        "Push {}", "{} into {}", "imported from {}", "not known",
    ),
    "what is read, not said": (
        "No space left on device", "PytorchStreamWriter failed writing", "Read-only file system",
        "basic_ios::clear: iostream error", "can't allocate memory", "could not create a primitive",
        "failed with strerror: Permission denied", "not enough memory", "out of memory", "no partner", "its partner",
        "lies beside", "lies in neither",
        "D.layers.0.0.weight",
    ),
    "parts of what pydantic says": ("it {}, and is {}", "{} {}, and is {}"),
    "arguments for programs": (
        "folders {}", "layout {}", "direction {} is neither AtoB nor BtoA", "there is no split {}: take one of {}",
        "layout {} is not one of auto, {}", "lines are found in a PIL image, not in a {}: open it with Image.open",
        "detail {} is not between 0 (the outline) and 1 (fine texture)", "line_width {} is below 0 pixels",
        "a translator takes a PIL image, not a {}: Image.open(path) reads a file, and Image.fromarray(pixels) takes an "
        "array",
    ),
    "the log": (
        "It begins anew: only a narrower U-Net of the same kind can begin with channels of the other.",
        "It begins with the strongest of its channels, {} of its weights.",
    ),
    "the command line": ("{} Say which it is:", "{} picture{}{}.", "in {} folders", "{} in {}"),
    "code": ("GIFEncoder, quantize, applyPalette", "script, style, textarea, code, pre, [translate=no]"),
}  # fmt: skip
# Parts of sentences, and sentences that are put together of them.
PARTS = {
    "none yet": ["There is no model called boots. There are: none yet.",
                 "no generator boots: it is neither a file nor one of the known names (none yet)"],
    "no extension": ["1 no extension file", "2 no extension files"],
    "{} {} file{}": ["1 .7z file", "2 .7z files"],
    "several pictures in one file": [
        "1 pair has several pictures in one file", "2 pairs have several pictures in one file"],
    "a fourth band that is not transparency": [
        "1 pair has a fourth band that is not transparency", "2 photos have a fourth band that is not transparency"],
    "several bands of 16 bits": ["1 pair has several bands of 16 bits", "2 photos have several bands of 16 bits"],
    "several bands of 16 bits, of which their values need but the lower ones": [
        "1 file has several bands of 16 bits, of which their values need but the lower ones",
        "2 files have several bands of 16 bits, of which their values need but the lower ones"],
    "has {}": ["1 file lies in neither of the two folders", "1 file lies beside the folder to train on"],
    "cannot be used": ["1 file cannot be used: broken: cannot identify image file: it holds text"],
    "{}, the first for this reason: {}": [
        "3 files cannot be used, the first for this reason: broken: cannot identify image file: it holds text"],
    "have {}": ["3 files cannot be used: too small", "3 files cannot be used: video is not read", "icon is not read"],
    ": there is a seam where they meet": ["The pictures seem to be three in a row: there is a seam where they meet."],
    ": there is a seam where they meet and they have outlines in common": [
        "The pictures seem to be three in a row: there is a seam where they meet and they have outlines in common."],
    ": they have outlines in common": ["The pictures seem to be three in a row: they have outlines in common."],
    "{} in {}": ["A: 0 … 1 in floating point", "B: 0 … 4,095 of 12 bits", "1 file cannot be used: one band of 64-bit "
                 "complex numbers", "4 bands of 32-bit floating point: pictures "
                 "of one band, or of red, green and blue in 8 or 16 bits, are read; save those that matter as such"],
    "running statistics": [],
    "{}; within {} of PyTorch at batch {}": [
        "x.onnx: ONNX, opset 18, any batch, 3.1 MB; within 1e-6 of PyTorch at batch 1 and 3"],
    "This link": ["This link is not a drawing that can be opened here: it is damaged."],
    "This": ["This is not a drawing that can be opened here: it is damaged."],
    "{} what you made": ["Bring back what you made"],
    "(median of the last {})": [
        "A picture takes 20 ms (median of the last 3), by WebGPU in this browser; nothing leaves it."],
    "A picture takes {} ms{}, by {} in this browser; nothing leaves it.": [
        "A picture takes 20 ms, by WebGPU in this browser; nothing leaves it."],
    "{} of {} of {}": ["8 of 9 of train", "4 of 5 of val", "8 of 9 of train and 4 of 5 of val",
                       "4 of 5 of val and 8 of 9 of train"],
    "{} The Draw tab has the right ones.": ["This is an empty sheet: … The Draw tab has the right ones."],
    "{}{} has risen": ["It learns its pictures by heart since step 5: the perceptual distance on validation has risen "
                       "from 1 to 2 while the training's fell. The generator of step 5 is kept as the best; more "
                       "pictures would help, more steps will not."],
}  # fmt: skip
# Sentences and words that are made of what the sources do not write as sentences.
MADE = [
    *(part for names in GROUPS.values() for name in names for part in help_of_settings()[name].split("`")[::2]),
    *(sample["name"] for sample in page.samples()),
    *CMP,
    *(f"Licence: {read_metadata(path).licence}" for path in sorted((ROOT / "checkpoints").glob("*.safetensors"))),
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "grey", "black",
    "3 s", "3 min", "3 h", "3 days", "2-core CPU", "20 MB", "none", "yes", "no", "input", "target", "show", "from",
    "edges → photo", "labels → image", "256 px, pix2pix U-Net, ngf 32, 20.1 MB; 3 steps", "x is at",
    "/path/to/pictures",
    "Quick: 128 px, 2,000 steps, a first impression (about 3 min on your 2-core CPU)",
    "Recommended: 256 px, 6,000 steps, clean materials (about 3 h on your 2-core CPU)",
    "Paper: 256 px, 200 times through the pictures (about 3 days on your 2-core CPU)",
    "⚠️ This is an empty sheet: what comes of it is made up.",
    "What it was at its best by L1 on val, at step 5, is there too.",
    "Loss. Plus and minus zoom, the arrows move, 0 shows all.",
    "1 photo, whose edges will be made on the fly, 20x20; 9 to train on; 1 held out to look at; 1 file left out.",
    "2 pairs side by side, A on the left, 20x20; 2 photos; 2 files left out; 1 picture; 2 pictures.",
    "nothing to train on in x: there is 1 pair or photo in a folder for val, which is never trained on",
    "2 pairs or photos in a folder for val and 2 pairs or photos in a folder for test",
    "There is a/ and b/, and the names of their files do not match.",
    "There is a/ and b/ and c/, and the names of their files do not match.",
    "The pictures, of 9x3, may be three in a row or two side by side, or one photo each: there is a seam.",
    "The pictures, of 9x3, may be two side by side or two, one above the other, or one photo each: there is a seam.",
    "The pictures, of 9x3, may be two side by side or three in a row, or one photo each: there is a seam.",
    "1 image left out, such as x (broken: no).", "2 images left out, such as x (too small).",
    "B lies 3 % right and 4 % down of where it would fit A", "B lies 3 % left of where it would fit A", "3 % up",
    "colour 3", "flip: mirror half of the training pairs", "steps between previews (1 to 1,000)",
    "This is too large: at most 40 MB are taken here.", "owner/name or owner/name@revision",
    "Licence: unknown", "Image size (px, empty: as usual): 0 is not a whole number from 1 to 9.",
    "Dropout (empty: as usual): 2 is not a number from 0 to 0.9.", "⚠ 3 % boots · pix2pix studio",
    "broken: cannot identify image file: it holds text", "From Your drawing to Picture",
    "a.png, train, 0.3", "a.png, val, 0.3",
    "boots continues from step 5.", "boots continues from the last save.",
    "boots starts from the beginning, since nothing was saved yet.",
    *(f"{state} at step 5 of 9, after 0.1 minutes of training on cpu." for state in
      ("Running", "Queued", "Starting", "Stopping", "Stopped", "Failed", "Finished")),
    "The disk is full. Free some space and resume. Resume continues from step 5.",
]  # fmt: skip
SKIPPED = {text for texts in EXCEPT.values() for text in texts}


def marked(table: dict[str, str]) -> dict[str, str]:
    """The same table, with the number of each sentence in the place of its words."""
    places = [re.findall(r"\{\w+\}", english) for english in table]
    return {english: f"〔{i}〕{'、'.join(places[i])}" for i, english in enumerate(table)}


def filled(text: str) -> list[str]:
    """A text with its places filled; a part of a sentence also with what may stand around it."""
    plain = re.sub(r"(?<=[.!?:…])\{\}$", "", text)  # further sentences, or none
    numbers = iter(range(71, 99))
    whole = re.sub(r"\{\w*\}", lambda _: str(next(numbers)), plain)
    return [whole, f"70 {whole}", f"70: {whole}", f"{whole} 70"]


@pytest.fixture(scope="module")
def said(browser: Browser):
    """What becomes of texts, by the page's own script: a list of them in, a list of them out."""
    table = language.table("zh")
    script = (page.PAGE / "language.js").read_text("utf-8")
    opened = browser.new_page()

    def said(texts: list[str]) -> list[str]:
        work = f"([table, texts]) => {{ {script}\nreturn texts.map(newPhrasebook(table)); }}"
        return opened.evaluate(work, [marked(table), texts])

    yield said
    opened.close()


def left(text: str) -> bool:
    """Whether words are left in it that are in no sentence of the table."""
    return bool(re.search("[A-Za-z]{2}", re.sub(r"〔\d+〕", "", text)))


def seen() -> dict[str, str]:
    """All texts of the sources that need an entry, and where each stands."""
    files = {path.relative_to(ROOT).as_posix(): path for path in sources()}
    assert files.keys() >= UNSEEN.keys()
    return {text: name for name, path in files.items() if name not in UNSEEN for text in found_in(path)}


def json_of(name: str) -> dict[str, str]:
    return json.loads((page.PAGE / "zh" / f"{name}.json").read_text("utf-8"))


def test_each_sentence_has_its_chinese_and_the_table_has_no_other(said):
    found = seen()
    texts = [text for text in found if text not in SKIPPED and text not in PARTS]
    tries = [filled(text) for text in texts]
    made = [*MADE, *(sentence for sentences in PARTS.values() for sentence in sentences)]
    answers = said([each for variants in tries for each in variants] + made)
    by_text = [answers[4 * i : 4 * i + 4] for i in range(len(texts))]
    untold = [f"{found[text]}: {text}" for text, told in zip(texts, by_text, strict=True) if all(map(left, told))]
    assert not untold, "put these into pix2pix/page/zh, or say here why not:\n" + "\n".join(untold)
    unknown = [text for text, told in zip(made, answers[4 * len(texts) :], strict=True) if "〔" not in told]
    assert not unknown, "the table lacks these:\n" + "\n".join(unknown)
    used = {int(number) for told in answers for number in re.findall(r"〔(\d+)〕", told)}
    of_others = {**json_of("gradio"), **json_of("system")}  # what Gradio has left in English, and words of libraries
    stale = [english for i, english in enumerate(language.table("zh")) if i not in used and english not in of_others]
    assert not stale, "no source says these any more:\n" + "\n".join(stale)


@dataclass
class Numbered:
    n: int
    f: Annotated[float, Field(ge=0)] = 0.0


def words_of_others() -> Iterator[str]:
    """What the system, Pillow, pydantic and its reader of JSON say, as the app passes it on."""
    yield from map(os.strerror, (errno.ENOENT, errno.EACCES, errno.EISDIR, errno.EROFS, errno.EIO, errno.ENOSPC))
    yield in_words(PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/1/2"))
    file = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(file, "PNG")
    for content in (file.getvalue()[:1000], b"\x89PNG no more"):
        with pytest.raises(OSError, match="image file") as caught, opened(io.BytesIO(content)) as picture:
            picture.load()
        yield "broken: " + why_not(io.BytesIO(content), caught.value).removeprefix("broken: ")
    for values in ({"n": "?"}, {"n": 1.5}, {"n": 1, "f": "?"}, {"n": 1, "f": -1}):
        with pytest.raises(ValueError, match="should be") as refused:
            validate(Numbered, values)
        yield str(refused.value)
    for text in ("", "[1", '{"1"', "?"):
        with pytest.raises(ValueError, match="no JSON") as refused:
            parse_json(text)
        yield str(refused.value)


def test_words_of_libraries_and_of_the_system_are_said_too(said):
    words = list(words_of_others())
    assert [(text, told) for text, told in zip(words, said(words), strict=True) if left(told)] == []
    quoted, name = said(["6.png cannot be used: broken: no such chunk (7)", "broken: ENOSPC"])
    assert quoted.endswith("“no such chunk (7)”"), "words that the table does not know are quoted"
    assert name.endswith("ENOSPC")


def test_what_stands_at_the_end_of_a_sentence_is_not_the_next_one(said):
    (told,) = said([
        "Finished at step 80 of 80, after 0.3 minutes of training on cpu. Lowest validation L1: 0.25, at step 80."
    ])  # fmt: skip
    assert "cpu" in told
    assert "Lowest" not in told


def test_what_is_excepted_is_still_there():
    found = seen().keys()
    assert [text for text in SKIPPED if text not in found] == []


@pytest.mark.parametrize("code", language.TABLES)
def test_both_languages_have_the_same_places(code: str):
    for english, other in language.table(code).items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", other)), english
        assert len(set(re.findall(r"\{\w+\}", english))) == len(re.findall(r"\{\w+\}", english)), english


def test_chinese_sentences_have_chinese_marks():
    wrong = r"[\u4e00-\u9fff][,;:?!(]|[,;?!)][\u4e00-\u9fff]|[\u4e00-\u9fff]\.$|。。|，，"
    assert [other for other in language.table("zh").values() if re.search(wrong, other)] == []
