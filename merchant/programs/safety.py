"""Which settings are unsafe where the service is reached from outside: `serve`, `worker` and `demo` refuse to start.

Pure: settings in, faults out; `merchant check` tells the same. On a service that only this machine reaches, everything
is allowed that makes trying easy.
"""

from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

from merchant.core.errors import OperatorProblem
from merchant.core.host_names import is_loopback
from merchant.core.settings import Settings

# NIST SP 800-63B section 5.1.4 asks 112 bits of a secret that programs share: 19 random letters and digits, or 24
# characters of base64 with room for fixed parts.
GATEWAY_SECRET_CHARS_MIN = 24
SMPP_USER_MAX, SMPP_PASSWORD_MAX = 15, 8  # SMPP 3.4, 4.1.1
_DEFAULT_SENDER = Settings().mail_from


class Fault(Struct, frozen=True):
    """Something unsafe, and in one sentence what mends it. An `error` stops the start, a `warning` is told."""

    code: str
    sentence: str
    severity: Literal["error", "warning"] = "error"


class Unsafe(OperatorProblem):
    """The settings are unsafe for an address that others reach; the message has a line for each fault."""


def faults(settings: Settings, *, demo: bool = False) -> list[Fault]:
    """What is unsafe about these settings, worst first; empty when nothing is."""
    if settings.is_local:
        return _when_local(settings)
    reached = f"{settings.host} is reached from other machines"
    if is_loopback(settings.host):
        reached = f"MERCHANT_PUBLIC_URL={settings.public_url} leads here from other machines"
    if demo:
        sentence = f"{reached}: the demo is for this machine only; leave MERCHANT_HOST and MERCHANT_PUBLIC_URL empty."
        return [Fault("demo_in_public", sentence)]
    return [*_gateway_faults(settings, reached), *_open_faults(settings, reached), *_sms_faults(settings)]


def check_safe(settings: Settings, *, demo: bool = False) -> None:
    """Raises Unsafe, which names every error, a line each."""
    found = [one.sentence for one in faults(settings, demo=demo) if one.severity == "error"]
    if found:
        raise Unsafe("\n".join(found))


def _when_local(settings: Settings) -> list[Fault]:
    found = _sms_faults(settings)
    if settings.require_signatures:
        return found
    sentence = "Hub messages are taken unsigned; set MERCHANT_REQUIRE_SIGNATURES=true before a real hub is connected."
    return [*found, Fault("signatures_not_required", sentence, "warning")]


def _sms_faults(settings: Settings) -> list[Fault]:
    """What is unsafe about the way to an SMSC, wherever we are reached; an HTTP gateway's address has its own form."""
    if settings.sms_kind != "smpp":
        return []
    found, parts = [], urlsplit(settings.sms_url)
    if parts.scheme == "smpp" and not is_loopback(parts.hostname) and not settings.sms_private_line:
        sentence = (
            "MERCHANT_SMS_URL: numbers, texts and the password pass in clear; use smpps://, or set"
            " MERCHANT_SMS_PRIVATE_LINE=true where a VPN or a leased line guards the way."
        )
        found.append(Fault("sms_without_tls", sentence))
    if not settings.sms_user:
        found.append(Fault("sms_user_missing", "MERCHANT_SMS_URL: set MERCHANT_SMS_USER to our system_id at the SMSC."))
    if len(settings.sms_user) > SMPP_USER_MAX or len(settings.sms_secret) > SMPP_PASSWORD_MAX:
        sentence = (
            f"SMPP carries {SMPP_USER_MAX} characters of MERCHANT_SMS_USER and {SMPP_PASSWORD_MAX} of"
            " MERCHANT_SMS_SECRET; these are longer."
        )
        found.append(Fault("sms_user_too_long", sentence))
    return found


def _gateway_faults(settings: Settings, reached: str) -> list[Fault]:
    secret = settings.gateway_secret
    remedy = "make one with `openssl rand -base64 32` and give it to the hub's proxy as well"
    if not secret:
        return [Fault("gateway_secret_missing", f"{reached}: set MERCHANT_GATEWAY_SECRET; {remedy}.")]
    if not (secret.isascii() and secret.isprintable() and secret == secret.strip()):
        sentence = f"MERCHANT_GATEWAY_SECRET holds characters that no header carries unchanged; {remedy}."
        return [Fault("gateway_secret_unprintable", sentence)]
    if len(secret) < GATEWAY_SECRET_CHARS_MIN:
        sentence = f"MERCHANT_GATEWAY_SECRET is shorter than {GATEWAY_SECRET_CHARS_MIN} characters; {remedy}."
        return [Fault("gateway_secret_short", sentence)]
    return []


def _open_faults(settings: Settings, reached: str) -> list[Fault]:
    found = []
    if not settings.require_signatures:
        sentence = f"{reached}: set MERCHANT_REQUIRE_SIGNATURES=true, else anyone who reaches the hub speaks for it."
        found.append(Fault("signatures_not_required", sentence))
    if settings.webhook_loopback:
        sentence = f"{reached}: set MERCHANT_WEBHOOK_LOOPBACK=false, else webhooks reach the programs of this machine."
        found.append(Fault("webhook_loopback", sentence))
    if settings.mail_kind == "console":
        sentence = (
            f"{reached}: set MERCHANT_MAIL_KIND=smtp, or none to print links by `merchant user`; with console an"
            " administrator reads the links of others."
        )
        found.append(Fault("mail_console", sentence))
    if settings.mail_kind == "smtp" and not settings.smtp_url:
        found.append(Fault("smtp_url_missing", "MERCHANT_MAIL_KIND=smtp: set MERCHANT_SMTP_URL to the mail server."))
    if settings.mail_kind == "smtp" and settings.mail_from == _DEFAULT_SENDER:
        sentence = f"MERCHANT_MAIL_KIND=smtp: set MERCHANT_MAIL_FROM; mail servers refuse mails from {_DEFAULT_SENDER}."
        found.append(Fault("mail_from_missing", sentence))
    if not settings.require_totp:
        sentence = (
            f"{reached}: set MERCHANT_REQUIRE_TOTP=true, else a stolen password alone decides on merchants, or gives"
            " accounts and keys."
        )
        found.append(Fault("totp_not_required", sentence))
    if not settings.screening_list_max_age_days:
        sentence = (
            f"{reached}: set MERCHANT_SCREENING_LIST_MAX_AGE_DAYS, such as 7, else names are screened against lists"
            " that nobody has looked at for years."
        )
        found.append(Fault("screening_list_age_unlimited", sentence))
    if fault := _public_url_fault(settings, reached):
        found.append(fault)
    if settings.unsigned_from_hub:
        kinds = ", ".join(sorted(settings.unsigned_kinds))
        sentence = f"MERCHANT_UNSIGNED_FROM_HUB lets whoever speaks as the hub send unsigned: {kinds}."
        found.append(Fault("unsigned_from_hub", sentence, "warning"))
    return found


def _public_url_fault(settings: Settings, reached: str) -> Fault | None:
    parts = urlsplit(settings.public_url)
    if not settings.public_url or is_loopback(parts.hostname):
        sentence = (
            f"{reached}: set MERCHANT_PUBLIC_URL to the https:// address of the proxy with TLS; without one passwords"
            f" pass in clear, any Host is taken, and links name {settings.base_url}."
        )
        return Fault("public_url_missing", sentence)
    if parts.scheme != "https":
        sentence = (
            "MERCHANT_PUBLIC_URL does not begin with https://; passwords and payments would pass in clear:"
            " put a proxy with TLS in front and name its address."
        )
        return Fault("public_url_without_https", sentence)
    return None
