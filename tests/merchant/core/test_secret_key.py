"""The file of the secret keys: made by one command, whole or not at all, read again while programs run."""

import multiprocessing
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from merchant.core import keyring, secret_key
from merchant.core.secret_key import KeysNotInFile, NoSecretKey, TooSoon
from merchant.core.settings import Settings
from merchant.core.vault import BadSecretKey, MissingSecretKey, Vault

STARTS = 300
PROCESSES = 6


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "new")


def kept(settings: Settings) -> str:
    return secret_key.path_of(settings).read_text()


def test_a_key_is_made_once_kept_private_and_found_again(settings: Settings) -> None:
    secret_key.make(settings)
    first = kept(settings)
    secret_key.make(settings)
    assert kept(settings) == first
    assert secret_key.open_vault(settings).key_ids == [first.partition(":")[0]]
    assert stat.S_IMODE(secret_key.path_of(settings).stat().st_mode) == 0o600


def test_reading_makes_no_key(settings: Settings) -> None:
    with pytest.raises(NoSecretKey, match=r"new/secret\.key does not exist .* `merchant seed` makes one"):
        secret_key.open_vault(settings)
    assert not settings.data_dir.exists()


def start_together(folder: str, go: Callable[[], object], found: "multiprocessing.Queue[list[str]]") -> None:
    """One of several programs, each of which starts for the first time in folder after folder."""
    seen = []
    for number in range(STARTS // PROCESSES):
        settings = Settings(data_dir=Path(folder) / str(number))
        go()
        secret_key.make(settings)
        seen.append(kept(settings))
    found.put(seen)


def test_of_many_programs_that_start_at_once_none_holds_another_key_or_an_empty_one(tmp_path: Path) -> None:
    forks = multiprocessing.get_context("fork")
    barrier, found = forks.Barrier(PROCESSES), forks.Queue()
    programs = [
        forks.Process(target=start_together, args=(str(tmp_path), barrier.wait, found)) for _ in range(PROCESSES)
    ]
    for program in programs:
        program.start()
    seen = [found.get(timeout=60) for _ in programs]
    for program in programs:
        program.join()
    for together in zip(*seen, strict=True):
        assert len(set(together)) == 1
        assert keyring.parse(together[0])


@pytest.mark.parametrize("text", ["", " \n", "abc", "a:QUFB", "a:", ":" + "QUFB" * 10 + "QUE=", "\x00", "é:x"])
def test_a_file_without_a_whole_key_is_refused_with_its_name(settings: Settings, text: str) -> None:
    settings.data_dir.mkdir()
    secret_key.path_of(settings).write_text(text)
    with pytest.raises((BadSecretKey, NoSecretKey), match=r"secret\.key (must be id:base64|cannot be read)"):
        secret_key.open_vault(settings)


def test_a_key_of_the_setting_is_used_and_none_is_written(settings: Settings) -> None:
    given = msgspec.structs.replace(settings, secret_key=keyring.new())
    secret_key.make(given)
    assert secret_key.open_vault(given).source == "MERCHANT_SECRET_KEY"
    assert not settings.data_dir.exists()


def test_the_file_may_be_elsewhere(settings: Settings, tmp_path: Path) -> None:
    elsewhere = msgspec.structs.replace(settings, secret_key_file=str(tmp_path / "keys" / "merchant.key"))
    secret_key.make(elsewhere)
    assert (tmp_path / "keys" / "merchant.key").exists()
    assert not settings.data_dir.exists()


def test_a_folder_that_cannot_be_written_to_is_told_in_a_sentence(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("a file, not a folder")
    with pytest.raises(NoSecretKey, match=r"cannot be written to .*new/secret\.key"):
        secret_key.make(settings)


def test_a_running_vault_learns_a_key_that_was_put_in_front_when_it_meets_it(settings: Settings) -> None:
    secret_key.make(settings)
    running, before = secret_key.open_vault(settings), kept(settings)
    sealed_before = running.seal(b"old", "c")
    new_id = secret_key.put_in_front(settings)
    fresh = secret_key.open_vault(settings)
    assert fresh.key_ids == [new_id, before.partition(":")[0]]
    assert running.open(fresh.seal(b"new", "c"), "c") == b"new"
    assert running.key_ids == fresh.key_ids
    assert fresh.open(sealed_before, "c") == b"old"


def test_a_running_vault_soon_seals_under_a_key_that_was_put_in_front(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_key.make(settings)
    running = secret_key.open_vault(settings)
    new_id = secret_key.put_in_front(settings)
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 2)
    assert Vault.key_id_of(running.seal(b"x", "c")) == new_id


def test_a_running_vault_verifies_tokens_of_a_program_that_knew_the_new_key_first(settings: Settings) -> None:
    secret_key.make(settings)
    running = secret_key.open_vault(settings)
    old_id, old_token_key = running.key_id, running.token_key
    new_id = secret_key.put_in_front(settings)
    fresh = secret_key.open_vault(settings)
    assert running.token_key_of(new_id) == fresh.token_key != old_token_key
    assert fresh.token_key_of(old_id) == old_token_key
    assert fresh.token_key_of("unknown") == fresh.token_key_of(None) == fresh.token_key


@pytest.mark.parametrize("damage", ["", "not a key", None])
def test_a_running_vault_keeps_its_keys_when_the_file_is_damaged_or_lost(
    settings: Settings, damage: str | None
) -> None:
    secret_key.make(settings)
    running = secret_key.open_vault(settings)
    sealed = running.seal(b"x", "c")
    path = secret_key.path_of(settings)
    path.unlink()
    if damage is not None:
        path.write_text(damage)
    with pytest.raises(MissingSecretKey, match="lacks key 'other'"):
        running.open(Vault(f"other:{keyring.new().partition(':')[2]}").seal(b"y", "c"), "c")
    assert running.open(sealed, "c") == b"x"


def test_older_keys_are_dropped_only_after_running_programs_have_the_new_one(settings: Settings) -> None:
    secret_key.make(settings)
    old_id = kept(settings).partition(":")[0]
    secret_key.put_in_front(settings)
    with pytest.raises(TooSoon, match=r"again in \d+ seconds"):
        secret_key.check_age(settings)
    an_hour_ago = time.time() - 3600
    os.utime(secret_key.path_of(settings), (an_hour_ago, an_hour_ago))
    secret_key.check_age(settings)
    assert secret_key.drop_all_but_first(settings) == [old_id]
    assert len(secret_key.open_vault(settings).key_ids) == 1


@pytest.mark.parametrize("change", [secret_key.put_in_front, secret_key.check_age, secret_key.drop_all_but_first])
def test_keys_of_the_setting_are_the_operators_to_change(
    settings: Settings, change: Callable[[Settings], object]
) -> None:
    given = msgspec.structs.replace(settings, secret_key=keyring.new())
    with pytest.raises(KeysNotInFile, match="put a new key in front"):
        change(given)


def test_a_key_is_not_put_in_front_of_none(settings: Settings) -> None:
    with pytest.raises(NoSecretKey):
        secret_key.put_in_front(settings)
