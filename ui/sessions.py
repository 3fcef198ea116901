"""What is kept of each open page: Gradio's own state, as a copy of a new one.

To make one, Gradio asks every component of the page for its config, which takes 20 ms of the loop that answers all
requests. Where more pages draw at once than are kept, that would be so for each drawing.
"""

from copy import copy
from typing import Any

from gradio import Blocks
from gradio.state_holder import SessionState, StateHolder


class Sessions(StateHolder):
    """The state of the pages that were there most recently, by what each calls itself."""

    _new: SessionState | None = None  # which no page has

    def set_blocks(self, blocks: Blocks) -> None:
        self._new = None
        super().set_blocks(blocks)

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self._new = self._new or SessionState(self.blocks)
            self.session_data[session_id] = _copied(self._new)
        return super().__getitem__(session_id)


def _copied(state: SessionState) -> SessionState:
    """One that can be changed without changing the other: Gradio puts values into the props, and replaces all else."""
    new = copy(state)
    new.blocks_config = copy(state.blocks_config)
    new.config_values = {key: _with_own_props(config) for key, config in state.config_values.items()}
    new.state_data, new._state_ttl = {}, {}
    return new


def _with_own_props(config: dict[str, Any]) -> dict[str, Any]:
    return {**config, "props": {**config["props"]}} if "props" in config else {**config}
