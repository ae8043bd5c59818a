"""Messages of any hub on their way, by what stands around what they say: who, whom to, where, with which key.

The adapter of a wire (hub/adapter.py) makes and reads them; payments stores, queues, times and counts them without
knowing what is in them.
"""

from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from merchant.hub.port import BadNews

FSP_ID_LENGTH_MAX: Final = 32  # of a participant's id, on every hub


class SigningKey(Struct, frozen=True):
    """A private key ready for use; building one costs as much as 100 signatures, so keep it."""

    key_id: str
    algorithm: Literal["RS256", "ES256"]
    key: Any  # jose.backends.base.Key, untyped upstream


class VerifyKey(Struct, frozen=True):
    """A public key ready for use."""

    key_id: str
    algorithm: Literal["RS256", "ES256"]
    key: Any  # jose.backends.base.Key, untyped upstream


# --- what we send ----------------------------------------------------------------------------------------------------


class OutgoingMessage(Struct, frozen=True):
    """One message to send. `path` starts at the resource, percent-encoded; `body` goes out as it is.

    `version` and `accept` default to what the wire chooses for the resource.
    """

    method: str
    path: str
    source: str
    destination: str | None = None
    body: bytes | None = None
    version: str | None = None
    accept: str | None = None

    @property
    def resource(self) -> str:
        """The first segment of the path."""
        return self.path.split("/", 2)[1].partition("?")[0]


class SendResult(Struct, frozen=True):
    """The peer's synchronous answer. What it says of an error, and what that means for a request to pay, is filled in
    when a 4xx or 5xx explains itself.
    """

    status: int
    error_code: str | None = None
    error_description: str | None = None
    news: BadNews = BadNews.REQUEST_REFUSED

    @property
    def is_accepted(self) -> bool:
        """Whether the peer took the message."""
        return 200 <= self.status < 300

    @property
    def detail(self) -> str:
        """What a refusal says, for histories."""
        if self.error_code is None:
            return f"HTTP {self.status}"
        return f"{self.error_code} {self.error_description or ''}".rstrip()


class Written(Struct, frozen=True):
    """A message without its headers. `lock` is what a transfer must show that keeps to this quote."""

    method: str
    path: str
    body: bytes | None = None
    lock: str | None = None


class Answered(Struct, frozen=True):
    """The message that something answers: its method, where it went, and what it said."""

    method: str
    path: str
    body: bytes


# --- what came -------------------------------------------------------------------------------------------------------


class Heading(Struct, frozen=True, kw_only=True):
    """What a message that came says before its body: who sent it, whom it names as addressee, what sort it is.

    `kind` is what settings call the sort. `place` is the wire's own reading of the path, for its adapter alone.
    """

    source: str
    destination: str | None
    answer_version: str  # of the wire, in which the answer must be written
    dated_at: datetime
    kind: str
    resource: str
    begins: bool  # something new is wanted of us
    wants_promise: bool  # a quote
    is_of_under_way: bool  # what became of a payment that is under way: told, or asked for
    place: Any


class Returned(Struct, frozen=True):
    """An error about a request of ours, which may be our own message that a hub gives back undelivered.

    `hub_may_know` says whether a hub can find that problem by itself.
    """

    hub_request_id: str
    hub_may_know: bool


class About(Struct, frozen=True):
    """What a message is about: the hub's id of something, or the number of a payer who is looked up."""

    hub_id: str | None = None
    payer: str | None = None


class PartyTold(Struct, frozen=True):
    """An answer to a look-up, for whoever tries the hub out: the DFSP that has the account, or the error in words;
    `problem` where it cannot be read.
    """

    fsp_id: str | None = None
    error: str | None = None
    is_unknown: bool = False
    problem: str | None = None
