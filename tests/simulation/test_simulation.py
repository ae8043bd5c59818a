"""The simulation: what it lives through is true, the same every time, and it finds what is wrong."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.simulation.run import Run

FIXED_SEED, PAYMENTS = 20_270_131, 20_000
PLANTED = sorted((Path(__file__).parent / "planted").glob("*.patch"))


@pytest.mark.parametrize("seed", [FIXED_SEED, random.SystemRandom().randrange(10**9)], ids=["fixed", "fresh"])
def test_twenty_thousand_payments_with_faults_end_as_the_hubs_ledger_says(seed: int) -> None:
    sys.stdout.write(f"run it again: make simulate SEED={seed} PAYMENTS={PAYMENTS}\n")
    result = Run(seed, PAYMENTS).go()
    assert result.committed > PAYMENTS / 2
    assert set(result.ends) == {"paid", "rejected", "expired", "failed", "cancelled"}
    assert set(result.refunds) == {"refunded", "failed"}
    assert result.refunds["refunded"] > PAYMENTS / 50


def test_two_runs_of_a_seed_are_the_same_and_of_two_seeds_are_not() -> None:
    hashes = []
    for seed, hash_seed in ((1, "1"), (1, "2"), (2, "1")):
        command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--payments", "500"]
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}  # sets are in another order
        told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        hashes.append(told.rsplit("log ", 1)[1])
    assert hashes[0] == hashes[1] != hashes[2]


def test_there_are_five_planted_bugs() -> None:
    assert len(PLANTED) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("patch", PLANTED, ids=lambda path: path.stem)
def test_a_planted_bug_is_found(patch: Path, tmp_path: Path) -> None:
    for name in ("merchant", "kyb", "qr", "ussd"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "simulation", tmp_path / "tests" / "simulation")
    (tmp_path / "tests" / "__init__.py").touch()
    subprocess.run(["git", "apply", "--unsafe-paths", "-p1", str(patch)], cwd=tmp_path, check=True)
    command = [sys.executable, "-m", "tests.simulation", "--seed", "1", "--payments", str(PAYMENTS)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout
    assert "UNTRUE" in run.stderr, run.stderr
