"""The roles under which the pools of db.py connect: none that row-level security does not bind."""

from collections.abc import Sequence

from merchant.core import poolers, pools
from merchant.core.errors import OperatorProblem
from merchant.core.pools import Pool

# invalid_parameter_value: there is no such role; insufficient_privilege: the login is no member of it
_NO_SUCH_ROLE = frozenset({"22023", "42501"})
_ROLES = """
SELECT me.rolname AS name, me.rolsuper OR me.rolbypassrls AS unsafe,
  session_user AS login, login.rolsuper OR login.rolbypassrls AS unsafe_login
FROM pg_roles me JOIN pg_roles login ON login.rolname = session_user WHERE me.rolname = current_user
"""


class UnsafeRole(OperatorProblem):
    """The database role could bypass row-level security; the service refuses to start with it."""


class UnsafePooler(OperatorProblem):
    """A connection pooler before the database mixes up connections of different roles; the service refuses to start."""


async def check(roles: Sequence[tuple[Pool, str]], url: str) -> None:
    """Refuse roles that bypass row-level security, and a login that could become one. Raises UnsafeRole.

    And a pooler that mixes up connections of different roles. Raises UnsafePooler.
    """
    for pool, name in roles:
        try:
            async with pool.borrowed() as fairy:
                row = await pools.driver(fairy).fetchrow(_ROLES)
                behind_pooler = getattr(pools.driver(fairy), "behind_pooler", False)
        except Exception as error:
            if getattr(error.__cause__ or error, "sqlstate", None) not in _NO_SUCH_ROLE:
                raise
            why = error.__cause__ or error
            raise UnsafeRole(
                f"The database login cannot become {name!r} ({why}): run `merchant migrate`, or have an"
                " administrator run what `merchant database roles` prints."
            ) from None
        if row is None or row["name"] != name or row["unsafe"]:
            raise UnsafeRole(
                f"The database pool must run as {name!r}, without SUPERUSER or BYPASSRLS; a pooler must not ignore"
                " the start-up parameter `role`."
            )
    if row is not None and row["unsafe_login"]:
        raise UnsafeRole(
            f"The database login {row['login']!r} has SUPERUSER or BYPASSRLS, which row-level security does not"
            " stop: use one without, as `merchant database roles` prints."
        )
    if behind_pooler and not await poolers.keeps_sessions(lambda: pools.connect(url)):
        raise UnsafePooler(
            "The pooler of MERCHANT_DATABASE_URL gives each transaction another server, so that it could run under"
            " the role of another caller: set pool_mode = session (PgBouncer)."
        )
