"""What a provider of evidence is: it is asked about one attribute of one subject, and gives a verdict or none.

It is handed the facts that the verdict will rest on, and nothing else of the case. No verdict is never a verified one:
whoever asked asks again later.
"""

from datetime import date
from typing import Literal, Protocol

from msgspec import Struct

REGISTRY = "registry"  # the method of every verdict that a register gave


class Request(Struct, frozen=True):
    """What is asked: `id` is the same whenever the same facts of the same case are asked about."""

    id: str
    attribute: str
    facts: dict[str, str]


class Verdict(Struct, frozen=True):
    """What a provider says about one attribute of one subject. `reference` is its own; `code` says why not."""

    outcome: Literal["verified", "rejected", "inconclusive"]
    code: str = ""
    reference: str | None = None
    expires_on: date | None = None

    @property
    def kept_code(self) -> str:
        """The code that is recorded: a rejection always has one."""
        return self.code or ("refused" if self.outcome == "rejected" else "")


class NoVerdict(Struct, frozen=True):
    """The provider gave no verdict; `why` is for operators and holds no personal data."""

    why: str


class Provider(Protocol):
    """One way to ask."""

    async def look_up(self, request: Request) -> Verdict | NoVerdict:
        """The provider's verdict. Whatever goes wrong is no verdict, never an exception."""
        ...
