"""docs/reference/ says what the code says, and every problem's code has words of its own that tell what to do."""

import re
import subprocess
import sys
from collections import Counter

import click
import msgspec
import pytest
import yaml

from merchant.cli.main import cli
from merchant.core.access import Permission, Role
from merchant.core.settings import PREFIX, Settings
from merchant.notify.events import EventType
from merchant.programs import openapi
from merchant.programs.slices import ROUTES
from tests.docs import error_pages, reference
from tests.docs.error_pages import Code
from tests.rules.source_rules import ROOT


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """What the pages should be, told by a process of its own: other tests open applications, which add metrics."""
    tell = "import sys, msgspec; from tests.docs import reference; "
    tell += "sys.stdout.buffer.write(msgspec.json.encode(reference.documents()))"
    told = subprocess.run([sys.executable, "-c", tell], cwd=ROOT, capture_output=True, check=True)
    return msgspec.json.decode(told.stdout, type=dict[str, str])


def test_the_reference_is_made_of_the_code(pages: dict[str, str]) -> None:
    assert reference.stale(pages) == [], "make states"


def test_every_code_has_words_and_there_are_words_for_no_other() -> None:
    assert sorted(error_pages.words()) == list(error_pages.codes())


@pytest.mark.parametrize("code", error_pages.codes().values(), ids=lambda one: one.code)
def test_the_words_of_a_code_tell_its_cause_who_meets_it_and_what_to_do(code: Code) -> None:
    written = error_pages.words()[code.code]
    assert error_pages.FIELDS <= written.keys() <= error_pages.FIELDS | {"again"}
    assert written.get("again", "no") in ("no", "later")
    for name in error_pages.FIELDS:
        assert re.match(r"[A-Z`].*[.!?`]$", written[name]), name
    assert len(written["means"]) >= 30
    assert len(written["do"]) >= 12
    assert written["means"].rstrip(".") != code.title.rstrip(".")


def test_no_cause_and_no_way_out_is_boilerplate() -> None:
    written = error_pages.words().values()
    causes = Counter(one["means"] for one in written)
    ways = Counter(one["do"] for one in written)
    assert [words for words, times in causes.items() if times > 1] == []
    assert [words for words, times in ways.items() if times > 3] == []  # several files are mended in the same way


def test_what_may_be_sent_again_is_never_what_the_caller_has_to_change() -> None:
    later = {code for code, one in error_pages.codes().items() if error_pages.again(one) == "later"}
    assert {"busy", "unavailable", "in_progress", "overloaded", "too_many_requests"} <= later
    assert later.isdisjoint({"invalid_fields", "idempotency_key_reused", "not_found", "numbers_exhausted"})


def test_words_about_codes_name_only_routes_settings_and_commands_that_exist() -> None:
    text = error_pages.SOURCE.read_text()
    known = {PREFIX + name.upper() for name in Settings.__struct_fields__}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", text)) <= known
    paths = msgspec.json.decode(openapi.documents(ROUTES)["merchant.json"])["paths"]
    named = set(re.findall(r"`(GET|POST|PATCH|PUT|DELETE) (/api/v1/[^`?]+)", text))
    assert {(method, path) for method, path in named if method.lower() not in paths.get(path, {})} == set()
    assert isinstance(cli, click.Group)
    assert {words.split()[0] for words in re.findall(r"`merchant ([a-z -]+)`", text)} <= set(cli.commands)


def test_every_setting_event_permission_and_role_is_in_its_page(pages: dict[str, str]) -> None:
    for name in Settings.__struct_fields__:
        assert f"| `{PREFIX}{name.upper()}` |" in pages["settings.md"]
    for kind in EventType:
        assert f"## {kind.value}\n" in pages["events.md"]
    for one in (*Permission, *Role):
        assert f"| `{one}` |" in pages["permissions.md"]


def test_every_unsafe_setting_that_the_service_knows_is_told(pages: dict[str, str]) -> None:
    source = (ROOT / "merchant" / "programs" / "safety.py").read_text()
    codes = set(re.findall(r'Fault\(\s*"(\w+)"', source))
    assert {code for code in codes if f"| `{code}` |" not in pages["settings.md"]} == set()
    assert len(codes) > 10


def test_every_route_command_metric_and_alert_is_in_its_page(pages: dict[str, str]) -> None:
    for name in ("merchant", "oracle", "fspiop"):
        document = msgspec.json.decode(openapi.documents(ROUTES)[f"{name}.json"])
        for methods in document["paths"].values():
            for method, one in methods.items():
                assert method == "parameters" or f"(/docs/{name}/{one['operationId']})" in pages["api.md"]
    assert isinstance(cli, click.Group)
    for command in cli.commands:
        assert f"## merchant {command}\n" in pages["commands.md"]
    rules = yaml.safe_load((ROOT / "deploy" / "monitoring" / "alerts.yml").read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        assert f"[{rule['alert']}]" in pages["metrics.md"]
        metrics = re.findall(r"\bmerchant_(?:outbox|hub|payment|workers|screening|database|backup)\w*", rule["expr"])
        for metric in metrics:
            bare = re.sub(r"_(?:total|bucket|count|sum)$", "", metric)
            assert f"| `{bare}` |" in pages["metrics.md"], metric


def test_every_action_that_is_written_by_its_name_is_in_the_page(pages: dict[str, str]) -> None:
    written = set()
    for path in (ROOT / "merchant").rglob("*.py"):
        written |= set(re.findall(r'audit\.record\(\s*tx,\s*[\w.]+,\s*"([a-z_.]+)"', path.read_text()))
    assert len(written) > 40
    assert {action for action in written if f"| `{action}` |" not in pages["audit.md"]} == set()
