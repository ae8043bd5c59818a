"""Routes that applications and cases share: an application is a case, so each is declared once and served at both."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, TypeVar, Unpack

from litestar.handlers import HTTPRouteHandler

from merchant.core.http.declared import Options
from merchant.core.http.route import Call, route

B = TypeVar("B")
CASE_ROUTES: list[HTTPRouteHandler] = []


def both(
    method: Any, path: str, *, body: Any = None, **options: Unpack[Options]
) -> Callable[[Callable[Concatenate[Call[Any], ...], Awaitable[Any]]], HTTPRouteHandler]:
    """Declare a route below /applications/{application_id}, and the same below /cases/{case_id}."""

    def declare(function: Callable[..., Awaitable[Any]]) -> HTTPRouteHandler:
        case_path = path.replace("/applications/{application_id}", "/cases/{case_id}")
        declared: Any = route
        CASE_ROUTES.append(declared(method, case_path, body=body, **options)(_for_cases(function)))
        handler: HTTPRouteHandler = declared(method, path, body=body, **options)(function)
        return handler

    return declare


def _for_cases(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same function with case_id for application_id, and with the word "case" in its name and sentence."""

    async def served(call: Call[Any], **names: Any) -> Any:
        names["application_id"] = names.pop("case_id")
        return await function(call, **names)

    signature = inspect.signature(function, eval_str=True)
    parameters = [
        one.replace(name="case_id") if name == "application_id" else one for name, one in signature.parameters.items()
    ]
    served.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    served.__name__ = function.__name__.replace("application", "case")
    if served.__name__ == function.__name__:
        served.__name__ = f"{function.__name__}_of_case"
    served.__doc__ = (function.__doc__ or "").replace("an application", "a case").replace("application", "case")
    served.__module__ = function.__module__
    return served
