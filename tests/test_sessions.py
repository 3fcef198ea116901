"""What is kept of each page is what Gradio would keep, and a page that comes costs the others next to nothing."""

from typing import Any

import gradio as gr
import pytest
from gradio.blocks import BlocksConfig
from gradio.state_holder import SessionState

from ui.sessions import Sessions


@pytest.fixture
def sessions() -> Sessions:
    with gr.Blocks() as demo:
        gr.Textbox("as it is at first")
        gr.State([])
    sessions = Sessions()
    sessions.set_blocks(demo)
    return sessions


def test_a_new_one_is_what_gradio_makes(sessions: Sessions):
    ours, theirs = sessions["a"], SessionState(sessions.blocks)
    assert set(vars(ours)) == set(vars(theirs))
    assert ours.config_values == theirs.config_values
    assert ours.blocks_config.blocks == theirs.blocks_config.blocks
    assert ours.state_data == theirs.state_data == {}


def test_what_one_page_changes_no_other_sees(sessions: Sessions):
    text, kept = (next(key for key, block in sessions.blocks.blocks.items() if isinstance(block, kind))
                  for kind in (gr.Textbox, gr.State))  # fmt: skip
    sessions["a"]._update_value_in_config(text, "changed")
    sessions["a"][text] = gr.Textbox("another")
    sessions["a"][kept].append("mine")
    sessions["a"][kept] = ["mine"]
    theirs = SessionState(sessions.blocks)
    for name in ("b", "a later one"):
        assert sessions[name].config_values == theirs.config_values
        assert sessions[name].blocks_config.blocks == theirs.blocks_config.blocks
        assert sessions[name][kept] == []
        assert not sessions[name]._state_ttl


def test_components_are_asked_once_for_all_pages(sessions: Sessions, monkeypatch: pytest.MonkeyPatch):
    """With some hundred of them, that takes as long as a picture, in the loop that answers all."""
    asked: list[int] = []
    config_for_block = BlocksConfig.config_for_block

    def noting(key: int, *more: Any) -> dict[str, Any]:
        asked.append(key)
        return config_for_block(key, *more)

    monkeypatch.setattr(BlocksConfig, "config_for_block", staticmethod(noting))
    sessions.capacity = 3
    for number in range(9):
        assert sessions[str(number)]
    assert len(asked) == len(set(asked)) == len(sessions.blocks.blocks)
    assert len(sessions.session_data) == 3
