"""What the portal's list of merchants costs at a size: used by finding_bench.py, whose merchants it lists."""

import time
from typing import Any

import click
import httpx

from merchant.core.service import Service
from merchant.programs.app import create_app, with_doors
from tests import builders
from tests.builders import Person

PAGE_BUDGET_MS, CPU_BUDGET_MS = 60.0, 5.0
ROUNDS, WARM = 120, 15


async def _open(client: httpx.AsyncClient, person: Person, path: str) -> tuple[float, float, int]:
    """Wall and own CPU time of one page in milliseconds, and its bytes."""
    started, cpu = time.perf_counter(), time.process_time()
    page = await client.get(path, headers={"cookie": f"session={person.token}"})
    took = (time.perf_counter() - started) * 1000, (time.process_time() - cpu) * 1000
    assert page.status_code == 200, path
    return *took, len(page.content)


async def report_pages(service: Service, sample: list[Any]) -> None:
    """Print the 95th percentile of the time until the page is there, and the median of the CPU time of our process."""
    world = await builders.load_world(service)
    transport: Any = httpx.ASGITransport(with_doors(create_app(service)))
    own = [one for one in sample if one.dfsp_id == world.maker.actor.dfsp_id]
    paths = {
        "the newest 25": lambda one: "/merchants",
        "by family name": lambda one: f"/merchants?q={one.family}",
        "by trade": lambda one: f"/merchants?q={one.trades[0]}",
        "by trade, suspended": lambda one: f"/merchants?q={one.trades[0]}&state=suspended",
        "by number": lambda one: f"/merchants?q={one.alias}",
    }
    budgets = f"ms, budgets {PAGE_BUDGET_MS:.0f}, {CPU_BUDGET_MS:.0f}; bytes"
    click.echo(f"\n{'the page /merchants':28} {'wall p95':>9} {'CPU p50':>8}  {budgets}")
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        for name, path_of in paths.items():
            done = [await _open(client, world.maker, path_of(own[at % len(own)])) for at in range(ROUNDS + WARM)][WARM:]
            wall, cpu = sorted(one[0] for one in done), sorted(one[1] for one in done)
            p95, p50 = wall[int(len(wall) * 0.95)], cpu[len(cpu) // 2]
            verdict = "over" if p95 > PAGE_BUDGET_MS or p50 > CPU_BUDGET_MS else ""
            click.echo(f"{name:28} {p95:9.1f} {p50:8.1f} {done[0][2]:8,} {verdict}")
