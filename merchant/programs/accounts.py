"""What `merchant user` does: the same operations as over the API, by the service itself, each in one transaction.

The service acts alone where people act by two; the audit record says `by: command line`.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlmodel import select

from merchant.core import audit, errors
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.people import links, passkeys, set_up, sign_in, totp, users
from merchant.people.models import UNUSABLE_HASH, AppUser
from merchant.people.schemas import EMAIL_CHARS_MAX, EMAIL_PATTERN, user_view
from merchant.scheme.models import Dfsp


class NobodyThere(errors.NotFound):
    title = _("Nobody has this e-mail address.")


async def create(
    service: Service, *, email: str, name: str, roles: Sequence[str], fsp_id: str | None, print_link: bool
) -> str | None:
    """Add a person with roles in force, and invite them; the link unless it was mailed. Raises MerchantError."""
    if len(email) > EMAIL_CHARS_MAX or not re.fullmatch(EMAIL_PATTERN, email):
        raise errors.invalid_field("email", "invalid", _("This is not an e-mail address."))
    if not 0 < len(name.strip()) <= 128:
        raise errors.invalid_field("name", "invalid", _("A name has 1 to 128 characters."))
    async with service.db.system() as tx:
        dfsp_id = None
        if fsp_id is not None:
            dfsp = (await tx.session.exec(select(Dfsp).where(Dfsp.fsp_id == fsp_id))).one_or_none()
            if dfsp is None:
                raise errors.invalid_field("dfsp", "unknown", _("There is no DFSP of this id."))
            dfsp_id = dfsp.id
        user = await users.create_user(tx, service, SERVICE, email=email, name=name, roles=roles, dfsp_id=dfsp_id)
        await _note(tx, user, "create")
        return await _invite(tx, service, user, print_link)


async def invite_first(service: Service) -> str:
    """A new link by which the first operator makes their account. Raises AlreadySetUp."""
    async with service.db.system() as tx:
        return await set_up.new_link(tx, service)


async def reset(service: Service, email: str, forget_totp: bool, print_link: bool) -> str | None:
    """Send a link that sets a new password; the link unless it was mailed. Raises NobodyThere."""
    async with service.db.system() as tx:
        user = await _find(tx, email)
        # The person's row is locked before the audit record's head, as over the API: the other way round is a deadlock.
        if forget_totp:
            await tx.execute(totp.REMOVE, user.id)
            passkeys_removed = await passkeys.forget_all(tx, user.id)
            await audit.record(tx, SERVICE, "user.totp_removed", "user", user.id, dfsp_id=user.dfsp_id)
            if passkeys_removed:
                detail: dict[str, Any] = {"count": passkeys_removed}
                await audit.record(tx, SERVICE, "user.passkey_removed", "user", user.id, dfsp_id=user.dfsp_id, **detail)
        await sign_in.forget_failures(tx, service, email)
        link = await _new_link(tx, service, user, print_link)
        await _note(tx, user, "reset")
        return link


async def _new_link(tx: Tx, service: Service, user: AppUser, print_link: bool) -> str | None:
    if user.password_hash == UNUSABLE_HASH:
        return await _invite(tx, service, user, print_link)
    mail = not _is_printed(service, print_link)
    row = {"id": user.id, "name": user.name, "email": user.email, "dfsp_id": user.dfsp_id}
    link = await links.mail_reset(tx, service, row, mail=mail)
    return None if mail else link


async def change(service: Service, email: str, wanted: users.Change) -> AppUser:
    """Change a person's roles, or whether they may come in, at once. Raises MerchantError."""
    async with service.db.system() as tx:
        user = await _find(tx, email)
        changed = await users.change_user(tx, service, SERVICE, user.id, None, wanted)
        await _note(tx, user, "change")
        return changed


async def unlock(service: Service, email: str) -> None:
    """Forget the failed sign-ins of an address. Raises NobodyThere."""
    async with service.db.system() as tx:
        user = await _find(tx, email)
        await sign_in.forget_failures(tx, service, email)
        await _note(tx, user, "unlock")


async def listed(service: Service) -> list[str]:
    """A line for each person, by address."""
    async with service.db.system_reads() as tx:
        people = (await tx.session.exec(select(AppUser).order_by(AppUser.email))).all()
        fsp_ids = {row["id"]: row["fsp_id"] for row in await tx.fetch("SELECT id, fsp_id FROM dfsp")}
    lines = []
    for one in people:
        view = user_view(service.vault, one)
        held = " ".join(view.roles) or "-"
        waiting = f"  proposed: {' '.join(view.proposed_roles or [])}" if view.proposed_by else ""
        factor = "totp" if view.totp else "-"
        address, place = view.email or view.phone or "-", fsp_ids.get(view.dfsp_id, "hub")
        lines.append(f"{address}  {view.state}  {factor}  {place}  {held}{waiting}")
    return lines


async def _find(tx: Tx, email: str) -> AppUser:
    statement = select(AppUser).where(AppUser.email == sign_in.normal_email(email))
    found = (await tx.session.exec(statement)).one_or_none()
    if found is None:
        raise NobodyThere
    return found


async def _invite(tx: Tx, service: Service, user: AppUser, print_link: bool) -> str | None:
    mail = not _is_printed(service, print_link)
    link = await links.invite(tx, service, SERVICE, user, mail=mail)
    return None if mail else link


def _is_printed(service: Service, print_link: bool) -> bool:
    """Whether the link goes to whoever sits here: when they ask for it, and where no mail is sent at all."""
    return print_link or service.settings.mail_kind != "smtp"


async def _note(tx: Tx, user: AppUser, command: str) -> None:
    await tx.flush()
    detail = {"by": "command line", "command": command}
    await audit.record(tx, SERVICE, "user.operated", "user", user.id, dfsp_id=user.dfsp_id, **detail)
