"""Gradio without the stubs that it writes for editors."""

import subprocess
import sys
from pathlib import Path

from pix2pix.files.places import ROOT

# A component that is defined in a file, beside which Gradio would write mine.pyi.
CODE = """
import sys
from ui.quick_gradio import leave_out_stubs
leave_out_stubs()
import gradio as gr
sys.path.insert(0, sys.argv[1])
from mine import Mine
with gr.Blocks() as demo:
    Mine().change(print)
assert [target[1] for fn in demo.fns.values() for target in fn.targets] == ["change"]
"""


def test_components_work_and_leave_no_stubs(tmp_path: Path):
    (tmp_path / "mine.py").write_text("import gradio as gr\n\n\nclass Mine(gr.Textbox):\n    pass\n")
    subprocess.run([sys.executable, "-c", CODE, str(tmp_path)], cwd=ROOT, check=True)
    assert not list(tmp_path.glob("*.pyi"))
