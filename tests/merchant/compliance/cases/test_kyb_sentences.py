"""kyb's sentences in the merchant's language: every one of its source and of its policy is listed, and none besides."""

import ast
import re
from collections.abc import Iterator

import httpx
import pytest

import kyb
from merchant.compliance.cases.kyb_sentences import (
    FIELDS,
    FILLED,
    LEI,
    OWNERSHIP,
    POLICY,
    REPORT,
    RISK,
    marked,
    translated,
)
from merchant.core.service import Service
from merchant.core.texts import translate
from tests import builders
from tests.builders import World
from tests.rules.source_rules import ROOT

VALUE = "7"
TELLING = (
    "fields",
    "owner_rules",
    "identity_numbers",
    "shown_names",
    "gaps",
    "requirements",
    "report",
    "ownership",
    "risk",
    "lei",
    "screening/match",
    "screening/subjects",
)


def told_by_fields() -> Iterator[str]:
    """What kyb says of answers and in reports, with VALUE for every value: sentences that are no docstrings."""
    for name in TELLING:
        tree = ast.parse((ROOT / f"kyb/{name}.py").read_text())
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
        bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(one.value if isinstance(one, ast.Constant) else VALUE for one in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (parts | bare):
                text = node.value
            else:
                continue
            if re.fullmatch(r"[A-Z7].* .*\.", text):
                yield text


def test_every_sentence_of_kyb_is_listed_and_no_other() -> None:
    told = set(told_by_fields())
    assert {one for one in told if VALUE not in one} == {*FIELDS, *REPORT, *OWNERSHIP, *RISK, *LEI}
    assert {re.sub(r"\{\w+\}", VALUE, one) for one in FILLED} == {one for one in told if VALUE in one}


def test_every_sentence_of_the_policies_is_listed_and_no_other() -> None:
    texts = [kyb.load_policy(kyb.preset(name)).text for name in kyb.presets()]
    said = {one for text in texts for one in text.answers.values()}
    said |= {check.says for text in texts for check in text.checks.values()}
    assert set(POLICY) == said


@pytest.mark.parametrize("language", ["fr", "sw"])
def test_a_sentence_that_kyb_filled_is_said_with_its_values(language: str) -> None:
    message = "Must be a number from -90 to 90."
    assert marked(message) == message
    said = translate(marked(message), language)
    assert said != message
    assert "-90" in said
    assert "90" in said.replace("-90", "")


@pytest.mark.parametrize("message", ["", "Must be", "Nobody lists this sentence.", "Must be one of: ."])
def test_what_is_not_listed_stays_as_it_is(message: str) -> None:
    assert translate(marked(message), "fr") == message


def test_a_policy_of_an_operators_own_is_told_as_it_is_written() -> None:
    requirement = kyb.Requirement("business.mcc", "missing", "Ask the chamber of trade.", None)
    assert translate(marked(requirement.message), "sw") == "Ask the chamber of trade."


@pytest.mark.anyio
@pytest.mark.database
async def test_wrong_answers_are_told_in_the_language_asked_for(client: httpx.AsyncClient, world: World) -> None:
    document = builders.company(trading_name="x" * 129)
    headers = {**world["greenbankfsp"]["maker"].headers, "accept-language": "fr", "idempotency-key": "french"}
    refused = await client.post("/api/v1/applications", json=document, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"path": "business.trading_name", "code": "too_long", "message": "Au plus 128 caractères."}
    ]


@pytest.mark.parametrize("document", [None, [], {}, {"code": "no_tier"}, {"tiers": ["Not verified."]}])
def test_what_holds_no_message_is_shown_as_it_is(document: object) -> None:
    assert translated(document, "fr") == document


@pytest.mark.anyio
@pytest.mark.database
async def test_a_report_is_shown_in_the_language_asked_for_and_stored_as_it_was_written(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    maker = world["greenbankfsp"]["maker"]
    application = await builders.create_application(service, maker, submitted=True)
    path = f"/api/v1/applications/{application.id}"
    messages: dict[str, list[str]] = {}
    for language in ("en", "fr", "sw"):
        shown = (await client.get(path, headers={**maker.headers, "accept-language": language})).json()
        listed = await client.get(f"{path}/versions", headers={**maker.headers, "accept-language": language})
        assert listed.json()["items"][0]["report"] == shown["report"]
        due = shown["requirements"]["eventually_due"]
        messages[language] = [one["message"] for one in (*shown["report"]["checks"], *due)]
    stored = [one["message"] for one in builders.report_of(application)["checks"]]
    assert stored
    assert stored == messages["en"][: len(stored)]
    assert not set(messages["en"]) & set(messages["fr"])
    assert not set(messages["en"]) & set(messages["sw"])
