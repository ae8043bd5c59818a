"""Problems of keys, connections and the scheme's facts that a caller can solve, each with its stable code."""

from merchant.core import errors
from merchant.core.texts import _


class KeyKnown(errors.Conflict):
    code, title = "key_known", _("This participant has this key already")


class TooManyKeys(errors.Conflict):
    code, title = "too_many_keys", _("This participant has as many valid keys as it may have; retire one first")


class OwnParticipant(errors.WrongState):
    code, title = "own_participant", _("This participant is served here and signs with a key made here; rotate that")


class KeyRetired(errors.WrongState):
    code, title = "key_retired", _("This key has run out already")


class LastSigningKey(errors.WrongState):
    code = "last_signing_key"
    title = _("Without this key the participant could not sign; make a new one first, and let it become valid")


class OwnProposal(errors.WrongState):
    code, title = "own_proposal", _("You proposed this; another person of the hub must confirm it")


class NothingToConfirm(errors.WrongState):
    code, title = "nothing_to_confirm", _("Nobody’s proposal waits here; an operator of the hub must propose it first")


class NothingProposed(errors.InvalidFields):
    code, title = "nothing_proposed", _("This changes nothing")
