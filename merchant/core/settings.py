"""Every setting of the service, read once from `MERCHANT_*` environment variables.

One field each: type with its bounds, unit in the name, default, and why. The service is handed a `Settings`; what
commands and tests read besides is in OTHER_VARIABLES.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from merchant.core import keyring
from merchant.core import setting_forms as forms
from merchant.core.host_names import is_host, is_loopback, is_network

PREFIX = "MERCHANT_"
# Read by commands (`merchant seed` its password), by the tests and by make.
OTHER_VARIABLES = ("SEED_PASSWORD", "TEST_*", "REQUIRE_NODE")

# What tells whether a text is allowed, by what is allowed in words. An empty variable is unset and never comes here.
_CHECKS: dict[str, Callable[[str], bool]] = {}


def _text(allowed: str, is_allowed: Callable[[str], bool]) -> Meta:
    _CHECKS[allowed] = is_allowed
    return Meta(description=allowed)


def _whole(low: int, high: int) -> Meta:
    return Meta(ge=low, le=high, description=f"a whole number from {low} to {high}")


def _number(low: float, high: float) -> Meta:
    return Meta(ge=low, le=high, description=f"a number from {low:g} to {high:g}")


def _all(part_is: Callable[[str], bool]) -> Callable[[str], bool]:
    """Whether each part of a comma-separated text is."""
    return lambda text: all(part_is(part.strip()) for part in text.split(","))


_HOST = _text("an IP address of this machine or a host name", is_host)
_BASE_URL = _text(
    "http:// or https:// with a host, and a port if need be, without a path or query",
    lambda text: forms.is_url(text, with_path=False),
)
_URL = _text(
    "http:// or https:// with a host, and a port and a path if need be, without a query",
    lambda text: forms.is_url(text, with_path=True),
)
_REGISTER_URL = _text(
    "https:// with a host, and a port and a path if need be, without a query; http:// only on this machine",
    lambda text: (
        forms.is_url(text, with_path=True) and (text.startswith("https://") or is_loopback(urlsplit(text).hostname))
    ),
)
_HOSTS = _text("IP addresses or host names, comma-separated", _all(is_host))
_CONTACT = _text(
    "a mailto: or https: URL",
    lambda text: bool(re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://\S+", text)) and text.isprintable(),
)
_MAIL_ADDRESS = _text(
    "an e-mail address", lambda text: bool(re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text)) and text.isprintable()
)
_SMTP_URL = _text(
    "smtps://user:password@host:465 or smtp://user:password@host:587",
    lambda text: bool(re.fullmatch(r"smtps?://\S+", text)) and text.isprintable(),
)
_SMS_URL = _text(
    "https:// with a host, and a port and a path if need be, http:// only on this machine; or smpps://host:port, or"
    " smpp://host:port",
    forms.is_sms_url,
)
_SMS_SENDER = _text(
    "at most 15 digits, perhaps after a +, or at most 11 letters, digits and blanks that begin with a letter",
    lambda text: bool(re.fullmatch(r"\+?[0-9]{1,15}|[A-Za-z][A-Za-z0-9 ]{0,10}", text)),
)
_HEADER = _text("the name of a header of HTTP", forms.is_header)
_HEADER_VALUE = _text(
    "printable ASCII, without blanks at its ends", lambda text: bool(re.fullmatch(r"[!-~]([ -~]{0,998}[!-~])?", text))
)
_FIELDS = _text(
    "name=value pairs, comma-separated, in whose values {to}, {digits}, {text}, {from} and {id} stand for themselves;"
    " {text} and one of {to} and {digits} are needed",
    forms.are_fields,
)
_STATUSES = _text("statuses of HTTP from 200 to 599, comma-separated", forms.are_statuses)
_NETWORKS = _text("IP addresses or networks such as 10.0.0.0/8, comma-separated", _all(is_network))
_FSP_IDS = _text(
    "FSP ids of at most 32 letters, digits, - and _, comma-separated",
    _all(lambda part: bool(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", part))),
)
_DATABASE_URL = _text(
    "postgresql://user:password@host/database",
    lambda text: text.startswith(("postgresql://", "postgres://")) and text.isprintable() and " " not in text,
)
# A method, a resource of FSPIOP and perhaps /error.
_UNSIGNED = _text(
    "methods with resources, comma-separated, such as `PUT parties/error, PATCH transfers`",
    _all(
        lambda part: bool(
            re.fullmatch(
                r"(?:PUT|PATCH|POST) +"
                r"(?:participants|parties|transactionRequests|quotes|authorizations|transfers|transactions)(?:/error)?",
                part,
            )
        )
    ),
)
_SECRET_KEYS = _text(keyring.FORM, forms.is_key)
# 24 characters of base64 are 144 bits; printable ASCII, since headers carry nothing else unharmed.
_SECRET = _text(
    "at least 24 printable ASCII characters without blanks",
    lambda text: bool(re.fullmatch(r"[!-~]{24,1000}", text)),
)
_DOCUMENT_STORE = _text(
    "s3://bucket or s3://bucket/prefix, with ?endpoint=http(s)://host:port and &region= if need be", forms.is_store
)
_STORE_KEY = _text("printable ASCII without blanks", lambda text: bool(re.fullmatch(r"[!-~]{1,1000}", text)))
_CLAMD = _text(
    "host:port, or the path of a socket that begins with /",
    lambda text: (
        (text.startswith("/") and text.isprintable() and len(text.encode()) < 108)
        or (is_host(text.rpartition(":")[0].strip("[]")) and forms.is_port(text.rpartition(":")[2]))
    ),
)
_ROLE = _text(
    "a name of small letters, digits and _, at most 63",
    lambda text: bool(re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", text)) and not text.startswith("pg_"),
)
_FILE = _text("the path of a file", lambda text: text.isprintable() and len(text) < 4096)
_FOLDER = Meta(description="the path of a folder")
_YES_NO = Meta(description="true or false")

# Their values may hold a secret, and are never repeated.
_NOT_SHOWN = frozenset(
    {"secret_key", "gateway_secret", "database_url", "smtp_url", "document_store_secret", "sms_secret"}
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The service's settings; README has the table."""

    # Where people and the hub reach us. Loopback unless the operator says otherwise: safe as it comes.
    host: Annotated[str, _HOST] = "127.0.0.1"
    port: Annotated[int, _whole(1, 65_535)] = 8000
    # Proxies whose X-Forwarded-For is believed: addresses or networks, comma-separated. Empty: none, since anyone can
    # send that header.
    trusted_proxies: Annotated[str, _NETWORKS] = ""
    # How links and QR codes name us from outside; empty means http://host:port.
    public_url: Annotated[str, _BASE_URL] = ""
    # Further names by which we are reached (Host), comma-separated, beside public_url's, host and loopback. Only looked
    # at when public_url is set: without it nobody knows which names are right.
    hosts: Annotated[str, _HOSTS] = ""
    # Where to report a weakness, for /.well-known/security.txt. Empty: no such file.
    security_contact: Annotated[str, _CONTACT] = ""
    # The embedded database, generated secrets and demo.json live here.
    data_dir: Annotated[Path, _FOLDER] = Path(".data")
    # An external PostgreSQL 15 or later; empty means the embedded one below data_dir. For one on another machine TLS is
    # demanded by libpq's variables, which asyncpg and pg_dump read: PGSSLMODE=verify-full and PGSSLROOTCERT.
    database_url: Annotated[str, _DATABASE_URL] = ""
    # The roles that the service runs under. Names belong to a server: a second installation there needs others.
    database_app_role: Annotated[str, _ROLE] = "merchant_app"
    database_system_role: Annotated[str, _ROLE] = "merchant_system"
    # Connections per pool, of which a process has three (requests of people, the service's own, its reads) and one half
    # as large (look-ups); opened when first needed. 8 keep two cores busy. One kind of call holds less than half.
    database_pool_size: Annotated[int, _whole(2, 100)] = 8
    # Base URL of the hub's FSPIOP endpoints for DFSPs that have none of their own.
    hub_url: Annotated[str, _URL] = ""
    # What the hub calls itself in FSPIOP-Source, comma-separated, in any case: only it says what became of a transfer.
    hub_fsp_ids: Annotated[str, _FSP_IDS] = "hub,switch"
    # Keys that encrypt personal data: `id:base64(32 bytes)`, newest first, comma-separated.
    # Empty means those in the file below.
    secret_key: Annotated[str, _SECRET_KEYS] = ""
    # The file of the keys where the variable above is not set; empty means data_dir/secret.key, which `merchant seed`
    # makes. Several programs on one machine share it, and keys in a file are rotated without a stop.
    secret_key_file: Annotated[str, _FILE] = ""
    # Shared secret that the hub's proxy sends as x-gateway-secret to /oracle and /fspiop, and whoever reads /metrics.
    # Empty means those paths answer only to programs of this machine, as long as nobody else reaches us (is_local); a
    # DFSP's batch of participants with its API key passes all the same.
    gateway_secret: Annotated[str, _SECRET] = ""
    # Aliases that one DFSP may claim for merchants outside this registry: a claim is for ever, and eight digits are
    # nine million numbers. A day's is what an honest first batch holds (FSPIOP: 10,000 rows).
    aliases_per_dfsp_per_day: Annotated[int, _whole(0, 1_000_000)] = 10_000
    aliases_per_dfsp: Annotated[int, _whole(0, 100_000_000)] = 1_000_000
    # The largest file of an import. 64 MiB: 100,000 rows, the most there may be, of 600 characters each.
    import_max_bytes: Annotated[int, _whole(1024, 1 << 30)] = 64 << 20
    # Whether inbound FSPIOP requests must carry a valid JWS signature.
    require_signatures: Annotated[bool, _YES_NO] = True
    # What the hub itself may send without a signature all the same, for example `PUT parties/error, PATCH transfers`:
    # some hubs ship with the signing of their own messages turned off. Each use leaves a line in the log.
    unsigned_from_hub: Annotated[str, _UNSIGNED] = ""
    # How far the Date of a hub message may be from our clock, past or future; 0 turns the check off. A day: hubs send
    # again what was queued while either side was down, with the Date it was signed with. At most half of the seven days
    # for which a message is remembered.
    message_freshness_s: Annotated[int, _whole(0, 302_400)] = 86_400
    # Lifetime of a signed-in person's token; a working day without asking again.
    session_lifetime_s: Annotated[int, _whole(60, 86_400)] = 8 * 3600
    # A session that was not used for so long has ended: half an hour, as OWASP advises for ordinary risk.
    session_idle_s: Annotated[int, _whole(60, 86_400)] = 1800
    # Whether hub staff, checkers and DFSP administrators must have a second factor (TOTP). False only where nothing
    # real is decided.
    require_totp: Annotated[bool, _YES_NO] = True
    # How invitations and reset links leave: `smtp` sends them; `none` leaves them to `merchant user`, which prints;
    # `console` keeps them for GET /api/v1/outgoing-mail, which shows links to admins, so it is for demo and tests.
    mail_kind: Annotated[Literal["console", "none", "smtp"], Meta(description="smtp, none or console")] = "console"
    # The sender of mails.
    mail_from: Annotated[str, _MAIL_ADDRESS] = "no-reply@localhost"
    # The mail server, smtps://user:password@host:465 or smtp://user:password@host:587 (STARTTLS, but for loopback).
    smtp_url: Annotated[str, _SMTP_URL] = ""
    # Where text messages go: an HTTP gateway's address, or an SMSC as smpps://host:port or smpp://host:port. Empty:
    # nowhere; they are marked as sent, and codes lie where MERCHANT_MAIL_KIND=console keeps mails. A certificate of the
    # SMSC's own authority is believed when SSL_CERT_FILE, which OpenSSL reads, names that authority.
    sms_url: Annotated[str, _SMS_URL] = ""
    # Whether smpp:// may go to another machine, since a VPN or a leased line guards it: SMPP itself encrypts nothing.
    sms_private_line: Annotated[bool, _YES_NO] = False
    # Who a message says that it is from: a number, a short code, or a name that the network has registered.
    sms_sender: Annotated[str, _SMS_SENDER] = ""
    # The system_id at an SMSC (15 characters at most, SMPP 3.4), and what is secret there: the password (8 at most), or
    # at an HTTP gateway the whole value of the header below, such as `Bearer ...`. The file is read at each use.
    sms_user: Annotated[str, _STORE_KEY] = ""
    sms_secret: Annotated[str, _HEADER_VALUE] = ""
    sms_secret_file: Annotated[str, _FILE] = ""
    sms_header: Annotated[str, _HEADER] = "authorization"
    # What an HTTP gateway is sent, always by POST, since a URL with a phone number ends up in logs.
    sms_format: Annotated[Literal["json", "form"], Meta(description="json or form")] = "json"
    sms_fields: Annotated[str, _FIELDS] = "to={to},text={text},id={id}"
    # Its answers that mean taken, and those that mean never, such as an invalid number; after others we try again.
    sms_taken: Annotated[str, _STATUSES] = "200,201,202"
    sms_refused: Annotated[str, _STATUSES] = "400,413,422"
    # How we bind to an SMSC: some give accounts for only one of the two.
    sms_bind: Annotated[Literal["transceiver", "transmitter"], Meta(description="transceiver or transmitter")] = (
        "transceiver"
    )
    # How long an answer of gateway or SMSC is waited for; jobs in an order must end within half a minute.
    sms_timeout_s: Annotated[float, _number(0.1, 20)] = 10.0
    # Port of the simulated hub in the demo; 0 means the service's port plus one.
    simulator_port: Annotated[int, _whole(0, 65_535)] = 0
    # The UN's list as XML, plain or gzipped, of the named day: screened against until `merchant lists put` was run.
    screening_list: Annotated[Path, _FILE] = (
        Path(__file__).parents[1] / "compliance" / "un_consolidated_2026-02-27.xml.gz"
    )
    # How many days a published list may go without being seen to be the current one (`merchant lists put`, or
    # `check-current`); after that names are "not checked". Publishers change their lists several times a month and say
    # so by mail, so a week leaves time for a failed fetch. 0 is no limit, for trials on this machine only.
    screening_list_max_age_days: Annotated[int, _whole(0, 3650)] = 7
    # How many per cent of its entries a new version of a published list may lack; more is a broken download, or another
    # list. The UN lost 1 % at most in a year. 100 is no limit, for the day on which a regime ends.
    screening_list_max_shrink_percent: Annotated[int, _whole(0, 100)] = 10
    # Where documents are kept, sealed: empty is the folder `documents` in data_dir; `s3://bucket/prefix` is storage
    # that speaks S3, such as AWS, MinIO or Ceph. Programs on several machines need the latter, or a folder they share.
    document_store: Annotated[str, _DOCUMENT_STORE] = ""
    # The access key there, and its secret or a file that holds it; without a key, what AWS gives the machine.
    document_store_key: Annotated[str, _STORE_KEY] = ""
    document_store_secret: Annotated[str, _STORE_KEY] = ""
    document_store_secret_file: Annotated[str, _FILE] = ""
    # The largest document: a scan of some pages, or a telephone's picture, is 1 to 8 MiB.
    document_max_bytes: Annotated[int, _whole(65_536, 52_428_800)] = 10_485_760
    # The virus scanner that every document passes first, clamd. Empty: none. One that is set and does not answer means
    # that no document is taken.
    clamd: Annotated[str, _CLAMD] = ""
    # Where an LEI is looked up that our copy of the register lacks (`merchant lei load`): an address that answers
    # {url}/lei-records/{LEI} as GLEIF's API does. Empty: nowhere, since an outside party then learns who applies.
    lei_url: Annotated[str, _REGISTER_URL] = ""
    # Whom a case's facts are looked up with, where the policy lets a register vouch for them: a service of the DFSP or
    # hub that speaks JSON. Empty: nobody is asked.
    evidence_url: Annotated[str, _REGISTER_URL] = ""
    # The file of the token that it wants as Authorization: Bearer; read at each call, so that it can be replaced.
    evidence_token_file: Annotated[str, _FILE] = ""
    # The folder where registers drop their answers as CSV; `merchant evidence export` writes the requests. Empty: none.
    evidence_inbox: Annotated[str, _FILE] = ""
    # Jobs claimed at once by the worker: large enough to share round trips, small enough to share work.
    worker_batch: Annotated[int, _whole(1, 1000)] = 50
    # Safety poll when no notification arrived; the LISTEN connection wakes the worker sooner.
    worker_poll_s: Annotated[float, _number(0.01, 60)] = 1.0
    # Port on which `merchant worker` answers /health/live, /health/ready and /metrics; 0 is none. A worker alone serves
    # nothing, so nothing listens unless the operator wants to probe it.
    worker_port: Annotated[int, _whole(0, 65_535)] = 0
    # How long after its expiry an accepted request stays open while its quote still holds.
    settle_grace_s: Annotated[int, _whole(0, 3600)] = 30
    # How long after our answer to a transfer we ask the hub ourselves what became of it; doubles at every try.
    # The hub's own notification comes within a second or is lost.
    settle_check_s: Annotated[float, _number(0.1, 3600)] = 10.0
    # Whether webhooks may also go to plain http on this machine: for the demo and tests, where receivers live there.
    webhook_loopback: Annotated[bool, _YES_NO] = False
    # Language of what is sent to merchants, one of texts.TEXTED. English unless the operator says otherwise, since
    # most countries have several official languages.
    language: Annotated[Literal["en", "fr", "sw", "rw"], Meta(description="en, fr, sw or rw")] = "en"
    # Where the worker appends signed heads of the audit record, which show what a database's owner took away. Better on
    # another machine's disk; empty: audit-anchors.jsonl in data_dir.
    audit_anchor_file: Annotated[str, _FILE] = ""
    # The collector that spans of OpenTelemetry are sent to, over OTLP/HTTP: its address without /v1/traces, such as
    # http://127.0.0.1:4318. Empty: no spans, since they cost CPU and need the extra `otlp`.
    otlp_url: Annotated[str, _REGISTER_URL] = ""
    # Log level of structlog.
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        Meta(description="DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    ] = "INFO"

    def is_hub(self, fsp_id: str) -> bool:
        """Whether a message from this FSP comes from the hub itself."""
        return fsp_id.casefold() in {name.strip().casefold() for name in self.hub_fsp_ids.split(",")}

    @property
    def unsigned_kinds(self) -> frozenset[str]:
        """The kinds of messages that the hub may send unsigned, such as `PUT parties/error`."""
        return frozenset(" ".join(kind.split()) for kind in self.unsigned_from_hub.split(","))

    @property
    def sms_kind(self) -> Literal["console", "http", "smpp"]:
        """By what text messages go."""
        scheme = self.sms_url.partition(":")[0]
        return "console" if not scheme else "smpp" if scheme.startswith("smpp") else "http"

    @property
    def anchor_path(self) -> Path:
        """The file of the audit record's anchors."""
        return Path(self.audit_anchor_file) if self.audit_anchor_file else self.data_dir / "audit-anchors.jsonl"

    @property
    def url_host(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def base_url(self) -> str:
        """How others reach us, without a trailing slash."""
        return self.public_url.rstrip("/") or f"http://{self.url_host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches us, as far as settings tell: a loopback host, and no public address."""
        return is_loopback(self.host) and (not self.public_url or is_loopback(urlsplit(self.public_url).hostname))


class BadSettings(ValueError):
    """Some MERCHANT_* variables cannot be understood; each line names one of them and what it may be."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment. Raises BadSettings, which names every variable that is wrong."""
    fields = {PREFIX + field.name.upper(): field for field in msgspec.structs.fields(Settings)}
    faults = [_unknown(name, fields) for name in sorted(environ) if _is_unknown(name, fields)]
    given: dict[str, Any] = {}
    for variable, field in fields.items():
        if text := environ.get(variable, ""):
            try:
                given[field.name] = _read(text, field.type)
            except ValueError:
                hidden = field.name in _NOT_SHOWN or "@" in text  # a password in an address
                shown = "what it is set to" if hidden else repr(text[:200])
                faults.append(f"{variable} must be {allowed(field.type)}, not {shown}.")
    if faults:
        raise BadSettings(faults)
    return Settings(**given)


def allowed(kind: Any) -> str | None:
    """What a setting of a type may be, in words; None for a type without bounds."""
    described = (meta.description for meta in getattr(kind, "__metadata__", ()) if isinstance(meta, Meta))
    return next(described, None)


def _read(text: str, kind: Any) -> Any:
    if getattr(kind, "__origin__", kind) is Path:
        if not text.isprintable():
            raise ValueError("not a path")
        return Path(text)
    value = msgspec.convert(text, kind, strict=False)
    if isinstance(value, str) and not _CHECKS.get(allowed(kind) or "", bool)(text):
        raise ValueError("not allowed")
    return value


def _is_unknown(name: str, fields: Mapping[str, object]) -> bool:
    if not name.startswith(PREFIX) or name in fields:
        return False
    rest = name.removeprefix(PREFIX)
    return not any(rest.startswith(other[:-1]) if other[-1] == "*" else rest == other for other in OTHER_VARIABLES)


def _unknown(name: str, fields: Mapping[str, object]) -> str:
    known = [*fields, *(PREFIX + other for other in OTHER_VARIABLES if other[-1] != "*")]
    [nearest] = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"{name} is no setting; did you mean {nearest}?"
