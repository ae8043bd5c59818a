"""Hypothesis strategies for merchant codes that keep every rule."""

import unicodedata

from hypothesis import strategies as st

from qr import Account, Additional, Language, MerchantCode, Template, Tip
from qr.iso import COUNTRIES, CURRENCIES


def ans(max_size: int, min_size: int = 1) -> st.SearchStrategy[str]:
    """Text in the common character set."""
    return st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=min_size, max_size=max_size)


def digits(max_size: int, min_size: int = 1) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=min_size, max_size=max_size)


def precomposed(max_size: int) -> st.SearchStrategy[str]:
    """Text in any script, in NFC, that starts with nothing that could join what stands before."""
    categories = ("Cc", "Cs", "Cn", "Mn", "Mc", "Me")
    bidi = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    characters = st.characters(exclude_categories=categories, exclude_characters=bidi)
    return (
        st.text(characters, min_size=1, max_size=max_size)
        .map(lambda text: unicodedata.normalize("NFC", text))
        .filter(lambda text: 0 < len(text) <= max_size)
    )


amounts = st.builds(
    lambda whole, point, cents: f"{whole}{point}{cents if point else ''}",
    st.integers(1, 99_999_999).map(str),
    st.sampled_from(["", "."]),
    digits(3, 0),
)
tips = st.one_of(
    st.just(Tip("01")),
    st.builds(lambda fee: Tip("02", fixed=fee), amounts),
    st.builds(lambda fee: Tip("03", percentage=fee), st.sampled_from(["00.01", "5", "5.", "99.99", "10.5"])),
)


def templates(first: int, last: int, kind: type[Template]) -> st.SearchStrategy[Template]:
    ids = st.integers(first, last).map(lambda number: f"{number:02d}")
    fields = st.dictionaries(st.integers(1, 99).map(lambda number: f"{number:02d}"), ans(9), max_size=3)
    return st.builds(lambda tag, guid, rest: kind(tag, {"00": guid} | rest), ids, ans(32), fields)


cards = st.builds(
    lambda tag, number: Account(tag, {}, number), st.integers(2, 25).map(lambda n: f"{n:02d}"), digits(19)
)
accounts = st.lists(
    st.one_of(templates(26, 51, Account), cards), min_size=1, max_size=3, unique_by=lambda account: account.tag
).map(lambda found: tuple(sorted(found, key=lambda account: account.tag)))
unreserved = st.lists(templates(80, 99, Template), max_size=2, unique_by=lambda template: template.tag).map(
    lambda found: tuple(sorted(found, key=lambda template: template.tag))
)
additional = st.builds(
    Additional,
    bill_number=st.none() | ans(12),
    reference_label=st.none() | ans(12),
    terminal_label=st.just("***"),
    consumer_data_request=st.none() | st.sampled_from(["A", "ME", "AME"]),
    merchant_channel=st.none() | ans(3, 3),
    templates=st.lists(templates(50, 99, Template), max_size=1).map(
        lambda found: tuple(Template(t.tag, {"00": t.guid[:9], "01": "x"}) for t in found)
    ),
)
languages = st.builds(
    Language, language=st.sampled_from(["my", "km", "AR"]), name=precomposed(25), city=st.none() | precomposed(15)
)
merchant_codes = st.builds(
    MerchantCode,
    point_of_initiation=st.sampled_from([None, "11", "12"]),
    accounts=accounts,
    mcc=digits(4, 4),
    currency=st.sampled_from(sorted(CURRENCIES)),
    amount=st.none() | amounts,
    tip=st.none() | tips,
    country=st.sampled_from(sorted(COUNTRIES)),
    name=ans(25),
    city=ans(15),
    postal_code=st.none() | ans(10),
    additional=st.none() | additional,
    language=st.none() | languages,
    unreserved=unreserved,
)
