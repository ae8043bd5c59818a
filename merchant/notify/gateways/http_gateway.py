"""Text messages over HTTP: one POST a message, whose fields MERCHANT_SMS_FIELDS names, as JSON or as a form.

The status is the answer; what stands in the body is not read. The message's id goes along as Idempotency-Key, the same
at every try: a gateway that heeds it sends nothing twice, though an answer be lost.
"""

from urllib.parse import urlencode
from uuid import UUID

import aiohttp
import msgspec

from merchant.core.settings import Settings
from merchant.notify.gateways.outcomes import NotSent, Refused, read_secret


async def send(settings: Settings, http: aiohttp.ClientSession, message_id: UUID, phone: str, text: str) -> None:
    """Hand a message to the gateway. Raises Refused, NotSent."""
    headers = {"idempotency-key": str(message_id), "content-type": _TYPES[settings.sms_format]}
    if secret := await read_secret(settings):
        headers[settings.sms_header] = secret
    fields = fields_of(settings, message_id, phone, text)
    body = msgspec.json.encode(fields) if settings.sms_format == "json" else urlencode(fields).encode()
    timeout = aiohttp.ClientTimeout(total=settings.sms_timeout_s)
    try:
        # A redirect would take the number and the secret to a place that nobody has set.
        async with http.post(
            settings.sms_url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NotSent(f"The SMS gateway gave no answer: {type(error).__name__}.") from None
    if status in _statuses(settings.sms_taken):
        return
    if status in _statuses(settings.sms_refused):
        raise Refused(f"The SMS gateway refuses the message: {status}.")
    raise NotSent(f"The SMS gateway answered {status}.")


def fields_of(settings: Settings, message_id: UUID, phone: str, text: str) -> dict[str, str]:
    """The names and values of one message, each placeholder replaced once: a text may hold what looks like one."""
    given = {"to": phone, "digits": phone.removeprefix("+"), "text": text, "from": settings.sms_sender}
    pairs = (pair.strip().partition("=") for pair in settings.sms_fields.split(","))
    return {name: value.format_map({**given, "id": str(message_id)}) for name, _, value in pairs}


def _statuses(text: str) -> set[int]:
    return {int(one) for one in text.split(",")}


_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
