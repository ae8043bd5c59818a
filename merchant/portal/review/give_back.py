"""Give a case back to its makers: what is wrong where, each with a reason, in as many rows as are wanted."""

from typing import Any
from uuid import UUID

from merchant.compliance.cases import routes as api
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.review.case import base_of, read_case, review_of, twins
from merchant.portal.review.labels import places_to_return
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View

_RETURN_PAGE = f"{__package__}/return.html"
_ROWS, _ROWS_MAX = 5, 50


async def return_page(view: View, application_id: UUID, rows: int = _ROWS) -> Page:
    """Rows to choose a place and say what is wrong there."""
    case = await read_case(view, application_id)
    return view.page(
        _RETURN_PAGE,
        case=case,
        base=base_of(case),
        places=places_to_return(view, case),
        rows=range(min(max(rows, len(_filled(view))), _ROWS_MAX)),
    )


async def give_back(view: View, application_id: UUID) -> Page:
    """Return it, or show more rows."""
    filled = _filled(view)
    view.form = _as_form(filled)
    if "more" in view.request.query_params:
        return await return_page(view, application_id, len(filled) + _ROWS)
    body = {"items": filled}
    told = await view.attempt(api.return_application, path={"application_id": application_id}, body=body)
    if told is None:
        if not filled and view.problem is not None:
            sentence = _("Say what is wrong at one place at least.")
            view.problem.errors = (errors.FieldError("items[0].path", "missing", sentence),)
        return await return_page(view, application_id)
    return view.go(
        review_of(told.view), _("{name} is back with its makers."), name=told.view.business.trading_name or "–"
    )


def _filled(view: View) -> list[dict[str, str]]:
    """The rows in which anything stands, without gaps between them."""
    found: list[dict[str, str]] = []
    for at in range(_ROWS_MAX):
        row = {name: text for name in ("path", "reason") if (text := view.form.get(f"items[{at}].{name}"))}
        if row:
            found.append(row)
    return found


def _as_form(rows: list[dict[str, str]]) -> dict[str, str]:
    return {f"items[{at}].{name}": text for at, row in enumerate(rows) for name, text in row.items()}


ROUTES: list[Any] = [
    *twins("GET", "/return", P.APPLICATIONS_DECIDE)(return_page),
    *twins("POST", "/return")(give_back),
]
