"""Trades that need a closer look can be refused by name of their set, and a policy may move any code."""

import re
from importlib.resources import files

import pytest

from kyb import codes, mcc_classes
from kyb.mcc_classes import MCC_CLASSES, UnknownMccSet, activities_named, mcc_among, mcc_class, mcc_set

TEXT = files("kyb").joinpath("mcc_classes.toml").read_text(encoding="utf-8")
LINES = re.findall(r'^([0-9]{4}) = "(.+)"$', TEXT, re.MULTILINE)


@pytest.mark.parametrize(
    ("mcc", "expected"),
    [
        ("5411", "low"),
        ("0742", "low"),
        ("5251", "medium"),
        ("9999", "medium"),
        ("", "medium"),
        (None, "medium"),
        ("5813", "high"),
        ("7995", "enhanced"),
        ("6010", "agent"),
        ("9950", "prohibited"),
    ],
)
def test_a_code_has_the_class_of_the_strictest_set_that_holds_it(mcc: str | None, expected: str) -> None:
    assert mcc_class(mcc) == expected


@pytest.mark.parametrize("mcc", ["7995", "6051", "4829", "6010", "6011", "9406", "7273", "5967"])
def test_betting_money_transfer_and_escorts_can_be_kept_out_of_the_lowest_tier(mcc: str) -> None:
    assert mcc_among(mcc, ("@prohibited", "@enhanced"))
    assert mcc in mcc_set("@enhanced")


@pytest.mark.parametrize("mcc", ["5411", "5499", "5812", "5251", "8211"])
def test_everyday_trades_are_never_among_them(mcc: str) -> None:
    assert not mcc_among(mcc, ("@prohibited", "@enhanced", "@agent", "@high"))


@pytest.mark.parametrize("mcc", ["5122", "5912"])
def test_a_pharmacy_is_looked_at_more_closely_where_it_sells_at_a_distance(mcc: str) -> None:
    assert mcc_class(mcc) == "medium"
    assert mcc_class(mcc, is_remote=True) == "enhanced"
    assert mcc_among(mcc, ("@enhanced",), is_remote=True)
    assert not mcc_among(mcc, ("@enhanced",))
    assert mcc_class(mcc, {mcc: "low"}, is_remote=True) == "low"


def test_a_policy_moves_a_code_into_another_class() -> None:
    own = {"5921": "low", "5499": "@high", "5251": "medium"}
    assert (mcc_class("5921", own), mcc_class("5499", own), mcc_class("7995", own)) == ("low", "high", "enhanced")
    assert "5921" not in mcc_set("@enhanced", own)
    assert "5921" in mcc_set("@low", own)
    assert "5499" not in mcc_set("@low", own)
    assert mcc_set("@medium", own) == {"5251"}
    assert mcc_set("@medium") == frozenset()


def test_an_agent_that_a_policy_calls_low_is_no_longer_enhanced_either() -> None:
    assert not mcc_among("6010", ("@enhanced", "@agent"), {"6010": "low"})


def test_a_policy_may_name_single_codes() -> None:
    assert mcc_among("5251", ("@prohibited", "5251"))
    assert not mcc_among("5252", ("@prohibited", "5251"))
    assert not mcc_among(None, ("@low",))


@pytest.mark.parametrize("name", ["@risky", "enhanced", "525", "52511", "", "@", "٥٢٥١"])
def test_a_set_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(UnknownMccSet):
        mcc_set(name)
    with pytest.raises(UnknownMccSet):
        mcc_among("5411", ("5411", name))  # a mistake is found whatever the code


def test_a_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownMccSet):
        mcc_class("5411", {"5411": "risky"})
    with pytest.raises(UnknownMccSet):
        mcc_set("@low", {"5411": "risky"})


def test_every_code_is_assigned_and_every_line_names_its_source() -> None:
    assert len(LINES) > 60
    assert {mcc for mcc, _ in LINES} <= codes.merchant_category_codes()
    assert all(re.match(r"(VIRP( \d( or \d)?)?|FATF R\.\d+|CBN|scheme|ours): \w", source) for _, source in LINES)


def test_a_low_trade_stands_in_no_other_set() -> None:
    others = [mcc_set(f"@{name}") for name in MCC_CLASSES if name not in ("low", "medium")]
    assert not mcc_set("@low").intersection(*[frozenset().union(*others)])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Lakeside Guns & Ammunition", ("weapons",)),
        ("PONZI Partners", ("deposit_taking",)),
        ("Double your money, cocaine-free", ("narcotics", "deposit_taking")),
        ("ＦＡＫＥ  Passports", ("counterfeit",)),
        ("Gunsmith Lane Bakery", ()),
        ("Heroine's Bookshop", ()),
        ("Ivory Coast Trading", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_words_of_prohibited_activities_are_whole_words(text: str | None, found: tuple[str, ...]) -> None:
    assert activities_named(text) == found


def test_the_words_are_written_as_they_are_compared() -> None:
    for signs in mcc_classes._data().activities.values():
        assert signs == sorted(signs)
        assert all(re.fullmatch(r"[a-z]+( [a-z]+)*", sign) for sign in signs)
