"""The command line of the dataset doctor: `python -m pix2pix.doctor DIR`."""

import argparse
import shlex
import sys
from collections.abc import Iterator
from typing import get_args

from pix2pix.console import exit_status
from pix2pix.data.doctor import Report, examine
from pix2pix.data.folders import plain_name
from pix2pix.data.layouts import DatasetError, Layout
from pix2pix.data.pairs import Found, look_through, pairs_in
from pix2pix.data.sides import likely_direction
from pix2pix.palette import listed

NAMED = 5  # files of each finding that are named


def main(*arguments: str) -> int:
    """Prints what the Train tab shows, and what to give to a training; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        tree = look_through(options.folder)
        print(tree.describe(), flush=True)
        found = pairs_in(tree, options.layout, folders=options.folders, open_files=False)
        print(found.describe(), flush=True)
        report = _examined(found)
    except DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for finding in report.findings:
        print(f"{finding.what}. {finding.action}", *finding.files[:NAMED], sep="\n    ")
        if len(finding.files) > NAMED:
            print(f"    … and {len(finding.files) - NAMED:,} more")
    train = {entry.file_below(found.root) for entry in found.splits["train"]}
    if train <= set(report.leave_out):
        print("\nNothing would be left to train on.")
        return 2
    print(f"\n{shlex.join(_command(options, found, report))}")
    return 0


def _examined(found: Found) -> Report:
    """The last report; on a terminal a bar shows how far the looking has come."""
    from tqdm import tqdm

    reports = examine(found)
    report = next(reports)
    with tqdm(total=report.count, unit="pair", leave=False, disable=None) as bar:
        for report in reports:
            bar.update(report.looked_at - bar.n)
    return report


def _command(options: argparse.Namespace, found: Found, report: Report) -> Iterator[str]:
    """What to paste, to train as was found here."""
    yield from ("python", "-m", "training", "--dataset", _no_option(options.folder))
    yield from ("--name", plain_name(found.root.name))
    if options.layout != "auto":
        yield from ("--layout", options.layout)
    if options.folders:
        yield from ("--folders", *options.folders)
    direction = likely_direction(found, report.a, report.b)
    if direction != "AtoB":
        yield from ("--direction", direction)
    side, kinds = ("a", report.a) if direction == "AtoB" else ("b", report.b)
    if kinds and kinds.kind == "labels" and not kinds.numbers:  # these are known when the training begins
        yield from ("--palette", listed(kinds.palette))
    elif kinds and kinds.kind == "edges":
        yield from (f"--{side}", "edges")
    if report.leave_out:
        yield from ("--leave-out", *map(_no_option, report.leave_out))


def _no_option(path: str) -> str:
    """A path that is not taken for an option."""
    return f"./{path}" if path.startswith(("-", "@")) else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pix2pix.doctor", description="What a folder holds to train on.")
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--layout", choices=("auto", *get_args(Layout)), default="auto", help="how the pairs lie in it")
    parser.add_argument("--folders", nargs="+", default=[], metavar="NAME", help="names of the two folders that are A "
                        "and B, or of the only one that counts")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(exit_status(lambda: main(*sys.argv[1:])))
