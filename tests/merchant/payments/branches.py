"""Every way to find a payment, as the lists and the search ask for it: name, and what is sought of one payment."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from merchant.core.money import Money
from merchant.payments import receipt_numbers
from merchant.payments.finding import KnownAs, Sought

Make = Callable[[Any], Sought | None]


def _asked(make: Callable[[Any], Sought]) -> Make:
    """A branch for payments that were asked for."""
    return lambda row: make(row) if row["request_id"] is not None else None


def _amount(row: Any) -> tuple[Money, ...]:
    return tuple(Money(row["amount_minor"], currency) for currency in ("KES", "USD"))


def _receipt(row: Any) -> str:
    return receipt_numbers.number_of(row["id"]).replace("-", "")


BRANCHES: dict[str, Make] = {
    "nothing: the newest": lambda row: Sought(),
    "id of the payment": lambda row: Sought(known_as=KnownAs(uuid=row["id"], hub=(str(row["id"]),))),
    "id of the request": _asked(lambda row: Sought(known_as=KnownAs(uuid=row["request_id"], hub=("x",)))),
    "transfer": lambda row: Sought(known_as=KnownAs(hub=(row["transfer_id"],))),
    "transaction": lambda row: Sought(known_as=KnownAs(hub=(row["transaction_id"],))),
    "transaction request": _asked(lambda row: Sought(known_as=KnownAs(hub=(row["transaction_request_id"],)))),
    "receipt number": lambda row: Sought(known_as=KnownAs(receipt=_receipt(row))),
    "short reference": _asked(lambda row: Sought(known_as=KnownAs(short_ref=row["short_ref"]))),
    "payer": lambda row: Sought(payer=(row["payer_digest"], b"none")),
    "payer at a merchant": lambda row: Sought(payer=(row["payer_digest"],), merchant_id=row["merchant_id"]),
    "reference": _asked(lambda row: Sought(reference=(row["reference"], row["reference"].lower()))),
    "amount": lambda row: Sought(amounts=_amount(row)),
    "amount that nobody paid": lambda row: Sought(amounts=(Money(row["amount_minor"] + 1, "KES"),)),
    "amount at a merchant": lambda row: Sought(amounts=_amount(row), merchant_id=row["merchant_id"]),
    "amount of a day": lambda row: Sought(
        amounts=_amount(row), since=row["received_at"] - timedelta(days=1), until=row["received_at"]
    ),
    "merchant": lambda row: Sought(merchant_id=row["merchant_id"]),
    "counter": lambda row: Sought(counter_id=row["counter_id"]),
    "an hour": lambda row: Sought(since=row["received_at"], until=row["received_at"] + timedelta(hours=1)),
    "a merchant's note": lambda row: Sought(words=("coffees",), merchant_id=row["merchant_id"]),
}
# Of a note no index holds the words: only so many of the newest rows are looked at (search.LOOKED_AT).
NOTED = "words of a note"
