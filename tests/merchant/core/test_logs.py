"""The log and what is kept of errors hold no personal data: neither in a line, nor in a trace, nor of a driver."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from merchant.core import errors, logs
from merchant.core.service import Service
from tests.builders import World

PHONE = "254711000001"


class Ours(Exception):
    """An error whose text we write."""


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    """What the log says from here on, configured as the service does it."""
    before, told = structlog.get_config(), io.StringIO()
    logs.configure("INFO", told)
    yield told
    structlog.configure(**before)


def failing() -> None:
    try:
        raise KeyError(PHONE)
    except KeyError as error:
        raise ValueError(f"no such phone: {PHONE}") from error


def test_a_trace_tells_classes_and_places_and_not_what_the_errors_say(told: io.StringIO) -> None:
    try:
        failing()
    except ValueError:
        structlog.get_logger().exception("it_failed", job=1)
    line = json.loads(told.getvalue())
    assert (line["event"], line["level"], line["job"]) == ("it_failed", "error", 1)
    first, _, second = line["exception"].partition("\ncaused by ")
    assert first.startswith("ValueError")
    assert "in failing" in first
    assert second.startswith("KeyError")
    assert PHONE not in told.getvalue()


def test_a_trace_of_an_error_that_is_handed_over_is_the_same(told: io.StringIO) -> None:
    log = structlog.get_logger()
    log.warning("it_failed", exc_info=Ours(PHONE))
    log.warning("it_went_well", exc_info=None)
    first, second = [json.loads(line) for line in told.getvalue().splitlines()]
    assert first["exception"] == "Ours"
    assert "exception" not in second


def test_errors_whose_text_is_ours_are_quoted_and_others_are_not() -> None:
    assert logs.describe(errors.NotFound("There is no such counter.")) == "NotFound: There is no such counter."
    assert logs.describe(Ours("the hub answered 503"), (Ours,)) == "Ours: the hub answered 503"
    assert logs.describe(Ours(PHONE)) == "Ours"


@pytest.mark.anyio
async def test_what_the_database_says_of_a_row_is_not_told(service: Service, world: World) -> None:
    with pytest.raises(Exception, match=PHONE) as caught:
        async with service.db.system() as tx:
            await tx.fetchval(f"SELECT uuid '{PHONE}'")
    told = logs.describe(caught.value)
    assert PHONE not in told
    assert told.startswith("InvalidTextRepresentationError 22P02 at merchant/core/db.py:")


@pytest.mark.anyio
async def test_what_sqlalchemy_says_of_its_parameters_is_not_told(service: Service, world: World) -> None:
    from merchant.scheme.models import Dfsp

    with pytest.raises(Exception, match="greenbankfsp") as caught:
        async with service.db.system() as tx:
            tx.session.add(Dfsp(fsp_id="greenbankfsp", name="x"))
    told = logs.describe(caught.value)
    assert told.startswith("IntegrityError 23505")
    assert "greenbankfsp" not in told
