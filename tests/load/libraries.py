"""Figures of the pure libraries: operations per CPU second in this process."""

import gzip
from collections.abc import Iterator

import kyb
from merchant.core.settings import Settings
from tests.load import history
from tests.load.meter import rate_per_s
from tests.load.qr_bench import qr_rows
from tests.load.table import Row


def library_rows() -> Iterator[Row]:
    """Rows of all libraries."""
    yield history.yardstick()
    yield from qr_rows()
    index = kyb.build_index([kyb.load_un_list(gzip.decompress(Settings().screening_list.read_bytes()))])
    screens_per_s = rate_per_s(lambda: kyb.screen("Abdul Rahman Hussein", index))
    yield Row("screen one name on the UN list", 1000 / screens_per_s, "ms", 5)
