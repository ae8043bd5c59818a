"""A browser without JavaScript, as tests use it: it keeps cookies and sends forms as they stand on the page."""

import html
import re
from typing import Any

import httpx

from tests.builders import Person
from tests.merchant.portal.shops import words_of

_FIELD = re.compile(r"<(?:input|textarea|select|button)\b[^>]*\bname=\"([^\"]+)\"[^>]*>", re.DOTALL)
_ATTRIBUTE = re.compile(r"([a-z-]+)=\"([^\"]*)\"")


class Browser:
    """One person's browser: `open` a path, `send` the form of the page that is open."""

    def __init__(self, client: httpx.AsyncClient, person: Person | None = None) -> None:
        self._client = client
        self.cookies = {"session": person.token} if person else {}
        self.page: httpx.Response

    @property
    def words(self) -> str:
        """What the page says."""
        return words_of(self.page)

    @property
    def status(self) -> int:
        """The page's status."""
        return self.page.status_code

    async def open(self, path: str, **query: str) -> httpx.Response:
        """Go to a page, and on where it leads."""
        return await self._go("GET", path, params=query or None)

    async def send(self, action: str, **typed: str) -> httpx.Response:
        """Send the form with this action, its fields as they stand but for those typed; `__` in a name is a dot."""
        fields = self.fields(action) | {name.replace("__", "."): text for name, text in typed.items()}
        return await self._go("POST", action, data=fields)

    async def send_as_it_was(self, action: str, fields: dict[str, str]) -> httpx.Response:
        """Send fields that were read before, as a reload or the way back does."""
        return await self._go("POST", action, data=fields)

    def fields(self, action: str) -> dict[str, str]:
        """What the form with this action would send as it stands: hidden and filled fields, chosen options."""
        form = re.search(
            rf"<form[^>]*method=\"post\"[^>]*action=\"{re.escape(html.escape(action))}\"[^>]*>(.*?)</form>",
            self.page.text,
            re.DOTALL,
        ) or re.search(r"<form method=\"post\" class=\"card\">(.*?)</form>", self.page.text, re.DOTALL)
        assert form is not None, f"there is no form {action} on {self.page.url}"
        found: dict[str, str] = {}
        for tag in _FIELD.finditer(form[1]):
            attributes = dict(_ATTRIBUTE.findall(tag[0]))
            if attributes.get("type") in ("checkbox", "radio") and " checked" not in tag[0]:
                continue
            found[html.unescape(tag[1])] = html.unescape(attributes.get("value", ""))
        for select in re.finditer(r"<select[^>]*name=\"([^\"]+)\"[^>]*>(.*?)</select>", form[1], re.DOTALL):
            chosen = re.search(r"value=\"([^\"]*)\" selected", select[2]) or re.search(r"value=\"([^\"]*)\"", select[2])
            found[select[1]] = html.unescape(chosen[1]) if chosen else ""
        for area in re.finditer(r"<textarea[^>]*name=\"([^\"]+)\"[^>]*>(.*?)</textarea>", form[1], re.DOTALL):
            found[area[1]] = html.unescape(area[2])
        return found

    async def _go(self, method: str, path: str, **what: Any) -> httpx.Response:
        for _hop in range(5):
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            self.page = await self._client.request(method, path, headers=headers, **what)
            for raw in self.page.headers.get_list("set-cookie"):
                name, _, value = raw.partition(";")[0].partition("=")
                self.cookies[name] = value.strip('"')
            if self.page.status_code != 303:
                break
            method, path, what = "GET", self.page.headers["location"], {}
        return self.page
