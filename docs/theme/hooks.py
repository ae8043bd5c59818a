"""What MkDocs does not do by itself for the guide: sections, pages from elsewhere, links to files that are no pages.

A page belongs to the section of its folder, or of `PLACED`, and to the group that its front matter names (`group`) or,
of a how-to, that of its `order`; it stands there by `order`, then by name. A section or group without a page that lists
it gets one. Links lead from file to file in the repository, as they do there; what is no page of the guide becomes
plain words.
"""

import hashlib
import posixpath
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from merchant.portal.ui import assets  # noqa: E402  the portal's colours and type

# The sections in their order, each with the sentence of its own page, and what its groups are called.
SECTIONS = {
    "tutorial": ("Tutorial", "From nothing to a paid merchant, on your own machine, step by step."),
    "how-to": ("How-to", "One task a page: deploy, operate, recover, integrate, onboard."),
    "systems": (
        "Systems",
        "What stands around a Mojaloop hub: how each works with this service, and the test that shows it.",
    ),
    "reference": ("Reference", "Facts to look up, most of them made from the code."),
    "explanation": ("Explanation", "How it works and why."),
    "decisions": ("Decisions", ""),
}
GROUPS = ("", "Deploy", "Operate", "Recover", "Integrate", "Onboard")
# How-to pages that name no group are in that of their order: 1 to 9 deploy, 10 to 14 operate, and so on.
GROUP_ENDS = (("Deploy", 10), ("Operate", 15), ("Recover", 20), ("Integrate", 30), ("Onboard", 40))
# Files of the repository that are pages elsewhere: where each stands in the guide, its group and its order.
PLACED = {
    "docs/recover.md": ("how-to/recovery.md", "Recover", 50),
    "deploy/on-premises.md": ("how-to/on-premises.md", "Deploy", 60),
    "deploy/azure.md": ("how-to/azure.md", "Deploy", 61),
    "deploy/azure-stack-hub.md": ("how-to/azure-stack-hub.md", "Deploy", 62),
    "deploy/deployment-kit.md": ("how-to/deployment-kit.md", "Deploy", 63),
    "deploy/mini-loop.md": ("how-to/mini-loop.md", "Deploy", 64),
    "deploy/monitoring/operate.md": ("how-to/alerts.md", "Operate", 50),
    "tests/operations/README.md": ("how-to/rehearse.md", "Recover", 51),
    "docs/contract.md": ("reference/contract.md", "", 10),
    "docs/states.md": ("reference/states.md", "", 20),
    "docs/ussd.md": ("reference/ussd.md", "", 21),
    "docs/asvs.md": ("reference/asvs.md", "", 60),
    "GLOSSARY.md": ("reference/glossary.md", "", 70),
    "docs/security.md": ("explanation/security.md", "", 50),
    "docs/compliance.md": ("explanation/compliance.md", "", 51),
    "docs/benchmarks.md": ("explanation/benchmarks.md", "", 52),
    "SECURITY.md": ("explanation/reporting.md", "", 60),
    "CONTRIBUTING.md": ("explanation/contributing.md", "", 61),
    "DECISIONS.md": ("decisions/index.md", "", 0),
}
# Folders below a section whose pages are one group, listed by a page of their own.
FOLDERS = {"reference/errors": "Errors", "reference/events": "Events", "reference/api": "API"}

_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_FENCE = re.compile(r"^\s*(```|~~~)")
_LIST = re.compile(r"^(\s*)(?:[-*]|\d+\.) ")
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^()\s]+)\)")
_NOTE = re.compile(r"^<!-- (?:not run|needs): .*?-->\n?", re.MULTILINE | re.DOTALL)
_ORIGINS: dict[str, str] = {}  # the file in the repository by its page
_PAGES: dict[str, str] = {}  # and the page by the file


class Entry(NamedTuple):
    """A page where it stands: its section, its group, its place among the others."""

    section: str
    group: str
    order: float
    uri: str


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what stands elsewhere, name the sheet by its content, and write the table of contents."""
    for given in list(files):
        if given.src_uri in ("guide.css", "main.html", "hooks.py"):
            files.remove(given)
    for source, (uri, _group, _order) in PLACED.items():
        if source.startswith("docs/"):
            files.remove(files.src_uris[source.removeprefix("docs/")])
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    pages = list(files.documentation_pages())
    _ORIGINS.clear()
    _ORIGINS.update({one.src_uri: f"docs/{one.src_uri}" for one in pages})
    _ORIGINS.update({uri: source for source, (uri, _group, _order) in PLACED.items()})
    _PAGES.clear()
    _PAGES.update({source: uri for uri, source in _ORIGINS.items()})
    config.nav = _contents([_entry(one) for one in pages if one.src_uri != "index.md"], files, config)
    more = (ROOT / "docs" / "theme" / "guide.css").read_text()
    sheet = assets.tighten(assets.style_sheet(["base.css"], more)).encode()
    icon = assets.read_static("icon.svg").encode()
    for kind, name, content in (("sheet", "guide.css", sheet), ("icon", "icon.svg", icon)):
        stem, _, suffix = name.rpartition(".")
        uri = f"assets/{stem}-{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
        config.extra[kind] = uri
        files.append(File.generated(config, uri, content=content))
    return files


def _entry(file: File) -> Entry:
    source = _ORIGINS[file.src_uri]
    section = file.src_uri.split("/")[0]
    if section not in SECTIONS:
        raise ValueError(f"docs/{file.src_uri} is in no section: put it into a folder of one, or into PLACED")
    folder = FOLDERS.get(posixpath.dirname(file.src_uri))
    if source in PLACED:
        return Entry(section, *PLACED[source][1:], file.src_uri)
    front = _FRONT.match((ROOT / source).read_text())
    given: dict[str, Any] = yaml.safe_load(front[1]) if front else {}
    order = 0 if file.src_uri.endswith("/index.md") else float(given.get("order", 40))
    group = folder or str(given.get("group", "")).capitalize()
    if section == "how-to" and not group and order:
        group = next((name for name, end in GROUP_ENDS if order < end), "")
    return Entry(section, group, order, file.src_uri)


def _contents(entries: list[Entry], files: Files, config: MkDocsConfig) -> list[Any]:
    """The table of contents as MkDocs reads it: sections, groups within them, pages."""
    contents: list[Any] = ["index.md"]
    for section, (title, about) in SECTIONS.items():
        mine = sorted(one for one in entries if one.section == section)
        mine.sort(key=lambda one: (one.order, one.uri))
        index = f"{section}/index.md"
        groups = sorted({one.group for one in mine}, key=lambda one: (GROUPS.index(one) if one in GROUPS else 99, one))
        inside: list[Any] = [index]
        for group in groups:
            uris = [one.uri for one in mine if one.group == group and one.uri != index]
            inside += [{group: uris}] if group else uris
        if index not in files.src_uris:
            files.append(File.generated(config, index, content=_index(title, about, inside[1:])))
            _ORIGINS[index] = f"docs/{index}"
        contents.append({title: inside})
    return contents


def _index(title: str, about: str, inside: list[Any]) -> str:
    """A page that lists its section. The titles of the pages are put in by their own headings."""
    lines = [f"# {title}\n", f"{about}\n"]
    for one in inside:
        if isinstance(one, str):
            lines.append(_item(one))
        else:
            ((group, uris),) = one.items()
            lines.append(f"\n## {group}\n")
            lines += [_item(uri) for uri in uris if len(uris) <= 40 or uri.endswith("/index.md")]
    return "\n".join(lines) + "\n"


def _item(uri: str) -> str:
    source = _ORIGINS.get(uri, f"docs/{uri}")
    heading = re.search(r"^# (.+)$", (ROOT / source).read_text(), re.MULTILINE)
    return f"- [{heading[1] if heading else uri}]({uri.partition('/')[2]})"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lists as GitHub reads them, links from page to page, and no notes to the tests."""
    words = _NOTE.sub("", markdown)
    source = _ORIGINS[page.file.src_uri]
    lines: list[str] = []
    fenced = False
    for line in words.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            item = _LIST.match(line)
            if item and lines and lines[-1].strip() and not _LIST.match(lines[-1]) and not lines[-1].startswith(" "):
                lines.append("")  # Python-Markdown begins no list within a paragraph
            if not line.startswith("    "):
                line = _rewritten(line, source, page.file.src_uri)
        lines.append(line)
    return "\n".join(lines) + "\n"


def _rewritten(line: str, source: str, uri: str) -> str:
    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        goes = _target(target, source, uri)
        return words if goes is None else f"[{words}]({goes})"

    def picture(found: re.Match[str]) -> str:
        return f"![{found[1]}]({_target(found[2], source, uri) or found[2]})"

    return _PICTURE.sub(picture, _LINK.sub(link, line))


def _target(target: str, source: str, uri: str) -> str | None:
    """Where a link of the repository leads in the guide; None for a file that is no page of it."""
    if re.match(r"[a-z]+:|/|#", target):
        return target
    path, mark, anchor = target.partition("#")
    wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    there = _PAGES.get(wanted)
    if there is None and wanted.startswith("docs/") and not wanted.endswith(".md"):
        there = wanted.removeprefix("docs/")  # a picture
    if there is None:
        return None if (ROOT / wanted).exists() else target  # what is nowhere is MkDocs's to refuse
    return posixpath.relpath(there, posixpath.dirname(uri) or ".") + mark + anchor


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Wide things scroll by themselves, also from a keyboard."""
    html = html.replace("<pre>", '<pre tabindex="0">')
    return html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
