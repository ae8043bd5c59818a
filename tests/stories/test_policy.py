"""A newcomer changes one number in a policy file and sees the effect: in the projection, in a refusal, in the audit.

By the commands: `merchant policies presets`, `check`, `shadow` and `publish`.
"""

import asyncio
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from merchant.cli.main import cli
from merchant.compliance.policies.in_force import forget
from merchant.core.service import Service
from tests import builders
from tests.builders import SECRET_KEY, World
from tests.merchant.cli.test_main import merchant

pytestmark = [pytest.mark.anyio, pytest.mark.database]
LIMIT = "per_payment = 10000, per_day = 50000"


def offline(*arguments: str, status: int = 0) -> str:
    """What a command prints that needs no database, run in this process."""
    ended = CliRunner().invoke(cli, ["policies", *arguments], env={"MERCHANT_DATA_DIR": "/nowhere"})
    assert ended.exit_code == status, ended.output
    return ended.output


class Machine:
    """The machine's operator at the test's database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._settings = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY}
        self._folder = folder

    async def run(self, *arguments: str) -> str:
        ended = await asyncio.to_thread(merchant, "policies", *arguments, data=self._folder, **self._settings)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout + ended.stderr


async def test_one_number_in_a_file_is_seen_in_the_projection_in_a_refusal_and_in_the_audit(
    tmp_path: Path, database_url: str, service: Service, client: httpx.AsyncClient, world: World
) -> None:
    machine, file = Machine(tmp_path, database_url), tmp_path / "mine.toml"
    _, [counter] = await builders.create_merchant(service, world)
    draft = await builders.create_application(service, world.maker, builders.company() | {"owners": []})
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:request"])

    async def ask(amount: str, once: str) -> httpx.Response:
        body = {"counter_id": str(counter.id), "amount": {"amount": amount, "currency": "USD"}}
        return await client.post("/api/v1/payment-requests", json=body, headers={**key, "idempotency-key": once})

    async def unlocked() -> int:
        read = await client.get(f"/api/v1/applications/{draft.id}", headers=world.maker.headers)
        limits: dict[str, dict[str, int]] = read.json()["requirements"]["unlocks"]["limits"]
        return limits["USD"]["per_payment_minor"]

    text = offline("presets", "generic")
    assert text.count(LIMIT) == 1
    assert (await ask("7000", "before")).status_code == 201
    assert await unlocked() == 10_000_00

    file.write_text(text.replace(LIMIT, "per_payment = 400, per_day = 50000"))
    assert "tiers.T3: a higher tier allows less than T2" in offline("check", str(file), status=1)
    file.write_text(text.replace(LIMIT, "per_payment = 5000, per_day = 50000"))
    assert offline("check", str(file)).startswith("sound: generic@2026.2+")
    tried = await machine.run("shadow", str(file))
    assert "1 of 1 merchants were judged" in tried
    assert "KES 1, USD 1" in tried
    published = await machine.run("publish", str(file), "--note", "One number.")
    assert published.startswith("published ")

    forget(service)  # a running process follows within KEPT_S
    refused = await ask("7000", "after")
    assert [(one["path"], one["code"]) for one in refused.json()["errors"]] == [("amount.amount", "over_limit")]
    assert (await ask("5000", "smaller")).status_code == 201
    assert await unlocked() == 5_000_00
    audited = await client.get("/api/v1/audit", params={"limit": "100"}, headers=world.operator.headers)
    told = {one["action"]: one["detail"] for one in audited.json()["items"] if one["action"].startswith("policy.")}
    assert set(told) == {"policy.proposed", "policy.published"}
    assert told["policy.published"]["by"] == "command line"
    assert told["policy.published"]["version"] in published
