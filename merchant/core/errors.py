"""Every problem a caller can meet: typed, coded, with a sentence that says what to do.

Domain code raises these; core/http/json.py turns them into RFC 9457 problem+json. FSPIOP codes live in hub/. What only
whoever runs the service can solve is an OperatorProblem, which the `merchant` command ends with.
"""

from typing import ClassVar

import msgspec

from merchant.core.texts import _


class FieldError(msgspec.Struct, frozen=True):
    """One wrong field: its path (`owners[0].birth_date`), a code and a sentence."""

    path: str
    code: str
    message: str


class Reason(msgspec.Struct, frozen=True):
    """Why something ended as it did: a code for programs and a sentence for people."""

    code: str
    message: str


class MerchantError(Exception):
    """Base of all problems that are the caller's to solve. Subclasses give status, code and title.

    `title`, `detail` and the messages of `errors` are sentences of core/texts.py, said in English here.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[str] = _("The request cannot be understood")

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors
        self.headers = headers or {}


class BadRequest(MerchantError):
    """What cannot be understood."""


class NulCharacter(BadRequest):
    code, title = "nul_character", _("Text may not hold the character U+0000")


class MalformedJson(BadRequest):
    code, title = "malformed_json", _("The body is not valid JSON in UTF-8")


class MalformedForm(BadRequest):
    code, title = "malformed_form", _("The form cannot be read")


class JsonTooDeep(BadRequest):
    code, title = "json_too_deep", _("The JSON is nested too deeply")


class BodyCut(BadRequest):
    """The connection ended, or a chunk was malformed, before the body was whole: nothing of it is acted upon."""

    code, title = "body_cut", _("The request broke off before its end; send it again whole")


class InvalidHost(BadRequest):
    code, title = "invalid_host", _("Send exactly one Host header")


class UnknownFilter(BadRequest):
    code, title = "unknown_filter", _("This list has no such filter")


class InvalidFilter(BadRequest):
    code, title = "invalid_filter", _("A filter's value is not one of those allowed")


class InvalidPage(BadRequest):
    code, title = "invalid_page", _("limit or cursor is not valid")


class IdempotencyKeyMissing(BadRequest):
    code = "idempotency_key_missing"
    title = _("Send an Idempotency-Key header: an id you make once per intended operation and repeat on retries")


class IdempotencyKeyMalformed(BadRequest):
    code = "idempotency_key_malformed"
    title = _("An Idempotency-Key has 1 to 64 letters, digits, hyphens or underscores")


class NotSignedIn(MerchantError):
    status, code, title = 401, "not_signed_in", _("Sign in first")


class NotAllowed(MerchantError):
    status, code, title = 403, "not_allowed", _("Your role does not allow this")


class CrossSite(NotAllowed):
    code, title = "cross_site", _("This form came from a page of another site")


class CheckerIsMaker(NotAllowed):
    code, title = "checker_is_maker", _("Who made this version may not decide on it; ask another checker")


class TotpEnrolmentRequired(NotAllowed):
    code = "totp_enrolment_required"
    title = _("Set up an authenticator app first: your role needs a second factor")


class NotFound(MerchantError):
    status, code, title = 404, "not_found", _("Not found")


class BodyTimeout(MerchantError):
    """The rest of a body did not come in time."""

    status, code, title = 408, "body_timeout", _("The rest of the request did not come in time; send it again")


class WrongState(MerchantError):
    status, code, title = 409, "wrong_state", _("This cannot be done in the present state")


class IdempotencyKeyReused(MerchantError):
    status, code = 409, "idempotency_key_reused"
    title = _("This Idempotency-Key was used for another input; use a new key for a new request")


class IdempotencyInProgress(MerchantError):
    status, code, title = 409, "in_progress", _("The first request with this key is still being worked on")


class Conflict(MerchantError):
    status, code, title = 409, "conflict", _("Something of this name already exists")


class StaleVersion(MerchantError):
    status, code, title = 412, "stale_version", _("Someone changed this since you read it; read it again")


class MethodNotAllowed(MerchantError):
    status, code, title = 405, "method_not_allowed", _("This address does not take that method")


class TooLarge(MerchantError):
    status, code, title = 413, "too_large", _("The request is larger than this service accepts")


class UnsupportedMediaType(MerchantError):
    status, code, title = 415, "unsupported_media_type", _("Send this as application/json")


class WrongHost(MerchantError):
    """The Host header names another site than the settings do."""

    status, code, title = 421, "wrong_host", _("This service has another address; check the host name")


class InvalidFields(MerchantError):
    status, code, title = 422, "invalid_fields", _("Some fields are wrong; see errors")


class PreconditionMissing(MerchantError):
    status, code = 428, "if_match_missing"
    title = _("Send the version you read in If-Match, so that no one's change is lost")


class Internal(MerchantError):
    """What a caller is told of a fault of ours, which the log tells whole."""

    status, code, title = 500, "internal", _("Something went wrong on our side")


class Busy(MerchantError):
    status, code, title = 503, "busy", _("Others are changing the same thing at this moment; send this again")


class Unavailable(MerchantError):
    status, code, title = 503, "unavailable", _("The service cannot reach its database; try again in a few seconds")


class TooManyRequests(MerchantError):
    status, code, title = 429, "too_many_requests", _("Too many tries; wait and try again")


class OperatorProblem(Exception):
    """Base of what stops the service until its operator acts; the message says what is wrong in one sentence."""


def invalid_field(path: str, code: str, message: str) -> InvalidFields:
    """An InvalidFields error about a single field."""
    return InvalidFields(errors=(FieldError(path, code, message),))
