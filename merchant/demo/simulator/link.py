"""Sends every message of the simulator, and waits for the callbacks that answer.

Peers may be down, slow or killed in between: callbacks are sent until taken, questions are asked again
with the same id and the same body, as FSPIOP section 3.2.5 asks of a client without an answer.
"""

import asyncio
from typing import TypeVar

import structlog

from merchant.demo.simulator.simulation import Simulation, Topic
from merchant.hub.fspiop import client
from merchant.hub.fspiop.client import OutgoingMessage, SendResult
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import WireBody
from merchant.hub.port import HubUnreachable

Answer = TypeVar("Answer", bound=WireBody)

_log = structlog.get_logger()


class NoAnswer(Exception):
    """The peer was asked as often as allowed and never answered."""


async def deliver(sim: Simulation, message: OutgoingMessage, copies: int = 1) -> bool:
    """Send a callback until the peer takes or refuses it; False when it was refused or never taken."""
    result = await _send_until_answered(sim, message, copies)
    return result is not None and result.is_accepted


async def ask(
    sim: Simulation, message: OutgoingMessage, topic: Topic, answer_type: type[Answer], copies: int = 1
) -> Answer:
    """Send a request and wait for its callback, asking again with the same message when none comes.

    Raises FspiopError with the peer's code when it refuses, at once or by its /error callback; NoAnswer.
    """
    future: asyncio.Future[WireBody] = asyncio.get_running_loop().create_future()
    # Several customers may look the same merchant up at once; one answer serves them all.
    waiting = sim.waiting.setdefault(topic, [])
    waiting.append(future)
    try:
        for _ in range(sim.config.timings.asks_max):
            result = await _send_until_answered(sim, message, copies)
            if result is None:
                break
            if not result.is_accepted:
                raise FspiopError(result.error_code or "3000", result.error_description or f"HTTP {result.status}")
            await asyncio.wait([future], timeout=sim.config.timings.answer_wait_s)
            if future.done():
                answer = future.result()
                assert isinstance(answer, answer_type), f"{topic} was answered by {type(answer).__name__}"
                return answer
    finally:
        waiting.remove(future)
        if not waiting:
            del sim.waiting[topic]
    raise NoAnswer(f"{message.destination} never answered {message.method} {message.resource}")


def resolve(sim: Simulation, topic: Topic, answer: WireBody | FspiopError) -> None:
    """Hand a callback to whoever waits for it; a duplicate, or one that nobody waits for, is ignored."""
    for future in sim.waiting.get(topic, ()):
        if future.done():
            continue
        if isinstance(answer, FspiopError):
            future.set_exception(answer)
        else:
            future.set_result(answer)


async def send_once(sim: Simulation, message: OutgoingMessage) -> SendResult | None:
    """Send to the destination's registered callback URL; None when it could not be reached."""
    fsp = sim.world.fsps.get(message.destination or "")
    if fsp is None:
        return None
    secret = sim.config.gateway_secret
    try:
        result = await client.send(
            sim.http,
            fsp.callback_url,
            message,
            sim.signing_keys[message.source],
            {"x-gateway-secret": secret} if secret else None,
        )
    except HubUnreachable as error:
        _log.info("simulator_peer_unreachable", fsp_id=fsp.fsp_id, reason=str(error))
        return None
    if not result.is_accepted:
        _log.info(
            "simulator_message_refused",
            message=f"{message.method} {message.resource}",
            status=result.status,
            code=result.error_code,
            description=result.error_description,
        )
    return result


async def _send_until_answered(sim: Simulation, message: OutgoingMessage, copies: int) -> SendResult | None:
    """Send, again and again while the peer is down, until it takes or refuses the message; None: never."""
    timings = sim.config.timings
    wait_s = timings.resend_wait_s
    for _ in range(timings.resends_max):
        result = await _send_copies(sim, message, copies)
        if result is not None and result.status < 500:
            return result
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 2, timings.resend_wait_max_s)
    return None


async def _send_copies(sim: Simulation, message: OutgoingMessage, copies: int) -> SendResult | None:
    """Send the same message so often at the same time; the answer that counts is the best one."""
    results = await asyncio.gather(*(send_once(sim, message) for _ in range(copies)))
    answered = [result for result in results if result is not None]
    return min(answered, key=lambda result: result.status, default=None)
