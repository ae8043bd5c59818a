"""Payloads put together from objects, for tests of what reports tell."""

import qr

HEAD, DYNAMIC_HEAD, SHOP_ONE = "000201010211", "000201010212", "5908SHOP ONE6004CITY"
KENYA = "5204541153034045802KE" + SHOP_ONE


def tlv(*objects: tuple[str, str]) -> str:
    """Objects in order."""
    return "".join(f"{tag}{len(value):02d}{value}" for tag, value in objects)


def account(tag: str, *fields: tuple[str, str]) -> str:
    """An object made of objects."""
    return tlv((tag, tlv(*fields)))


def golden(profile: str, number: int = 0) -> str:
    """A golden payload of a scheme without its checksum."""
    return qr.find_profile(profile).golden[number].payload[:-8]


def scheme_findings(payload: str) -> list[tuple[str, str]]:
    """Path and severity of what the only scheme of a payload finds by its own rules."""
    (scheme,) = qr.explain(payload).schemes
    return [(finding.path, finding.severity) for finding in scheme.findings if finding.section.startswith("profile")]
