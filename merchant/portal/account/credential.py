"""What a browser's script sends of a passkey: JSON in a field of a form."""

from collections.abc import Mapping
from typing import Any

import msgspec

# A credential has some five objects and lists; what nests without end would break the reader, and the writer after it.
_OPENED_MAX = 100


def credential_of(form: Mapping[str, str]) -> Any:
    """The credential of a form; None for what is no JSON, and for what nests as none does."""
    text = form.get("credential", "")
    if text.count("[") + text.count("{") > _OPENED_MAX:
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
