"""Where the guide is, and whether this installation has one: what leads into it is shown only then."""

from functools import lru_cache
from pathlib import Path

import merchant

ADDRESS = "/docs/guide"
FRONT = "index.html"
# A setting would let whoever sets it show any file: where the guide is is a matter of the package.
FOLDER = Path(merchant.__file__).parent / "guide"


def is_built() -> bool:
    """Whether the guide was there when this process first asked."""
    return _has_front(FOLDER)


@lru_cache(maxsize=4)
def _has_front(folder: Path) -> bool:
    return (folder / FRONT).is_file()


def link_of(code: str) -> dict[str, str]:
    """The header that leads to the page of a problem (RFC 8288); none where there is no such page."""
    return {"link": f'<{ADDRESS}/reference/errors/{code}>; rel="help"'} if is_built() else {}
