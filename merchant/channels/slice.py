"""What the channels export to the programs."""

from collections.abc import Mapping

from merchant.channels import posters
from merchant.channels.logo_codes import ROUTES as LOGO_ROUTES
from merchant.channels.poster_routes import ROUTES as POSTER_ROUTES
from merchant.channels.qr import ROUTES as QR_ROUTES
from merchant.channels.ussd.door import ussd_door
from merchant.channels.ussd.steps import prune as prune_sessions
from merchant.channels.ussd.steps import prune_languages
from merchant.core import background
from merchant.core.access import Permission
from merchant.core.slices import Pruned

ROUTES = [*QR_ROUTES, *LOGO_ROUTES, *POSTER_ROUTES, ussd_door]
JOBS = (background.job_kind(posters.KIND),)
TIMERS = (background.timer(posters.KIND),)
PRUNED = (Pruned("USSD sessions", prune_sessions), Pruned("languages of phones", prune_languages))
PERMISSIONS: Mapping[Permission, str] = {}  # codes and posters ask for the registry's and the payments'
