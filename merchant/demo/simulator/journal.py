"""The journal: one JSON line an event, appended before the event has any effect.

A killed process loses nothing but a line it was writing, and that line had no effect yet.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from merchant.demo.simulator.world import Event

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


class Journal:
    """An append-only file of events, readable by its owner only since it holds this world's keys."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._path = path
        self._drop_broken_line()

    def _drop_broken_line(self) -> None:
        """Cut what a kill left after the last newline, so that the next line starts clean."""
        whole = self._path.read_bytes()
        os.ftruncate(self._descriptor, whole.rfind(b"\n") + 1)

    def events(self) -> Iterator[Event]:
        """Everything written so far, oldest first."""
        with self._path.open("rb") as lines:
            for line in lines:
                yield _decode(line)

    def append(self, event: Event) -> None:
        """Write one event. The kernel has it when this returns, so it survives the death of the process."""
        line = _encode(event) + b"\n"
        written = os.write(self._descriptor, line)
        if written != len(line):
            raise OSError(f"journal {self._path} took {written} of {len(line)} bytes")

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)
