"""The block list finds an identifier by its keyed hash, until the entry ends, and holds nothing in clear."""

import hashlib
import hmac
from datetime import date

import pytest

import kyb
from kyb.lists.blocklist import Blocklist, decode_blocklist, encode_blocklist, load_blocklist
from tests.kyb.lists.samples import BLOCKLIST_CSV

TODAY = date(2026, 11, 20)


def digest(kind: str, value: str) -> bytes:
    return hmac.digest(b"a key", f"{kind}:{value}".encode(), hashlib.sha256)


@pytest.fixture
def blocklist() -> Blocklist:
    return load_blocklist(BLOCKLIST_CSV, digest, TODAY)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("phone", "+254722000111", "13"),
        ("phone", "254 722 000 111", "13"),
        ("id_number", "27004711", "03"),
        ("name", "al-Sample TARIK", "14"),
        ("name", "Tárik Al Sample", "14"),
        ("name", "Sample al Тарик", "14"),
        ("name", "Tarik Sample", None),
        ("phone", "٢٥٤٧٢٢٠٠٠١١١", "13"),
        ("id_number", "ID/27-004.711", "03"),
        ("id_number", "２７００４７１１", "03"),
        ("id_number", "٢٧٠٠٤٧١١", "03"),
        ("phone", "+254722000112", None),
        ("id_number", "+254722000111", None),
        ("account", "27004711", None),
        ("id_number", "", None),
    ],
)
def test_an_identifier_is_found_in_any_spelling_and_as_its_kind_only(
    blocklist: Blocklist, kind: str, value: str, reason: str | None
) -> None:
    found = blocklist.find(kind, value, digest, TODAY)
    assert (found.reason if found else None) == reason


def test_an_entry_counts_until_the_day_before_it_ends(blocklist: Blocklist) -> None:
    assert blocklist.find("id_number", "27004711", digest, date(2026, 11, 20)) is not None
    assert blocklist.find("id_number", "27004711", digest, date(2026, 11, 21)) is None


def test_an_entry_lasts_five_years_unless_it_says_otherwise(blocklist: Blocklist) -> None:
    found = {entry.kind: (entry.added_on, entry.expires_on) for entry in blocklist.entries}
    assert found["phone"] == (date(2026, 1, 10), date(2031, 1, 10))
    assert found["name"] == (TODAY, date(2031, 11, 20))
    leap = load_blocklist(b"kind,value,reason,added_on\naccount,AC-4711,5,2024-02-29\n", digest, TODAY)
    assert leap.entries[0].expires_on == date(2029, 2, 28)


def test_who_has_another_key_finds_nothing(blocklist: Blocklist) -> None:
    assert blocklist.find("phone", "+254722000111", lambda *_: bytes(32), TODAY) is None


def test_what_is_kept_holds_no_value_and_reads_back_the_same(blocklist: Blocklist) -> None:
    kept = encode_blocklist(blocklist)
    assert not [value for value in (b"722", b"4711", b"arik", b"ample") if value in kept]
    again = decode_blocklist(kept, TODAY)
    assert (again.entries, again.sha256) == (blocklist.entries, blocklist.sha256)
    assert hashlib.sha256(kept).hexdigest() == blocklist.sha256


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("shoe,12345,13", "row 2: kind"),
        ("phone,+254722000111,99", "row 2: reason"),
        ("phone,+254722000111,6", "row 2: reason"),
        ("phone,0722000111,13", "row 2: a phone"),
        ("id_number,12,13", "row 2: value"),
        ("id_number,---- ----,13", "row 2: value"),
        ("id_number,secret4711,13,never", "row 2: added_on"),
        ("id_number,secret4711,13,2026-01-02,2026-01-02", "row 2: expires_on"),
        ("id_number,secret-4711,13\nid_number,SECRET4711,14", "row 3: this id_number stands above"),
    ],
)
def test_a_wrong_row_is_named_and_its_value_is_not_repeated(row: str, told: str) -> None:
    with pytest.raises(kyb.BadList, match=told) as fault:
        load_blocklist(f"kind,value,reason,added_on,expires_on\n{row}\n".encode(), digest, TODAY)
    assert not [value for value in ("secret4711", "SECRET4711", "722000111") if value in str(fault.value)]


@pytest.mark.parametrize("content", [b"", b"kind,value\n", b"kind,value,reason\n", b"\xff\xfe", b"{}"])
def test_what_is_no_block_list_is_refused(content: bytes) -> None:
    with pytest.raises(kyb.BadList):
        load_blocklist(content, digest, TODAY)
    with pytest.raises(kyb.BadList):
        decode_blocklist(content, TODAY)
