"""Connections by way of a pooler such as PgBouncer, which knows few start-up parameters: a statement sets them instead.

What a session sets, its role above all, is its own only while it keeps its server: pool_mode=session. db.py asks for
that before anything is served.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

# protocol_violation: by it PgBouncer refuses start-up parameters that it does not know.
NOT_UNDERSTOOD = "08P01"
_BY_STATEMENT = "SELECT set_config(name, value, false) FROM unnest($1::text[], $2::text[]) AS given (name, value)"
# Keepalive and the like are between the pooler and its server.
_OF_THE_SOCKET = "tcp_"
# How long a notification may take to a connection that has a server of its own.
_HEARD_WITHIN_S = 5.0


async def connect_behind_one(*args: Any, server_settings: dict[str, str], **options: Any) -> asyncpg.Connection[Any]:
    """A connection of which the server learns its settings by a statement. Raises what asyncpg raises."""
    name = {"application_name": server_settings["application_name"]}
    connection = await asyncpg.connect(*args, server_settings=name, **options)
    try:
        told = {key: value for key, value in server_settings.items() if not key.startswith(_OF_THE_SOCKET)}
        await connection.execute(_BY_STATEMENT, list(told), list(told.values()))
    except BaseException:
        connection.terminate()
        raise
    connection.behind_pooler = True
    return connection


async def keeps_sessions(connect: Callable[[], Awaitable[asyncpg.Connection[Any]]]) -> bool:
    """Whether a connection has its server to itself while it rests: then it hears a notification.

    Where servers go from transaction to transaction it hears none, and what one connection set is in force for another.
    """
    heard = asyncio.Event()
    channel = f"sessions_{os.getpid()}_{id(heard)}"
    listener = await connect()
    try:
        await listener.add_listener(channel, lambda *_: heard.set())
        speaker = await connect()
        try:
            await speaker.execute(f"NOTIFY {channel}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), _HEARD_WITHIN_S)
        finally:
            speaker.terminate()
    finally:
        listener.terminate()
    return heard.is_set()
