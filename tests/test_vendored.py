"""JavaScript of others that is kept here is, byte for byte, what was taken from its package."""

import hashlib

import pytest

from pix2pix.page.page import PAGE

LINES = (PAGE / "VENDORED.sha256").read_text("ascii").splitlines()
LISTED = {name: digest for digest, name in (line.split() for line in LINES)}


def test_all_that_is_kept_is_listed():
    kept = {path.relative_to(PAGE).as_posix() for path in PAGE.rglob("vendor/*")}
    assert kept == set(LISTED)


@pytest.mark.parametrize("name", sorted(LISTED))
def test_a_file_of_others_is_as_it_came(name: str):
    assert hashlib.sha256((PAGE / name).read_bytes()).hexdigest() == LISTED[name]
