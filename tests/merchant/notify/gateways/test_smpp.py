"""SMPP as an SMSC sees it: bound, submitted, answered or not, cut off; and what the sender is told each time."""

import asyncio
import logging
import socket
import ssl
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from smpplib import exceptions

from merchant.notify.gateways import smpp, smpp_line
from merchant.notify.gateways.outcomes import NotSent, Refused, Taken
from tests import simulated_smsc as simulator
from tests.merchant.notify.gateways.conftest import Opening
from tests.simulated_smsc import CUT, SILENT, THROTTLED, Smsc, unit

pytestmark = pytest.mark.anyio
PHONE = "+254711555001"
SHORT = {"sms_timeout_s": 0.4}
LONG = "a" * 200


async def until(is_so: Callable[[], Any], within_s: float = 5.0) -> None:
    """Poll until something is so."""
    ends_at = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < ends_at, "it never came"
        await asyncio.sleep(0.005)


# --- what is submitted -----------------------------------------------------------------------------------------------


async def test_a_message_that_is_taken_was_bound_for_and_submitted_once(smsc: Smsc, opened: Opening) -> None:
    await opened(smsc, sms_sender="GREENBANK").send(uuid4(), PHONE, "Paid: 10.00 KES £")
    assert smsc.binds == [(simulator.BIND_TRANSCEIVER, "registry", "s3cret")]
    [sent] = smsc.submitted
    assert sent.source == (5, 0, "GREENBANK")
    assert sent.destination == (1, 1, "254711555001")
    assert (sent.esm_class, sent.data_coding, sent.message) == (0, 0, b"Paid: 10.00 KES \x01")


@pytest.mark.parametrize(
    ("sender", "told"),
    [("", (0, 0, "")), ("22333", (3, 0, "22333")), ("+254700000001", (1, 1, "254700000001")), ("A B", (5, 0, "A B"))],
)
def test_a_sender_is_a_short_code_a_number_or_a_name(sender: str, told: tuple[int, int, str]) -> None:
    assert smpp_line.address_of(sender) == told


async def test_a_transmitter_is_bound_where_the_account_is_one(smsc: Smsc, opened: Opening) -> None:
    await opened(smsc, sms_bind="transmitter").send(uuid4(), PHONE, "x")
    assert [command for command, _, _ in smsc.binds] == [simulator.BIND_TRANSMITTER]


async def test_what_gsm_7_lacks_goes_as_ucs_2(smsc: Smsc, opened: Opening) -> None:
    await opened(smsc).send(uuid4(), PHONE, "Umelipwa ŋ 😀")
    [sent] = smsc.submitted
    assert (sent.data_coding, sent.message) == (8, "Umelipwa ŋ 😀".encode("utf-16-be"))


@pytest.mark.parametrize(("text", "coding"), [(LONG, 0), ("ŋ" * 100, 8)])
async def test_a_long_message_goes_in_parts_that_belong_together(
    smsc: Smsc, opened: Opening, text: str, coding: int
) -> None:
    message_id = uuid4()
    await opened(smsc).send(message_id, PHONE, text)
    assert [(one.esm_class, one.data_coding) for one in smsc.submitted] == [(0x40, coding)] * 2
    assert [one.message[:6] for one in smsc.submitted] == [
        bytes([5, 0, 3, message_id.bytes[-1], 2, number]) for number in (1, 2)
    ]
    whole = b"".join(one.message[6:] for one in smsc.submitted)
    assert whole == (text.encode("utf-16-be") if coding else text.encode())


async def test_one_session_carries_many_messages_side_by_side_but_no_more_than_its_window(
    smsc: Smsc, opened: Opening
) -> None:
    session = opened(smsc)
    smsc.answers = [SILENT] * smpp_line.WINDOW
    sending = [asyncio.create_task(session.send(uuid4(), PHONE, str(number))) for number in range(25)]
    await until(lambda: len(smsc.submitted) == smpp_line.WINDOW)
    await asyncio.sleep(0.05)
    assert len(smsc.submitted) == smpp_line.WINDOW
    smsc.let_go()
    await asyncio.gather(*sending)
    assert sorted(int(one.message) for one in smsc.submitted) == [*range(25)]
    assert len(smsc.binds) == 1


# --- what an SMSC says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [THROTTLED, simulator.QUEUE_FULL, 0x08, 0x45, 0x64, 0x4FF])
async def test_what_may_pass_is_tried_again(smsc: Smsc, opened: Opening, status: int) -> None:
    session, message_id = opened(smsc), uuid4()
    smsc.answers = [status]
    with pytest.raises(NotSent, match=f"0x{status:02x}"):
        await session.send(message_id, PHONE, "x")
    await session.send(message_id, PHONE, "x")
    assert (len(smsc.submitted), len(smsc.binds)) == (2, 1)


@pytest.mark.parametrize("status", [simulator.INVALID_DESTINATION, 0x01, 0x65, 0x66])
async def test_an_invalid_number_is_refused_for_good_and_the_session_goes_on(
    smsc: Smsc, opened: Opening, status: int
) -> None:
    session = opened(smsc)
    smsc.answers = [status]
    with pytest.raises(Refused) as refused:
        await session.send(uuid4(), PHONE, "x")
    assert str(refused.value) == f"The SMSC refuses the message: 0x{status:02x}."
    await session.send(uuid4(), PHONE, "y")
    assert len(smsc.binds) == 1


async def test_of_a_long_message_only_the_part_that_was_not_taken_is_submitted_again(
    smsc: Smsc, opened: Opening
) -> None:
    session, message_id = opened(smsc), uuid4()
    smsc.answers = [simulator.OK, THROTTLED]
    with pytest.raises(NotSent):
        await session.send(message_id, PHONE, LONG)
    await session.send(message_id, PHONE, LONG)
    assert [one.message[5] for one in smsc.submitted] == [1, 2, 2]


async def test_a_unit_that_it_does_not_understand_is_an_answer_too(smsc: Smsc, opened: Opening) -> None:
    session = opened(smsc)
    smsc.answers = [SILENT]
    sending = asyncio.create_task(session.send(uuid4(), PHONE, "x"))
    await until(lambda: smsc.submitted)
    smsc.say(unit(simulator.RESPONSE, 0x03, smsc.heard[-1][1]))
    with pytest.raises(NotSent, match="0x03"):
        await sending


async def test_receipts_and_questions_of_the_smsc_are_answered_and_answers_to_nothing_passed_over(
    smsc: Smsc, opened: Opening
) -> None:
    session = opened(smsc)
    await session.send(uuid4(), PHONE, "x")
    receipt = b"\0\1\1254711555001\0\1\1SHOP\0\x04\0\0\0\0\0\0\0\0\x02OK"
    smsc.say(unit(simulator.DELIVER, 0, 71, receipt) + unit(simulator.ENQUIRE, 0, 72))
    smsc.say(unit(simulator.SUBMIT | simulator.RESPONSE, 0, 9999, b"id\0"))
    answered = [(simulator.DELIVER | simulator.RESPONSE, 71), (simulator.ENQUIRE | simulator.RESPONSE, 72)]
    await until(lambda: smsc.heard[-2:] == answered)
    await session.send(uuid4(), PHONE, "y")
    assert len(smsc.binds) == 1


# --- connections that end ----------------------------------------------------------------------------------------


async def test_a_connection_that_is_cut_after_the_bind_is_made_anew(smsc: Smsc, opened: Opening) -> None:
    session = opened(smsc)
    await session.send(uuid4(), PHONE, "x")
    smsc.lines[-1].transport.abort()
    await until(lambda: session._thread is None)
    await session.send(uuid4(), PHONE, "y")
    assert [one.message for one in smsc.submitted] == [b"x", b"y"]
    assert len(smsc.binds) == 2


async def test_cut_off_instead_of_a_bind_nothing_was_submitted_and_nothing_says_twice(
    smsc: Smsc, opened: Opening
) -> None:
    smsc.on_bind = CUT
    with pytest.raises(NotSent, match="cannot be reached") as told:
        await opened(smsc).send(uuid4(), PHONE, "x")
    assert "twice" not in str(told.value)
    assert smsc.submitted == []


async def test_cut_off_after_the_submission_nobody_knows_and_it_is_said(smsc: Smsc, opened: Opening) -> None:
    session, message_id = opened(smsc), uuid4()
    smsc.answers = [CUT]
    with pytest.raises(NotSent, match="may arrive twice"):
        await session.send(message_id, PHONE, "x")
    await session.send(message_id, PHONE, "x")
    assert (len(smsc.submitted), len(smsc.binds)) == (2, 2)


async def test_an_smsc_that_unbinds_is_answered_and_bound_anew(smsc: Smsc, opened: Opening) -> None:
    session = opened(smsc)
    await session.send(uuid4(), PHONE, "x")
    smsc.say(unit(simulator.UNBIND, 0, 5))
    await until(lambda: smsc.heard[-1] == (simulator.UNBIND | simulator.RESPONSE, 5))
    await until(lambda: session._thread is None)
    await session.send(uuid4(), PHONE, "y")
    assert len(smsc.binds) == 2


async def test_nobody_listens(opened: Opening) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        session = opened(sms_url=f"smpp://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(NotSent, match="ConnectionRefusedError"):
            await session.send(uuid4(), PHONE, "x")


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">4I", 0xFFFF_FFFF, 4, 0, 1),
        struct.pack(">4I", 3, 4, 0, 1),
        unit(0x7777, 0, 1),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["endless", "shorter than a header", "unknown command", "another protocol"],
)
async def test_what_is_no_smpp_ends_the_connection_and_nothing_more(smsc: Smsc, opened: Opening, raw: bytes) -> None:
    session = opened(smsc)
    smsc.answers = [SILENT]
    sending = asyncio.create_task(session.send(uuid4(), PHONE, "x"))
    await until(lambda: smsc.submitted)
    smsc.say(raw)
    with pytest.raises(NotSent, match="ended the connection"):
        await sending
    await session.send(uuid4(), PHONE, "y")


def test_silence_is_no_fault_and_half_a_unit_is() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = smpp_line._Wire("127.0.0.1", 1, allow_unknown_opt_params=True)
        ours.settimeout(0.05)
        wire._socket = ours
        with pytest.raises(smpp_line.Quiet):
            wire.read_pdu()
        whole = unit(simulator.ENQUIRE, 0, 7)
        theirs.sendall(whole)
        assert wire.read_pdu().sequence == 7
        theirs.sendall(whole[:9])
        with pytest.raises(exceptions.ConnectionError, match="half a unit"):
            wire.read_pdu()
        wire._socket = None


# --- deadlines ---------------------------------------------------------------------------------------------------


async def test_without_an_answer_the_sender_is_told_at_its_deadline(smsc: Smsc, opened: Opening) -> None:
    smsc.answers = [SILENT]
    with pytest.raises(NotSent, match="no answer in time; the message may arrive twice"):
        await opened(smsc, **SHORT).send(uuid4(), PHONE, "x")


async def test_an_answer_after_the_deadline_spares_the_second_submission(smsc: Smsc, opened: Opening) -> None:
    session, message_id = opened(smsc, **SHORT), uuid4()
    smsc.answers = [SILENT]
    with pytest.raises(NotSent):
        await session.send(message_id, PHONE, "x")
    smsc.let_go()
    await until(lambda: session._taken.parts(message_id))
    await session.send(message_id, PHONE, "x")
    assert len(smsc.submitted) == 1


async def test_a_retry_waits_for_the_answer_to_the_first_submission(smsc: Smsc, opened: Opening) -> None:
    session, message_id = opened(smsc, sms_timeout_s=1.5), uuid4()
    smsc.answers = [SILENT]
    with pytest.raises(NotSent):
        await session.send(message_id, PHONE, "x")
    retry = asyncio.create_task(session.send(message_id, PHONE, "x"))
    await session.send(uuid4(), PHONE, "behind it")
    smsc.let_go()
    await retry
    assert [one.message for one in smsc.submitted] == [b"x", b"behind it"]


@pytest.mark.parametrize("text", ["x", LONG])
async def test_of_one_message_handed_over_many_times_at_once_each_part_is_submitted_once(
    smsc: Smsc, opened: Opening, text: str
) -> None:
    session, message_id = opened(smsc), uuid4()
    await asyncio.gather(*(session.send(message_id, PHONE, text) for _ in range(20)))
    assert len(smsc.submitted) == (1 if text == "x" else 2)


async def test_a_silent_smsc_is_left_and_bound_anew(smsc: Smsc, opened: Opening) -> None:
    session = opened(smsc, **SHORT)
    smsc.answers = [SILENT]
    with pytest.raises(NotSent):
        await session.send(uuid4(), PHONE, "x")
    await until(lambda: session._thread is None)
    await session.send(uuid4(), PHONE, "y")
    assert len(smsc.binds) == 2


async def test_what_waits_behind_a_full_window_until_its_deadline_is_never_submitted(
    smsc: Smsc, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_line, "WINDOW", 1)
    session = opened(smsc, **SHORT)
    smsc.answers = [SILENT]
    told = await asyncio.gather(
        *(session.send(uuid4(), PHONE, text) for text in ("first", "second")), return_exceptions=True
    )
    assert [str(one) for one in told] == [
        "The SMSC gave no answer in time; the message may arrive twice.",
        "The message was not handed to the SMSC in time.",
    ]
    smsc.let_go()
    await session.send(uuid4(), PHONE, "third")
    assert [one.message for one in smsc.submitted] == [b"first", b"third"]


async def test_more_than_the_queue_holds_is_turned_away_at_once(
    smsc: Smsc, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp, "QUEUE_MAX", 2)
    monkeypatch.setattr(smpp_line, "WINDOW", 1)
    session = opened(smsc)
    smsc.answers = [SILENT]
    first = asyncio.create_task(session.send(uuid4(), PHONE, "0"))
    await until(lambda: smsc.submitted)
    waiting = [asyncio.create_task(session.send(uuid4(), PHONE, str(number))) for number in (1, 2)]
    await asyncio.sleep(0)
    await until(session._queue.full)
    with pytest.raises(NotSent, match="Too many"):
        await session.send(uuid4(), PHONE, "3")
    smsc.let_go()
    await asyncio.gather(first, *waiting)


async def test_a_silent_line_is_asked_whether_anybody_is_there_and_left_when_not(
    smsc: Smsc, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_line, "ENQUIRE_S", 0.1)
    session = opened(smsc, **SHORT)
    await session.send(uuid4(), PHONE, "x")
    await until(lambda: [command for command, _ in smsc.heard].count(simulator.ENQUIRE) >= 2)
    assert session._thread is not None
    monkeypatch.setattr(smsc, "_take", lambda *_: None)
    await until(lambda: session._thread is None)


async def test_after_a_long_quiet_the_session_is_unbound_and_the_thread_ends(
    smsc: Smsc, opened: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_line, "IDLE_S", 0.1)
    session = opened(smsc)
    await session.send(uuid4(), PHONE, "x")
    await until(lambda: session._thread is None)
    assert smsc.heard[-1][0] == simulator.UNBIND


# --- binds that are refused ----------------------------------------------------------------------------------------


async def test_a_wrong_password_is_told_by_its_code_and_not_tried_again_at_once(smsc: Smsc, opened: Opening) -> None:
    session = opened(smsc, sms_secret="wrong")
    for _ in range(3):
        with pytest.raises(NotSent) as told:
            await session.send(uuid4(), PHONE, "x")
        assert str(told.value) == "The SMSC refuses to bind us: 0x0e."
    assert len(smsc.binds) == 1
    assert smsc.submitted == []


async def test_a_password_that_smpp_would_cut_is_not_sent(smsc: Smsc, opened: Opening, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("longer-than-eight\n")
    with pytest.raises(NotSent, match="longer than 8"):
        await opened(smsc, sms_secret_file=str(path)).send(uuid4(), PHONE, "x")
    path.write_text("s3cret\n")
    await opened(smsc, sms_secret="", sms_secret_file=str(path)).send(uuid4(), PHONE, "x")
    assert [password for _, _, password in smsc.binds] == ["s3cret"]


async def test_a_message_too_long_for_a_phone_is_refused_before_anybody_is_asked(smsc: Smsc, opened: Opening) -> None:
    with pytest.raises(Refused, match="too long"):
        await opened(smsc).send(uuid4(), PHONE, "a" * 2000)
    assert smsc.binds == []


# --- TLS ------------------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a self-signed certificate for a name, and the file that makes a client believe it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    names = [x509.IPAddress(ip_address(name))]
    signed = made.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
    path = folder / "smsc.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, path


async def test_over_tls_a_certificate_that_is_believed_is_enough(
    opened: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, path = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with simulator.listening(context) as smsc:
        session = opened(sms_url=f"smpps://127.0.0.1:{smsc.port}")
        await asyncio.gather(*(session.send(uuid4(), PHONE, str(number)) for number in range(12)))
        assert len(smsc.submitted) == 12


@pytest.mark.parametrize("name", ["127.0.0.1", "127.0.0.2"], ids=["nobody vouches", "another name"])
async def test_over_tls_a_stranger_is_not_given_the_password(
    opened: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    context, path = certificate(tmp_path, name)
    if name == "127.0.0.2":
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with simulator.listening(context) as smsc:
        with pytest.raises(NotSent, match="SSLCertVerificationError"):
            await opened(sms_url=f"smpps://127.0.0.1:{smsc.port}").send(uuid4(), PHONE, "x")
        assert (smsc.binds, smsc.heard) == ([], [])


async def test_an_smsc_that_refuses_tls_is_not_spoken_to_in_clear(smsc: Smsc, opened: Opening) -> None:
    with pytest.raises(NotSent, match="cannot be reached"):
        await opened(sms_url=f"smpps://127.0.0.1:{smsc.port}", sms_timeout_s=2.0).send(uuid4(), PHONE, "x")
    assert smsc.binds == []


# --- what is remembered, and what is not told ---------------------------------------------------------------------


async def test_what_was_taken_is_submitted_by_no_session_of_the_process_again(smsc: Smsc, opened: Opening) -> None:
    taken, message_id = Taken(), uuid4()
    for _ in range(2):
        await opened(smsc, taken).send(message_id, PHONE, "x")
    assert len(smsc.submitted) == 1


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("merchant.notify.gateways.outcomes._REMEMBERED", 2)
    taken = Taken()
    for number in range(3):
        taken.add(UUID(int=number))
    assert [bool(taken.parts(UUID(int=number))) for number in range(3)] == [False, True, True]


async def test_no_log_holds_password_number_or_text_though_everything_is_logged(
    smsc: Smsc, opened: Opening, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    smsc.answers = [THROTTLED]
    with pytest.raises(NotSent) as told:
        await opened(smsc).send(uuid4(), PHONE, "Your code is 123456")
    with pytest.raises(NotSent):
        await opened(smsc, sms_secret="wr0ng").send(uuid4(), PHONE, "Your code is 123456")
    said = "".join(capfd.readouterr()) + caplog.text + str(told.value)
    for secret in ("s3cret", "wr0ng", "254711555001", "123456"):
        assert secret not in said
        assert secret.encode().hex() not in said
