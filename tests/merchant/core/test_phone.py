"""Telephone numbers: one value however they are written, one blind index, one mask."""

import pytest

from merchant.core.phone import InvalidNumber, Msisdn, mask, parse
from merchant.core.vault import Vault
from tests.builders import SECRET_KEY

NUMBER = Msisdn("254711000001")
VAULT = Vault(SECRET_KEY)


@pytest.mark.parametrize("text", ["254711000001", "+254711000001"])
def test_a_number_is_the_same_with_and_without_plus(text: str) -> None:
    assert Msisdn.of(text) == NUMBER
    assert (Msisdn.of(text).digits, str(Msisdn.of(text))) == ("254711000001", "+254711000001")


@pytest.mark.parametrize("text", ["", "+", "++254711000001", "254 711", "254711000001\n", "٢٥٤٧١١", "alice", "1" * 18])
def test_a_text_with_anything_but_digits_is_not_a_number(text: str) -> None:
    with pytest.raises(InvalidNumber):
        Msisdn.of(text)


@pytest.mark.parametrize(
    "typed", ["254711000001", "+254711000001", "+254 711 000 001", "254-711-000-001", "0711000001", "0711 000 001"]
)
def test_a_typed_number_is_read_as_international_first_and_then_as_the_countrys_own(typed: str) -> None:
    assert parse(typed, "KE") == NUMBER


@pytest.mark.parametrize(
    "typed", ["", "abc", "+", "0", "1234", "254711000001\n", "-254711000001", "+254711000001;ext=5", "2547110000011111"]
)
def test_what_cannot_be_a_number_is_not_read_as_one(typed: str) -> None:
    assert parse(typed, "KE") is None


def test_the_digest_is_that_of_the_number_with_its_plus() -> None:
    assert NUMBER.digest(VAULT) == VAULT.digest("phone", "+254711000001")
    assert NUMBER.digest(VAULT) != Msisdn("254711000002").digest(VAULT)


def test_payers_stored_under_their_bare_digits_are_looked_up_as_well() -> None:
    assert NUMBER.payer_digests(VAULT) == [NUMBER.digest(VAULT), VAULT.digest("phone", "254711000001")]


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("254711000001", "2547*****001"),
        ("+254711000001", "+2547*****001"),
        ("12345678", "1234*678"),
        ("1234567", "*******"),
        ("+123", "+***"),
        ("", ""),
    ],
)
def test_a_mask_leaves_the_ends_legible(number: str, masked: str) -> None:
    assert mask(number) == masked
