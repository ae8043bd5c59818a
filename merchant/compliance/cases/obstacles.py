"""What submitting or approving a case would refuse beyond what kyb knows: names, currencies, block list and risk.

apply.py refuses by the same functions as projection.py shows, so that a screen that says nothing is due is not
contradicted by the button below it. Of what is block-listed only the place is told, and never why.
"""

from collections.abc import Iterable, Mapping

import kyb
from merchant.compliance.cases import doubts, latin_names, problems, sealed_fields
from merchant.compliance.cases.blocking.lookups import find_blocked
from merchant.compliance.cases.blocking.refusals import problem_of
from merchant.compliance.cases.kinds import LESSENS_RISK
from merchant.compliance.cases.kyb_sentences import NO_LIMITS
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.risk import UNACCEPTABLE
from merchant.compliance.cases.states import Capability, application_may
from merchant.core.errors import FieldError
from merchant.core.service import Service
from merchant.core.texts import filled
from merchant.core.vault import Vault

_WRITTEN = (Capability.SUBMIT, Capability.BEGIN_VERSION)


def protected_errors(sections: kyb.Sections, protected: Mapping[str, tuple[str, ...]]) -> tuple[FieldError, ...]:
    """The names by which a shop would bear somebody else's."""
    found = doubts.protected_doubts(sections, protected)
    return tuple(FieldError(one.path, one.code, one.message) for one in found if one.strictness == "refuse")


def limit_errors(sections: kyb.Sections, policy: kyb.Policy) -> tuple[FieldError, ...]:
    """The currencies for which the policy sets no limits."""
    unlimited = [one for one in sections.business.currencies if not policy.has_limits(one)]
    if not unlimited:
        return ()
    told = filled(NO_LIMITS, {"currencies": ", ".join(unlimited)})
    return (FieldError("business.currencies", "no_limits", told),)


async def obstacles(
    service: Service, application: Application, sections: kyb.Sections, policy: kyb.Policy
) -> tuple[kyb.Requirement, ...]:
    """What stands in the way of a case's next step: of its submit while it is written, of its approval under review."""
    if any(application_may(application.state, each) for each in _WRITTEN):
        protected = await doubts.protected_names(service, policy)
        [listed] = await find_blocked(service, [sections])
        refused = problem_of(listed)
        return _as_requirements(
            (
                *protected_errors(sections, protected),
                *limit_errors(sections, policy),
                *(refused.errors if refused is not None else ()),
            )
        )
    if application_may(application.state, Capability.DECIDE):
        return _as_requirements(_approval_errors(service.vault, application))
    return ()


def unanswered(application: Application, sections: kyb.Sections) -> tuple[kyb.Requirement, ...]:
    """What is missing beside the policy's keys while a case is written: the Latin name of some shops."""
    if not any(application_may(application.state, each) for each in _WRITTEN):
        return ()
    return _as_requirements(latin_names.missing_latin_name(sections), key="business.ussd_name")


def _approval_errors(vault: Vault, application: Application) -> Iterable[FieldError]:
    for one in (sealed_fields.report_of(vault, application) or {}).get("doubts", ()):
        if one["strictness"] == "refuse":
            yield FieldError(one["path"], one["code"], one["message"])
    if application.risk == UNACCEPTABLE and application.kind not in LESSENS_RISK:
        yield FieldError("risk", problems.RiskUnacceptable.code, problems.RiskUnacceptable.title)


def _as_requirements(found: Iterable[FieldError], key: str = "") -> tuple[kyb.Requirement, ...]:
    return tuple(kyb.Requirement(one.path, one.code, str(one.message), None, key or one.code) for one in found)
