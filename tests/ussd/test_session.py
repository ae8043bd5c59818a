"""Sessions as they are stored: small, stable across versions, and never a reason to fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.ussd.world import AMINA, NOW
from ussd import Reply, Session, SignUpForm, decode_session, encode_session
from ussd.screens.asking import NOTE_UNITS_MAX
from ussd.screens.common import ITEM_NAME_UNITS_MAX
from ussd.session import NEEDS, SESSION_BYTES_MAX, STACK_MAX, UNREADABLE, Answers, Aside, Seen, answered
from ussd.trade import Currency, Trade

SHOP = replace(AMINA, place="")
CONFIRM = Session(
    screen="confirm",
    language="sw",
    expires_at=NOW,
    reply=Reply("Lipa 250.00 KES?", end=False),
    step=3,
    seen=Seen(14, "0123456789abcdef"),
    stack=("home", "number", "amount"),
    answers=Answers(shop=SHOP, amount_minor=25_000),
)

# As the first version wrote it. A change that cannot read this ends the dialogues of everybody who is dialling
# while it is installed.
FIRST_VERSION = (
    b'{"screen":"confirm","language":"sw","expires_at":"2026-11-22T09:30:00Z",'
    b'"reply":{"text":"Lipa 250.00 KES?","end":false},"step":3,"seen":{"length":14,"digest":"0123456789abcdef"},'
    b'"stack":["home","number","amount"],"answers":{"shop":{"counter_id":"c-amina","number":"74210006",'
    b'"name":"Mama Amina","currency":"KES","exponent":2,"open":true,"max_minor":1000000},"amount_minor":25000}}'
)


def test_a_session_is_stored_as_it_always_was() -> None:
    assert encode_session(CONFIRM) == FIRST_VERSION
    assert decode_session(FIRST_VERSION) == CONFIRM
    assert decode_session(FIRST_VERSION.decode()) == CONFIRM


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        FIRST_VERSION[:-1],
        FIRST_VERSION.replace(b'"confirm"', b'"lottery"'),
        FIRST_VERSION.replace(b'"stack":["home"', b'"stack":["hall"'),
        FIRST_VERSION.replace(b'"step"', b'"steps"'),
        FIRST_VERSION.replace(b'"shop"', b'"store"'),
        FIRST_VERSION.replace(b',"amount_minor":25000', b""),
        FIRST_VERSION.replace(b'"screen":"confirm"', b'"screen":"payments"'),
        FIRST_VERSION.replace(b'"step":3', b'"step":"3"'),
        FIRST_VERSION.replace(b"Mama", b"M\xe4ma"),
        b"[" * 10_000,
    ],
)
def test_what_this_version_cannot_read_starts_over(stored: bytes) -> None:
    assert decode_session(stored) == UNREADABLE


def test_a_screen_on_the_way_back_needs_its_answers_too() -> None:
    lacking = replace(CONFIRM, screen="home", stack=("amount",), answers=Answers())
    assert decode_session(encode_session(lacking)) == UNREADABLE


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_decoding_never_fails(stored: bytes | str) -> None:
    assert isinstance(decode_session(stored), Session)


@given(st.integers(0, len(FIRST_VERSION) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_row_starts_over_or_is_a_session_with_all_its_answers(at: int, damage: bytes) -> None:
    found = decode_session(FIRST_VERSION[:at] + damage + FIRST_VERSION[at + 1 :])
    if found != UNREADABLE:
        assert decode_session(encode_session(found)) == found
        needed = [field for screen in (found.screen, *found.stack) for field in NEEDS.get(screen, ())]
        assert all(answered(found.answers, field) is not None for field in needed)


@pytest.mark.parametrize("at", range(0, len(FIRST_VERSION), 7))
def test_a_row_that_was_cut_off_starts_over(at: int) -> None:
    assert decode_session(FIRST_VERSION[:at]) == UNREADABLE


def test_the_largest_session_stays_within_its_bytes() -> None:
    shop = replace(
        AMINA,
        counter_id="c" * 36,
        number="7" * 32,
        name="አ" * 40,
        max_minor=10**15 - 1,
        place="አ" * 14,
        currencies=("KES", "USD", "EUR"),
    )
    largest = replace(
        CONFIRM,
        answers=Answers(shop, 10**15 - 1, "unreachable", request_id="r" * 36),
        reply=Reply("Ω" * 160, end=False),
        stack=("language",) * STACK_MAX,
        page=9,
        more=True,
        misses=2,
        seen=Seen(1_000, "f" * 16),
        step=999,
    )
    assert len(encode_session(largest)) <= SESSION_BYTES_MAX


def test_the_largest_session_of_a_shop_stays_within_its_bytes() -> None:
    trade = Trade(
        shop_id="s" * 36,
        shop="አ" * ITEM_NAME_UNITS_MAX,
        rights="cashier",
        refunds=True,
        leads_to="ask_customer",
        counter_id="c" * 36,
        counter="አ" * ITEM_NAME_UNITS_MAX,
        customer="+" + "9" * 17,
        currency=Currency("KES", 2, 10**15 - 1),
        amount_minor=10**15 - 1,
        note="አ" * NOTE_UNITS_MAX,
    )
    largest = replace(
        CONFIRM,
        screen="ask_confirm",
        answers=Answers(trade=trade),
        reply=Reply("አ" * 70, end=False),
        stack=("home", "shops", "shop", "pick", "ask_customer", "ask_currency", "ask_amount", "ask_note"),
        pages=(9,) * STACK_MAX,
        page=9,
        more=True,
        misses=2,
        seen=Seen(1_000, "f" * 16),
        step=999,
    )
    assert len(encode_session(largest)) <= SESSION_BYTES_MAX


def test_the_largest_sign_up_stays_within_its_bytes() -> None:
    form = SignUpForm("မ" * 60, "မ" * 60, "5499", "မ" * 60, "မ" * 32, "1990-12-31", "d" * 36, "မ" * 24)
    largest = replace(
        CONFIRM,
        screen="sign_up_consent",
        language="my",
        answers=Answers(form=form),
        reply=Reply("မ" * 70, end=False),
        stack=("sign_up_business",) * STACK_MAX,
        seen=Seen(1_000, "f" * 16),
        step=999,
    )
    largest = replace(largest, aside=Aside(largest.stack, largest.answers), guesses=9, guesses_until=NOW)
    assert len(encode_session(largest)) <= SESSION_BYTES_MAX


def test_a_session_too_large_is_a_fault_and_not_stored() -> None:
    with pytest.raises(AssertionError):
        encode_session(replace(CONFIRM, reply=Reply("Ω" * SESSION_BYTES_MAX, end=False)))
