"""A Citus cluster on one machine, for the tests that MERCHANT_TEST_CITUS_URL points at it: a coordinator, two workers.

    python -m tests.operations.citus_cluster

It prints the coordinator's address, runs until it is ended, and leaves nothing. Citus itself is not in Debian: how it
is built is in docs/how-to/past-one-machine.md.
"""

import signal
import tempfile
from pathlib import Path

import click

from tests.operations.installation import Machine, Postgres, needs

_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 300", "jit = off")
_CITUS = (
    "shared_preload_libraries = 'citus'",
    "wal_level = logical",
    "max_prepared_transactions = 300",
    "citus.override_table_visibility = off",
    "citus.allow_modifications_from_workers_to_replicated_tables = off",
    "citus.node_conninfo = 'sslmode=disable'",
)
SHARDS = 4


def start_cluster(machine: Machine, workers: int = 2) -> list[Postgres]:
    """Start it; the coordinator, which knows the workers, and they."""
    found = needs("initdb")
    nodes = [Postgres(machine, name, found) for name in ["coordinator", *(f"worker{n}" for n in range(1, workers + 1))]]
    for node in nodes:
        node.make(*_FAST, *_CITUS, f"citus.shard_count = {SHARDS}")
        node.start()
        node.psql("CREATE EXTENSION citus")
    nodes[0].psql(f"SELECT citus_set_coordinator_host('127.0.0.1', {nodes[0].port})")
    for node in nodes[1:]:
        nodes[0].psql(f"SELECT citus_add_node('127.0.0.1', {node.port})")
    return nodes


@click.command()
def main() -> None:
    """Start it and wait for the end."""
    with tempfile.TemporaryDirectory(prefix="merchant-citus-") as folder:
        Path(folder).chmod(0o711)
        machine = Machine(Path(folder))
        try:
            coordinator, *_ = start_cluster(machine)
            click.echo(f"MERCHANT_TEST_CITUS_URL={coordinator.url('postgres', 'postgres')}")
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
        finally:
            machine.close()


if __name__ == "__main__":
    main()
