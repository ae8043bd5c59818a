"""The short name of a shop whose sign is in another script."""

import pytest

import kyb
from merchant.compliance.cases.latin_names import missing_latin_name, ussd_name_of


def sections(name: str | None, short: str | None = None, country: str | None = "EG") -> kyb.Sections:
    places = (kyb.Location(country=country),) if country is not None else ()
    return kyb.Sections(business=kyb.Business(trading_name=name, ussd_name=short), locations=places)


@pytest.mark.parametrize(
    ("name", "country", "short"),
    [
        ("ရွှေတောင်ကြီးဈေး", "MM", "Shwe Taunggyi Zay"),
        ("ร้านอาหารสมชาย", "TH", "Ran Ahan Somchai"),
        ("日本食堂", "JP", "Nihon Shokudo"),
        ("ကိုကြီး လက်ဖက်ရည်ဆိုင်", "MM", "Ko Gyi Laphet Yay"),  # cut at a word to fit one line
        ("Müller & Söhne", "DE", "Müller & Söhne"),  # the GSM alphabet has these letters
        ("Mama Njeri", "KE", "Mama Njeri"),
        ("🍲", "KE", "Shop"),
    ],
)
def test_a_short_name_is_made_as_the_country_spells_the_language(name: str, country: str, short: str) -> None:
    assert ussd_name_of(kyb.Business(trading_name=name), country) == short


def test_a_given_short_name_stays() -> None:
    assert ussd_name_of(kyb.Business(trading_name="日本食堂", ussd_name="Nippon"), "JP") == "Nippon"


@pytest.mark.parametrize("name", ["متجر بلتك", "🍲", "ᏣᎳᎩ"])
def test_a_name_in_doubt_asks_for_the_latin_one(name: str) -> None:
    assert [(one.path, one.code) for one in missing_latin_name(sections(name))] == [("business.ussd_name", "missing")]
    assert missing_latin_name(sections(name, "Beltek")) == ()


@pytest.mark.parametrize(
    "given", [sections(None), sections("", country=None), sections("متجر"), sections("ร้าน", country=None)]
)
def test_nothing_is_asked_of_a_name_that_is_sure_or_not_there_yet(given: kyb.Sections) -> None:
    assert missing_latin_name(given) == ()
