"""From MerchantCode to payload: ascending identifiers, checked by the same tables that the reader uses.

Nothing is written that strict decoding would refuse: one broken rule raises EncodeError with all of them.
"""

from __future__ import annotations

from qr import crc, tlv
from qr.emv import (
    ADDITIONAL_FIELDS,
    LANGUAGE_FIELDS,
    PAYLOAD_CHARS_MAX,
    ROOT_FIELDS,
    Additional,
    Language,
    MerchantCode,
    Template,
)
from qr.errors import EncodeError, Finding
from qr.reader import read


def encode(code: MerchantCode) -> str:
    """The payload of `code`, text normalised to NFC. Raises EncodeError when a rule of EMVCo's is broken."""
    try:
        payload = _compose(code)
    except tlv.TlvError as error:
        finding = Finding("", "bad_length", str(error), "error", "EMV MPM 3.2")
        raise EncodeError((finding,)) from None
    _, findings = read(payload)
    if len(payload) > PAYLOAD_CHARS_MAX:
        message = f"{len(payload)} characters, at most {PAYLOAD_CHARS_MAX} may be used"
        findings.append(Finding("", "payload_too_long", message, "error", "EMV MPM 4.1"))
    if findings:
        raise EncodeError(tuple(findings))
    return payload


def _compose(code: MerchantCode) -> str:
    objects: dict[str, str | None] = {
        field.tag: getattr(code, field.attribute) for field in ROOT_FIELDS if "." not in field.attribute
    }
    if code.tip is not None:
        objects |= {"55": code.tip.indicator, "56": code.tip.fixed, "57": code.tip.percentage}
    for template in (*code.accounts, *code.unreserved):
        objects[template.tag] = _template_text(template)
    if code.additional is not None:
        objects["62"] = _additional_text(code.additional)
    if code.language is not None:
        objects["64"] = _language_text(code.language)
    objects |= code.reserved
    body = tlv.join((tag, value) for tag, value in sorted(objects.items()) if value is not None) + "6304"
    return body + crc.checksum(body)


def _template_text(template: Template) -> str:
    return tlv.join(template.fields.items()) if template.fields else template.text


def _additional_text(additional: Additional) -> str:
    named = ((field.tag, getattr(additional, field.attribute)) for field in ADDITIONAL_FIELDS)
    templates = ((template.tag, _template_text(template)) for template in additional.templates)
    objects = [*named, *additional.reserved.items(), *templates]
    return tlv.join((tag, value) for tag, value in objects if value is not None) or additional.text


def _language_text(language: Language) -> str:
    named = ((field.tag, getattr(language, field.attribute)) for field in LANGUAGE_FIELDS)
    objects = [*named, *language.reserved.items()]
    return tlv.join((tag, value) for tag, value in objects if value is not None) or language.text
