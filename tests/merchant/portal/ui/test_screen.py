"""What a screen knows of the request: the page of ours that a press came from."""

from typing import Any

import pytest
from litestar.testing import RequestFactory

from merchant.portal.ui.screen import View


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("https://us.example/payments", "/payments"),
        ("https://us.example//evil.example", "/here"),
        ("https://us.example/\\evil.example", "/here"),
        ("https://evil.example/payments", "/here"),
        ("https://us.example", "/here"),
        ("", "/here"),
    ],
)
def test_a_press_leads_back_to_a_page_of_ours_only(referer: str, back: str) -> None:
    headers = {"host": "us.example", "referer": referer}
    nothing: Any = None
    assert (
        View(RequestFactory().get("/x", query_params={"lang": "en"}, headers=headers), nothing, nothing).back("/here")
        == back
    )
