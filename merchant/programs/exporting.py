"""What `merchant export` does: any list of the API as a file, asked of the application itself without a socket.

The route answers as it does to a caller, so that the file holds what the list shows and its making is recorded.
"""

from collections.abc import Mapping
from typing import Any, BinaryIO
from urllib.parse import urlencode

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from merchant.core import errors
from merchant.core.access import SERVICE, Actor, Permission
from merchant.core.http import exports
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.programs.app import create_app
from merchant.programs.slices import ROUTES


def lists() -> dict[str, HTTPRouteHandler]:
    """The lists that are about no single thing, by the last part of their path."""
    found = {}
    for handler in ROUTES:
        declared = handler.opt.get("route") if isinstance(handler, HTTPRouteHandler) else None
        if declared is not None and declared.exports and "{" not in declared.path:
            found[declared.path.rpartition("/")[2]] = handler
    return found


async def export_list(
    service: Service, name: str, kind: str, fsp_id: str | None, filters: Mapping[str, str], out: BinaryIO
) -> None:
    """Write a list to a file, of one DFSP or of all. Raises NotFound, and what the list raises."""
    dfsp_id = None
    if fsp_id is not None:
        async with service.db.system_reads() as tx:
            dfsp_id = await tx.fetchval("SELECT id FROM dfsp WHERE fsp_id = $1", fsp_id)
        if dfsp_id is None:
            raise errors.NotFound(_("There is no DFSP of this id."))
    actor = Actor(
        kind=SERVICE.kind, id=SERVICE.id, name=SERVICE.name, dfsp_id=dfsp_id, permissions=frozenset(Permission)
    )
    handler = lists()[name]
    request = _request(create_app(service), handler, actor, dict(filters) | {exports.FORMAT: kind})
    answer: Stream = await handler.fn(request)
    async for chunk in answer.iterator:  # type: ignore[union-attr]
        out.write(chunk)  # type: ignore[arg-type]


def _request(app: Litestar, handler: HTTPRouteHandler, actor: Actor, query: dict[str, str]) -> Request[Any, Any, Any]:
    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": handler.opt["route"].path,
        "path_params": {},
        "query_string": urlencode(query).encode(),
        "headers": [],
        "client": None,
        "state": {"actor": actor},
        "litestar_app": app,
        "app": app,
        "route_handler": handler,
    }
    return Request(scope)
