"""The primary is killed while customers pay: `python -m tests.operations.failover`.

Two PostgreSQL servers under Patroni with etcd, one replicating to the other before a commit is acknowledged; haproxy
leads to whichever is the primary; PgBouncer (pool_mode=session) stands between it and two service nodes and a worker.
First the primary's PostgreSQL alone is killed, then, once there are two again, its whole node with Patroni: kill -9.
"""

import asyncio
import json
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import click

from tests.operations import payers as paying
from tests.operations.installation import (
    LOGIN_PASSWORD,
    OWNER_PASSWORD,
    Machine,
    database_url,
    free_port,
    http_status,
    make_roles,
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
BACK_WITHIN_S = 15.0
BEFORE, AFTER = 40, 60  # demands answered before and after each kill

# A node that is lost is noticed when its lease in etcd ends (ttl), a PostgreSQL that died when Patroni looks
# (loop_wait), and primary_start_timeout: 0 lets the other take over at once instead of waiting for its recovery.
PATRONI = """
scope: merchant
name: {name}
restapi: {{listen: "127.0.0.1:{api}", connect_address: "127.0.0.1:{api}"}}
etcd3: {{hosts: "127.0.0.1:{etcd}"}}
bootstrap:
  dcs:
    ttl: 9
    loop_wait: 2
    retry_timeout: 3
    primary_start_timeout: 0
    maximum_lag_on_failover: 1048576
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 200, synchronous_commit: "on"}}
  initdb: [{{encoding: UTF8}}, {{auth: trust}}, data-checksums]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {folder}/data-{name}
  bin_dir: {bin}
  pgpass: {folder}/pgpass-{name}
  authentication:
    superuser: {{username: postgres, password: none}}
    replication: {{username: replicator, password: none}}
    rewind: {{username: rewinder, password: none}}
  parameters: {{unix_socket_directories: "{folder}"}}
  pg_hba: ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"]
"""

# Patroni answers /primary with 200 on the primary alone. Sessions with a server that is one no more are ended.
HAPROXY = """
global
    maxconn 500
defaults
    mode tcp
    timeout connect 2s
    timeout client 24h
    timeout server 24h
listen primary
    bind 127.0.0.1:{primary}
    option httpchk GET /primary
    default-server check inter 500ms fastinter 250ms fall 2 rise 1 on-marked-down shutdown-sessions
    server a 127.0.0.1:{a} check port {api_a}
    server b 127.0.0.1:{b} check port {api_b}
listen nodes
    mode http
    option forwardfor
    option httpchk GET /health/live
    retries 3
    retry-on conn-failure
    option redispatch 1
    timeout client 30s
    timeout server 30s
    bind 127.0.0.1:{public}
    server one 127.0.0.1:{one} check inter 500ms
    server two 127.0.0.1:{two} check inter 500ms
"""

PGBOUNCER = """
[databases]
merchant = host=127.0.0.1 port={primary}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {pooler}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/userlist.txt
pool_mode = session
default_pool_size = 120
max_client_conn = 400
; a server that cannot be reached is tried again soon, and nobody waits for it longer than the service itself waits
server_connect_timeout = 2
server_login_retry = 1
query_wait_timeout = 5
tcp_keepalive = 1
tcp_user_timeout = 5000
"""


class Cluster:
    """Two PostgreSQL servers under Patroni, and what stands before them."""

    def __init__(self, machine: Machine, found: dict[str, str]) -> None:
        self.machine, self.found = machine, found
        self.bin = Path(found["initdb"]).parent
        names = (
            "etcd",
            "peer",
            "a",
            "b",
            "api_a",
            "api_b",
            "primary",
            "pooler",
            "public",
            "one",
            "two",
            "worker",
            "hub",
        )
        self.ports = {name: free_port() for name in names}

    def start(self) -> None:
        """Bring up etcd, then both servers, and wait until the second follows the first synchronously."""
        etcd, peer = self.ports["etcd"], self.ports["peer"]
        self.machine.new_folder("etcd")
        client, peers = f"http://127.0.0.1:{etcd}", f"http://127.0.0.1:{peer}"
        self.machine.start(
            "etcd",
            [
                self.found["etcd"],
                "--name",
                "only",
                "--data-dir",
                self.machine.folder / "etcd",
                "--listen-client-urls",
                client,
                "--advertise-client-urls",
                client,
                "--listen-peer-urls",
                peers,
                "--initial-advertise-peer-urls",
                peers,
                "--initial-cluster",
                f"only={peers}",
            ],
        )
        wait_until(lambda: http_status(f"{client}/health") == 200, "etcd did not start")
        for name in ("a", "b"):
            self.start_patroni(name)
            wait_until(lambda: self.primary() is not None, "there is no primary")
        self.wait_for_two()

    def start_patroni(self, name: str) -> None:
        """One node."""
        text = PATRONI.format(
            name=name,
            api=self.ports[f"api_{name}"],
            etcd=self.ports["etcd"],
            port=self.ports[name],
            folder=self.machine.folder,
            bin=self.bin,
        )
        self.machine.start(f"patroni-{name}", [self.found["patroni"], self.machine.write(f"patroni-{name}.yml", text)])

    def primary(self) -> str | None:
        """Which node is the primary."""
        return next((one for one in ("a", "b") if self._api(one, "primary") == 200), None)

    def wait_for_two(self) -> float:
        """Wait until a standby has what the primary acknowledged; how long that took."""
        return wait_until(
            lambda: any(self._api(one, "synchronous") == 200 for one in ("a", "b")),
            "there is no synchronous standby",
            120.0,
        )

    def _api(self, name: str, path: str) -> int:
        return http_status(f"http://127.0.0.1:{self.ports[f'api_{name}']}/{path}")

    def start_ways(self) -> None:
        """haproxy and PgBouncer."""
        folder = self.machine.folder
        users = {"merchant_owner": OWNER_PASSWORD, "merchant_login": LOGIN_PASSWORD, "postgres": "none"}
        self.machine.write("userlist.txt", "".join(f'"{name}" "{word}"\n' for name, word in users.items()))
        haproxy = self.machine.write("haproxy.cfg", HAPROXY.format(**self.ports))
        pgbouncer = self.machine.write("pgbouncer.ini", PGBOUNCER.format(folder=folder, **self.ports))
        self.machine.start("haproxy", [self.found["haproxy"], "-db", "-f", haproxy])
        self.machine.start("pgbouncer", [self.found["pgbouncer"], pgbouncer])

    def kill_postgres(self, name: str) -> None:
        """kill -9 the first process of a server: its Patroni goes on."""
        postmaster = (self.machine.folder / f"data-{name}" / "postmaster.pid").read_text().split()[0]
        os.kill(int(postmaster), signal.SIGKILL)

    def kill_node(self, name: str) -> None:
        """kill -9 a server and its Patroni at once, as if the machine had lost its power."""
        with (self.machine.folder / f"data-{name}" / "postmaster.pid").open() as file:
            postmaster = int(file.readline())
        self.machine.kill(f"patroni-{name}")
        os.kill(postmaster, signal.SIGKILL)

    def history(self) -> int:
        """The timeline that the primary writes."""
        name = self.primary()
        with urlopen(f"http://127.0.0.1:{self.ports[f'api_{name}']}/patroni") as answer:
            return int(json.load(answer)["timeline"])


async def one_kill(report: Report, cluster: Cluster, trade: Payers, owner_url: str, *, node: bool) -> None:
    """Kill the primary, and measure until a payment is made of a demand that came after."""
    victim = await asyncio.to_thread(cluster.primary)
    assert victim is not None
    await trade.answered_more(BEFORE)
    killed_at = datetime.now(UTC)
    what = f"node {victim} with Patroni" if node else f"PostgreSQL of node {victim}"
    (cluster.kill_node if node else cluster.kill_postgres)(victim)
    while not (answers := [at for at in trade.answered_at if at > killed_at + timedelta(seconds=0.5)]):
        await asyncio.sleep(0.05)
        if datetime.now(UTC) - killed_at > timedelta(seconds=90):
            break
    report.figure(f"killed: {what}; first demand taken after", _since(killed_at, answers[0] if answers else None))
    paid_at = None
    while paid_at is None and datetime.now(UTC) - killed_at < timedelta(seconds=120):
        await asyncio.sleep(0.3)
        try:
            paid_at = await paying.paid_after(owner_url, max(answers[:1] or [killed_at]))
        except OSError:
            continue
    seconds = (paid_at - killed_at).total_seconds() if paid_at else 999.0
    report.promise(
        f"payments flow again after ({'node' if node else 'PostgreSQL'} lost), at most {BACK_WITHIN_S:.0f} s",
        f"{seconds:.1f} s",
        kept=seconds <= BACK_WITHIN_S,
    )
    now = await asyncio.to_thread(cluster.primary)
    report.promise("the other server is the primary", f"{victim} → {now}", kept=now not in (None, victim))
    await trade.answered_more(AFTER)
    if node:
        await asyncio.to_thread(cluster.start_patroni, victim)
    await asyncio.to_thread(cluster.wait_for_two)
    report.figure("the killed server follows the new primary again after", _since(killed_at, datetime.now(UTC)))


def _since(moment: datetime, then: datetime | None) -> str:
    return f"{(then - moment).total_seconds():.1f} s" if then else "never"


async def pay_and_kill(report: Report, cluster: Cluster, trade: Payers, owner_url: str) -> None:
    """Both kills under load, and the books."""
    async with trade:
        await one_kill(report, cluster, trade, owner_url, node=False)
        await one_kill(report, cluster, trade, owner_url, node=True)
        await trade.stop()
        report.figure("calm again after", f"{await paying.has_calmed(trade, owner_url):.0f} s")
        books = await paying.read(trade, owner_url)
    report.figure("answers that tills repeated", dict(trade.refused) or "none")
    paying.tell_books(report, trade, books)


@click.command()
def main() -> None:
    """Kill the primary under load; exit status 1 when money is lost or doubled, or it takes too long."""
    found = needs("initdb", "patroni", "etcd", "haproxy", "pgbouncer")
    report = Report("the primary is killed")
    with rehearsal(report) as machine:
        cluster = Cluster(machine, found)
        ports = cluster.ports
        cluster.start()
        cluster.start_ways()
        admin_url = database_url(ports["primary"], "postgres", "postgres")
        wait_until(lambda: cluster.primary() is not None, "there is no primary")
        time.sleep(1)
        make_roles(machine, str(cluster.bin / "psql"), admin_url)
        pooled = database_url(ports["pooler"])
        env = {
            name: node_environment(machine, name, ports[name], pooled, ports["hub"], ports["public"])
            for name in ("one", "two", "worker")
        }
        env["worker"]["MERCHANT_WORKER_PORT"] = str(ports["worker"])
        start_hub(machine, ports["hub"], ports["public"])
        owner_url = database_url(ports["primary"], "merchant_owner")
        shop = seed(machine, env["one"], owner_url)
        for name in ("one", "two", "worker"):
            start_merchant(machine, name, *(["worker"] if name == "worker" else ["serve"]), env=env[name])
            url = f"http://127.0.0.1:{ports[name]}/health/live"
            wait_until(lambda url=url: http_status(url) == 200, f"{name} did not start")
        public = f"http://127.0.0.1:{ports['public']}"
        wait_until(lambda: http_status(f"{public}/health/ready") == 200, "the service is not ready")
        trade = Payers(public, f"http://127.0.0.1:{ports['hub']}", shop, PAYMENTS_PER_S)
        asyncio.run(pay_and_kill(report, cluster, trade, owner_url))
    sys.exit(0)


if __name__ == "__main__":
    main()
