"""Paths of messages: what is signed is what is read, and nothing stands in a path besides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.jws import fspiop_uri
from merchant.hub.fspiop.paths import METHODS, Place, read_path
from merchant.hub.fspiop.resources import ANSWERED, RESERVED_WORDS, URI_STARTS
from tests.cases import every_case

ONE_ID = ("transactionRequests", "quotes", "transfers", "authorizations", "transactions")
GOOD: list[tuple[str, str, Place]] = [
    ("GET", "/parties/ALIAS/65152340", Place("parties", ("ALIAS", "65152340"), False)),
    ("GET", "/parties/ALIAS/65152340/7QXK", Place("parties", ("ALIAS", "65152340", "7QXK"), False)),
    ("PUT", "/parties/MSISDN/254711000001/error", Place("parties", ("MSISDN", "254711000001"), True)),
    ("PUT", "/parties/ALIAS/1/x/error", Place("parties", ("ALIAS", "1", "x"), True)),
    ("PUT", "/parties/EMAIL/a%40b.example", Place("parties", ("EMAIL", "a@b.example"), False)),
    ("POST", "/quotes", Place("quotes", (), False)),
    ("PUT", "/participants/59e3", Place("participants", ("59e3",), False)),
    ("PUT", "/participants/59e3/error", Place("participants", ("59e3",), True)),
    ("POST", "/participants/ALIAS/1", Place("participants", ("ALIAS", "1"), False)),
    ("PATCH", "/transfers/59e3", Place("transfers", ("59e3",), False)),
    ("PATCH", "/transfers/59e3/error", Place("transfers", ("59e3",), True)),
    # What is encoded twice is a name with a per cent sign.
    ("GET", "/parties/ALIAS/a%252Fb", Place("parties", ("ALIAS", "a%2Fb"), False)),
]


@pytest.mark.parametrize(("method", "path", "place"), GOOD)
def test_a_path_has_the_ids_of_its_resource(method: str, path: str, place: Place) -> None:
    assert read_path(method, path) == place


def wrapped() -> list[tuple[str, str]]:
    """Paths that name a second resource, or none exactly, behind the id of a victim."""
    bad = []
    for resource in ONE_ID:
        for method in ("PUT", "PATCH"):
            for end in ("", "/error"):
                bad += [(method, f"/{resource}/VICTIM/{word}/OTHER{end}") for word in URI_STARTS]
                bad += [
                    (method, f"/{resource}/VICTIM//{resource}/OTHER{end}"),
                    (method, f"/{resource}/VICTIM/../{resource}/OTHER{end}"),
                    (method, f"/{resource}/VICTIM%2F{resource}/OTHER{end}"),
                    (method, f"/{resource}/VICTIM%2F{resource}%2FOTHER{end}"),
                    (method, f"/{resource}/VICTIM%5C{resource}{end}"),
                    (method, f"/{resource}/VICTIM%3F/{resource}/OTHER{end}"),
                    (method, f"/{resource}/VICTIM/{resource.upper()}/OTHER{end}"),
                    (method, f"/x/{resource}/OTHER{end}"),
                ]
    for end in ("", "/error"):
        bad += [
            ("PUT", f"/parties/MSISDN/VICTIM/parties/MSISDN/OTHER{end}"),
            ("PUT", f"/parties/MSISDN/VICTIM/parties{end}"),
            ("PUT", f"/parties/parties/OTHER{end}"),
            ("PUT", f"/parties/MSISDN/VICTIM/a/b{end}"),
            ("PUT", f"/participants/MSISDN/VICTIM/participants/MSISDN/OTHER{end}"),
        ]
    return bad


def test_a_path_within_a_path_is_none() -> None:
    for method, path in wrapped():
        with pytest.raises(FspiopError) as caught:
            read_path(method, path)
        assert (caught.value.code, caught.value.http_status) == ("3002", 404), (method, path)


@pytest.mark.parametrize("word", sorted(RESERVED_WORDS))
def test_no_id_is_a_resources_name_in_any_case(word: str) -> None:
    for name in {word, word.upper(), word.title(), f"%{ord(word[0]):x}{word[1:]}"}:
        for path in (f"/transfers/{name}", f"/parties/ALIAS/{name}", f"/parties/{name}/1", f"/parties/ALIAS/1/{name}"):
            with pytest.raises(FspiopError):
                read_path("GET", path)


ODD = [
    *("", "/", "//", "transfers/1", "//transfers/1", "/transfers", "/transfers/", "/transfers//", "/transfers/1/"),
    *("/transfers/.", "/transfers/..", "/transfers/%2e%2E", "/transfers/%", "/transfers/%zz", "/transfers/%FF"),
    *("/transfers/%00", "/transfers/a%0Ab", "/transfers/" + "x" * 129, "/transfers/error", "/transfers/error/error"),
    *("/TRANSFERS/1", "/Transfers/1", "/transfers%2F1", "/%74ransfers/1", "/bulkTransfers/1", "/fxTransfers/1"),
    *("/transfers/1/error/error", "/transfers/1/Error", "/transfers/1/%65rror", "/transfers/1/2"),
    *("/parties/ALIAS", "/parties/ALIAS/1/2/3", "/parties/error", "/parties/ALIAS/error", "/quotes/1/2/error"),
]


@every_case("path", ODD)
@every_case("method", ["GET", "PUT"])
def test_an_odd_path_is_not_found(method: str, path: str) -> None:
    with pytest.raises(FspiopError) as caught:
        read_path(method, path)
    assert caught.value.code == "3002"


def test_only_a_question_has_a_query() -> None:
    assert read_path("GET", "/parties/ALIAS/1", "currency=KES").ids == ("ALIAS", "1")
    for method, path in (("PUT", "/transfers/1"), ("PATCH", "/transfers/1"), ("POST", "/quotes"), ("PUT", "/quotes/1")):
        with pytest.raises(FspiopError):
            read_path(method, path, "x=/transfers/2/error")


def test_methods_that_a_resource_lacks_are_told_apart_from_unknown_methods() -> None:
    assert not METHODS & {"DELETE", "HEAD", "OPTIONS"}
    for method, path, code in (("DELETE", "/quotes/1", "3000"), ("PATCH", "/quotes/1", "3002"), ("GET", "/x", "3002")):
        with pytest.raises(FspiopError) as caught:
            read_path(method, path)
        assert caught.value.code == code


_segments = st.one_of(
    st.sampled_from([*URI_STARTS, *(name.upper() for name in ANSWERED), "error", "MSISDN", "1", "", ".", "%2F", "%3F"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="?"), max_size=12),
)


@given(st.sampled_from(sorted(METHODS)), st.sampled_from(ANSWERED), st.lists(_segments, max_size=5))
def test_a_signature_of_a_path_that_is_read_covers_all_of_it(method: str, resource: str, rest: list[Any]) -> None:
    path = "/".join(["", resource, *rest])
    try:
        read_path(method, path)
    except FspiopError:
        return
    assert fspiop_uri(path) == path
