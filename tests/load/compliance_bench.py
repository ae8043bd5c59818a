"""Figures of compliance for `make bench`: what a case needs, a name against 200,000 listed ones, an imported row."""

import asyncio
import statistics
import time
from datetime import UTC, datetime

import msgspec

import kyb
from tests import builders
from tests.load.import_bench import importing, rows
from tests.load.meter import ROUNDS, rate_per_s
from tests.load.screening_quality import LARGE, large_list, ordinary_people
from tests.load.table import Row
from tests.merchant.exchange.files import as_csv

_PEOPLE = 2_000  # two of them are beyond the 99.9th percentile
_ROWS = 600


def compliance_rows() -> list[Row]:
    """All rows about compliance."""
    return [_requirements_row(), *_screening_rows(), _import_row()]


def _requirements_row() -> Row:
    sections = kyb.normalise(msgspec.convert(builders.company(), kyb.Sections))
    case, policy, now = kyb.Case(sections), kyb.default_policy(), datetime.now(UTC)
    each_s = rate_per_s(lambda: kyb.requirements(case, policy, None, now))
    return Row("what a company needs (kyb.requirements)", 1000 / each_s, "ms", 0.2)


def _screening_rows() -> list[Row]:
    listed = large_list()
    began_s = time.process_time()
    index = kyb.build_index([listed])
    built_s = time.process_time() - began_s
    took_ms = sorted(_screened_ms(name, index) for name, _ in ordinary_people(_PEOPLE))
    common_ms = statistics.median(_screened_ms("Ali", index) for _ in range(ROUNDS))
    return [
        Row(f"index {LARGE:,} listed entries", built_s, "s", 15),
        Row(f"screen one name on {LARGE:,} entries, median", statistics.median(took_ms), "ms", 5),
        Row(f"screen one name on {LARGE:,} entries, 99.9 %", took_ms[int(len(took_ms) * 0.999)], "ms", 50),
        Row(f'screen "Ali" on {LARGE:,} entries', common_ms, "ms", 50),
    ]


def _screened_ms(name: str, index: kyb.ScreeningIndex) -> float:
    began_s = time.process_time()
    kyb.screen(name, index)
    return (time.process_time() - began_s) * 1000


def _import_row() -> Row:
    async def median_ms() -> float:
        async with importing() as take:
            taken = [await take(as_csv(list(rows(_ROWS, f"r{one}"))), "rows") for one in range(ROUNDS)]
        return statistics.median(one.cpu_s / one.rows * 1000 for one in taken)

    return Row("import a merchant: submitted, screened, judged", asyncio.run(median_ms()), "ms", 3.3)  # 300 a second
