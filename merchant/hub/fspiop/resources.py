"""Names of the resources of FSPIOP APIs: the first path segments of their URIs.

One table for whoever needs the names: signatures (where a signed URI starts), the callback door (what is answered),
and aliases (which words none may be).
"""

from typing import Final

# Resources of single payments (FSPIOP API 1.0 to 2.0), which this service answers.
ANSWERED: Final = (
    "participants",
    "parties",
    "transactionRequests",
    "quotes",
    "authorizations",
    "transfers",
    "transactions",
)
_BULK_AND_FX: Final = ("bulkQuotes", "bulkTransfers", "fxQuotes", "fxTransfers")
_THIRD_PARTY: Final = ("services", "consents", "consentRequests", "thirdpartyRequests", "accounts", "linkedAccounts")

# Hubs cut the URI that a signature covers at the last segment that is one of these.
URI_STARTS: Final = (*ANSWERED, *_BULK_AND_FX)

# In lower case. An alias that is one of these would be read as a resource by routers and by people; `error` ends the
# URIs of error callbacks and `oracle` starts those of look-ups.
RESERVED_WORDS: Final = frozenset(name.lower() for name in (*URI_STARTS, *_THIRD_PARTY)) | {"oracle", "error"}
