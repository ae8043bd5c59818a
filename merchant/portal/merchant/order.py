"""An order that is pressed together of price keys: its lines, its sum, its words, and amounts as people type them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from msgspec import Struct

from merchant.core import money
from merchant.core.money import Money
from merchant.payments.price_keys.schemas import PriceKeyView

LINE = "line."  # and a price key's id: how many of it
MAX_OF_LINE = 99
NOTE_CHARS = 128
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]{1,2}")


class Line(Struct, frozen=True):
    """So many of one thing."""

    key: PriceKeyView
    count: int

    @property
    def sum(self) -> Money:
        """What they cost together."""
        price = money.parse_shown(self.key.amount.amount, self.key.amount.currency)
        return Money(price.minor * self.count, price.currency)


def lines_of(form: Mapping[str, str], keys: Sequence[PriceKeyView]) -> list[Line]:
    """The lines that a form holds, after the key that was pressed: `add` puts one on, `less` takes one off.

    An order is in one currency: a key of another one begins a new order, and of lines whose prices were changed to
    another meanwhile those in the first one's currency stay.
    """
    counts = {key.id: _count(form.get(f"{LINE}{key.id}", "")) for key in keys}
    by_id = {str(key.id): key for key in keys}
    added, taken = by_id.get(form.get("add", "")), by_id.get(form.get("less", ""))
    if added is not None:
        counts = {
            key.id: counts[key.id] if key.amount.currency == added.amount.currency else 0 for key in by_id.values()
        }
        counts[added.id] = min(counts[added.id] + 1, MAX_OF_LINE)
    if taken is not None:
        counts[taken.id] = max(counts[taken.id] - 1, 0)
    lines = [Line(key, counts[key.id]) for key in keys if counts[key.id]]
    return [line for line in lines if line.key.amount.currency == lines[0].key.amount.currency]


def _count(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9][0-9]?", text) else 0


def sum_of(lines: Sequence[Line]) -> Money | None:
    """What an order costs; None of an empty one."""
    if not lines:
        return None
    return Money(sum(line.sum.minor for line in lines), lines[0].key.amount.currency)


def all_decimals(amount: Money) -> str:
    """An amount as it stands in a field: `2.20`."""
    digits = money.exponent(amount.currency)
    whole, fraction = divmod(amount.minor, 10**digits)
    return f"{whole}.{fraction:0{digits}d}" if digits else str(whole)


def words_of(lines: Sequence[Line]) -> str:
    """An order as a note: `2 × Tea, Bread`; what does not fit is left out."""
    parts = [line.key.label if line.count == 1 else f"{line.count} × {line.key.label}" for line in lines]
    text = ", ".join(parts)
    return text if len(text) <= NOTE_CHARS else text[: NOTE_CHARS - 1].rsplit(",", 1)[0] + "…"


def typed_amount(text: str) -> str:
    """An amount as our API takes it, from what people type: digits of any script, blanks between thousands, and a
    comma before one or two decimals. A comma that may stand for thousands is left for the API to ask about.
    """
    plain = "".join(str(unicodedata.digit(sign)) if sign.isdecimal() else sign for sign in text)
    plain = re.sub(r"[\s\u00a0\u202f'’]", "", plain).replace("٫", ".")
    return plain.replace(",", ".") if _DECIMAL_COMMA.fullmatch(plain) else plain
