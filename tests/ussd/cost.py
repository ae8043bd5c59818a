"""CPU per USSD step of the engine: `python -m tests.ussd.cost`.

A step is counted with its form parsed, its session decoded and encoded again, and a backend that costs nothing.
"""

import asyncio
import time
from statistics import median

from tests.ussd.trade import CHAIN, MERCHANT
from tests.ussd.world import SHOPPER, Phone, World

BUDGET_MS = 0.15  # of the 1.0 ms that a step with its database may cost
DIALOGUES = {
    "pay by menu": (SHOPPER, ["", "1", "74210006", "250", "1"]),
    "pay by dial string": (SHOPPER, ["74210006*250", "1"]),
    "wrong entries": (SHOPPER, ["", "7", "1", "9999", "9998", "9997"]),
    "last payments, three pages": (MERCHANT, ["", "2", "3", "98", "98"]),
    "twelve counters, two pages": (CHAIN, ["", "2", "5", "98"]),
}


async def measure(msisdn: str, inputs: list[str], sessions: int = 200, runs: int = 7) -> float:
    """Median milliseconds of CPU per step over several runs of whole sessions."""
    costs = []
    for _ in range(runs):
        world = World()
        started = time.process_time()
        for _ in range(sessions):
            phone = Phone(world, msisdn)
            await phone.dial(inputs[0])
            for text in inputs[1:]:
                await phone.type(text)
        costs.append((time.process_time() - started) * 1000 / (sessions * len(inputs)))
    return median(costs)


async def report() -> None:
    """Print a line per dialogue, the budget beside it."""
    for name, (msisdn, inputs) in DIALOGUES.items():
        cost_ms = await measure(msisdn, inputs)
        print(f"{name:28} {cost_ms:.3f} ms a step   budget {BUDGET_MS} ms")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(report())
