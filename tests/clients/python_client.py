"""A Python client generated from a document, and what a test asks of every answer that it reads.

`generate()` runs openapi-python-client as its users do. `PythonClient` finds operations by their id and models by their
name, and holds each parsed answer against the JSON that arrived.
"""

import importlib
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

# What the generator must be told. It reads no media type of its own accord but JSON, text and octets, nor one whose
# subtype has capitals.
CONFIG = {
    "literal_enums": True,
    "post_hooks": [],
    "content_type_overrides": {
        "application/pdf": "application/octet-stream",
        "application/x-ndjson": "text/plain",
        "application/vnd.interoperability.transactionRequests+json;version=1.1": "application/json",
    },
}


def generate(document: Path, package: Path) -> str:
    """Write the client package of a document; what the generator complains of, empty when it took everything."""
    config = package.with_suffix(".json")
    config.write_text(json.dumps(CONFIG))
    command = ["generate", "--path", document, "--output-path", package, "--meta", "none", "--config", config]
    run = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command, "--fail-on-warning"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    complaints = (run.stdout + run.stderr).replace(f"Generating {package}", "").strip()
    return complaints or ("" if run.returncode == 0 else f"exit status {run.returncode}")


def operation_ids(document: Path) -> set[str]:
    """The ids of a document's operations."""
    paths = json.loads(document.read_bytes())["paths"].values()
    return {operation["operationId"] for methods in paths for operation in methods.values()}


class PythonClient:
    """A generated package that is imported, and one caller's credentials."""

    def __init__(self, package: Path, base_url: str) -> None:
        self._package = package
        self._name = package.name
        self._base_url = base_url
        client = importlib.import_module(f"{self._name}.client")
        self._models = importlib.import_module(f"{self._name}.models")
        self._authenticated = client.AuthenticatedClient
        self._client = client.Client(base_url=base_url, raise_on_unexpected_status=True)

    def with_token(self, token: str) -> "PythonClient":
        """The same client for a person who signed in."""
        return self._as(token=token)

    def with_key(self, key: str) -> "PythonClient":
        """The same client for a machine with an API key."""
        return self._as(token=key, prefix="", auth_header_name="x-api-key")

    def _as(self, **credentials: str) -> "PythonClient":
        other = PythonClient(self._package, self._base_url)
        other._client = self._authenticated(base_url=self._base_url, raise_on_unexpected_status=True, **credentials)
        return other

    def model(self, name: str, content: dict[str, Any]) -> Any:
        """A body, built from JSON; nothing of it may be lost."""
        built = getattr(self._models, name).from_dict(content)
        assert built.to_dict() == content
        return built

    async def call(self, operation_id: str, status: int, *path: Any, **arguments: Any) -> Any:
        """Call an operation; its parsed answer, which must say all that arrived and have the status expected."""
        [found] = (self._package / "api").glob(f"*/{operation_id}.py")
        module = importlib.import_module(f"{self._name}.api.{found.parent.name}.{operation_id}")
        response = await module.asyncio_detailed(*path, client=self._client, **arguments)
        assert response.status_code == status, response.content
        if response.headers["content-type"].partition(";")[0].endswith("json"):
            assert comparable(response.parsed.to_dict()) == comparable(json.loads(response.content))
            assert undeclared(response.parsed) == []
        return response.parsed


def comparable(content: Any) -> Any:
    """JSON whose instants are instants, however they are written."""
    if isinstance(content, dict):
        return {name: comparable(part) for name, part in content.items()}
    if isinstance(content, list):
        return [comparable(part) for part in content]
    if isinstance(content, str) and content[10:11] == "T":
        try:
            return datetime.fromisoformat(content)
        except ValueError:
            return content
    return content


def undeclared(parsed: Any) -> list[str]:
    """The fields of parsed models that their schemas do not name; objects with any keys (maps) name none at all."""
    if isinstance(parsed, list):
        return [name for part in parsed for name in undeclared(part)]
    attributes = getattr(type(parsed), "__attrs_attrs__", ())
    declared = [one.name for one in attributes if one.name != "additional_properties"]
    more = getattr(parsed, "additional_properties", {}) if declared else {}
    inner = [name for field in declared for name in undeclared(getattr(parsed, field))]
    return [f"{type(parsed).__name__}.{name}" for name in more] + inner
