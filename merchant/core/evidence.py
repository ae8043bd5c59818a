"""Security events: sign-ins, refusals, the use of keys, looks at personal data. A log line each, without personal data.

The audit record (audit.py) holds what was changed and by whom; here is what was tried. OWASP ASVS 5, V16.3.
"""

from enum import StrEnum

import structlog

from merchant.core.access import Actor
from merchant.core.service import Service

_log = structlog.get_logger()


class SecurityEvent(StrEnum):
    """What happened."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_THROTTLED = "sign_in_throttled"
    SIGNED_OUT = "signed_out"
    CREDENTIALS_CHANGED = "credentials_changed"
    NOT_SIGNED_IN = "not_signed_in"
    NOT_ALLOWED = "not_allowed"
    THROTTLED = "throttled"
    GATEWAY_REFUSED = "gateway_refused"
    MESSAGE_REFUSED = "message_refused"
    KEY_USED = "key_used"
    PERSONAL_DATA_READ = "personal_data_read"


def note(
    service: Service,
    event: SecurityEvent,
    *,
    actor: Actor | None = None,
    source: str | None = None,
    subject: str | None = None,
    **detail: str | int | None,
) -> None:
    """Note a security event. `source` is the client's address, `subject` an id; `detail` holds codes and names."""
    _log.info(
        "security_event",
        security=event.value,
        actor_kind=actor.kind if actor else None,
        actor_id=str(actor.id) if actor else None,
        dfsp_id=str(actor.dfsp_id) if actor and actor.dfsp_id else None,
        source=source,
        subject=subject,
        **detail,
    )
