"""Links that set a password: invitations and resets. Each works once, and only for a while.

Nobody sets another's password: whoever adds a person has a link mailed to them. What a link is for stands in the
database under its digest; raising the person's link epoch ends all links that are still out.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog

from merchant.core import audit, clock, errors, evidence, ids, outbox, vault
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Reads, Tx, forget
from merchant.core.evidence import SecurityEvent
from merchant.core.service import Service
from merchant.core.texts import _, translate
from merchant.core.throttle import Throttle, source_key
from merchant.notify import email
from merchant.people import passwords, sessions, sign_in
from merchant.people.models import UNUSABLE_HASH, AppUser
from merchant.people.passwords import Hashing, too_many_tries
from merchant.people.problems import AlreadyAccepted, LinkInvalid

RESET_TOPIC = "people.reset"
# Of one person: a stranger who asks for them must not fill a mailbox.
_RESETS_MAX, _WINDOW = 3, timedelta(hours=1)
_KEPT = timedelta(days=7)
_log = structlog.get_logger()


class Kind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"
    SET_UP = "set_up"  # of the first operator, who also says who they are (set_up.py)


# Long enough for a weekend; and as short as a mail server may take.
LIFE = {Kind.INVITATION: timedelta(hours=72), Kind.RESET: timedelta(hours=1), Kind.SET_UP: timedelta(hours=24)}
_PAGES = {
    Kind.INVITATION: "/account/invitations",
    Kind.RESET: "/account/password-resets",
    Kind.SET_UP: "/set-up",
}

_ADD = """
INSERT INTO account_token (digest, user_id, kind, epoch, created_at, expires_at)
SELECT $1, id, $3, link_epoch, $4, $5 FROM app_user WHERE id = $2
"""
_NEXT_EPOCH = "UPDATE app_user SET link_epoch = link_epoch + 1 WHERE id = $1"
_HOLDS = f"""
t.digest = $1 AND t.kind = $2 AND t.used_at IS NULL AND t.expires_at > $3 AND t.epoch = u.link_epoch AND u.enabled
AND (u.password_hash = '{UNUSABLE_HASH}') = (t.kind <> '{Kind.RESET}')
"""
_FIND = f"""
SELECT u.id, u.name, u.email, u.dfsp_id FROM account_token t JOIN app_user u ON u.id = t.user_id WHERE {_HOLDS}
"""  # noqa: S608 - constants
_USE = f"UPDATE account_token t SET used_at = $3 FROM app_user u WHERE u.id = t.user_id AND {_HOLDS}"  # noqa: S608
_WRITE_PASSWORD = """
UPDATE app_user SET password_hash = $2, password_changed_at = $3, link_epoch = link_epoch + 1, version = version + 1
WHERE id = $1 RETURNING email
"""  # noqa: S105 - no password
_RESET_FOR = f"""
SELECT id, name, email, dfsp_id FROM app_user
WHERE email = $1 AND enabled AND password_hash <> '{UNUSABLE_HASH}' FOR UPDATE
"""  # noqa: S608 - constants
_RECENT = "SELECT count(*) FROM account_token WHERE user_id = $1 AND kind = $2 AND created_at > $3"
_WORDS = """
SELECT u.name, u.email, d.name AS dfsp, d.fsp_id, m.trading_name FROM app_user u
LEFT JOIN dfsp d ON d.id = u.dfsp_id LEFT JOIN merchant m ON m.id = u.merchant_id WHERE u.id = $1
"""


class ResetRate:
    """How often one source may ask for reset links."""

    def __init__(self, _service: Service) -> None:
        self.rate = Throttle(per_minute=6, burst=10)


async def invite(tx: Tx, service: Service, actor: Actor, user: AppUser, *, mail: bool = True) -> str:
    """Mail an invitation to a person who has no password yet; its link. Older invitations end.

    Raises AlreadyAccepted, WrongState for the first operator, who has no address yet.
    """
    await tx.flush()
    if user.password_hash != UNUSABLE_HASH:
        raise AlreadyAccepted
    if mail and user.email is None:
        raise errors.WrongState(_("This person has no e-mail address yet; they come by the link of the set-up."))
    link = await new_only_link(tx, service, user.id, Kind.INVITATION)
    if mail:
        await _mail_invitation(tx, service, user, link)
    await audit.record(tx, actor, "user.invited", "user", user.id, dfsp_id=user.dfsp_id)
    return link


async def request_reset(service: Service, address: str, source: str) -> None:
    """Have a reset link mailed to whoever has this address. The same work, whether anyone has.

    Raises TooManyRequests.
    """
    wait_s = service.shared(ResetRate).rate.wait_s(source_key(source))
    if wait_s:
        evidence.note(service, SecurityEvent.THROTTLED, source=source, what="password_reset")
        raise too_many_tries(int(wait_s) + 1)
    sealed = service.vault.seal(sign_in.normal_email(address).encode(), RESET_TOPIC)
    async with service.db.system() as tx:
        await outbox.add(tx, RESET_TOPIC, sealed)


async def send_reset(tx: Tx, service: Service, sealed: bytes) -> None:
    """The job of a request: mail a reset link, if someone has that address and was not sent several just now."""
    address = service.vault.open(sealed, RESET_TOPIC).decode()
    row = await tx.fetchrow(_RESET_FOR, address)
    if row is None:
        return
    # Counted under the lock of the person's row, so that requests at once are counted one after the other.
    if await tx.fetchval(_RECENT, row["id"], Kind.RESET, clock.now() - _WINDOW) >= _RESETS_MAX:
        _log.info("password_reset_not_sent", why="too many", user=str(row["id"]))
        return
    await mail_reset(tx, service, row)


async def mail_reset(tx: Tx, service: Service, row: Any, *, actor: Actor = SERVICE, mail: bool = True) -> str:
    """Mail a reset link to a person (id, name, email, dfsp_id); the link."""
    link = await _new_link(tx, service, row["id"], Kind.RESET)
    if mail:
        text = _(
            "Hello {name},\n\nsomeone, hopefully you, asked for a new password for your account. Within an hour, set it"
            " here:\n\n{link}\n\nIf it was not you, ignore this mail: nothing has changed.\n",
            name=row["name"],
            link=link,
        )
        await _mail(tx, service, row["email"], row["dfsp_id"], _("Set a new password"), text, link)
    await audit.record(tx, actor, "user.reset_requested", "user", row["id"], dfsp_id=row["dfsp_id"])
    return link


async def find(service: Service, kind: Kind, token: str) -> bool:
    """Whether a link still works."""
    async with service.db.system_reads() as tx:
        return await holder(tx, kind, token) is not None


async def holder(tx: Reads, kind: Kind, token: str) -> Mapping[str, Any] | None:
    """The person of a link that still works: id, name, email, dfsp_id."""
    found: Mapping[str, Any] | None = await tx.fetchrow(_FIND, vault.token_digest(token), kind, clock.now())
    return found


async def use(tx: Tx, kind: Kind, token: str) -> None:
    """Use a link up. Raises LinkInvalid when it does not work any more."""
    if not await tx.execute(_USE, vault.token_digest(token), kind, clock.now()):
        raise LinkInvalid


async def accept(service: Service, kind: Kind, token: str, password: str, source: str) -> None:
    """Set the password of the person whom a link was sent to; they are signed out everywhere.

    Raises LinkInvalid for a link that was used, is over or unknown; InvalidFields for a weak password; TooManyRequests.
    """
    service.shared(Hashing).admit(f"source:{source_key(source)}")
    async with service.db.system_reads() as reading:
        row = await holder(reading, kind, token)
    if row is None:
        raise LinkInvalid
    checked = await passwords.check_password(password, await personal_words(service, row["id"]))
    hashed = await passwords.hash_password(service, checked)
    actor = Actor(kind="user", id=row["id"], name=row["name"], dfsp_id=row["dfsp_id"])
    async with service.db.system() as tx:
        await use(tx, kind, token)
        await set_password(tx, service, row["id"], hashed)
        action = "user.invitation_accepted" if kind == Kind.INVITATION else "user.password_reset"
        await audit.record(tx, actor, action, "user", actor.id, dfsp_id=actor.dfsp_id)
    evidence.note(service, SecurityEvent.CREDENTIALS_CHANGED, actor=actor, source=source, what=kind.value)


async def set_password(tx: Tx, service: Service, user_id: UUID, hashed: str, keep: UUID | None = None) -> None:
    """Write a password's hash: all links, known devices, failures and sessions (but one to keep) of the person end."""
    address = await tx.fetchval(_WRITE_PASSWORD, user_id, hashed, clock.now())
    await sessions.end_other_sessions(tx, user_id, keep)
    await sign_in.forget_devices(tx, user_id)
    if address is not None:  # whoever registered by phone has none
        await sign_in.forget_failures(tx, service, address)


async def change_password(service: Service, actor: Actor, current: str, new: str, source: str) -> None:
    """Change one's own password; other sessions end. Raises InvalidFields, TooManyRequests."""
    await sign_in.count_own_try(service, actor.id)
    async with service.db.system_reads() as reading:
        hashed = await reading.fetchval("SELECT password_hash FROM app_user WHERE id = $1", actor.id)
    if not await passwords.matches(service, hashed, current):
        evidence.note(service, SecurityEvent.SIGN_IN_FAILED, actor=actor, source=source, what="change_password")
        raise passwords.wrong("current")
    checked = await passwords.check_password(new, await personal_words(service, actor.id), field="new")
    replaced = await passwords.hash_password(service, checked)
    async with service.db.system() as tx:
        await set_password(tx, service, actor.id, replaced, keep=actor.session_id)
        await sign_in.own_try_succeeded(tx, service, actor.id)
        await audit.record(tx, actor, "user.password_changed", "user", actor.id, dfsp_id=actor.dfsp_id)
    evidence.note(service, SecurityEvent.CREDENTIALS_CHANGED, actor=actor, source=source, what="password")


async def personal_words(service: Service, user_id: UUID) -> list[str]:
    """What a guesser who knows the person would try first: their names, and those of whom they work for."""
    scheme = await service.scheme()
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow(_WORDS, user_id)
    return [*filter(None, row or ()), scheme.name, scheme.qr_domain]


async def new_only_link(tx: Tx, service: Service, user_id: UUID, kind: Kind) -> str:
    """A new link of a person; all that are still out end."""
    await tx.execute(_NEXT_EPOCH, user_id)
    return await _new_link(tx, service, user_id, kind)


async def _new_link(tx: Tx, service: Service, user_id: UUID, kind: Kind) -> str:
    token, now = ids.secret_token(), clock.now()
    await tx.execute(_ADD, vault.token_digest(token), user_id, kind, now, now + LIFE[kind])
    return f"{service.settings.base_url}{_PAGES[kind]}/{token}"


async def _mail_invitation(tx: Tx, service: Service, user: AppUser, link: str) -> None:
    text = _(
        "Hello {name},\n\nyou have an account at {scheme}. Within three days, set your password here:\n\n{link}\n\n"
        "If you do not know what this is about, ignore this mail.\n",
        name=user.name,
        scheme=(await service.scheme()).name,
        link=link,
    )
    assert user.email is not None, "whoever is invited has an address"
    await _mail(tx, service, user.email, user.dfsp_id, _("Your new account"), text, link)


async def _mail(tx: Tx, service: Service, to: str, dfsp_id: UUID | None, subject: str, text: str, link: str) -> None:
    language = service.settings.language
    told, titled = translate(text, language), translate(subject, language)
    await email.send(tx, service, to=to, subject=titled, text=told, link=link, dfsp_id=dfsp_id)


async def prune(tx: Tx, limit: int) -> int:
    """Forget links that are long over; the number forgotten, at most `limit`."""
    return await forget(tx, "account_token", "digest", "expires_at", clock.now() - _KEPT, limit)
