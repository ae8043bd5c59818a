"""Encryption at rest: what is sealed opens with its context and key only; blind indexes tell nothing but equality."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.core import vault as module
from merchant.core.vault import BadSecretKey, Vault
from tests.builders import SECRET_KEY

OTHER_KEY = "other:" + base64.b64encode(b"B" * 32).decode()
VAULT = Vault(SECRET_KEY)


@given(st.binary(max_size=500), st.text(max_size=50))
def test_what_is_sealed_opens_with_the_same_context(plain: bytes, context: str) -> None:
    assert VAULT.open(VAULT.seal(plain, context), context) == plain


@given(st.binary(max_size=100), st.data())
def test_a_changed_bit_is_noticed(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(VAULT.seal(plain, "c"))
    place = data.draw(st.integers(1 + len("test"), len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BadSecretKey):
        VAULT.open(bytes(sealed), "c")


def test_the_same_text_is_never_sealed_the_same_twice() -> None:
    assert VAULT.seal(b"254711000001", "c") != VAULT.seal(b"254711000001", "c")


def test_a_value_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(BadSecretKey, match="does not open"):
        VAULT.open(VAULT.seal(b"x", "application:1"), "application:2")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(BadSecretKey, match="lacks key 'test'"):
        Vault(OTHER_KEY).open(VAULT.seal(b"x", "c"), "c")


def test_the_first_key_writes_and_all_keys_read() -> None:
    both = Vault(f"{OTHER_KEY},{SECRET_KEY}")
    old = VAULT.seal(b"x", "c")
    assert both.open(old, "c") == b"x"
    assert not old.startswith(both.prefix)
    new = both.seal(b"x", "c")
    assert new.startswith(both.prefix)
    assert Vault(OTHER_KEY).open(new, "c") == b"x"


def test_a_key_whose_name_begins_like_anothers_is_not_taken_for_it() -> None:
    longer = Vault(SECRET_KEY.replace("test:", "test2:"))
    assert not longer.seal(b"x", "c").startswith(VAULT.prefix)
    assert not VAULT.seal(b"x", "c").startswith(longer.prefix)


@pytest.mark.parametrize(
    "secret_key",
    [
        "",
        "test",
        "test:",
        ":" + "QUFB" * 10 + "QUE=",
        "test:short",
        "test:" + "A" * 44,
        "test:!!!",
        "k" * 33 + ":x",
        f"{SECRET_KEY},",
        f"{SECRET_KEY},x",
        "tést:" + "QUFB" * 10 + "QUE=",
    ],
)
def test_a_malformed_key_is_refused_without_repeating_it(secret_key: str) -> None:
    with pytest.raises(BadSecretKey) as refused:
        Vault(secret_key)
    assert "QUFB" not in str(refused.value)


def test_a_blind_index_is_equal_for_equal_values_of_one_kind_and_one_key_only() -> None:
    digest = VAULT.digest("phone", "254711000001")
    assert digest == Vault(SECRET_KEY).digest("phone", "254711000001")
    others = [
        VAULT.digest("id_number", "254711000001"),
        VAULT.digest("phone", "254711000002"),
        Vault(OTHER_KEY).digest("phone", "254711000001"),
    ]
    assert digest not in others
    assert b"254711" not in digest


def test_passwords_are_hashed_with_argon2id_and_a_salt() -> None:
    first, second = module.hash_password("correct horse"), module.hash_password("correct horse")
    assert first.startswith("$argon2id$")
    assert first != second
    assert module.password_matches(first, "correct horse")
    assert not module.password_matches(first, "Correct horse")


@pytest.mark.parametrize("damaged", ["", "x", "$argon2id$", "$argon2id$v=19$m=1,t=1,p=1$AAAA$AAAA"])
def test_a_damaged_hash_matches_nothing(damaged: str) -> None:
    assert not module.password_matches(damaged, "")


def test_different_purposes_have_different_keys() -> None:
    assert VAULT.token_key != Vault(OTHER_KEY).token_key
    assert len(bytes.fromhex(VAULT.token_key)) == 32
