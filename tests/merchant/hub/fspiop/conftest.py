"""Keys and vectors that the wire tests share."""

import json
from typing import Any

import pytest

from merchant.hub.fspiop.jws import SigningKey, VerifyKey, load_signing_key, load_verify_key
from tests.paths import VECTORS


def read_vectors(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def signing_keys() -> dict[str, SigningKey]:
    pems = read_vectors("fspiop_test_keys.json")
    return {
        "rsa": load_signing_key(pems["rsa"]["private_pkcs8"], "rsa-1"),
        "ec": load_signing_key(pems["ec"]["private_sec1"], "ec-1"),
    }


@pytest.fixture(scope="session")
def verify_keys() -> dict[str, VerifyKey]:
    pems = read_vectors("fspiop_test_keys.json")
    return {name: load_verify_key(pems[name]["public_spki"], f"{name}-1") for name in ("rsa", "ec")}
