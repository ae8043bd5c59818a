"""The outbox: work written with its cause, leased to one worker at a time, tried again, dead, retried."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merchant.core import clock, outbox, stuck_jobs
from merchant.core.outbox import Job, LeaseLost
from merchant.core.service import Service
from tests.builders import World

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
TOPIC = "test.topic"


async def add(service: Service, payload: object = 0, order_key: str | None = None, **options: timedelta) -> None:
    async with service.db.system() as tx:
        await outbox.add(tx, TOPIC, payload, order_key=order_key, **options)


async def claim(service: Service, limit: int = 100) -> list[Job]:
    async with service.db.system_statements() as tx:
        return await outbox.claim(tx, limit)


async def finish(service: Service, job: Job) -> None:
    async with service.db.system() as tx:
        await outbox.done(tx, job)


async def fail(service: Service, job: Job, error: str = "ConnectionError: refused") -> bool:
    async with service.db.system() as tx:
        return await outbox.retry(tx, job, error)


async def payloads(service: Service, limit: int = 100) -> list[bytes]:
    return [job.payload for job in await claim(service, limit)]


async def test_work_is_there_when_its_transaction_commits_and_not_before(service: Service) -> None:
    async with service.db.system() as tx:
        await outbox.add(tx, TOPIC, {"id": 1})
        assert await claim(service) == []
    [job] = await claim(service)
    assert (job.topic, job.payload, job.attempts, job.dfsp_id) == (TOPIC, b'{"id":1}', 1, None)


async def test_what_waits_behind_a_head_is_not_looked_at(service: Service) -> None:
    """An endpoint that is silent for hours must not slow the claims that move money."""
    await add(service, "head", "dead")
    async with service.db.system() as tx:
        await tx.execute(
            "INSERT INTO outbox (topic, order_key, payload, run_at, attempts, created_at)"
            " SELECT 'test.topic', 'dead', '', $1, 0, $1 FROM generate_series(1, 20000)",
            clock.now() - timedelta(hours=1),
        )
        await tx.execute("ANALYZE outbox")
    assert len(await claim(service)) == 1
    await add(service, "money")
    async with service.db.system() as tx:
        plan = "EXPLAIN (ANALYZE, FORMAT JSON) " + outbox._CLAIM
        text = str(await tx.fetchval(plan, None, 50, outbox.LEASE, 50))
    assert sum(int(float(rows)) for rows in re.findall(r'"Actual Rows": ([\d.]+)', text)) < 100


async def test_webhooks_leave_room_for_money(service: Service) -> None:
    for number in range(3):
        await add(service, number, f"endpoint {number}")
        await add(service, f"money {number}")
    async with service.db.system_statements() as tx:
        jobs = await outbox.claim(tx, 2, 1)
    assert sorted(job.in_order for job in jobs) == [False, False, True]


async def test_work_of_a_transaction_that_failed_never_was(service: Service) -> None:
    with pytest.raises(ZeroDivisionError):
        async with service.db.system() as tx:
            await outbox.add(tx, TOPIC, 1)
            raise ZeroDivisionError
    assert await claim(service) == []


async def test_a_request_of_a_dfsp_may_add_work_but_never_see_it(service: Service, world: World) -> None:
    dfsp_id = world.dfsp_ids["greenbankfsp"]
    async with service.db.tenant(dfsp_id) as tx:
        await outbox.add(tx, TOPIC, 1, dfsp_id=dfsp_id)
    [job] = await claim(service)
    assert job.dfsp_id == dfsp_id


async def test_bytes_go_in_as_they_are(service: Service) -> None:
    await add(service, b"\x00\xff")
    assert await payloads(service) == [b"\x00\xff"]


async def test_a_statement_writes_one_job_for_each_row_of_its_cause(service: Service) -> None:
    job = outbox.job_cte(
        "FROM cause WHERE n > 1",
        topic="$1",
        payload=outbox.json_payload(number="n", text="'\"' || n"),
        moved="$2",
        order_key="'key ' || n",
        traceparent="NULL",
    )
    async with service.db.system() as tx:
        await tx.execute(f"WITH cause AS (SELECT generate_series(1, 3) AS n), {job} SELECT", TOPIC, clock.now())
    jobs = await claim(service)
    assert [msgspec.json.decode(job.payload) for job in jobs] == [
        {"number": 2, "text": '"2'},
        {"number": 3, "text": '"3'},
    ]
    assert all(job.in_order for job in jobs)


async def test_workers_are_woken_by_a_job_and_not_by_the_lack_of_one(service: Service) -> None:
    woken: list[str] = []
    listener = await service.db.listener()
    try:
        await listener.add_listener(outbox.CHANNEL, lambda *_: woken.append("once"))
        for condition in ("false", "true"):
            job = outbox.job_cte(
                f"WHERE {condition}", topic="$1", payload=outbox.json_payload("1"), moved="$2", traceparent="NULL"
            )
            async with service.db.system() as tx:
                await tx.execute(f"WITH {job} SELECT", TOPIC, clock.now())
            # What was notified is delivered before the answer to a statement that the listener sends later.
            await listener.execute("SELECT 1")
            assert woken == (["once"] if condition == "true" else [])
    finally:
        await listener.close()


async def test_a_leased_job_is_nobody_elses_until_the_lease_runs_out(service: Service, move_clock: Move) -> None:
    await add(service)
    assert len(await claim(service)) == 1
    assert await claim(service) == []
    move_clock(outbox.LEASE - timedelta(seconds=1))
    assert await claim(service) == []
    move_clock(timedelta(seconds=1))
    [again] = await claim(service)
    assert again.attempts == 2


async def test_workers_that_claim_at_once_never_share_a_job(service: Service) -> None:
    async with service.db.system() as tx:
        for number in range(60):
            await outbox.add(tx, TOPIC, number)
    batches = await asyncio.gather(*(claim(service, 7) for _ in range(12)))
    claimed = [job.id for batch in batches for job in batch]
    assert len(claimed) == len(set(claimed)) == 60


async def test_a_worker_whose_claim_is_not_committed_holds_its_jobs_back_from_others(service: Service) -> None:
    await add(service)
    async with service.db.system() as tx:
        assert len(await outbox.claim(tx, 10)) == 1
        assert await claim(service) == []  # skipped, not waited for


async def test_a_finished_job_is_gone(service: Service, move_clock: Move) -> None:
    await add(service)
    [job] = await claim(service)
    await finish(service, job)
    move_clock(timedelta(days=1))
    assert await claim(service) == []


async def test_whoever_lost_the_lease_can_neither_finish_nor_fail_the_job(service: Service, move_clock: Move) -> None:
    await add(service)
    [slow] = await claim(service)
    move_clock(outbox.LEASE)
    [quick] = await claim(service)
    with pytest.raises(LeaseLost):
        await finish(service, slow)
    await fail(service, slow)
    assert await claim(service) == []  # the failure of the slow one gave nothing back
    await finish(service, quick)
    with pytest.raises(LeaseLost):
        await finish(service, quick)


async def test_many_are_finished_at_once_except_those_whose_lease_was_lost(service: Service, move_clock: Move) -> None:
    await add(service, 1)
    slow = await claim(service)
    move_clock(outbox.LEASE)
    await add(service, 2)
    quick = await claim(service)
    async with service.db.system() as tx:
        await outbox.all_done(tx, [*slow, quick[-1]])
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 1
        await outbox.all_done(tx, [])


async def test_whoever_finishes_jobs_hears_whether_others_wait_behind_them(service: Service) -> None:
    await add(service)
    for _ in range(2):
        await add(service, order_key="payer")
    waits: list[bool] = []
    for _ in range(2):
        jobs = await claim(service)
        async with service.db.system_statements() as tx:
            waits.append(await outbox.all_done(tx, jobs))
    assert waits == [True, False]


async def test_a_dead_job_does_not_wait_behind_a_finished_one(service: Service) -> None:
    for _ in range(2):
        await add(service, order_key="payer")
    [job] = await claim(service)
    async with service.db.system() as tx:
        await tx.execute("UPDATE outbox SET dead_at = now() WHERE id <> $1", job.id)
        assert not await outbox.all_done(tx, [job])


async def test_work_for_later_waits_for_its_time(service: Service, move_clock: Move) -> None:
    await add(service, delay=timedelta(minutes=5))
    assert await claim(service) == []
    move_clock(timedelta(minutes=5))
    assert len(await claim(service)) == 1


class TestOrder:
    async def test_jobs_of_one_key_come_one_after_another_in_the_order_they_were_added(self, service: Service) -> None:
        for number in range(3):
            await add(service, number, order_key="payer")
        for expected in (b"0", b"1", b"2"):
            [job] = await claim(service)
            assert job.payload == expected
            await finish(service, job)

    async def test_keys_do_not_wait_for_each_other_nor_does_work_without_a_key(self, service: Service) -> None:
        for number, key in enumerate(["a", "a", "b", None, "b", None]):
            await add(service, number, order_key=key)
        assert sorted(await payloads(service)) == [b"0", b"2", b"3", b"5"]

    async def test_a_failing_job_holds_its_key_back_until_it_is_dead(self, service: Service, move_clock: Move) -> None:
        await add(service, 0, order_key="a")
        await add(service, 1, order_key="a")
        for _ in range(outbox.MAX_ATTEMPTS):
            [job] = await claim(service)
            assert job.payload == b"0"
            dead = await fail(service, job)
            move_clock(timedelta(hours=2))
        assert dead
        assert await payloads(service) == [b"1"]

    async def test_a_first_job_for_later_holds_its_key_back(self, service: Service) -> None:
        await add(service, 0, order_key="a", delay=timedelta(hours=1))
        await add(service, 1, order_key="a")
        assert await claim(service) == []


class TestFailure:
    async def test_it_comes_again_after_pauses_that_grow_to_an_hour_and_no_further(
        self, service: Service, move_clock: Move
    ) -> None:
        await add(service)
        for attempt in range(1, outbox.MAX_ATTEMPTS):
            [job] = await claim(service)
            assert job.attempts == attempt
            assert not await fail(service, job)
            pause_s = min(3600, 2 * 2 ** (attempt - 1))
            move_clock(timedelta(seconds=pause_s * 0.74))
            assert await claim(service) == [], attempt
            move_clock(timedelta(seconds=pause_s * 0.52))

    async def test_it_is_tried_for_about_nine_hours(self, service: Service, move_clock: Move) -> None:
        await add(service)
        begun = clock.now()
        for _ in range(outbox.MAX_ATTEMPTS):
            [job] = await claim(service)
            last = clock.now()
            await fail(service, job)
            async with service.db.system() as tx:
                row = await tx.fetchrow("SELECT run_at, dead_at FROM outbox")
            assert row is not None
            move_clock(row["run_at"] - clock.now())
        assert row["dead_at"] is not None
        # Each pause is a quarter longer or shorter by chance.
        assert timedelta(hours=9) * 0.75 < last - begun < timedelta(hours=9.2) * 1.25

    async def test_what_failed_too_often_is_kept_and_shown_but_tried_no_more(
        self, service: Service, move_clock: Move
    ) -> None:
        await add(service)
        for _ in range(outbox.MAX_ATTEMPTS):
            [job] = await claim(service)
            dead = await fail(service, job, "why\0" + "x" * 1000)
            move_clock(timedelta(hours=2))
        assert dead
        assert await claim(service) == []
        async with service.db.system() as tx:
            row = await tx.fetchrow("SELECT dead_at, last_error, attempts FROM outbox")
        assert row is not None
        assert row["dead_at"] is not None
        assert row["last_error"] == "why" + "x" * 497
        assert row["attempts"] == outbox.MAX_ATTEMPTS

    async def test_a_dead_job_may_be_retried_and_has_all_its_tries_again(
        self, service: Service, move_clock: Move
    ) -> None:
        await add(service)
        for _ in range(outbox.MAX_ATTEMPTS):
            [job] = await claim(service)
            await fail(service, job)
            move_clock(timedelta(hours=2))
        async with service.db.system() as tx:
            assert await stuck_jobs.retry_dead(tx, job.id)
            assert not await stuck_jobs.retry_dead(tx, job.id)  # it lives
            assert not await stuck_jobs.retry_dead(tx, 10**12)
        [again] = await claim(service)
        assert (again.id, again.attempts) == (job.id, 1)

    async def test_a_crash_between_claim_and_end_gives_the_job_back_by_doing_nothing(
        self, service: Service, move_clock: Move
    ) -> None:
        await add(service)
        [job] = await claim(service)
        with pytest.raises(ZeroDivisionError):
            async with service.db.system() as tx:
                await outbox.done(tx, job)
                raise ZeroDivisionError
        move_clock(outbox.LEASE)
        assert [again.id for again in await claim(service)] == [job.id]


class Model:
    """What the outbox should hold: for each key the jobs in order; what is leased."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, str | None]] = []
        self.leased: dict[int, str | None] = {}

    def due(self) -> set[int]:
        """Who may be claimed: without a key any, with a key the first only, and only when none of it is leased."""
        busy = {key for key in self.leased.values() if key is not None}
        found = set()
        for number, key in self.waiting:
            if key is None or key not in busy:
                found.add(number)
                busy |= {key} if key is not None else set()
        return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from([None, "a", "b"])),
            st.just(("claim", None)),
            st.tuples(st.just("end"), st.integers(0, 5)),
        ),
        max_size=25,
    )
)
async def test_any_order_of_steps_claims_what_the_rules_allow(
    service: Service, steps: list[tuple[str, str | int | None]]
) -> None:
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM outbox")
    model, jobs = Model(), dict[int, Job]()
    for number, (step, detail) in enumerate(steps):
        if step == "add":
            key = detail if isinstance(detail, str) else None
            await add(service, number, order_key=key)
            model.waiting.append((number, key))
        elif step == "claim":
            claimed = {int(job.payload): job for job in await claim(service)}
            assert set(claimed) == model.due()
            jobs |= claimed
            model.leased |= {found: key for found, key in model.waiting if found in claimed}
            model.waiting = [pair for pair in model.waiting if pair[0] not in claimed]
        elif jobs:
            ended = sorted(jobs)[int(detail or 0) % len(jobs)]
            await finish(service, jobs.pop(ended))
            del model.leased[ended]
