"""What the tests of deploy/ share: its folder, and tools that a machine may lack."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def needs(tool: str, package: str) -> Any:
    """Skips a test where a tool of Debian is not installed."""
    told = f"{tool} is not here (Debian: apt-get install {package})"
    return pytest.mark.skipif(shutil.which(tool) is None, reason=told)


def run(*command: str | Path, folder: Path | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command's end; its words are in stdout and stderr."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def env_lines(text: str, *, with_samples: bool = False) -> dict[str, str]:
    """The settings of a file for systemd; with those that are commented out, if wanted."""
    lines = (line.removeprefix("#") if with_samples else line for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line[:1].isupper() and "=" in line)
    return {name: value for name, _, value in pairs if name.replace("_", "").isalnum()}
