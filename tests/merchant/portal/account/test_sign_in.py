"""Signing in with a browser: what is no passkey, the second step, and where a press leads back to."""

import httpx
import pytest

from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
_DEEP = ["[" * 20_000, "{" * 20_000, "[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "[" * 101]
DEEP = [*_DEEP, "", "x", "[", "1", "null"]


@pytest.mark.parametrize("credential", DEEP, ids=range(len(DEEP)))
async def test_what_is_no_passkey_is_refused_and_never_a_fault_of_ours(
    client: httpx.AsyncClient, world: World, credential: str
) -> None:
    answer = await client.post("/sign-in/passkey", data={"credential": credential})
    assert answer.status_code == 422
    assert "The browser sent no passkey" in answer.text
    browser = Browser(client, world.maker)
    await browser.open("/account/passkeys")
    form = browser.fields("/account/passkeys") | {"credential": credential, "name": "Phone"}
    await browser.send_as_it_was("/account/passkeys/add", form)
    assert browser.status == 422
