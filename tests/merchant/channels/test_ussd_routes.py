"""Routes of aggregators: each its own address, rotated with overlap, closed alone, held to where it calls from."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from merchant.channels.models import UssdRoute
from merchant.channels.ussd import known_routes, routes, steps
from merchant.channels.ussd.door import gateway_key, gateway_path
from merchant.channels.ussd.known_routes import KnownRoutes
from merchant.channels.ussd.routes import BadRoute, Made, NewRoute
from merchant.core import clock
from merchant.core.service import open_service
from merchant.core.settings import Settings
from tests.builders import SECRET_KEY
from tests.merchant.channels.conftest import FORM, PHONE, Lines, door_of, open_groceries, step_form
from tests.ussd.lines import LINES, Press
from ussd.fit import septets, ucs2_units
from ussd.texts import catalogue

pytestmark = pytest.mark.anyio
MoveClock = Callable[[timedelta], datetime]
HOME = "CON Shop payments"
WRONG = (403, "This is not the key of this gateway.")


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


async def add(lines: Lines, gateway: str = "africastalking", **given: Any) -> Made:
    async with lines.service.db.system() as tx:
        return await routes.add_route(tx, lines.service, NewRoute(gateway, **given))


async def rotate(lines: Lines, name: str, keep_for: timedelta = timedelta(hours=72)) -> Made:
    async with lines.service.db.system() as tx:
        return await routes.rotate_route(tx, lines.service, name, keep_for)


async def switch(lines: Lines, name: str, *, enabled: bool) -> None:
    async with lines.service.db.system() as tx:
        await routes.set_enabled(tx, lines.service, name, enabled=enabled)


async def told(lines: Lines, path: str, session: str = "s1", **form: str) -> tuple[int, str]:
    response = await lines.post(step_form("", session) | form, path)
    return response.status_code, response.text.split("\n")[0]


async def test_two_routes_of_one_gateway_have_addresses_of_their_own_and_close_alone(lines: Lines) -> None:
    kenya, uganda = await add(lines, name="at-kenya"), await add(lines)
    assert (kenya.route.name, uganda.route.name) == ("at-kenya", "africastalking-1")
    assert kenya.path != uganda.path
    assert len(kenya.path.rsplit("/", 1)[1]) * 4 == 160
    paths = [kenya.path, uganda.path, lines.path]
    assert [await told(lines, path, f"s{n}") for n, path in enumerate(paths)] == [(200, HOME)] * 3
    await switch(lines, "at-kenya", enabled=False)
    assert [await told(lines, path) for path in paths] == [WRONG, (200, HOME), (200, HOME)]
    await switch(lines, "at-kenya", enabled=True)
    assert await told(lines, kenya.path) == (200, HOME)


async def test_the_secret_is_told_once_and_nothing_of_it_is_kept(lines: Lines) -> None:
    made = await add(lines, proof_name="x-token")
    secret = made.path.rsplit("/", 1)[1]
    assert made.proof is not None
    rows = await lines.rows("SELECT u::text AS row FROM ussd_route u")
    entries = await lines.rows("SELECT a::text AS row FROM audit_entry a WHERE action LIKE 'ussd_route.%'")
    assert len(entries) == 1
    assert not any(one in row["row"] for row in (*rows, *entries) for one in (secret, made.proof))


async def test_a_rotated_address_is_good_beside_the_new_one_until_its_time_has_come(
    lines: Lines, move_clock: MoveClock
) -> None:
    first = await add(lines, name="at")
    second = await rotate(lines, "at", timedelta(hours=1))
    assert [await told(lines, one.path) for one in (first, second)] == [(200, HOME)] * 2
    move_clock(timedelta(seconds=3601))
    assert [await told(lines, one.path, "s2") for one in (first, second)] == [WRONG, (200, HOME)]
    third = await rotate(lines, "at", timedelta(0))
    assert [await told(lines, one.path, "s3") for one in (first, second, third)] == [WRONG, WRONG, (200, HOME)]


async def test_the_address_from_before_there_were_routes_answers_until_it_is_taken_back_by_name(lines: Lines) -> None:
    assert await told(lines, lines.path) == (200, HOME)
    await add(lines)
    assert await told(lines, lines.path) == (200, HOME)
    async with lines.service.db.system() as tx:
        assert "africastalking" in [one.name for one in await routes.list_routes(tx, lines.service)]
    made = await rotate(lines, "africastalking", timedelta(hours=1))
    assert [await told(lines, path) for path in (lines.path, made.path)] == [(200, HOME)] * 2
    await switch(lines, "africastalking", enabled=False)
    assert [await told(lines, path) for path in (lines.path, made.path)] == [WRONG, WRONG]
    assert await told(lines, gateway_path(lines.service, "plain")) == (200, HOME)  # others stay


async def test_a_dialogue_goes_on_when_its_old_address_becomes_a_row(lines: Lines) -> None:
    await lines.step("")
    await rotate(lines, "africastalking")
    assert (await lines.step("1")).startswith("CON Enter the shop's number:")


async def test_no_rotation_of_data_keys_changes_an_address(lines: Lines, database_url: str) -> None:
    made = await add(lines, proof_name="x-token")
    settings = Settings(secret_key="new:" + "QkJC" * 10 + "QkI=," + SECRET_KEY)
    headers = {**FORM, "x-token": made.proof or ""}
    async with open_service(settings, database_url) as service, door_of(service) as client:
        response = await client.post(made.path, data=step_form(""), headers=headers)
        assert (response.status_code, response.text[:4]) == (200, "CON ")
        assert gateway_key(service, "africastalking") in lines.path


async def test_a_route_opens_no_other_gateways_door(lines: Lines) -> None:
    made = await add(lines)
    assert await told(lines, made.path.replace("africastalking", "plain")) == WRONG
    assert (await told(lines, made.path.replace("africastalking", "nobody")))[0] == 404


async def test_another_process_learns_of_a_new_route_at_once_and_of_a_closed_one_within_seconds(
    lines: Lines, settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_service(settings, database_url) as other, door_of(other) as client:

        async def there(path: str) -> int:
            return (await client.post(path, data=step_form(""))).status_code

        assert await there(lines.path) == 200
        monkeypatch.setattr(known_routes, "_LOOK_AGAIN_S", 0.0)
        made = await add(lines, name="new")
        assert await there(made.path) == 200
        await switch(lines, "new", enabled=False)
        assert await there(made.path) == 200  # as it was known some seconds ago
        monkeypatch.setattr(known_routes, "KEPT_S", 0.0)
        await there(made.path)
        reading = other.shared(KnownRoutes)._reading
        if reading is not None:
            await reading
        assert await there(made.path) == 403


async def test_a_route_takes_calls_from_its_networks_only_and_notes_the_others(lines: Lines) -> None:
    near, far = await add(lines, networks=("127.0.0.1", "10.0.0.0/8")), await add(lines, networks=("203.0.113.0/24",))
    assert (near.route.networks, far.route.networks) == (["127.0.0.1/32", "10.0.0.0/8"], ["203.0.113.0/24"])
    assert await told(lines, near.path) == (200, HOME)
    assert await told(lines, far.path) == (403, "This gateway does not call from here.")
    assert await lines.rows("SELECT 1 FROM ussd_session WHERE session_id LIKE $1", f"{far.route.name}/%") == []


@pytest.mark.parametrize("gateway", ["africastalking", "hollatags"])
async def test_a_gateway_that_sends_a_value_is_taken_with_it_only(lines: Lines, gateway: str) -> None:
    made = await add(lines, gateway, proof_name="X-Token", proof="only-ours")
    assert made.proof == "only-ours"
    call = LINES[gateway].step(Press(PHONE, "s1", ""))

    async def sent(token: str | None, *, in_query: bool = False) -> int:
        headers = dict(call.headers) | ({"X-Token": token} if token is not None and not in_query else {})
        query = "&".join(filter(None, (call.query, f"X-Token={token}" if in_query else "")))
        response = await lines.client.request(
            call.method, f"{made.path}?{query}", content=call.body or None, headers=headers
        )
        return response.status_code

    assert [await sent(None), await sent(""), await sent("only-our"), await sent("only-ours")] == [403, 403, 403, 200]
    assert [await sent("x", in_query=True), await sent("only-ours", in_query=True)] == [403, 200]
    assert await sent("&".join("x=1" for _ in range(60)), in_query=True) == 403


async def test_numbers_are_read_by_the_routes_country_to_one_identity(lines: Lines) -> None:
    made = await add(lines, country="RW", service_codes=("#150#",))
    written = ("0781000093", "781000093", "250781000093", "+250781000093", "00250781000093")
    for session, number in enumerate(written):
        status, _ = await told(lines, made.path, f"s{session}", phoneNumber=number, serviceCode="#150#")
        assert status == 200
    rows = await lines.rows("SELECT DISTINCT msisdn_digest FROM ussd_session")
    assert [row["msisdn_digest"] for row in rows] == [lines.service.vault.digest("phone", "+250781000093")]
    assert (await told(lines, lines.path, phoneNumber="0711000111"))[0] == 200  # the scheme's, beside it


async def test_two_routes_of_one_gateway_share_no_session(lines: Lines) -> None:
    first, second = await add(lines), await add(lines)
    await told(lines, first.path)
    await lines.post(step_form("1"), first.path)
    response = await lines.post(step_form("1"), second.path)
    assert response.text.startswith("CON Enter the shop's number:")  # begun by its own dial string
    sessions = await lines.rows("SELECT session_id FROM ussd_session ORDER BY 1")
    assert [row["session_id"] for row in sessions] == ["africastalking-1/s1", "africastalking-2/s1"]


async def test_a_line_without_other_alphabets_speaks_english_and_a_larger_screen_holds_more(lines: Lines) -> None:
    made = await add(lines, septets=182, ucs2_units=80, gsm7_only=True, name="large")
    known = await lines.service.shared(KnownRoutes).find("africastalking", made.path.rsplit("/", 1)[1])
    assert known is not None
    assert known.cap is not None
    assert (known.cap.septets, known.cap.ucs2_units, known.gsm7_only) == (182, 80, True)
    assert await told(lines, made.path) == (200, HOME)


@pytest.mark.parametrize("language", ["en", "fr", "rw", "my", "ar"])
async def test_the_smallest_screen_a_route_may_have_shows_a_payment_from_the_first_screen_to_the_last(
    lines: Lines, language: str
) -> None:
    made = await add(lines, septets=routes.SEPTETS[0], ucs2_units=routes.UCS2_UNITS[0])
    await speak(lines, language)
    typed: list[str] = []
    for text in ("", "1", lines.counter.alias, "25", "7", "1"):
        typed += [text] if text else []
        shown = (await lines.post(step_form("*".join(typed)), made.path)).text.partition(" ")[2]
        while True:
            words = catalogue(language)
            size, most = (septets, 120) if words.alphabet == "gsm7" else (ucs2_units, 60)
            assert size(shown) <= most, shown
            if words["nav.more"] not in shown:
                break
            typed.append("98")
            shown = (await lines.post(step_form("*".join(typed)), made.path)).text.partition(" ")[2]
    assert "25.00 USD" in shown or "25,00 USD" in shown
    assert len(await lines.requests()) == 1


async def test_a_line_that_cannot_show_a_phones_language_leaves_it_to_the_phone(
    lines: Lines, move_clock: MoveClock
) -> None:
    made = await add(lines, gsm7_only=True)
    await speak(lines, "ar")
    move_clock(timedelta(days=40))  # so that the language is noted anew
    assert await told(lines, made.path) == (200, HOME)
    assert [row["language"] for row in await lines.rows("SELECT language FROM ussd_phone")] == ["ar"]
    assert (await told(lines, lines.path, "s2"))[1] == f"CON {catalogue('ar')['home.title']}"


async def speak(lines: Lines, language: str) -> None:
    digest = lines.service.vault.digest("phone", PHONE)
    insert = "INSERT INTO ussd_phone (msisdn_digest, language, noted_at) VALUES ($1, $2, $3)"
    await lines.change(insert, digest, language, clock.now())


async def test_fields_of_a_plain_gateway_have_the_names_that_its_route_gives(lines: Lines) -> None:
    made = await add(lines, "plain", fields={"text": "answers", "msisdn": "from"})
    form = {"sessionId": "s1", "from": "0733000001", "answers": "", "serviceCode": "*384*123#"}
    response = await lines.client.post(made.path, data=form)
    assert (response.status_code, response.text.split("\n")[0]) == (200, HOME)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"gateway": "nobody"}, "no gateway 'nobody'"),
        ({"name": "africastalking"}, "from before there were routes"),
        ({"name": "two words"}, "small letters"),
        ({"name": "taken"}, "already"),
        ({"service_codes": ("384",) * 11}, "at most 10"),
        ({"service_codes": ("*384",)}, None),
        ({"service_codes": ("pay",)}, "such as"),
        ({"country": "XX"}, "no country"),
        ({"country": "Kenya"}, "no country"),
        ({"networks": ("10.0.0.0/99",)}, "such as 203"),
        ({"networks": ("here",)}, "such as 203"),
        ({"proof": "x"}, "which header"),
        ({"proof_name": "x token"}, "letters"),
        ({"septets": 119}, "do not fit 119; give 120 to 182"),
        ({"ucs2_units": 59}, "do not fit 59; give 60 to 80"),
        ({"ucs2_units": 81}, "60 to 80"),
        ({"fields": {"text": "x"}}, "Only plain"),
        ({"gateway": "plain", "fields": {"colour": "x"}}, "Only plain"),
        ({"gateway": "plain", "fields": {"text": "a b"}}, "letters"),
    ],
)
async def test_what_a_route_cannot_be_is_told(lines: Lines, given: dict[str, Any], why: str | None) -> None:
    await add(lines, name="taken")
    if why is None:
        assert (await add(lines, **given)).route.service_codes == ["*384#"]
        return
    with pytest.raises(BadRoute, match=why):
        await add(lines, **{"gateway": "africastalking", **given})
    assert len(await lines.rows("SELECT 1 FROM ussd_route")) == 1


async def test_nobody_rotates_what_is_not_there(lines: Lines) -> None:
    for change in (rotate(lines, "nobody"), switch(lines, "nobody", enabled=False)):
        with pytest.raises(BadRoute, match="no route 'nobody'"):
            await change


async def test_a_trial_calls_from_anywhere_without_proof_for_ten_minutes(lines: Lines, move_clock: MoveClock) -> None:
    made = await add(lines, name="at", networks=("203.0.113.0/24",), proof_name="x-token")
    async with lines.service.db.system() as tx:
        trial = await routes.open_trial(tx, lines.service, "at")
    assert await told(lines, trial.path) == (200, HOME)
    assert (await told(lines, made.path))[0] == 403
    move_clock(timedelta(seconds=601))
    assert await told(lines, trial.path) == WRONG
    await switch(lines, "at", enabled=False)
    with pytest.raises(BadRoute, match="disabled"):
        async with lines.service.db.system() as tx:
            await routes.open_trial(tx, lines.service, "at")


async def test_a_kind_of_message_that_we_do_not_know_ends_in_words_and_changes_nothing(lines: Lines) -> None:
    await lines.step("")
    before = await lines.rows("SELECT * FROM ussd_session")
    response = await lines.post(step_form("") | {"status": "Paused"})
    assert (response.status_code, response.text) == (200, "END This session is closed. Please dial again.")
    assert await lines.rows("SELECT * FROM ussd_session") == before


async def test_while_the_routes_cannot_be_read_nobody_is_turned_away_and_nothing_is_taken(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await add(lines)

    def away() -> Any:
        raise ConnectionRefusedError

    lines.service.shared(KnownRoutes).forget()
    with monkeypatch.context() as patched:
        patched.setattr(lines.service.db, "system_reads", away)
        for path in (made.path, lines.path, f"/ussd/africastalking/{'0' * 40}"):
            status, words = await told(lines, path)
            assert (status, words[:4]) == (200, "END ")
    assert await lines.rows("SELECT 1 FROM ussd_session") == []
    assert await told(lines, made.path) == (200, HOME)
    lines.service.shared(KnownRoutes)._read_at_s = 0.0
    with monkeypatch.context() as patched:
        patched.setattr(lines.service.db, "system_reads", away)
        assert (await told(lines, f"/ussd/africastalking/{'0' * 40}")) == WRONG  # what was known stays in use


async def test_rows_of_a_gateway_that_is_no_more_harm_nobody(lines: Lines) -> None:
    async with lines.service.db.system() as tx:
        tx.session.add(UssdRoute(name="old", gateway="telegraph", secret_digest=b"x"))
        await tx.flush()
    lines.service.shared(KnownRoutes).forget()
    assert await told(lines, lines.path) == (200, HOME)


async def test_steps_are_counted_by_gateway(lines: Lines) -> None:
    before = counted("steps", gateway="africastalking")
    await lines.step("")
    assert counted("steps", gateway="africastalking") == before + 1


async def test_ends_are_counted_by_how_a_dialogue_ended(lines: Lines) -> None:
    before = [counted("ends", kind=kind) for kind in ("screen", "ended", "reply")]
    await lines.walk("99")
    await lines.step("", "s2")
    await lines.post(step_form("", "s2") | {"status": "Incomplete"})
    assert [counted("ends", kind=kind) for kind in ("screen", "ended", "reply")] == [before[0] + 1, before[1] + 1, 0]


def counted(what: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"merchant_ussd_{what}_total", labels) or 0.0


async def test_resumes_wrong_numbers_and_deadlines_are_counted(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("resumes", "wrong_numbers", "deadline_misses")
    before = [counted(name) for name in names]
    await lines.walk("1", "4242", lines.counter.alias)
    assert "Go on" in await lines.step("", "s2")
    assert "Enter the amount" in await lines.step("1", "s2")
    await lines.step("1", "s2")  # a copy
    monkeypatch.setattr(steps, "DEADLINE_S", 0.0)
    await lines.step("", "s3")
    assert [counted(name) for name in names] == [one + 1 for one in before]
