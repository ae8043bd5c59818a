"""Windows of a browser: who is signed in there, how wide it is, and what is wrong with what it shows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.builders import Person

PHONE, TABLET, DESK = 360, 768, 1280
# A payment is under way while the page looks again: an event in real time, which WCAG 2.2.1 excepts.
_OFF = {"meta-refresh": {"enabled": False}}
# A line of 50 kbit/s with 600 ms there and back: GPRS on a good day.
SLOW = {"offline": False, "latency": 600, "downloadThroughput": 50_000 / 8, "uploadThroughput": 50_000 / 8}


@asynccontextmanager
async def window(
    chromium: Any, base: str, person: Person | None = None, *, width: int = DESK, scripts: bool = True, **more: Any
) -> AsyncIterator[Any]:
    """A page in a context of its own; `page.trouble` gathers what a page should never do."""
    # Without motion: a colour is measured when it has stopped changing.
    more = {"viewport": {"width": width, "height": 900}, "reduced_motion": "reduce", **more}
    context = await chromium.new_context(java_script_enabled=scripts, base_url=base, **more)
    if person is not None:
        cookie = {"name": "session", "value": person.token, "url": base, "httpOnly": True, "sameSite": "Lax"}
        await context.add_cookies([cookie])
    page = await context.new_page()
    trouble: list[str] = []
    page.trouble = trouble
    page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
    page.on("console", lambda said: trouble.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("request", lambda sent: None if sent.url.startswith((base, "data:")) else trouble.append(sent.url))
    try:
        yield page
    finally:
        await context.close()


async def sticks_out(page: Any) -> bool:
    """Whether one must scroll sideways."""
    wide: bool = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide


async def faults(page: Any, *, colours: bool = True) -> list[str]:
    """What axe finds against WCAG 2.2 AA; without measuring colours, which is most of its work."""
    from axe_playwright_python.base import AXE_FILE_PATH  # type: ignore[import-not-found,unused-ignore]

    await page.evaluate(AXE_FILE_PATH.read_text())
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    off = _OFF if colours else {**_OFF, "color-contrast": {"enabled": False}}
    options = {"runOnly": rules, "rules": off, "resultTypes": ["violations"]}
    found = await page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['id']}: {node['html'][:160]} ({node['failureSummary'][:200]})"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]
