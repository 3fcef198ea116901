"""Ends of a command line that nobody has to see: a reader that has gone away, and what libraries print of their own."""

import io
import os
import sys
import warnings
from collections.abc import Callable

CLOSED_PIPE = 141  # as a shell has it, of a program that SIGPIPE has ended


def exit_status(main: Callable[[], int]) -> int:
    """The exit status of `main`, without a traceback where what it writes to was closed (`… | head -1`)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files that the terminal cannot show
    warnings.filterwarnings("ignore", module=r"PIL(\.|$)")  # what is wrong with a file is said in our own words
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left to be written would raise again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except OSError as error:  # a full disk behind `> FILE`
        print(f"error: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return status
