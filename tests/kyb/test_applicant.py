"""The structs take exactly the sections of the application API."""

import msgspec
import pytest

import kyb
from tests.kyb.samples import COMPANY, sections


def test_every_answer_is_optional() -> None:
    assert msgspec.convert({}, kyb.Sections) == kyb.Sections()


def test_a_full_application_survives_a_round_trip() -> None:
    company = sections(COMPANY)
    assert msgspec.json.decode(msgspec.json.encode(company), type=kyb.Sections) == company


def test_answers_not_given_are_not_written() -> None:
    assert msgspec.json.encode(kyb.Sections(business=kyb.Business(mcc="5411"))) == b'{"business":{"mcc":"5411"}}'


@pytest.mark.parametrize(
    "document",
    [
        {"unknown": 1},
        {"business": {"nmae": "typo"}},
        {"owners": [{"age": 3}]},
        {"locations": [{"counters": [{"alias": "x"}]}]},
        {"business": None},
        {"business": []},
        {"business": {"mcc": 5411}},
        {"business": {"currencies": "KES"}},
        {"business": {"monthly_turnover_minor": 1.5}},
        {"owners": [None]},
        {"owners": {"0": {}}},
        {"owners": [{"is_director": "yes"}]},
        {"contact": {"owner_index": "0"}},
        {"locations": [{"latitude": "1.0"}]},
        {"external_ref": 7},
    ],
)
def test_unknown_keys_and_wrong_types_are_refused(document: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, kyb.Sections)
