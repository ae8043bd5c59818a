"""What the kyb tests share: the UN list of the seeds and its index, both built once per worker."""

import gzip
from pathlib import Path

import pytest

import kyb

UN_LIST = Path(__file__).parents[2] / "merchant/compliance/un_consolidated_2026-02-27.xml.gz"


@pytest.fixture(scope="session")
def un_list() -> kyb.ScreeningList:
    return kyb.load_un_list(gzip.decompress(UN_LIST.read_bytes()))


@pytest.fixture(scope="session")
def un_index(un_list: kyb.ScreeningList) -> kyb.ScreeningIndex:
    return kyb.build_index([un_list])


@pytest.fixture(scope="session")
def policy() -> kyb.Policy:
    return kyb.default_policy()
