"""What is new in a cumulative text, whatever order and number of copies it arrives in."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.ussd.world import NOW, SHOPPER
from ussd.arrivals import SILENCE_S, Arrival, Begin, Closed, Input, Repeat, read_cumulative, read_latest
from ussd.session import SESSION_LIFE_S, UNREADABLE, Reply, Seen, Session, Step

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


@pytest.mark.parametrize("text", ["", "1", "1*7421", "1*7421*250", "7421*250", "1*7421*1"])
@pytest.mark.parametrize("ended", [False, True])
def test_under_the_id_of_an_outdated_session_every_text_begins_anew(text: str, ended: bool) -> None:
    outdated = after("1*7421", expires_at=NOW, ended=ended)
    arrival = read(outdated, text)
    assert isinstance(arrival, Begin)
    assert arrival.inputs == (tuple(text.split("*")) if text else ())
    assert arrival.before == outdated
    assert arrival.number >= outdated.step


def aged(session: Session, seconds: float) -> Session:
    """The session so long after its last step."""
    return replace(session, expires_at=NOW + timedelta(seconds=SESSION_LIFE_S - seconds))


@pytest.mark.parametrize("text", ["", "1", "2", "7421*250", "1*7422*250"])
@pytest.mark.parametrize(("age_s", "is_late"), [(0, True), (19, True), (20, False), (599, False)])
@pytest.mark.parametrize("ended", [False, True])
def test_a_text_that_goes_on_with_nothing_is_late_and_after_a_while_a_further_call(
    text: str, age_s: float, is_late: bool, ended: bool
) -> None:
    """An id of sixteen bits, or of the phone, comes again before the session under it has expired."""
    session = aged(after("1*7421*9", ended=ended), age_s)
    arrival = read(session, text)
    if is_late:
        assert arrival == (Closed(session) if ended else Repeat(session))
    else:
        assert isinstance(arrival, Begin)
        assert (arrival.inputs, arrival.before) == (tuple(text.split("*")) if text else (), session)
        assert arrival.number > session.step or not text


@pytest.mark.parametrize("age_s", [0, 19, 20, 599])
def test_a_copy_of_the_last_answer_is_a_copy_until_the_session_is_outdated(age_s: float) -> None:
    for ended in (False, True):
        session = aged(after("7421*250*1", ended=ended), age_s)
        assert read(session, "7421*250*1") == Repeat(session)
        going_on = read(session, "7421*250*1*1")
        assert isinstance(going_on, Closed if ended else Input)


@pytest.mark.parametrize("text", ["", "99", "30000003*5"])
@pytest.mark.parametrize("ended", [False, True])
def test_the_same_opening_is_a_copy_and_after_a_while_a_further_call(text: str, ended: bool) -> None:
    session = after(text, ended=ended, began=True)
    assert read(aged(session, 19), text) == Repeat(aged(session, 19))
    assert isinstance(read(aged(session, 20), text), Begin)


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


# --- the latest input alone ------------------------------------------------------------------------------------------

DIAL = replace(STEP, gateway="nalo", event="begin")
SAID = replace(STEP, gateway="nalo")


def latest(session: Session | None, step: Step, after_s: float = 30) -> Arrival:
    """What is read so long after the last step was taken."""
    return read_latest(session, step, NOW + timedelta(seconds=after_s))


def taken(arrival: Arrival, **changes: object) -> Session:
    """The session as the step that arrived at NOW leaves it."""
    assert isinstance(arrival, Begin | Input)
    kept = replace(FRESH, expires_at=NOW + timedelta(seconds=SESSION_LIFE_S))
    return replace(kept, seen=arrival.seen, step=arrival.number, **changes)


def begun(**changes: object) -> Session:
    return taken(latest(None, DIAL), **changes)


@pytest.mark.parametrize(("dialled", "inputs"), [("", ()), ("7421*250", ("7421", "250")), ("7421", ("7421",))])
def test_a_beginning_brings_what_was_dialled(dialled: str, inputs: tuple[str, ...]) -> None:
    arrival = latest(None, replace(DIAL, text=dialled))
    assert isinstance(arrival, Begin)
    assert (arrival.inputs, arrival.notice) == (inputs, None)


def test_every_input_is_new_and_counted_whatever_it_says() -> None:
    session = begun()
    for number, typed in enumerate(("1", "1", "1*2", "", "74210006"), start=1):
        arrival = latest(session, replace(SAID, text=typed))
        assert isinstance(arrival, Input)
        assert (arrival.text, arrival.number) == (typed, number)
        session = taken(arrival)


@pytest.mark.parametrize(("after_s", "is_retry"), [(-0.5, True), (0.3, True), (1.9, True), (2, False), (4, False)])
def test_the_same_input_is_a_retry_for_as_long_as_nobody_can_have_read_the_screen(
    after_s: float, is_retry: bool
) -> None:
    said = replace(SAID, text="1")
    session = taken(latest(begun(), said), screen="number")
    assert (latest(session, said, after_s) == Repeat(session)) == is_retry
    assert isinstance(latest(session, replace(said, text="2"), after_s), Input)


@pytest.mark.parametrize(("after_s", "is_retry"), [(0.3, True), (15, True), (19.9, True), (20, False)])
def test_where_the_answer_pays_it_is_one_until_gateways_have_given_up(after_s: float, is_retry: bool) -> None:
    said = replace(SAID, text="1")
    session = taken(latest(begun(), said), screen="confirm")
    assert (latest(session, said, after_s) == Repeat(session)) == is_retry


def test_after_the_end_a_copy_of_the_last_input_is_a_copy_and_anything_else_closed() -> None:
    said = replace(SAID, text="1")
    session = taken(latest(begun(), said), ended=True)
    assert latest(session, said, 300) == Repeat(session)
    for typed in ("2", "", "1*1"):
        assert latest(session, replace(said, text=typed)) == Closed(session)


@pytest.mark.parametrize(("after_s", "is_retry"), [(1, True), (19, True), (20, False)])
@pytest.mark.parametrize("ended", [False, True])
def test_a_beginning_again_is_a_retry_and_later_a_new_call(after_s: float, is_retry: bool, ended: bool) -> None:
    """A session's id may come again: some gateways make it of the phone, some of sixteen bits."""
    session = begun(ended=ended)
    arrival = latest(session, DIAL, after_s)
    assert (arrival == Repeat(session)) == is_retry
    if not is_retry:
        assert isinstance(arrival, Begin)


@pytest.mark.parametrize("ended", [False, True])
def test_a_beginning_in_the_middle_of_a_session_is_a_new_call_with_numbers_of_its_own(ended: bool) -> None:
    session = taken(latest(begun(), replace(SAID, text="1")), ended=ended)
    arrival = latest(session, replace(DIAL, text="7421*250"), 1)
    assert isinstance(arrival, Begin)
    assert arrival.inputs == ("7421", "250")
    assert arrival.number > session.step


@pytest.mark.parametrize("session", [None, begun(expires_at=NOW), begun(expires_at=NOW, ended=True)])
def test_an_input_of_a_session_that_we_lost_starts_at_home_and_says_so(session: Session | None) -> None:
    arrival = latest(session, replace(SAID, text="250"))
    assert isinstance(arrival, Begin)
    assert arrival.inputs == ()
    assert arrival.notice is not None
    assert isinstance(latest(session, DIAL), Begin)


def test_an_unreadable_session_starts_at_home_even_if_it_was_dialled() -> None:
    for step in (SAID, DIAL, replace(DIAL, text="7421*250")):
        arrival = latest(UNREADABLE, step)
        assert isinstance(arrival, Begin)
        assert (arrival.inputs, arrival.notice is None) == ((), False)


# Where nothing marks a beginning (Flares, D-Mark), every text may be one.
UNMARKED = replace(SAID, gateway="flares", text="384*123", opens="")


def test_an_unmarked_beginning_opens_a_session_that_we_do_not_know() -> None:
    arrival = latest(None, replace(UNMARKED, text="384*123*7421", opens="7421"))
    assert isinstance(arrival, Begin)
    assert (arrival.inputs, arrival.notice) == (("7421",), None)


def test_its_copy_is_a_copy_for_a_while_and_the_next_text_an_input() -> None:
    session = taken(latest(None, UNMARKED))
    assert latest(session, UNMARKED, 19) == Repeat(session)
    arrival = latest(session, replace(UNMARKED, text="1"), 0.3)
    assert isinstance(arrival, Input)
    assert arrival.text == "1"
    later = taken(arrival)
    again = latest(later, replace(UNMARKED, text="1"))
    assert isinstance(again, Input)
    assert isinstance(latest(taken(again), UNMARKED, 1), Input)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("text", ["384*123", "384*123*7421*250"])
def test_it_begins_a_further_call_under_an_id_that_comes_again(ended: bool, text: str) -> None:
    session = taken(latest(taken(latest(None, UNMARKED)), replace(UNMARKED, text="99")), ended=ended)
    opening = replace(UNMARKED, text=text, opens=text.removeprefix("384*123").removeprefix("*"))
    arrival = latest(session, opening, 20)
    assert isinstance(arrival, Begin)
    assert arrival.before == session
    assert arrival.number >= session.step
    soon = latest(session, opening, 1)
    assert soon == Closed(session) if ended else isinstance(soon, Input)


def test_an_empty_text_begins_a_call_only_where_nobody_can_have_typed_it() -> None:
    silent = replace(UNMARKED, gateway="plain_latest", text="", opens="")
    session = taken(latest(taken(latest(None, silent)), replace(silent, text="1", opens=None)))
    assert isinstance(latest(session, silent, 60), Input)
    assert isinstance(latest(session, silent, SILENCE_S), Begin)
    assert isinstance(latest(replace(session, ended=True), silent, 60), Begin)
    assert latest(replace(session, ended=True), silent, 1) == Closed(replace(session, ended=True))


def test_a_number_that_begins_anew_after_the_end_is_that_of_a_further_call() -> None:
    session = replace(taken(latest(taken(latest(None, numbered(1, ""))), numbered(2, "99"))), ended=True)
    assert latest(session, numbered(1, ""), 1) == Repeat(session)
    arrival = latest(session, numbered(1, ""), 60)
    assert isinstance(arrival, Begin)
    assert arrival.number > session.step
    following = latest(taken(arrival), numbered(2))
    assert isinstance(following, Input)
    assert following.number > arrival.number


def numbered(seq: int, text: str = "1") -> Step:
    return replace(SAID, gateway="hubtel", text=text, seq=seq, event="begin" if seq == 1 else "reply")


def test_a_number_tells_copies_and_late_steps_from_new_ones_at_any_time() -> None:
    session = taken(latest(None, numbered(1, "")), screen="confirm")
    second = latest(session, numbered(2))
    assert isinstance(second, Input)
    session = taken(second, screen="confirm")
    third = latest(session, numbered(3), 0.1)
    assert isinstance(third, Input)
    assert third.number == 3
    session = taken(third)
    for seq, text in ((3, "1"), (2, "1"), (1, ""), (3, "2"), (0, "1")):
        assert latest(session, numbered(seq, text), 300) == Repeat(session)
    assert latest(replace(session, ended=True), numbered(4)) == Closed(replace(session, ended=True))
    assert latest(replace(session, ended=True), numbered(3)) == Repeat(replace(session, ended=True))


def test_a_name_tells_a_copy_from_the_same_input_at_any_time() -> None:
    first = replace(SAID, gateway="beem", text="1", message_id="r-1")
    session = taken(latest(begun(), first), screen="confirm")
    assert latest(session, first, 300) == Repeat(session)
    arrival = latest(session, replace(first, message_id="r-2"), 0.1)
    assert isinstance(arrival, Input)
    assert arrival.text == "1"


def test_of_the_latest_input_too_nothing_is_kept_that_tells_of_it() -> None:
    pins = [latest(begun(), replace(SAID, text="1234", session_id=session_id)) for session_id in ("s1", "s2")]
    digests = {taken(pin).seen for pin in pins}
    assert len(digests) == 2
    assert "1234" not in repr(digests)


@given(
    st.lists(st.tuples(st.sampled_from(["begin", "reply"]), st.sampled_from(["", "1", "1*2"]), st.floats(0, 700))),
    st.sampled_from([None, "", "7"]),
    st.booleans(),
)
def test_any_order_of_messages_is_understood_and_numbers_only_grow(
    messages: list[tuple[Any, str, float]], opens: str | None, ended: bool
) -> None:
    session: Session | None = None
    for event, text, after_s in messages:
        arrival = latest(session, replace(SAID, event=event, text=text, opens=opens), after_s)
        match arrival:
            case Repeat(same) | Closed(same):
                assert same == session
            case Begin() | Input():
                assert session is None or arrival.number >= session.step
                session = taken(arrival, ended=ended)
