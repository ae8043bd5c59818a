"""`merchant hub key`: what an operator exchanges with a hub, on the command line."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from merchant.core.errors import InvalidFields
from merchant.scheme.public_keys import read_keys, to_jwk
from tests.builders import SECRET_KEY
from tests.merchant.cli.test_main import merchant

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def public_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


async def test_keys_are_shown_imported_rotated_and_retired(database_url: str, tmp_path: Path) -> None:
    def key(*arguments: str) -> tuple[int, str]:
        ended = merchant("hub", "key", *arguments, data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY)
        return ended.returncode, ended.stdout + ended.stderr

    (tmp_path / "public.pem").write_text(public_key())
    status, told = key("import", "switch", str(tmp_path / "public.pem"), "--until", "2099-01-01")
    assert (status, "sha256 " in told) == (0, True), told
    status, told = key("show", "--fsp", "switch")
    assert status == 0
    assert "switch  verify  ES256" in told
    assert "until 2099-01-01T00:00:00.000Z" in told
    key_id = told.split()[3]
    status, told = key("rotate", "greenbankfsp")
    assert (status, "BEGIN PUBLIC KEY" in told) == (0, True), told
    assert key("retire", key_id)[0] == 0
    assert key("retire", key_id) == (1, "Error: This key has run out already\n")


@pytest.mark.parametrize("text", ["", "hello", "[]", "{", '{"keys": 7}', '{"keys": [{"kty": "oct", "k": "AAAA"}]}'])
def test_a_file_without_a_good_public_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidFields):
        read_keys(text)


def test_a_file_may_hold_one_key_or_a_set() -> None:
    pem = public_key()
    members = to_jwk(pem, "theirs", "ES256")
    for text in (pem, json.dumps(members), json.dumps({"keys": [members]})):
        assert [one.pem for one in read_keys(text)] == [pem]
