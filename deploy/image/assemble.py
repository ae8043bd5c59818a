"""Puts a root folder together as an OCI image layout: the same folder gives the same bytes.

    assemble.py ROOT OUTPUT ARCHITECTURE VERSION

Two layers: Debian, and what lies below /opt/merchant, so that a new release moves only the second. Times are
SOURCE_DATE_EPOCH, files stand in the order of their names, compressed data holds no time. Standard library only.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
APP = "opt/merchant"
USER = 10001
MEDIA = "application/vnd.oci.image"


def members(root: Path, *, of_app: bool) -> Iterator[Path]:
    """What belongs to one layer, in the order of names."""
    for path in sorted(root.rglob("*"), key=lambda found: found.relative_to(root).as_posix()):
        name = path.relative_to(root).as_posix()
        if (name == APP or name.startswith(f"{APP}/")) is of_app:
            yield path


def layer(root: Path, *, of_app: bool) -> tuple[bytes, str]:
    """A layer, compressed, and the digest of what it is unpacked."""
    packed, digest = io.BytesIO(), hashlib.sha256()
    with gzip.GzipFile("", "wb", 6, packed, mtime=0) as file:

        class Both:
            def write(self, data: bytes) -> int:
                digest.update(data)
                return file.write(data)

        with tarfile.open(fileobj=Both(), mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:  # type: ignore[call-overload]
            for path in members(root, of_app=of_app):
                info = tar.gettarinfo(path, path.relative_to(root).as_posix())
                info.uname = info.gname = ""
                info.mtime = EPOCH
                if info.uid != USER:
                    info.uid = 0
                if info.isreg():
                    with path.open("rb") as content:
                        tar.addfile(info, content)
                else:
                    tar.addfile(info)
    return packed.getvalue(), f"sha256:{digest.hexdigest()}"


class Layout:
    """An OCI layout that grows."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def add(self, data: bytes, kind: str) -> dict[str, Any]:
        """Keep data under its digest; its descriptor."""
        name = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / "sha256" / name).write_bytes(data)
        return {"mediaType": f"{MEDIA}.{kind}", "digest": f"sha256:{name}", "size": len(data)}

    def add_document(self, document: dict[str, Any], kind: str) -> dict[str, Any]:
        """Likewise a document."""
        return self.add(json.dumps(document, sort_keys=True, separators=(",", ":")).encode(), kind)


def main(root: Path, output: Path, architecture: str, version: str) -> None:
    """Write the image."""
    created = datetime.fromtimestamp(EPOCH, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": "merchant",
        "org.opencontainers.image.description": "Merchant registry and payments service for Mojaloop hubs",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.created": created,
    }
    layout = Layout(output)
    layers, diffs, history = [], [], []
    for of_app, told in ((False, "Debian"), (True, "the service")):
        data, digest = layer(root, of_app=of_app)
        layers.append(layout.add(data, "layer.v1.tar+gzip"))
        diffs.append(digest)
        history.append({"created": created, "created_by": f"deploy/image/build.sh: {told}"})
        sys.stdout.write(f"{told}: {len(data) / 1e6:.1f} MB" + "\n")
    config = layout.add_document(
        {
            "created": created,
            "architecture": architecture,
            "os": "linux",
            "config": {
                "User": f"{USER}:{USER}",
                "ExposedPorts": {"8000/tcp": {}},
                "Env": [
                    "PATH=/opt/merchant/bin:/usr/lib/postgresql/15/bin:/usr/bin:/bin",
                    "HOME=/var/lib/merchant",
                    "LANG=C.UTF-8",
                    "PYTHONDONTWRITEBYTECODE=1",
                    "MERCHANT_DATA_DIR=/var/lib/merchant",
                ],
                "Entrypoint": ["/opt/merchant/bin/merchant"],
                "Cmd": ["serve"],
                "WorkingDir": "/var/lib/merchant",
                "Labels": labels,
                "StopSignal": "SIGTERM",
            },
            "rootfs": {"type": "layers", "diff_ids": diffs},
            "history": history,
        },
        "config.v1+json",
    )
    manifest = layout.add_document(
        {
            "schemaVersion": 2,
            "mediaType": f"{MEDIA}.manifest.v1+json",
            "config": config,
            "layers": layers,
            "annotations": labels,
        },
        "manifest.v1+json",
    )
    named = manifest | {
        "platform": {"architecture": architecture, "os": "linux"},
        "annotations": {"org.opencontainers.image.ref.name": "merchant"},
    }
    (output / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": [named]}, sort_keys=True)
    )
    sys.stdout.write(
        f"image: {sum(one['size'] for one in layers) / 1e6:.1f} MB compressed, {manifest['digest']}" + "\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
