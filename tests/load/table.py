"""The table that `make bench` prints: figures with their budgets, and beside ours those of peers, as ratios."""

from collections.abc import Iterable

import click
import msgspec


class Row(msgspec.Struct):
    """One line; figure and budget are in the unit. No figure: `note` says why."""

    work: str
    figure: float | None
    unit: str
    budget: float | None = None
    at_least: bool = False  # the budget is a floor
    note: str = ""

    def verdict(self) -> str:
        """How it compares with its budget."""
        if self.budget is None or self.figure is None:
            return self.note
        good = self.figure >= self.budget if self.at_least else self.figure <= self.budget
        return "good" if good else f"{self.figure / self.budget:.1f} times the budget"


def peer(name: str, figure: float, unit: str, ours: float) -> Row:
    """A peer's figure below ours; both are rates, so the ratio says how many times as fast we are."""
    return Row(f"  {name}", figure, unit, note=f"ours is {ours / figure:.1f} times as fast")


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    click.echo(f"{'work':<62} {'figure':>13} {'budget':>8}")
    for row in rows:
        figure = "–" if row.figure is None else f"{row.figure:.2f}"
        budget = f"{'≥' if row.at_least else '≤'} {row.budget:g}" if row.budget is not None else "–"
        click.echo(f"{row.work:<62} {figure:>7} {row.unit:<5} {budget:>8}  {row.verdict()}")
