"""`merchant check`: what is missing, unsafe, stale or about to expire. It writes nothing.

`look_at_machine` asks files and settings, `look_at_database` what an open service can tell. A new check is a function
in MACHINE or SERVICE, which answers findings; those that are well say so in one line too.
"""

import shutil
import stat
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Literal

from msgspec import Struct

from merchant import migrations
from merchant.compliance.lists import queries as list_queries
from merchant.compliance.lists.ages import ListAge, read_ages
from merchant.compliance.lists.packaged import screening_index
from merchant.compliance.policies import in_force, soundness
from merchant.core import clock, pools, secret_key, spans
from merchant.core.audit_anchors import audit_faults
from merchant.core.errors import OperatorProblem
from merchant.core.heartbeat import GONE_AFTER_S, SKEW_NOTED_S
from merchant.core.host_names import is_loopback
from merchant.core.service import NoScheme, Service, open_service
from merchant.core.settings import Settings
from merchant.people.queries import account_faults
from merchant.programs import backup, runtime, safety
from merchant.programs.rotation import key_ids_in_use
from merchant.scheme import keys

Severity = Literal["ok", "info", "warning", "error"]

OLDEST_POSTGRES = 150_000  # server_version_num: our SQL is written to the level of 15
FEW_BYTES, TOO_FEW_BYTES = 1 << 30, 100 << 20
SKEW_TOLD, SKEW_HARMFUL = timedelta(seconds=SKEW_NOTED_S), timedelta(seconds=10)
KEY_EXPIRY_TOLD = timedelta(days=30)  # time to exchange keys with a hub by letter
BACKUP_STALE = timedelta(days=2)
JOB_LATE = timedelta(minutes=1)


class Finding(Struct, frozen=True):
    """One thing that was looked at."""

    severity: Severity
    code: str
    subject: str
    sentence: str


def exit_status(findings: list[Finding]) -> int:
    """0 when all is well, 1 with errors, 3 with warnings only."""
    severities = {finding.severity for finding in findings}
    return 1 if "error" in severities else 3 if "warning" in severities else 0


def look_at_machine(settings: Settings) -> list[Finding]:
    """What settings and files tell, without a database."""
    found: list[Finding] = []
    for check in MACHINE:
        try:
            found += check(settings)
        except OSError as error:
            sentence = f"{error.filename} cannot be looked at: {error.strerror}."
            found.append(Finding("error", "unreadable", "data folder", sentence))
    return found


async def look_at_database(settings: Settings, url: str) -> list[Finding]:
    """What the database tells. A fault that keeps a program from starting is told as the program would."""
    try:
        schema = await migrations.read_schema(url, runtime.roles_of(settings))
        migrations.check_schema(schema)
        async with open_service(settings, url) as service:
            found = [_schema(schema), database_tls(*await pools.read_route(url))]
            for check in SERVICE:
                found += await check(service)
            return found
    except OperatorProblem as problem:
        return [of_problem(problem)]


def of_problem(problem: Exception) -> Finding:
    """What stops a program, as a finding."""
    code = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(problem).__name__)
    return Finding("error", code.lstrip("_"), "start", str(problem))


def _settings(settings: Settings) -> list[Finding]:
    found = [
        Finding(fault.severity, fault.code, "settings", fault.sentence)
        for fault in safety.faults(settings, demo=(settings.data_dir / "demo.json").exists())
    ]
    if settings.otlp_url and not spans.is_installed():
        found.append(of_problem(spans.NoTelemetry()))
    return found or [Finding("ok", "settings", "settings", "Every setting is within its bounds.")]


def _secret_key(settings: Settings) -> list[Finding]:
    try:
        vault = secret_key.open_vault(settings)
    except OperatorProblem as problem:
        return [of_problem(problem)]
    if not settings.secret_key and _mode(secret_key.path_of(settings)) & 0o077:
        sentence = f"{vault.source} can be read by other users of this machine: chmod 600 it."
        return [Finding("error", "key_file_open", "secret key", sentence)]
    return [Finding("ok", "secret_key", "secret key", f"{vault.source} holds {', '.join(vault.key_ids)}.")]


def _data_folder(settings: Settings) -> list[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        return [Finding("info", "no_data_folder", "data folder", f"{folder} does not exist yet.")]
    found = []
    if _mode(folder) & 0o022:
        sentence = f"{folder} can be written to by other users of this machine: chmod 700 it."
        found.append(Finding("error", "data_folder_open", "data folder", sentence))
    free = shutil.disk_usage(folder).free
    if free < FEW_BYTES:
        severity: Severity = "error" if free < TOO_FEW_BYTES else "warning"
        found.append(Finding(severity, "disk_full", "data folder", f"{folder} has {free >> 20} MB left."))
    return found or [Finding("ok", "data_folder", "data folder", f"{folder} has {free >> 30} GB left.")]


def _screening_list(settings: Settings) -> list[Finding]:
    index = screening_index(settings.screening_list)
    if index is None:
        sentence = f"{settings.screening_list} cannot be read: new applications would be 'not checked'."
        return [Finding("error", "no_screening_list", "screening", sentence)]
    published = min(version.published_on for version in index.versions)
    sentence = f"The list at hand until others are put: {index.entry_count} entries of {published}."
    return [Finding("ok", "screening_list", "screening", sentence)]


def _database_kind(settings: Settings) -> list[Finding]:
    if settings.database_url:
        return []
    sentence = "The embedded PostgreSQL is used; MERCHANT_DATABASE_URL takes one that is looked after."
    return [Finding("info", "embedded_database", "database", sentence)]


def _backup(settings: Settings) -> list[Finding]:
    taken_at = backup.last_taken_at(settings)
    if taken_at is None:
        return [Finding("info", "no_backup", "backup", "`merchant backup` has not been run here yet.")]
    if clock.now() - taken_at > BACKUP_STALE:
        sentence = f"The last backup is of {clock.rfc3339(taken_at)}: run `merchant backup` every day."
        return [Finding("warning", "stale_backup", "backup", sentence)]
    return [Finding("ok", "backup", "backup", f"The last backup is of {clock.rfc3339(taken_at)}.")]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _schema(schema: migrations.Schema) -> Finding:
    if schema.is_ahead:
        sentence = (
            f"This database is newer than this program (revision {schema.revision}, this program knows"
            f" {migrations.newest()}), which still works with it: install the newer release."
        )
        return Finding("warning", "schema_ahead", "database", sentence)
    return Finding("ok", "schema", "database", f"The schema is current, revision {schema.revision}.")


def database_tls(address: str | None, is_tls: bool) -> Finding:
    """Whether what goes to the database may be read on the way; `address` is None for a socket of this machine."""
    if address is None or is_loopback(address):
        return Finding("ok", "database_tls", "database", "The database is on this machine.")
    if is_tls:
        return Finding("ok", "database_tls", "database", f"TLS guards the way to {address}.")
    sentence = (
        f"What goes to the database at {address} passes in clear: turn TLS on there, and set PGSSLMODE=verify-full and"
        " PGSSLROOTCERT here."
    )
    return Finding("warning", "database_tls", "database", sentence)


async def _server(service: Service) -> list[Finding]:
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow(
            "SELECT current_setting('server_version_num')::int AS version, current_setting('server_version') AS name,"
            " session_user = pg_get_userbyid(datdba) AS owns FROM pg_database"
            " WHERE datname = current_database()"
        )
    assert row is not None
    found = []
    if row["version"] < OLDEST_POSTGRES:
        found.append(Finding("error", "old_postgres", "database", f"PostgreSQL {row['name']} is older than 15."))
    skew = timedelta(seconds=abs(service.db.clock_skew_s))
    if skew > SKEW_TOLD:
        severity: Severity = "error" if skew > SKEW_HARMFUL else "warning"
        sentence = f"The clocks of this machine and of the database differ by {skew.total_seconds():.1f} s: use NTP."
        found.append(Finding(severity, "clock_skew", "clock", sentence))
    if row["owns"] and service.settings.database_url:
        sentence = "The service runs under the database's owner; `merchant database roles` makes a login with less."
        found.append(Finding("info", "owner_login", "database", sentence))
    return found or [Finding("ok", "server", "database", f"PostgreSQL {row['name']}, and its clock agrees.")]


async def _scheme(service: Service) -> list[Finding]:
    try:
        scheme = await service.scheme()
    except NoScheme as problem:
        return [of_problem(problem)]
    return [Finding("ok", "scheme", "scheme", f"{scheme.name}, {', '.join(scheme.currencies)}, {scheme.time_zone}.")]


async def _keys_in_use(service: Service) -> list[Finding]:
    used = await key_ids_in_use(service)
    held = service.vault.key_ids
    found = [
        Finding(
            "error",
            "missing_secret_key",
            "secret key",
            f"{service.vault.source} lacks key {key_id!r}, under which there is data in {', '.join(sorted(tables))}.",
        )
        for key_id, tables in sorted(used.items())
        if key_id not in held
    ]
    if stale := sorted(set(used) & set(held[1:])):
        sentence = f"There is data under the older key {', '.join(stale)}: run `merchant rotate-keys`."
        found.append(Finding("warning", "rotation_unfinished", "secret key", sentence))
    elif unused := held[1:]:
        sentence = f"Nothing is sealed under the older key {', '.join(unused)}: `merchant rotate-keys --drop-old`."
        found.append(Finding("info", "old_secret_key", "secret key", sentence))
    return found


_DFSPS = "SELECT fsp_id, hub_url FROM dfsp WHERE enabled ORDER BY fsp_id"
_OWN_KEYS = "SELECT DISTINCT fsp_id FROM scheme_key WHERE purpose = $1"


async def _hub(service: Service) -> list[Finding]:
    async with service.db.system_reads() as tx:
        dfsps = await tx.fetch(_DFSPS)
        ours = {row["fsp_id"] for row in await tx.fetch(_OWN_KEYS, keys.JWS_SIGN)}
        partners = await tx.fetchval("SELECT count(*) FROM scheme_key WHERE purpose = $1", keys.JWS_VERIFY)
    if not dfsps:
        return [Finding("info", "no_dfsp", "hub", "No DFSP is enabled yet.")]
    found = []
    if without := [row["fsp_id"] for row in dfsps if not (row["hub_url"] or service.settings.hub_url)]:
        sentence = f"There is no hub URL for {', '.join(without)}: set MERCHANT_HUB_URL, or theirs."
        found.append(Finding("error", "no_hub_url", "hub", sentence))
    if without := [row["fsp_id"] for row in dfsps if row["fsp_id"] not in ours]:
        sentence = f"There is no signing key for {', '.join(without)}."
        found.append(Finding("error", "no_signing_key", "hub", sentence))
    if service.settings.require_signatures and not partners:
        sentence = "Signatures are required and no key of the hub or a partner is known: every message is refused."
        found.append(Finding("error", "no_partner_keys", "hub", sentence))
    return found or [Finding("ok", "hub", "hub", f"DFSPs enabled: {len(dfsps)}; keys of others: {partners}.")]


async def _expiring_keys(service: Service) -> list[Finding]:
    """Keys whose FSP has no other that is valid for longer."""
    until = clock.now() + KEY_EXPIRY_TOLD
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(
            "SELECT fsp_id, purpose, max(valid_until) AS ends_at FROM scheme_key GROUP BY fsp_id, purpose"
            " HAVING bool_and(valid_until IS NOT NULL) AND max(valid_until) <= $1 ORDER BY 3",
            until,
        )
    return [
        Finding(
            "warning" if row["ends_at"] > clock.now() else "error",
            "key_expires",
            "hub",
            f"The last key ({row['purpose']}) of {row['fsp_id']} is valid until {clock.rfc3339(row['ends_at'])}.",
        )
        for row in rows
    ]


async def _jobs(service: Service) -> list[Finding]:
    async with service.db.system_reads() as tx:
        dead = await tx.fetchval("SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL")
        late = await tx.fetchval(
            "SELECT count(*) FROM outbox WHERE dead_at IS NULL AND order_key IS NULL AND run_at < $1",
            clock.now() - JOB_LATE,
        )
    found = []
    if dead:
        sentence = f"{dead} jobs failed too often: see `merchant outbox list`."
        found.append(Finding("warning", "dead_jobs", "jobs", sentence))
    if late:
        sentence = f"{late} jobs have been due for more than a minute: is a worker running?"
        found.append(Finding("warning", "late_jobs", "jobs", sentence))
    return found or [Finding("ok", "jobs", "jobs", "No job is dead or late.")]


async def _screening_lists(service: Service) -> list[Finding]:
    async with service.db.system_reads() as tx:
        ages = await read_ages(service, tx)
        refused = await tx.fetch(list_queries.LAST_REFUSED)
    found = [_list_age(one) for one in ages if one.published_on is not None]
    found += [
        Finding(
            "warning",
            "screening_list_refused",
            "screening",
            f"The last file of {row['source']}, put {clock.rfc3339(row['fetched_at'])}, was refused: {row['problem']}.",
        )
        for row in refused
    ]
    return found


def _list_age(one: ListAge) -> Finding:
    told = f"{one.source} of {one.published_on}"
    if one.entry_count is not None and one.checked_at is not None:
        told = f"{told}, {one.entry_count} entries, last seen current {clock.rfc3339(one.checked_at)}"
    if one.stale == "not_checked":
        sentence = f"Names are 'not checked': the list is too old ({told}). Put a current one by `merchant lists put`."
        return Finding("error", "stale_screening_list", "screening", sentence)
    if one.stale:
        sentence = f"The list is old ({told}): put a current one by `merchant lists put`."
        return Finding("warning", "stale_screening_list", "screening", sentence)
    return Finding("ok", "screening_lists", "screening", f"{told}.")


_WORKERS = """
SELECT count(*) AS known, count(*) FILTER (WHERE seen_at > clock_timestamp() - $1::interval) AS running,
  max(abs(clock_skew_s)) FILTER (WHERE seen_at > clock_timestamp() - $1::interval) AS skew_s
FROM worker_heartbeat
"""


async def _workers(service: Service) -> list[Finding]:
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow(_WORKERS, timedelta(seconds=GONE_AFTER_S))
    assert row is not None
    if not row["known"]:
        return [Finding("info", "no_worker", "jobs", "No worker has run yet.")]
    if not row["running"]:
        sentence = "No worker has been seen for half a minute: start `merchant worker` or `merchant serve`."
        return [Finding("warning", "worker_silent", "jobs", sentence)]
    if row["skew_s"] > SKEW_TOLD.total_seconds():
        sentence = f"The clock of a worker differs from the database's by {row['skew_s']:.1f} s: use NTP."
        return [Finding("warning", "worker_clock_skew", "clock", sentence)]
    return [Finding("ok", "workers", "jobs", f"Workers that run: {row['running']}.")]


async def _restored(service: Service) -> list[Finding]:
    if not service.reconciling:
        return []
    sentence = "Restored from a backup and not yet reconciled with the hub: no payment is taken until `serve` has."
    return [Finding("warning", "not_reconciled", "hub", sentence)]


async def _accounts(service: Service) -> list[Finding]:
    async with service.db.system_reads() as tx:
        found = await account_faults(tx)
    severities: dict[str, Severity] = {"error": "error", "warning": "warning"}
    told = [Finding(severities[severity], code, "accounts", sentence) for severity, code, sentence in found]
    return told or [Finding("ok", "accounts", "accounts", "Whoever must be two is two, with a second factor.")]


async def _policies(service: Service) -> list[Finding]:
    try:
        day = await in_force.today(service)
    except NoScheme:
        return []  # which _scheme tells
    async with service.db.system_reads() as tx:
        known = await in_force.read_policies(tx)
        faults = await soundness.stored_faults(tx, known, day)
    if faults:
        return [Finding("error", "policy_unsound", "policies", f"{fault}. Publish another one.") for fault in faults]
    return [Finding("ok", "policies", "policies", f"{known.in_force(None, day).policy_version} is in force.")]


async def _audit_record(service: Service) -> list[Finding]:
    # The first anchor is written by the first worker: a new installation has none yet.
    found = [
        Finding("warning" if one.code == "anchor_missing" else "error", one.code, "audit record", one.sentence)
        for one in await audit_faults(service)
    ]
    return found or [Finding("ok", "audit_anchors", "audit record", "Its heads are anchored outside the database.")]


# Every check there is. One that needs no database goes into the first list, every other into the second.
_OfMachine = tuple[Callable[[Settings], list[Finding]], ...]
MACHINE: _OfMachine = (_settings, _secret_key, _data_folder, _screening_list, _database_kind, _backup)
SERVICE: tuple[Callable[[Service], Awaitable[list[Finding]]], ...] = (
    _server,
    _scheme,
    _keys_in_use,
    _hub,
    _expiring_keys,
    _screening_lists,
    _jobs,
    _workers,
    _restored,
    _accounts,
    _policies,
    _audit_record,
)
