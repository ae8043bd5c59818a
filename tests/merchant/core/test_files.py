"""Files below data_dir: names are never input, a file is whole or absent, and old ones go."""

import multiprocessing
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from merchant.core import files
from merchant.core.files import Folder

FOLDER = Folder("reports", (".csv", ".json"), max_bytes=10, kept_for=timedelta(days=7))
ID = uuid.UUID("0195b000-0000-7000-8000-000000000001")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_path_is_the_folders_name_the_id_and_a_known_suffix(tmp_path: Path) -> None:
    assert FOLDER.path(tmp_path, ID, ".csv") == tmp_path / "reports" / f"{ID}.csv"
    assert FOLDER.paths(tmp_path, ID) == [tmp_path / "reports" / f"{ID}{suffix}" for suffix in (".csv", ".json")]


@pytest.mark.parametrize("name", ["../secret", str(ID), "", b"x"])
def test_text_never_names_a_file(tmp_path: Path, name: object) -> None:
    with pytest.raises(TypeError):
        FOLDER.path(tmp_path, name, ".csv")  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["", "csv", ".pdf", "/../../x.csv"])
def test_a_suffix_is_one_of_the_folders(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ValueError, match="holds"):
        FOLDER.path(tmp_path, ID, suffix)


def test_a_file_is_written_whole_for_its_owner_only(tmp_path: Path) -> None:
    path = FOLDER.path(tmp_path, ID, ".csv")
    files.write(path, b"old")
    files.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(path.parent.iterdir()) == [path]


def test_the_first_writer_wins_where_nothing_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    files.write(path, b"first", replace=False)
    files.write(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept.csv"
    files.write(path, b"old")

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_growing_file_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = FOLDER.path(tmp_path, ID, ".csv")
    for line in (b"one\n", b"two\n"):
        with files.open_growing(path) as out:
            out.seek(0, os.SEEK_END)
            out.write(line)
    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600


def _grow(path: Path) -> None:
    with files.open_growing(path):
        os._exit(0)


def test_a_growing_file_has_one_writer_until_that_one_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    with files.open_growing(path), pytest.raises(BlockingIOError), files.open_growing(path):
        pass
    killed = multiprocessing.get_context("spawn").Process(target=_grow, args=(path,))
    killed.start()
    killed.join()
    with files.open_growing(path):
        pass


def test_a_file_that_outgrew_its_folder_is_told(tmp_path: Path) -> None:
    files.check_sizes(FOLDER, tmp_path, ID)
    files.write(FOLDER.path(tmp_path, ID, ".csv"), b"x" * 10)
    files.check_sizes(FOLDER, tmp_path, ID)
    files.write(FOLDER.path(tmp_path, ID, ".json"), b"x" * 11)
    with pytest.raises(files.FileTooLarge):
        files.check_sizes(FOLDER, tmp_path, ID)


def test_old_files_go_and_young_ones_and_other_folders_stay(tmp_path: Path) -> None:
    assert files.delete_old(FOLDER, tmp_path, NOW) == 0
    paths = [FOLDER.path(tmp_path, uuid.uuid4(), ".csv") for _ in range(2)] + [tmp_path / "secret.key"]
    for path, days in zip(paths, (8, 6, 8), strict=True):
        files.write(path, b"")
        at_s = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (at_s, at_s))
    assert files.delete_old(FOLDER, tmp_path, NOW) == 1
    assert [path.exists() for path in paths] == [False, True, True]
