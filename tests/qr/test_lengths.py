"""Wrong lengths are named with the right ones, and what can be read is told."""

import pytest

import qr
from tests.qr.shapes import HEAD, KENYA, account, golden, tlv
from tests.qr.test_codec import sealed

LIVE = (
    "00020101021129230008ke.go.qr680722266655204541153034045403200580"
    "2KE5918JANE WANJIRU KAMAU6007NAIROBI6205000016304FB5D"
)


@pytest.mark.parametrize("off", [-3, -2, -1, 1, 2, 3])
@pytest.mark.parametrize(("tag", "length"), [("59", 18), ("60", 7), ("29", 23)])
def test_a_wrong_length_is_named_with_the_right_one(tag, length, off):
    said = length + off
    payload = LIVE.replace(f"{tag}{length:02d}", f"{tag}{said:02d}", 1)
    assert payload != LIVE
    report = qr.explain(payload)
    messages = [finding.message for finding in report.findings if finding.code != "checksum_wrong"]
    assert messages == [f"{tag} says {said}, with {length} the rest reads"]
    assert (report.country, report.amount, [network.profile for network in report.networks]) == (
        "KE",
        "200 is asked",
        ["ke-qr"],
    )
    assert "JANE WANJIRU KAMAU, NAIROBI KE" in str(report)
    assert not report.tolerant


@pytest.mark.parametrize(
    ("first", "second"),
    [(("29", 23, 22), ("59", 18, 19)), (("59", 18, 19), ("60", 7, 8)), (("29", 23, 24), ("60", 7, 6))],
)
def test_two_wrong_lengths_are_both_named(first, second):
    payload = LIVE
    for tag, right, said in (first, second):
        payload = payload.replace(f"{tag}{right:02d}", f"{tag}{said:02d}", 1)
    report = qr.explain(payload)
    assert [finding.message for finding in report.findings] == [
        f"{first[0]} says {first[2]}, with {first[1]} the text reads on",
        f"{second[0]} says {second[2]}, with {second[1]} the rest reads",
    ]
    assert "JANE WANJIRU KAMAU, NAIROBI KE" in str(report)


@pytest.mark.parametrize("length", [" 4", "+4", "4 ", "٠٤", "0x"])
def test_a_length_that_is_no_number_is_not_taken_for_a_wrong_one(length):
    report = qr.explain(sealed(golden("tanqr").replace("52045814", f"52{length}5814", 1)))
    assert "must begin with two digits" in report.findings[0].message


def test_a_wrong_length_within_a_template_is_named():
    bank = account("29", ("00", "ke.go.qr"), ("68", "1"))
    payload = sealed(HEAD + bank + KENYA + tlv(("62", "0510ABCDEFGHI0703T01")))
    report = qr.explain(payload)
    assert [finding.message for finding in report.findings] == ["62.05 says 10, with 9 the rest reads"]


def test_what_stands_before_a_break_is_told():
    whole = sealed(golden("tanqr").replace("5802TZ", "5406250.005802TZ"))
    report = qr.explain(whole[:100])
    assert report.code is None
    assert [network.profile for network in report.networks] == ["tanqr"]
    assert (report.amount, report.currency and report.currency.alpha) == ("250.00 is asked", "TZS")
    assert qr.explain(whole[:60]).amount == "", "what is not read is not said"
