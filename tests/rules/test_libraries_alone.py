"""Each library as a wheel of its own, installed where nothing of the service is: its README runs, its extras suffice.

pip builds and installs with the index that it is set up for. Where it reaches none the tests are skipped;
MERCHANT_TEST_INDEX=1, which .ci/run sets, makes that a failure.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

import qr.extras
from tests import packages
from tests.paths import ROOT

pytestmark = pytest.mark.slow

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")
PIP_S, RUN_S = 300, 120
COMPILED = ("__pycache__", "*.pyc")
# In the wheel's metadata, or of no use without the sources.
NOT_IN_THE_PACKAGE = {"pyproject.toml", "README.md", "LICENSE"}
SHOP = """
import io, qr
shop = {"name": "Mama Njeri Shop", "city": "Nairobi", "country": "KE", "currency": "KES", "mcc": "5411"}
code = qr.mojaloop_code(domain="pay.example.org", identifier="52318764", **shop)
payload = qr.encode(code, profile="mojaloop")
"""
LOGO = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001f61738550000"
    "000049454e44ae426082"
)
# What needs an extra, and what proves that it then works.
USES = {
    "pictures": (
        f"assert qr.render_png(payload, qr.Look(logo={LOGO!r})).startswith(b'\\x89PNG')",
        f"assert '<image' in qr.render_svg(payload, qr.Look(logo={LOGO!r}))",
        "assert '█' in qr.render_text(payload)",
    ),
    "posters": (
        "from qr.posters import Design, Poster, poster_pdf\n"
        f"poster = Poster(payload=payload, name='ហាងកាហ្វេ', number='52318764', dfsp_mark={LOGO!r})\n"
        "assert poster_pdf([poster], Design(languages=('km', 'en'), scheme='PayAll')).startswith(b'%PDF')",
    ),
    "proof": (
        "assert qr.prove(payload).sufficient",
        "from qr.render import render\nassert render(payload, 'png', verify=True).margin.sufficient",
    ),
    "signatures": (
        "from datetime import UTC, datetime\n"
        "class Absent: pass\n"
        "try:\n"
        "    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey\n"
        "    key = Ed25519PrivateKey.generate()\n"
        "    public = key.public_key()\n"
        "except ImportError:\n"
        "    key = public = Absent()\n"
        "signed = qr.sign_code(code, key, key_id='k1', guid='org.example.pay')\n"
        "keys = {'k1': qr.VerificationKey(public)}\n"
        "verdict = qr.verify_code(signed, keys, guid='org.example.pay', now=datetime.now(UTC))\n"
        "assert verdict == (qr.Verdict.VALID, 'k1')",
    ),
}


def pip(*words: str | Path) -> str:
    """What pip says when it succeeds."""
    done = subprocess.run([*PIP, *words], capture_output=True, text=True, check=False, timeout=PIP_S)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


class Environment:
    """A virtual environment, and Python in it that sees nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"

    def install(self, wheel: Path, extra: str = "") -> None:
        """Make it, with one wheel and what that needs."""
        venv.create(self.folder, with_pip=False)
        wanted = f"{wheel}[{extra}]" if extra else str(wheel)
        pip("--python", self.python, "install", "-q", "--only-binary", ":all:", wanted)

    def run(self, program: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, whatever that is."""
        command = [str(self.python), "-I", "-c", program]
        return subprocess.run(
            command, cwd=self.folder, env={}, capture_output=True, encoding="utf-8", check=False, timeout=RUN_S
        )

    def done(self, program: str) -> str:
        """What a program that must succeed prints."""
        ended = self.run(program)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def installed(self) -> set[str]:
        """The names of all packages."""
        listed = json.loads(pip("--python", self.python, "list", "--format", "json"))
        return {canonicalize_name(each["name"]) for each in listed}


def once(folder: Path, make: Callable[[], object]) -> None:
    """Fill a folder in one of the processes that run the tests; the others wait for it."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            make()
            (folder / "made").touch()


def build(folder: Path) -> None:
    """Build all wheels, each into a folder of its own, or skip the tests where pip reaches no index."""
    systems = [packages.pyproject(library)["build-system"] for library in packages.LIBRARIES]
    needed = {line for system in systems for line in system["requires"]}
    probe = [*PIP, "download", "-q", "--no-deps", "-d", folder / "probe", *needed]
    reached = subprocess.run(probe, capture_output=True, text=True, check=False, timeout=PIP_S)
    if reached.returncode:
        told = pytest.fail if os.environ.get("MERCHANT_TEST_INDEX") == "1" else pytest.skip
        told(f"pip reaches no package index: {reached.stderr[-500:]}")
    for library in packages.LIBRARIES:
        source = folder / f"source-of-{library}"
        shutil.copytree(ROOT / library, source, ignore=shutil.ignore_patterns(*COMPILED))
        pip("wheel", "-q", "--no-deps", "-w", folder / library, source)


Alone = Callable[[str], Environment]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, the same in all its processes."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def wheels(shared: Path) -> dict[str, Path]:
    """The wheel of each library, made of a copy of its folder alone."""
    folder = shared / "wheels"
    once(folder, lambda: build(folder))
    return {library: next((folder / library).glob("*.whl")) for library in packages.LIBRARIES}


@pytest.fixture(scope="session")
def alone(shared: Path, wheels: dict[str, Path]) -> Alone:
    """Where a library is installed without any extra."""

    def installed(library: str) -> Environment:
        folder = shared / f"alone-{library}"
        environment = Environment(folder / "environment")
        once(folder, lambda: environment.install(wheels[library]))
        return environment

    return installed


@pytest.mark.parametrize("library", packages.LIBRARIES)
def test_the_wheel_holds_the_package_its_licence_and_its_types(wheels: dict[str, Path], library: str) -> None:
    folder = ROOT / library
    sources = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    package = {f"{library}/{name}" for name in sources - NOT_IN_THE_PACKAGE if "__pycache__" not in name}
    archive = zipfile.ZipFile(wheels[library])
    held = set(archive.namelist())
    version = import_module(library).__version__
    metadata = f"merchant_{library}-{version}.dist-info"
    assert {name for name in held if not name.startswith(f"{metadata}/")} == package
    assert f"{library}/py.typed" in package
    assert archive.read(f"{metadata}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    told = archive.read(f"{metadata}/METADATA").decode()
    assert f"\nName: merchant-{library}\nVersion: {version}\n" in told


@pytest.mark.parametrize("library", packages.LIBRARIES)
def test_a_library_is_imported_where_nothing_of_the_service_is(alone: Alone, library: str) -> None:
    environment = alone(library)
    others = sorted({"merchant", "tests", *packages.LIBRARIES} - {library})
    program = f"""
import importlib, importlib.util, pkgutil
import {library}
print({library}.__file__)
print(*[name for name in {others} if importlib.util.find_spec(name)])
for module in pkgutil.walk_packages({library}.__path__, "{library}.", onerror=lambda name: None):
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        print(type(error).__name__, module.name)
"""
    file, others_found, *failed = environment.done(program).splitlines()
    assert Path(file).is_relative_to(environment.folder)
    assert others_found == ""
    assert {line.split()[0] for line in failed} <= {"MissingExtra"}
    assert {".".join(line.split()[1].split(".")[:2]) for line in failed} <= {"qr.posters", "qr.drawing"}


@pytest.mark.parametrize("library", packages.LIBRARIES)
def test_what_is_installed_with_a_library_is_what_it_declares(alone: Alone, library: str) -> None:
    environment = alone(library)
    expected = packages.installed_with(packages.declared(library)) | {f"merchant-{library}"}
    assert environment.installed() == expected


@pytest.mark.parametrize("library", packages.LIBRARIES)
def test_the_examples_of_a_librarys_readme_run(alone: Alone, library: str) -> None:
    examples = examples_of(alone(library), library)
    assert examples
    for example in examples[:1] if library == "qr" else examples:
        alone(library).done(example)


def test_the_later_examples_of_qr_go_on_with_the_first_and_need_the_extra_that_they_are_about(
    alone: Alone, wheels: dict[str, Path], tmp_path: Path
) -> None:
    first, *later = examples_of(alone("qr"), "qr")
    environment = Environment(tmp_path / "environment")
    environment.install(wheels["qr"], "posters")
    assert later and all("qr.posters" in one for one in later)
    environment.done("\n".join([first, *later, "assert pdf.startswith(b'%PDF-')"]))


def examples_of(environment: Environment, library: str) -> list[str]:
    """The Python of the README that was installed with a library."""
    read = f"from importlib.metadata import metadata; print(metadata('merchant-{library}').get_payload())"
    return re.findall(r"```python\n(.*?)```", environment.done(read), re.DOTALL)


def test_every_public_name_of_qr_is_there_without_extras(alone: Alone) -> None:
    alone("qr").done("from qr import *\nimport pydoc, qr\npydoc.render_doc(qr)\nprint(qr.sign_code, MissingExtra)")


@pytest.mark.parametrize(
    ("extra", "use"),
    [pytest.param(extra, use, id=f"{extra}-{place}") for extra, uses in USES.items() for place, use in enumerate(uses)],
)
def test_a_missing_extra_is_a_sentence(alone: Alone, extra: str, use: str) -> None:
    indented = use.replace("\n", "\n    ")
    said = alone("qr").done(f"{SHOP}\ntry:\n    {indented}\nexcept qr.MissingExtra as missing:\n    print(missing)")
    assert re.fullmatch(rf"[a-z ]+ cannot do without \S+, which is not installed: .+ merchant-qr\[{extra}\]\n", said)


@pytest.mark.parametrize("extra", packages.extras("qr"))
def test_an_extra_alone_is_enough(wheels: dict[str, Path], extra: str, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment")
    environment.install(wheels["qr"], extra)
    modules = [*qr.extras.EXTRAS[extra]]
    environment.done(f"from importlib.util import find_spec\nassert all(map(find_spec, {modules}))")
    for use in USES.get(extra, ()):
        environment.done(f"{SHOP}\n{use}")


def test_scripts_without_a_shipped_font_need_the_extra_of_fonts_and_the_error_says_so(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    environment = Environment(tmp_path / "environment")
    environment.install(wheels["qr"], "posters")
    names = ("საქართველო", "שלום", "日本食堂", "中文", "안녕")
    program = f"""{SHOP}
from qr.posters import MissingGlyph, Poster, poster_pdf
for name in {names}:
    try:
        print(poster_pdf([Poster(payload=payload, name=name, number="52318764")])[:4])
    except MissingGlyph as missing:
        print("install merchant-qr[fonts]" in str(missing))
"""
    assert environment.done(program).split() == ["True"] * len(names)
    environment.install(wheels["qr"], "posters,fonts")
    assert environment.done(program).split() == ["b'%PDF'"] * len(names)
