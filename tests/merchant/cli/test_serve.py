"""`merchant serve` and `worker` refuse to start where spans are asked for that nothing can send."""

import sys
from pathlib import Path

import pytest

from merchant.cli import main
from merchant.core import spans


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_start_without_the_library_is_refused_before_anything_is_touched(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    for name, value in {"DATA_DIR": str(tmp_path / "data"), "OTLP_URL": "http://127.0.0.1:4318"}.items():
        monkeypatch.setenv(f"MERCHANT_{name}", value)
    with pytest.raises(spans.NoTelemetry, match="install the extra `otlp`"):
        main.cli([command], standalone_mode=False)
    assert not (tmp_path / "data").exists()
