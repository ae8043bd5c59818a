"""The installer: tells what it needs before it writes; run in a bare Debian, it ends in a sound installation."""

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from merchant.core.settings import Settings
from tests.deploy.tools import DEPLOY, ROOT, needs, run

INSTALL = DEPLOY / "install.sh"
FIRST = {
    "--public-url": "https://pay.example.org",
    "--scheme": "Lakeside",
    "--country": "KE",
    "--currency": "KES",
    "--time-zone": "Africa/Nairobi",
    "--operator": "Amina Otieno <amina@example.org>",
}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="the installer asks for root first")
unused = pytest.mark.skipif(Path("/var/lib/merchant").exists(), reason="the service is installed on this machine")


def options(**changed: str) -> list[str]:
    given = FIRST | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    return [word for name, value in given.items() if value for word in (name, value)]


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("script", ["install.sh", "image/build.sh", "compose/roles.sh"])
def test_shells_understand_every_script(shell: str, script: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not here")
    assert run(shell, "-n", DEPLOY / script).returncode == 0


def test_help_names_every_option() -> None:
    told = run(INSTALL, "--help")
    assert told.returncode == 0
    taken = {word for line in INSTALL.read_text().splitlines() for word in line.split() if word.startswith("--")}
    for option in {word.rstrip(")") for word in taken if word.endswith(")") and word != "-h)"}:
        assert option in told.stdout


@needs_root
@unused
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"public_url": ""}, "--public-url is needed"),
        ({"public_url": "http://pay.example.org"}, "must begin with https://"),
        ({"public_url": "https://pay example"}, "names no host"),
        ({"scheme": ""}, "--scheme, --country"),
        ({"currency": ""}, "--scheme, --country"),
        ({"operator": ""}, "--operator"),
        ({"operator": "amina@example.org"}, 'must read "Name <mail@host>"'),
        ({"hub_network": "everywhere"}, "is no network"),
        ({"certificate": "/a.pem"}, "--certificate-key"),
        ({"database_url": "postgresql://a/b"}, "--owner-url"),
        ({"un_list": "/nowhere.xml"}, "cannot be read"),
        ({"nonsense": "1"}, "there is no option --nonsense"),
    ],
    ids=str,
)
def test_what_is_missing_or_wrong_is_told_before_anything_is_written(changed: dict[str, str], told: str) -> None:
    ended = run(INSTALL, *options(**changed))
    assert ended.returncode == 1
    assert told in ended.stderr
    assert not Path("/etc/merchant").exists()
    assert not Path("/opt/merchant-releases").exists()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Path]:
    """A bare Debian of this machine's release, with this machine's certificate authorities and our sources."""
    root = tmp_path / "bare"
    made = run("mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", "bookworm", root)
    if made.returncode:
        pytest.skip(f"no bare Debian can be made here: {made.stderr[-300:]}")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    shutil.copytree(
        ROOT, root / "root/source", symlinks=True, ignore=shutil.ignore_patterns(".venv", ".data", "build", ".*cache")
    )
    (root / "root/un.xml").write_bytes(gzip.decompress(Settings().screening_list.read_bytes()))
    yield root
    shutil.rmtree(root, ignore_errors=True)


def inside(root: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the bare machine; what it started ends with it."""
    mounts = "mount -t proc proc /proc && mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm"
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", str(root)]
    return subprocess.run(
        [*alone, "sh", "-c", f'{mounts} && exec "$@"', "sh", *command],
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.slow
@needs_root
@needs("mmdebstrap", "mmdebstrap")
@pytest.mark.skipif("MERCHANT_TEST_INDEX" not in os.environ, reason="needs a package index (MERCHANT_TEST_INDEX=1)")
def test_a_bare_debian_becomes_a_sound_installation_and_again(bare: Path) -> None:
    first = inside(bare, "/root/source/deploy/install.sh", "--no-systemd", "--un-list", "/root/un.xml", *options())
    assert first.returncode == 0, first.stdout[-2000:] + first.stderr[-2000:]
    assert "\nerror " not in first.stdout
    assert "https://pay.example.org/set-up/" in first.stdout
    kept = {name: (bare / name).read_bytes() for name in ("etc/merchant/merchant.env", "var/lib/merchant/secret.key")}
    for name in (*kept, "etc/merchant/owner.env", "etc/nginx/merchant-gateway.conf", "etc/ssl/merchant/privkey.pem"):
        assert (bare / name).stat().st_mode & 0o077 == 0, name
    assert "PASSWORD" not in (bare / "etc/merchant/merchant.env").read_text().split("# --- mail")[0]
    again = inside(bare, "/root/source/deploy/install.sh", "--no-systemd")
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr[-2000:]
    assert {name: (bare / name).read_bytes() for name in kept} == kept
    assert len(list((bare / "opt/merchant-releases").iterdir())) == 1
