"""docs/reference/, made of the code: `python -m tests.docs.reference` writes it, a test compares.

Settings, commands, permissions, audit actions, metrics and alerts stand here; what comes of the OpenAPI documents
and of the problems is in api_pages.py and error_pages.py beside this file.
"""

import ast
import re
from collections import defaultdict
from typing import Any, get_args

import click
import msgspec
import yaml
from prometheus_client import REGISTRY

from merchant.cli.main import cli
from merchant.core import access
from merchant.core.access import Permission, Role
from merchant.core.settings import PREFIX, Settings
from merchant.portal.ui.words import word
from merchant.programs import metrics as _metrics  # noqa: F401  what is exported is registered on import
from merchant.programs import safety
from merchant.programs.app import create_app  # noqa: F401  likewise that of the doors
from merchant.programs.slices import PERMISSIONS
from tests.docs import api_pages, error_pages
from tests.docs.tables import cell, front, table
from tests.rules.source_rules import ROOT

FOLDER = ROOT / "docs" / "reference"
_COMES_FROM = "Made from the code by `make states`."


def documents() -> dict[str, str]:
    """Every generated page by its name below docs/reference/."""
    return {
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        "permissions.md": permissions_page(),
        "audit.md": audit_page(),
        "metrics.md": metrics_page(),
        "api.md": api_pages.routes_page(),
        "events.md": api_pages.events_page(),
        **error_pages.pages(),
    }


def stale(wanted: dict[str, str]) -> list[str]:
    """The names of pages that are not as wanted, and of pages of errors that are there no more."""
    found = {
        name for name, text in wanted.items() if not (FOLDER / name).exists() or (FOLDER / name).read_text() != text
    }
    return sorted(found | {name for name in _written_errors() if name not in wanted})


def _written_errors() -> list[str]:
    return [f"errors/{path.name}" for path in (FOLDER / "errors").glob("*.md")]


# --- settings --------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    """Every setting with default, meaning and what it may be, and what is unsafe in the open."""
    meanings = dict(re.findall(rf"^\| `({PREFIX}\w+)` \| .+? \| (.+) \|$", (ROOT / "README.md").read_text(), re.M))
    rows = []
    for one in msgspec.structs.fields(Settings):
        name = PREFIX + one.name.upper()
        shown = str(one.default).lower() if isinstance(one.default, bool) else str(one.default)
        allowed = next((meta.description for meta in get_args(one.type) if isinstance(meta, msgspec.Meta)), "")
        about = meanings[name] + (f" (may be: {allowed})" if allowed else "")
        rows.append((f"`{name}`", f"`{shown.removeprefix(f'{ROOT}/')}`" if shown else "–", about))
    return "\n".join(
        [
            front("Settings", 11),
            "# Settings\n",
            "Environment variables, read once at the start; an unknown `MERCHANT_…` stops it and names the nearest.",
            f"{_COMES_FROM}\n",
            table(("setting", "default", "meaning"), rows),
            "\n## Unsafe in the open\n",
            "Where others reach the service, by its address or through a proxy, an error stops `serve` and `worker`; a",
            "warning is told by `merchant check`.\n",
            table(("found", "severity", "what is said"), _unsafe()),
            "",
        ]
    )


def _unsafe() -> list[tuple[str, str, str]]:
    """Every fault that the check of settings knows, each met by settings that have it."""
    safe: dict[str, Any] = {
        "host": "0.0.0.0",
        "public_url": "https://pay.example.org",
        "gateway_secret": "x" * 32,
    }
    met = [
        {"gateway_secret": ""},
        {"gateway_secret": "short"},
        {"gateway_secret": "ä" * 32},
        {"public_url": ""},
        {"public_url": "http://pay.example.org"},
        {"require_signatures": False},
        {"require_totp": False},
        {"webhook_loopback": True},
        {"mail_kind": "console"},
        {"mail_kind": "smtp"},
        {"screening_list_max_age_days": 0},
        {"unsigned_from_hub": "PUT parties/error"},
        {"sms_url": "smpp://smsc.example.org:2775"},
        {"sms_url": "smpps://smsc.example.org:2775", "sms_user": "x" * 20},
    ]
    found: dict[str, tuple[str, str, str]] = {}
    for demo, changed in [*((False, one) for one in met), (True, {})]:
        for fault in safety.faults(Settings(**safe | changed), demo=demo):
            found.setdefault(fault.code, (f"`{fault.code}`", fault.severity, cell(fault.sentence)))
    return sorted(found.values())


# --- commands --------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """The whole tree of the command line, as `--help` has it."""
    lines = [
        front("Commands", 12),
        "# Commands\n",
        "`merchant COMMAND --help` says the same. The exit status is 0 only when what was asked for was done.",
        f"{_COMES_FROM}\n",
    ]
    assert isinstance(cli, click.Group)
    for name, command in sorted(cli.commands.items()):
        lines += [
            f"## merchant {name}\n",
            *_command(command, f"merchant {name}", click.Context(cli, info_name="merchant")),
        ]
    return "\n".join(lines)


def _command(command: click.Command, path: str, parent: click.Context) -> list[str]:
    context = click.Context(command, parent=parent, info_name=path.rpartition(" ")[2])
    lines = [_prose(command.help or ""), ""]
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            lines += [f"### {path} {name}\n", *_command(inner, f"{path} {name}", context)]
        return lines
    usage = " ".join(command.collect_usage_pieces(context))
    lines += ["```text", f"{path} {usage}", "```", ""]
    options = [
        (f"`{', '.join(one.opts)}`", cell(" ".join((one.help or "").split())) + (" Required." if one.required else ""))
        for one in command.params
        if isinstance(one, click.Option)
    ]
    return [*lines, table(("option", "meaning"), options), ""] if options else lines


def _prose(text: str) -> str:
    """The help of a command as Markdown: paragraphs, without click's marks."""
    parts = re.split(r"\n\s*\n", text.replace("\b", ""))
    return "\n\n".join(re.sub(r"([<>*])", r"\\\1", " ".join(part.split())) for part in parts if part.strip())


# --- permissions and roles -------------------------------------------------------------------------------------------


def permissions_page() -> str:
    """What each permission lets do, and who holds it."""
    held = [
        (
            f"`{one}`",
            PERMISSIONS[one],
            ", ".join(f"`{role}`" for role in Role if one in access.ROLE_PERMISSIONS[role]) or "–",
            "yes" if one in access.KEY_SCOPES else "–",
        )
        for one in Permission
    ]
    roles = [
        (
            f"`{role}`",
            str(word("role", role).text),
            "yes" if role in access.TOTP_ROLES else "–",
            "two" if role in access.GIVEN_BY_TWO else "one",
            ", ".join(f"`{one}`" for one in sorted(access.EXCLUDED.get(role, ()))) or "–",
        )
        for role in Role
    ]
    return "\n".join(
        [
            front("Permissions and roles", 13),
            "# Permissions and roles\n",
            "A route asks for one permission; a role is a set of them, and an API key carries some as its scopes.",
            f"{_COMES_FROM}\n",
            "## Permissions\n",
            table(("permission", "lets", "held by", "for keys"), held),
            "\n## Roles\n",
            "Some roles need a second factor, take two people to be given, and may not be held together with others.\n",
            table(("role", "in the pages", "second factor", "given by", "not with"), roles),
            "",
        ]
    )


# --- the audit record ------------------------------------------------------------------------------------------------

_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
_SUBJECTS = (
    "api_key application audit block_list case code counter dead_job dead_jobs dfsp document hub_key hub_message import"
    " job lei list merchant notification_choice payment payment_request personal_data phone_code policy posters"
    " price_key refund requirements risk scheme sticker user ussd_route verification webhook"
)
_NO_ACTIONS = {"id", "json", "html", "tax_id"}  # `counter.id` is a column


def audit_page() -> str:
    """Every action that the code writes into the audit record, with the file that does."""
    by_subject: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in sorted((ROOT / "merchant").rglob("*.py")):
        source = path.read_text()
        if "audit.record" in source or "audit.NewEntry" in source:
            for action in _actions(ast.parse(source)):
                subject, _, verb = action.partition(".")
                by_subject[subject][verb].add(path.relative_to(ROOT).as_posix())
    rows = [
        (f"`{subject}.{verb}`", ", ".join(f"`{path}`" for path in sorted(paths)))
        for subject, verbs in sorted(by_subject.items())
        for verb, paths in sorted(verbs.items())
    ]
    return "\n".join(
        [
            front("Audit actions", 14),
            "# Audit actions\n",
            "What the audit record may hold: each entry names the action, who did it, on what, and details without",
            "personal data. `…` stands for what the action ends as. `merchant audit verify` recomputes the chains.",
            f"{_COMES_FROM}\n",
            table(("action", "written by"), rows),
            "",
        ]
    )


def _actions(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr) and len(node.values) == 2 and isinstance(node.values[0], ast.Constant):
            text = f"{node.values[0].value}x"
        if _ACTION.fullmatch(text):
            subject, _, verb = text.partition(".")
            if subject in _SUBJECTS.split() and verb not in _NO_ACTIONS:
                found.add(f"{text[:-1]}…" if isinstance(node, ast.JoinedStr) else text)
    begun = {one.removesuffix("…") for one in found if one.endswith("…")}
    return found - begun  # the constant within a pattern


# --- metrics and alerts ----------------------------------------------------------------------------------------------


def metrics_page() -> str:
    """What /metrics exports of ours, and the alarms on it."""
    rows = []
    for family in sorted(REGISTRY.collect(), key=lambda one: one.name):
        if family.name.startswith("merchant_"):
            rows.append((f"`{family.name}`", family.type, family.documentation))
    rules = yaml.safe_load((ROOT / "deploy" / "monitoring" / "alerts.yml").read_text())
    alarms = [
        (
            f"[{rule['alert']}](../../deploy/monitoring/{rule['annotations']['runbook_url']})",
            rule["labels"]["severity"],
            f"`{cell(' '.join(rule['expr'].split()))}`" + (f" for {rule['for']}" if "for" in rule else ""),
        )
        for group in rules["groups"]
        for rule in group["rules"]
    ]
    return "\n".join(
        [
            front("Metrics and alerts", 15),
            "# Metrics and alerts\n",
            "`/metrics` answers programs of this machine, or who sends `x-gateway-secret`. It holds no personal data.",
            f"{_COMES_FROM}\n",
            "## Metrics\n",
            table(("metric", "kind", "meaning"), rows),
            "\n## Alerts\n",
            "`deploy/monitoring/alerts.yml` has the rules. Each name leads to what to do.\n",
            table(("alert", "severity", "when"), alarms),
            "",
        ]
    )


def write() -> None:
    """Write every page, and remove pages of errors that are there no more."""
    wanted = documents()
    (FOLDER / "errors").mkdir(parents=True, exist_ok=True)
    for name in stale(wanted):
        if name in wanted:
            (FOLDER / name).write_text(wanted[name])
        else:
            (FOLDER / name).unlink()


if __name__ == "__main__":
    write()
