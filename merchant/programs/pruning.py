"""What has been kept long enough is deleted, some thousand rows a transaction, so that no statement takes long."""

from collections.abc import Sequence

from merchant.core.pools import LONG_S
from merchant.core.service import Service
from merchant.core.slices import Pruned
from merchant.programs.slices import PRUNED

_AT_ONCE = 5_000


async def prune(service: Service, everything: Sequence[Pruned] = PRUNED) -> None:
    """Delete what each of them no longer keeps. Raises what the first that fails does."""
    for pruned in everything:
        more = True
        while more:
            async with service.db.system(longest_s=LONG_S) as tx:
                more = await pruned.forget(tx, _AT_ONCE) >= _AT_ONCE
