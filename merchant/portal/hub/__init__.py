"""Pages of the hub's operators: one file a screen; ROUTES gathers them."""

from merchant.portal.hub import dfsps, queues, scheme, today

ROUTES = [*today.ROUTES, *dfsps.ROUTES, *queues.ROUTES, *scheme.ROUTES]
