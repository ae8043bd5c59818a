"""Merchant-presented QR codes after EMVCo: write them, read them, say what is wrong with them, draw them.

    >>> import qr
    >>> shop = {"name": "Mama Njeri Shop", "city": "Nairobi", "country": "KE", "currency": "KES", "mcc": "5411"}
    >>> code = qr.mojaloop_code(domain="pay.example.org", identifier="52318764", **shop)
    >>> qr.mojaloop_party(qr.decode(qr.encode(code, profile="mojaloop")))
    Party(party_id_type='ALIAS', identifier='52318764', sub_id=None)

Read: `clean`, `decode`, `networks`, `explain`. Write: `MerchantCode`, `mojaloop_code`, `account`, `encode`. Draw:
`render_svg` and its like, with a `Look`; `qr.posters`. Schemes: `list_profiles`, `read_profile`. Errors are QrErrors,
whose `findings` name every broken rule. Names load when first used, so `import qr` is cheap and loads no image library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qr.catalogue import find_profile, list_profiles, parse_profile, read_profile
    from qr.codec import decode, encode
    from qr.emv import Account, Additional, Language, MerchantCode, Template, Tip
    from qr.errors import DecodeError, EncodeError, Finding, ProfileError, QrError
    from qr.extras import MissingExtra
    from qr.latin import LatinForm, latin_form
    from qr.migrate import Reissued, incumbent_alias, reissue, reissue_all
    from qr.mojaloop import Party, dynamic_code, guid_from_domain, mojaloop_code, mojaloop_party, sticker_version
    from qr.network import Network, account, additional, networks, unreserved, validate_profile, with_defaults
    from qr.profile import Profile
    from qr.render import (
        Look,
        Rendered,
        prove,
        render_data_uri,
        render_eps,
        render_pdf,
        render_png,
        render_svg,
        render_text,
    )
    from qr.report import Report, explain
    from qr.scan import clean
    from qr.signature import Verdict, VerificationKey, sign_code, signature_chars, verify_code
    from qr.symbols.style import Style
    from qr.text import language_of

__version__ = "0.1.0"

_HOMES = {
    "qr.catalogue": ("find_profile", "list_profiles", "parse_profile", "read_profile"),
    "qr.codec": ("decode", "encode"),
    "qr.emv": ("Account", "Additional", "Language", "MerchantCode", "Template", "Tip"),
    "qr.errors": ("DecodeError", "EncodeError", "Finding", "ProfileError", "QrError"),
    "qr.extras": ("MissingExtra",),
    "qr.latin": ("LatinForm", "latin_form"),
    "qr.migrate": ("Reissued", "incumbent_alias", "reissue", "reissue_all"),
    "qr.mojaloop": (
        "Party",
        "dynamic_code",
        "guid_from_domain",
        "mojaloop_code",
        "mojaloop_party",
        "sticker_version",
    ),
    "qr.network": ("Network", "account", "additional", "networks", "unreserved", "validate_profile", "with_defaults"),
    "qr.profile": ("Profile",),
    "qr.render": (
        "Look",
        "Rendered",
        "prove",
        "render_data_uri",
        "render_eps",
        "render_pdf",
        "render_png",
        "render_svg",
        "render_text",
    ),
    "qr.report": ("Report", "explain"),
    "qr.scan": ("clean",),
    "qr.signature": ("Verdict", "VerificationKey", "sign_code", "signature_chars", "verify_code"),
    "qr.symbols.style": ("Style",),
    "qr.text": ("language_of",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Account",
    "Additional",
    "DecodeError",
    "EncodeError",
    "Finding",
    "Language",
    "LatinForm",
    "Look",
    "MerchantCode",
    "MissingExtra",
    "Network",
    "Party",
    "Profile",
    "ProfileError",
    "QrError",
    "Reissued",
    "Rendered",
    "Report",
    "Style",
    "Template",
    "Tip",
    "Verdict",
    "VerificationKey",
    "account",
    "additional",
    "clean",
    "decode",
    "dynamic_code",
    "encode",
    "explain",
    "find_profile",
    "guid_from_domain",
    "incumbent_alias",
    "language_of",
    "latin_form",
    "list_profiles",
    "mojaloop_code",
    "mojaloop_party",
    "networks",
    "parse_profile",
    "prove",
    "read_profile",
    "reissue",
    "reissue_all",
    "render_data_uri",
    "render_eps",
    "render_pdf",
    "render_png",
    "render_svg",
    "render_text",
    "sign_code",
    "signature_chars",
    "sticker_version",
    "unreserved",
    "validate_profile",
    "verify_code",
    "with_defaults",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'qr' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
