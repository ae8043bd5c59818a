"""A document on a page of ours: a picture as a picture, a PDF to download. Each look is recorded by the API.

The content comes from the API's own route, which lets no script run and no other site show it.
"""

from uuid import UUID

from merchant.compliance.cases import document_routes as api
from merchant.core.access import Permission as P
from merchant.portal.review.labels import label_of
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen

_PAPER_PAGE = f"{__package__}/paper.html"
_PICTURES = ("image/jpeg", "image/png", "image/webp")


@screen("GET", "/documents/{document_id}/view", permission=P.PERSONAL_DATA_READ, kinds=STAFF)
async def paper(view: View, document_id: UUID) -> Page:
    """One document. The picture is fetched, and the look recorded, when the page shows it."""
    found = (await view.ask(api.read_document, path={"document_id": document_id})).view
    return view.page(
        _PAPER_PAGE,
        paper=found,
        proves=label_of(view, found.path),
        is_picture=found.media_type in _PICTURES,
        content=f"/api/v1/documents/{document_id}/content?reason=review",
    )


ROUTES = [paper]
