"""Ask a register that speaks as GLEIF's API does (JSON:API) for one LEI.

The address is the operator's own (MERCHANT_LEI_URL), not a tenant's, so it may be a mirror in a private network; it is
https but for this machine, redirects are not followed, and the answer is bounded. Anything but a record or a plain "no
such record" is "unavailable", never a verdict.
"""

from typing import Final

import aiohttp
import msgspec

import kyb

TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)
MAX_ANSWER_BYTES: Final = 256 << 10  # a record with all its names and addresses has 3 to 20 kB
_PART_BYTES = 16 << 10
# Nothing is unpacked that could be larger than it looks.
_HEADERS = {"accept": "application/vnd.api+json", "accept-encoding": "identity"}
_NO_SUCH_RECORD = 404


class RegisterUnavailable(Exception):
    """The register gave no answer that could be used; it is asked again later."""


async def ask_register(http: aiohttp.ClientSession, url: str, lei: str) -> kyb.LeiRecord | None:
    """The register's record of an LEI with right check digits; None where it has none. Raises RegisterUnavailable."""
    try:
        status, body = await _get(http, f"{url.rstrip('/')}/lei-records/{lei}")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise RegisterUnavailable(f"the register did not answer: {type(error).__name__}") from error
    if status == _NO_SUCH_RECORD:
        return None
    if status != 200:
        raise RegisterUnavailable(f"the register answered {status}")
    try:
        record = kyb.read_api_record(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, kyb.BadGoldenCopy) as error:
        raise RegisterUnavailable(f"the register's answer is no record: {type(error).__name__}") from error
    if record.lei != lei:
        raise RegisterUnavailable("the register answered with another LEI")
    return record


async def _get(http: aiohttp.ClientSession, address: str) -> tuple[int, bytes]:
    async with http.get(address, headers=_HEADERS, timeout=TIMEOUT, allow_redirects=False) as response:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise aiohttp.ClientPayloadError("packed")
        body = bytearray()
        async for part in response.content.iter_chunked(_PART_BYTES):
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                raise aiohttp.ClientPayloadError("too large")
        return response.status, bytes(body)
