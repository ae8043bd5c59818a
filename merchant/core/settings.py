"""Every setting of the service, read once from `MERCHANT_*` environment variables.

One field each: type, unit in the name, default, and why. The service is handed a `Settings`; only commands read
variables besides (`merchant seed` its password, the simulator its secret).
"""

import base64
import ipaddress
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from merchant.core import files

PREFIX = "MERCHANT_"
# A method, a resource of FSPIOP and perhaps /error, comma-separated.
_KIND = (
    r"\s*(?:PUT|PATCH|POST) +"
    r"(?:participants|parties|transactionRequests|quotes|authorizations|transfers|transactions)(?:/error)?\s*"
)
_UNSIGNED = rf"^(?:{_KIND}(?:,{_KIND})*)?\Z"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The service's settings; README has the table."""

    # Where people and the hub reach us. Loopback unless the operator says otherwise: safe as it comes.
    host: str = "127.0.0.1"
    port: int = 8000
    # Proxies whose X-Forwarded-For is believed: addresses or networks, comma-separated. Empty: none, since anyone can
    # send that header.
    trusted_proxies: str = ""
    # How links and QR codes name us from outside; empty means http://host:port.
    public_url: str = ""
    # Further names by which we are reached (Host), comma-separated, beside public_url's, host and loopback. Only looked
    # at when public_url is set: without it nobody knows which names are right.
    hosts: str = ""
    # Where to report a weakness, for /.well-known/security.txt: a mailto: or https: URL. Empty: no such file.
    security_contact: str = ""
    # The embedded database, generated secrets and demo.json live here.
    data_dir: Path = Path(".data")
    # An external PostgreSQL 15 or later; empty means the embedded one below data_dir.
    database_url: str = ""
    # Connections per pool, of which a process has three (requests of people, the service's own, its reads); opened when
    # first needed. 8 keep two cores busy.
    database_pool_size: int = 8
    # Base URL of the hub's FSPIOP endpoints for DFSPs that have none of their own.
    hub_url: str = ""
    # What the hub calls itself in FSPIOP-Source, comma-separated, in any case: only it says what became of a transfer.
    hub_fsp_ids: str = "hub,switch"
    # Keys that encrypt personal data: `id:base64(32 bytes)`, newest first, comma-separated.
    # Empty means one generated in data_dir/secret.key.
    secret_key: str = ""
    # Shared secret that the hub's proxy sends as x-gateway-secret to /oracle and /fspiop, and whoever reads /metrics.
    # Empty means those paths answer only to programs of this machine, as long as nobody else reaches us (is_local); a
    # DFSP's batch of participants with its API key passes all the same.
    gateway_secret: str = ""
    # Aliases that one DFSP may claim for merchants outside this registry: a claim is for ever, and eight digits are
    # nine million numbers. A day's is what an honest first batch holds (FSPIOP: 10,000 rows).
    aliases_per_dfsp_per_day: int = 10_000
    aliases_per_dfsp: int = 1_000_000
    # Whether inbound FSPIOP requests must carry a valid JWS signature.
    require_signatures: bool = True
    # What the hub itself may send without a signature all the same, for example `PUT parties/error, PATCH transfers`:
    # some hubs ship with the signing of their own messages turned off. Each use leaves a line in the log.
    unsigned_from_hub: Annotated[str, Meta(pattern=_UNSIGNED)] = ""
    # How far the Date of a hub message may be from our clock, past or future; 0 turns the check off. A day: hubs send
    # again what was queued while either side was down, with the Date it was signed with. At most 302400 (half of the
    # seven days for which a message is remembered) counts.
    message_freshness_s: Annotated[int, Meta(ge=0, le=302_400)] = 86_400
    # Lifetime of a signed-in person's token; a working day without asking again.
    session_lifetime_s: int = 8 * 3600
    # Port of the simulated hub in the demo; 0 means the service's port plus one.
    simulator_port: int = 0
    # The sanctions list to screen against: the UN's XML, plain or gzipped. The packaged copy is of the named day;
    # operators point this at a file they keep current.
    screening_list: Path = Path(__file__).parents[1] / "compliance" / "un_consolidated_2026-02-27.xml.gz"
    # Jobs claimed at once by the worker: large enough to share round trips, small enough to share work.
    worker_batch: int = 50
    # Safety poll when no notification arrived; the LISTEN connection wakes the worker sooner.
    worker_poll_s: float = 1.0
    # How long after its expiry an accepted request stays open while its quote still holds.
    settle_grace_s: int = 30
    # How long after our answer to a transfer we ask the hub ourselves what became of it; doubles at every try.
    # The hub's own notification comes within a second or is lost.
    settle_check_s: float = 10.0
    # Whether webhooks may also go to plain http on this machine: for the demo and tests, where receivers live there.
    webhook_loopback: bool = False
    # Language of what is sent to merchants, one of texts.OFFERED. English unless the operator says otherwise, since
    # most countries have several official languages.
    language: Literal["en", "fr", "sw"] = "en"
    # Log level of structlog.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"

    def is_hub(self, fsp_id: str) -> bool:
        """Whether a message from this FSP comes from the hub itself."""
        return fsp_id.casefold() in {name.strip().casefold() for name in self.hub_fsp_ids.split(",")}

    @property
    def unsigned_kinds(self) -> frozenset[str]:
        """The kinds of messages that the hub may send unsigned, such as `PUT parties/error`."""
        return frozenset(" ".join(kind.split()) for kind in self.unsigned_from_hub.split(","))

    @property
    def base_url(self) -> str:
        """How others reach us, without a trailing slash."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches us, as far as settings tell: a loopback host, and no public address."""
        return is_loopback(self.host) and (not self.public_url or is_loopback(urlsplit(self.public_url).hostname))


@lru_cache(maxsize=1024)
def is_loopback(host: str | None) -> bool:
    """Whether a host, by name or address, is this machine."""
    if host is None or host == "localhost":
        return host is not None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


class BadSettings(ValueError):
    """A MERCHANT_* variable cannot be understood; the message names it."""


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment. Raises BadSettings naming the variable that is wrong."""
    given = {
        field.name: environ[PREFIX + field.name.upper()]
        for field in msgspec.structs.fields(Settings)
        if environ.get(PREFIX + field.name.upper())
    }
    try:
        return msgspec.convert(given, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise BadSettings(f"A {PREFIX}* setting is wrong: {error}") from None


def _path(kind: type, text: object) -> object:
    if kind is Path and isinstance(text, str):
        return Path(text)
    raise NotImplementedError(kind)


def with_secret_key(settings: Settings) -> Settings:
    """Settings that surely hold a secret key: the given one, else the one kept (or made now) in data_dir."""
    if settings.secret_key:
        return settings
    path = settings.data_dir / "secret.key"
    if not path.exists():
        files.write(path, new_secret_key().encode(), replace=False)  # of two processes that start, one key wins
    return msgspec.structs.replace(settings, secret_key=path.read_text().strip())


def new_secret_key() -> str:
    """A fresh `id:base64` key."""
    return f"{secrets.token_hex(3)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
