"""The `merchant` command: the group that all others hang on, and how it ends.

Exit status tells the truth: 0 done, 1 failed with a sentence on standard error, 2 wrong usage. Each command imports
what it needs when it runs, so that `--help` is instant.
"""

import gc
import os
import sys

import click

from merchant import __version__
from merchant.cli import qr_posters
from merchant.cli.audit import audit
from merchant.cli.backup import backup, reconcile, restore
from merchant.cli.capacity import capacity
from merchant.cli.check import check
from merchant.cli.database import database
from merchant.cli.demo import demo
from merchant.cli.distribute import distribute
from merchant.cli.evidence import evidence
from merchant.cli.exchange import export, imports
from merchant.cli.hub import hub
from merchant.cli.keys import rotate_keys
from merchant.cli.lei import lei
from merchant.cli.lists import lists
from merchant.cli.openapi import openapi
from merchant.cli.outbox import outbox
from merchant.cli.payment import payment
from merchant.cli.people import people
from merchant.cli.policies import policies
from merchant.cli.qr import qr_commands
from merchant.cli.serve import migrate, serve, worker
from merchant.cli.setup import seed
from merchant.cli.status import status
from merchant.cli.user import user
from merchant.cli.ussd import ussd
from merchant.core.errors import OperatorProblem
from merchant.core.settings import BadSettings, load

qr_commands.add_command(qr_posters.poster)
COMMANDS = (
    serve,
    worker,
    migrate,
    seed,
    user,
    demo,
    check,
    status,
    backup,
    restore,
    reconcile,
    database,
    distribute,
    audit,
    outbox,
    payment,
    hub,
    lists,
    lei,
    people,
    policies,
    evidence,
    imports,
    export,
    rotate_keys,
    qr_commands,
    ussd,
    openapi,
    capacity,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.pass_context
def cli(context: click.Context) -> None:
    """Merchant registry and payments for Mojaloop hubs. Settings come from MERCHANT_* variables; see README."""
    try:
        context.obj = load(os.environ)
    except BadSettings as faults:
        if context.invoked_subcommand != "check":
            raise
        context.obj = faults  # which tells them with everything else


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """Entry point. Problems with a known way out are told in one sentence."""
    # Loading makes objects that stay; looking through them for garbage as often as usual takes a tenth of the start.
    gc.set_threshold(50_000, 20, 20)
    try:
        cli(prog_name="merchant")
    except (OperatorProblem, BadSettings) as error:
        for line in str(error).splitlines():
            click.echo(f"merchant: {line}", err=True)
        sys.exit(1)
