"""The four packages obey the project's own rules, and every rule bites what it forbids and spares what it allows."""

import re

import pytest

from tests.rules import source_rules
from tests.rules.source_rules import RULES, Rule, every_source, parse

# Per rule: the file that a snippet pretends to be, a snippet that breaks the rule, and one beside it that does not.
EXAMPLES: list[tuple[Rule, str, str, str]] = [
    (source_rules.only_db_commits, "merchant/compliance/cases/apply.py", "await tx.commit()", "await tx.flush()"),
    (source_rules.only_db_commits, "merchant/core/outbox.py", "tx.execute('commit;')", "tx.execute('ON COMMIT DROP')"),
    (
        source_rules.only_the_outbox_writes_jobs,
        "merchant/notify/sms.py",
        "tx.execute(f'WITH job AS (INSERT INTO outbox (topic) VALUES ({topic}))')",
        "tx.execute(f'WITH {outbox.job_cte(topic=topic)} SELECT')",
    ),
    (source_rules.money_is_never_a_float, "merchant/payments/limits.py", "float('1.10')", "int('110')"),
    (source_rules.money_is_never_a_float, "merchant/core/money.py", "minor / 100", "minor // 100"),
    (source_rules.money_is_never_a_float, "merchant/core/money.py", "minor /= 100", "minor //= 100"),
    (source_rules.one_clock, "merchant/programs/worker.py", "datetime.now(UTC)", "clock.now()"),
    (source_rules.one_clock, "kyb/policy.py", "datetime.date.today()", "now.date()"),
    (source_rules.one_clock, "merchant/core/audit.py", "time.time()", "time.perf_counter()"),
    (source_rules.one_clock, "merchant/demo/world.py", "clock.source = lambda: then", "source = clock.source"),
    (source_rules.one_clock, "merchant/cli/serve.py", "clock.machine = ahead", "clock.follow(instant, at_s)"),
    (source_rules.nothing_prints, "merchant/__main__.py", "print('ready')", "click.echo('ready')"),
    (
        source_rules.states_are_asked_not_compared,
        "merchant/compliance/cases/review.py",
        "if application.state == 'submitted': pass",
        "if application_may(application.state, DECIDE): pass",
    ),
    (
        source_rules.states_are_asked_not_compared,
        "merchant/payments/settle.py",
        "if found in (RequestState.PAID, other): pass",
        "move(request, RequestState.PAID)",
    ),
    (
        source_rules.states_are_asked_not_compared,
        "merchant/registry/merchants/queries.py",
        "row.state != asked",
        "Application.state == asked",
    ),
    (
        source_rules.states_are_asked_not_compared,
        "merchant/payments/settle.py",
        "transfer.state == 'COMMITTED'",
        "transfer_may(transfer.state, BE_COMMITTED)",
    ),
    (
        source_rules.sql_takes_states_from_the_table,
        "merchant/payments/timers.py",
        """_DUE = "SELECT 1 FROM transfer t WHERE t.state in ('RESERVED')" """,
        "_DUE = f'SELECT 1 FROM transfer t WHERE t.state IN {UNDER_WAY} AND t.state = $1'",
    ),
    (
        source_rules.sql_takes_states_from_the_table,
        "merchant/channels/ussd/backend.py",
        """_OWN = "SELECT 1 FROM merchant m WHERE m.state <> 'closed'" """,
        """_OWN = f"SELECT 1 FROM ussd_session WHERE state <> '' AND m.state IN {OPEN}" """,
    ),
    (
        source_rules.makers_are_read_in_one_place,
        "merchant/compliance/cases/review.py",
        "if actor.id in application.makers: raise CheckerIsMaker",
        "application = lock_for_decision(tx, actor, application_id)",
    ),
    (
        source_rules.sql_takes_states_from_the_table,
        "merchant/channels/ussd/backend.py",
        """_OWN = "SELECT 1 FROM merchant m WHERE m.state <> 'closed'" """,
        """_OWN = f"SELECT 1 FROM ussd_session WHERE state <> '' AND m.state IN {OPEN}" """,
    ),
    (
        source_rules.makers_are_read_in_one_place,
        "merchant/compliance/cases.py",
        "view(makers=[one for one in row.makers])",
        "view(makers=row.makers)",
    ),
    (
        source_rules.sql_takes_states_from_the_table,
        "merchant/channels/ussd/backend.py",
        """_OWN = "SELECT 1 FROM merchant m WHERE m.state <> 'closed'" """,
        """_OWN = f"SELECT 1 FROM ussd_session WHERE state <> '' AND m.state IN {OPEN}" """,
    ),
    (
        source_rules.makers_are_read_in_one_place,
        "merchant/compliance/cases/queries.py",
        "select(Application).where(Application.makers.any(actor.id))",
        "select(Application)",
    ),
    (source_rules.one_http_client, "merchant/hub/fspiop/client.py", "import httpx", "import aiohttp"),
    (
        source_rules.one_http_client,
        "merchant/hub/fspiop/client.py",
        "from urllib.request import urlopen",
        "import urllib",
    ),
    (source_rules.libraries_are_pure, "qr/render.py", "import os.path", "import pathlib"),
    (source_rules.libraries_are_pure, "ussd/session.py", "from secrets import token_hex", "from datetime import date"),
    (
        source_rules.migrations_are_frozen,
        "merchant/migrations/versions/0009_next.py",
        "from merchant.migrations.schema import metadata",
        "from alembic import op",
    ),
    (
        source_rules.migrations_are_frozen,
        "merchant/migrations/versions/0009_next.py",
        "import kyb.fields",
        "import sqlalchemy as sa",
    ),
    (
        source_rules.migrations_are_frozen,
        "merchant/migrations/versions/0009_next.py",
        "from .helpers import wall",
        "from pathlib import Path",
    ),
    (source_rules.modules_say_their_place, "merchant/core/clock.py", "import os", '"""Two\nlines."""'),
    (source_rules.modules_say_their_place, "qr/__init__.py", "import segno", '"""One line will do for a package."""'),
    (source_rules.public_functions_have_docstrings, "kyb/tiers.py", "def reach(case): ...", "def _reach(case): ..."),
    (
        source_rules.everything_fits_a_page,
        "merchant/programs/worker.py",
        "def long():\n" + " x = 1\n" * 75,
        "x = 1\n" * 400,
    ),
    (
        source_rules.everything_fits_a_page,
        "merchant/programs/worker.py",
        "x = 1\n" * 401,
        "def f():\n" + " x = 1\n" * 74,
    ),
    (
        source_rules.patterns_end_at_the_end,
        "merchant/people/routes.py",
        'Meta(pattern="^[0-9]{6}$")',
        r'Meta(pattern=r"^[0-9]{6}\Z")',
    ),
    (
        source_rules.sentences_are_marked,
        "merchant/core/http/json.py",
        "raise errors.BadRequest('This is wrong.')",
        "raise errors.BadRequest(_('This is wrong.'))",
    ),
    (
        source_rules.sentences_are_marked,
        "merchant/core/money.py",
        "raise AmountProblem(f'{currency} is unknown.')",
        "raise AmountProblem(_('{currency} is unknown.', currency=currency))",
    ),
    (
        source_rules.sentences_are_marked,
        "merchant/core/idempotency.py",
        "errors.invalid_field('key', 'missing', 'Send a key.')",
        "errors.invalid_field('key', 'missing', _('Send a key.'))",
    ),
    (
        source_rules.sentences_are_marked,
        "merchant/core/errors.py",
        "class Late(NotFound):\n    code, title = 'late', 'You are late'",
        "class Late(NotFound):\n    code, title = 'late', _('You are late')",
    ),
    (
        source_rules.sentences_are_marked,
        "merchant/channels/posters.py",
        "raise TooManyJobs(f'{most} are enough.')",
        "raise TooManyJobs(_('{most} are enough.', most=most))",
    ),
    (
        source_rules.sentences_are_marked,
        "merchant/channels/posters.py",
        "raise errors.invalid_field('languages', 'bad_design', f'{error}.')",
        "raise errors.invalid_field('languages', 'bad_design', _('Not valid: {fault}.', fault=error))",
    ),
    (
        source_rules.sentences_are_marked,
        "merchant/people/operations.py",
        "errors.Conflict('This is taken.' if known else None)",
        "errors.Conflict(_('This is taken.') if known else None)",
    ),
    (
        source_rules.sentences_are_marked,
        "merchant/people/problems.py",
        "class Late(NotFound):\n    title: ClassVar[str] = 'You are late'",
        "class Late(NotFound):\n    title: ClassVar[str] = _('You are late')",
    ),
    (source_rules.marked_sentences_are_literals, "merchant/core/errors.py", "_(sentence)", "_('a {b}', b=sentence)"),
    (source_rules.marked_sentences_are_literals, "merchant/core/errors.py", "_(f'a {b}')", "_n('one', 'many', count)"),
    (source_rules.nothing_is_left_to_do, "qr/emv.py", "x = 1  # FIX" + "ME later", "x = 1  # fixed"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_code_obeys(rule: Rule) -> None:
    findings = [f"{source.path}:{line}: {what}" for source in every_source() for line, what in rule(source)]
    assert not findings, "\n".join([rule.__doc__ or "", *findings])


@pytest.mark.parametrize(("rule", "path", "broken", "good"), EXAMPLES)
def test_a_rule_finds_what_it_forbids_and_nothing_else(rule: Rule, path: str, broken: str, good: str) -> None:
    assert list(rule(parse(path, broken)))
    assert not list(rule(parse(path, good)))


def test_every_rule_is_shown_biting() -> None:
    assert {rule for rule, *_ in EXAMPLES} == set(RULES)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (source_rules.only_db_commits, "merchant/core/db.py", "await connection.commit()"),
        (source_rules.one_clock, "merchant/core/ids.py", "time.time_ns()"),
        (
            source_rules.states_are_asked_not_compared,
            "merchant/registry/merchants/states.py",
            "state == ApplicationState.DRAFT",
        ),
        (
            source_rules.makers_are_read_in_one_place,
            "merchant/compliance/cases/four_eyes.py",
            "actor.id in application.makers",
        ),
        (
            source_rules.states_are_asked_not_compared,
            "merchant/demo/simulator/hub.py",
            "entry.state == 'ABORTED'",
        ),
        (
            source_rules.sql_takes_states_from_the_table,
            "merchant/payments/states.py",
            "_NOTE_SENT = \"UPDATE payment_request SET state = 'sent'\"",
        ),
        (source_rules.libraries_are_pure, "merchant/programs/runtime.py", "import asyncio"),
        (
            source_rules.migrations_are_frozen,
            "merchant/migrations/env.py",
            "from merchant.migrations.schema import metadata",
        ),
        (source_rules.everything_fits_a_page, "merchant/migrations/versions/0001_first.py", "x = 1\n" * 500),
    ],
)
def test_the_places_that_may_are_spared(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(parse(path, text)))


def test_no_file_of_the_packages_is_left_out() -> None:
    paths = [source.path for source in every_source()]
    assert {path.split("/")[0] for path in paths} == set(source_rules.PACKAGES)
    assert all(re.fullmatch(r"[a-z0-9_/]+\.py", path) for path in paths)
