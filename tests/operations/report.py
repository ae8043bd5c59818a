"""What a rehearsal says: figures, and promises with what became of them."""

import traceback
from collections.abc import Callable

import click


class Report:
    """Figures, and promises with what became of them. `close` prints them and ends the script."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.broken: list[str] = []
        self._lines: list[str] = []

    def figure(self, name: str, value: object) -> None:
        """Something that was measured."""
        self._lines.append(f"  {name:<52} {value}")
        click.echo(self._lines[-1])

    def promise(self, name: str, value: object, kept: bool) -> None:
        """Something that must hold."""
        self.figure(name, f"{value}  {'kept' if kept else 'BROKEN'}")
        if not kept:
            self.broken.append(name)

    def check(self, name: str, compare: Callable[[], object]) -> None:
        """A comparison that raises AssertionError where something does not agree."""
        try:
            compare()
        except AssertionError as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.promise(name, f"{where.name}, {where.line}: {str(error)[:600]}", kept=False)
        else:
            self.promise(name, "agrees", kept=True)

    def show(self, *, is_whole: bool) -> None:
        """Everything once more, together."""
        click.echo(f"\n{self.title}")
        click.echo("\n".join(self._lines))
        if self.broken:
            click.echo(f"BROKEN: {'; '.join(self.broken)}")
        else:
            click.echo("every promise was kept" if is_whole else "it did not come to its end")
