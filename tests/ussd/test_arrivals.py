"""What is new in a cumulative text, whatever order and number of copies it arrives in."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.ussd.world import NOW, SHOPPER
from ussd.arrivals import Arrival, Begin, Closed, Input, Repeat, read_cumulative
from ussd.session import UNREADABLE, Reply, Seen, Session, Step

STEP = Step("africastalking", "s1", SHOPPER, "*384*123#", "reply", "")
FRESH = Session("home", "en", NOW + timedelta(minutes=10), Reply("Hello", end=False), step=0)


def read(session: Session | None, text: str, session_id: str = "s1") -> Arrival:
    return read_cumulative(session, replace(STEP, text=text, session_id=session_id), NOW)


def after(text: str, **changes: object) -> Session:
    """A session whose last step had this text."""
    arrival = read(None, text)
    assert isinstance(arrival, Begin)
    return replace(FRESH, seen=arrival.seen, step=arrival.number, **changes)


@pytest.mark.parametrize(
    ("text", "inputs", "number"),
    [("", (), 0), ("1", ("1",), 1), ("1*7421*250", ("1", "7421", "250"), 3), ("*1", ("", "1"), 2), ("*", ("", ""), 2)],
)
def test_an_unknown_session_begins_with_all_its_inputs(text: str, inputs: tuple[str, ...], number: int) -> None:
    arrival = read(None, text)
    assert isinstance(arrival, Begin)
    assert (arrival.inputs, arrival.number, arrival.notice) == (inputs, number, None)


@pytest.mark.parametrize(
    ("before", "text", "new"),
    [
        ("", "1", "1"),
        ("", "*1", "1"),
        ("", "Duka*la*Amina", "Duka*la*Amina"),
        ("1", "1*7421", "7421"),
        ("1", "1*", ""),
        ("1", "1*1", "1"),
        ("1*", "1**", ""),
        ("1", "1*Duka*la*Amina", "Duka*la*Amina"),
        ("1", "1**", "*"),
        ("1*2", "1*2*😀", "😀"),
    ],
)
def test_the_new_input_is_what_follows_the_text_last_seen(before: str, text: str, new: str) -> None:
    arrival = read(after(before), text)
    assert isinstance(arrival, Input)
    assert arrival.text == new
    assert arrival.number > after(before).step


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("", ""),
        ("1", "1"),
        ("1*7421", "1"),
        ("1*7421", ""),
        ("1", "12"),
        ("1", "12*7421"),
        ("1*7421", "1*7422"),
        ("1*7421", "2*7421*250"),
        ("1", "2*7421"),
    ],
)
def test_copies_late_and_garbled_texts_change_nothing(before: str, text: str) -> None:
    session = after(before)
    assert read(session, text) == Repeat(session)


def test_after_the_end_a_copy_is_a_copy_and_anything_else_is_closed() -> None:
    session = after("1*99", ended=True)
    assert read(session, "1*99") == Repeat(session)
    for text in ("1*99*1", "1", "2", ""):
        assert read(session, text) == Closed(session)


def test_an_outdated_session_begins_again_but_copies_and_ends_stay_what_they_are() -> None:
    outdated = after("1*7421", expires_at=NOW)
    assert isinstance(read(outdated, "1*7421*250"), Begin)
    assert read(outdated, "1*7421") == Repeat(outdated)
    over = replace(outdated, ended=True)
    assert read(over, "1*7421*250") == Closed(over)


def test_an_unreadable_session_begins_at_home_with_a_notice() -> None:
    arrival = read(UNREADABLE, "1*7421*250")
    assert isinstance(arrival, Begin)
    assert arrival.inputs == ()
    assert arrival.notice is not None


def test_what_is_kept_of_an_input_tells_nothing_about_it() -> None:
    first, second = read(None, "1*1234", "s1"), read(None, "1*1234", "s2")
    assert isinstance(first, Begin)
    assert isinstance(second, Begin)
    assert first.seen != second.seen
    assert first.seen == Seen(6, first.seen.digest)
    assert len(first.seen.digest) == 16


@given(st.lists(st.text(max_size=8), max_size=6), st.text(max_size=8))
def test_whatever_was_typed_the_next_input_is_read_back(inputs: list[str], new: str) -> None:
    text = "*".join(inputs)
    arrival = read(after(text), f"{text}*{new}")
    assert isinstance(arrival, Input)
    assert arrival.text == new


@given(st.text("01*", max_size=12), st.text("01*", max_size=12))
def test_every_pair_of_texts_is_understood(before: str, text: str) -> None:
    session = after(before)
    match read(session, text):
        case Repeat():
            assert not text.startswith(before + "*")
        case Input(_, number, _, new):
            assert text.startswith(before)
            assert text.endswith(new)
            assert number > session.step
        case other:
            raise AssertionError(other)
