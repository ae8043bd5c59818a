"""`merchant payment`: what happened to one payment, in one view."""

from typing import Any

import click

from merchant.cli.policies import run_service
from merchant.core.settings import Settings


@click.group()
def payment() -> None:
    """Payments: the path of one."""


@payment.command("trace")
@click.argument("payment_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.pass_obj
def trace(settings: Settings, payment_id: str, as_json: bool) -> None:
    """Show the path of a payment or request, oldest first: messages in and out, our own steps, what was announced,
    webhooks and text messages with their states, jobs that are not done, and the traces that it ran through.

    ID is an id of ours, the hub's of a request, transaction or transfer, a receipt's number or a short reference.
    Messages are kept seven days. Numbers and names of people are masked, and the look is recorded.
    """
    import msgspec

    from merchant.core.access import SERVICE
    from merchant.payments.payment_trace import trace_payment

    found = run_service(settings, lambda service: trace_payment(service, SERVICE, payment_id, by="command line"))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        for line in _told(found):
            click.echo(line)


def _told(found: Any) -> list[str]:
    """The view as text: what it is, then a line for each thing that happened, with the milliseconds since the last."""
    hub = found.hub
    facts = (
        ("payment", found.payment_id),
        ("receipt", found.receipt_number),
        ("request", found.request_id),
        ("state", found.state),
        ("amount", f"{found.amount.amount} {found.amount.currency}"),
        ("payer", found.payer),
        ("dfsp", found.fsp_id),
        ("merchant", found.merchant_id),
        ("hub request", hub.transaction_request_id),
        ("transaction", hub.transaction_id),
        ("transfer", hub.transfer_id),
        *(("trace", trace_id) for trace_id in found.trace_ids),
    )
    told = [f"{name:<13}{value}" for name, value in facts if value]
    told.append("")
    for line in found.lines:
        gap = "" if line.gap_ms is None else f"+{line.gap_ms} ms"
        about = [
            line.what,
            *([f"-> {line.state}"] if line.state else []),
            *([f"({line.detail})"] if line.detail else []),
        ]
        about += [f"[{line.trace_id[:8]}]"] if line.trace_id else []
        told.append(f"{line.at}  {gap:>12}  {line.kind:<12}  {' '.join(about)}")
    if found.jobs_not_looked_at:
        told.append("the outbox holds more jobs than were looked at: some of this payment's may be missing here")
    return told
