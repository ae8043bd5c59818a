"""The built guide: every link leads somewhere, every page is light and found, and nothing comes from elsewhere."""

import gzip
import logging
import re
import shutil
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from merchant.portal import guide as served
from tests.docs import guide
from tests.docs.conftest import Seen, read
from tests.rules.source_rules import ROOT

PAGE_BYTES_MAX = 20_000  # as they travel, before pictures
SHEET_BYTES_MAX = 5_000
BASE = "http://guide/"


def test_every_page_of_docs_is_in_the_guide(pages: dict[str, Seen]) -> None:
    written = [path for path in (ROOT / "docs").rglob("*.md") if "theme" not in path.parts]
    assert len(written) <= len(pages)
    assert {"index.html", "how-to/recovery.html", "reference/contract.html", "decisions/index.html"} <= pages.keys()
    for section in ("tutorial", "how-to", "systems", "reference", "explanation", "decisions"):
        assert f"{section}/index.html" in pages


def test_every_link_and_anchor_within_the_guide_leads_somewhere(site: Path, pages: dict[str, Seen]) -> None:
    dead = []
    for name, page in pages.items():
        for link in [*page.links, *page.loaded]:
            target = urlsplit(urljoin(BASE + name, link))
            if target.netloc != "guide" or link.startswith("/"):
                continue  # elsewhere, or a page of the service: test_served.py asks it
            wanted = target.path.lstrip("/")
            if not (site / wanted).is_file() or (target.fragment and target.fragment not in pages[wanted].ids):
                dead.append((name, link))
    assert dead == []


def test_every_page_is_reached_from_the_front_page(pages: dict[str, Seen]) -> None:
    found, todo = set[str](), ["index.html"]
    while todo:
        name = todo.pop()
        found.add(name)
        links = {urlsplit(urljoin(BASE + name, link)).path.lstrip("/") for link in pages[name].links}
        todo += [link for link in links if link in pages and link not in found and link not in todo]
    assert set(pages) - found == set()


def test_every_page_is_in_the_contents_or_listed_by_a_page_that_is(pages: dict[str, Seen]) -> None:
    def named(name: str, links: list[str]) -> set[str]:
        return {urlsplit(urljoin(BASE + name, link)).path.lstrip("/") for link in links}

    contents = named("index.html", pages["index.html"].contents) | {"index.html"}
    listed = contents.union(*(named(one, pages[one].links) for one in contents if one.endswith("index.html")))
    assert set(pages) - listed == set()


def test_no_page_is_heavy(site: Path, pages: dict[str, Seen]) -> None:
    weights = {name: len(gzip.compress((site / name).read_bytes(), 9)) for name in pages}
    assert {name: weight for name, weight in weights.items() if weight > PAGE_BYTES_MAX} == {}
    (sheet,) = (site / "assets").glob("*.css")
    assert len(gzip.compress(sheet.read_bytes(), 9)) <= SHEET_BYTES_MAX


def test_pages_hold_no_script_no_inline_style_and_nothing_from_elsewhere(pages: dict[str, Seen]) -> None:
    forbidden = {"script", "style", "iframe", "object", "embed", "form", "base"}
    faults = [(name, tag) for name, page in pages.items() for tag in page.tags if tag in forbidden]
    faults += [(name, attribute) for name, page in pages.items() for attribute in page.inline]
    faults += [(name, url) for name, page in pages.items() for url in page.loaded if urlsplit(url).netloc]
    assert faults == []


def test_pages_name_their_language_have_one_heading_and_a_way_past_the_header(pages: dict[str, Seen]) -> None:
    for name, page in pages.items():
        assert page.root == {"lang": "en", "dir": "ltr"}, name
        assert page.tags.count("h1") == 1, name
        assert page.tags.count("main") == 1, name
        assert page.links[0] == "#main", name
        assert len(page.ids) == len(set(page.ids)), name


def test_no_page_shows_what_is_meant_for_the_tests_or_for_another_reader(pages: dict[str, Seen]) -> None:
    for name, page in pages.items():
        if name != "explanation/contributing.html":  # which tells how they are written
            assert not re.search(r"```|<!--|not run: |needs: demo", page.text), name


def test_pictures_have_a_text(site: Path) -> None:
    for path in site.rglob("*.html"):
        for picture in re.findall(r"<img [^>]+>", path.read_text()):
            assert re.search(r'alt="[^"]{10,}"', picture), (path.name, picture)


def test_the_sheet_knows_dark_and_has_no_left_or_right(site: Path) -> None:
    (sheet,) = (site / "assets").glob("*.css")
    text = (ROOT / "docs" / "theme" / "guide.css").read_text()
    assert "prefers-color-scheme:dark" in sheet.read_text().replace(" ", "")
    assert re.findall(r"(?:margin|padding|border|text-align)-?(?::\s*)?(?:left|right)", text) == []


def test_whatever_the_guide_holds_is_of_a_kind_that_the_service_sends(site: Path) -> None:
    assert {path.suffix.removeprefix(".") for path in site.rglob("*") if path.is_file()} <= set(served.MEDIA)


# --- the builder -----------------------------------------------------------------------------------------------------


def test_two_builds_are_the_same_byte_for_byte(site: Path, tmp_path: Path) -> None:
    guide.build(tmp_path / "guide")
    again = {path.relative_to(tmp_path / "guide"): path for path in (tmp_path / "guide").rglob("*") if path.is_file()}
    assert set(again) == {path.relative_to(site) for path in site.rglob("*") if path.is_file()}
    assert [name for name, path in again.items() if path.read_bytes() != (site / name).read_bytes()] == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the guide is made of."""
    for path in guide.sources():
        copy = tmp_path / "checkout" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return tmp_path / "checkout"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("explanation/planted.md", "See [a](gone.md)."),
        ("explanation/planted.md", "See [a](../contract.md#no-such-heading)."),
        ("explanation/planted.md", "![a picture](../pictures/gone.png)"),
        ("explanation/planted.md", "See [a](nowhere/)."),
        ("planted.md", "A page in no section."),
    ],
)
def test_what_is_wrong_stops_the_build_and_leaves_the_guide_before(
    name: str, words: str, checkout: Path, tmp_path: Path
) -> None:
    page = checkout / "docs" / name
    page.parent.mkdir(exist_ok=True)
    site = tmp_path / "guide"
    site.mkdir()
    (site / "index.html").write_text("the one before")
    page.write_text(f"# Planted\n\n{words}\n")
    with pytest.raises(guide.Unsound, match="planted"):
        guide.build(site, checkout)
    assert (site / "index.html").read_text() == "the one before"
    assert sorted(tmp_path.iterdir()) == [checkout, site]


def test_a_build_leaves_nothing_in_the_package_when_it_is_killed(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a wheel or an installation would take along: looked at in the midst of a build, when MkDocs warns."""
    package, build = tmp_path / "package", tmp_path / "build"
    monkeypatch.setattr(guide, "SITE", package / "guide")
    monkeypatch.setattr(guide, "STAMP", build / "guide.stamp")
    (checkout / "docs" / "explanation" / "planted.md").write_text("# Planted\n\nSee [a](gone.md).\n")
    seen: list[tuple[list[Path], bool]] = []

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno == logging.WARNING:
                seen.append((list(package.iterdir()), any(build.glob(".guide-*"))))

    watch = Watch()
    logging.getLogger("mkdocs").addHandler(watch)
    try:
        with pytest.raises(guide.Unsound):
            guide.build(package / "guide", checkout)
    finally:
        logging.getLogger("mkdocs").removeHandler(watch)
    assert seen
    assert set(map(str, seen)) == {str(([], True))}


def test_only_a_change_makes_the_guide_stale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built: list[int] = []
    monkeypatch.setattr(guide, "build", lambda: built.append((tmp_path / "site").mkdir(exist_ok=True) or 1))
    monkeypatch.setattr(guide, "SITE", tmp_path / "site")
    monkeypatch.setattr(guide, "STAMP", tmp_path / "build" / "stamp")
    source = tmp_path / "a.md"
    source.write_text("# A")
    monkeypatch.setattr(guide, "sources", lambda: iter([source]))
    monkeypatch.setattr(guide, "ROOT", tmp_path)
    guide.build_if_stale()
    guide.build_if_stale()
    assert len(built) == 1
    source.write_text("# AB")
    guide.build_if_stale()
    assert len(built) == 2


def test_a_demo_is_told_of_a_guide_that_cannot_be_built_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(guide, "build_if_stale", fail)
    assert guide.main(["--if-stale"]) == 1
    assert capsys.readouterr().err == "The guide was not built: the disk is full\n"


def test_a_reader_of_pages_sees_what_the_tests_forbid() -> None:
    seen = read('<html lang="en"><p style="a" onclick="b"><script src="https://x/y.js"></script><a href="#z">')
    assert (seen.inline, seen.loaded, seen.links) == (["style", "onclick"], ["https://x/y.js"], ["#z"])
    assert "script" in seen.tags
