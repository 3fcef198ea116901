"""Tells an address of the user's that a training has ended, or what the coach warns of: one line of JSON by POST.

An address that is wrong, slow or silent costs a line in the log, and some seconds when the training is over.
"""

import json
import logging
import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from training import coach
from training.config import TrainConfig
from training.followers import LEAVE_S, Follower
from training.run import Run

LOOK_S = 30.0  # between looks at the metrics
SHARE = 0.02  # of the time that looking may take, which is the training's own: the longer it took, the later the next
TIMEOUT_S = LEAVE_S - 1  # of the connection, and of each answer: after one that never came, the end can still be told
ENDS = {"finished": "has finished", "stopped": "has stopped", "failed": "has failed"}

log = logging.getLogger("training")


class Teller(Follower):
    """Tells each thing once."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._rows: list[dict[str, Any]] = []
        self._offset = 0
        self._told: set[str] = set()
        self._complained = False

    @staticmethod
    def wanted(config: TrainConfig) -> bool:
        return bool(config.notify)

    def follow(self) -> None:
        try:
            wait_s = LOOK_S
            while not self.over.wait(wait_s):
                began = time.thread_time()
                self._warn()
                wait_s = max(LOOK_S, (time.thread_time() - began) / SHARE)
            self._warn()
            status = self.run.status()
            if status.state in ENDS:
                words = f"{self.run.name} {ENDS[status.state]} at step {status.step:,} of {status.total:,}."
                self._post(status.state, f"{words} {status.error}".strip())
        except Exception as error:  # a bug here must not be one of the training's
            self._complain(error)

    def _warn(self) -> None:
        """Of each thing once."""
        rows, offset = self.run.metrics(self._offset)
        if offset == self._offset:
            return
        if offset < self._offset:  # a resume has cut the file
            self._rows = []
        self._rows, self._offset = [*self._rows, *rows], offset
        for rule, words in coach.said(self._rows).items():
            if rule not in self._told:
                self._told.add(rule)
                self._post("warning", f"{self.run.name}: {words}", rule=rule)

    def _post(self, event: str, text: str, **further: Any) -> None:
        status = self.run.status()
        about = {"text": text, "run": self.run.name, "event": event, "step": status.step, "total": status.total}
        line = json.dumps(about | further) + "\n"
        headers = {"Content-Type": "application/json", "User-Agent": "pix2pix-studio"}
        try:
            asked = urllib.request.Request(self.run.config.notify, line.encode(), headers, method="POST")
            with urllib.request.urlopen(asked, timeout=TIMEOUT_S):
                pass  # what it answers does not matter
        except Exception as error:  # of the network, of the address, of the answer
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        """Once. Without the rest of the address, which may be a secret."""
        if not self._complained:
            self._complained = True
            place = urlsplit(self.run.config.notify).hostname
            why = getattr(error, "code", None) or getattr(error, "reason", None) or type(error).__name__
            log.warning("%s was not notified (%s). That does not change the training.", place, why)
