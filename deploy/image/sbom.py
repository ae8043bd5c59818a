"""Writes what is in the image as CycloneDX 1.5: Debian's packages by dpkg, Python's by metadata and lock file.

    sbom.py ROOT requirements.lock postgresql-client-15_VERSION_ARCH > sbom.cdx.json

The same root gives the same text. Standard library only.
"""

import json
import os
import re
import sys
import uuid
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote


def of_debian(root: Path, extra: str) -> list[dict[str, Any]]:
    """The packages that dpkg knows, and the one whose programs were taken out."""
    found = []
    for text in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = HeaderParser().parsestr(text)
        if "installed" in (fields["Status"] or ""):
            found.append(_deb(fields["Package"], fields["Version"], fields["Architecture"]))
    name, version, architecture = extra.split("_")
    return [*found, _deb(name, unquote(version), architecture)]


def _deb(name: str, version: str, architecture: str) -> dict[str, Any]:
    purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={architecture}&distro=debian-12"
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


def of_python(root: Path, lock: str) -> list[dict[str, Any]]:
    """The packages below /opt/merchant, with their licence as they tell it and the hashes that were allowed."""
    found = []
    for metadata in sorted(root.glob("opt/merchant/lib/python3.*/site-packages/*.dist-info/METADATA")):
        fields = HeaderParser().parsestr(metadata.read_text(errors="replace"))
        name, version = re.sub(r"[-_.]+", "-", fields["Name"]).lower(), fields["Version"]
        if name == "merchant":
            continue  # which is the subject
        purl = f"pkg:pypi/{name}@{version}"
        one: dict[str, Any] = {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}
        told = fields["License-Expression"] or (fields["License"] or "").splitlines()[:1]
        if licence := told if isinstance(told, str) else "".join(told):
            one["licenses"] = [{"license": {"name": licence[:100]}}]
        pinned = re.search(rf"^{re.escape(name)}==\S+[^\n]*\\\n((?:    --hash=\S+[^\n]*\n)+)", lock, re.MULTILINE)
        if pinned:
            digests = sorted(re.findall(r"sha256:([0-9a-f]{64})", pinned[1]))
            one["properties"] = [{"name": "lock:sha256", "value": digest} for digest in digests]
        found.append(one)
    return found


def document(root: Path, lock: str, extra: str) -> dict[str, Any]:
    """The whole bill."""
    python = of_python(root, lock)
    components = sorted([*of_debian(root, extra), *python], key=lambda one: one["bom-ref"])
    told = json.dumps(components, sort_keys=True)
    metadata = next(root.glob("opt/merchant/lib/python3.*/site-packages/merchant-*.dist-info/METADATA")).read_text()
    version = HeaderParser().parsestr(metadata)["Version"]
    subject = {
        "type": "container",
        "name": "merchant",
        "version": version,
        "bom-ref": f"pkg:oci/merchant@{version}",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    created = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, told)}",
        "version": 1,
        "metadata": {"timestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": subject},
        "components": components,
    }


if __name__ == "__main__":
    bill = document(Path(sys.argv[1]), Path(sys.argv[2]).read_text(), sys.argv[3])
    sys.stdout.write(json.dumps(bill, indent=1, sort_keys=True) + "\n")
