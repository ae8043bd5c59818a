"""`merchant seed` without a password: one link to the first operator's account, until there is one."""

import re
import subprocess
from pathlib import Path

import asyncpg
import pytest

from tests.builders import SECRET_KEY
from tests.merchant.cli.test_main import merchant

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]
SCHEME = ("--name", "A scheme", "--domain", "pay.example", "--country", "KE", "--currency", "KES")
SEED = ("seed", *SCHEME, "--time-zone", "Africa/Nairobi")
LINK = re.compile(r"^http\S+/set-up/\S{20,}$", re.MULTILINE)


def run(folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return merchant(*arguments, data=folder, DATABASE_URL=url, SECRET_KEY=SECRET_KEY)


async def test_the_link_is_printed_and_printed_anew_until_somebody_has_come(tmp_path: Path, empty_url: str) -> None:
    printed = []
    for arguments in (SEED, SEED, ("user", "invite-first")):
        ended = run(tmp_path, empty_url, *arguments)
        assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
        printed += LINK.findall(ended.stdout)
    assert len(set(printed)) == 3
    assert "-  invited  -  hub  hub_operator\n" in run(tmp_path, empty_url, "user", "list").stdout
    owner = await asyncpg.connect(empty_url)
    assert await owner.fetchval("SELECT count(*) FROM app_user") == 1
    assert await owner.fetchval("SELECT count(*) FROM account_token t, app_user WHERE epoch = link_epoch") == 1
    await owner.execute("UPDATE app_user SET password_hash = '$'")
    await owner.close()
    for arguments, sentence in ((SEED, "set up already"), (("user", "invite-first"), "has an account already")):
        refused = run(tmp_path, empty_url, *arguments)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert sentence in refused.stderr


async def test_a_password_needs_somebody_whose_it_is(tmp_path: Path, empty_url: str) -> None:
    refused = run(tmp_path, empty_url, *SEED, "--password", "correct horse battery")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--email" in refused.stderr


async def test_an_address_that_is_none_is_refused_before_anything_is_written(tmp_path: Path, empty_url: str) -> None:
    refused = run(tmp_path, empty_url, *SEED, "--email", "nobody")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is not an e-mail address" in refused.stderr
