"""A simulator of storage that speaks S3: PUT, GET and DELETE of objects, signed by a key; no buckets, no lists."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

KEY, SECRET = "storage-key", "storage-secret"
_SIGNED = re.compile(
    rf"AWS4-HMAC-SHA256 Credential={KEY}/\d{{8}}/[a-z0-9-]+/s3/aws4_request, .*Signature=[0-9a-f]{{64}}"
)


class Bucket:
    """The objects by their paths; `status` is answered instead of doing anything."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.status: int | None = None
        self.url = ""
        self.asked = asyncio.Event()
        self.goes_on = asyncio.Event()  # a call waits until it is set
        self.goes_on.set()

    async def answer(self, request: web.Request) -> web.Response:
        """One call."""
        self.calls.append(request.method)
        self.asked.set()
        await self.goes_on.wait()
        if self.status is not None:
            return web.Response(status=self.status)
        if not _SIGNED.fullmatch(request.headers.get("authorization", "")):
            return web.Response(status=403)
        if request.method == "PUT":
            self.objects[request.path] = await request.read()
            return web.Response(headers={"etag": '"1"'})
        if request.method == "DELETE":
            self.objects.pop(request.path, None)
            return web.Response(status=204)
        if request.path not in self.objects:
            return web.Response(status=404)
        headers = {"etag": '"1"', "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        return web.Response(body=self.objects[request.path], headers=headers)


@asynccontextmanager
async def running_storage() -> AsyncIterator[Bucket]:
    """Storage on a port of its own."""
    bucket = Bucket()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", bucket.answer)
    async with TestServer(app) as server:
        bucket.url = str(server.make_url("")).rstrip("/")
        yield bucket
