"""The dialogues as a product owner writes them: every file in dialogues/ is played over every gateway's wire.

`dial`, `redial`, `>` type, `<` expect (with `|` for a line break); `again`, `late TEXT`, `hang up`, `lose`,
`store`, `wait` are what gateways and machines do; `given` sets the scene and `requested` tells what the bank was
asked for, `applied` what the DFSP was handed.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import astuple, replace

from tests.ussd.lines import LINES
from tests.ussd.world import SHOPPER, WAITING, Phone, World
from ussd import GATEWAYS, PaymentOutcome, Reply, SignUpStatus

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
        case "waiting":
            world.waiting = WAITING
        case "paid":
            world.waiting = replace(WAITING, state="paid")
        case "settled":
            world.waiting = None
        case "refused":
            world.outcome = PaymentOutcome("refused", reason=value)
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
        case _:
            raise ValueError(what)


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


@pytest.mark.parametrize(("gateway", "lines"), PLAYED)
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
