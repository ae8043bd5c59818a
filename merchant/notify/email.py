"""Mails to people who have accounts: invitations, links that set a new password, and what they chose to be told.

`smtp` sends them from the outbox, where they lie sealed; `none` writes none, since `merchant user` prints links;
`console` sends nothing and keeps them for GET /api/v1/outgoing-mail with the texts of sms.send_private, for demo and
tests. No address or link gets into a log. What became of a mail is kept, without the words of a link or a code.
"""

import asyncio
import ipaddress
import smtplib
import ssl
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiohttp
import msgspec

from merchant.core import clock, ids, masking, outbox
from merchant.core.db import Reads, Tx, forget
from merchant.core.paging import Page, both_ways
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.notify.kinds import MessageKind, MessageState

TOPIC = "mail"
_TIMEOUT_S = 20.0  # a mail server that takes longer is asked again later
_KEPT = timedelta(days=7)  # longer than any link lives
_PORTS = {"smtp": 587, "smtps": 465}  # RFC 6409 and RFC 8314: submission with STARTTLS, and with TLS from the start

_KEEP = "INSERT INTO outgoing_mail (id, dfsp_id, sealed, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
_NOTE = """
INSERT INTO email_message (id, dfsp_id, merchant_id, kind, address_masked, text, state, held_until, created_at, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_ENDED = """
UPDATE email_message SET state = $2::text, reason = $3, sent_at = CASE WHEN $2::text = 'sent' THEN $4::timestamptz END
WHERE id = $1
"""
_LIST = both_ways("""
SELECT id, sealed, created_at FROM outgoing_mail
WHERE ($1::uuid IS NULL OR dfsp_id = $1) AND ($2::uuid IS NULL OR id {beyond} $2)
ORDER BY id {way} LIMIT $3
""")


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail: to whom, and what it says; `link` stands in its text too."""

    id: UUID
    to: str
    subject: str
    text: str
    link: str


class KeptMail(msgspec.Struct, frozen=True):
    """A mail of the console kind, and when it was written."""

    mail: Mail
    created_at: datetime


class NotSent(Exception):
    """The mail server refused or did not answer; the message names no person."""


def can_send(settings: Settings) -> bool:
    """Whether a mail reaches anybody."""
    return settings.mail_kind != "none"


async def send(
    tx: Tx,
    service: Service,
    *,
    to: str,
    subject: str,
    text: str,
    link: str,
    dfsp_id: UUID | None,
    kind: MessageKind = MessageKind.ACCOUNT,
    merchant_id: UUID | None = None,
    keeps_text: bool = False,
    held_until: datetime | None = None,
) -> None:
    """Send a mail once the caller's transaction has committed, or once its quiet hours are over.

    `keeps_text` only of one that holds neither a link nor a code.
    """
    if not can_send(service.settings):
        return
    now = clock.now()
    mail = Mail(id=ids.uuid7(), to=to, subject=subject, text=text, link=link)
    is_queued = service.settings.mail_kind == "smtp" or held_until is not None
    if dfsp_id is not None:
        state = MessageState.HELD if held_until else MessageState.PENDING if is_queued else MessageState.SENT
        sent_at = None if is_queued else now
        masked, kept_text = masking.mask_email(to), text.strip() if keeps_text else ""
        place = (mail.id, dfsp_id, merchant_id, kind, masked, kept_text)
        await tx.execute(_NOTE, *place, state, held_until, now, sent_at)
    if is_queued:
        delay = max(timedelta(), held_until - now) if held_until else timedelta()
        await outbox.add(tx, TOPIC, service.vault.seal(msgspec.json.encode(mail), TOPIC), dfsp_id=dfsp_id, delay=delay)
    else:
        await keep(tx, service, mail, dfsp_id)


async def keep(tx: Tx, service: Service, mail: Mail, dfsp_id: UUID | None) -> None:
    """Keep a mail for GET /api/v1/outgoing-mail instead of sending it; the same one again changes nothing."""
    sealed = service.vault.seal(msgspec.json.encode(mail), f"outgoing_mail:{mail.id}")
    await tx.execute(_KEEP, mail.id, dfsp_id, sealed, clock.now())


async def kept(tx: Reads, service: Service, dfsp_id: UUID | None, page: Page) -> list[KeptMail]:
    """Mails that the console kind kept, newest first, of one DFSP or (None) all; one more than the page's limit."""
    rows = await tx.fetch(_LIST[page.is_oldest_first], dfsp_id, page.before, page.limit + 1)
    return [KeptMail(_opened(service, row["sealed"], f"outgoing_mail:{row['id']}"), row["created_at"]) for row in rows]


async def deliver(service: Service, _: aiohttp.ClientSession, sealed: bytes) -> None:
    """Hand a queued mail to the mail server. Raises NotSent, which is noted, and the outbox tries again."""
    mail = _opened(service, sealed, TOPIC)
    try:
        if service.settings.mail_kind == "smtp":
            await asyncio.to_thread(_submit, service.settings, mail)
        elif can_send(service.settings):  # held in quiet hours
            async with service.db.system() as tx:
                dfsp_id = await tx.fetchval("SELECT dfsp_id FROM email_message WHERE id = $1", mail.id)
                await keep(tx, service, mail, dfsp_id)
    except NotSent as error:
        await _note(service, mail.id, MessageState.FAILED, str(error))
        raise
    await _note(service, mail.id, MessageState.SENT)


async def _note(service: Service, mail_id: UUID, state: MessageState, reason: str | None = None) -> None:
    async with service.db.system_statements() as tx:
        await tx.execute(_ENDED, mail_id, state, reason, clock.now())


def _opened(service: Service, sealed: bytes, context: str) -> Mail:
    return msgspec.json.decode(service.vault.open(sealed, context), type=Mail)


def _submit(settings: Settings, mail: Mail) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, mail.to, mail.subject
    message["Date"] = clock.now()
    # The same at every try, so that a mail server can drop the second copy.
    message["Message-ID"] = f"<{mail.id}@{settings.mail_from.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers, please
    message.set_content(mail.text)
    try:
        with _connected(settings.smtp_url) as server:
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({code for code, _text in error.recipients.values()})
        raise NotSent(f"The mail server refuses the recipient ({', '.join(map(str, codes))}).") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"The mail server answered {error.smtp_code} ({type(error).__name__}).") from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise NotSent(f"The mail server of MERCHANT_SMTP_URL cannot be used: {type(error).__name__}.") from None


def _connected(url: str) -> Any:
    """A connection to the mail server, encrypted unless it is this machine.

    Raises OSError, SMTPException, ValueError.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("MERCHANT_SMTP_URL is no smtp:// or smtps:// address")
    port, encrypted = parts.port or _PORTS[parts.scheme], ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(parts.hostname, port, timeout=_TIMEOUT_S, context=encrypted)
    else:
        server = smtplib.SMTP(parts.hostname, port, timeout=_TIMEOUT_S)
    try:
        if parts.scheme == "smtp" and not _is_loopback(parts.hostname):
            server.starttls(context=encrypted)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def prune(tx: Tx, limit: int) -> int:
    """Forget kept mails; the number forgotten, at most `limit`."""
    return await forget(tx, "outgoing_mail", "id", "created_at", clock.now() - _KEPT, limit)
