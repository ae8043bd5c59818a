"""The supported gateways, a row each: the wire format, how its text is read, how much a screen holds.

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
    """A gateway: functions for its messages, the reader of its text, and the size of a screen."""

    parse: Callable[[Mapping[str, str]], Step]
    render: Callable[[Reply], bytes]
    read: Reader
    cap: Cap


GATEWAYS: Final = {
    # Publishes no cap of its own.
    africastalking.NAME: Gateway(africastalking.parse, africastalking.render, read_cumulative, Cap()),
}
