"""The matrix of roles and routes: a role opens exactly the routes whose permission it holds."""

import httpx
import msgspec
import pytest

from merchant.core import errors, ids
from merchant.core.access import KEY_SCOPES, MERCHANT_KEY_SCOPES, ROLE_PERMISSIONS, Actor, Permission, Role
from merchant.core.service import Service
from tests import builders
from tests.api.everything import Route, Things, add_user, call, routes_on_things, walled_routes
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
P, R = Permission, Role
# What each role is for, spelt out: the code's table is held against this one.
WHO_MAY = {
    P.DFSPS_WRITE: {R.HUB_OPERATOR},
    P.DFSPS_CONFIRM: {R.HUB_OPERATOR, R.HUB_CHECKER},
    P.OPERATIONS_READ: {R.HUB_OPERATOR},
    P.OPERATIONS_WRITE: {R.HUB_OPERATOR},
    P.HUB_KEYS_WRITE: {R.HUB_OPERATOR},
    P.SCHEME_WRITE: {R.HUB_OPERATOR, R.HUB_CHECKER},
    P.LISTS_WRITE: {R.HUB_OPERATOR, R.HUB_CHECKER},
    P.POLICIES_WRITE: {R.HUB_OPERATOR, R.HUB_CHECKER, R.DFSP_ADMIN, R.DFSP_CHECKER},
    P.USERS_WRITE: {R.HUB_OPERATOR, R.DFSP_ADMIN},
    P.OWN_PEOPLE_WRITE: {R.MERCHANT_OWNER},
    P.OWN_COUNTERS_WRITE: {R.MERCHANT_OWNER},
    P.OWN_NOTIFICATIONS_WRITE: {R.MERCHANT_OWNER},
    P.API_KEYS_WRITE: {R.HUB_OPERATOR, R.DFSP_ADMIN},
    P.AUDIT_READ: {R.HUB_OPERATOR, R.HUB_CHECKER, R.DFSP_ADMIN, R.DFSP_AUDITOR},
    P.APPLICATIONS_WRITE: {R.DFSP_MAKER},
    P.APPLICATIONS_DECIDE: {R.DFSP_CHECKER},
    P.PERSONAL_DATA_READ: {R.DFSP_MAKER, R.DFSP_CHECKER, R.DFSP_AUDITOR},
    P.PERSONAL_DATA_ERASE: {R.DFSP_ADMIN, R.DFSP_CHECKER},
    P.MERCHANTS_WRITE: {R.DFSP_MAKER},
    P.MERCHANTS_BLOCK: {R.HUB_OPERATOR, R.HUB_CHECKER},
    P.MERCHANTS_SUSPEND: {R.DFSP_ADMIN, R.DFSP_CHECKER},
    P.ALIASES_WRITE: {R.DFSP_ADMIN},
    P.PAYMENTS_REQUEST: {R.MERCHANT_OWNER, R.MERCHANT_CASHIER},
    P.PAYMENTS_RESOLVE: {R.HUB_OPERATOR, R.DFSP_ADMIN},
    P.PAYMENTS_REFUND: {R.DFSP_MAKER, R.MERCHANT_OWNER, R.MERCHANT_CASHIER},
    P.PAYMENTS_REFUND_APPROVE: {R.DFSP_CHECKER, R.MERCHANT_OWNER},
    P.WEBHOOKS_WRITE: {R.DFSP_ADMIN, R.MERCHANT_OWNER},
    P.OWN_APPLICATION_WRITE: {R.MERCHANT_APPLICANT, R.MERCHANT_OWNER},
}


REFUNDERS = {P.PAYMENTS_REFUND, P.PAYMENTS_REFUND_APPROVE}


def test_the_roles_hold_what_they_are_for_and_no_more() -> None:
    for permission, roles in WHO_MAY.items():
        assert {role for role in Role if permission in ROLE_PERMISSIONS[role]} == roles, permission
    reads = set(Permission) - set(WHO_MAY)
    assert all(permission.value.endswith(":read") for permission in reads)


def test_no_single_role_both_writes_and_decides() -> None:
    for role, permissions in ROLE_PERMISSIONS.items():
        assert not {P.APPLICATIONS_WRITE, P.APPLICATIONS_DECIDE} <= permissions, role


def test_machines_never_decide_never_make_accounts_and_never_run_the_hub() -> None:
    forbidden = {P.APPLICATIONS_DECIDE, P.PERSONAL_DATA_READ, P.USERS_WRITE, P.API_KEYS_WRITE, P.DFSPS_WRITE}
    forbidden |= {P.DFSPS_CONFIRM, P.PAYMENTS_REFUND_APPROVE}
    forbidden |= {P.OWN_PEOPLE_WRITE, P.OWN_COUNTERS_WRITE, P.OWN_NOTIFICATIONS_WRITE, P.NOTIFICATIONS_READ}
    forbidden |= {
        P.PERSONAL_DATA_ERASE,
        P.MERCHANTS_BLOCK,
        P.OPERATIONS_READ,
        P.OPERATIONS_WRITE,
        P.HUB_KEYS_WRITE,
        P.SCHEME_WRITE,
        P.LISTS_WRITE,
        P.POLICIES_WRITE,
        P.OWN_APPLICATION_WRITE,
    }
    assert not forbidden & KEY_SCOPES
    assert MERCHANT_KEY_SCOPES < KEY_SCOPES


async def everyone(service: Service, world: World) -> dict[Role, Person]:
    """A person of every role."""
    merchant, _ = await builders.create_merchant(service, world)
    admin = world["greenbankfsp"]["admin"]
    for role in (Role.MERCHANT_OWNER, Role.MERCHANT_CASHIER):
        await add_user(service, admin, f"{role}@greenbankfsp.example", [role], merchant.id)
    await builders.add_person(service, "hubchecker@hub.example", [Role.HUB_CHECKER])
    await builders.add_applicant(service, f"{Role.MERCHANT_APPLICANT}@greenbankfsp.example", merchant.dfsp_id)
    emails = {role: f"{role.removeprefix('dfsp_')}@greenbankfsp.example" for role in Role}
    emails |= {Role.HUB_OPERATOR: builders.OPERATOR, Role.HUB_CHECKER: "hubchecker@hub.example"}
    return {role: await builders.signed_in(service, email) for role, email in emails.items()}


def routes_with_a_guard(service: Service) -> list[Route]:
    """The routes whose rights are judged before anything else; the others have something more telling to say first, and
    one's own passkeys are everyone's who has an account (tests/merchant/people/test_passkeys.py).
    """
    return [
        route
        for route in routes_on_things(service)
        if not route.declared.operation_checks_permission and "/me/passkeys" not in route.path
    ]


async def ask(client: httpx.AsyncClient, route: Route, headers: dict[str, str]) -> int:
    """The status of a call that names nothing that exists, and sends no body: rights are judged before both."""
    path = route.path
    for name in route.names:
        path = path.replace(f"{{{name}:str}}", str(ids.uuid7()))
    return (await client.request(route.method, path, headers=headers)).status_code


async def test_a_role_opens_exactly_the_routes_whose_permission_it_holds(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    people = await everyone(service, world)
    assert set(people) == set(Role)
    for route in routes_with_a_guard(service):
        for role, person in people.items():
            asked = {route.permission, route.declared.own_permission} - {None}
            allowed = route.permission is None or not asked.isdisjoint(ROLE_PERMISSIONS[role])
            status = await ask(client, route, person.headers)
            assert (status != 403) == allowed, (str(route), role, status)
            assert status != 401, (str(route), role)


async def test_a_merchants_owner_opens_no_more_than_the_own_people_counters_and_notifications(service: Service) -> None:
    opened = {str(route): route.declared.own_permission for route in walled_routes(service)}
    users, counters = "/api/v1/users", "/api/v1/counters/{counter_id}"
    assert {path for path, own in opened.items() if own is P.OWN_PEOPLE_WRITE} == {
        *(f"{method} {users}" for method in ("GET", "POST")),
        *(f"{method} {users}/{{user_id}}" for method in ("GET", "PATCH")),
        f"POST {users}/{{user_id}}/invitation",
    }
    assert {path for path, own in opened.items() if own is P.OWN_COUNTERS_WRITE} == {
        "POST /api/v1/merchants/{merchant_id}/counters",
        f"PATCH {counters}",
        *(f"POST {counters}/{name}" for name in ("close", "stickers")),
    }
    assert {path for path, own in opened.items() if own is P.OWN_NOTIFICATIONS_WRITE} == {
        "PUT /api/v1/merchants/{merchant_id}/notification-choices"
    }
    assert set(opened.values()) == {None, P.OWN_PEOPLE_WRITE, P.OWN_COUNTERS_WRITE, P.OWN_NOTIFICATIONS_WRITE}


def test_an_owners_permission_is_worth_nothing_to_whoever_is_no_merchants() -> None:
    staff = Actor(
        kind="user",
        id=ids.uuid7(),
        name="x",
        dfsp_id=ids.uuid7(),
        permissions=frozenset({P.OWN_PEOPLE_WRITE, P.OWN_COUNTERS_WRITE}),
    )
    with pytest.raises(errors.NotAllowed):
        staff.require(P.USERS_WRITE, P.OWN_PEOPLE_WRITE)
    msgspec.structs.replace(staff, merchant_id=ids.uuid7()).require(P.USERS_WRITE, P.OWN_PEOPLE_WRITE)


async def test_a_keys_scope_opens_exactly_the_routes_of_that_permission(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    admin = world["greenbankfsp"]["admin"]
    routes = routes_with_a_guard(service)
    for scope in sorted(KEY_SCOPES):
        key = await builders.issue_key(service, admin, [scope])
        for route in routes:
            allowed = route.permission == scope or route.is_me
            # Reading lists is cheap and side-effect free; one write of each other permission is enough.
            if allowed or route.method != "GET":
                assert (await ask(client, route, key) != 403) == allowed, (str(route), scope)


async def test_what_judges_rights_itself_lets_nobody_else_in_either(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    people = await everyone(service, world)
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], sorted(KEY_SCOPES))
    # Whoever asks for a refund may call it off, as whoever approves one may.
    enough = {P.APPLICATIONS_DECIDE: {P.APPLICATIONS_DECIDE}, P.PAYMENTS_REFUND_APPROVE: REFUNDERS}
    asking = [route for route in walled_routes(service) if route.declared.operation_checks_permission]
    assert {route.permission for route in asking} == enough.keys()
    for route in asking:
        assert route.permission is not None
        held = enough[route.permission]
        strangers = [one.headers for role, one in people.items() if not held & ROLE_PERMISSIONS[role]]
        for who in (*strangers, *(() if held & KEY_SCOPES else (key,))):
            response = await call(client, route, things, who)
            assert response.status_code in (403, 404), (str(route), response.text)
    async with service.db.system() as tx:
        state = await tx.fetchval("SELECT state FROM application WHERE id::text = $1", things.ids["application_id"])
    assert state == "in_review"


async def test_an_applicant_who_has_a_dfsp_and_no_merchant_reaches_nothing_of_the_dfsp(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    who = (await builders.applicant(service, world)).headers
    own = {P.OWN_APPLICATION_WRITE}
    for route in routes_on_things(service):
        response = await call(client, route, things, who)
        if route.permission in own:
            assert response.status_code in (404, 422), (str(route), response.text)
        elif not route.is_me and route.permission is not None:
            assert response.status_code in (403, 404), (str(route), response.text)
        names = set(things.ids.values()) - {things.ids["dfsp_id"]}
        assert response.status_code >= 400 or not any(one in response.text for one in names), str(route)
    tickets = await client.get("/api/v1/events", headers=who)
    assert tickets.status_code == 403


async def test_hub_staff_read_everything_but_own_no_merchants(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.create_merchant(service, world)
    await builders.create_merchant(service, world, "lakemfi")
    listed = await client.get("/api/v1/merchants", headers=world.operator.headers)
    assert len(listed.json()["items"]) == 2
    headers = {**world.operator.headers, "idempotency-key": "k"}
    assert (await client.post("/api/v1/applications", json={}, headers=headers)).status_code == 403


async def test_a_merchants_cashier_sees_their_own_merchant_only(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    mine, _ = await builders.create_merchant(service, world)
    await builders.create_merchant(service, world)
    await add_user(
        service, world["greenbankfsp"]["admin"], "cash@greenbankfsp.example", [Role.MERCHANT_CASHIER], mine.id
    )
    cashier = (await builders.load_world(service))["greenbankfsp"]["cash"]
    listed = (await client.get("/api/v1/merchants", headers=cashier.headers)).json()["items"]
    assert [row["id"] for row in listed] == [str(mine.id)]


@pytest.mark.parametrize(
    ("roles", "place", "status"),
    [
        (["hub_operator"], {}, 403),
        (["dfsp_maker", "hub_checker"], {}, 403),
        (["dfsp_maker", "merchant_owner"], {"merchant_id": True}, 422),
        (["merchant_owner"], {}, 422),
        (["dfsp_maker"], {"merchant_id": True}, 422),
        (["merchant_cashier"], {"merchant_id": True}, 201),
        (["dfsp_maker", "dfsp_checker"], {}, 201),
        (["superuser"], {}, 422),
        ([], {}, 422),
    ],
)
async def test_roles_of_hub_dfsp_and_merchant_do_not_mix(
    client: httpx.AsyncClient, service: Service, world: World, roles: list[str], place: dict[str, bool], status: int
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    where = {"merchant_id": str(merchant.id)} if place else {}
    body = {"email": "new@x.example", "name": "New", "roles": roles, **where}
    response = await client.post("/api/v1/users", json=body, headers=world["greenbankfsp"]["admin"].headers)
    assert response.status_code == status, response.text


async def test_a_key_of_one_merchant_holds_no_more_than_its_owner_may(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, counters = await builders.create_merchant(service, world)
    admin = world["greenbankfsp"]["admin"].headers
    for place in ({"merchant_id": str(merchant.id)}, {"counter_id": str(counters[0].id)}):
        for scope, status in (("payments:request", 201), ("applications:write", 403), ("aliases:write", 403)):
            body = {"name": "till", "scopes": [scope], **place}
            response = await client.post("/api/v1/api-keys", json=body, headers=admin)
            assert response.status_code == status, (place, scope)


async def test_a_key_for_a_counter_belongs_to_that_counters_merchant(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, counters = await builders.create_merchant(service, world)
    other, _ = await builders.create_merchant(service, world)
    admin = world["greenbankfsp"]["admin"].headers
    body = {"name": "till", "scopes": ["payments:request"], "counter_id": str(counters[0].id)}
    issued = (await client.post("/api/v1/api-keys", json=body, headers=admin)).json()
    assert issued["merchant_id"] == str(merchant.id)
    mismatch = await client.post("/api/v1/api-keys", json={**body, "merchant_id": str(other.id)}, headers=admin)
    assert (mismatch.status_code, mismatch.json()["errors"][0]["path"]) == (422, "counter_id")
