"""Problems of the JSON API in the language that was asked for; their codes never change."""

import httpx
import pytest

from tests.builders import World

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def refused(client: httpx.AsyncClient, language: str | None, path: str = "/api/v1/merchants") -> httpx.Response:
    return await client.get(path, headers={"accept-language": language} if language is not None else {})


async def test_english_is_told_when_nothing_is_asked(client: httpx.AsyncClient) -> None:
    for language in (None, "de-DE, de;q=0.9", "*"):
        response = await refused(client, language)
        assert (response.json()["title"], response.headers["content-language"]) == ("Sign in first", "en")
        assert response.headers["vary"] == "accept-language"


@pytest.mark.parametrize(("language", "title"), [("fr-CI", "Connectez-vous d’abord"), ("sw", "Ingia kwanza")])
async def test_a_problem_is_told_in_the_language_asked_for(
    client: httpx.AsyncClient, language: str, title: str
) -> None:
    response = await refused(client, language)
    problem = response.json()
    assert (problem["title"], problem["code"]) == (title, "not_signed_in")
    assert response.headers["content-language"] == language[:2]


async def test_values_stay_in_the_sentence(client: httpx.AsyncClient, world: World) -> None:
    headers = {**world["greenbankfsp"]["maker"].headers, "accept-language": "fr"}
    response = await client.get("/api/v1/merchants?colour=red", headers=headers)
    assert response.json()["detail"].startswith("Il n’y a pas de filtre 'colour' ici")
    assert response.json()["code"] == "unknown_filter"


async def test_what_the_framework_refuses_is_told_in_words_too(client: httpx.AsyncClient) -> None:
    missing = await refused(client, "fr", "/api/v1/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert missing.json()["title"] == "Introuvable"
    wrong = await client.delete("/api/v1/merchants", headers={"accept-language": "sw"})
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.json()["title"] == "Anwani hii haikubali mbinu hiyo"
    assert "GET" in wrong.headers["allow"]


async def test_every_fault_of_a_body_is_told_in_the_language(client: httpx.AsyncClient, world: World) -> None:
    headers = {**world["greenbankfsp"]["maker"].headers, "accept-language": "fr", "idempotency-key": "faults"}
    response = await client.post("/api/v1/applications", json={"owners": "none", "contact": []}, headers=headers)
    told = {one["path"]: one["message"] for one in response.json()["errors"]}
    assert response.status_code == 422
    assert told["owners"] == "Attendu\N{NO-BREAK SPACE}: une liste\N{NO-BREAK SPACE}; reçu\N{NO-BREAK SPACE}: du texte."
