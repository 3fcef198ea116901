"""Gradio's Blocks with answers in our words: nobody who calls the page gets a traceback, or words for programmers."""

import asyncio
import logging
import time
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState

from pix2pix.validation import shorten
from ui.uploads import Shelf

EMPTY = ""  # of a field for a number
TIDY_S = 1.0  # between two looks at what there is too much of

log = logging.getLogger(__name__)


def optional_number(**about: Any) -> gr.Number:
    """A field that may be left empty and is so at first: of None as a value Gradio makes 0, and sends it."""
    field = gr.Number(None, **about)
    field.value = EMPTY
    return field


class Page(gr.Blocks):
    """`shelf`, once the page is served, is what it keeps of the files that it was sent and has made."""

    shelf: Shelf | None = None
    _tidied = 0.0

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], state: SessionState | None, *arguments: Any, **options: Any
    ) -> Any:
        given = list(inputs)
        for place, (component, value) in enumerate(zip(block_fn.inputs, inputs, strict=False)):
            if isinstance(component, gr.Number | gr.Slider):
                _require_number(component, value)
            if isinstance(component, gr.Number) and value == EMPTY:
                given[place] = None
            elif isinstance(component, gr.Slider) and value is not None and state and component._id in state:
                given[place] = _within(state[component._id], value)
        try:
            return await super().preprocess_data(block_fn, given, state, *arguments, **options)
        except gr.Error:
            raise
        except Exception as error:
            log.info("refused a call of %s: %s", block_fn.api_name, error)
            words = "What was sent is not what is taken here: each value of its kind, and files uploaded before."
            raise gr.Error(words, print_exception=False) from error

    async def call_function(self, block_fn: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().call_function(block_fn, *arguments, **options)
        except gr.Error:
            raise
        except Exception as error:
            log.exception("the page asked for something that failed")
            raise gr.Error("Something went wrong on the server; its log says what.", print_exception=False) from error

    async def process_api(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        try:
            return await super().process_api(*arguments, **options)
        finally:
            if self.shelf and time.monotonic() - self._tidied > TIDY_S:
                self._tidied = time.monotonic()
                await asyncio.to_thread(self.shelf.tidy)


def _require_number(field: gr.Number | gr.Slider, value: Any) -> None:
    """Raises gr.Error, in words, for what is not a number within the bounds of the field, which each field has."""
    low, high = field.minimum, field.maximum
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value in (None, EMPTY) or (is_number and low is not None and high is not None and low <= value <= high):
        return
    said = f"{value:.6g}" if isinstance(value, float) else shorten(repr(value), 40)
    kind = f"a {'whole ' if getattr(field, 'precision', None) == 0 else ''}number from {low:,} to {high:,}"
    raise gr.Error(f"{field.label}: {said} is not {kind}.", print_exception=False)


def _within(slider: gr.Slider, value: float) -> float:
    """The page may send what it shows before it hears of narrower bounds, at which Gradio would refuse the call."""
    return min(max(value, slider.minimum), slider.maximum)
