"""Backups taken under load, restored, and held against the hub: `python -m tests.operations.backup_restore`.

Three rehearsals, each with customers who pay: `dump` (pg_dump every so often: what came after is named), `moment`
(pgBackRest, to a moment between two payments) and `site` (the first site is lost with everything on it; the second has
a backup and, from pg_receivewal, all that was ever acknowledged: nothing is lost).
"""

import asyncio
import csv
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.operations import payers as paying
from tests.operations.installation import (
    Machine,
    Postgres,
    Seeded,
    free_port,
    http_status,
    make_roles,
    merchant,
    needs,
    node_environment,
    rehearsal,
    seed,
    start_hub,
    start_merchant,
    wait_until,
)
from tests.operations.payers import Payers
from tests.operations.report import Report

PAYMENTS_PER_S = 4.0
BEFORE, AFTER = 40, 25  # demands answered before and after what happens
PAYER = "254711000001"
PAID = "SELECT count(*) FROM payment p JOIN payment_request r ON r.id = p.request_id WHERE r.id = '{id}'"

PGBACKREST = """
[global]
repo1-path={folder}/repository
repo1-retention-full=2
log-path={folder}/backrest
lock-path={folder}/backrest
spool-path={folder}/backrest
log-level-console=warn
log-level-file=off
start-fast=y
compress-type=lz4
[merchant]
pg1-path={folder}/{name}
pg1-port={port}
pg1-socket-path={folder}
pg1-user=postgres
"""


class Rehearsal:
    """An installation of one node, its hub, and the database that it is on at the moment."""

    def __init__(self, machine: Machine, found: dict[str, str]) -> None:
        self.machine, self.found = machine, found
        self.port, self.hub_port = free_port(), free_port()
        self.site = self.new_site("first")
        self.shop: Seeded

    def new_site(self, name: str) -> Postgres:
        """A database server that is not made yet."""
        return Postgres(self.machine, f"postgres-{name}", self.found)

    def config_of(self, site: Postgres) -> Path:
        """pgBackRest's settings, as a site has them."""
        text = PGBACKREST.format(folder=self.machine.folder, name=site.name, port=site.port)
        return self.machine.write(f"pgbackrest-{site.name}.conf", text)

    def backrest(self, site: Postgres, *arguments: str) -> str:
        """A command of pgBackRest, run as the server's user."""
        return self.machine.run(
            [self.found["pgbackrest"], f"--config={self.config_of(site)}", "--stanza=merchant", *arguments]
        )

    def open(self, *settings: str) -> None:
        """The first site, its hub and a seeded database."""
        self.site.make(*settings)
        self.site.start()
        make_roles(self.machine, str(self.site.bin / "psql"), self.site.url("postgres", "postgres"))
        start_hub(self.machine, self.hub_port, self.port)
        self.shop = seed(self.machine, self.environment(), self.site.url("merchant_owner"))

    def environment(self, user: str = "merchant_login") -> dict[str, str]:
        """The node's settings; the hub knows it by one address, wherever it is."""
        return node_environment(self.machine, "node", self.port, self.site.url(user), self.hub_port, self.port)

    def start_node(self) -> float:
        """`merchant serve` on the present site; how long until it is ready for payments."""
        start_merchant(self.machine, "node", "serve", env=self.environment())
        url = f"http://127.0.0.1:{self.port}/health/ready"
        return wait_until(lambda: http_status(url) == 200, "the service is not ready", 150.0)

    def lose(self) -> None:
        """kill -9 of the service and its database server."""
        self.machine.kill("node")
        self.machine.kill(self.site.name)

    def payers(self) -> Payers:
        """Customers of the shop."""
        return Payers(f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.hub_port}", self.shop, PAYMENTS_PER_S)

    def reconcile(self, *arguments: object) -> None:
        """Mark the database as restored: the hub is asked before a payment is taken."""
        merchant(self.machine, "reconcile", *arguments, env=self.environment("merchant_owner"))

    def verify_audit(self, report: Report) -> None:
        """The audit record must hold together."""
        merchant(self.machine, "audit", "verify", env=self.environment())
        report.promise("audit record", "verified", kept=True)


# --- pg_dump ---------------------------------------------------------------------------------------------------------


async def dump(report: Report, run: Rehearsal) -> None:
    """pg_dump under load, the site is lost some payments later, pg_restore on another server."""
    file = run.machine.folder / "merchant.dump"
    async with run.payers() as trade:
        await trade.answered_more(BEFORE)
        began_s = time.monotonic()
        command = [run.site.bin / "pg_dump", "-Fc", "-f", file, run.site.url("merchant_owner")]
        await asyncio.to_thread(run.machine.run, command)
        report.figure("pg_dump, under load", f"{time.monotonic() - began_s:.1f} s, {file.stat().st_size / 1e6:.1f} MB")
        await trade.answered_more(AFTER)
        run.lose()
        lost_at = time.monotonic()
        run.site = run.new_site("second")
        await asyncio.to_thread(restore_dump, run, file)
        await asyncio.to_thread(run.reconcile)
        ready_s = await asyncio.to_thread(run.start_node)
        report.figure(
            "lost until ready again, of which the hub was asked for",
            f"{time.monotonic() - lost_at:.1f} s, {ready_s:.1f} s",
        )
        await trade.answered_more(AFTER)
        await trade.stop()
        await paying.has_calmed(trade, run.site.url("merchant_owner"))
        books = await paying.read(trade, run.site.url("merchant_owner"))
    missing, doubled = paying.lost_and_doubled(books)
    known = books.transfers.keys() & set(missing)
    report.figure("payments", len(books.tables["payments"]))
    report.promise("transfers of the backup that the hub was not asked about", len(known), kept=not known)
    report.promise("payments doubled", len(doubled), kept=not doubled)
    report.check("histories", books.histories_are_whole)
    report.check("limits", books.limits_are_exact)
    named = await asyncio.to_thread(compare, run, books.ledger.values())
    report.figure("paid at the hub after the dump, unknown here", len(missing))
    report.promise("`merchant reconcile --ledger` names exactly these", len(named), kept=named == set(missing))
    run.verify_audit(report)


def restore_dump(run: Rehearsal, file: Path) -> None:
    """Roles by their script, then the dump as the owner."""
    run.site.make()
    run.site.start()
    make_roles(run.machine, str(run.site.bin / "psql"), run.site.url("postgres", "postgres"))
    run.machine.run([run.site.bin / "pg_restore", "--exit-on-error", "-d", run.site.url("merchant_owner"), file])


def compare(run: Rehearsal, ledger: object) -> set[str]:
    """What `merchant reconcile --ledger` finds in the hub's report and not here."""
    file = run.machine.folder / "ledger.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["transfer_id", "amount", "currency", "state"])
        writer.writerows([row["transfer_id"], row["amount"], row["currency"], row["state"]] for row in ledger)  # type: ignore[attr-defined]
    command = [sys.executable, "-m", "merchant", "reconcile", "--ledger", str(file)]
    said = subprocess.run(command, env=_whole_environment(run), capture_output=True, text=True, check=False)
    return {line.split()[0] for line in said.stdout.splitlines() if "not here" in line}


def _whole_environment(run: Rehearsal) -> dict[str, str]:
    from tests.operations.installation import CHECKOUT, _environment

    return _environment({"PYTHONPATH": str(CHECKOUT), **run.environment("merchant_owner")})


# --- pgBackRest to a moment ------------------------------------------------------------------------------------------


async def moment(report: Report, run: Rehearsal) -> None:
    """A full backup under load, then back to a moment between two payments, on another server."""
    async with run.payers() as trade:
        await trade.answered_more(BEFORE)
        began_s = time.monotonic()
        await asyncio.to_thread(run.backrest, run.site, "--type=full", "backup")
        report.figure("pgbackrest backup, under load", f"{time.monotonic() - began_s:.1f} s")
        await trade.stop()
        await paying.has_calmed(trade, run.site.url("merchant_owner"))
        first = await pay(run, trade)
        at = await asyncio.to_thread(run.site.psql, "SELECT clock_timestamp()")
        second = await pay(run, trade)
        await asyncio.to_thread(run.site.psql, "SELECT pg_switch_wal()")
        archived = "SELECT last_archived_time > '" + at + "' FROM pg_stat_archiver"
        await asyncio.to_thread(wait_until, lambda: run.site.psql(archived) == "t", "the WAL was not archived")
        ledger = await trade.ledger()
    run.lose()
    run.site = run.new_site("second")
    began_s = time.monotonic()
    await asyncio.to_thread(restore_to, run, at)
    report.figure("pgbackrest restore to a moment, until it takes writes", f"{time.monotonic() - began_s:.1f} s")
    counts = [run.site.psql(PAID.format(id=one), "merchant") for one in (first, second)]
    report.promise(
        "the payment before the moment, and the one after it", f"{counts[0]} and {counts[1]}", kept=counts == ["1", "0"]
    )
    paid = {row["transfer_id"] for row in ledger if row["state"] == "COMMITTED"}
    here = set(run.site.psql("SELECT transfer_id FROM payment", "merchant").split())
    report.promise(
        "payments before the moment that are missing or foreign",
        len(here ^ paid) - 1,
        kept=len(paid - here) == 1 and not here - paid,
    )
    named = compare(run, ledger)
    report.promise("`merchant reconcile --ledger` names the one after it", len(named), kept=named == paid - here)
    run.verify_audit(report)
    run.reconcile()
    report.figure("ready for payments after", f"{await asyncio.to_thread(run.start_node):.1f} s")


async def pay(run: Rehearsal, trade: Payers) -> str:
    """One payment from its demand to its end; the id of its request."""
    request_id = await trade.demand(PAYER)
    paid = PAID.format(id=request_id)
    await asyncio.to_thread(wait_until, lambda: run.site.psql(paid, "merchant") == "1", "it was not paid")
    return request_id


def restore_to(run: Rehearsal, at: str) -> None:
    """The backup and the WAL up to a moment, into an empty folder of another server."""
    run.machine.new_folder(run.site.name)
    run.backrest(run.site, "--type=time", f"--target={at}", "--target-action=promote", "--archive-mode=off", "restore")
    run.site.configure()
    run.site.start()


# --- a second site ---------------------------------------------------------------------------------------------------


async def second_site(report: Report, run: Rehearsal) -> None:
    """The first site is lost under load; the second has a backup and every byte of WAL that was acknowledged."""
    received = run.machine.new_folder("received")
    run.site.psql("SELECT pg_create_physical_replication_slot('second_site', true)")
    run.machine.start(
        "pg_receivewal",
        [
            run.site.bin / "pg_receivewal",
            "-D",
            received,
            "--synchronous",
            "--slot=second_site",
            "-d",
            run.site.url("postgres", "postgres") + "?application_name=second_site",
        ],
    )
    run.site.psql("ALTER SYSTEM SET synchronous_standby_names = 'second_site'")
    run.site.psql("SELECT pg_reload_conf()")
    in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
    wait_until(lambda: run.site.psql(in_step) == "1", "pg_receivewal does not follow")
    async with run.payers() as trade:
        await trade.answered_more(BEFORE)
        await asyncio.to_thread(run.backrest, run.site, "--type=full", "backup")
        await trade.answered_more(AFTER)
        lost_at = datetime.now(UTC)
        run.lose()
        run.machine.stop("pg_receivewal", signal.SIGINT)
        run.site = run.new_site("second")
        await asyncio.to_thread(restore_latest, run, received)
        report.figure("site lost; restored and writable after", _since(lost_at))
        await asyncio.to_thread(run.reconcile)
        report.figure("marked after", _since(lost_at))
        ready_s = await asyncio.to_thread(run.start_node)
        report.figure("ready for payments after, of which the service took", f"{_since(lost_at)}, {ready_s:.1f} s")
        await trade.answered_more(AFTER)
        await trade.stop()
        report.figure("calm again after", f"{await paying.has_calmed(trade, run.site.url('merchant_owner')):.0f} s")
        books = await paying.read(trade, run.site.url("merchant_owner"))
    paying.tell_books(report, trade, books)
    named = await asyncio.to_thread(compare, run, books.ledger.values())
    report.promise("`merchant reconcile --ledger` names", len(named), kept=not named)
    run.verify_audit(report)


def restore_latest(run: Rehearsal, received: Path) -> None:
    """The backup, its WAL from the repository, and the rest from what pg_receivewal wrote, its last file included."""
    run.machine.new_folder(run.site.name)
    archive_get = f"{run.found['pgbackrest']} --config={run.config_of(run.site)} --stanza=merchant archive-get %f %p"
    fetch = f"cp {received}/%f %p 2>/dev/null || cp {received}/%f.partial %p 2>/dev/null || {archive_get}"
    run.backrest(run.site, "--archive-mode=off", f"--recovery-option=restore_command={fetch}", "restore")
    run.site.configure("synchronous_standby_names = ''")
    run.site.start()


def _since(moment: datetime) -> str:
    return f"{(datetime.now(UTC) - moment).total_seconds():.1f} s"


# --- all of them -----------------------------------------------------------------------------------------------------

KINDS = {"dump": dump, "moment": moment, "site": second_site}


def rehearse(kind: str) -> None:
    """One of them from its first to its last step."""
    archived = kind != "dump"
    found = needs("initdb", *(["pgbackrest"] if archived else []))
    report = Report(f"backup and restore: {kind}")
    with rehearsal(report) as machine:
        run = Rehearsal(machine, found)
        if archived:
            for name in ("repository", "backrest"):
                machine.new_folder(name)
            push = f"{found['pgbackrest']} --config={run.config_of(run.site)} --stanza=merchant archive-push %p"
            run.open("archive_mode = on", f"archive_command = '{push}'", "archive_timeout = 60")
            run.backrest(run.site, "stanza-create")
        else:
            run.open()
        run.start_node()
        asyncio.run(KINDS[kind](report, run))


@click.command()
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(KINDS)),
    default=list(KINDS),
    show_default=True,
    help="Which rehearsal; may be given several times.",
)
def main(kinds: tuple[str, ...]) -> None:
    """Back up and restore under load; exit status 1 when a promise is broken."""
    for kind in kinds:
        rehearse(kind)


if __name__ == "__main__":
    main()
