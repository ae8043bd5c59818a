"""The name in Latin letters that codes and telephones show of a shop whose sign is in another script.

It is spelt by the rules of the shop's language. Where those leave a doubt, as without written vowels, the shop is asked
for its own: the short name for telephones.
"""

import kyb
import qr
from merchant.compliance.cases.kyb_sentences import LATIN_NAME
from merchant.core.errors import FieldError


def ussd_name_of(business: kyb.Business, country: str) -> str:
    """The short name for telephones: the one given, or one made of the trading name as the country spells it."""
    name = business.trading_name or ""
    if business.ussd_name:
        return business.ussd_name
    foreign = qr.language_of(name, country) is not None
    return kyb.ussd_name_of(qr.latin_form(name, country).text if foreign else name)


def missing_latin_name(sections: kyb.Sections) -> tuple[FieldError, ...]:
    """That the short name is missing of a shop whose trading name cannot be spelt surely in Latin letters."""
    business = sections.business
    country = (sections.locations[0].country if sections.locations else None) or ""
    name = business.trading_name or ""
    if business.ussd_name or qr.latin_form(name, country).recognisable:
        return ()
    return (FieldError("business.ussd_name", "missing", LATIN_NAME),)
