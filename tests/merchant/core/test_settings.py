"""Settings: read once from MERCHANT_* variables, wrong ones named in a sentence."""

import re
from pathlib import Path

import msgspec
import pytest

from merchant.core.settings import BadSettings, Settings, allowed, load
from tests.cases import every_case
from tests.paths import ROOT


def test_without_variables_the_defaults_hold() -> None:
    settings = load({})
    assert settings == Settings()
    assert settings.host == "127.0.0.1"  # nobody else is let in unless asked
    assert settings.require_signatures
    assert settings.screening_list.exists()


def test_variables_are_read_by_their_names_and_those_of_others_are_ignored() -> None:
    environ = {
        "MERCHANT_PORT": "9000",
        "MERCHANT_DATA_DIR": "/tmp/a b",
        "MERCHANT_WORKER_POLL_S": "0.5",
        "MERCHANT_REQUIRE_SIGNATURES": "false",
        "MERCHANT_SEED_PASSWORD": "read by `merchant seed`",
        "MERCHANT_TEST_RUN": "read by the tests",
        "PORT": "1",
        "MERCHANT_HOST": "",
    }
    settings = load(environ)
    assert (settings.port, settings.data_dir, settings.worker_poll_s) == (9000, Path("/tmp/a b"), 0.5)
    assert settings.require_signatures is False
    assert settings.host == "127.0.0.1"  # set but empty is unset


KEY = "a:" + "QUFB" * 10 + "QUE="


@every_case(
    ("name", "value"),
    [
        ("HOST", "a b"),
        ("HOST", "http://127.0.0.1"),
        ("HOST", "127.0.0.1/8"),
        ("HOST", "999.1.1.1"),
        ("HOST", "-a.example"),
        ("PORT", "http"),
        ("PORT", "1.5"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,,"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("EVIDENCE_URL", "http://register.example/look-up"),
        ("EVIDENCE_URL", "https://register.example/look-up?key=1"),
        ("EVIDENCE_URL", "https://user:password@register.example"),
        ("EVIDENCE_URL", "http://127.0.0.1.register.example"),
        ("EVIDENCE_INBOX", "a\tb"),
        ("DOCUMENT_STORE", "documents"),
        ("DOCUMENT_STORE", "file:///documents"),
        ("DOCUMENT_STORE", "s3://"),
        ("DOCUMENT_STORE", "s3://UPPER"),
        ("DOCUMENT_STORE", "s3://bucket/a b"),
        ("DOCUMENT_STORE", "s3://bucket?secret=x"),
        ("DOCUMENT_STORE", "s3://bucket?endpoint=storage"),
        ("DOCUMENT_MAX_BYTES", "1000"),
        ("CLAMD", "clamd"),
        ("CLAMD", "clamd:0"),
        ("CLAMD", "clamd:65536"),
        ("CLAMD", "/" + "x" * 108),
        ("LEI_URL", "api.register.example"),
        ("LEI_URL", "http://api.register.example/v1"),
        ("LEI_URL", "http://10.0.0.7/v1"),
        ("LEI_URL", "https://api.register.example/v1?page=1"),
        ("SMS_URL", "sms.example/send"),
        ("SMS_URL", "http://sms.example/send"),
        ("SMS_URL", "http://10.0.0.7/send"),
        ("SMS_URL", "https://sms.example/send?to={to}"),
        ("SMS_URL", "https://user:password@sms.example/send"),
        ("SMS_URL", "smpps://smsc.example"),
        ("SMS_URL", "smpp://smsc.example:0"),
        ("SMS_URL", "smpp://smsc.example:2775/path"),
        ("SMS_URL", "smpps://user:password@smsc.example:2775"),
        ("SMS_URL", "smppx://smsc.example:2775"),
        ("SMS_SENDER", "0123456789012345"),
        ("SMS_SENDER", "TWELVE CHARS"),
        ("SMS_SENDER", "Café"),
        ("SMS_USER", "a b"),
        ("SMS_HEADER", "x key"),
        ("SMS_HEADER", "Content-Length"),
        ("SMS_FORMAT", "xml"),
        ("SMS_FIELDS", "to={to}"),
        ("SMS_FIELDS", "text={text}"),
        ("SMS_FIELDS", "to={to},text={text},to={digits}"),
        ("SMS_FIELDS", "to={to},text={text},key={secret}"),
        ("SMS_FIELDS", "to={to},text={text!r}"),
        ("SMS_FIELDS", "to={to},text={text},x={"),
        ("SMS_FIELDS", "to={to},text={text},={id}"),
        ("SMS_TAKEN", "2xx"),
        ("SMS_TAKEN", "200,"),
        ("SMS_REFUSED", "100"),
        ("SMS_BIND", "receiver"),
        ("SMS_TIMEOUT_S", "0"),
        ("SMS_TIMEOUT_S", "30"),
        ("PUBLIC_URL", "shop.example"),
        ("PUBLIC_URL", "ftp://shop.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://shop.example/path"),
        ("PUBLIC_URL", "https://shop.example?x=1"),
        ("PUBLIC_URL", "https://user:pw@shop.example"),
        ("PUBLIC_URL", "https://shop.example:99999"),
        ("PUBLIC_URL", "https://sh op.example"),
        ("DATA_DIR", "a\nb"),
        ("DATABASE_URL", "mysql://u:p@h/d"),
        ("DATABASE_URL", "host=localhost"),
        ("DATABASE_APP_ROLE", "Merchant-App"),
        ("DATABASE_APP_ROLE", "pg_read_all_data"),
        ("DATABASE_SYSTEM_ROLE", "a;b"),
        ("DATABASE_POOL_SIZE", "0"),
        ("DATABASE_POOL_SIZE", "1"),
        ("DATABASE_POOL_SIZE", "500"),
        ("HUB_URL", "hub.example"),
        ("HUB_URL", "https://hub.example/fspiop?x"),
        ("HUB_FSP_IDS", "hub,,switch"),
        ("HUB_FSP_IDS", "hub switch"),
        ("SECRET_KEY", "hunter2"),
        ("SECRET_KEY", "a:QUFB"),
        ("SECRET_KEY", f"{KEY},{KEY}"),
        ("GATEWAY_SECRET", "x"),
        ("GATEWAY_SECRET", "clé-secrète-de-la-passerelle"),
        ("GATEWAY_SECRET", "twenty four chars and blanks"),
        ("REQUIRE_SIGNATURES", "maybe"),
        ("SESSION_LIFETIME_S", "8h"),
        ("SESSION_LIFETIME_S", "-3"),
        ("SESSION_LIFETIME_S", "59"),
        ("SESSION_LIFETIME_S", "86401"),
        ("SIMULATOR_PORT", "70000"),
        ("WORKER_BATCH", "0"),
        ("WORKER_BATCH", "1001"),
        ("WORKER_POLL_S", "soon"),
        ("WORKER_POLL_S", "0"),
        ("WORKER_POLL_S", "nan"),
        ("WORKER_POLL_S", "inf"),
        ("SETTLE_GRACE_S", "-1"),
        ("SETTLE_CHECK_S", "0"),
        ("WEBHOOK_LOOPBACK", "2"),
        ("LANGUAGE", "de"),
        ("LOG_LEVEL", "verbose"),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence_that_names_it_and_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as refused:
        load({f"MERCHANT_{name}": value})
    [fault] = refused.value.faults
    field = next(field for field in msgspec.structs.fields(Settings) if field.name == name.lower())
    assert fault.startswith(f"MERCHANT_{name} must be {allowed(field.type)}, not ")
    hidden = name in ("SECRET_KEY", "GATEWAY_SECRET", "DATABASE_URL") or "@" in value
    assert (value in fault) is (not hidden and value.isprintable())


@every_case(
    ("name", "value"),
    [
        ("HOST", "0.0.0.0"),
        ("HOST", "::1"),
        ("HOST", "localhost"),
        ("HOST", "node-1.internal"),
        ("PORT", "1"),
        ("PORT", "65535"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,2001:db8::/32"),
        ("PUBLIC_URL", "https://pay.example:8443/"),
        ("PUBLIC_URL", "http://[::1]:8000"),
        ("HUB_URL", "https://hub.example/fspiop/v1"),
        ("LEI_URL", "https://10.0.0.7:8443/v1"),
        ("LEI_URL", "http://[::1]:8080/v1"),
        ("LEI_URL", "http://localhost:8080"),
        ("DATABASE_URL", "postgresql://merchant:p%40ss@/merchant?host=/run/postgresql"),
        ("DATABASE_URL", "postgres://merchant@db.example:5432/merchant"),
        ("DATABASE_POOL_SIZE", "100"),
        ("SECRET_KEY", f"{KEY},b:{KEY[2:]}"),
        ("GATEWAY_SECRET", "Zm9vYmFyYmF6cXV4Zm9vYmFy"),
        ("SETTLE_GRACE_S", "0"),
        ("SMS_URL", "https://sms.example:8443/v1/send"),
        ("SMS_URL", "http://127.0.0.1:9000/send"),
        ("SMS_URL", "smpps://[2001:db8::7]:3550"),
        ("SMS_URL", "smpp://10.0.0.7:2775"),
        ("SMS_SENDER", "+254700000001"),
        ("SMS_SENDER", "Green Bank1"),
        ("SMS_SECRET", "Basic dXNlcjpwYXNz"),
        ("SMS_FIELDS", "msisdn={digits}, body={from}: {text}, type=0"),
        ("SMS_TAKEN", "200, 299"),
        ("SIMULATOR_PORT", "0"),
        ("LANGUAGE", "sw"),
    ],
)
def test_a_value_at_the_edge_of_what_is_allowed_is_taken(name: str, value: str) -> None:
    assert str(getattr(load({f"MERCHANT_{name}": value}), name.lower())) == value


def test_a_secret_of_the_text_gateway_that_is_wrong_is_not_repeated() -> None:
    with pytest.raises(BadSettings) as refused:
        load({"MERCHANT_SMS_SECRET": "Bearer t0ken\n"})
    assert "t0ken" not in str(refused.value)


def test_by_what_texts_go_is_told_by_their_address() -> None:
    urls = ("", "http://127.0.0.1/send", "https://sms.example", "smpp://127.0.0.1:2775", "smpps://smsc.example:3550")
    assert [Settings(sms_url=url).sms_kind for url in urls] == ["console", "http", "http", "smpp", "smpp"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(BadSettings) as refused:
        load({"MERCHANT_PORT": "0", "MERCHANT_LANGUAGE": "de", "MERCHANT_PROT": "8000"})
    assert [line.partition(" ")[0] for line in str(refused.value).splitlines()] == [
        "MERCHANT_PROT",
        "MERCHANT_PORT",
        "MERCHANT_LANGUAGE",
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("MERCHANT_PROT", "MERCHANT_PORT"),
        ("MERCHANT_GATEWAY_SECERT", "MERCHANT_GATEWAY_SECRET"),
        ("MERCHANT_DB_URL", "MERCHANT_HUB_URL"),
        ("MERCHANT_REQUIRE_SIGNATURE", "MERCHANT_REQUIRE_SIGNATURES"),
        ("MERCHANT_SEED_PASSWRD", "MERCHANT_SEED_PASSWORD"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(written: str, meant: str) -> None:
    with pytest.raises(BadSettings, match=f"^{written} is no setting; did you mean {meant}\\?$"):
        load({written: ""})


def test_every_setting_has_a_bound() -> None:
    unbounded = [field.name for field in msgspec.structs.fields(Settings) if allowed(field.type) is None]
    assert not unbounded, "give each an Annotated type with what is allowed, as those beside it have"


READ = re.compile(r'(?:environ|getenv|envvar=)[^\n]{0,20}"(MERCHANT_[A-Z_]+)"')


def test_every_variable_that_is_read_elsewhere_is_known() -> None:
    variables = {name for file in (ROOT / "merchant").rglob("*.py") for name in READ.findall(file.read_text())}
    assert "MERCHANT_SEED_PASSWORD" in variables
    for name in variables:
        try:
            load({name: ""})
        except BadSettings as refused:
            pytest.fail(str(refused))


def test_every_setting_has_a_default_and_can_be_set_by_a_variable() -> None:
    for field in msgspec.structs.fields(Settings):
        assert field.default is not msgspec.NODEFAULT, field.name


def test_the_public_address_names_us_or_host_and_port() -> None:
    assert Settings(port=81).base_url == "http://127.0.0.1:81"
    assert Settings(host="::1", port=81).base_url == "http://[::1]:81"
    assert Settings(public_url="https://pay.example/").base_url == "https://pay.example"
