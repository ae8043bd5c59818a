"""The table that `make bench` prints: figures with their budgets, what is usual, and peers' as ratios."""

from collections.abc import Iterable, Mapping

import click
import msgspec

TOLERATED = 0.1  # more than a tenth worse than usual is refused


class Row(msgspec.Struct):
    """One line; figure and budget are in the unit. No figure: `note` says why. Of rates more is better, else less."""

    work: str
    figure: float | None
    unit: str
    budget: float | None = None
    note: str = ""
    is_peer: bool = False

    @property
    def is_rate(self) -> bool:
        """Whether the figure counts something per second; the budget is then the least."""
        return self.unit.endswith("/s")

    @property
    def is_over_budget(self) -> bool:
        """Whether the budget is not kept."""
        if self.budget is None or self.figure is None:
            return False
        return self.figure < self.budget if self.is_rate else self.figure > self.budget

    def worse_by(self, before: float | None) -> float:
        """How much worse than usual, as a part of that: 0.25 is a quarter worse, -0.25 a quarter better."""
        if not before or not self.figure:
            return 0.0
        return before / self.figure - 1 if self.is_rate else self.figure / before - 1

    def verdict(self, before: float | None) -> str:
        """How it compares with its budget and with what is usual."""
        said = [self.note] if self.note else []
        if self.budget is not None and self.figure is not None:
            said.append(f"{self.figure / self.budget:.2f} times the budget" if self.is_over_budget else "good")
        if self.worse_by(before) > TOLERATED and not self.is_peer:
            said.append(f"{self.worse_by(before):.0%} worse than usual")
        return ", ".join(said)


def peer(name: str, figure: float, unit: str, ours: float) -> Row:
    """A peer's figure below ours; both are rates, so the ratio says how many times as fast we are."""
    return Row(f"  {name}", figure, unit, note=f"ours is {ours / figure:.1f} times as fast", is_peer=True)


def show(rows: Iterable[Row], before: Mapping[str, float]) -> list[str]:
    """Print the table, and below it what became slower, which is returned. `before` holds usual figures by the work."""
    click.echo(f"{'work':<64} {'figure':>13} {'budget':>8} {'usual':>9}")
    slower = []
    for row in rows:
        earlier = before.get(row.work.strip())
        budget = f"{'≥' if row.is_rate else '≤'} {row.budget:g}" if row.budget is not None else "–"
        click.echo(
            f"{row.work:<64} {_number(row.figure):>7} {row.unit:<5} {budget:>8} {_number(earlier):>9}"
            f"  {row.verdict(earlier)}".rstrip()
        )
        if row.worse_by(earlier) > TOLERATED and not row.is_peer:
            slower.append(row.work.strip())
    click.echo(f"more than a tenth worse than usual: {'; '.join(slower) or 'nothing'}")
    return slower


def _number(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.2f}"
