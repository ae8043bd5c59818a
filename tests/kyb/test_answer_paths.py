import pytest

import kyb

SECTIONS = kyb.Sections(
    business=kyb.Business(trading_name="Njeri"),
    owners=(kyb.Owner(given_name="Njeri"),),
    locations=(kyb.Location(counters=(kyb.Counter(name="Till"),)),),
)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("business.trading_name", "Njeri"),
        ("business.lei", None),
        ("owners[0].given_name", "Njeri"),
        ("owners[1]", None),  # one that is to be added
        ("locations[0].counters[0].name", "Till"),
        ("external_ref", None),
        ("contact", kyb.Contact()),
    ],
)
def test_a_place_that_the_answers_have_is_read(path: str, answer: object) -> None:
    assert kyb.answer_at(SECTIONS, path) == answer


@pytest.mark.parametrize(
    "path",
    [
        "",
        "owners[2].given_name",
        "business[0]",
        "business.",
        "business.trading_name.length",
        "owners[].given_name",
        "owners[-1]",
        "owners[1].given_name",
        "__class__",
        "owners[9999]",
        "business..mcc",
    ],
)
def test_any_other_place_is_refused(path: str) -> None:
    with pytest.raises(kyb.NoSuchAnswer):
        kyb.answer_at(SECTIONS, path)
