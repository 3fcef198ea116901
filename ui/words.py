"""Numbers as a person would say them, and errors as the page shows them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import gradio as gr

from training.run import RunBusy
from ui.studio import StudioError


def duration(seconds: float) -> str:
    """Rounded as a person would say it."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if minutes < 90:
        return f"{minutes} min"
    return f"{hours} h" if hours < 48 else f"{hours / 24:.0f} days"


def next_time(text: str, now: datetime) -> datetime:
    """The next time that a clock shows `7:30`. Raises ValueError, in words."""
    try:
        clock = datetime.strptime(text.strip(), "%H:%M")
    except ValueError:
        raise ValueError(f"{text!r} is not a time such as 7:30 or 22:15") from None
    when = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return when if when > now else when + timedelta(days=1)


@contextmanager
def in_words() -> Iterator[None]:
    """Shows what went wrong on the page, as it was put."""
    try:
        yield
    except (RunBusy, StudioError, ValueError, OSError) as error:
        raise gr.Error(str(error), print_exception=False) from error
