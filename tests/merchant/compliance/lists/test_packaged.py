"""Lists from outside: one that cannot be read, or unpacks without end, is told and screens nobody as clear."""

import gzip
import tracemalloc
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from merchant.compliance.lists import packaged as lists
from merchant.core.settings import Settings

PACKAGED = Settings().screening_list


def bomb(path: Path, size: int) -> Path:
    """A gzip file of many members that unpacks to `size` zeros."""
    member = gzip.compress(bytes(8 << 20), 9)
    path.write_bytes(member * -(-size // (8 << 20)))
    return path


def test_a_file_that_unpacks_without_end_is_given_up_at_the_limit_and_named(tmp_path: Path) -> None:
    packed = bomb(tmp_path / "list.xml.gz", 8 * lists.MAX_LIST_BYTES)
    tracemalloc.start()
    try:
        with capture_logs() as logged:
            assert lists.screening_index(packed) is None
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * lists.MAX_LIST_BYTES
    [line] = logged
    assert (line["event"], line["path"]) == ("screening_list_unreadable", str(packed))
    assert "larger than 64 MiB" in line["error"]


def test_a_plain_file_has_the_same_limit(tmp_path: Path) -> None:
    path = tmp_path / "list.xml"
    with path.open("wb") as file:
        file.truncate(lists.MAX_LIST_BYTES + 1)
    assert lists.screening_index(path) is None


def test_a_list_just_as_large_as_may_be_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = gzip.decompress(PACKAGED.read_bytes())
    path = tmp_path / "list.xml.gz"
    path.write_bytes(gzip.compress(content))
    monkeypatch.setattr(lists, "MAX_LIST_BYTES", len(content))
    assert lists.screening_index(path) is not None


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"<x/>", mtime=0)[:-4], gzip.compress(b"not xml", mtime=0)]
)
def test_what_is_no_list_is_told_and_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.xml.gz"
    path.write_bytes(content)
    with capture_logs() as logged:
        assert lists.screening_index(path) is None
    assert logged[0]["event"] == "screening_list_unreadable"
