"""`python app.py` as a process, for benchmarks and tests: started, waited for, and ended with all below it."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from pix2pix.files.places import ROOT

START_S = 120.0  # that it may take to say where it is, on a machine that is busy with much else
END_S = 20.0  # that it may take to end when asked to
OPEN = re.compile(r"^Open (http\S+?)/? in a browser", re.MULTILINE)  # what it says when it is there


@dataclass(frozen=True)
class App:
    process: psutil.Popen
    output: Path

    @property
    def url(self) -> str:
        return self.wait_until_said(OPEN)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def said(self) -> str:
        """All that it has printed."""
        return self.output.read_text("utf-8", "replace")

    def wait_until_said(self, pattern: re.Pattern[str]) -> str:
        """The first group of what it says. Raises RuntimeError, with all its words, if it ends or takes too long."""
        deadline = time.monotonic() + START_S
        while not (found := pattern.search(self.said())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The app did not say {pattern.pattern!r}. It said:\n{self.said()}")
            time.sleep(0.02)
        return found[1]


@contextmanager
def running(
    *arguments: str,
    program: Sequence[str] = (str(ROOT / "app.py"),),
    cwd: str | Path = ROOT,
    without: Sequence[str] = (),
    **environment: str,
) -> Iterator[App]:
    """Yields it when it is there. It has ended afterwards, however this is left, and with it all below it.

    arguments:   of the command line; without a port it gets a free one
    program:     what Python runs instead of app.py
    without:     variables of the environment that it does not get
    environment: those that it gets beside ours
    """
    port = [] if {"--port", "GRADIO_SERVER_PORT"} & {*arguments, *environment} else ["--port", str(free_port())]
    words = [sys.executable, "-u", *program, "--no-inbrowser", *port, *arguments]
    variables = {name: value for name, value in (os.environ | environment).items() if name not in without}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        with output.open("wb") as file:  # and no pipe, which would have to be read all the time
            app = App(psutil.Popen(words, cwd=cwd, env=variables, stdout=file, stderr=subprocess.STDOUT), output)
        try:
            app.wait_until_said(OPEN)
            yield app
        finally:
            end(app.process)


def end(process: psutil.Process) -> None:
    """It, asking first, and whatever it has started that is still there."""
    with suppress(psutil.NoSuchProcess):
        below = process.children(recursive=True)
        process.terminate()
        with suppress(psutil.TimeoutExpired):
            process.wait(END_S)
        left = [each for each in (process, *below) if not has_ended(each)]
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        deadline = time.monotonic() + END_S
        while not all(map(has_ended, left)) and time.monotonic() < deadline:
            time.sleep(0.01)
        with suppress(psutil.TimeoutExpired):
            process.wait(0)  # for its exit status


def has_ended(process: psutil.Process) -> bool:
    """Also where nobody has asked for its exit status yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
