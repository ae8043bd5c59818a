"""Every page of the guide is served by the real application, and so is whatever they say of the service's own pages."""

from pathlib import Path

import httpx
import pytest

from merchant.core.http import guide as served
from tests.docs.conftest import Seen

pytestmark = pytest.mark.anyio


async def test_every_page_and_picture_is_served_and_every_link_to_the_service_answers(
    client: httpx.AsyncClient, site: Path, pages: dict[str, Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "FOLDER", site)
    for path in (path for path in site.rglob("*") if path.is_file()):
        answer = await client.get(f"{served.ADDRESS}/{path.relative_to(site).as_posix()}")
        assert (answer.status_code, answer.content) == (200, path.read_bytes()), path
    for link in sorted({link.partition("#")[0] for page in pages.values() for link in page.links if link[0] == "/"}):
        answer = await client.get(link, follow_redirects=True)
        assert answer.status_code == 200, link
