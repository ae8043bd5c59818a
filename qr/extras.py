"""The packages that only an extra brings, and the sentence that says so where one is missing.

Codes are read, explained, written and drawn without any of them. pyproject.toml declares the same packages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

DISTRIBUTION = "merchant-qr"
# By extra: the name of each module, and of the package that holds it.
EXTRAS = {
    "pictures": {"PIL": "Pillow", "qrcode": "qrcode"},
    "posters": {"PIL": "Pillow", "uharfbuzz": "uharfbuzz", "zxingcpp": "zxing-cpp"},
    "proof": {"PIL": "Pillow", "pyzbar": "pyzbar", "zxingcpp": "zxing-cpp"},
    "fonts": {"manimgx_fonts": "manimgx-fonts", "justmytype_intl_cjk": "justmytype-intl-cjk"},
    "signatures": {"cryptography": "cryptography"},
}


class MissingExtra(ModuleNotFoundError):
    """A package that only an extra brings is not installed; the message names both and can be shown to people."""


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Around the imports of an extra's packages, which `what` cannot do without.

    Raises MissingExtra where one is missing. The outermost of several has its say: what was asked for needs the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = EXTRAS[extra].get((error.name or "").partition(".")[0])
        if package is None:
            raise
        message = f"{what} cannot do without {package}, which is not installed: install {DISTRIBUTION}[{extra}]"
        raise MissingExtra(message, name=error.name) from None
