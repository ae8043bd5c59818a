"""The sample of settings: every name is a setting, what it says is safe, and nothing that is needed is missing."""

import msgspec
import pytest

from merchant.core.settings import PREFIX, Settings, load
from merchant.programs import safety
from tests.deploy.tools import DEPLOY, env_lines

SAMPLE = (DEPLOY / "merchant.env.sample").read_text()
REQUIRED = ("MERCHANT_PUBLIC_URL", "MERCHANT_GATEWAY_SECRET", "MERCHANT_MAIL_KIND")
_LIBPQ = {"PGSSLMODE", "PGSSLROOTCERT"}
_FORM_ONLY = {"MERCHANT_SECRET_KEY"}  # its sample shows a form, and no key


def errors_of(given: dict[str, str]) -> list[str]:
    return [one.code for one in safety.faults(load(given)) if one.severity == "error"]


def test_every_setting_that_it_names_exists() -> None:
    known = {PREFIX + field.name.upper() for field in msgspec.structs.fields(Settings)}
    named = set(env_lines(SAMPLE, with_samples=True))
    assert len(named) > 20
    assert named - known - _LIBPQ == set()


def test_what_it_sets_is_understood_and_safe_where_others_reach_the_service() -> None:
    settings = load(env_lines(SAMPLE))
    assert not settings.is_local
    assert errors_of(env_lines(SAMPLE)) == []


@pytest.mark.parametrize("name", REQUIRED)
def test_what_it_sets_is_needed(name: str) -> None:
    given = env_lines(SAMPLE)
    assert name in given
    if name == "MERCHANT_PUBLIC_URL":
        given["MERCHANT_HOST"] = "0.0.0.0"
    assert errors_of({key: value for key, value in given.items() if key != name}) != []


def test_data_database_and_proxy_are_set() -> None:
    assert {"MERCHANT_DATA_DIR", "MERCHANT_DATABASE_URL", "MERCHANT_TRUSTED_PROXIES"} <= set(env_lines(SAMPLE))


@pytest.mark.parametrize("name", sorted(set(env_lines(SAMPLE, with_samples=True)) - _LIBPQ - _FORM_ONLY))
def test_every_sample_is_what_its_setting_may_be(name: str) -> None:
    load({name: env_lines(SAMPLE, with_samples=True)[name]})
