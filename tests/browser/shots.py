"""`make shots`: every page of a running demo at three widths, light and dark, as pictures in build/shots.

Start `make run` first; the pictures are for people to look at, and are kept nowhere.
"""

import asyncio
import os
import re
import sys
from pathlib import Path

import msgspec

from merchant.portal.ui.screen import Screen
from tests.browser.conftest import CHROMIUM
from tests.browser.places import screens
from tests.browser.windows import DESK, PHONE, TABLET

FOLDER = Path("build/shots")
ROLES = ("dfsp_maker", "dfsp_checker", "dfsp_admin", "dfsp_auditor", "hub_operator", "merchant_owner")
PUBLIC = ("/", "/sign-in", "/register", "/q", "/demo", "/ussd-phone", "/ui", "/docs")


async def draw(document: Path) -> int:
    """Draw everything that a signed-in person of each role sees; how many pictures."""
    from playwright.async_api import async_playwright  # type: ignore[import-not-found,unused-ignore]

    demo = msgspec.json.decode(document.read_bytes())
    base, count = demo["base_url"], 0
    async with async_playwright() as started:
        browser = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for role in ("", *ROLES):
            account = next((one for one in demo["users"] if role in one["roles"]), None)
            for width in (PHONE, TABLET, DESK):
                for scheme in ("light", "dark"):
                    size = {"width": width, "height": 900}
                    context = await browser.new_context(base_url=base, viewport=size, color_scheme=scheme)
                    page = await context.new_page()
                    if role and account is not None:
                        await page.goto("/sign-in")
                        await page.fill("#f-email", account["email"])
                        await page.fill("#f-password", account["password"])
                        await page.press("#f-password", "Enter")
                        await page.wait_for_load_state()
                    for path in PUBLIC if not role else (one.path for one in screens() if _is_plain(one)):
                        answer = await page.goto(path)
                        if answer is not None and answer.status == 200:
                            name = re.sub(r"\W+", "-", path).strip("-") or "start"
                            await page.screenshot(
                                path=FOLDER / (role or "public") / f"{name}-{width}-{scheme}.png", full_page=True
                            )
                            count += 1
                    await context.close()
        await browser.close()
    return count


def _is_plain(screen: Screen) -> bool:
    return "{" not in screen.path


if __name__ == "__main__":
    found = Path(os.environ.get("MERCHANT_DATA_DIR", ".data")) / "demo.json"
    if not found.exists():
        sys.exit("There is no demo to draw: start one with `make run` first.")
    sys.stdout.write(f"{asyncio.run(draw(found))} pictures in {FOLDER}\n")
