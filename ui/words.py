"""Numbers as a person would say them, and errors as the page shows them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import gradio as gr

from pix2pix.validation import in_words, shorten
from training.run import RunBusyError
from ui.studio import StudioError

MOST_CHARACTERS = 500  # of what is said to have gone wrong


def duration(seconds: float) -> str:
    """Rounded as a person would say it."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if minutes < 90:
        return f"{minutes} min"
    return f"{hours} h" if hours < 48 else f"{hours / 24:.0f} days"


def text(value: Any) -> str:
    """What a program has sent where text is meant. Raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError(f"{shorten(repr(value))} is no text.")
    return value


def next_time(text: str, now: datetime) -> datetime:
    """The next time that a clock shows `7:30`. Raises ValueError, in words."""
    try:
        clock = datetime.strptime(text.strip(), "%H:%M")
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as 7:30 or 22:15") from None
    when = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return when if when > now else when + timedelta(days=1)


@contextmanager
def errors_on_page() -> Iterator[None]:
    """Shows what went wrong on the page, as it was put."""
    try:
        yield
    except (RunBusyError, StudioError, ValueError, OSError) as error:
        raise gr.Error(said(error), print_exception=False) from error


def said(error: Exception) -> str:
    """What went wrong, in a sentence: what the system says, and of which file, where it is an error of the system."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: free some space, and try again."
    return shorten(in_words(error), MOST_CHARACTERS)
