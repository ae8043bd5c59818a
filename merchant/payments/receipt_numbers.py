"""The number of a receipt: made from the payment's id alone, read aloud without mistakes, and found without an index.

Thirteen letters and digits, `7Z3K-90QW-5D2XH`: 40 bits of the millisecond in which the id was made and its last 20
bits, in Crockford's base 32, then a check character that tells any one wrong character and any two that were
exchanged. The milliseconds begin anew every 35 years, so a number names a payment of one of three ages. Two payments
have one number only if they came within a millisecond, and then once in a million.
"""

from uuid import UUID

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SAID_FOR = str.maketrans("OIL", "011", "- ")
_CHECK_PRIME = 31
_PAYLOAD_CHARS, _BITS_A_CHAR = 12, 5
_MS_PLACE, _MS_BITS, _TAIL_BITS = 80, 40, 20
TAIL_DIGITS = _TAIL_BITS // 4
AGES = 3  # 1970 to 2004, to 2039, to 2074
LENGTH = _PAYLOAD_CHARS + 1


def number_of(payment_id: UUID) -> str:
    """The number of a payment's receipt, in groups."""
    made_ms = (payment_id.int >> _MS_PLACE) & ((1 << _MS_BITS) - 1)
    value = made_ms << _TAIL_BITS | payment_id.int & ((1 << _TAIL_BITS) - 1)
    places = range((_PAYLOAD_CHARS - 1) * _BITS_A_CHAR, -1, -_BITS_A_CHAR)
    payload = "".join(_ALPHABET[value >> place & 31] for place in places)
    text = payload + _check(payload)
    return f"{text[:4]}-{text[4:8]}-{text[8:]}"


def read_number(typed: str) -> str | None:
    """A number as someone typed it, without its hyphens; None for what is none."""
    text = typed.upper().translate(_SAID_FOR)
    if len(text) != LENGTH or not set(text) <= set(_ALPHABET) or _check(text[:-1]) != text[-1]:
        return None
    return text


def ranges_of(number: str) -> list[tuple[UUID, UUID]]:
    """The least and the greatest id that a number may mean, of each age."""
    made_ms = _value(number) >> _TAIL_BITS
    lows = [(age << _MS_BITS | made_ms) << _MS_PLACE for age in range(AGES)]
    return [(UUID(int=low), UUID(int=low | (1 << _MS_PLACE) - 1)) for low in lows]


def tail_of(number: str) -> str:
    """The last digits of the id, as its text has them."""
    return f"{_value(number) & ((1 << _TAIL_BITS) - 1):0{TAIL_DIGITS}x}"


def _value(number: str) -> int:
    value = 0
    for character in number[:_PAYLOAD_CHARS]:
        value = value << _BITS_A_CHAR | _ALPHABET.index(character)
    return value


def _check(payload: str) -> str:
    """Weighted by place, so that an exchange tells; modulo a prime, so that every other character does."""
    total = sum(weight * _ALPHABET.index(character) for weight, character in enumerate(payload, start=2))
    return _ALPHABET[total % _CHECK_PRIME]
