"""Lints the page's scripts as the browser gets them: the files of a script are one scope and use each other's names.

So what is used must be there, and what is there must be used, in whichever file: file by file, oxlint could not tell.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from pix2pix.page.page import LIBRARIES, PAGE, SCRIPTS

ROOT = Path(__file__).parent.parent
OFFLINE = PAGE / "offline"
TRAIN = ROOT / "ui" / "train" / "page"
CAMERA = ROOT / "ui" / "camera" / "page"
# The parts of each script, files and what stands around them; compare `script` in page.py and `_html` in web.py.
ANSWERS = PAGE / "answers.js"
DRAWING = [PAGE / f"{name}.js" for name in SCRIPTS]
FUNCTION = "export function page(element, props, server) {"
PROGRAMS = {
    "drawing": [f"export function page(element, props, server, {', '.join(LIBRARIES.values())}) {{", *DRAWING, "}"],
    # The first two give these to the function above.
    "offline": [PAGE / "computing.js", OFFLINE / "remark.js", OFFLINE / "page.js", "export { offline, samples };"],
    "worker": [OFFLINE / "snap.js", OFFLINE / "worker.js"],
    "language": ["export function page(all, tag) {", PAGE / "language.js", "speak(newPhrasebook(all), tag); }"],
    "grid": [FUNCTION, ANSWERS, TRAIN / "sheets.js", TRAIN / "grid.js", "}"],
    "compare": [FUNCTION, ANSWERS, *(TRAIN / f"{name}.js" for name in ("kept", "sheets", "plot", "compare")), "}"],
    "curves": [FUNCTION, ANSWERS, TRAIN / "kept.js", TRAIN / "plot.js", TRAIN / "curves.js", "}"],
    "hardest": ["export function page(element, server, trigger) {", ANSWERS, TRAIN / "hardest.js", "}"],
    "camera": [
        "export function page(element, props, server, watch) {",
        ANSWERS,
        PAGE / "asking.js",
        CAMERA / "camera.js",
        "}",
    ],
    "notifications": [
        "export function page(element, server) {",
        ANSWERS,
        TRAIN / "kept.js",
        TRAIN / "notifications.js",
        "return keep; }",
    ],
    "wanted": ["export function page(element, server) {", ANSWERS, TRAIN / "kept.js", TRAIN / "wanted.js", "}"],
}


def main() -> int:
    """Prints what oxlint finds, with the file and line where it is; the exit code is 1 if it found anything."""
    found = [finding for name, parts in PROGRAMS.items() for finding in lint(name, parts)]
    print("\n".join(found) or f"{len(PROGRAMS)} scripts of the page: nothing found")
    return min(1, len(found))


def lint(name: str, parts: list[str | Path]) -> list[str]:
    lines, origins = [], []
    for part in parts:
        own = part.read_text("utf-8").splitlines() if isinstance(part, Path) else [part]
        place = part.relative_to(ROOT) if isinstance(part, Path) else name
        lines += own
        origins += [f"{place}:{number}" for number in range(1, len(own) + 1)]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / f"{name}.js"
        script.write_text("\n".join([*lines, ""]), "utf-8")
        command = [Path(sys.executable).parent / "oxlint", "--config", ROOT / ".oxlintrc.json", "-f", "json", script]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if not answer.stdout.startswith("{"):
        raise SystemExit(answer.stdout + answer.stderr)
    return [
        f"{origins[finding['labels'][0]['span']['line'] - 1]}: {finding['message']} [{finding.get('code', 'syntax')}]"
        for finding in json.loads(answer.stdout)["diagnostics"]
    ]


if __name__ == "__main__":
    sys.exit(main())
