"""What the documents say, checked against the code: the contract, citations, settings, commands, dependencies."""

import json
import pkgutil
import re
import tomllib

import click
import msgspec
import pytest

import kyb
from merchant.cli.main import cli
from merchant.compliance.cases.blocking.reasons import BlockReason
from merchant.compliance.cases.states import ApplicationState
from merchant.core.access import Role
from merchant.core.settings import PREFIX, Settings
from merchant.core.texts import OFFERED
from merchant.demo.simulator.behaviours import PLANS
from merchant.notify.events import EventType
from merchant.payments.states import RequestState
from merchant.registry.merchants.states import MerchantState
from tests.rules import citations, decisions
from tests.rules.citations import Text
from tests.rules.source_rules import ROOT

README = (ROOT / "README.md").read_text()
CONTRACT = (ROOT / "docs" / "contract.md").read_text()
PYPROJECT_TEXT = (ROOT / "pyproject.toml").read_text()
PYPROJECT = tomllib.loads(PYPROJECT_TEXT)
LOCK = (ROOT / "requirements.lock").read_text()


def shown(default: object) -> str:
    """A default as the README writes it."""
    text = str(default).lower() if isinstance(default, bool) else str(default).removeprefix(f"{ROOT}/")
    return f"`{text}`" if text else "–"


def test_the_readme_lists_every_setting_with_its_default_and_no_other() -> None:
    rows = re.findall(rf"^\| `({PREFIX}\w+)` \| (.+?) \| .+ \|$", README, re.MULTILINE)
    settings = [(PREFIX + one.name.upper(), shown(one.default)) for one in msgspec.structs.fields(Settings)]
    assert rows == settings


def test_the_readme_lists_every_command_and_no_other() -> None:
    listed = {words.split()[0] for words in re.findall(r"^\| `merchant ([a-z -]+)` \|", README, re.MULTILINE)}
    assert isinstance(cli, click.Group)
    assert listed == set(cli.commands)


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split()
    described = re.findall(r"^([a-z]+):.*## .+$", makefile, re.MULTILINE)
    assert sorted(phony) == sorted(described)


def test_every_dependency_has_its_reason_beside_it() -> None:
    lists = re.findall(r"^(?:dependencies|dev) = \[\n(.+?)^\]", PYPROJECT_TEXT, re.MULTILINE | re.DOTALL)
    lines = [line for block in lists for line in block.splitlines() if line.strip()]
    assert len(lines) == len(PYPROJECT["project"]["dependencies"]) + len(PYPROJECT["dependency-groups"]["dev"])
    assert [line for line in lines if not re.search(r"# \w.{10,}$", line)] == []


def test_the_lock_file_pins_every_dependency_with_hashes() -> None:
    wanted = PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["dev"]
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, re.MULTILINE))
    names = [re.split(r"[^A-Za-z0-9-]", text)[0].lower() for text in wanted]
    assert [name for name in names if name not in pinned] == []
    assert len(re.findall(r"^[a-z0-9-]+==[^\n]*\\\n    --hash=sha256:[0-9a-f]{64}", LOCK, re.MULTILINE)) == len(pinned)


def test_the_lock_file_names_no_index_and_no_place_on_a_disk() -> None:
    assert not re.search(r"https?://|file:|^-|@ ", LOCK, re.MULTILINE)


# --- the contract ----------------------------------------------------------------------------------------------------


def routes_of_the_contract() -> set[tuple[str, str]]:
    """Every (method, path) that docs/contract.md names; `…/x` continues the path before it, or replaces its end."""
    described = json.loads((ROOT / "openapi" / "merchant.json").read_text())["paths"]
    found, methods, path = set(), "", ""
    for given, whole, more in re.findall(r"`(?:([A-Z|]+) )?(?:(/(?:api|health)/[^`? ]+)|…(/[^`? ]+))", CONTRACT):
        methods = given or methods
        if more:
            further = [path + more, path.rpartition("/")[0] + more]
            whole = next((known for known in further if known in described), path + more)
        path = whole
        found |= {(method.lower(), path) for method in methods.split("|")}
    return found


def test_the_contract_names_every_route_and_no_other() -> None:
    described = json.loads((ROOT / "openapi" / "merchant.json").read_text())["paths"]
    known = {(method, path) for path, methods in described.items() for method in methods if method != "parameters"}
    assert routes_of_the_contract() == known


@pytest.mark.parametrize(
    ("label", "known"),
    [
        ("Roles", set(Role)),
        ("Application states", set(ApplicationState)),
        ("Merchant states", set(MerchantState)),
        ("Request states", set(RequestState)),
        ("Block reasons", set(BlockReason)),
        ("Event types", {kind.value for kind in EventType}),
        ("Behaviours", set(PLANS)),
    ],
)
def test_the_contract_lists_every_word_of_a_kind_and_no_other(label: str, known: set[str]) -> None:
    listed = re.findall(rf"\*\*{label}\*\*: `([^`]+)`", CONTRACT)
    assert [set(words.split()) for words in listed] == [known]


@pytest.mark.parametrize(
    ("section", "shape"),
    [
        ("business", kyb.Business),
        ("owners[]", kyb.Owner),
        ("contact", kyb.Contact),
        ("locations[]", kyb.Location),
        ("settlement_account", kyb.SettlementAccount),
    ],
)
def test_the_contract_lists_every_field_of_a_section_and_no_other(section: str, shape: type[msgspec.Struct]) -> None:
    (row,) = re.findall(rf"^\| `{re.escape(section)}` \| ([^(|]+)", CONTRACT, re.MULTILINE)
    assert [name.removesuffix("[]") for name in re.findall(r"`([^`]+)`", row)] == list(shape.__struct_fields__)


# --- citations -------------------------------------------------------------------------------------------------------


def test_whatever_a_comment_or_document_cites_exists() -> None:
    assert [
        f"{text.path}:{text.line}: {what}" for text in citations.every_text() for what in citations.dangling(text)
    ] == []


@pytest.mark.parametrize(
    "words",
    [
        "gone.py does it",
        "see registry/gone.py",
        "states.py says so",  # there are several
        "below `merchant/gone/`",
        "as in DECISIONS 999",
        "as in DECISIONS, evidence",
        "(docs/contract.md, Weather)",
        "(CONTRACT, Access)",
        "[words](docs/gone.svg)",
    ],
)
def test_a_citation_of_what_does_not_exist_is_found(words: str) -> None:
    assert len(list(citations.dangling(Text("README.md", 1, words)))) == 1


@pytest.mark.parametrize(
    "words",
    [
        "only db.py commits",
        "see payments/states.py and `merchant/core/`",
        "as in DECISIONS 6 and 7, and DECISIONS.md",
        "(docs/contract.md, Access)",
        "[words](GLOSSARY.md#machinery), [elsewhere](https://example.org/gone.md)",
        "versions/NNNN_what_it_does.py",
    ],
)
def test_a_citation_of_what_exists_is_no_finding(words: str) -> None:
    assert list(citations.dangling(Text("README.md", 1, words))) == []


def test_the_contract_names_every_language_of_sentences() -> None:
    (listed,) = re.findall(r"language of `Accept-Language`: (.+?), English unless", " ".join(CONTRACT.split()))
    assert re.findall(r"`(\w+)`", listed) == list(OFFERED)


def test_two_nodes_listen_where_the_proxies_look_for_them() -> None:
    guide = (ROOT / "docs" / "how-to" / "two-nodes.md").read_text()
    looked_for = re.findall(r"^ +server \w+ ([\d.]+):8000$", guide, re.MULTILINE)
    assert len(looked_for) == 2
    assert re.findall(r"MERCHANT_HOST=(\d[\d.]+)", guide) == looked_for


# --- the glossary ----------------------------------------------------------------------------------------------------


def test_every_name_that_the_glossary_gives_exists() -> None:
    names = re.findall(r"^\|.*\| `([\w.]+)` \|$", (ROOT / "GLOSSARY.md").read_text(), re.MULTILINE)
    missing = []
    for name in names:
        try:
            pkgutil.resolve_name(name)
        except (ImportError, AttributeError):
            missing.append(name)
    assert names
    assert missing == []


def test_the_glossary_gives_each_word_once() -> None:
    heads = re.findall(r"^\| ([^|]+) \|", (ROOT / "GLOSSARY.md").read_text(), re.MULTILINE)
    words = [word.strip() for head in heads if head != "word" for word in head.split(",")]
    assert sorted(words) == sorted(set(words))


# --- the decisions ---------------------------------------------------------------------------------------------------


def test_every_decision_has_one_form() -> None:
    assert list(decisions.faults()) == []


def test_the_index_of_the_decisions_is_made_of_their_files() -> None:
    assert decisions.PATH.read_text() == decisions.document(), "make states"
