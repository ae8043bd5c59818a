"""The proxy's sample file says what the service needs of it, and keeps what must not be kept out of its log."""

import re
from pathlib import Path

import pytest

from merchant.programs.slices import ROUTES

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
_LOCATION = re.compile(r"^    location (=|~)? ?(\S+) \{\n(.*?)^    \}", re.DOTALL | re.MULTILINE)
SILENT = "access_log off;"


def body_of(path: str) -> str:
    """What the location says that nginx takes for a path: an exact one, else the first expression, else the rest."""
    found = _LOCATION.findall(CONF.read_text())
    for kind, name, body in found:
        if kind == "=" and name == path:
            return str(body)
    for kind, name, body in found:
        if kind == "~" and re.search(name, path):
            return str(body)
    return next(str(body) for kind, name, body in found if not kind and name == "/")


def shown(path: str) -> str:
    """A route's path with something in place of its names."""
    return re.sub(r"\{\w+:str\}", lambda found: "stall" if "name" in found[0] else "01a22a18-1df2-7993", path)


def with_files() -> list[str]:
    """The paths whose bodies the service bounds itself, since they carry files."""
    return sorted(
        {shown(path) for one in ROUTES if getattr(one, "request_max_body_size", 0) is None for path in one.paths}
    )


def test_there_are_pages_and_routes_that_take_files() -> None:
    paths = with_files()
    assert "/api/v1/imports" in paths and "/imports/new" in paths and len(paths) >= 8


@pytest.mark.parametrize("path", with_files())
def test_a_file_that_the_service_takes_passes_the_proxy(path: str) -> None:
    most = re.search(r"client_max_body_size (\d+)m;", body_of(path))
    assert most is not None, path
    assert int(most[1]) >= (65 if "imports" in path else 11)
    assert "proxy_request_buffering off;" in body_of(path)


@pytest.mark.parametrize(
    "path",
    ["/r/abc", "/ussd/africastalking/key", "/oracle/participants/ALIAS/1", "/account/set-password/x", "/fspiop/x"],
)
def test_a_path_that_holds_a_secret_or_a_number_leaves_no_line(path: str) -> None:
    assert SILENT in body_of(path)


def test_other_lines_hold_no_query_and_no_referrer() -> None:
    text = CONF.read_text()
    [form] = re.findall(r"log_format merchant (.*);", text)
    assert "$uri" in form
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer|http_cookie)\b", form)
    assert "access_log /var/log/nginx/merchant.log merchant;" in text
