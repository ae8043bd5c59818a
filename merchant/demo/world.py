"""Who is in the demo: one scheme, three DFSPs with their staff, and the file that tells a newcomer about them.

Passwords and keys are random per data folder and stand in demo.json only.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec

from merchant.core import files
from merchant.core.access import SERVICE, Role
from merchant.core.service import Service
from merchant.demo.api import Api
from merchant.people import links, passwords, users
from merchant.programs.seed import NewScheme

SCHEME = NewScheme(
    name="Lakeside Instant Payments",
    domain="pay.lakeside.example",
    country="KE",
    currencies=[
        "USD",
        "KES",
        "LRD",
        "PHP",
        "NGN",
        "BDT",
        "PKR",
        "GHS",
        "ZMW",
        "UGX",
        "TZS",
        "XOF",
        "ETB",
        "MWK",
        "MZN",
        "RWF",
        "KHR",
        "MMK",
    ],
    time_zone="Africa/Nairobi",
    ussd_code="*384*123#",
)
CURRENCY = "USD"
OPERATOR_EMAIL = "operator@hub.example"
DFSPS = {"greenbankfsp": "Green Bank", "lakemfi": "Lake Microfinance", "mobilepay": "Mobile Pay"}
_STAFF = {
    "admin": Role.DFSP_ADMIN,
    "maker": Role.DFSP_MAKER,
    "checker": Role.DFSP_CHECKER,
    "checker2": Role.DFSP_CHECKER,  # looks again where two must approve
    "auditor": Role.DFSP_AUDITOR,
}
_TITLES = {"checker2": "Second checker"}


class DemoUser(msgspec.Struct):
    """A person of the demo."""

    email: str
    password: str
    roles: list[str]
    dfsp: str | None
    name: str = ""
    merchant: str = ""  # the trading name of whose owner or cashier it is


class DemoWorld(msgspec.Struct):
    """demo.json (docs/contract.md)."""

    base_url: str
    simulator_url: str
    scheme: dict[str, str]
    dfsps: list[dict[str, str]] = []
    users: list[DemoUser] = []
    api_keys: list[dict[str, Any]] = []
    merchants: list[dict[str, Any]] = []
    payers: list[dict[str, str]] = []
    ussd: dict[str, str] = {}
    shown: bool = False  # the demo's payments were shown once; a second start does not repeat them

    def user(self, role: Role, dfsp: str | None) -> DemoUser:
        """The first person of a role at a DFSP (None: the hub)."""
        return next(user for user in self.users if role in user.roles and user.dfsp == dfsp)

    def person(self, email: str) -> DemoUser | None:
        """The person with an e-mail address."""
        return next((user for user in self.users if user.email == email), None)

    def shop(self, key: str) -> dict[str, Any] | None:
        """One of the demo's own shops (own_shops.py) once it is a merchant."""
        return next((one for one in self.merchants if one.get("shop") == key), None)

    def save(self, data_dir: Path) -> None:
        """Write demo.json, readable by its owner only."""
        files.write(_path(data_dir), msgspec.json.format(msgspec.json.encode(self), indent=2))


def _path(data_dir: Path) -> Path:
    return data_dir / "demo.json"


def _read(data_dir: Path) -> DemoWorld | None:
    path = _path(data_dir)
    return msgspec.json.decode(path.read_bytes(), type=DemoWorld) if path.exists() else None


def load(data_dir: Path) -> DemoWorld | None:
    """The demo.json of an earlier run; None without one, or when that run was stopped while it set the world up."""
    known = _read(data_dir)
    return known if known and known.merchants else None


def is_unfinished(data_dir: Path) -> bool:
    """Whether an earlier run was stopped while it set its world up in the embedded database."""
    known = _read(data_dir)
    return known is not None and not known.merchants


def forget(data_dir: Path) -> None:
    """Remove demo.json."""
    _path(data_dir).unlink(missing_ok=True)


def new_password() -> str:
    """A password for a made-up person."""
    return secrets.token_urlsafe(12)


async def add_people(service: Service, people: Sequence[tuple[DemoUser, str]], **place: UUID | None) -> None:
    """Add people by name, with their passwords: nobody in the demo reads invitations or confirms roles.

    `place` is the dfsp_id and the merchant_id of all of them.
    """
    for user, name in people:
        user.name = name
    hashed = [(user, name, await passwords.hash_password(service, user.password)) for user, name in people]
    async with service.db.system() as tx:
        for user, name, password_hash in hashed:
            made = await users.create_user(tx, service, SERVICE, email=user.email, name=name, roles=user.roles, **place)
            await links.set_password(tx, service, made.id, password_hash)


async def enable_dfsps(service: Service, world: DemoWorld, operator: Api, http: aiohttp.ClientSession) -> None:
    """The hub operator adds the DFSPs, with their staff, and the hub's checker enables them.

    Each DFSP's admin issues its core system's key.
    """
    checker = DemoUser("checker@hub.example", new_password(), [Role.HUB_CHECKER], None)
    await add_people(service, [(checker, "Hub checker")])
    world.users.append(checker)
    second = await Api.sign_in(http, world.base_url, checker.email, checker.password)
    for fsp_id, name in DFSPS.items():
        dfsp = await operator.post("/api/v1/dfsps", {"fsp_id": fsp_id, "name": name})
        await second.patch(f"/api/v1/dfsps/{dfsp['id']}", {"enabled": True}, dfsp["version"])
        world.dfsps.append({"id": dfsp["id"], "fsp_id": fsp_id, "name": name})
        staff = {
            title: DemoUser(f"{title}@{fsp_id}.example", new_password(), [role], fsp_id)
            for title, role in _STAFF.items()
        }
        named = [(user, f"{_TITLES.get(title, title.title())} of {name}") for title, user in staff.items()]
        await add_people(service, named, dfsp_id=UUID(dfsp["id"]))
        world.users += staff.values()
        scopes = [
            "aliases:write",
            "merchants:read",
            "payments:read",
            "payments:request",
            "webhooks:write",
            "events:read",
        ]
        known = world.user(Role.DFSP_ADMIN, fsp_id)
        admin = await Api.sign_in(http, world.base_url, known.email, known.password)
        key = await admin.post("/api/v1/api-keys", {"name": f"{name} core system", "scopes": scopes})
        world.api_keys.append({"key": key["key"], "scopes": scopes, "dfsp": fsp_id})
