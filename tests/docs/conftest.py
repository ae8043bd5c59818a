"""The guide, built once for the tests that look at it."""

import fcntl
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec import Struct, field

from tests.docs import guide


class Seen(Struct):
    """What a page of the guide holds that the tests ask for."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    root: dict[str, str] = field(default_factory=dict)
    inline: list[str] = field(default_factory=list)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.seen = seen
        self._nav = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.seen.tags.append(tag)
        if tag == "html":
            self.seen.root = given
        if tag == "nav":
            self._nav += 1
        if "id" in given:
            self.seen.ids.append(given["id"])
        if tag == "a" and "href" in given:
            self.seen.links.append(given["href"])
            if self._nav:
                self.seen.contents.append(given["href"])
        self.seen.loaded += [given[name] for name in ("src", "href") if tag != "a" and name in given]
        self.seen.inline += [name for name in given if name == "style" or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        if tag == "nav":
            self._nav -= 1

    def handle_data(self, data: str) -> None:
        self.seen.text += data


def read(html: str) -> Seen:
    """What a page holds."""
    seen = Seen()
    _Reader(seen).feed(html)
    return seen


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a guide built from what stands here, shared by the processes of the run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "guide"
    with (shared / "guide.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            guide.build(folder)
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, Seen]:
    """Every page by its name below the guide."""
    return {path.relative_to(site).as_posix(): read(path.read_text()) for path in sorted(site.rglob("*.html"))}
