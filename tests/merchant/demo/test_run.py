"""The demo as a newcomer sees it: one command, the main job on real input, Ctrl-C, and the same world again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from merchant.core import postgres
from merchant.demo.world import DemoWorld
from tests.merchant.demo.simulator.conftest import free_port

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "merchant", "demo"]
START_S = 180  # a busy machine; an idle one takes a tenth


def demo_env(data_dir: Path, port: int, hub_port: int) -> dict[str, str]:
    """The environment of a demo of its own."""
    return os.environ | {
        "MERCHANT_DATA_DIR": str(data_dir),
        "MERCHANT_PORT": str(port),
        "MERCHANT_SIMULATOR_PORT": str(hub_port),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running_demo(data_dir: Path, port: int, hub_port: int) -> Iterator[str]:
    """The demo until the block ends, stopped as by Ctrl-C; yields what it told until it was ready."""
    env = demo_env(data_dir, port, hub_port)
    log = data_dir.parent / f"demo-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        demo = subprocess.Popen(COMMAND, env=env, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_S
        while "\nready " not in log.read_text():
            assert demo.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.05)
        yield log.read_text()
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0, log.read_text()[-2000:]
        assert log.read_text().rstrip().endswith(f"stopped; the data is kept in {data_dir}")
    finally:
        demo.kill()
        demo.wait()


def refused(env: dict[str, str]) -> str:
    """What a demo that does not start says."""
    ended = subprocess.run(COMMAND, env=env, capture_output=True, text=True, timeout=START_S)
    assert ended.returncode == 1, ended.stdout
    return ended.stderr


def fetch(url: str, headers: dict[str, str] | None = None, body: Any = None) -> Any:
    """A call of someone who read demo.json."""
    data = None if body is None else json.dumps(body).encode()
    all_headers = (headers or {}) | ({"content-type": "application/json"} if data else {})
    with urllib.request.urlopen(urllib.request.Request(url, data, all_headers), timeout=10) as response:
        return json.load(response)


def test_one_command_shows_the_main_job_and_keeps_its_world(tmp_path: Path) -> None:
    data_dir, port, hub_port = tmp_path / "data", free_port(), free_port()
    with running_demo(data_dir, port, hub_port) as told:
        for expected in (
            "4/4 shops of the demo's own people",
            "200/200 applications written",
            "202 merchants have numbers",
            "DAWOOD IBRAHIM",
            "ZAWAHIRI",
            "ended paid",
            "ended rejected",
            "ended expired",
            "ended paid, late",
            "a shopper scans the code",
            f"http://127.0.0.1:{port}/demo",
            "amina@fruits.example",
        ):
            assert expected in told
        assert told.splitlines()[-1] == f"ready http://127.0.0.1:{port}"
        assert "\x1b" not in told
        known = json.loads((data_dir / "demo.json").read_bytes())
        assert (data_dir / "demo.json").stat().st_mode & 0o777 == 0o600
        check_world(known, port, hub_port)
        check_books(known)
        assert (data_dir / "qr-codes.pdf").read_bytes().startswith(b"%PDF")
    with running_demo(data_dir, port, hub_port) as told:
        assert "applications" not in told
        assert "customer" not in told
        again = json.loads((data_dir / "demo.json").read_bytes())
        assert again["users"] == known["users"]
        assert again["merchants"] == known["merchants"]
        check_books(again)


@pytest.mark.parametrize("taken", ["MERCHANT_PORT", "MERCHANT_SIMULATOR_PORT"])
def test_a_port_that_is_taken_is_told_before_anything_is_written(tmp_path: Path, taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        env = demo_env(tmp_path / "data", free_port(), free_port()) | {taken: str(other.getsockname()[1])}
        told = refused(env)
    assert f"is taken (Address already in use); stop the other program or set {taken}." in told
    assert not (tmp_path / "data").exists()


def test_a_start_that_was_killed_while_it_set_up_is_made_good_by_the_next(tmp_path: Path) -> None:
    data_dir, port, hub_port = tmp_path / "data", free_port(), free_port()
    with subprocess.Popen(COMMAND, env=demo_env(data_dir, port, hub_port), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "50/200 applications written" in line:
                break
        demo.kill()
    with running_demo(data_dir, port, hub_port) as told:
        assert "an earlier start was stopped before it had set everything up; starting over" in told
        assert "202 merchants have numbers" in told
        check_world(json.loads((data_dir / "demo.json").read_bytes()), port, hub_port)
    assert not (data_dir / "postgres.unfinished").exists()


def test_a_world_that_another_demo_is_setting_up_is_left_alone(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with postgres.start(data_dir / "postgres"):
        DemoWorld("http://127.0.0.1:8000", "", {}).save(data_dir)
        told = refused(demo_env(data_dir, free_port(), free_port()))
        assert f"Another demo is starting in {data_dir}; wait for it, or set MERCHANT_DATA_DIR." in told
        assert (data_dir / "demo.json").exists()
        assert (data_dir / "postgres").exists()


def test_an_installation_that_is_no_demo_is_never_made_one(tmp_path: Path) -> None:
    env = demo_env(tmp_path / "data", free_port(), free_port())
    facts = ["--name=A scheme", "--email=op@hub.example", "--domain=pay.example", "--country=KE", "--currency=KES"]
    seed = [sys.executable, "-m", "merchant", "seed", *facts, "--time-zone=Africa/Nairobi"]
    subprocess.run(seed, env=env | {"MERCHANT_SEED_PASSWORD": "a long passphrase"}, check=True, timeout=START_S)
    for _ in range(2):
        assert "set up already, and not as a demo; set MERCHANT_DATA_DIR to an empty folder." in refused(env)
        assert not (tmp_path / "data" / "demo.json").exists()


def check_world(known: dict[str, Any], port: int, hub_port: int) -> None:
    """demo.json holds what docs/contract.md says, and its credentials work."""
    base_url = f"http://127.0.0.1:{port}"
    assert (known["base_url"], known["simulator_url"]) == (base_url, f"http://127.0.0.1:{hub_port}")
    assert set(known["scheme"]) == {"currency", "time_zone"}
    assert known["ussd"]["code"] == "*384*123#"
    assert [set(dfsp) for dfsp in known["dfsps"]] == [{"id", "fsp_id", "name"}] * 3
    assert all(set(payer) == {"msisdn", "fsp_id", "behaviour"} for payer in known["payers"])
    for merchant in known["merchants"]:
        assert {"id", "trading_name", "dfsp", "tier", "counters"} <= set(merchant)
        assert all({"id", "alias"} <= set(counter) for counter in merchant["counters"])
    own = [one for one in known["merchants"] if "shop" in one]
    assert [one["shop"] for one in own] == ["stall", "cafeteria", "pharmacy", "company"]
    assert len(own[-1]["counters"]) == 3
    for user in known["users"]:
        session = fetch(f"{base_url}/api/v1/sessions", body={"email": user["email"], "password": user["password"]})
        assert sorted(session["user"]["roles"]) == sorted(user["roles"])
    for key in known["api_keys"]:
        assert fetch(f"{base_url}/api/v1/merchants?limit=1", {"x-api-key": key["key"]})["items"]


def check_books(known: dict[str, Any]) -> None:
    """Every payment of every DFSP is a committed transfer of the hub's ledger, and the other way round."""
    committed = {row["transfer_id"] for row in fetch(f"{known['simulator_url']}/ledger") if row["state"] == "COMMITTED"}
    received = []
    for key in known["api_keys"]:
        if "merchant_id" not in key:
            page = fetch(f"{known['base_url']}/api/v1/payments?limit=100", {"x-api-key": key["key"]})
            received += [payment["hub"]["transfer_id"] for payment in page["items"]]
    assert sorted(received) == sorted(committed)
    assert len(committed) == 6
