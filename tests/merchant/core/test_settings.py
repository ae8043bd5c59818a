"""Settings: read once from MERCHANT_* variables, wrong ones named in a sentence."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from merchant.core.settings import BadSettings, Settings, load, new_secret_key, with_secret_key
from merchant.core.vault import Vault


def test_without_variables_the_defaults_hold() -> None:
    settings = load({})
    assert settings == Settings()
    assert settings.host == "127.0.0.1"  # nobody else is let in unless asked
    assert settings.require_signatures
    assert settings.screening_list.exists()


def test_variables_are_read_by_their_names_and_others_are_ignored() -> None:
    environ = {
        "MERCHANT_PORT": "9000",
        "MERCHANT_DATA_DIR": "/tmp/a b",
        "MERCHANT_WORKER_POLL_S": "0.5",
        "MERCHANT_REQUIRE_SIGNATURES": "false",
        "PORT": "1",
        "MERCHANT_UNKNOWN": "1",
        "MERCHANT_HOST": "",
    }
    settings = load(environ)
    assert (settings.port, settings.data_dir, settings.worker_poll_s) == (9000, Path("/tmp/a b"), 0.5)
    assert settings.require_signatures is False
    assert settings.host == "127.0.0.1"  # set but empty is unset


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "1.5"),
        ("WORKER_POLL_S", "soon"),
        ("REQUIRE_SIGNATURES", "maybe"),
        ("SESSION_LIFETIME_S", "8h"),
        ("DATABASE_POOL_SIZE", ""),
    ][:-1],
)
def test_a_wrong_value_is_told_in_a_sentence_that_names_it(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name.lower()):
        load({f"MERCHANT_{name}": value})


def test_every_setting_has_a_default_and_can_be_set_by_a_variable() -> None:
    for field in msgspec.structs.fields(Settings):
        assert field.default is not msgspec.NODEFAULT, field.name


def test_the_public_address_names_us_or_host_and_port() -> None:
    assert Settings(port=81).base_url == "http://127.0.0.1:81"
    assert Settings(public_url="https://pay.example/").base_url == "https://pay.example"


def test_a_secret_key_is_made_once_kept_private_and_found_again(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    first, second = with_secret_key(settings), with_secret_key(settings)
    assert first == second
    Vault(first.secret_key)
    kept = tmp_path / "new" / "secret.key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_one_secret_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as starting:
        keys = {each.secret_key for each in starting.map(with_secret_key, [settings] * 8)}
    assert keys == {(tmp_path / "secret.key").read_text()}


def test_a_given_secret_key_is_used_and_none_is_written(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key=new_secret_key())
    assert with_secret_key(settings) is settings
    assert not list(tmp_path.iterdir())
