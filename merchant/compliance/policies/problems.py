"""Problems of policies that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class UnsoundPolicy(errors.InvalidFields):
    code, title = "unsound_policy", _("This policy cannot be published; see errors")


class DayPast(errors.WrongState):
    code, title = "day_past", _("This policy is in force or was; publish another one instead")


class ProposerGone(errors.WrongState):
    code = "proposer_gone"
    title = _("Who proposed this policy no longer works here; withdraw it and propose it anew")


class TooManyProposals(errors.Conflict):
    code, title = "too_many_proposals", _("Too many policies wait to be published; publish or withdraw some first")


class CapabilityMissing(errors.Conflict):
    code, title = "capability_missing", _("The merchant's tier does not permit this")
