"""A TypeScript client's types come from the documents; a program that they check does the whole job with them.

Needs node and npm. Without them, or without a way to the packages, the tests are skipped; MERCHANT_REQUIRE_NODE=1,
which .ci/run sets, makes that a failure. Packages are those of typescript/package-lock.json, installed once beside the
Python ones.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import builders
from tests.clients.conftest import Served
from tests.merchant.notify.conftest import listening
from tests.stories.town import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

HERE = Path(__file__).parent / "typescript"
MANIFESTS = ("package.json", "package-lock.json")
# As of 7.13 the generator takes a field with a default for one that every caller sends; ours may be left out.
GENERATE = ("--default-non-nullable", "false")
INSTALL_S, COMPILE_S, RUN_S = 300, 120, 60


def unable(reason: str) -> None:
    """Skip, or fail where these tests must run."""
    if os.environ.get("MERCHANT_REQUIRE_NODE") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def command(*words: str | Path, folder: Path, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=timeout_s)


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of the installed packages, named by their lock: made by the first run, kept for the next."""
    if not (shutil.which("node") and shutil.which("npm")):
        unable("node and npm are not installed here")
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:10]
    folder = Path(sys.prefix) / f"typescript-{lock}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for name in MANIFESTS:
                shutil.copy(HERE / name, folder)
            install = ("npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
            done = command(*install, folder=folder, timeout_s=INSTALL_S)
            if done.returncode:
                unable(f"npm could not install the packages: {done.stderr[-500:]}")
            (folder / "installed").touch()
    return folder


@pytest.fixture(scope="session")
def project(packages: Path, documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs beside the generated types and the packages, compiled into built/."""
    folder = tmp_path_factory.mktemp("typescript")
    for source in (*HERE.glob("*.ts"), HERE / "tsconfig.json", HERE / "package.json"):
        shutil.copy(source, folder)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    for name, types in (("merchant", "api"), ("webhooks", "webhooks")):
        generator = folder / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
        arguments = (documents / f"{name}.json", "-o", folder / f"{types}.ts", *GENERATE)
        made = command("node", generator, *arguments, folder=folder, timeout_s=COMPILE_S)
        assert made.returncode == 0, made.stderr
        assert not re.search("warn|error|skip", made.stdout + made.stderr, re.IGNORECASE), made.stdout + made.stderr
    # One run of the compiler checks the programs, and in mistakes.ts that it notices what must not compile.
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    compiled = command("node", compiler, "-p", folder, folder=folder, timeout_s=COMPILE_S)
    assert compiled.returncode == 0, compiled.stdout
    return folder


async def run(program: Path, *arguments: str) -> str:
    """What a compiled program prints, while the service goes on in this process."""
    process = await asyncio.create_subprocess_exec(
        "node", program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(RUN_S):
        printed, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return printed.decode()


async def test_a_business_is_registered_and_paid_through_the_typed_client(project: Path, served: Served) -> None:
    admin = (await builders.load_world(served.town.service))[builders.DFSPS[0]]["admin"]
    scopes = ["merchants:read", "payments:read", "payments:request", "webhooks:write"]
    key = (await builders.issue_key(served.town.service, admin, scopes))["x-api-key"]
    document = builders.company()
    async with listening() as ear:
        arguments = (served.base_url, served.password, key, ear.url, json.dumps(document))
        said = json.loads(await run(project / "built" / "main.js", *arguments))

        async def told() -> bytes | None:
            return ear.heard[0].body if ear.heard else None

        body = await until(told, "the webhook is told")
    assert said["merchant"] == document["business"]["trading_name"]
    assert said["state"] == "paid"
    assert said["references"] == ["third", "second", "first"]
    assert said["problems"] == ["not_signed_in", "not_allowed", "not_found", "invalid_fields", "amount.amount"]
    [payment] = await served.town.payments()
    assert payment["payment_request_id"] == said["request"]
    assert json.loads(body)["data"]["payment_request_id"] == said["request"]
    told_as = await run(project / "built" / "events.js", body.decode())
    assert told_as == "payment_request.paid: hand over the goods\n"


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((HERE / "package-lock.json").read_bytes())["packages"]
    assert len(packages) > 1
    assert not [name for name, one in packages.items() if "resolved" in one]
    assert all("integrity" in one for name, one in packages.items() if name)
