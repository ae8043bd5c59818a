"""What exchange exports to the programs."""

from collections.abc import Mapping

from merchant.core import background
from merchant.core.access import Permission
from merchant.core.http.exports import CLEAN_EVERY_S, clean_folder
from merchant.core.slices import Pruned, Timer
from merchant.exchange import imports
from merchant.exchange.receipt_routes import ROUTES as RECEIPT_ROUTES
from merchant.exchange.routes import ROUTES as IMPORT_ROUTES

ROUTES = [*IMPORT_ROUTES, *RECEIPT_ROUTES]
JOBS = (background.job_kind(imports.KIND),)
TIMERS = (background.timer(imports.KIND), Timer("exports.clean", clean_folder, every_s=CLEAN_EVERY_S))
PRUNED: tuple[Pruned, ...] = ()
PERMISSIONS: Mapping[Permission, str] = {}  # who imports writes applications; lists go out to whoever may read them
