"""Whom a message is for that names no destination: what its body tells, else its path, else nothing."""

import json
from typing import Any

import pytest

from merchant.hub.fspiop.addressing import addressee_of
from merchant.hub.fspiop.messages import QuotesPost, TransactionRequestsPost, TransfersPost, WireBody, decode
from merchant.hub.fspiop.paths import Place, read_path
from merchant.hub.port import Addressee, Stored
from tests.merchant.hub.fspiop.test_messages import BODIES

WITHOUT_FSP = {"partyIdType": "ALIAS", "partyIdentifier": "000123"}


def body_of(shape: type[WireBody], **changed: Any) -> WireBody:
    return decode(shape, json.dumps(BODIES[shape] | changed).encode())


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/transfers", body_of(TransfersPost, payeeFsp="merchantfsp"), Addressee(fsp_id="merchantfsp")),
        ("POST", "/quotes", body_of(QuotesPost), Addressee(fsp_id="merchantfsp")),
        (
            "POST",
            "/quotes",
            body_of(QuotesPost, payee={"partyIdInfo": WITHOUT_FSP}),
            Addressee(alias=("ALIAS", "000123")),
        ),
        (
            "POST",
            "/transactionRequests",
            body_of(TransactionRequestsPost, payer=WITHOUT_FSP),
            Addressee(alias=("ALIAS", "000123")),
        ),
        ("GET", "/parties/ALIAS/000123", None, Addressee(alias=("ALIAS", "000123"))),
        ("GET", "/parties/ALIAS/000123/X7", None, Addressee(alias=("ALIAS", "000123"))),
        ("PUT", "/transactionRequests/r-1", None, Addressee(stored=(Stored.REQUEST, "r-1"))),
        ("GET", "/quotes/q-1", None, Addressee(stored=(Stored.QUOTE, "q-1"))),
        ("PATCH", "/transfers/t-1", None, Addressee(stored=(Stored.TRANSFER, "t-1"))),
        ("PUT", "/transfers/t-1/error", None, Addressee(stored=(Stored.TRANSFER, "t-1"))),
        ("POST", "/quotes", None, Addressee()),
        ("GET", "/authorizations/a-1", None, Addressee()),
    ],
)
def test_a_message_tells_whom_it_is_for(method: str, path: str, body: WireBody | None, told: Addressee) -> None:
    assert addressee_of(read_path(method, path), body) == told


def test_a_path_with_one_name_tells_no_party() -> None:
    assert addressee_of(Place("participants", ("batch-1",), is_error=False), None) == Addressee()
