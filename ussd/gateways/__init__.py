"""The gateways we speak with, a row each: a wire format, how its text is read, what its handsets show.

A wire format is one module with two pure functions: `parse` a message into a Step, `render` a Reply.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from ussd.arrivals import Reader, read_cumulative
from ussd.fit import Cap
from ussd.gateways import africastalking
from ussd.session import Reply, Step


class Gateway(Struct, frozen=True):
    """All there is to know of a gateway."""

    parse: Callable[[Mapping[str, str]], Step]
    render: Callable[[Reply], bytes]
    read: Reader
    cap: Cap


GATEWAYS: Final = {
    # Publishes no cap of its own.
    africastalking.NAME: Gateway(africastalking.parse, africastalking.render, read_cumulative, Cap()),
}
