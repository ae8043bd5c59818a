"""Shares are multiplied along paths, added over them and compared exactly; what is not known counts as a risk."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from kyb.fields import MAX_OWNERS
from kyb.ownership import SENTENCES, Ownership, beneficial_owners

QUARTER = Decimal(25)


def person(percent: float | None = None, **more: Any) -> kyb.Owner:
    return kyb.Owner(ownership_percent=percent, **more)


def company(ref: str, percent: float | None = None, owns: str | None = None, **more: Any) -> kyb.Owner:
    return kyb.Owner(kind="company", ref=ref, ownership_percent=percent, owns=owns, **more)


def find(*owners: kyb.Owner, threshold: str = "25", kind: str | None = "company", **business: Any) -> Ownership:
    return beneficial_owners(owners, Decimal(threshold), kyb.Business(kind=kind, **business))


def shares(found: Ownership) -> list[Decimal]:
    return [one.effective_percent for one in found.persons]


def beneficial(found: Ownership) -> list[int]:
    return [one.index for one in found.persons if one.is_beneficial]


def codes(found: Ownership) -> list[tuple[str, str]]:
    return [(gap.code, gap.path) for gap in found.gaps]


@pytest.mark.parametrize(
    ("percent", "threshold", "is_beneficial"),
    [
        (24.9, "25", False),
        (25, "25", True),
        (24.99999, "25", False),
        (25.00001, "25", True),
        (24.9, "10", True),
        (9.9, "10", False),
        (10, "10", True),
    ],
)
def test_the_threshold_itself_counts_and_a_hair_below_does_not(
    percent: float, threshold: str, is_beneficial: bool
) -> None:
    found = find(person(percent), person(100 - percent), threshold=threshold)
    assert found.persons[0].is_beneficial is is_beneficial
    assert found.complete


def test_a_share_just_below_the_threshold_is_never_shown_as_the_threshold() -> None:
    found = find(person(24.9999999), person(75.0000001))
    assert shares(found)[0] == Decimal("24.9999")


def test_a_share_through_a_company_is_the_product() -> None:
    found = find(company("h", 50), person(50), person(50, owns="h"), person(49, owns="h"), person(1, owns="h"))
    assert shares(found) == [Decimal(50), Decimal(25), Decimal("24.5"), Decimal("0.5")]
    assert beneficial(found) == [1, 2]
    assert (found.layers, found.cycles, found.complete, found.gaps) == (1, False, True, ())
    assert (found.known_percent, found.unknown_percent) == (100, 0)


def test_shares_of_one_person_over_several_paths_are_added() -> None:
    found = find(
        person(20, ref="amina"), company("h", 40), person(20, ref="amina", owns="h"), person(40), person(80, owns="h")
    )
    assert [(one.index, one.rows, one.effective_percent) for one in found.persons] == [
        (0, (0, 2), Decimal(28)),
        (3, (3,), Decimal(40)),
        (4, (4,), Decimal(32)),
    ]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({"id_type": "passport", "id_number": "AB 12-3"}, {"id_type": "passport", "id_number": "ab123"}, True),
        ({"id_type": "passport", "id_number": "AB123"}, {"id_type": "passport", "id_number": "AB124"}, False),
        ({"id_type": "passport", "id_number": "AB123"}, {"id_type": "national_id", "id_number": "9"}, True),
        ({}, {"id_type": "passport", "id_number": "AB123"}, True),
        ({}, {"birth_date": "1980-01-03"}, False),
        ({}, {"birth_date": None}, False),
        ({"given_name": "AMINA"}, {}, True),
        ({"given_name": "Asha"}, {}, False),
        ({"ref": "1", "given_name": "Asha"}, {"ref": "1"}, True),
        ({"ref": "1"}, {"ref": "2"}, True),
    ],
)
def test_a_person_cannot_stay_below_the_threshold_by_standing_twice(
    one: dict[str, Any], other: dict[str, Any], together: bool
) -> None:
    amina = {"given_name": "Amina", "family_name": "Odhiambo", "birth_date": "1980-01-02"}
    found = find(person(20, **{**amina, **one}), person(20, **{**amina, **other}), person(60))
    assert (found.persons[0].effective_percent == 40) is together
    assert (beneficial(found) == [0, 2]) is together


def test_a_company_that_stands_twice_is_one() -> None:
    number: dict[str, Any] = {"registration_number": "C-1", "country": "KE"}
    found = find(company("a", 30, **number), company("b", 30, **number), person(40), person(100, owns="b"))
    assert shares(found) == [40, 60]
    other = find(company("a", 30, **number), company("b", 30, registration_number="C-1", country="UG"), person(40))
    assert ("company_without_owners", "owners[1]") in codes(other)


def test_a_director_is_required_whatever_the_share_and_only_of_the_business_itself() -> None:
    found = find(person(100), person(is_director=True), company("h", 0), person(100, owns="h", is_director=True))
    assert [(one.is_director, one.is_beneficial, one.is_required) for one in found.persons] == [
        (False, True, True),
        (True, False, True),
        (False, False, False),
    ]
    assert found.complete


@pytest.mark.parametrize("kind", ["individual", "sole_proprietor"])
def test_a_sole_owner_without_a_share_holds_all_of_it(kind: str) -> None:
    found = find(person(), kind=kind)
    assert shares(found) == [100]
    assert found.complete


def test_a_sole_owner_of_a_company_has_to_say_the_share() -> None:
    found = find(person(), kind="company")
    assert (shares(found), beneficial(found), found.complete) == ([0], [0], False)
    assert codes(found) == [("share_missing", "owners[0].ownership_percent")]


def test_owners_without_shares_are_all_treated_as_beneficial() -> None:
    found = find(person(), person(), person(), kind="partnership")
    assert beneficial(found) == [0, 1, 2]
    assert (found.known_percent, found.unknown_percent, found.complete) == (0, 100, False)


def test_a_share_that_is_not_given_may_be_all_that_is_left() -> None:
    found = find(person(60), person(20), person())
    assert [(one.effective_percent, one.most_percent) for one in found.persons] == [(60, 60), (20, 20), (0, 20)]
    assert beneficial(found) == [0]
    assert beneficial(find(person(60), person(20), person(), threshold="20")) == [0, 1, 2]
    assert find(person(60), person(40), person()).gaps == ()


def test_whoever_is_behind_a_company_without_a_share_may_own_what_is_left() -> None:
    found = find(person(50), company("h"), person(30, owns="h"), person(70, owns="h"))
    assert beneficial(found) == [0, 2, 3]
    assert [one.most_percent for one in found.persons] == [50, 50, 50]


@pytest.mark.parametrize("kind", ["ngo", "public_body", "cooperative"])
def test_an_association_has_no_shares_to_add_up(kind: str) -> None:
    found = find(person(is_director=True), person(), kind=kind)
    assert beneficial(found) == [0, 1]
    assert (found.complete, found.known_percent, found.unknown_percent) == (True, 0, 0)
    assert not find(kind=kind).complete
    assert not find(person(), kyb.Owner(kind="unknown"), kind=kind).complete
    assert find(person(100), kind=kind).known_percent == 100


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ((), [("no_owners", "owners")]),
        ((person(60),), [("shares_below_100", "owners")]),
        ((person(60), person(60)), [("shares_above_100", "owners")]),
        ((person(60), person()), [("share_missing", "owners[1].ownership_percent")]),
        ((company("h", 100),), [("company_without_owners", "owners[0]")]),
        ((company("h", 100), person(50, owns="h")), [("shares_below_100", "owners[0]")]),
        ((person(60), kyb.Owner(kind="unknown", ownership_percent=40)), [("unknown_owner", "owners[1]")]),
        ((person(100), person(owns="x")), [("unknown_ref", "owners[1].owns"), ("not_connected", "owners[1]")]),
        ((person(100, ref="x"), person(owns="x")), [("unknown_ref", "owners[1].owns"), ("not_connected", "owners[1]")]),
        ((person(-1),), [("share_missing", "owners[0].ownership_percent")]),
        ((person(float("nan")),), [("share_missing", "owners[0].ownership_percent")]),
        ((person(1e308),), [("share_missing", "owners[0].ownership_percent")]),
        ((kyb.Owner(kind="circus", ownership_percent=100),), [("unknown_owner", "owners[0]")]),
        (
            (company("x", 50), person(50, ref="x"), person(100, owns="x")),
            [("ambiguous_ref", "owners[0].ref"), ("ambiguous_ref", "owners[1].ref")],
        ),
    ],
)
def test_what_is_not_known_is_said_with_its_place(
    owners: tuple[kyb.Owner, ...], expected: list[tuple[str, str]]
) -> None:
    found = find(*owners)
    assert codes(found) == expected
    assert not found.complete


def test_a_rest_below_the_threshold_hides_nobody() -> None:
    found = find(person(60), person(20), company("h", 20))
    assert codes(found) == [("company_without_owners", "owners[2]")]
    assert (found.unknown_percent, found.complete) == (20, True)
    assert not find(person(60), person(20), company("h", 20), threshold="20").complete


def test_small_rests_that_are_enough_together_hide_somebody() -> None:
    assert not find(person(70), company("a", 15), company("b", 15)).complete


def test_shares_above_100_are_worth_nothing_and_everybody_is_beneficial() -> None:
    found = find(company("h", 100), person(70, owns="h"), person(31, owns="h"), person(5, owns="h"))
    assert (shares(found), beneficial(found)) == ([0, 0, 0], [1, 2, 3])
    assert codes(found) == [("shares_above_100", "owners[0]")]
    assert not found.complete


def test_decimals_that_add_up_on_paper_add_up() -> None:
    found = find(person(33.3), person(33.3), person(33.4))
    assert found.complete
    assert found.known_percent == 100


def test_companies_that_own_each_other_entirely_have_nobody_behind_them() -> None:
    found = find(company("b", 100), company("a", 100, owns="b"), company("b", 100, owns="a"))
    assert (found.persons, found.cycles, found.complete, found.unknown_percent) == ((), True, False, 100)
    assert codes(found) == [("circular", "owners")]


def test_a_business_that_owns_its_owner_has_nobody_behind_it() -> None:
    found = find(company("b", 100), company("a", 100, owns="b", legal_name="Alpha"), legal_name="ALPHA")
    assert (found.persons, found.cycles, found.complete) == ((), True, False)


def test_a_circle_beside_the_business_is_said() -> None:
    found = find(company("a", 100, owns="b"), company("b", 100, owns="a"))
    assert found.cycles
    assert codes(found) == [("no_owners", "owners"), ("not_connected", "owners[0]"), ("not_connected", "owners[1]")]


def test_a_part_that_a_business_owns_of_itself_falls_to_the_others() -> None:
    found = find(
        person(30), person(20), company("h", 50), company("self", 100, owns="h", legal_name="Shop"), legal_name="Shop"
    )
    assert shares(found) == [60, 40]
    assert (found.cycles, found.complete, found.gaps) == (True, True, ())


def test_companies_that_own_parts_of_each_other_have_the_limit_of_all_paths() -> None:
    # a = 0.5 p + 0.5 b and b = 0.5 q + 0.5 a: p has 2/3 of a.
    found = find(
        company("a", 100), person(50, owns="a"), company("b", 50, owns="a"), person(50, owns="b"), company("a", 50, "b")
    )
    assert shares(found) == [Decimal("66.6666"), Decimal("33.3333")]
    assert (found.cycles, found.complete, found.known_percent) == (True, True, 100)


def test_an_unknown_director_leaves_the_picture_incomplete() -> None:
    assert not find(person(100), kyb.Owner(kind="unknown", is_director=True)).complete


def test_layers_are_the_companies_in_between() -> None:
    owners = [company("1", 100), *(company(str(n), 100, owns=str(n - 1)) for n in range(2, 8)), person(100, owns="7")]
    found = find(*owners)
    assert (found.layers, shares(found), found.complete) == (7, [100], True)
    assert find(person(100)).layers == 0
    assert find(company("1", 50), person(50)).layers == 1


def test_more_owners_than_are_allowed_are_not_judged() -> None:
    found = find(*(person(1) for _ in range(MAX_OWNERS + 1)))
    assert codes(found) == [("too_many_owners", "owners")]
    assert len(beneficial(found)) == MAX_OWNERS + 1
    assert not found.complete


@pytest.mark.parametrize("threshold", ["0", "-1", "100.01"])
def test_a_threshold_that_is_none_is_refused(threshold: str) -> None:
    with pytest.raises(ValueError, match="threshold"):
        find(person(100), threshold=threshold)


def test_every_gap_has_its_sentence() -> None:
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in SENTENCES.values())


# Random charts. A row is (kind, ref, owns, share): a ref may stand in several rows.
REFS = [f"c{n}" for n in range(5)]
rows = st.tuples(
    st.sampled_from(["person", "company", "unknown"]),
    st.sampled_from([*REFS, None]),
    st.sampled_from([*REFS, None, "nowhere"]),
    st.one_of(st.none(), st.integers(0, 100), st.floats(0, 100)),
)


@settings(deadline=None)
@given(st.lists(rows, max_size=12), st.sampled_from(["company", "individual", "ngo", None]))
def test_any_chart_ends_adds_up_to_100_and_gives_the_same_bytes(
    drawn: list[tuple[str, str | None, str | None, float | None]], kind: str | None
) -> None:
    owners = tuple(kyb.Owner(kind=k, ref=r, owns=o, ownership_percent=s) for k, r, o, s in drawn)
    found = find(*owners, kind=kind)
    assert sum(shares(found)) <= found.known_percent <= 100
    assert found.known_percent + found.unknown_percent in (0, 100)
    for one in found.persons:
        assert 0 <= one.effective_percent <= one.most_percent <= 100
        assert one.is_beneficial or one.effective_percent < 25
    assert found.complete or found.gaps
    assert msgspec.json.encode(found) == msgspec.json.encode(find(*owners, kind=kind))


@st.composite
def charts(draw: st.DrawFn, acyclic: bool) -> tuple[kyb.Owner, ...]:
    """Consistent charts: up to 5 companies and 4 people; a company's shares add up to 100 at most."""
    count = draw(st.integers(0, 5))
    owners: list[kyb.Owner] = []
    for target in range(-1, count):
        left = 100
        companies = range(target + 1 if acyclic else 0, count)
        for holder in draw(st.lists(st.sampled_from([*(f"c{n}" for n in companies), *"wxyz"]), unique=True)):
            share = draw(st.integers(0, left))
            left -= share
            kind = "company" if holder.startswith("c") else "person"
            owns = None if target < 0 else f"c{target}"
            owners.append(kyb.Owner(kind=kind, ref=holder, owns=owns, ownership_percent=share))
    while dangling := [owner for owner in owners if owner.owns and owner.owns not in {one.ref for one in owners}]:
        owners = [owner for owner in owners if owner not in dangling]
    return tuple(owners)


def paths(owners: tuple[kyb.Owner, ...], company: str | None, share: Fraction) -> Iterator[tuple[str, Fraction]]:
    """Every path from a company to a person, followed one by one."""
    for owner in owners:
        if owner.owns == company and owner.ref and owner.ownership_percent:
            part = share * Fraction(owner.ownership_percent) / 100
            if owner.kind == "person":
                yield owner.ref, part
            else:
                yield from paths(owners, owner.ref, part)


@settings(deadline=None, max_examples=200)
@given(charts(acyclic=True))
def test_shares_are_those_of_following_every_path(owners: tuple[kyb.Owner, ...]) -> None:
    found = find(*owners)
    totals: dict[str, Fraction] = {}
    for ref, part in paths(owners, None, Fraction(1)):
        totals[ref] = totals.get(ref, Fraction()) + part
    for one in found.persons:
        exact = totals.get(owners[one.index].ref or "", Fraction()) * 100
        assert one.effective_percent == Decimal(int(exact * 10**4)).scaleb(-4)
        assert one.is_beneficial == (exact >= 25)
    assert not found.cycles


@settings(deadline=None)
@given(charts(acyclic=False))
def test_shares_in_circles_are_the_limit_of_walking_on(owners: tuple[kyb.Owner, ...]) -> None:
    found = find(*owners)
    assert sum(shares(found)) <= 100
    reached = dict.fromkeys((owner.ref for owner in owners), 0.0)
    walking: dict[str | None, float] = {None: 1.0}
    for _ in range(3000):
        after: dict[str | None, float] = {}
        for owner in owners:
            part = walking.get(owner.owns, 0.0) * (owner.ownership_percent or 0) / 100
            if owner.kind == "person":
                reached[owner.ref] += part
            elif part > 1e-12:
                after[owner.ref] = after.get(owner.ref, 0.0) + part
        if not after:
            break
        walking = after
    for one in found.persons:
        assert float(one.effective_percent) == pytest.approx(100 * reached[owners[one.index].ref], abs=1e-3)
