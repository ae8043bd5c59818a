"""People: who may be added and changed by whom, and what takes a second pair of eyes, told over the API."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from merchant.core import errors
from merchant.core.access import SERVICE
from merchant.core.service import Service
from merchant.people import links, users
from merchant.people.problems import LastOperators
from merchant.people.users import Change
from tests import builders
from tests.builders import PASSWORD, Person, World

pytestmark = pytest.mark.anyio
USERS = "/api/v1/users"
Patch = Callable[..., Awaitable[httpx.Response]]


def person(**changes: Any) -> dict[str, Any]:
    return {"email": "new@x.example", "name": "New", "roles": ["dfsp_maker"], **changes}


@pytest.fixture
def admin(world: World) -> Person:
    return world["greenbankfsp"]["admin"]


@pytest.fixture
async def second(service: Service, world: World) -> Person:
    """A second hub operator."""
    await builders.add_person(service, "second@hub.example", ["hub_operator"])
    return await builders.signed_in(service, "second@hub.example")


@pytest.fixture
def patch(client: httpx.AsyncClient) -> Patch:
    """Change a person as they are now."""

    async def change(who: Person, user_id: Any, **body: Any) -> httpx.Response:
        read = await client.get(f"{USERS}/{user_id}", headers=who.headers)
        headers = {**who.headers, "if-match": read.headers.get("etag", '"1"')}
        return await client.patch(f"{USERS}/{user_id}", json=body, headers=headers)

    return change


async def add(client: httpx.AsyncClient, who: Person, **changes: Any) -> dict[str, Any]:
    made = await client.post(USERS, json=person(**changes), headers=who.headers)
    assert made.status_code == 201, made.text
    return dict(made.json())


async def actions(service: Service, user_id: Any) -> list[str]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(
            "SELECT action FROM audit_entry WHERE subject_id = $1 ORDER BY dfsp_id, seq", str(user_id)
        )
    return [row["action"] for row in rows]


class TestAdding:
    async def test_a_person_is_invited_and_has_no_password_that_anyone_chose(
        self, client: httpx.AsyncClient, service: Service, admin: Person
    ) -> None:
        made = await client.post(USERS, json=person(), headers=admin.headers)
        assert (made.status_code, made.headers["etag"]) == (201, '"1"')
        shown = made.json()
        assert (shown["state"], shown["roles"], shown["proposed_roles"]) == ("invited", ["dfsp_maker"], None)
        async with service.db.system_reads() as tx:
            assert await tx.fetchval("SELECT password_hash FROM app_user WHERE email = 'new@x.example'") == "!"
        for password in ("!", "", PASSWORD):
            signed = await client.post("/api/v1/sessions", json={"email": "new@x.example", "password": password or "x"})
            assert signed.status_code == 401
        assert await actions(service, shown["id"]) == ["user.created", "user.invited"]

    async def test_nobody_sets_anothers_password(
        self, client: httpx.AsyncClient, admin: Person, patch: Patch, world: World
    ) -> None:
        made = await client.post(USERS, json=person(password=PASSWORD), headers=admin.headers)
        assert (made.status_code, made.json()["errors"][0]["path"]) == (422, "password")
        changed = await patch(admin, world.maker.actor.id, password=PASSWORD)
        assert (changed.status_code, changed.json()["errors"][0]["path"]) == (422, "password")

    async def test_an_e_mail_address_belongs_to_one_person_in_any_case(
        self, client: httpx.AsyncClient, admin: Person
    ) -> None:
        await add(client, admin)
        for email in ("new@x.example", "NEW@x.Example"):
            again = await client.post(USERS, json=person(email=email), headers=admin.headers)
            assert (again.status_code, again.json()["code"]) == (409, "conflict")

    async def test_asking_for_addresses_one_by_one_is_slow(self, client: httpx.AsyncClient, world: World) -> None:
        headers = world["lakemfi"]["admin"].headers
        body = person(email="maker@greenbankfsp.example")
        statuses = [(await client.post(USERS, json=body, headers=headers)).status_code for _ in range(63)]
        assert set(statuses[:60]) == {409}
        assert 429 in statuses[60:]

    @pytest.mark.parametrize(
        "email",
        [
            "x",
            "a b@c",
            "x@" + "y" * 254,
            "<script>@x.example",
            "a<b>@x.example",
            "new@x.exa\u202emple",
            "ne\u200bw@x.example",
            "n\u0435w@x.example",  # a Cyrillic letter
            "new@x.example\n",
            "new@x.example\r\nBcc: other@x.example",
            "new@-x.example",
            "new@x..example",
            "@x.example",
            "new@@x.example",
            '"new one"@x.example',
            "new@x.example,other@x.example",
        ],
    )
    async def test_an_odd_address_is_refused(self, client: httpx.AsyncClient, admin: Person, email: str) -> None:
        response = await client.post(USERS, json=person(email=email), headers=admin.headers)
        assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "email")

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": ""},
            {"name": " "},
            {"name": "a\u202eb"},
            {"name": "a\u0007b"},
            {"name": "a\nb"},
            {"roles": []},
            {"roles": ["dfsp_maker"] * 9},
        ],
    )
    async def test_an_odd_name_or_no_role_is_refused(
        self, client: httpx.AsyncClient, admin: Person, changes: dict[str, Any]
    ) -> None:
        assert (await client.post(USERS, json=person(**changes), headers=admin.headers)).status_code == 422

    async def test_names_of_every_script_are_taken(self, client: httpx.AsyncClient, admin: Person) -> None:
        for number, name in enumerate(["Ọlábísí", "نيجيري وانجيكو", "ශ්‍රී", "O'Brien-Łuk"]):
            await add(client, admin, name=name, email=f"n{number}@x.example")

    async def test_no_answer_or_record_holds_a_hash_or_an_address(
        self, client: httpx.AsyncClient, service: Service, admin: Person
    ) -> None:
        made = await client.post(USERS, json=person(), headers=admin.headers)
        listed = await client.get(USERS, headers=admin.headers)
        assert "argon2" not in made.text + listed.text
        async with service.db.system() as tx:
            record = str(await tx.fetch("SELECT detail FROM audit_entry"))
        assert "new@x.example" not in record
        assert "argon2" not in record

    async def test_the_hub_must_say_whose_people_they_are(self, client: httpx.AsyncClient, world: World) -> None:
        response = await client.post(USERS, json=person(), headers=world.operator.headers)
        assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "dfsp_id")

    async def test_hub_staff_belong_to_no_dfsp(self, client: httpx.AsyncClient, world: World) -> None:
        operator = world.operator.headers
        placed = person(roles=["hub_checker"], dfsp_id=str(world.dfsp_ids["lakemfi"]))
        assert (await client.post(USERS, json=placed, headers=operator)).status_code == 403
        assert (await client.post(USERS, json=person(roles=["hub_checker"]), headers=operator)).status_code == 201

    async def test_a_dfsp_lists_and_reads_its_own_people_only(self, client: httpx.AsyncClient, world: World) -> None:
        headers = world["lakemfi"]["admin"].headers
        listed = (await client.get(f"{USERS}?limit=100", headers=headers)).json()["items"]
        assert {row["email"].split("@")[1] for row in listed} == {"lakemfi.example"}
        for user in (world.maker, world.operator):
            assert (await client.get(f"{USERS}/{user.actor.id}", headers=headers)).status_code == 404


class TestRolesThatExclude:
    @pytest.mark.parametrize(
        "roles",
        [
            ["dfsp_admin", "dfsp_checker"],
            ["dfsp_admin", "dfsp_maker"],
            ["dfsp_admin", "dfsp_maker", "dfsp_checker"],
            ["dfsp_auditor", "dfsp_admin", "dfsp_checker"],
        ],
    )
    async def test_whoever_makes_accounts_neither_makes_nor_checks(
        self, client: httpx.AsyncClient, admin: Person, world: World, patch: Patch, roles: list[str]
    ) -> None:
        made = await client.post(USERS, json=person(roles=roles), headers=admin.headers)
        assert (made.status_code, made.json()["errors"][0]["code"]) == (422, "excluded")
        changed = await patch(admin, world.checker.actor.id, roles=roles)
        assert (changed.status_code, changed.json()["errors"][0]["code"]) == (422, "excluded")

    async def test_a_hub_operator_is_no_hub_checker(self, client: httpx.AsyncClient, world: World) -> None:
        body = person(roles=["hub_operator", "hub_checker"])
        made = await client.post(USERS, json=body, headers=world.operator.headers)
        assert (made.status_code, made.json()["errors"][0]["code"]) == (422, "excluded")

    async def test_not_even_the_machines_operator_joins_what_excludes(self, service: Service, world: World) -> None:
        with pytest.raises(errors.InvalidFields):
            async with service.db.system() as tx:
                roles = ["dfsp_admin", "dfsp_checker"]
                await users.change_user(tx, service, SERVICE, world.maker.actor.id, None, Change(roles=roles))


class TestRolesThatTakeTwo:
    async def test_a_checker_counts_once_a_second_person_has_asked_for_the_same(
        self, client: httpx.AsyncClient, service: Service, admin: Person, world: World, patch: Patch
    ) -> None:
        made = await add(client, admin, roles=["dfsp_checker", "dfsp_maker"])
        assert (made["state"], made["roles"]) == ("proposed", [])
        assert made["proposed_roles"] == ["dfsp_checker", "dfsp_maker"]
        assert made["proposed_by"] == str(admin.actor.id)
        for _ in range(2):  # asking again oneself is no second person
            again = await patch(admin, made["id"], roles=["dfsp_maker", "dfsp_checker"])
            assert (again.status_code, again.json()["state"], again.json()["roles"]) == (200, "proposed", [])
        confirmed = (await patch(world.operator, made["id"], roles=["dfsp_checker", "dfsp_maker"])).json()
        assert (confirmed["state"], confirmed["roles"]) == ("invited", ["dfsp_checker", "dfsp_maker"])
        assert confirmed["proposed_by"] is None
        found = await actions(service, made["id"])
        assert found == [
            "user.created",
            "user.invited",
            "user.roles_proposed",
            "user.roles_proposed",
            "user.roles_changed",
        ]

    @pytest.mark.parametrize("role", ["hub_operator", "hub_checker"])
    async def test_hub_staff_take_two_operators(
        self, client: httpx.AsyncClient, world: World, second: Person, patch: Patch, role: str
    ) -> None:
        made = await add(client, world.operator, roles=[role])
        assert made["roles"] == []
        assert (await patch(second, made["id"], roles=[role])).json()["roles"] == [role]

    async def test_an_operator_who_is_alone_adds_operators_until_one_has_come(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        for number in range(2):
            made = await add(client, world.operator, roles=["hub_operator"], email=f"o{number}@hub.example")
            assert (made["state"], made["roles"], made["proposed_by"]) == ("invited", ["hub_operator"], None)
        checker = await add(client, world.operator, roles=["hub_checker"], email="c@hub.example")
        assert (checker["state"], checker["roles"]) == ("proposed", [])
        mail = (await client.get("/api/v1/outgoing-mail", headers=world.operator.headers)).json()["items"][1]
        token = mail["link"].rpartition("/")[2]
        accepted = await client.put(f"/api/v1/invitations/{token}", json={"password": "seven quiet baobabs"})
        assert accepted.status_code == 204
        late = await add(client, world.operator, roles=["hub_operator"], email="late@hub.example")
        assert (late["state"], late["roles"]) == ("proposed", [])

    async def test_an_admin_who_adds_an_admin_has_not_added_a_second_pair_of_eyes(
        self, client: httpx.AsyncClient, service: Service, admin: Person, world: World, patch: Patch
    ) -> None:
        made = await add(client, admin, roles=["dfsp_admin"])
        assert (made["state"], made["roles"]) == ("proposed", [])
        assert (await patch(world.operator, made["id"], roles=["dfsp_admin"])).json()["roles"] == ["dfsp_admin"]

    async def test_a_dfsps_first_admin_takes_one_hub_operator(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        operator = world.operator
        dfsp = await client.post("/api/v1/dfsps", json={"fsp_id": "newfsp", "name": "N"}, headers=operator.headers)
        first = await add(client, operator, roles=["dfsp_admin"], dfsp_id=dfsp.json()["id"])
        assert first["roles"] == ["dfsp_admin"]
        await builders.add_person(service, "b@x.example", ["dfsp_admin"], dfsp_id=UUID(dfsp.json()["id"]))
        again = await add(client, operator, roles=["dfsp_admin"], dfsp_id=dfsp.json()["id"], email="c@x.example")
        assert again["roles"] == []

    async def test_a_maker_becomes_a_checker_only_by_two_and_works_on_as_a_maker(
        self, client: httpx.AsyncClient, admin: Person, world: World, patch: Patch
    ) -> None:
        maker = world.maker
        proposed = (await patch(admin, maker.actor.id, roles=["dfsp_maker", "dfsp_checker"])).json()
        assert (proposed["roles"], proposed["state"]) == (["dfsp_maker"], "proposed")
        me = (await client.get(f"{USERS}/me", headers=maker.headers)).json()
        assert me["roles"] == ["dfsp_maker"]
        assert (await patch(world.operator, maker.actor.id, roles=["dfsp_checker", "dfsp_maker"])).status_code == 200
        assert (await client.get(f"{USERS}/me", headers=maker.headers)).status_code == 401  # signs in anew

    async def test_another_wish_is_a_new_proposal_and_no_confirmation(
        self, admin: Person, world: World, patch: Patch
    ) -> None:
        maker = world.maker.actor.id
        await patch(admin, maker, roles=["dfsp_maker", "dfsp_checker"])
        other = (await patch(world.operator, maker, roles=["dfsp_checker"])).json()
        assert (other["roles"], other["proposed_roles"]) == (["dfsp_maker"], ["dfsp_checker"])
        assert other["proposed_by"] == str(world.operator.actor.id)
        assert (await patch(admin, maker, roles=["dfsp_checker"])).json()["roles"] == ["dfsp_checker"]

    @pytest.mark.parametrize("since", [Change(enabled=False), Change(roles=["dfsp_maker"])], ids=["out", "maker"])
    async def test_who_may_not_make_accounts_any_more_is_not_the_first_of_two(
        self, service: Service, admin: Person, world: World, second: Person, patch: Patch, since: Change
    ) -> None:
        await builders.add_person(service, "admin2@x.example", ["dfsp_admin"], dfsp_id=world.dfsp_ids["greenbankfsp"])
        maker, wanted = world.maker.actor.id, ["dfsp_checker"]
        assert (await patch(admin, maker, roles=wanted)).json()["state"] == "proposed"
        async with service.db.system() as tx:
            await users.change_user(tx, service, SERVICE, admin.actor.id, None, since)
        again = (await patch(world.operator, maker, roles=wanted)).json()
        assert (again["roles"], again["proposed_by"]) == (["dfsp_maker"], str(world.operator.actor.id))
        assert (await patch(second, maker, roles=wanted)).json()["roles"] == wanted

    async def test_a_proposal_of_the_hubs_counts_at_a_dfsp_only_while_its_author_acts(
        self, service: Service, admin: Person, world: World, second: Person, patch: Patch
    ) -> None:
        wanted = ["dfsp_checker"]
        maker, maker2 = (world["greenbankfsp"][name].actor.id for name in ("maker", "maker2"))
        for who in (maker, maker2):
            await patch(second, who, roles=wanted)
        assert (await patch(admin, maker, roles=wanted)).json()["roles"] == wanted
        async with service.db.system() as tx:
            await users.change_user(tx, service, SERVICE, second.actor.id, None, Change(enabled=False))
        assert (await patch(admin, maker2, roles=wanted)).json()["roles"] == ["dfsp_maker"]

    async def test_a_proposal_of_someone_whose_dfsp_was_disabled_does_not_count(
        self, service: Service, admin: Person, world: World, patch: Patch
    ) -> None:
        maker, wanted = world.maker.actor.id, ["dfsp_checker"]
        await patch(admin, maker, roles=wanted)
        async with service.db.system() as tx:
            await tx.execute("UPDATE dfsp SET enabled = false WHERE id = $1", world.dfsp_ids["greenbankfsp"])
        assert (await patch(world.operator, maker, roles=wanted)).json()["roles"] == ["dfsp_maker"]

    async def test_the_old_roles_withdraw_a_proposal(
        self, client: httpx.AsyncClient, service: Service, admin: Person, world: World, patch: Patch
    ) -> None:
        maker = world.maker.actor.id
        await patch(admin, maker, roles=["dfsp_maker", "dfsp_checker"])
        withdrawn = (await patch(admin, maker, roles=["dfsp_maker"])).json()
        assert (withdrawn["state"], withdrawn["proposed_roles"]) == ("active", None)
        after = (await patch(world.operator, maker, roles=["dfsp_maker", "dfsp_checker"])).json()
        assert after["roles"] == ["dfsp_maker"]
        assert "user.proposal_withdrawn" in await actions(service, maker)
        made = await add(client, admin, roles=["dfsp_checker"])
        assert (await patch(admin, made["id"], roles=[])).json()["state"] == "invited"

    async def test_letting_a_disabled_checker_back_takes_two(
        self, client: httpx.AsyncClient, admin: Person, world: World, patch: Patch
    ) -> None:
        checker = world.checker.actor.id
        assert (await patch(admin, checker, enabled=False)).json()["state"] == "disabled"
        assert (await client.get(f"{USERS}/me", headers=world.checker.headers)).status_code == 401
        for _ in range(2):
            back = (await patch(admin, checker, enabled=True)).json()
            assert (back["enabled"], back["state"], back["proposed_enabled"]) == (False, "proposed", True)
        back = (await patch(world.operator, checker, enabled=True)).json()
        assert (back["enabled"], back["state"], back["roles"]) == (True, "active", ["dfsp_checker"])

    async def test_disabling_and_enabling_with_roles_is_no_way_around(
        self, admin: Person, world: World, patch: Patch
    ) -> None:
        maker = world.maker.actor.id
        await patch(admin, maker, enabled=False)
        both = (await patch(admin, maker, enabled=True, roles=["dfsp_checker"])).json()
        assert (both["enabled"], both["roles"]) == (False, ["dfsp_maker"])
        while_out = (await patch(admin, maker, enabled=False, roles=["dfsp_checker"])).json()
        assert while_out["roles"] == ["dfsp_checker"]  # of someone who may not come in
        back = (await patch(admin, maker, enabled=True)).json()
        assert (back["enabled"], back["state"]) == (False, "proposed")

    async def test_taking_a_role_away_takes_one_and_counts_at_once(
        self, client: httpx.AsyncClient, admin: Person, world: World, patch: Patch
    ) -> None:
        both = world["greenbankfsp"]["both"]
        assert (await patch(admin, both.actor.id, roles=["dfsp_maker"])).json()["roles"] == ["dfsp_maker"]
        assert (await client.get(f"{USERS}/me", headers=both.headers)).status_code == 401

    async def test_a_proposed_person_accepts_the_invitation_and_may_do_nothing_yet(
        self, client: httpx.AsyncClient, service: Service, admin: Person
    ) -> None:
        await add(client, admin, roles=["dfsp_checker"])
        mail = (await client.get("/api/v1/outgoing-mail", headers=admin.headers)).json()["items"][0]
        path = mail["link"].replace(service.settings.base_url + "/account", "/api/v1")
        assert (await client.put(path, json={"password": PASSWORD})).status_code == 204
        signed = await client.post("/api/v1/sessions", json={"email": "new@x.example", "password": PASSWORD})
        assert signed.json()["user"]["roles"] == []
        headers = {"authorization": f"Bearer {signed.json()['access_token']}"}
        for path in ("/api/v1/applications", "/api/v1/merchants", USERS):
            assert (await client.get(path, headers=headers)).status_code == 403

    async def test_the_machines_operator_acts_alone(self, service: Service, world: World) -> None:
        async with service.db.system() as tx:
            changed = await users.change_user(
                tx, service, SERVICE, world.maker.actor.id, None, Change(roles=["dfsp_checker"])
            )
        assert changed.roles == ["dfsp_checker"]


class TestChanging:
    async def test_a_change_needs_the_version_that_was_read(
        self, client: httpx.AsyncClient, admin: Person, world: World
    ) -> None:
        path = f"{USERS}/{world.maker.actor.id}"
        missing = await client.patch(path, json={"name": "N"}, headers=admin.headers)
        assert (missing.status_code, missing.json()["code"]) == (428, "if_match_missing")
        for tag, status in (('"1"', 200), ('"1"', 412), ('"2"', 200), ("x", 412)):
            changed = await client.patch(path, json={"name": f"N{tag}"}, headers={**admin.headers, "if-match": tag})
            assert changed.status_code == status, tag

    async def test_two_changes_at_once_are_one_change(
        self, client: httpx.AsyncClient, admin: Person, world: World
    ) -> None:
        path, headers = f"{USERS}/{world.maker.actor.id}", {**admin.headers, "if-match": '"1"'}
        answers = await asyncio.gather(
            *(client.patch(path, json={"name": f"N{number}"}, headers=headers) for number in range(4))
        )
        assert sorted(one.status_code for one in answers) == [200, 412, 412, 412]

    async def test_nobody_changes_their_own_roles_or_disables_themselves(
        self, admin: Person, world: World, patch: Patch
    ) -> None:
        for who, changes in (
            (admin, {"roles": ["dfsp_auditor"]}),
            (admin, {"roles": ["dfsp_checker"]}),
            (admin, {"enabled": False}),
            (world.operator, {"roles": ["hub_checker"]}),
            (world.operator, {"enabled": False}),
        ):
            refused = await patch(who, who.actor.id, **changes)
            assert (refused.status_code, refused.json()["code"]) == (403, "own_account"), changes
        assert (await patch(admin, admin.actor.id, name="A new name")).status_code == 200

    async def test_the_last_admin_of_a_dfsp_stays(
        self, service: Service, admin: Person, world: World, patch: Patch
    ) -> None:
        for changes in ({"enabled": False}, {"roles": ["dfsp_auditor"]}, {"roles": []}):
            refused = await patch(world.operator, admin.actor.id, **changes)
            assert (refused.status_code, refused.json()["code"]) == (409, "last_of_role"), changes
        await builders.add_person(service, "second@x.example", ["dfsp_admin"], dfsp_id=admin.actor.dfsp_id)
        assert (await patch(world.operator, admin.actor.id, enabled=False)).status_code == 200

    async def test_an_admin_who_never_came_can_be_replaced_by_the_hub(
        self, client: httpx.AsyncClient, world: World, patch: Patch
    ) -> None:
        operator = world.operator
        dfsp = await client.post("/api/v1/dfsps", json={"fsp_id": "newfsp", "name": "N"}, headers=operator.headers)
        place = {"dfsp_id": dfsp.json()["id"], "roles": ["dfsp_admin"]}
        never_came = await add(client, operator, **place)
        assert (await patch(operator, never_came["id"], enabled=False)).status_code == 200
        assert (await add(client, operator, **place, email="b@x.example"))["roles"] == ["dfsp_admin"]

    async def test_two_operators_stay_at_the_hub(
        self, service: Service, world: World, second: Person, patch: Patch
    ) -> None:
        for changes in ({"enabled": False}, {"roles": []}):
            refused = await patch(world.operator, second.actor.id, **changes)
            assert (refused.status_code, refused.json()["code"]) == (409, "last_operators"), changes
        await builders.add_person(service, "third@hub.example", ["hub_operator"])
        assert (await patch(world.operator, second.actor.id, enabled=False)).status_code == 200

    async def test_an_operator_who_never_came_is_none_of_the_two_and_can_be_taken_away(
        self, client: httpx.AsyncClient, world: World, second: Person, patch: Patch
    ) -> None:
        made = await add(client, world.operator, roles=["hub_operator"])
        assert (await patch(second, made["id"], roles=["hub_operator"])).json()["state"] == "invited"
        assert (await patch(world.operator, second.actor.id, enabled=False)).status_code == 409
        assert (await patch(world.operator, made["id"], enabled=False)).status_code == 200

    async def test_an_operator_without_the_second_factor_that_is_asked_for_is_none_of_the_two(
        self, service: Service, world: World, second: Person
    ) -> None:
        await builders.add_person(service, "third@hub.example", ["hub_operator"])
        service.settings = msgspec.structs.replace(service.settings, require_totp=True)
        factor = "UPDATE app_user SET totp_confirmed_at = now() WHERE email = $1"
        async with service.db.system() as tx:
            await tx.execute(factor, world.operator.email)
            await tx.execute(factor, second.email)
        async with service.db.tenant(None) as tx:
            with pytest.raises(LastOperators):
                await users.change_user(tx, service, world.operator.actor, second.actor.id, None, Change(enabled=False))
        async with service.db.system() as tx:
            await tx.execute(factor, "third@hub.example")
        async with service.db.tenant(None) as tx:
            await users.change_user(tx, service, world.operator.actor, second.actor.id, None, Change(enabled=False))

    async def test_two_operators_who_disable_each_other_are_both_refused(
        self, world: World, second: Person, patch: Patch
    ) -> None:
        answers = await asyncio.gather(
            patch(world.operator, second.actor.id, enabled=False), patch(second, world.operator.actor.id, enabled=False)
        )
        assert [one.json()["code"] for one in answers] == ["last_operators"] * 2

    async def test_of_three_operators_two_who_disable_each_other_at_once_do_not_both_win(
        self, service: Service, world: World, second: Person
    ) -> None:
        await builders.add_person(service, "third@hub.example", ["hub_operator"])

        async def disable(who: Person, whom: Person) -> None:
            async with service.db.tenant(None) as tx:
                await users.change_user(tx, service, who.actor, whom.actor.id, None, Change(enabled=False))

        ended = await asyncio.gather(
            disable(world.operator, second), disable(second, world.operator), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in ended) == ["LastOperators", "NoneType"]
        async with service.db.system_reads() as tx:
            assert await tx.fetchval("SELECT count(*) FROM app_user WHERE enabled AND 'hub_operator' = ANY(roles)") == 2

    async def test_another_dfsps_people_and_hub_staff_are_not_found(self, world: World, patch: Patch) -> None:
        stranger = world["lakemfi"]["admin"]
        for user in (world.maker, world.checker, world.operator):
            assert (await patch(stranger, user.actor.id, enabled=False)).status_code == 404

    async def test_roles_of_another_kind_are_refused(self, admin: Person, world: World, patch: Patch) -> None:
        maker = world.maker.actor.id
        assert (await patch(admin, maker, roles=["hub_operator"])).status_code == 403
        assert (await patch(world.operator, maker, roles=["hub_operator"])).status_code == 403
        assert (await patch(admin, maker, roles=["merchant_owner"])).status_code == 422

    async def test_what_changes_nothing_leaves_no_trace(
        self, client: httpx.AsyncClient, service: Service, admin: Person, world: World, patch: Patch
    ) -> None:
        maker = world.maker
        same = await patch(admin, maker.actor.id, roles=["dfsp_maker"], enabled=True, name="maker")
        assert (same.status_code, same.json()["version"]) == (200, 1)
        assert await actions(service, maker.actor.id) == ["user.created"]
        assert (await client.get(f"{USERS}/me", headers=maker.headers)).status_code == 200

    async def test_an_unfinished_invitation_survives_the_confirmation_of_its_roles(
        self, client: httpx.AsyncClient, service: Service, admin: Person, world: World, patch: Patch
    ) -> None:
        made = await add(client, admin, roles=["dfsp_checker"])
        mail = (await client.get("/api/v1/outgoing-mail", headers=admin.headers)).json()["items"][0]
        await patch(world.operator, made["id"], roles=["dfsp_checker"])
        assert await links.find(service, links.Kind.INVITATION, mail["link"].rpartition("/")[2])


class TestClosingOnesOwnAccount:
    async def test_an_operator_leaves_once_two_others_can_act(
        self, client: httpx.AsyncClient, service: Service, world: World, second: Person
    ) -> None:
        me = f"{USERS}/me"
        refused = await close(client, world.operator)
        assert (refused.status_code, refused.json()["code"]) == (409, "last_operators")
        await builders.add_person(service, "third@hub.example", ["hub_operator"])
        assert (await close(client, world.operator)).status_code == 204
        assert (await client.get(me, headers=world.operator.headers)).status_code == 401
        signed = await client.post("/api/v1/sessions", json={"email": world.operator.email, "password": PASSWORD})
        assert signed.status_code == 401
        assert (await actions(service, world.operator.actor.id))[-1] == "user.disabled"
        assert (await client.get(me, headers=second.headers)).status_code == 200

    async def test_it_takes_the_password(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        await builders.add_person(service, "third@hub.example", ["hub_checker"])
        checker = await builders.signed_in(service, "third@hub.example")
        refused = await close(client, checker, "another one entirely")
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "password")
        assert (await close(client, checker)).status_code == 204

    async def test_people_of_a_dfsp_ask_their_admin_and_keys_have_no_account(
        self, client: httpx.AsyncClient, service: Service, admin: Person, world: World
    ) -> None:
        for who in (admin, world.maker):
            assert (await close(client, who)).status_code == 403
        assert (await client.request("DELETE", f"{USERS}/me", json={"password": PASSWORD})).status_code == 401

    async def test_two_of_three_who_leave_at_once_do_not_both_go(
        self, client: httpx.AsyncClient, service: Service, world: World, second: Person
    ) -> None:
        await builders.add_person(service, "third@hub.example", ["hub_operator"])
        answers = await asyncio.gather(close(client, world.operator), close(client, second))
        assert sorted(one.status_code for one in answers) == [204, 409]


async def close(client: httpx.AsyncClient, who: Person, password: str = PASSWORD) -> httpx.Response:
    return await client.request("DELETE", f"{USERS}/me", json={"password": password}, headers=who.headers)
