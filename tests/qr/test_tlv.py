import pytest
from hypothesis import given
from hypothesis import strategies as st

from qr import tlv
from tests.qr.codes import precomposed

objects = st.dictionaries(st.sampled_from(sorted(tlv.IDS)), precomposed(99), max_size=9)


@given(objects)
def test_splitting_undoes_joining(given_objects):
    assert tlv.split(tlv.join(given_objects.items())) == given_objects


def test_length_counts_characters_not_bytes_and_not_utf16_units():
    assert tlv.join([("02", "北京")]) == "0202北京"
    assert tlv.join([("02", "😀")]) == "0201😀"
    assert tlv.split("0201😀") == {"02": "😀"}


def test_a_decomposed_letter_is_composed_before_it_is_counted():
    assert tlv.join([("59", "e\u0301")]) == "5901é"


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("59", "bad_header", 0),
        ("5A01x", "bad_header", 0),
        ("000201+101x", "bad_header", 6),
        ("59 4abcd", "bad_header", 0),
        ("59+4abcd", "bad_header", 0),
        ("59١٤abcd", "bad_header", 0),
        ("٥٩01a", "bad_header", 0),
        ("5905abcd", "value_overruns", 0),
        ("59005901a", "empty_value", 0),
        ("5901a5901b", "duplicate_id", 5),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_place(text, code, offset):
    with pytest.raises(tlv.TlvError):
        tlv.split(text)
    _, faults = tlv.scan(text)
    assert (faults[0].code, faults[0].offset) == (code, offset)


def test_scan_keeps_what_it_read_before_the_fault():
    items, faults = tlv.scan("000201" + "0102")
    assert [item.tag for item in items] == ["00"]
    assert [fault.code for fault in faults] == ["value_overruns"]


@given(st.text(max_size=80))
def test_split_refuses_exactly_what_scan_finds_fault_with(text):
    try:
        split = tlv.split(text)
    except tlv.TlvError:
        assert tlv.scan(text)[1]
    else:
        items, faults = tlv.scan(text)
        assert not faults
        assert split == {item.tag: item.value for item in items}


@pytest.mark.parametrize(
    ("tag", "value"), [("59", ""), ("59", "x" * 100), ("5", "x"), ("059", "x"), ("ab", "x"), ("59", "\ud800")]
)
def test_invalid_tags_and_values_are_not_written(tag, value):
    with pytest.raises(tlv.TlvError) as raised:
        tlv.join([(tag, value)])
    assert raised.value.tag == tag
