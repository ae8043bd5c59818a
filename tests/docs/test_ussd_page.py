"""docs/how-to/ussd.md names every gateway's wire that a route may be of, and no other."""

import re

import ussd
from tests.rules.source_rules import ROOT

PAGE = (ROOT / "docs/how-to/ussd.md").read_text(encoding="utf-8")


def test_the_list_of_wires_is_that_of_the_gateways() -> None:
    [section] = re.findall(r"^## Choose the gateway\n(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
    assert sorted(re.findall(r"`([a-z_]+)`", section)) == sorted({*ussd.GATEWAYS})
