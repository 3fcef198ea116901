"""What benchmarks/training_step.py says of a process of its that fails."""

import traceback
from argparse import Namespace

import pytest

from benchmarks.training_step import RECIPE, _Worker


def test_what_fails_in_a_process_is_said_with_its_name_and_its_traceback():
    worker = _Worker(RECIPE, Namespace())  # whose options are missing
    with pytest.raises(AttributeError) as raised:
        worker.ask("time")
    worker.end()
    said = "".join(traceback.format_exception(raised.value))
    assert "options.ngf" in said
    assert "This was in the process of the common recipe." in said
