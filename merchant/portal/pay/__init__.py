"""The shopper's pages: one file a group of them; ROUTES gathers them."""

from merchant.portal.pay import pay, receipt, report, scan, send

ROUTES = [*scan.ROUTES, *pay.ROUTES, *send.ROUTES, *report.ROUTES, *receipt.ROUTES]
