"""`merchant payment trace`: the path of one payment as text and as JSON; an unknown id ends it with one sentence."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.builders import SECRET_KEY
from tests.merchant.cli.test_main import merchant
from tests.merchant.payments.conftest import stage
from tests.merchant.payments.stage import PAYER, Stage

__all__ = ["stage"]
pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]


@pytest.fixture(scope="session")
def template(shop_template: str) -> str:
    return shop_template


async def test_a_payments_path_is_shown_as_text_and_as_json_without_the_payer(
    stage: Stage, database_url: str, tmp_path: Path
) -> None:
    def trace(*arguments: str) -> tuple[int, str, str]:
        ended = merchant(
            "payment", "trace", *arguments, data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY
        )
        return ended.returncode, ended.stdout, ended.stderr

    request = await stage.asked()
    transfer_id = await stage.pay(request)
    status, shown, complaints = trace(transfer_id)
    assert (status, complaints) == (0, "")
    lines = shown.splitlines()
    assert f"transfer     {transfer_id}" in lines
    assert any(line.endswith("patch_committed -> paid") for line in lines)
    assert any("POST /quotes" in line and " ms  in " in line for line in lines)
    status, told, _ = trace(request["id"], "--json")
    document = json.loads(told)
    assert (status, document["request_id"], document["state"]) == (0, request["id"], "paid")
    assert document["lines"][0]["gap_ms"] is None
    assert PAYER not in shown + told
    looks = await stage.rows("SELECT detail::text FROM audit_entry WHERE action = 'payment.traced'")
    assert [row["detail"] for row in looks] == ['{"by": "command line"}'] * 2
    status, told, complaints = trace(str(uuid4()))
    assert (status, told) == (1, "")
    assert complaints.startswith("merchant: No payment or request has this id.")
    assert len(complaints.splitlines()) == 1


def test_an_id_must_be_given(tmp_path: Path) -> None:
    assert merchant("payment", "trace", data=tmp_path).returncode == 2
