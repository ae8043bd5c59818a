"""What pyproject.toml declares, and what an installation of it holds, as the packages' own metadata tells."""

import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT

OURS = {"merchant", "kyb", "qr", "ussd", "tests"}


@cache
def pyproject() -> dict[str, Any]:
    """The file, read."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def declared(*, extra: str | None = None, group: str | None = None) -> list[Requirement]:
    """The requirements of the service itself, of an extra, or of a group."""
    if group is not None:
        lines = pyproject()["dependency-groups"][group]
    elif extra is not None:
        lines = pyproject()["project"]["optional-dependencies"][extra]
    else:
        lines = pyproject()["project"]["dependencies"]
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
