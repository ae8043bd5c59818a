"""The gateways we speak with: how each one's text is read and how much its handsets show.

Wire formats live in one module per gateway: `parse` a message into a Step, `render` a Reply into its answer.
"""

from typing import Final

from msgspec import Struct

from ussd.arrivals import Reader, read_cumulative
from ussd.fit import Cap


class Gateway(Struct, frozen=True):
    """What the dialogue must know of a gateway."""

    read: Reader
    cap: Cap


GATEWAYS: Final = {
    "africastalking": Gateway(read_cumulative, Cap()),  # publishes no cap of its own
}
