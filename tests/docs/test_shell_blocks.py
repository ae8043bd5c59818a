"""The shell blocks of each document, run in their order as a reader would: in a folder with the tracked files alone.

Pages that need a demo get one of their own on free ports; what they call `http://localhost:8000` is that one.
`merchant` is on the PATH, and .venv is ours. The first command that fails ends a page, and so does a block that takes
too long.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from merchant.core.settings import Settings
from tests.docs import patient_curl
from tests.docs.shell_blocks import Block, every_block, needs_demo
from tests.merchant.demo.simulator.conftest import free_port
from tests.rules.source_rules import ROOT

pytestmark = pytest.mark.slow
BLOCK_S = 180.0  # of a busy machine
START_S = 600.0  # of a busy machine, which writes the demo's world; an idle one takes a tenth
_RUN = [block for block in every_block() if block.is_run]
PAGES = sorted({block.path for block in _RUN})
# What a newcomer types first is tried with the slow tests; the other pages, a demo each, by `make blocks`.
FIRST_READ = {"README.md", "docs/tutorial/start.md", "docs/tutorial/payment.md"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that a clone would have, with what is installed."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    folder = tmp_path / "merchant"
    for name in filter(None, names):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "merchant").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m merchant "$@"\n')
    patient = ROOT / "tests" / "docs" / "patient_curl.py"
    (tools / "curl").write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{patient}" "{os.environ["PATH"]}" "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return folder


def environment(checkout: Path, port: int, hub_port: int) -> dict[str, str]:
    """What a reader's terminal has, with ports of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MERCHANT_", "PYTEST"))}
    return kept | {
        "PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "PYTHONUNBUFFERED": "1",
        "MERCHANT_PORT": str(port),
        "MERCHANT_SIMULATOR_PORT": str(hub_port),
    }


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo that has been stopped, written once for the pages of all processes of the run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "demo-world"
    with (shared / "demo-world.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "checkout").mkdir(parents=True)
            env = environment(ROOT, free_port(), free_port()) | {"MERCHANT_DATA_DIR": str(folder / "data")}
            with demo(folder / "checkout", env):
                pass
            (folder / "ready").touch()
    return folder / "data"


@contextlib.contextmanager
def demo(checkout: Path, env: dict[str, str]) -> Iterator[None]:
    """A demo in the copy until the block ends."""
    log = checkout.parent / "demo.log"
    with log.open("wb") as output:
        program = subprocess.Popen(
            [sys.executable, "-m", "merchant", "demo"], cwd=checkout, env=env, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_S
        while "\nready " not in log.read_text():
            assert program.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.1)
        yield
        program.send_signal(signal.SIGINT)
        program.wait(60)
    finally:
        program.kill()
        program.wait()


def addressed(text: str, env: dict[str, str]) -> str:
    """A block that speaks to this demo instead of that of the default ports."""
    own = f"127.0.0.1:{env['MERCHANT_PORT']}"
    return re.sub(rf"\b(?:localhost|127\.0\.0\.1):{Settings().port}\b", own, text)


def run_blocks(blocks: list[Block], checkout: Path, env: dict[str, str], block_s: float = BLOCK_S) -> None:
    """Run the blocks of a page in one shell. Fails with the block's place and the end of what it printed."""
    script, marks, log = (checkout.parent / name for name in ("page.sh", "marks", "page.log"))
    begun = [f"echo {number} >> '{marks}'\n{addressed(block.text, env)}" for number, block in enumerate(blocks)]
    script.write_text("\n".join(begun))
    marks.write_text("")
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-e", str(script)],
            cwd=checkout,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    reached, deadline = 0, time.monotonic() + block_s
    try:
        while shell.poll() is None and time.monotonic() < deadline:
            count = marks.read_text().count("\n")
            if count > reached:
                reached, deadline = count, time.monotonic() + block_s
            time.sleep(0.05)
        in_time = shell.poll() is not None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
    last = blocks[max(0, marks.read_text().count("\n") - 1)]
    told = f"{last.path}:{last.line}\n{log.read_text()[-3000:]}"
    assert in_time, f"longer than {block_s:.0f} s: {told}"
    assert shell.returncode == 0, told


@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=() if path in FIRST_READ else pytest.mark.blocks) for path in PAGES]
)
def test_the_blocks_of_a_page_do_what_it_says(path: str, checkout: Path, request: pytest.FixtureRequest) -> None:
    env = environment(checkout, free_port(), free_port())
    if needs_demo(path):
        copied = ["cp", "-a", str(request.getfixturevalue("world")), str(checkout / ".data")]
        subprocess.run(copied, check=True)  # with its owners: PostgreSQL's files are not root's
    with demo(checkout, env) if needs_demo(path) else contextlib.nullcontext():
        run_blocks([block for block in _RUN if block.path == path], checkout, env)


# --- the harness -----------------------------------------------------------------------------------------------------


def page(*texts: str) -> list[Block]:
    """A page of these blocks."""
    return [Block("page.md", 10 * number, "sh", text, "") for number, text in enumerate(texts, 1)]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder to run in."""
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def test_the_blocks_of_a_page_share_a_shell_and_a_folder(bare: Path) -> None:
    env = environment(bare, 1, 2)
    run_blocks(page("WORD=shared\necho a > file\n", 'test "$WORD" = shared\ntest -s file\n'), bare, env)


def test_the_first_command_that_fails_names_its_block_and_ends_the_page(bare: Path) -> None:
    with pytest.raises(AssertionError, match=r"page\.md:20\n\s*so far"):
        run_blocks(
            page("true\n", "echo so far\nfalse\ntouch reached\n", "touch reached\n"), bare, environment(bare, 1, 2)
        )
    assert not (bare / "reached").exists()


def test_a_block_that_does_not_end_is_stopped_with_what_it_started(bare: Path) -> None:
    with pytest.raises(AssertionError, match=r"longer than 1 s: page\.md:20"):
        run_blocks(page("true\n", "sleep 600 & echo $! > pid\nwait\n"), bare, environment(bare, 1, 2), block_s=1)
    state = Path(f"/proc/{(bare / 'pid').read_text().strip()}/stat")
    deadline = time.monotonic() + 30
    while state.exists() and state.read_text().split()[2] != "Z":  # a killed process of a busy machine ends later
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_page_speaks_to_its_own_demo_and_knows_no_setting_of_ours(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MERCHANT_DATABASE_URL", "postgresql://somewhere")
    env = environment(bare, 4000, 5000)
    text = "curl http://localhost:8000/docs http://127.0.0.1:8000/ \n"
    assert addressed(text, env) == "curl http://127.0.0.1:4000/docs http://127.0.0.1:4000/ \n"
    assert "MERCHANT_DATABASE_URL" not in env


class _Busy(BaseHTTPRequestHandler):
    """Refuses the first two calls of each path as a loaded service does, and whatever begins with /strict."""

    seen: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        self.seen[self.path] += 1
        busy = self.path.startswith("/busy") and self.seen[self.path] < 3
        body = b'{"code":"overloaded"}' if busy else b'{"code":"too_many_requests"}'
        self.send_response(429 if busy or self.path == "/strict" else 200)
        self.end_headers()
        self.wfile.write(body if busy or self.path == "/strict" else b"done")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_curl_repeats_what_a_busy_service_refused_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(patient_curl, "PAUSE_S", 0.0)
    with HTTPServer(("127.0.0.1", 0), _Busy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        asked = {}
        for path, options in (("/busy", ["-s"]), ("/busy-f", ["-sf"]), ("/strict", ["-s"])):
            status = patient_curl.main([*options, f"http://127.0.0.1:{server.server_port}{path}"], os.environ["PATH"])
            asked[path] = (status, capfdbinary.readouterr().out)
        server.shutdown()
    assert asked == {"/busy": (0, b"done"), "/busy-f": (0, b"done"), "/strict": (0, b'{"code":"too_many_requests"}')}
    assert _Busy.seen == {"/busy": 3, "/busy-f": 3, "/strict": 1}
