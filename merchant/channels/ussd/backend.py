"""What the dialogue may ask of the service: `ussd.Backend`, answered from registry and payments."""

from collections.abc import Sequence

from merchant.channels.ussd.shopping import Shopping
from merchant.channels.ussd.sign_up import SignUpService
from merchant.channels.ussd.trade import ServiceTrade
from merchant.core.db import Tx
from merchant.core.service import Service


class ServiceBackend(ServiceTrade, Shopping, SignUpService):
    """What the dialogue may ask, answered from registry and payments within the step's transaction (ussd.Backend).

    `language` is the phone's, as far as it is known. Where the session's screen has no effect (`commits`), the
    connection only reads.
    """

    def __init__(self, tx: Tx, service: Service, msisdn_digest: bytes, language: str | None = None) -> None:
        super().__init__(tx, service, msisdn_digest)
        self._language = language

    async def preferred_language(self, msisdn: str) -> str | None:
        """The language this phone used last, read with its session."""
        return self._language

    async def default_languages(self) -> Sequence[str]:
        """The operator's language."""
        return (self._service.settings.language,)
