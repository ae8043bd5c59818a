"""Problems of applications that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class ExternalRefTaken(errors.Conflict):
    code, title = "external_ref_taken", _("Another application of your DFSP has this external_ref")


class Incomplete(errors.InvalidFields):
    code, title = "incomplete", _("The application is not complete yet; see errors")


class MaskedValue(errors.InvalidFields):
    code, title = "masked_value", _("A masked value was sent back; see errors")


class Claimed(errors.WrongState):
    code, title = "claimed", _("Another checker is working on this application")


class NotClaimed(errors.WrongState):
    code, title = "not_claimed", _("You hold no claim on this application")


class ScreeningNotChecked(errors.WrongState):
    code = "screening_not_checked"
    title = _("The screening lists could not be read; put them in place and screen again")


class ScreeningHitsOpen(errors.WrongState):
    code = "screening_hits_open"
    title = _(
        "The screening found names on a sanctions list; decide on each hit first. A true match cannot be approved"
    )


class ApprovedAlready(errors.WrongState):
    code, title = "approved_already", _("You approved this version already; the policy asks for another person too")


class TierLost(errors.WrongState):
    code = "tier_lost"
    title = _("With these answers the merchant would no longer hold its tier; return it, or lower the tier first")


class RiskUnacceptable(errors.WrongState):
    code = "risk_unacceptable"
    title = _("The risk is unacceptable; the report says why. Reject the case, or return it to its makers")


class RiskBound(errors.WrongState):
    code = "risk_bound"
    title = _("A fact asks for a higher risk, and no person may set a lower one; the report names it")


class CaseOpen(errors.Conflict):
    code, title = "case_open", _("A case of this kind is open for the merchant already; go on with that one")


class CaseNeeded(errors.WrongState):
    code, title = "case_needed", _("This merchant is brought back by a reinstatement case, which others decide")


class ReviewOpen(errors.WrongState):
    code, title = "review_open", _("A review of this merchant is open; it must be decided first")


class ProtectedName(errors.InvalidFields):
    code, title = "protected_name", _("A name belongs to somebody else; see errors")


class BlockListed(errors.InvalidFields):
    code, title = "block_listed", _("The scheme does not accept some answers; see errors")


class DoubtRefused(errors.WrongState):
    code, title = "doubt_refused", _("The policy refuses this; see the report's doubts, and return or reject it")


class DoubtNeedsReason(errors.WrongState):
    code, title = "doubt_needs_reason", _("Say why you approve this in spite of the report's doubts")


class SameTier(errors.InvalidFields):
    code, title = "same_tier", _("This is not a tier that the case can lead to; see errors")


class NotRejected(errors.WrongState):
    code, title = "not_rejected", _("Only a rejected case can be appealed, and only once")


class NotAppellant(errors.NotAllowed):
    code, title = "not_appellant", _("Only the person who appealed may withdraw the appeal")


class NoTier(errors.WrongState):
    code, title = "no_tier", _("The application reaches no tier; return it to the maker")
