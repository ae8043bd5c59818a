"""What whoever registered themselves is told once there is a merchant of theirs: its number, and where to sign in."""

from merchant.compliance.cases.applicants import MadeOwner
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.people.registration import accounts

_SHOP = """
SELECT m.trading_name, m.dfsp_id, (SELECT alias FROM counter WHERE merchant_id = m.id ORDER BY id LIMIT 1) AS number
FROM merchant m WHERE m.id = $1
"""


async def tell_owner(tx: Tx, service: Service, made: MadeOwner) -> None:
    """Tell a fresh owner the number of their shop."""
    found, shop = await accounts.read_account(tx, made.user_id), await tx.fetchrow(_SHOP, made.merchant_id)
    if found is None or shop is None:
        return
    told = _(
        "{shop} can be paid from now on. Your number is {number}. Sign in at {address}.",
        shop=shop["trading_name"],
        number=shop["number"],
        address=service.settings.base_url,
    )
    address = found.address(service.vault)
    await accounts.tell(
        tx, service, address, _("Your shop"), told, shop["dfsp_id"], found.language, merchant_id=made.merchant_id
    )
