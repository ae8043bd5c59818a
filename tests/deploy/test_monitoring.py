"""Alarms and dashboards: every figure they name is exported, every rule holds in Prometheus and says what to do."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.builders import World

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
ALERTS = (MONITORING / "alerts.yml").read_text()
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
_METRIC = re.compile(r"\b(?:merchant|process|python)_\w+")
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not here (Debian: apt-get install prometheus)"
)


def panels(file: Path) -> list[dict[str, Any]]:
    found = json.loads(file.read_text())["panels"]
    assert isinstance(found, list)
    return found


def expressions(file: Path) -> list[str]:
    """The queries of a dashboard."""
    return [target["expr"] for panel in panels(file) for target in panel.get("targets", ())]


def promtool(*arguments: str, folder: Path = MONITORING) -> str:
    ended = subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.anyio
@pytest.mark.database
async def test_every_figure_that_alarms_and_dashboards_name_is_exported(
    client: httpx.AsyncClient, world: World
) -> None:
    await client.get("/health/live")
    exported: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", (await client.get("/metrics")).text, re.MULTILINE):
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(kind, [""])
        exported |= {name + end for end in ends}
    named = set(_METRIC.findall("\n".join(re.findall(r"expr: (?:\|\n)?((?:.|\n {10})*)", ALERTS))))
    for file in DASHBOARDS:
        named |= set(_METRIC.findall("\n".join(expressions(file))))
    assert len(named) > 30
    assert named - exported == set()


def test_every_alarm_names_a_section_that_says_what_to_do() -> None:
    text = (MONITORING / "operate.md").read_text()
    sections = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    runbooks = re.findall(r"runbook_url: operate\.md#(\S+)", ALERTS)
    assert len(runbooks) == len(alerts) == len(set(alerts))
    assert set(runbooks) - sections == set()
    assert ALERTS.count("severity: critical") + ALERTS.count("severity: warning") == len(alerts)


def test_the_pages_of_alarms_link_to_sections_that_exist() -> None:
    text = (MONITORING / "operate.md").read_text()
    sections = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= sections


def test_the_proof_expects_every_alarm_to_fire() -> None:
    proof = (MONITORING / "alerts.test.yml").read_text()
    assert f"value: {len(re.findall('- alert: ', ALERTS))}}}" in proof


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", "alerts.yml")


@needs_promtool
def test_alarms_fire_where_something_is_wrong_and_only_there() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")


@needs_promtool
def test_prometheus_takes_the_configuration(tmp_path: Path) -> None:
    shutil.copy(MONITORING / "prometheus.yml", tmp_path)
    (tmp_path / "rules").mkdir()
    shutil.copy(MONITORING / "alerts.yml", tmp_path / "rules")
    promtool("check", "config", "prometheus.yml", folder=tmp_path)


@needs_promtool
def test_prometheus_takes_every_query_of_the_dashboards(tmp_path: Path) -> None:
    queries = [query for file in DASHBOARDS for query in expressions(file)]
    rules = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    promtool("check", "rules", "queries.yml", folder=tmp_path)


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_has_panels_that_do_not_overlap_and_a_data_source_to_choose(file: Path) -> None:
    board = json.loads(file.read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["targets"], panel["title"]
    assert [one["type"] for one in board["templating"]["list"]] == ["datasource"]
