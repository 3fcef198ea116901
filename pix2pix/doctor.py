"""The command line of the dataset doctor: `python -m pix2pix.doctor DIR`."""

import shlex
import sys

from pix2pix.data.doctor import examine
from pix2pix.data.pairs import DatasetError, find_pairs

NAMED = 5  # files of each finding that are named


def main(folder: str) -> int:
    """Prints what the Train tab shows, and what to give to a training; returns the exit status."""
    try:
        found = find_pairs(folder, open_files=False)
        print(found.describe())
        *_, report = examine(found)
    except DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for finding in report.findings:
        print(f"{finding.what}. {finding.action}", *finding.files[:NAMED], sep="\n    ")
        if len(finding.files) > NAMED:
            print(f"    … and {len(finding.files) - NAMED:,} more")
    if report.leave_out:
        print(f"\npython -m training --dataset {folder} --name NAME --leave-out {shlex.join(report.leave_out)}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m pix2pix.doctor DIR")
    sys.exit(main(sys.argv[1]))
