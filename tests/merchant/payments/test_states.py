"""States of a payment request: the tables, and any messages in any order ending in the truth about the money."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from merchant.core import clock
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import TransfersPost, encode_error
from merchant.payments.book_loading import load_book
from merchant.payments.needs import Needs
from merchant.payments.states import CAPABILITIES, CLOSED, MOVES, RequestCapability, RequestState, may
from tests import builders
from tests.merchant.payments.stage import BANK, HUB, MOBILE, Stage

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
EXAMPLES = 25
STATES = list(RequestState)
OPEN = [RequestState.CREATED, RequestState.SENT, RequestState.AWAITING_PAYER, RequestState.ACCEPTED]
ENDS = {"rejected", "expired", "failed", "cancelled"}


# --- the tables -------------------------------------------------------------------------------------------------------


def test_every_state_has_its_moves_and_its_capabilities() -> None:
    assert set(MOVES) == set(CAPABILITIES) == set(STATES)


@pytest.mark.parametrize("state", [state for state in STATES if state != RequestState.PAID])
def test_paid_is_allowed_from_every_state_but_paid(state: RequestState) -> None:
    assert RequestState.PAID in MOVES[state]
    assert may(state, RequestCapability.BE_PAID)


def test_nothing_leaves_paid() -> None:
    assert MOVES[RequestState.PAID] == frozenset() == CAPABILITIES[RequestState.PAID]


@pytest.mark.parametrize("state", OPEN)
def test_an_open_request_may_come_to_any_end(state: RequestState) -> None:
    assert MOVES[state] >= {*CLOSED, RequestState.IN_DOUBT}


@pytest.mark.parametrize("state", sorted(CLOSED))
def test_an_end_is_left_only_for_money_or_the_doubt_about_it(state: RequestState) -> None:
    assert MOVES[state] <= {RequestState.PAID, RequestState.IN_DOUBT}


@pytest.mark.parametrize("state", STATES)
def test_what_a_state_permits_the_moves_can_follow(state: RequestState) -> None:
    leads_to = {
        RequestCapability.CANCEL: RequestState.CANCELLED,
        RequestCapability.EXPIRE: RequestState.EXPIRED,
        RequestCapability.FAIL: RequestState.FAILED,
        RequestCapability.BE_PAID: RequestState.PAID,
        RequestCapability.TAKE_TRANSFER: RequestState.PAID,
        RequestCapability.LOOK_UP_PAYER: RequestState.SENT,
        RequestCapability.ASK_PAYER: RequestState.SENT,
        RequestCapability.TAKE_ANSWER: RequestState.REJECTED,
    }
    for capability, target in leads_to.items():
        assert not may(state, capability) or target in MOVES[state]
    if may(state, RequestCapability.QUOTE):
        assert may(state, RequestCapability.TAKE_TRANSFER), "what was promised must be kept"


async def test_a_move_that_the_table_lacks_writes_nothing(stage: Stage) -> None:
    request = (await stage.create(payer=None)).json()
    steps = 1
    for before, target in itertools.product(STATES, STATES):
        await stage.rows("UPDATE payment_request SET state = $1, late = false", before)
        moved = await builders.move_request(stage.service, request["id"], target)
        assert moved == (target in MOVES[before]), (before, target)
        shown = await stage.read(request)
        assert shown["state"] == (target if moved else before)
        assert shown["late"] == (moved and before in CLOSED), (before, target)
        steps += moved
        assert len(await stage.history(request)) == steps


async def test_a_request_of_another_dfsp_is_not_found(stage: Stage) -> None:
    wire_id = (await stage.create()).json()["hub"]["transaction_request_id"]
    async with stage.service.db.system() as tx:
        book = await load_book(tx, stage.service, Needs(hub_request_ids={wire_id, "no such id"}), clock.now())
    assert book.request_by_hub_id(wire_id, stage.merchant.dfsp_id) is not None
    assert book.request_by_hub_id(wire_id, stage.world.dfsp_ids["lakemfi"]) is None
    assert book.request_by_hub_id("no such id", stage.merchant.dfsp_id) is None


async def test_money_in_doubt_after_the_end_is_late_when_it_turns_out_true(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked(expires_in_s=10)
    move_clock(timedelta(seconds=11))
    await stage.tick()
    assert await stage.state(request) == "expired"
    transfer_id = await stage.reserved(request)
    move_clock(timedelta(seconds=11))
    await stage.tick()
    assert await stage.state(request) == "in_doubt"
    await stage.end_transfer(transfer_id, "COMMITTED", "PUT")
    paid = await stage.read(request)
    assert (paid["state"], paid["late"]) == ("paid", True)


# --- any messages in any order ----------------------------------------------------------------------------------------


class Play:
    """One request, and everything that the hub, a payer's DFSP, the shop and the clock may do about it."""

    def __init__(self, stage: Stage, request: dict[str, Any], move_clock: Clock) -> None:
        self.stage = stage
        self.request = request
        self.move_clock = move_clock
        self.quoted: list[tuple[str, Any]] = []
        self.transfers: list[TransfersPost] = []

    async def look_up_answered(self, _: int) -> None:
        await self.stage.find_payer()

    async def payer_says(self, which: int) -> None:
        await self.stage.answer_request(self.request, ("RECEIVED", "PENDING", "ACCEPTED", "REJECTED")[which % 4])

    async def hub_refuses(self, which: int) -> None:
        path = f"/transactionRequests/{self.request['hub']['transaction_request_id']}/error"
        await self.stage.tell("PUT", path, encode_error(FspiopError(("3201", "4101", "2003")[which % 3], "no")))

    async def quoted_for(self, which: int) -> None:
        source = (MOBILE, BANK)[which % 2]
        answer = await self.stage.quote(self.request, source=source, amount="11" if which % 5 == 4 else None)
        if answer.error_code is None:
            self.quoted.append((source, answer))

    async def transferred(self, which: int) -> None:
        if self.quoted:
            source, quoted = self.quoted[which % len(self.quoted)]
            body = self.stage.transfer_body(quoted, source=source)
            if (await self.stage.send_transfer(body, source)).error_code is None:
                self.transfers.append(body)

    async def transfer_repeated(self, which: int) -> None:
        if self.transfers:
            body = self.transfers[which % len(self.transfers)]
            assert (await self.stage.send_transfer(body, body.payer_fsp)).error_code is None

    async def committed(self, which: int) -> None:
        await self._ended(which, "COMMITTED")

    async def aborted(self, which: int) -> None:
        await self._ended(which, "ABORTED")

    async def _ended(self, which: int, state: str) -> None:
        if self.transfers:
            transfer_id = self.transfers[which % len(self.transfers)].transfer_id
            await self.stage.end_transfer(transfer_id, state, ("PATCH", "PUT")[which % 2])

    async def unknown_to_hub(self, which: int) -> None:
        if self.transfers:
            transfer_id = self.transfers[which % len(self.transfers)].transfer_id
            error = encode_error(FspiopError("3208", f"unknown {which}"))
            await self.stage.tell("PUT", f"/transfers/{transfer_id}/error", error, source=HUB)

    async def cancelled(self, _: int) -> None:
        path = f"/api/v1/payment-requests/{self.request['id']}/cancel"
        response = await self.stage.client.post(path, headers=self.stage.key)
        assert response.status_code in (200, 409), response.text

    async def time_passed(self, which: int) -> None:
        self.move_clock(timedelta(seconds=(1, 12, 70)[which % 3]))
        await self.stage.tick()


DEEDS: list[Callable[[Play, int], Awaitable[None]]] = [
    Play.look_up_answered,
    Play.payer_says,
    Play.hub_refuses,
    Play.quoted_for,
    Play.quoted_for,
    Play.transferred,
    Play.transferred,
    Play.transfer_repeated,
    Play.committed,
    Play.committed,
    Play.aborted,
    Play.unknown_to_hub,
    Play.cancelled,
    Play.time_passed,
]
SCRIPTS = st.lists(st.tuples(st.integers(0, len(DEEDS) - 1), st.integers(0, 59)), min_size=3, max_size=16)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=SCRIPTS, has_payer=st.booleans())
@example(script=[(3, 0), (5, 0), (13, 2), (8, 0)], has_payer=False)  # in doubt when its time ends, and then paid
async def test_whatever_comes_in_whatever_order_ends_in_the_truth(
    stage: Stage, move_clock: Clock, script: list[tuple[int, int]], has_payer: bool
) -> None:
    request = await stage.ask(expires_in_s=60, **({} if has_payer else {"payer": None}))
    play = Play(stage, request, move_clock)
    for deed, which in script:
        await DEEDS[deed](play, which)
    await check_truth(stage, request)


async def check_truth(stage: Stage, request: dict[str, Any]) -> None:
    """What must hold of a request and of the money, whatever happened."""
    shown = await stage.read(request)
    transfers = await stage.rows("SELECT * FROM transfer WHERE request_id = $1", request["id"])
    payments = await stage.rows("SELECT * FROM payment WHERE request_id = $1", request["id"])
    committed = {row["transfer_id"] for row in transfers if row["state"] == "COMMITTED"}
    assert (shown["state"] == "paid") == bool(committed)
    assert len(payments) == bool(committed)
    for payment in payments:
        assert payment["transfer_id"] == shown["hub"]["transfer_id"]
        assert payment["transfer_id"] in committed
        assert (payment["amount_minor"], payment["currency"]) == (1000, "KES")
        assert payment["transaction_id"] == shown["hub"]["transaction_id"]
    steps = [step["state"] for step in await stage.history(request)]
    assert steps[-1] == shown["state"]
    assert all(RequestState(after) in MOVES[RequestState(before)] for before, after in itertools.pairwise(steps))
    if shown["state"] == "paid":
        in_doubt_past_its_time = steps[-2] == "in_doubt" and shown["paid_at"] >= shown["expires_at"]
        assert shown["late"] == (bool(ENDS & set(steps)) or in_doubt_past_its_time)
    await check_books(stage)


async def check_books(stage: Stage) -> None:
    """Every committed transfer is one payment, and the limits hold what is reserved or committed."""
    [books] = await stage.rows(
        "SELECT"
        " (SELECT array_agg(transfer_id ORDER BY transfer_id) FROM transfer WHERE state = 'COMMITTED') AS committed,"
        " (SELECT array_agg(transfer_id ORDER BY transfer_id) FROM payment) AS paid,"
        " (SELECT coalesce(sum(amount_minor), 0) FROM transfer WHERE state <> 'ABORTED') AS held,"
        " (SELECT coalesce(sum(taken_minor), 0) FROM limit_usage WHERE length(period) = 7) AS used,"
        " (SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL OR last_error IS NOT NULL) AS troubled"
    )
    assert books["committed"] == books["paid"]
    assert books["held"] == books["used"]
    assert books["troubled"] == 0
