"""Builds the guide: `python -m tests.docs.guide` writes merchant/guide, from which the service serves /docs/guide.

With `--if-stale` it builds only where what the guide is made of has changed, and a failure is told in one line and is
nobody's end: `make run` has to start without a guide too.
"""

import hashlib
import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.rules.source_rules import ROOT

SITE = ROOT / "merchant" / "guide"
STAMP = ROOT / "build" / "guide.stamp"
# What MkDocs writes for search engines, with the day of the build in it.
_UNWANTED = ("sitemap.xml", "sitemap.xml.gz", "404.html")


class Unsound(Exception):
    """MkDocs found something to warn of."""


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def build(site: Path = SITE, root: Path = ROOT) -> None:
    """Write the whole guide of a checkout into a folder, which is replaced only by a guide that is whole.

    Raises:
        Unsound: a link leads nowhere, a page is in no section, or the like.
    """
    from mkdocs.commands.build import build as build_site
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    found = _Warnings()
    logging.getLogger("mkdocs").addHandler(found)
    site.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_workshop(site), prefix=".guide-") as work:
        made = Path(work) / "guide"
        try:
            build_site(load_config(str(root / "mkdocs.yml"), site_dir=str(made), strict=False))
        except (MkDocsException, ValueError) as error:
            raise Unsound("\n".join([*found.said, str(error)])) from error
        finally:
            logging.getLogger("mkdocs").removeHandler(found)
        if found.said:
            raise Unsound("\n".join(found.said))
        for name in _UNWANTED:
            (made / name).unlink(missing_ok=True)
        shutil.rmtree(site, ignore_errors=True)
        made.rename(site)


def _workshop(site: Path) -> Path:
    """Where a guide is made: what a killed build of the package's own leaves lies in build/, not in the package."""
    folder = STAMP.parent if site == SITE else site.parent
    folder.mkdir(exist_ok=True)
    return folder


def sources() -> Iterator[Path]:
    """What the guide is made of."""
    yield from (ROOT / name for name in ("mkdocs.yml", "requirements.lock", "merchant/portal/ui/static/base.css"))
    for folder in ("docs", "deploy"):
        yield from (path for path in sorted((ROOT / folder).rglob("*")) if path.is_file() and path.suffix != ".pyc")
    yield from sorted(ROOT.glob("*.md"))
    yield ROOT / "tests" / "operations" / "README.md"


def mark() -> str:
    """What tells one state of the sources from another, in some milliseconds."""
    seen = hashlib.sha256()
    for path in sources():
        state = path.stat()
        seen.update(f"{path.relative_to(ROOT)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def build_if_stale() -> None:
    """Build where something changed since the last time."""
    wanted = mark()
    if SITE.is_dir() and STAMP.exists() and STAMP.read_text() == wanted:
        return
    build()
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(wanted)


def main(arguments: list[str]) -> int:
    """The command."""
    try:
        if "--if-stale" in arguments:
            build_if_stale()
        else:
            STAMP.unlink(missing_ok=True)
            build_if_stale()
    except Unsound as error:
        sys.stderr.write(f"The guide was not built:\n{error}\n")
    except Exception as error:
        if "--if-stale" not in arguments:
            raise
        sys.stderr.write(f"The guide was not built: {error}\n")
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
