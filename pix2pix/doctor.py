"""The command line of the dataset doctor: `python -m pix2pix.doctor DIR`."""

import argparse
import shlex
import sys
from collections.abc import Iterator
from typing import get_args

from pix2pix.data.doctor import Report, examine
from pix2pix.data.folders import plain_name
from pix2pix.data.layouts import DatasetError, Layout
from pix2pix.data.pairs import Found, find_pairs
from pix2pix.data.sides import likely_direction
from pix2pix.pipes import whole_lines

NAMED = 5  # files of each finding that are named


def main(*arguments: str) -> int:
    """Prints what the Train tab shows, and what to give to a training; returns the exit status."""
    options = _parser().parse_args(arguments)
    how = {"layout": options.layout, "folders": tuple(options.folders)}
    try:
        found = find_pairs(options.folder, open_files=False, **how)
        print(found.describe(), flush=True)
        *_, report = examine(found)
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


def _command(options: argparse.Namespace, found: Found, report: Report) -> Iterator[str]:
    """What to paste, to train as was found here."""
    yield from ("python", "-m", "training", "--dataset", options.folder, "--name", plain_name(found.root.name))
    if options.layout != "auto":
        yield from ("--layout", options.layout)
    if options.folders:
        yield from ("--folders", *options.folders)
    if (direction := likely_direction(report.a, report.b)) != "AtoB":
        yield from ("--direction", direction)
    if report.leave_out:
        yield from ("--leave-out", *report.leave_out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pix2pix.doctor", description="What a folder holds to train on.")
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--layout", choices=("auto", *get_args(Layout)), default="auto", help="how the pairs lie in it")
    parser.add_argument("--folders", nargs="+", default=[], metavar="NAME", help="names of the two folders that are A "
                        "and B, or of the only one that counts")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(whole_lines(lambda: main(*sys.argv[1:])))
