"""The journal: nothing written is lost, and a torn last line harms nothing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.demo.simulator.journal import Journal
from merchant.demo.simulator.world import Event, Fsp, NoticeDelivered, Payer, PhoneMessage

EVENTS: list[Event] = [
    Fsp("shopbank", "http://127.0.0.1:1/fspiop", "PEM\nof two lines"),
    Payer("255700000001", "late", 1.5),
    PhoneMessage("255700000001", "2026-11-22T12:00:00.000Z", "paid", "မုန့် \u2615", "t"),
    NoticeDelivered("36629a51-393a-4e3c-b347-c2cb57e1e1fc"),
]


def read_all(path: Path) -> list[Event]:
    journal = Journal(path)
    try:
        return list(journal.events())
    finally:
        journal.close()


def write(path: Path, events: list[Event]) -> None:
    journal = Journal(path)
    for event in events:
        journal.append(event)
    journal.close()


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    write(path, EVENTS[:2])
    write(path, EVENTS[2:])
    assert read_all(path) == EVENTS
    assert path.stat().st_mode & 0o777 == 0o600


@given(st.data())
def test_a_journal_cut_anywhere_keeps_every_whole_line_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    write(path, EVENTS)
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept = EVENTS[: whole[:cut].count(b"\n")]
    assert read_all(path) == kept
    write(path, [EVENTS[0]])
    assert read_all(path) == [*kept, EVENTS[0]]


def test_a_broken_line_that_is_not_the_last_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"type":"Payer"}\n{"type":"NoticeOwed","transfer_id":"1"}\n')
    with pytest.raises(ValueError, match="msisdn"):
        read_all(path)
