"""The routes of the demo's application: the service's own, with the demo's pages and its own start page."""

from importlib.resources import files
from typing import Any

from merchant.demo.pages import gallery, tour, wall, world_page
from merchant.portal import home as start
from merchant.portal.ui import assets
from merchant.programs.slices import ROUTES as SERVICE_ROUTES

ROUTES = [*wall.ROUTES, *tour.ROUTES, *gallery.ROUTES, *world_page.ROUTES]


def demo_routes() -> list[Any]:
    """The application's routes with the demo's: its start page stands where the welcome would."""
    static = files(__package__).joinpath("static")
    sheet = static.joinpath("demo.css").read_text(encoding="utf-8")
    assets.add_asset("demo.css", assets.style_sheet(["base.css", "work.css", *assets.PARTS], sheet))
    assets.add_asset("demo.js", static.joinpath("demo.js").read_text(encoding="utf-8"))
    return [route for route in SERVICE_ROUTES if route is not start.home] + ROUTES
