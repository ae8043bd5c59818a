"""The demo's people in a test's database: the stall with its owner, and the staff whom the wall names."""

from merchant.core.access import Role
from merchant.core.service import Service
from merchant.demo.own_shops import SHOPS, STALL
from merchant.demo.pages import cast
from merchant.demo.world import DemoUser, DemoWorld
from tests import builders
from tests.builders import PASSWORD, World

STAFF = {
    cast.OPERATOR: Role.HUB_OPERATOR,
    cast.MAKER: Role.DFSP_MAKER,
    cast.CHECKER: Role.DFSP_CHECKER,
    cast.SECOND_CHECKER: Role.DFSP_CHECKER,
}


async def demo_people(service: Service, world: World) -> DemoWorld:
    """demo.json of a test: accounts that exist, and the stall as a merchant."""
    shop = SHOPS[0]
    merchant, counters = await builders.create_merchant(service, world, document=shop.sections)
    name, email = shop.owner
    await builders.add_person(
        service,
        email,
        [Role.MERCHANT_OWNER],
        dfsp_id=merchant.dfsp_id,
        merchant_id=merchant.id,
        name=name,
    )
    known = DemoWorld(service.settings.base_url, service.settings.hub_url, {"currency": "USD"})
    known.users = [
        DemoUser(one, PASSWORD, [role], None if role == Role.HUB_OPERATOR else shop.dfsp) for one, role in STAFF.items()
    ]
    known.users.append(DemoUser(email, PASSWORD, [Role.MERCHANT_OWNER], shop.dfsp, name, merchant.trading_name))
    known.merchants = [
        {
            "id": str(merchant.id),
            "trading_name": merchant.trading_name,
            "dfsp": shop.dfsp,
            "tier": merchant.tier,
            "counters": [{"id": str(one.id), "alias": one.alias} for one in counters],
            "shop": STALL,
        }
    ]
    return known
