"""The dialogues as a product owner writes them: every file in dialogues/ is played over every gateway's wire.

`dial`, `redial`, `>` type, `<` expect (with `|` for a line break); `again`, `late TEXT`, `hang up`, `lose`,
`store`, `wait` are what gateways and machines do; `given` sets the scene and `requested` tells what the bank was
asked for. `demanded` is what a shop asked its customer for, `done` what else it did, `applied` what the DFSP was
handed.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import astuple, replace

from tests.cases import every_case
from tests.ussd.lines import LINES
from tests.ussd.world import AMINA, SHOPPER, WAITING, Phone, World
from ussd import GATEWAYS, DemandOutcome, OwnRequest, PaymentOutcome, RefundOutcome, Reply, SignUpStatus

pytestmark = pytest.mark.anyio

Scenario = tuple[str, list[str]]


def scenarios() -> Iterator[Scenario]:
    for file in sorted((Path(__file__).parent / "dialogues").glob("*.txt")):
        for block in ("\n" + file.read_text(encoding="utf-8")).split("\n# ")[1:]:
            title, *lines = block.splitlines()
            yield title, [line for line in lines if line.strip()]


SCENARIOS = list(scenarios())


def set_scene(world: World, what: str, value: str) -> None:
    match what:
        case "recent":  # "recent late", "recent paid 2 min ago", "recent waiting of Kigali Kiosk": added to the others
            world.recent = [recent_of(value), *world.recent]
        case "now":  # what became of the newest
            world.recent = [replace(world.recent[0], state=value), *world.recent[1:]]  # type: ignore[arg-type]
        case "settled":
            world.recent = []
        case "paid":  # some time ago
            world.paid = [recent_of(value), *world.paid]
        case "refused":
            reason, _, fits = value.partition(" ")
            world.outcome = PaymentOutcome("refused", reason=reason, fits_minor=int(fits or 0))
        case "taken":
            world.outcome = PaymentOutcome("sent")
        case "decline":
            world.declines = "too_late"
        case "reports":
            world.keeps = "too_many"
        case "no":  # "no shops"
            world.known_shops = []
        case "language":
            world.language = None if value == "unknown" else value
        case "payments":
            world.received = world.received[: int(value)]
        case "status":
            state, *_ = value.split(" ")
            assert state in ("none", "checking", "returned", "approved", "refused", "taken")
            world.status = SignUpStatus(state, "Green Bank", "74210006", "The card cannot be read")  # type: ignore[arg-type]
        case "fault":
            field, _, code = value.partition(" ")
            world.faults = {field: code} if code else {}  # type: ignore[dict-item]
        case "code":
            world.code = value  # type: ignore[assignment]
        case "applied":
            world.applied = value  # type: ignore[assignment]
        case "dfsps":
            world.dfsps = world.dfsps[: int(value)]
        case "named":  # what Mama Amina's shop is called
            world.shops = {**world.shops, AMINA.number: replace(AMINA, name=value)}
        case _:
            set_shop(world, what, value)


def set_shop(world: World, what: str, value: str) -> None:
    """What the shop's own people meet."""
    match what:
        case "takings":
            world.takings = world.takings[: int(value)]
        case "requests":
            world.asked = world.asked[: int(value)]
        case "cashiers":
            world.people = world.people[: int(value)]
        case "demand":
            world.demand_outcome = (
                DemandOutcome("sent", "2547*****111") if value == "sent" else DemandOutcome("refused", reason=value)
            )
        case "fits":
            world.demand_outcome = DemandOutcome("refused", reason="limit", fits_minor=int(value))
        case "act":
            world.act_outcome = value  # type: ignore[assignment]  # one of ActOutcome, as its screen would get it
        case "refunds":
            world.may_refund = value == "open"
        case "refund":
            world.refund_outcome = (
                RefundOutcome("waits") if value == "waits" else RefundOutcome("refused", reason=value)
            )
        case _:
            raise ValueError(what)


def recent_of(words: str) -> OwnRequest:
    """A payment of 250 KES to Mama Amina, or as the words say: `late`, `paid 2 min ago`, `waiting from shop`."""
    state, _, rest = words.partition(" ")
    found = replace(WAITING, state=state)  # type: ignore[arg-type]
    ago, _, shop = rest.partition("of ")
    if ago:
        found = replace(found, minutes_ago=int(ago.split()[0])) if ago[0].isdigit() else replace(found, from_shop=True)
    if shop == "Kigali Kiosk":
        return replace(
            found, request_id="r-2", counter_id="c-kigali", number="50000009", shop=shop, currency="RWF", exponent=0
        )
    if shop:
        return replace(found, request_id="r-3", shop=shop)
    return found


class Player:
    """Plays one scenario over one gateway."""

    def __init__(self, gateway: str) -> None:
        self.world = World()
        self.gateway = gateway
        self.phone = Phone(self.world, gateway=gateway)

    def actions(self) -> dict[str, Callable[[str], Awaitable[Reply]]]:
        return {
            "dial": self.phone.dial,
            ">": self.phone.type,
            "again": lambda _: self.phone.again(),
            "late": self.phone.late,
            "hang": lambda _: self.phone.hang_up(),
        }

    async def redial(self, string: str) -> None:
        """A further call of the same phone, which the gateway knows by another id."""
        before = self.phone
        self.phone = Phone(self.world, before.press.msisdn, self.gateway)
        self.phone.now = before.now
        self.phone.earlier = before.session if before.stored else before.earlier
        self.phone.press = replace(before.press, session_id=f"{before.press.session_id[:60]}x", typed=(), count=0)
        await self.phone.dial(string)

    async def play(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        match verb:
            case "as":
                self.phone = Phone(self.world, rest, self.gateway)
            case "given":
                what, _, value = rest.partition(" ")
                set_scene(self.world, what, value)
            case "latest":  # a scenario of gateways that send the latest input alone
                pass
            case "lose":
                self.phone.stored = None
            case "redial":
                await self.redial(rest)
            case "store":
                self.phone.stored = rest.encode()
            case "wait":
                self.phone.now += timedelta(seconds=int(rest))
            case "<":
                expected = rest if rest.startswith("END ") else f"CON {rest}"
                assert self.phone.shown == expected.replace(" | ", "\n")
            case "requested":
                asked = [f"{order.amount_minor} {order.currency} {order.counter_id}" for order in self.world.orders]
                assert asked == ([] if rest == "nothing" else [rest])
                assert all(order.payer_msisdn == SHOPPER for order in self.world.orders)
            case "demanded":
                demands = [
                    f"{one.amount_minor} {one.currency} {one.counter_id} {one.customer} {one.note or ''}".strip()
                    for one in self.world.demands
                ]
                assert demands == ([] if rest == "nothing" else [rest])
            case "done":
                assert self.world.acts == ([] if rest == "nothing" else [rest])
            case "declined":
                assert self.world.declined == ([] if rest == "nothing" else [rest])
            case "reported":
                assert self.world.reports == ([] if rest == "nothing" else [tuple(rest.split())])
            case "applied":
                made = [
                    "; ".join("" if text is None else text for text in (*astuple(one.form), one.code))
                    for one in self.world.applications
                ]
                assert made == ([] if rest == "nothing" else [rest])
                assert all(one.msisdn == self.phone.press.msisdn for one in self.world.applications)
            case _:
                await self.actions()[verb](rest)


def can_be_played(gateway: str, lines: list[str]) -> bool:
    """Whether the gateway has what the scenario is about.

    Texts that come late and sessions that we lost are those of cumulative text; of others see dialogues/latest.txt. Not
    every gateway tells of an end, or hands on what was dialled.
    """
    line, verbs = LINES[gateway], {line.split(" ")[0] for line in lines}
    about_texts = bool(verbs & {"late", "lose"}) or any(line.startswith("wait 6") for line in lines)
    if "latest" in verbs:
        return not line.is_cumulative
    is_told = line.notice is not None and (gateway != "infobip" or not lines[0].startswith("hang"))
    return (
        (line.is_cumulative or not about_texts)
        and (is_told or "hang" not in verbs)
        and (line.dials or not any(line.startswith(("dial ", "redial ")) for line in lines))
    )


PLAYED = [
    pytest.param(gateway, lines, id=f"{gateway}: {title}")
    for gateway in GATEWAYS
    for title, lines in SCENARIOS
    if can_be_played(gateway, lines)
]


@every_case(("gateway", "lines"), PLAYED)
async def test_the_dialogue_goes_as_written(gateway: str, lines: list[str]) -> None:
    player = Player(gateway)
    for line in lines:
        await player.play(line)


def test_there_are_dialogues() -> None:
    assert len(SCENARIOS) > 40
    assert len({title for title, _ in SCENARIOS}) == len(SCENARIOS)
    assert set(LINES) == set(GATEWAYS)


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_every_gateway_plays_a_payment_from_the_dial_to_the_end(gateway: str) -> None:
    played = [lines for lines in (one.values for one in PLAYED) if lines[0] == gateway]
    assert len(played) > 15
    assert any("requested 25000 KES c-amina" in lines[1] for lines in played)
