"""Receipts say what was paid, in the shop's script and the reader's language; their numbers and links are sound."""

import random
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace

from merchant.core import clock, errors, ids
from merchant.exchange.receipt_paper import draw_receipt
from merchant.payments import receipt_numbers, receipts
from tests.merchant.payments.stage import PAYER, Stage

pytestmark = pytest.mark.anyio


async def payment_of(stage: Stage, **body: str) -> dict[str, str]:
    request = await stage.asked(**body)
    await stage.pay(request)
    return (await stage.payments())[0]


async def receipt(stage: Stage, payment_id: str, language: str = "en", **query: str) -> httpx.Response:
    headers = stage.key | {"accept-language": language}
    return await stage.client.get(f"/api/v1/payments/{payment_id}/receipt", params=query, headers=headers)


async def test_a_receipt_says_what_was_paid_to_whom_and_when(stage: Stage) -> None:
    payment = await payment_of(stage, reference="INV-81", note="two coffees")
    told = await receipt(stage, payment["id"])
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    assert told.headers["cache-control"] == "no-store"
    number = receipt_numbers.number_of(UUID(payment["id"]))
    for part in (
        *("Test scheme", stage.merchant.trading_name, "Nairobi", stage.counter.alias, stage.counter.name),
        *("Paid: 10.00 KES", number, "INV-81", "two coffees", "2547*****001", " EAT\n"),
    ):
        assert part in told.text, part
    assert PAYER not in told.text
    assert "10,00" in (await receipt(stage, payment["id"], "fr")).text


async def test_a_receipt_is_a_pdf_of_one_small_page(stage: Stage) -> None:
    payment = await payment_of(stage)
    told = await receipt(stage, payment["id"], format="pdf")
    assert told.headers["content-type"] == "application/pdf"
    assert told.content.startswith(b"%PDF-1.7")
    assert b"/MediaBox[0 0 297.64 419.53]" in told.content
    assert (await receipt(stage, payment["id"], format="png")).status_code == 400
    assert (await receipt(stage, str(uuid4()))).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "መርካቶ ሱቅ",
        "محل الرياض للبقالة",
        "ร้านกาแฟ",
        "Café ☕ 😀 \u200d\ufe0f",
        "\u0301",
        "字",
        "W" * 128,
        "word " * 25,
        "",
    ],
)
async def test_a_receipt_is_drawn_whatever_a_shop_is_called(stage: Stage, name: str) -> None:
    payment = await payment_of(stage)
    found = await receipts.read_receipt(stage.service, UUID(payment["id"]), "en")
    drawn = draw_receipt(replace(found, merchant_name=name, note=name or None, reference=name or None))
    assert drawn.startswith(b"%PDF-1.7")
    assert drawn == draw_receipt(replace(found, merchant_name=name, note=name or None, reference=name or None))


# --- numbers -----------------------------------------------------------------------------------------------------


def test_a_number_is_read_back_as_people_write_and_say_it() -> None:
    for _ in range(200):
        payment_id = ids.uuid7()
        number = receipt_numbers.number_of(payment_id)
        assert len(number) == 15
        bare = number.replace("-", "")
        for typed in (number, number.lower(), bare, number.replace("-", " ").replace("0", "O").replace("1", "l")):
            assert receipt_numbers.read_number(typed) == bare
        assert any(low <= payment_id <= high for low, high in receipt_numbers.ranges_of(bare))
        assert str(payment_id).endswith(receipt_numbers.tail_of(bare))


def test_a_wrong_character_and_two_exchanged_are_noticed() -> None:
    rnd = random.Random(1)
    noticed = tried = 0
    for _ in range(300):
        bare = receipt_numbers.number_of(ids.uuid7()).replace("-", "")
        place = rnd.randrange(12)
        swapped = bare[:place] + bare[place + 1] + bare[place] + bare[place + 2 :]
        wrong = bare[:place] + rnd.choice("0123456789ABCDEFGHJKMNPQRSTVWXY") + bare[place + 1 :]
        for other in {swapped, wrong} - {bare}:
            tried += 1
            noticed += receipt_numbers.read_number(other) is None
    # A character 31 places from the right one (0 for Z) is the only one that is not.
    assert noticed >= tried * 0.98


@pytest.mark.parametrize("typed", ["", "U" * 13, "0" * 12, "0" * 14, "ééééééééééééé", "0000-0000-0000%"])
def test_what_is_no_number_is_none(typed: str) -> None:
    assert receipt_numbers.read_number(typed) is None


# --- links -------------------------------------------------------------------------------------------------------


async def test_a_token_names_its_payment_for_ninety_days(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    payment_id = ids.uuid7()
    token = receipts.receipt_token(stage.service, payment_id, clock.now())
    assert token is not None
    assert len(token) == 38
    assert receipts.payment_of_token(stage.service, token) == payment_id
    now = clock.now()
    monkeypatch.setattr(clock, "source", lambda: now + timedelta(days=89))
    assert receipts.payment_of_token(stage.service, token) == payment_id
    monkeypatch.setattr(clock, "source", lambda: now + timedelta(days=90, seconds=1))
    assert receipts.payment_of_token(stage.service, token) is None


async def test_a_token_made_late_ends_no_later_and_none_is_made_afterwards(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment_id, received_at = ids.uuid7(), clock.now()
    monkeypatch.setattr(clock, "source", lambda: received_at + timedelta(days=89))
    token = receipts.receipt_token(stage.service, payment_id, received_at)
    assert token is not None
    assert receipts.payment_of_token(stage.service, token) == payment_id
    monkeypatch.setattr(clock, "source", lambda: received_at + receipts.TOKEN_LIFE)
    assert receipts.payment_of_token(stage.service, token) is None
    assert receipts.receipt_token(stage.service, payment_id, received_at) is None


async def test_a_token_that_was_changed_or_made_up_names_nothing(stage: Stage) -> None:
    token = receipts.receipt_token(stage.service, ids.uuid7(), clock.now())
    assert token is not None
    for place in range(0, len(token) - 1, 3):
        other = "A" if token[place] != "A" else "B"
        assert receipts.payment_of_token(stage.service, token[:place] + other + token[place + 1 :]) is None
    for made_up in ("", "x", token[:-2], token + "AA", "A" * 38, "é" * 38, "=" * 38, "%" * 38, "A" * 10_000):
        assert receipts.payment_of_token(stage.service, made_up) is None


async def test_a_receipt_of_nothing_is_not_found(stage: Stage) -> None:
    with pytest.raises(errors.NotFound):
        await receipts.read_receipt(stage.service, uuid4(), "en")
