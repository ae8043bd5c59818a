import json
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import qr
from qr.reader import INPUT_CHARS_MAX
from qr.tlv import join
from tests.cases import every_case
from tests.qr.codes import merchant_codes
from tests.qr.test_codec import EMVCO_SAMPLE, SHOP, sealed

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "emv_qr.json").read_text(encoding="utf-8"))
GOLDEN = qr.find_profile("tanqr").golden[0].payload


def codes(report: qr.Report) -> set[str]:
    return {finding.code for finding in report.findings}


def test_the_specification_sample_is_explained_in_full():
    report = qr.explain(EMVCO_SAMPLE)
    assert (report.strict, report.tolerant, report.kind) == (True, True, "merchant")
    assert (report.initiation, report.country, report.languages) == ("dynamic", "CN", ("ZH",))
    assert report.currency is not None
    assert report.currency.alpha == "CNY"
    assert report.amount == "23.72 is asked, and may add a tip"
    assert report.asks == ("customer label", "mobile number", "e-mail address")
    assert (report.chars, report.bytes, report.chars_left) == (248, 260, 264)
    assert "最佳运输" in str(report)


def test_the_tree_gives_every_object_its_place():
    report = qr.explain(EMVCO_SAMPLE)
    nodes = [node for top in report.tree for node in (top, *top.parts)]
    assert nodes[0].path == "00"
    assert {"29.05", "62.09", "64.02", "91.07", "63"} <= {node.path for node in nodes}
    for node in nodes:
        assert EMVCO_SAMPLE[node.offset :].startswith(f"{node.path[-2:]}{len(node.value):02d}{node.value}")


@every_case("vector", VECTORS, ids=lambda vector: vector["payload"][-30:])
def test_the_report_agrees_with_both_modes(vector):
    report = qr.explain(vector["payload"])
    assert (report.strict, report.tolerant) == (vector["emv_strict"], vector["tolerant"])
    assert report.strict or any(finding.severity in ("fatal", "error") for finding in report.findings)


def test_schemes_judge_by_their_own_rules():
    report = qr.explain(qr.find_profile("promptpay").golden[0].payload)
    assert not report.strict
    assert [(scheme.profile, scheme.findings) for scheme in report.schemes] == [("promptpay", ())]
    spoiled = qr.explain(sealed(GOLDEN[:-8].replace("5303834", "5303404")))
    assert spoiled.strict
    assert [finding.path for finding in spoiled.schemes[0].findings] == ["53"]


@pytest.mark.parametrize(("golden", "initiation"), [(0, "static"), (1, "dynamic")])
def test_a_scheme_without_object_01_tells_static_from_dynamic_elsewhere(golden, initiation):
    report = qr.explain(qr.find_profile("uemoa-pispi").golden[golden].payload)
    assert report.code is not None
    assert report.code.point_of_initiation is None
    assert report.initiation == initiation


def test_the_report_can_be_sent_as_json():
    report = msgspec.json.decode(msgspec.json.encode(qr.explain(EMVCO_SAMPLE)))
    assert report["currency"]["alpha"] == "CNY"
    assert report["code"]["accounts"][0]["fields"]["00"] == "D15600000000"


def test_networks_without_a_profile_are_named_by_identifier_or_guid():
    accounts = (qr.Account("04", {}, "5123456789012345"), qr.Account("30", {"00": "org.unknown", "01": "7"}))
    report = qr.explain(qr.encode(msgspec.structs.replace(SHOP, accounts=accounts)))
    assert [(network.profile, network.name) for network in report.networks] == [("", "Mastercard"), ("", "org.unknown")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "1.505", "point_of_initiation": "12"}, "too_many_decimals"),
        ({"tip": qr.Tip("02", fixed="1.505")}, "too_many_decimals"),
        ({"currency": "694"}, "currency_withdrawn"),
        ({"mcc": "0001"}, "mcc_unlisted"),
        ({"point_of_initiation": "12"}, "dynamic_without_amount"),
        ({"accounts": (qr.Account("26", {"00": "our scheme"}),)}, "guid_shape"),
        ({"accounts": (qr.Account("26", {"00": "org.example", "01": "é"}),)}, "not_ascii"),
    ],
)
def test_findings_that_no_mode_refuses_are_warnings(change, code):
    report = qr.explain(qr.encode(msgspec.structs.replace(SHOP, **change)))
    assert report.strict
    assert code in codes(report)


@pytest.mark.parametrize(
    ("change", "amount"),
    [
        ({}, "the payer types the amount"),
        ({"amount": "5"}, "5 is asked"),
        ({"tip": qr.Tip("02", fixed="5")}, "the payer types the amount, plus a fee of 5"),
        ({"tip": qr.Tip("03", percentage="5")}, "the payer types the amount, plus a fee of 5 %"),
    ],
)
def test_the_amount_rule_is_said_in_words(change, amount):
    assert qr.explain(qr.encode(msgspec.structs.replace(SHOP, **change))).amount == amount


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("upi://pay?pa=shop@bank&pn=Shop", "upi"),
        ("https://merchant.example/pay/123", "link"),
        ("hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MQ==", "consumer"),
        ("", "unknown"),
        ("0002", "merchant"),
    ],
)
def test_other_kinds_of_text_are_recognised(text, kind):
    report = qr.explain(text)
    assert (report.kind, report.tolerant, report.code) == (kind, False, None)


def test_a_scanner_artefact_is_named_and_undone():
    report = qr.explain("\ufeff" + GOLDEN + "\r\n")
    assert report.cleaned == GOLDEN
    assert "scanner_artefact" in codes(report)


def test_lengths_counted_in_bytes_are_named():
    bytewise = sealed("00020101021126150011com.example52045411530340458" + "02KE5906Café6001X").replace(
        "5906Café", "5905Café"
    )
    assert "length_unit" in codes(qr.explain(sealed(bytewise[:-8])))


def test_lengths_counted_in_utf16_units_are_named():
    body = "000201" + "64200002my0110😀shop one"
    report = qr.explain(sealed(body))
    assert report.code is None
    assert [finding.message for finding in report.findings if finding.code == "length_unit"] == [
        "lengths count UTF-16 units, not characters"
    ]


@given(st.text())
@example("\ud800")
@example("0002010102")
@settings(deadline=None)
def test_no_text_makes_it_raise(text):
    report = qr.explain(text)
    assert str(report)
    assert report.tolerant is (report.code is not None and "fatal" not in {f.severity for f in report.findings})


@given(merchant_codes, st.data())
@settings(deadline=None)
def test_no_damage_to_a_code_makes_it_raise(code, data):
    try:
        payload = qr.encode(code)
    except qr.EncodeError:
        return
    position = data.draw(st.integers(0, len(payload) - 1))
    damaged = payload[:position] + data.draw(st.text(max_size=3)) + payload[position + 1 :]
    report = qr.explain(sealed(damaged[:-8]) if data.draw(st.booleans()) else damaged)
    assert str(report)


HOSTILE = {
    "zeros": "0" * INPUT_CHARS_MAX,
    "repeats": "000201" + "5901x" * 13_000,
    "sealed repeats": sealed("000201" + "5901x" * 13_000),
    "spaces": "0002" + " " * (INPUT_CHARS_MAX - 5) + "x",
    "controls": "\x00\n" * (INPUT_CHARS_MAX // 2 - 1) + "6304ABCD",
    "percents": "%41" * 21_000 + "6304ABCD",
    "checksums": "6304ABCD" * 8_000,
    "other script": "က" * INPUT_CHARS_MAX,
    "marks": "0002" + "\u0301" * 65_000,
    "surrogates": "\ud800" * INPUT_CHARS_MAX,
    "too long": "1" * (INPUT_CHARS_MAX + 1),
    "far too long": "0002" * 2_000_000,
    "many beginnings": "000201" * 1_400,
    "a link of escapes": "https://x.example/?q=" + "000201%255303417+6304abcd" * 300,
    "a link of base64": "https://x.example/" + "MDAwMjAx" * 1_000,
    "parameters": "upi://pay?" + "pa=a@b&" * 2_000,
    "a host": "a." * 4_000 + "/",
    "lines": "BCD\n002\n" + "x\n" * 9_000,
    "a person": "750210" + "0102" * 2_000,
    "nested": sealed("000201" + join(("62", join([(f"{n:02d}", "9" * 4)]) * 12)[:2] for n in [50])),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_on_hostile_text_is_bounded(name):
    started = time.process_time()
    report = qr.explain(HOSTILE[name])
    qr.clean(HOSTILE[name])
    assert not report.strict
    assert time.process_time() - started < 3
