"""The entry points of the library, `encode` and `decode`: EMVCo's rules, changed by a scheme's profile.

Strict decoding refuses findings of severity `fatal` and `error`, tolerant decoding only `fatal`: wrong checksum,
unreadable or repeated root objects, 00 not first, 63 not last. Encoding is always strict.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from qr.emv import MerchantCode
from qr.errors import DecodeError, EncodeError, Finding, Severity
from qr.reader import read
from qr.writer import compose

if TYPE_CHECKING:
    from qr.profile import Profile

Mode = Literal["strict", "tolerant"]

_REFUSED: dict[Mode, frozenset[Severity]] = {
    "strict": frozenset(("fatal", "error")),
    "tolerant": frozenset(("fatal",)),
}


def encode(code: MerchantCode, profile: str | Profile | None = None) -> str:
    """The payload of `code`, identifiers ascending, text in NFC.

    Without a profile EMVCo's rules decide; with one, given by id or as a Profile, its waivers and additions too.
    Raises EncodeError with every rule broken, ProfileError for an unknown profile.
    """
    payload, findings = compose(code)
    if profile is not None:
        findings = _judge(profile, code, findings, reading=False)
    if findings and _refuses(findings, "strict"):
        raise EncodeError(tuple(findings))
    return payload


def decode(payload: str, mode: Mode = "strict", profile: str | Profile | None = None) -> MerchantCode:
    """Decode a payload into a MerchantCode.

    Raises DecodeError with every finding when the payload breaks a rule that `mode` does not tolerate; a profile, as
    in `encode`, changes the rules. Text from a scanner may need `clean` first.
    """
    code, findings = read(payload)
    if profile is not None and code is not None:
        findings = _judge(profile, code, findings, reading=True)
    if code is None or (findings and _refuses(findings, mode)):
        raise DecodeError(tuple(findings))
    return code


def _judge(profile: str | Profile, code: MerchantCode, findings: list[Finding], *, reading: bool) -> list[Finding]:
    """As network.py's."""
    network = _network()
    judged: list[Finding] = network.judge(network.resolve(profile), code, findings, reading=reading)
    return judged


@cache
def _network() -> ModuleType:
    """The module that applies profiles; it loads with the first one, since EMVCo's rules do without."""
    from qr import network

    return network


def _refuses(findings: list[Finding], mode: Mode) -> bool:
    refused = _REFUSED[mode]
    return any(finding.severity in refused for finding in findings)
