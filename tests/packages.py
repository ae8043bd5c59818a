"""What the service and each library declare in their pyproject.toml, and what an installation holds by its metadata."""

import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT

LIBRARIES = ("kyb", "qr", "ussd")
OURS = {"merchant", *LIBRARIES, "tests"}


@cache
def pyproject(library: str = "") -> dict[str, Any]:
    """The file of the service or of a library, read."""
    return tomllib.loads((ROOT / library / "pyproject.toml").read_text())


def extras(library: str = "") -> list[str]:
    """The names of the extras of the service or of a library."""
    return [*pyproject(library)["project"].get("optional-dependencies", {})]


def declared(library: str = "", *, extra: str | None = None, group: str | None = None) -> list[Requirement]:
    """The requirements of the service or of a library themselves, of an extra, or of a group."""
    if group is not None:
        lines = pyproject(library)["dependency-groups"][group]
    elif extra is not None:
        lines = pyproject(library)["project"]["optional-dependencies"][extra]
    else:
        lines = pyproject(library)["project"]["dependencies"]
    return [Requirement(line) for line in lines]


def installed_with(requirements: list[Requirement]) -> set[str]:
    """The names of all packages that these requirements bring here, themselves and theirs."""
    found: set[tuple[str, str]] = set()
    left = [(canonicalize_name(each.name), extra) for each in requirements for extra in ("", *each.extras)]
    while left:
        name, extra = left.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:  # for another platform or Python
            continue
        for each in map(Requirement, lines):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                left += [(canonicalize_name(each.name), one) for one in ("", *each.extras)]
    return {name for name, _ in found}


@cache
def packages_of_modules() -> dict[str, set[str]]:
    """The packages that hold each top-level module installed here."""
    return {
        module: {canonicalize_name(name) for name in names}
        for module, names in packages_distributions().items()
        if module not in OURS | sys.stdlib_module_names
    }
