"""`merchant check`: whether the installation is sound."""

import click

from merchant.core.settings import BadSettings, Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Findings as a JSON array.")
@click.pass_obj
def check(settings: Settings | BadSettings, as_json: bool) -> None:
    """Say what is missing, unsafe, stale or about to expire; writes nothing.

    Exit status 0 when all is well, 1 with errors, 3 with warnings only.
    """
    import msgspec

    from merchant.core import logs
    from merchant.core.errors import OperatorProblem
    from merchant.programs import check as checks
    from merchant.programs import runtime

    logs.configure("CRITICAL")
    findings: list[checks.Finding] = []

    async def main(url: str, settings: Settings) -> None:
        findings.extend(await checks.look_at_database(settings, url))

    if isinstance(settings, BadSettings):
        findings += [checks.Finding("error", "bad_setting", "settings", fault) for fault in settings.faults]
    else:
        findings += checks.look_at_machine(settings)
        try:
            with runtime.open_database(settings) as url:
                runtime.run(main(url, settings))
        except OperatorProblem as problem:
            findings.append(checks.of_problem(problem))
    findings = list(dict.fromkeys(findings))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(findings)).decode())
    else:
        for finding in findings:
            click.echo(f"{finding.severity:<8} {finding.subject:<12} {finding.sentence}")
    raise SystemExit(checks.exit_status(findings))
