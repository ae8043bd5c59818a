"""The container image: put together the same way twice, read by the tools of others, no root, a true bill of materials.

The whole image takes minutes and a package index: `make image`. Here a small root stands for it.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.tools import DEPLOY, ROOT, needs, run

IMAGE = DEPLOY / "image"
EPOCH = 1_700_000_000
METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: MIT\n"
DPKG = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
"""


def make_root(folder: Path, newest_first: bool = False) -> Path:
    """A root folder with a program; its files are made in one order or the other."""
    site = "opt/merchant/lib/python3.11/site-packages"
    files = {
        "usr/bin/tool": "#!/bin/sh\n",
        "etc/passwd": "merchant:x:10001:10001::/var/lib/merchant:/usr/sbin/nologin\n",
        "var/lib/dpkg/status": DPKG,
        f"{site}/merchant-0.1.0.dist-info/METADATA": METADATA.format(name="merchant", version="0.1.0"),
        f"{site}/msgspec-0.21.0.dist-info/METADATA": METADATA.format(name="msgspec", version="0.21.0"),
        f"{site}/Babel-2.18.0.dist-info/METADATA": METADATA.format(name="Babel", version="2.18.0"),
        "opt/merchant/bin/merchant": "#!/opt/merchant/bin/python\n",
    }
    for name in sorted(files, reverse=newest_first):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(files[name])
    (folder / "usr/bin/tool").chmod(0o755)
    (folder / "opt/merchant/bin/python").symlink_to("/usr/bin/python3")
    (folder / "var/lib/merchant").mkdir(mode=0o700)
    return folder


def assemble(root: Path, output: Path) -> dict[str, Any]:
    """Puts an image together; its index."""
    ended = run(sys.executable, IMAGE / "assemble.py", root, output, "amd64", "0.1.0", SOURCE_DATE_EPOCH=str(EPOCH))
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads((output / "index.json").read_text())
    return found


def blob(layout: Path, descriptor: dict[str, Any]) -> bytes:
    """What a descriptor names; its digest and size are true."""
    data = (layout / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()
    assert hashlib.sha256(data).hexdigest() == descriptor["digest"].removeprefix("sha256:")
    assert len(data) == descriptor["size"]
    return data


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    assemble(make_root(tmp_path / "root"), tmp_path / "oci")
    return tmp_path / "oci"


def parts(layout: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The manifest and the configuration."""
    [named] = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(layout, named))
    return manifest, json.loads(blob(layout, manifest["config"]))


def test_the_same_files_give_the_same_image_whatever_their_times_and_order(tmp_path: Path) -> None:
    first = assemble(make_root(tmp_path / "one"), tmp_path / "oci1")
    later = make_root(tmp_path / "two", newest_first=True)
    for path in later.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    assert assemble(later, tmp_path / "oci2") == first


def test_another_file_gives_another_image_and_leaves_the_layer_of_debian(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root")
    assemble(root, tmp_path / "oci1")
    (root / "opt/merchant/bin/merchant").write_text("#!/opt/merchant/bin/python3\n")
    assemble(root, tmp_path / "oci2")
    before, after = (parts(tmp_path / name)[0]["layers"] for name in ("oci1", "oci2"))
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_it_runs_as_a_user_without_rights_and_names_its_time_and_licence(layout: Path) -> None:
    manifest, config = parts(layout)
    assert config["config"]["User"] == "10001:10001"
    assert config["config"]["Entrypoint"] == ["/opt/merchant/bin/merchant"]
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert manifest["annotations"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert not [name for name in config["config"]["Env"] if "SECRET" in name or "DATABASE_URL" in name]


def test_files_belong_to_root_but_the_data_folder_and_links_stay_links(layout: Path, tmp_path: Path) -> None:
    manifest, config = parts(layout)
    found: dict[str, tarfile.TarInfo] = {}
    for descriptor, unpacked in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        (tmp_path / "layer").write_bytes(blob(layout, descriptor))
        with tarfile.open(tmp_path / "layer") as tar:
            found |= {one.name: one for one in tar.getmembers()}
        assert unpacked.startswith("sha256:")
    assert {one.mtime for one in found.values()} == {EPOCH}
    assert found["usr/bin/tool"].mode & 0o777 == 0o755
    assert found["opt/merchant/bin/python"].linkname == "/usr/bin/python3"
    assert {one.uid for one in found.values()} <= {0, 10001}


@needs("skopeo", "skopeo")
def test_skopeo_reads_it(layout: Path) -> None:
    ended = run("skopeo", "inspect", f"oci:{layout}:merchant")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["Architecture"], len(told["Layers"])) == ("amd64", 2)


@needs("umoci", "umoci")
@pytest.mark.skipif(os.geteuid() != 0, reason="umoci gives files their owners only as root")
def test_umoci_unpacks_it_and_finds_every_digest_right(layout: Path, tmp_path: Path) -> None:
    ended = run("umoci", "unpack", "--image", f"{layout}:merchant", tmp_path / "bundle")
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "bundle/rootfs/opt/merchant/bin/merchant").read_text() == "#!/opt/merchant/bin/python\n"
    shutil.rmtree(tmp_path / "bundle")


def test_the_bill_of_materials_names_what_is_installed_with_versions_licences_and_hashes(tmp_path: Path) -> None:
    root = make_root(tmp_path / "root")
    lock = tmp_path / "requirements.lock"
    lock.write_text("msgspec==0.21.0 \\\n    --hash=sha256:" + "a" * 64 + " \\\n    --hash=sha256:" + "b" * 64 + "\n")
    bills = [
        run(
            sys.executable, IMAGE / "sbom.py", root, lock, "postgresql-client-15_15.13-0%2bdeb12u1_amd64",
            SOURCE_DATE_EPOCH=str(EPOCH),
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert bills[0] == bills[1]
    bill = json.loads(bills[0])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bill["serialNumber"])
    found = {one["name"]: one for one in bill["components"]}
    assert set(found) == {"libc6", "postgresql-client-15", "msgspec", "babel"}
    assert found["postgresql-client-15"]["version"] == "15.13-0+deb12u1"
    assert found["babel"]["purl"] == "pkg:pypi/babel@2.18.0"
    assert found["msgspec"]["licenses"] == [{"license": {"name": "MIT"}}]
    assert [one["value"][0] for one in found["msgspec"]["properties"]] == ["a", "b"]
    assert bill["metadata"]["component"]["version"] == "0.1.0"


def test_the_image_is_built_of_the_lock_file_and_no_developers_tools() -> None:
    text = (IMAGE / "build.sh").read_text()
    assert text.count("--require-hashes") == 1 and '-c "$here/requirements.lock" -r "$here/pyproject.toml"' in text
    assert "--extra" not in text
    assert (ROOT / "requirements.lock").exists()


def test_what_the_image_is_tried_with_finds_everything_where_everything_is_installed() -> None:
    ended = run(sys.executable, IMAGE / "smoke.py", PYTHONPATH=str(ROOT), MERCHANT_DATA_DIR="/nonexistent")
    assert ended.returncode == 0, ended.stderr[-500:]
