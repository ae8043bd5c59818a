"""What is wrong with a code: findings, and the errors that carry them.

Every layer above tlv.py reports through Finding, so that a program can act on `code` and a person can read
`message`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["fatal", "error", "warning"]


class Finding(msgspec.Struct, frozen=True):
    """One departure from a rule.

    `path` names the object (`54`, `26.00`, `62.05`; empty for the payload as a whole). `severity`: `fatal`
    even tolerant decoding refuses, `error` strict decoding refuses, `warning` nothing refuses. `section` is
    the source.
    """

    path: str
    code: str
    message: str
    severity: Severity
    section: str


class QrError(ValueError):
    """Base of this library's errors; `findings` says what is wrong, worst first."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        self.findings = findings
        super().__init__("; ".join(f"{finding.path or 'payload'}: {finding.message}" for finding in findings))


class DecodeError(QrError):
    """The payload breaks rules that the chosen mode does not forgive."""


class EncodeError(QrError):
    """The code cannot be written without breaking a rule."""


class ProfileError(QrError):
    """A profile file is not valid, or values do not fit the profile."""
