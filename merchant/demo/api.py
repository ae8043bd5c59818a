"""A thin client of our own JSON API: the demo does everything through the same door as everyone else.

world.py, onboarding.py and payments.py call it and get decoded JSON; a problem of the API ends the demo with its
sentence.
"""

import asyncio
import uuid
from typing import Any, Self

import aiohttp
import msgspec

TRIES = 5


class ApiProblem(RuntimeError):
    """The API answered with a problem; the message is its sentence."""


class Api:
    """Calls on behalf of one person (Bearer) or machine (x-api-key)."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, headers: dict[str, str]) -> None:
        self._http = http
        self._base_url = base_url
        self._headers = headers

    @classmethod
    async def sign_in(cls, http: aiohttp.ClientSession, base_url: str, email: str, password: str) -> Self:
        """As a person."""
        session = await cls(http, base_url, {}).post("/api/v1/sessions", {"email": email, "password": password})
        return cls(http, base_url, {"authorization": f"Bearer {session['access_token']}"})

    async def get(self, path: str) -> Any:
        """GET; the decoded answer."""
        return await self._call("GET", path, None, {})

    async def post(self, path: str, body: Any = None) -> Any:
        """POST with a fresh Idempotency-Key, which routes that create demand and others ignore."""
        return await self._call("POST", path, {} if body is None else body, {"idempotency-key": str(uuid.uuid4())})

    async def patch(self, path: str, body: Any, version: int) -> Any:
        """PATCH of the version that was read; the decoded answer."""
        return await self._call("PATCH", path, body, {"if-match": f'"{version}"'})

    async def text(self, path: str) -> str:
        """GET; the answer as text."""
        async with self._http.get(self._base_url + path, headers=self._headers) as response:
            text = await response.text()
            if response.status >= 400:
                raise ApiProblem(f"GET {path}: {response.status} {text[:500]}")
            return text

    async def _call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        data = None if body is None else msgspec.json.encode(body)
        all_headers = {**self._headers, **headers} | ({"content-type": "application/json"} if data else {})
        for tries_left in reversed(range(TRIES)):
            async with self._http.request(method, self._base_url + path, data=data, headers=all_headers) as response:
                raw = await response.read()
            # A burst finds the service busy now and then; it says when to come again.
            if response.status != 503 or not tries_left:
                break
            await asyncio.sleep(float(response.headers.get("retry-after", 1)))
        if response.status >= 400:
            raise ApiProblem(f"{method} {path}: {response.status} {raw[:500].decode(errors='replace')}")
        return msgspec.json.decode(raw) if raw else None
