"""JSON routes of the set-up: the first operator's account, by a link, and what is left to do."""

from msgspec import Struct

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.fields import NameText
from merchant.core.http.route import Call, route
from merchant.core.http.source import client_address
from merchant.people import set_up
from merchant.people.account_schemas import NewPasswordText
from merchant.people.problems import LinkInvalid
from merchant.people.schemas import Email


class FirstOperator(Struct, frozen=True, forbid_unknown_fields=True):
    """Who the first operator of the hub is, and their password."""

    name: NameText
    email: Email
    password: NewPasswordText


class SetUpView(Struct, frozen=True):
    """How far the set-up of the installation is.

    `operators` can act now: they accepted, and have the second factor where it is asked for. The hub is connected once
    its address is known and a key of a partner on it was imported.
    """

    complete: bool
    operators: int
    operators_least: int
    hub_address_known: bool
    hub_key_known: bool
    dfsps_enabled: int


@route(
    "PUT",
    "/api/v1/set-up/{token}",
    public=True,
    body=FirstOperator,
    status=204,
    raises=(LinkInvalid, errors.Conflict, errors.TooManyRequests),
)
async def make_first_operator(call: Call[FirstOperator], token: str) -> None:
    """Make the first operator's account by the link that `merchant seed` printed, once; then they sign in."""
    source = client_address(call.request.scope, call.request.headers, call.service.settings)
    who = call.body
    await set_up.accept(call.service, token, name=who.name, email=who.email, password=who.password, source=source)


@route("GET", "/api/v1/set-up", permission=P.OPERATIONS_READ, answer=SetUpView, transaction=False)
async def read_set_up(call: Call[None]) -> SetUpView:
    """What is left to do before the installation can take merchants: operators, the hub, DFSPs."""
    found = await set_up.progress(call.service)
    return SetUpView(
        complete=found.is_complete,
        operators=found.operators,
        operators_least=found.operators_least,
        hub_address_known=found.hub_address_known,
        hub_key_known=found.hub_key_known,
        dfsps_enabled=found.dfsps_enabled,
    )


ROUTES = [make_first_operator, read_set_up]
