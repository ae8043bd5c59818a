"""Findings (broken rules of a code) and the errors that carry them.

Every layer above tlv.py reports through Finding, so that a program can act on `code` and a person can read `message`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Severity = Literal["fatal", "error", "warning"]


class Finding(msgspec.Struct, frozen=True):
    """One broken rule.

    `path` names the object (`54`, `26.00`, `62.05`; empty for the payload as a whole). `severity`: `fatal` even
    tolerant decoding refuses, `error` strict decoding refuses, `warning` nothing refuses. `section` is the source.
    """

    path: str
    code: str
    message: str
    severity: Severity
    section: str


_RANKS: dict[Severity, int] = {"fatal": 0, "error": 1, "warning": 2}


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by severity, otherwise in their order."""
    return tuple(sorted(findings, key=lambda finding: _RANKS[finding.severity]))


class QrError(ValueError):
    """Base of this library's errors; `findings` says what is wrong, worst first."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = worst_first(findings)
        super().__init__("; ".join(f"{finding.path or 'payload'}: {finding.message}" for finding in self.findings))


class DecodeError(QrError):
    """The payload breaks rules that the chosen mode does not tolerate."""


class EncodeError(QrError):
    """The code cannot be written without breaking a rule."""


class ProfileError(QrError):
    """A profile file is not valid, or values do not fit the profile."""
