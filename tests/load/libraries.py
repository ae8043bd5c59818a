"""Figures of the pure libraries: operations per CPU second in this process."""

import gzip
import statistics
import time
from collections.abc import Callable
from typing import Any

import kyb
import qr
from merchant.settings import Settings
from qr.render import render_svg


def _per_s(do: Callable[[], Any], count: int) -> float:
    """Median operations per CPU second of five rounds."""
    rates = []
    for _ in range(6):
        begun = time.process_time()
        for _ in range(count):
            do()
        rates.append(count / (time.process_time() - begun))
    return statistics.median(rates[1:])


def library_rows() -> list[tuple[str, float, str, float | None, bool]]:
    """work, figure, unit, budget, whether the budget is a floor."""
    code = qr.mojaloop_code(
        domain="pay.example.org", identifier="52318764", name="Mama Njeri Shop", city="Nairobi", country="KE",
        currency="KES", mcc="5411", amount="250.5", sub_id="K7Q2M9XA", reference_label="K7Q2M9XA",
    )  # fmt: skip
    payload = qr.encode(code)
    index = kyb.build_index([kyb.load_un_list(gzip.decompress(Settings().screening_list.read_bytes()))])
    long = payload + "x" * (181 - len(payload))
    screens_per_s = _per_s(lambda: kyb.screen("Abdul Rahman Hussein", index), 200)
    return [
        ("EMV encode", _per_s(lambda: qr.encode(code), 5000) / 1000, "k/s", 100, True),
        ("EMV strict decode, every rule", _per_s(lambda: qr.decode(payload), 5000) / 1000, "k/s", 40, True),
        ("QR symbol SVG, 181 characters", _per_s(lambda: render_svg(long), 50), "/s", 500, True),
        ("screen one name on the UN list", 1000 / screens_per_s, "ms", 20, False),
    ]
