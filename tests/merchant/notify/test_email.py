"""Mails: handed to a real mail server over SMTP, kept for demo and tests, and told to nobody else."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.notify import email as mails
from merchant.notify.email import NotSent
from merchant.people import links
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio
SECRET = "mail-server-password"
NOT_LOOPBACK = "0.0.0.0"  # reaches this machine, but does not say so


class Mailbox:
    """What a mail server took, and what it answers to a recipient."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.users: list[bytes] = []
        self.refuse = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        if isinstance(given, LoginPassword) and given.password == SECRET.encode():
            self.users.append(given.login)
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def port(mailbox: Mailbox) -> AsyncIterator[int]:
    """A mail server of this machine, in this event loop."""
    loop = asyncio.get_running_loop()

    def serve() -> SMTP:
        return SMTP(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False, loop=loop)

    server = await loop.create_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def sending(service: Service, url: str) -> Service:
    """The service with a mail server."""
    settings = msgspec.structs.replace(
        service.settings, mail_kind="smtp", smtp_url=url, mail_from="accounts@hub.example"
    )
    return Service(settings, service.db)


async def queue(service: Service) -> None:
    async with service.db.system() as tx:
        await mails.send(
            tx,
            service,
            to="amina@x.example",
            subject="Your account: ŋ",
            text="See https://x/y\n",
            link="https://x/y",
            dfsp_id=None,
        )


async def last_error(service: Service) -> str:
    async with service.db.system_reads() as tx:
        return str(await tx.fetchval("SELECT last_error FROM outbox WHERE topic = $1", mails.TOPIC))


async def test_a_mail_is_sent_once_the_transaction_is_committed(service: Service, mailbox: Mailbox, port: int) -> None:
    sender = sending(service, f"smtp://registry:{SECRET}@127.0.0.1:{port}")
    with pytest.raises(ZeroDivisionError):
        async with sender.db.system() as tx:
            await mails.send(tx, sender, to="a@x.example", subject="S", text="T", link="L", dfsp_id=None)
            raise ZeroDivisionError
    await queue(sender)
    assert mailbox.taken == []
    await builders.work(sender)
    [mail] = mailbox.taken
    assert (mail["From"], mail["To"], mail["Subject"]) == ("accounts@hub.example", "amina@x.example", "Your account: ŋ")
    assert mail["Message-ID"].endswith("@hub.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().strip() == "See https://x/y"
    assert mailbox.users == [b"registry"]
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 0
        assert await tx.fetchval("SELECT count(*) FROM outgoing_mail") == 0


async def test_a_queued_mail_lies_sealed(service: Service, port: int) -> None:
    await queue(sending(service, f"smtp://127.0.0.1:{port}"))
    async with service.db.system_reads() as tx:
        payload = await tx.fetchval("SELECT payload FROM outbox")
    assert b"amina" not in payload
    assert b"https://x/y" not in payload


async def test_a_refused_mail_is_tried_again_and_names_nobody(service: Service, mailbox: Mailbox, port: int) -> None:
    sender = sending(service, f"smtp://127.0.0.1:{port}")
    mailbox.refuse = "450 amina@x.example is busy"
    await queue(sender)
    await builders.work(sender)
    told = await last_error(service)
    assert told == "NotSent: The mail server refuses the recipient (450)."
    mailbox.refuse = ""
    async with service.db.system() as tx:
        await tx.execute("UPDATE outbox SET run_at = now()")
    await builders.work(sender)
    assert len(mailbox.taken) == 1


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("smtp://registry:wrong@127.0.0.1:{port}", "The mail server answered 535 (SMTPAuthenticationError)."),
        ("smtps://127.0.0.1:{port}", "cannot be used: SSLError"),
        ("smtp://127.0.0.1:1", "cannot be used: ConnectionRefusedError"),
        ("http://127.0.0.1:{port}", "cannot be used: ValueError"),
        ("", "cannot be used: ValueError"),
    ],
)
async def test_a_mail_server_that_cannot_be_used_is_told_without_its_password(
    service: Service, port: int, url: str, told: str
) -> None:
    sender = sending(service, url.format(port=port))
    await queue(sender)
    await builders.work(sender)
    found = await last_error(service)
    assert told in found
    assert "wrong" not in found
    assert "amina" not in found


async def test_nothing_goes_to_another_machine_unencrypted(mailbox: Mailbox, port: int) -> None:
    """A server that offers no STARTTLS; its name is no loopback address, though it is this machine."""
    with pytest.raises(NotSent, match="SMTPNotSupportedError"):
        await asyncio.to_thread(
            mails._submit,
            Settings(mail_kind="smtp", smtp_url=f"smtp://{NOT_LOOPBACK}:{port}"),
            mails.Mail(id=UUID(int=1), to="a@x.example", subject="S", text="T", link="L"),
        )
    assert mailbox.taken == []


async def test_an_invitation_speaks_the_operators_language_and_its_link_works(
    service: Service, world: World, mailbox: Mailbox, port: int
) -> None:
    sender = sending(service, f"smtp://127.0.0.1:{port}")
    await links.request_reset(sender, world.maker.email, "")
    await builders.work(sender)
    [mail] = mailbox.taken
    assert mail["Subject"] == "Set a new password"
    [token] = [line.rpartition("/")[2] for line in mail.get_content().splitlines() if "/account/" in line]
    assert await links.find(service, links.Kind.RESET, token)
