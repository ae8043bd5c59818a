"""`make pictures`: the pictures of the README, drawn anew from a running demo into docs/pictures.

Start `make run` first, and let it come to `ready`.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from PIL import Image

from tests import builders
from tests.browser.conftest import CHROMIUM

FOLDER = Path("docs/pictures")
PHONE, DESK, COLOURS = (360, 720), (1180, 860), 128


async def sign_in(page: Any, demo: Mapping[str, Any], email: str) -> None:
    """Sign in as one of the demo's people."""
    account = next(one for one in demo["users"] if one["email"] == email)
    await page.goto("/sign-in")
    await page.fill("#f-email", email)
    await page.fill("#f-password", account["password"])
    await page.press("#f-password", "Enter")
    await page.wait_for_load_state()


async def draw(page: Any, name: str) -> None:
    """Keep what the window shows, in few colours."""
    await page.wait_for_load_state("networkidle")
    path = FOLDER / f"{name}.png"
    await page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)


async def hand_in(page: Any, demo: Mapping[str, Any]) -> str:
    """An application of an invented company, one of whose owners has a name of the sanctions list; its review page."""
    account = next(one for one in demo["users"] if one["email"] == "maker@lakemfi.example")
    signed_in = await page.request.post(
        "/api/v1/sessions", data={"email": account["email"], "password": account["password"]}
    )
    headers = {"authorization": f"Bearer {(await signed_in.json())['access_token']}"}
    document = builders.company(trading_name="Kisiwa Traders", legal_name="Kisiwa Traders Limited")
    document["owners"][0] |= {"given_name": "Dawood Ibrahim", "family_name": "Kaskar", "birth_date": "1955-12-26"}
    headers["idempotency-key"] = str(uuid4())
    made = await (await page.request.post("/api/v1/applications", data=document, headers=headers)).json()
    here = f"/api/v1/applications/{made['id']}"
    await page.request.post(f"{here}/submit", headers=headers)
    while (await (await page.request.get(here, headers=headers)).json())["state"] != "in_review":
        await asyncio.sleep(0.2)
    return f"/applications/{made['id']}/review"


async def draw_all(document: Path) -> None:
    """The review page, the merchant's home, the pay page in Burmese and Arabic, and the demo's wall."""
    from playwright.async_api import async_playwright  # type: ignore[import-not-found,unused-ignore]

    demo = msgspec.json.decode(document.read_bytes())
    named_in_burmese = next(one for one in demo["merchants"] if "ဆေးဆိုင်" in one["trading_name"])
    alias = named_in_burmese["counters"][0]["alias"]
    async with async_playwright() as started:
        browser = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        async def window(size: tuple[int, int]) -> Any:
            context = await browser.new_context(
                base_url=demo["base_url"], viewport={"width": size[0], "height": size[1]}, device_scale_factor=1.5
            )
            return await context.new_page()

        page = await window(PHONE)
        for language in ("my", "ar"):
            await page.goto(f"/q/{alias}?amount=12&lang={language}")
            await draw(page, f"pay-{language}")
        page = await window(PHONE)
        await sign_in(page, demo, "amina@fruits.example")
        await page.goto("/shop")
        await draw(page, "merchant-home")
        page = await window(DESK)
        await page.goto("/demo")
        await draw(page, "demo-wall")
        path = await hand_in(await window(DESK), demo)
        page = await window(DESK)
        await sign_in(page, demo, "checker@lakemfi.example")
        await page.goto(path)
        await draw(page, "review")
        await browser.close()


if __name__ == "__main__":
    found = Path(os.environ.get("MERCHANT_DATA_DIR", ".data")) / "demo.json"
    if not found.exists():
        sys.exit("There is no demo to draw: start one with `make run` first.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    asyncio.run(draw_all(found))
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}\n")
