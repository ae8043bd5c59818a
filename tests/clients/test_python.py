"""A Python client is generated from the documents without a complaint, and does the whole job with it."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests import builders
from tests.clients.conftest import Served
from tests.clients.python_client import PythonClient, generate, operation_ids
from tests.stories.town import until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PAYS, REFUSES = "+254711000001", "+254711000002"  # the last digit says what the customer does


@pytest.fixture(scope="module")
def package(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The generated client of the API, to be imported."""
    folder = tmp_path_factory.mktemp("python")
    made = folder / "merchant_client"
    assert generate(documents / "merchant.json", made) == ""
    sys.path.insert(0, str(folder))
    yield made
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == made.name]:
        del sys.modules[name]
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["oracle", "fspiop"])
def test_the_other_doors_documents_make_whole_clients_too(name: str, documents: Path, tmp_path: Path) -> None:
    document, package = documents / f"{name}.json", tmp_path / f"{name}_client"
    assert generate(document, package) == ""
    made = {file.stem.replace("_", "").lower() for file in (package / "api").glob("*/[!_]*.py")}
    assert made == {one.replace("_", "").lower() for one in operation_ids(document)}


def test_every_operation_of_the_api_is_a_function(package: Path, documents: Path) -> None:
    assert {file.stem for file in (package / "api").glob("*/[!_]*.py")} == operation_ids(documents / "merchant.json")


def test_what_no_generator_takes_is_told(tmp_path: Path) -> None:
    document = tmp_path / "bad.json"
    answer = '{"200": {"description": "", "content": {"application/json": {"schema": {"type": "array"}}}}}'
    operation = f'{{"operationId": "bad", "responses": {answer}}}'
    document.write_text(
        f'{{"openapi": "3.1.0", "info": {{"title": "", "version": "1"}}, "paths": {{"/": {{"get": {operation}}}}}}}'
    )
    assert "WARNING parsing GET /" in generate(document, tmp_path / "bad_client")


async def test_a_business_is_registered_and_paid_through_the_generated_client(package: Path, served: Served) -> None:
    anyone = PythonClient(package, served.base_url)
    maker, checker, both = [await sign_in(anyone, served, title) for title in ("maker", "checker", "both")]

    # The maker applies; what the form lacks is told by field.
    empty = await maker.call(
        "open_application", 201, body=maker.model("NewApplication", {}), idempotency_key=uuid4().hex
    )
    refused = await maker.call("submit_application", 422, empty.id)
    assert refused.code == "incomplete"
    assert {"business.trading_name", "locations"} <= {error.path for error in refused.errors}
    document = builders.company()
    opened = await both.call(
        "open_application", 201, body=both.model("NewApplication", document), idempotency_key=uuid4().hex
    )
    assert isinstance(opened.id, UUID)
    await both.call("submit_application", 200, opened.id)

    # The worker screens; nobody decides on what they wrote, another checker approves.
    async def in_review() -> object:
        seen = await checker.call("read_application", 200, opened.id)
        return seen if seen.state == "in_review" else None

    seen = await until(in_review, "the application is screened")
    approval = checker.model("Approval", {"version_hash": seen.version_hash})
    assert (await both.call("approve_application", 403, opened.id, body=approval)).code == "checker_is_maker"
    made = await checker.call("approve_application", 200, opened.id, body=approval)
    merchant = await checker.call("read_merchant", 200, made.merchant_id)
    assert (merchant.trading_name, merchant.state) == (document["business"]["trading_name"], "active")
    [counter] = merchant.counters
    page = await checker.call("list_merchants", 200, state="active", search=merchant.trading_name)
    assert [one.id for one in page.items] == [merchant.id]

    # The till asks a customer for money; sent twice it asks once.
    till = anyone.with_key(served.town.key["x-api-key"])
    content = {
        "counter_id": str(counter.id),
        "payer": {"type": "MSISDN", "id": PAYS},
        "amount": {"amount": "250.5", "currency": "KES"},
        "reference": "order 17",
    }
    order, key = till.model("NewPaymentRequest", content), uuid4().hex
    asked = await till.call("create_payment_request", 201, body=order, idempotency_key=key)
    again = await till.call("create_payment_request", 201, body=order, idempotency_key=key)
    assert again.id == asked.id

    async def paid() -> object:
        shown = await till.call("read_payment_request", 200, asked.id)
        return shown if shown.state == "paid" else None

    await until(paid, "the customer has paid")
    [payment] = (await till.call("list_payments", 200, counter_id=counter.id)).items
    assert (payment.amount.amount, payment.amount.currency) == ("250.5", "KES")
    steps = (await till.call("list_payment_request_events", 200, asked.id)).items
    assert [step.state for step in steps][-1] == "paid"
    assert counter.alias in await till.call("read_counter_qr", 200, counter.id, format_="payload")


async def test_lists_are_read_page_by_page_with_a_filter(package: Path, served: Served) -> None:
    till = PythonClient(package, served.base_url).with_key(served.town.key["x-api-key"])
    for reference in ("first", "second", "third"):
        content = {"amount": {"amount": "1", "currency": "USD"}, "reference": reference}
        content |= {"counter_id": str(served.town.counter.id)}
        body = till.model("NewPaymentRequest", content)
        await till.call("create_payment_request", 201, body=body, idempotency_key=uuid4().hex)
    first = await till.call("list_payment_requests", 200, state="awaiting_payer", limit=2)
    assert [one.reference for one in first.items] == ["third", "second"]
    last = await till.call("list_payment_requests", 200, state="awaiting_payer", limit=2, cursor=first.next_cursor)
    assert [one.reference for one in last.items] == ["first"]
    assert last.next_cursor is None
    paid = await till.call("list_payment_requests", 200, state="paid")
    assert paid.items == []


async def test_problems_are_typed_and_have_a_code(package: Path, served: Served) -> None:
    anyone = PythonClient(package, served.base_url)
    credentials = anyone.model("SignIn", {"email": served.email("maker"), "password": "a wrong password"})
    assert (await anyone.call("sign_in", 401, body=credentials)).code == "not_signed_in"
    assert (await anyone.with_token("nonsense").call("read_me", 401)).code == "not_signed_in"
    till = anyone.with_key(served.town.key["x-api-key"])
    assert (await till.call("read_payment_request", 404, uuid4())).code == "not_found"
    assert (await till.call("list_users", 403)).code == "not_allowed"
    content = {"counter_id": str(served.town.counter.id), "amount": {"amount": "1.001", "currency": "USD"}}
    body = till.model("NewPaymentRequest", content)
    refused = await till.call("create_payment_request", 422, body=body, idempotency_key="1")
    assert (refused.code, [error.path for error in refused.errors]) == ("invalid_fields", ["amount.amount"])
    good = till.model("NewPaymentRequest", content | {"amount": {"amount": "1", "currency": "USD"}})
    asked = await till.call("create_payment_request", 201, body=good, idempotency_key="2")
    await till.call("cancel_payment_request", 200, asked.id)
    assert (await till.call("cancel_payment_request", 409, asked.id)).code == "wrong_state"
    assert (await till.call("list_payment_requests", 400, limit=1000)).code == "invalid_page"


async def sign_in(anyone: PythonClient, served: Served, title: str) -> PythonClient:
    """The client of someone who signed in with a password."""
    body = anyone.model("SignIn", {"email": served.email(title), "password": served.password})
    session = await anyone.call("sign_in", 201, body=body)
    return anyone.with_token(session.access_token)
