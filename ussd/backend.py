"""What the dialogue asks of the service: the `Backend` that the caller implements.

The engine gets all its data from here; what it reads is in `shopping` and `trade`. Amounts are integer minor units
beside an ISO 4217 code and its exponent; names are the short trading names meant for a handset.
"""

from collections.abc import Sequence
from typing import Protocol

from ussd.shopping import ShopperBackend
from ussd.signing_up import SignUpBackend
from ussd.trade import MerchantBackend


class Backend(ShopperBackend, MerchantBackend, SignUpBackend, Protocol):
    """The service behind the dialogue. What has an effect has it once per key.

    An exception passes through `step` untouched: roll back and answer with `busy`.
    """

    async def preferred_language(self, msisdn: str) -> str | None:
        """The language of this phone's last session; None where it has had none."""

    async def default_languages(self) -> Sequence[str]:
        """The scheme's languages: a phone without a language is spoken to in the first, and told the others."""
