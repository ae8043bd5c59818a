"""The template of an import: every usual column, a row that explains each, and examples, as CSV or XLSX.

Explanation and examples are remarks: their external_ref begins with #, and an import passes over such rows. Whoever
wants an example imported takes the # away.
"""

from merchant.core.texts import _, translate
from merchant.exchange.columns import EXTERNAL_REF

# Column, what it holds, and its cells in the two examples: a shop and a street seller.
_COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    (
        EXTERNAL_REF,
        _("your own reference of this merchant; needed, and the same in every file"),
        "SHOP-0001",
        "STALL-0001",
    ),
    ("business.trading_name", _("name that shoppers see"), "Mama Njeri Kiosk", "Njeri Fruits"),
    ("business.legal_name", _("registered name"), "Mama Njeri Enterprises", ""),
    (
        "business.kind",
        _("individual, sole_proprietor, partnership, cooperative, company, ngo or public_body"),
        "sole_proprietor",
        "individual",
    ),
    ("business.mcc", _("merchant category code of four digits (ISO 18245)"), "5411", "5499"),
    ("business.currencies", _("currencies (ISO 4217), separated by semicolons"), "KES;USD", "KES"),
    ("business.registration_number", _("number in the company register"), "BN-4711", ""),
    ("business.tax_id", _("tax number"), "A001234567B", ""),
    ("business.lei", _("legal entity identifier of 20 characters"), "", ""),
    ("business.employees_band", _("1-5, 6-10, 11-50, 51-100 or 100+"), "1-5", "1-5"),
    ("business.monthly_turnover_minor", _("monthly turnover in minor units, without separators"), "15000000", ""),
    ("owners[0].given_name", _("first owner's given name"), "Amina", "Njeri"),
    ("owners[0].family_name", _("first owner's family name"), "Odhiambo", "Wanjiku"),
    ("owners[0].birth_date", _("as YYYY-MM-DD"), "1980-02-03", ""),
    (
        "owners[0].id_type",
        _("national_id, passport, driving_licence, voter_id, tax_id or other"),
        "national_id",
        "national_id",
    ),
    ("owners[0].id_number", _("number of that document"), "30112233", "30112255"),
    ("owners[0].nationality", _("country of two letters (ISO 3166-1)"), "KE", ""),
    ("owners[0].phone", _("with the country's code"), "+254722000111", "+254722000222"),
    (
        "owners[0].ownership_percent",
        _("share in percent; further owners are owners[1], owners[2] and so on"),
        "100",
        "",
    ),
    ("contact.name", _("whom to reach"), "Amina Odhiambo", "Njeri Wanjiku"),
    ("contact.phone", _("with the country's code"), "+254722000111", "+254722000222"),
    ("contact.email", _("e-mail address"), "amina@shop.example", ""),
    (
        "locations[0].name",
        _("name of the first place; further ones are locations[1] and so on"),
        "Main street",
        "Market",
    ),
    ("locations[0].kind", _("physical or virtual"), "physical", "physical"),
    ("locations[0].country", _("country of two letters (ISO 3166-1)"), "KE", "KE"),
    ("locations[0].city", _("town"), "Nairobi", "Nakuru"),
    ("locations[0].address_lines", _("lines of the address, separated by |"), "Moi Avenue 12|Shop 3", ""),
    ("locations[0].postal_code", _("postal code"), "00100", ""),
    (
        "locations[0].counters[0].name",
        _("name of its first counter; further ones are counters[1] and so on"),
        "Till 1",
        "Stall",
    ),
    ("locations[0].counters[0].own_alias", _("number or word that the merchant asks for itself, if any"), "", ""),
    ("settlement_account.account_id", _("account into which the money is paid"), "0012003400", ""),
    ("settlement_account.account_name", _("name of that account"), "Mama Njeri Enterprises", ""),
    ("settlement_account.currency", _("currency of that account"), "KES", ""),
)


def rows(language: str) -> list[list[str]]:
    """The header, the explanation in a language, and two examples."""
    explained = [translate(text, language) for _name, text, _shop, _stall in _COLUMNS]
    shops = [shop for _name, _text, shop, _stall in _COLUMNS]
    stalls = [stall for _name, _text, _shop, stall in _COLUMNS]
    remarks = [[f"# {row[0]}", *row[1:]] for row in (explained, shops, stalls)]
    return [[name for name, *_rest in _COLUMNS], *remarks]
