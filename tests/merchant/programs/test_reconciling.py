"""A database that other programs restored is marked, and the hub's report names money on which we do not agree."""

from datetime import timedelta
from pathlib import Path

import pytest

from merchant.core import clock
from merchant.core.money import Money, format_decimal
from merchant.payments.reconcile import is_reconciling
from merchant.programs.reconciling import BadReport, compare, mark_restored, read_report
from tests.merchant.payments.conftest import stage
from tests.merchant.payments.stage import Stage

__all__ = ["stage"]
pytestmark = pytest.mark.anyio
AMOUNT = "2.50"
ABSENT = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="session")
def template(shop_template: str) -> str:
    return shop_template


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report.csv"


def write(report: Path, *lines: str, head: str = "transfer_id,amount,currency") -> None:
    report.write_text("\n".join([head, *lines, ""]))


async def differences(stage: Stage, report: Path, since_h: int = 0) -> list[tuple[str, str]]:
    since = clock.now() - timedelta(hours=since_h) if since_h else None
    return [(one.transfer_id, one.what) async for one in compare(stage.service, report, since)]


async def test_a_marked_database_takes_payments_once_the_hub_was_asked(stage: Stage) -> None:
    transfer_id = await stage.reserved(await stage.asked())
    assert await mark_restored(stage.service) == 1
    stage.service.reconciling = True  # a program that starts on it reads that
    assert await is_reconciling(stage.service)
    await stage.tick()
    assert stage.hub.to(f"/transfers/{transfer_id}", "GET"), "the hub is asked at once"


async def test_what_agrees_is_not_named_and_what_the_backup_lacks_is(stage: Stage, report: Path) -> None:
    paid = await stage.pay(await stage.asked())
    async with stage.service.db.system_reads() as tx:
        payment = Money(*await tx.fetchrow("SELECT amount_minor, currency FROM payment"))
    amount = format_decimal(payment)
    write(report, f"{paid},{amount},{payment.currency}", f"{ABSENT},2.50,USD")
    assert await differences(stage, report) == [(ABSENT, "paid at the hub, and not here")]


@pytest.mark.parametrize(("more_minor", "currency"), [(1, ""), (-1, ""), (0, "USD")])
async def test_another_amount_or_currency_is_named_with_ours(
    stage: Stage, report: Path, more_minor: int, currency: str
) -> None:
    paid = await stage.pay(await stage.asked())
    async with stage.service.db.system_reads() as tx:
        ours = Money(*await tx.fetchrow("SELECT amount_minor, currency FROM payment"))
    theirs = Money(ours.minor + more_minor, currency or ours.currency)
    write(report, f"{paid},{format_decimal(theirs)},{theirs.currency}")
    assert await differences(stage, report) == [(paid, f"here of {format_decimal(ours)} {ours.currency}")]


async def test_a_transfer_that_is_still_under_way_here_is_named_with_its_state(stage: Stage, report: Path) -> None:
    transfer_id = await stage.reserved(await stage.asked())
    write(report, f"{transfer_id},{AMOUNT},USD")
    assert await differences(stage, report) == [(transfer_id, "paid at the hub, and RESERVED here")]


async def test_only_committed_lines_of_a_report_with_states_count(stage: Stage, report: Path) -> None:
    head = "transfer_id,state,amount,currency"
    write(report, f"{ABSENT},ABORTED,2.50,USD", f"{ABSENT},RESERVED,2.50,USD", head=head)
    assert await differences(stage, report) == []
    write(report, f"{ABSENT},COMMITTED,2.50,USD", head=head)
    assert len(await differences(stage, report)) == 1


async def test_a_payment_of_ours_that_the_report_lacks_is_named_for_the_time_of_the_report(
    stage: Stage, report: Path
) -> None:
    paid = await stage.pay(await stage.asked())
    write(report)
    assert await differences(stage, report) == []
    assert await differences(stage, report, since_h=1) == [(paid, "paid here, and not in the report")]


async def test_a_long_report_is_looked_up_in_pieces(stage: Stage, report: Path) -> None:
    write(report, *(f"{number:08}-1111-4111-8111-111111111111,2.50,USD" for number in range(2001)))
    assert len(await differences(stage, report)) == 2001


@pytest.mark.parametrize(
    ("head", "line", "told"),
    [
        ("transfer_id,amount", "x,1", "lacks the column currency"),
        ("a;b", "x", "lacks the column transfer_id, amount, currency"),
        ("transfer_id,amount,currency", "x,one,USD", "line 2: The amount must be digits"),
        ("transfer_id,amount,currency", "x,1,XX", "line 2: XX is not a currency code"),
        ("transfer_id,amount,currency", "x", "line 2: The amount must be digits"),
        ("transfer_id,amount,currency", "x,1.001,USD", "line 2: .* finer"),
    ],
)
def test_a_file_that_is_no_report_is_refused_with_its_line(report: Path, head: str, line: str, told: str) -> None:
    write(report, line, head=head)
    with pytest.raises(BadReport, match=told):
        list(read_report(report))


def test_a_file_that_cannot_be_read_is_refused(report: Path) -> None:
    with pytest.raises(BadReport, match="cannot be read"):
        list(read_report(report))
    report.write_bytes(b"transfer_id,amount,currency\n\xff\xfe,1,USD\n")
    with pytest.raises(BadReport, match="cannot be read"):
        list(read_report(report))
