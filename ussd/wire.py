"""What passes between a gateway and us: its `Call`, our `Answer`, the `Route` it came by, and the `Gateway` itself.

All are plain values, so a gateway's module needs no server: `decode` turns a call into a Step, `encode` a Reply into
the answer to that step.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from ussd.arrivals import Reader, read_cumulative
from ussd.fit import Cap
from ussd.session import Event, Reply, Step

BODY_BYTES_MAX: Final = 16_384  # a dozen short fields; the largest message known is XML of 1 kB
QUERY_CHARS_MAX: Final = 16_384


class Call(Struct, frozen=True):
    """One HTTP request of a gateway; of `smpp` the body alone, which is a unit of its own protocol.

    `path` is what follows the gateway's address (`/s1/start`, mostly empty), percent-decoded; `query` is still encoded;
    the names of `headers` are in lower case.
    """

    method: str
    path: str = ""
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Answer(Struct, frozen=True):
    """The HTTP response. An empty body needs no content type."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Route(Struct, frozen=True):
    """What is known of the line by which calls come, and is not in them.

    `service_code` (`*384*123#`) stands in where a gateway sends none; it and `other_codes` tell what was dialled behind
    the code. `calling_code` (`254`) completes numbers written as at home, `0711000111` or `711000111`: `home_lengths`
    are how many digits such a number has without the trunk prefix (`0`), which some countries do not have. `fields`
    names the fields of a `plain` gateway (`{"text": "USSD_PARAMS"}`) where ours do not fit, and what knows a session
    of `smpp` (`{"session": "opaque"}`).
    """

    service_code: str = ""
    calling_code: str = ""
    fields: Mapping[str, str] = {}
    other_codes: tuple[str, ...] = ()
    home_lengths: tuple[int, ...] = ()
    trunk_prefix: str = "0"


class Gateway(Struct, frozen=True):
    """A gateway: functions for its messages, the reader of its text, and the size of a screen.

    `decode` raises BadStep, for which the answer is 400. `methods` are the HTTP methods it may use, none where it comes
    by another protocol, and `has_path` says whether its calls go to paths below its address. `notices` are the ends of
    a session that it tells of.
    """

    decode: Callable[[Call, Route], Step]
    encode: Callable[[Step, Reply], Answer]
    read: Reader
    methods: frozenset[str]
    notices: frozenset[Event] = frozenset()
    has_path: bool = False
    cap: Cap = Cap()
    charset: str = "utf-8"

    @property
    def is_http(self) -> bool:
        """Whether it calls an address of ours; else we hold a connection to it."""
        return bool(self.methods)

    @property
    def is_cumulative(self) -> bool:
        """Whether its text holds all inputs so far; else it holds the latest alone."""
        return self.read is read_cumulative
