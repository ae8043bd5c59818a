"""Payloads of forty countries: strict accepts exactly the strict ones, tolerant exactly the tolerant ones."""

import json
import re
from pathlib import Path

import pytest

import qr
from tests.cases import every_case
from tests.qr.test_codec import filled

FILES = ("emv_qr.json", "emv_qr_live.json")
VECTORS = [
    vector
    for name in FILES
    for vector in json.loads((Path(__file__).parents[1] / "vectors" / name).read_text(encoding="utf-8"))
]


def accepts(payload: str, mode: str) -> bool:
    try:
        qr.decode(payload, mode)
    except qr.DecodeError:
        return False
    return True


@every_case("vector", VECTORS, ids=lambda vector: vector["payload"][-30:])
def test_each_mode_accepts_exactly_the_payloads_labelled_so(vector):
    assert accepts(vector["payload"], "strict") == vector["emv_strict"]
    assert accepts(vector["payload"], "tolerant") == vector["tolerant"]


@every_case(
    "vector",
    [vector for vector in VECTORS if vector["tolerant"] and not vector["emv_strict"]],
    ids=lambda vector: vector["payload"][-30:],
)
def test_findings_say_why_a_tolerated_payload_is_not_strict(vector):
    with pytest.raises(qr.DecodeError) as raised:
        qr.decode(vector["payload"])
    assert raised.value.findings
    assert {finding.severity for finding in raised.value.findings} == {"error"}
    paths = {finding.path[:2] for finding in raised.value.findings}
    for issue in vector["issues"]:
        named = set(re.findall(r"\b\d\d\b", issue.split(" longer")[0].split(":")[0]))
        assert not named or named & paths, issue


@every_case(
    "vector",
    [vector for vector in VECTORS if vector["emv_strict"]],
    ids=lambda vector: vector["payload"][-30:],
)
def test_a_strict_payload_survives_being_written_again(vector):
    code = filled(qr.decode(vector["payload"]))
    again = qr.encode(code)
    assert qr.decode(again) == code
    if code.amount == qr.decode(vector["payload"]).amount:
        assert len(again) == len(vector["payload"])
