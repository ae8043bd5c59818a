"""The compose file: understood by docker-compose, walls around every program of ours, and no password in it."""

import json
import re

import pytest

from tests.deploy.tools import DEPLOY, env_lines, needs, run

COMPOSE = DEPLOY / "compose"
TEXT = (COMPOSE / "compose.yml").read_text()
GIVEN = {"PUBLIC_URL": "https://pay.example.org", "GATEWAY_SECRET": "x" * 44} | {
    f"{who}_PASSWORD": "a1" for who in ("ADMIN", "OWNER", "LOGIN")
}
needs_compose = needs("docker-compose", "docker-compose")


def test_every_variable_that_it_needs_is_in_the_sample() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert needed == set(env_lines((COMPOSE / "sample.env").read_text()))


@needs_compose
def test_docker_compose_understands_it_and_every_program_is_walled_in() -> None:
    ended = run("docker-compose", "-f", COMPOSE / "compose.yml", "--profile", "backup", "config", **GIVEN)
    assert ended.returncode == 0, ended.stderr
    services = dict(re.findall(r"^  (\w+):\n((?:    .*\n)+)", ended.stdout.partition("services:\n")[2], re.MULTILINE))
    assert set(services) == {"postgres", "migrate", "web", "worker", "backup"}
    for name in set(services) - {"postgres"}:
        for wall in ("read_only: true", "cap_drop:\n    - ALL", "no-new-privileges:true"):
            assert wall in services[name], name
    assert "127.0.0.1:8000:8000" in services["web"]
    assert [name for name, text in services.items() if "merchant_owner" in text] == ["backup", "migrate"]


@needs_compose
@pytest.mark.parametrize("name", sorted(GIVEN))
def test_without_a_secret_it_does_not_start(name: str) -> None:
    given = {key: value for key, value in GIVEN.items() if key != name} | {name: ""}
    ended = run("docker-compose", "-f", COMPOSE / "compose.yml", "config", **given)
    assert ended.returncode != 0
    assert name in ended.stderr


def test_the_roles_are_made_by_what_the_chart_ships() -> None:
    assert "../helm/merchant/files/make-roles.sql:/roles.sql:ro" in TEXT
    assert json.dumps((COMPOSE / "roles.sh").read_text()).count("PASSWORD") == 2
