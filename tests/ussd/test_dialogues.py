"""The dialogues as a product owner writes them: every file in dialogues/ is played against the engine.

`dial`, `>` type, `<` expect (with `|` for a line break); `again`, `late TEXT`, `hang up`, `lose`, `store`,
`wait` are what gateways and machines do; `given` sets the scene and `requested` tells what the bank was
asked for.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.ussd.world import SHOPPER, WAITING, Phone, World
from ussd import GATEWAYS, PaymentOutcome, Reply

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
            world.language = value
        case "payments":
            world.received = world.received[: int(value)]
        case _:
            raise ValueError(what)


class Player:
    """Plays one scenario, remembering the last wire reply."""

    def __init__(self) -> None:
        self.world = World()
        self.phone = Phone(self.world)
        self.shown = b""

    def actions(self) -> dict[str, Callable[[str], Awaitable[Reply]]]:
        return {
            "dial": self.phone.dial,
            ">": self.phone.type,
            "again": lambda _: self.phone.again(),
            "late": lambda text: self.phone.send(text=text),
            "hang": lambda _: self.phone.hang_up(),
        }

    async def play(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        match verb:
            case "as":
                self.phone = Phone(self.world, rest)
            case "given":
                what, _, value = rest.partition(" ")
                set_scene(self.world, what, value)
            case "lose":
                self.phone.stored = None
            case "store":
                self.phone.stored = rest.encode()
            case "wait":
                self.phone.now += timedelta(seconds=int(rest))
            case "<":
                expected = rest if rest.startswith("END ") else f"CON {rest}"
                assert self.shown.decode() == expected.replace(" | ", "\n")
            case "requested":
                asked = [f"{order.amount_minor} {order.currency} {order.counter_id}" for order in self.world.orders]
                assert asked == ([] if rest == "nothing" else [rest])
                assert all(order.payer_msisdn == SHOPPER for order in self.world.orders)
            case _:
                self.shown = GATEWAYS["africastalking"].render(await self.actions()[verb](rest))


@pytest.mark.parametrize("lines", [lines for _, lines in SCENARIOS], ids=[title for title, _ in SCENARIOS])
async def test_the_dialogue_goes_as_written(lines: list[str]) -> None:
    player = Player()
    for line in lines:
        await player.play(line)


def test_there_are_dialogues() -> None:
    assert len(SCENARIOS) > 40
    assert len({title for title, _ in SCENARIOS}) == len(SCENARIOS)
