"""Unsafe settings stop a service that others reach, each with a line that says what mends it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from merchant.cli.main import cli
from merchant.core.settings import Settings
from merchant.programs import safety

SECRET = "correct-horse-battery-staple"
OPEN = Settings(host="0.0.0.0", public_url="https://pay.example", gateway_secret=SECRET, mail_kind="none")
BEHIND_PROXY = replace(OPEN, host="127.0.0.1")


def codes(settings: Settings, *, demo: bool = False, severity: str = "error") -> list[str]:
    return [one.code for one in safety.faults(settings, demo=demo) if one.severity == severity]


@pytest.mark.parametrize("settings", [Settings(), OPEN, BEHIND_PROXY, Settings(host="::1"), Settings(host="localhost")])
def test_what_is_safe_starts(settings: Settings) -> None:
    assert codes(settings) == []
    safety.check_safe(settings)


@pytest.mark.parametrize("settings", [OPEN, BEHIND_PROXY, replace(OPEN, host="10.0.0.7"), replace(OPEN, host="::")])
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"gateway_secret": ""}, "gateway_secret_missing"),
        ({"gateway_secret": SECRET[:23]}, "gateway_secret_short"),
        ({"gateway_secret": SECRET + "é"}, "gateway_secret_unprintable"),
        ({"gateway_secret": SECRET + "\n"}, "gateway_secret_unprintable"),
        ({"gateway_secret": " " + SECRET}, "gateway_secret_unprintable"),
        ({"require_signatures": False}, "signatures_not_required"),
        ({"webhook_loopback": True}, "webhook_loopback"),
        ({"mail_kind": "console"}, "mail_console"),
        ({"mail_kind": "smtp", "mail_from": "pay@pay.example"}, "smtp_url_missing"),
        ({"mail_kind": "smtp", "smtp_url": "smtps://u:p@mail.example:465"}, "mail_from_missing"),
        ({"require_totp": False}, "totp_not_required"),
        ({"screening_list_max_age_days": 0}, "screening_list_age_unlimited"),
        ({"public_url": "http://pay.example"}, "public_url_without_https"),
        ({"public_url": "ftp://pay.example"}, "public_url_without_https"),
    ],
)
def test_what_is_unsafe_where_others_reach_us_stops_the_start(
    settings: Settings, changed: dict[str, object], code: str
) -> None:
    unsafe = replace(settings, **changed)
    assert codes(unsafe) == [code]
    with pytest.raises(safety.Unsafe):
        safety.check_safe(unsafe)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "pay.example"])
@pytest.mark.parametrize(
    "public_url", ["", "http://localhost:8000", "https://localhost", "http://127.0.0.1", "http://[::1]"]
)
def test_an_open_address_needs_a_public_one_with_tls(host: str, public_url: str) -> None:
    unsafe = replace(OPEN, host=host, public_url=public_url)
    assert codes(unsafe) == ["public_url_missing"]
    with pytest.raises(safety.Unsafe, match="MERCHANT_PUBLIC_URL"):
        safety.check_safe(unsafe)


@pytest.mark.parametrize("settings", [Settings(host="10.0.0.7"), BEHIND_PROXY])
def test_every_fault_has_a_line_of_its_own_which_names_its_setting(settings: Settings) -> None:
    worst = replace(
        settings,
        gateway_secret="",
        require_signatures=False,
        webhook_loopback=True,
        mail_kind="console",
        require_totp=False,
        public_url="http://pay.example" if settings.public_url else "",
    )
    with pytest.raises(safety.Unsafe) as caught:
        safety.check_safe(worst)
    lines = str(caught.value).splitlines()
    names = ("GATEWAY_SECRET", "REQUIRE_SIGNATURES", "WEBHOOK_LOOPBACK", "MAIL_KIND", "REQUIRE_TOTP", "PUBLIC_URL")
    for line, name in zip(lines, names, strict=True):
        assert f"MERCHANT_{name}" in line


@pytest.mark.parametrize(
    "settings",
    [
        Settings(require_signatures=False, webhook_loopback=True),
        Settings(public_url="http://localhost:8000", webhook_loopback=True),
        Settings(public_url="http://127.0.0.1", gateway_secret="short"),
        Settings(screening_list_max_age_days=0),
    ],
)
def test_on_this_machine_alone_trying_is_easy(settings: Settings) -> None:
    assert codes(settings) == codes(settings, demo=True) == []


SMSC = {"sms_url": "smpps://smsc.example:3550", "sms_user": "registry", "sms_secret": "s3cret"}


@pytest.mark.parametrize("settings", [Settings(), OPEN, BEHIND_PROXY])
@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"sms_url": "smpp://127.0.0.1:2775"}, []),
        ({"sms_url": "smpp://10.0.0.7:2775"}, ["sms_without_tls"]),
        ({"sms_url": "smpp://10.0.0.7:2775", "sms_private_line": True}, []),
        ({"sms_user": ""}, ["sms_user_missing"]),
        ({"sms_user": "x" * 15, "sms_secret": "x" * 8}, []),
        ({"sms_user": "x" * 16}, ["sms_user_too_long"]),
        ({"sms_secret": "x" * 9}, ["sms_user_too_long"]),
        ({"sms_url": "https://sms.example", "sms_user": "", "sms_secret": "Bearer and much more"}, []),
    ],
)
def test_the_way_to_an_smsc_is_guarded_wherever_we_are_reached(
    settings: Settings, changed: dict[str, object], found: list[str]
) -> None:
    assert codes(replace(settings, **SMSC | changed)) == found
    told = "\n".join(one.sentence for one in safety.faults(replace(settings, **SMSC | changed)))
    assert "s3cret" not in told
    assert all("MERCHANT_SMS" in one.sentence for one in safety.faults(replace(settings, **SMSC | changed)))


def test_what_is_merely_odd_is_told_and_does_not_stop() -> None:
    assert codes(Settings(require_signatures=False), severity="warning") == ["signatures_not_required"]
    assert codes(OPEN, severity="warning") == []


@pytest.mark.parametrize("settings", [OPEN, BEHIND_PROXY])
def test_what_the_hub_may_send_unsigned_is_named_where_others_reach_us(settings: Settings) -> None:
    lax = replace(settings, unsigned_from_hub="PUT parties/error,  PATCH   transfers")
    safety.check_safe(lax)
    [told] = [one for one in safety.faults(lax) if one.severity == "warning"]
    assert told.code == "unsigned_from_hub"
    assert "PATCH transfers, PUT parties/error" in told.sentence


@pytest.mark.parametrize("settings", [OPEN, BEHIND_PROXY, Settings(host="192.168.1.2")])
def test_the_demo_is_for_this_machine_only(settings: Settings) -> None:
    assert codes(settings, demo=True) == ["demo_in_public"]


@pytest.mark.parametrize(
    ("command", "variables", "named"),
    [
        ("serve", {"MERCHANT_HOST": "0.0.0.0"}, "MERCHANT_GATEWAY_SECRET"),
        ("worker", {"MERCHANT_PUBLIC_URL": "https://pay.example"}, "MERCHANT_GATEWAY_SECRET"),
        ("demo", {"MERCHANT_HOST": "0.0.0.0"}, "MERCHANT_HOST"),
    ],
)
def test_the_commands_refuse_before_they_touch_anything(
    tmp_path: Path, command: str, variables: dict[str, str], named: str
) -> None:
    folder = tmp_path / "data"
    result = CliRunner().invoke(cli, [command], env={"MERCHANT_DATA_DIR": str(folder), **variables})
    assert isinstance(result.exception, safety.Unsafe)
    assert named in str(result.exception)
    assert not folder.exists()
