"""A headless Chromium with JavaScript switched off, driven over the DevTools protocol by the client we have anyway."""

import asyncio
import base64
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_START_S, _ANSWER_S = 30, 20
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


class Tab:
    """One page of the browser. Sizes are CSS pixels."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self.requests: list[str] = []
        self._waiting: list[dict[str, Any]] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools command; its result."""
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "method": method, "params": params})
        while True:
            message = await self._next()
            if message.get("id") == self._last_id:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                result: dict[str, Any] = message["result"]
                return result

    async def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = await asyncio.wait_for(self._socket.receive_json(), _ANSWER_S)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        if message.get("method") == "Page.loadEventFired":
            self._waiting.append(message)
        return message

    async def start(self) -> None:
        """Listen to the page, and switch its JavaScript off."""
        for domain in ("Page", "Network", "DOM"):
            await self.call(f"{domain}.enable")
        await self.call("Emulation.setScriptExecutionDisabled", value=True)

    async def look(self, width: int, height: int = 900, scheme: str = "light") -> None:
        """Show pages in a window of this width, light or dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def open(self, url: str) -> None:
        """Go to an address and wait until all of it is there."""
        self._waiting.clear()
        await self.call("Page.navigate", url=url)
        await self.loaded()

    async def loaded(self) -> None:
        """Wait for the next page that was asked for."""
        while not self._waiting:
            await self._next()
        self._waiting.clear()

    async def find(self, selector: str) -> int:
        """The first element of a CSS selector. Raises LookupError."""
        root = await self.call("DOM.getDocument")
        found = await self.call("DOM.querySelector", nodeId=root["root"]["nodeId"], selector=selector)
        if not found["nodeId"]:
            raise LookupError(selector)
        return int(found["nodeId"])

    async def html(self, selector: str = "html") -> str:
        """An element as HTML."""
        return str((await self.call("DOM.getOuterHTML", nodeId=await self.find(selector)))["outerHTML"])

    async def type(self, selector: str, text: str) -> None:
        """Replace a field's text, as a person at a keyboard would."""
        await self.call("DOM.focus", nodeId=await self.find(selector))
        await self.call("Input.dispatchKeyEvent", type="keyDown", key="a", modifiers=2, commands=["selectAll"])
        await self.call("Input.insertText", text=text)

    async def press_enter(self) -> None:
        """Send the form of the focused field, and wait for the page that follows."""
        self._waiting.clear()
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
            )
        await self.loaded()

    async def widths(self) -> tuple[float, float]:
        """The width of the page's content, and of the window it is seen through."""
        metrics = await self.call("Page.getLayoutMetrics")
        return metrics["cssContentSize"]["width"], metrics["cssLayoutViewport"]["clientWidth"]

    async def picture(self, *, whole: bool = True) -> bytes:
        """What the page looks like, as PNG."""
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def browsing() -> AsyncIterator[Tab]:
    """A browser with one tab, closed at the end."""
    assert BINARY, "there is no Chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            BINARY,
            *_FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            port = await asyncio.wait_for(_port(process), _START_S)
            async with aiohttp.ClientSession() as http:
                async with http.get(f"http://127.0.0.1:{port}/json") as response:
                    targets = await response.json()
                url = next(one["webSocketDebuggerUrl"] for one in targets if one["type"] == "page")
                async with http.ws_connect(url, max_msg_size=0) as socket:
                    tab = Tab(socket)
                    await tab.start()
                    yield tab
        finally:
            process.terminate()
            await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stderr is not None
    async for line in process.stderr:
        if b"DevTools listening on ws://" in line:
            return int(line.rsplit(b":", 1)[1].split(b"/")[0])
    raise RuntimeError("Chromium ended before it listened")
