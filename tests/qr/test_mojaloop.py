import msgspec
import pytest

import qr
from qr.emv import DYNAMIC, STATIC

SHOP = {
    "domain": "pay.example.org",
    "identifier": "52318764",
    "name": "Mama Njeri Shop",
    "city": "Nairobi",
    "country": "KE",
    "currency": "KES",
    "mcc": "5411",
}


def test_a_counter_code_leads_back_to_its_party():
    code = qr.decode(qr.encode(qr.mojaloop_code(**SHOP, sub_id="till-2", fsp_id="bank"), profile="mojaloop"))
    assert qr.mojaloop_party(code) == ("ALIAS", "52318764", "till-2")
    assert qr.mojaloop_party(code, domain="PAY.example.org.") == qr.Party("ALIAS", "52318764", "till-2")
    assert code.accounts[0].fields["04"] == "bank"
    assert code.point_of_initiation == STATIC


def test_another_schemes_code_has_no_party_here():
    code = qr.mojaloop_code(**SHOP)
    assert qr.mojaloop_party(code, domain="other.example") is None
    assert qr.mojaloop_party(qr.decode(qr.find_profile("tanqr").golden[0].payload)) is None


def test_the_scheme_name_is_its_domain_reversed():
    assert qr.guid_from_domain("Pay.Example.org") == "org.example.pay"


def test_a_currency_may_be_given_in_letters_or_digits():
    letters, digits = qr.mojaloop_code(**SHOP), qr.mojaloop_code(**SHOP | {"currency": "404"})
    assert letters == digits
    assert letters.currency == "404"


@pytest.mark.parametrize("currency", ["", "KSH", "4040", "kes"])
def test_an_unknown_currency_is_refused(currency):
    with pytest.raises(qr.EncodeError, match="currency"):
        qr.mojaloop_code(**SHOP | {"currency": currency})


def test_a_name_in_its_own_script_stands_in_the_language_template_beside_a_latin_one():
    burmese = SHOP | {"name": "မြို့မဈေး", "city": "ရန်ကုန်", "latin_city": "Yangon", "local_language": "my"}
    code = qr.decode(qr.encode(qr.mojaloop_code(**burmese)))
    assert code.language == qr.Language(language="my", name="မြို့မဈေး", city="ရန်ကုန်")
    assert code.name
    assert code.name.isascii()
    assert code.city == "Yangon"


def test_without_its_language_a_name_is_only_transliterated():
    code = qr.mojaloop_code(**SHOP | {"name": "Café Élan"})
    assert (code.name, code.language) == ("Cafe Elan", None)


def test_a_long_name_is_cut_to_fit_both_places():
    code = qr.mojaloop_code(**SHOP | {"name": "ဆ" * 40, "latin_name": "x" * 40}, local_language="my")
    assert code.language is not None
    assert (len(code.name or ""), len(code.language.name or "")) == (25, 25)
    assert qr.encode(code)


def test_an_amount_makes_a_code_for_one_payment_unless_told_otherwise():
    assert qr.mojaloop_code(**SHOP, amount="5").point_of_initiation == DYNAMIC
    assert qr.mojaloop_code(**SHOP, amount="5", dynamic=False).point_of_initiation == STATIC


def test_a_payment_code_needs_its_amount_and_reference():
    with pytest.raises(qr.EncodeError) as raised:
        qr.encode(qr.mojaloop_code(**SHOP, dynamic=True), profile="mojaloop")
    assert {finding.path for finding in raised.value.findings} == {"54", "62.05"}


def test_a_static_code_becomes_a_payment_code():
    static = qr.mojaloop_code(**SHOP, terminal_label="Till 2")
    code = qr.dynamic_code(static, amount="1500", reference_label="7K3M9Q2XPABCD")
    assert qr.mojaloop_party(code) == ("ALIAS", "52318764", "7K3M9Q2XPABCD")
    assert code.additional == qr.Additional(reference_label="7K3M9Q2XPABCD", terminal_label="Till 2")
    decoded = qr.decode(qr.encode(code, profile="mojaloop"))
    assert (decoded.point_of_initiation, decoded.amount) == (DYNAMIC, "1500.00")


def test_a_sticker_says_its_version_and_the_first_one_need_not():
    assert qr.sticker_version(qr.mojaloop_code(**SHOP)) is None
    second = qr.decode(qr.encode(qr.mojaloop_code(**SHOP, sticker_version=2), profile="mojaloop"))
    assert qr.sticker_version(second) == qr.sticker_version(second, domain="pay.example.org") == 2
    assert qr.sticker_version(second, domain="other.example") is None
    assert qr.mojaloop_party(second) == ("ALIAS", "52318764", None)


def test_a_payment_code_is_no_sticker():
    code = qr.dynamic_code(qr.mojaloop_code(**SHOP, sticker_version=2), amount="1", reference_label="7K3M9Q2X")
    assert qr.sticker_version(code) is None


@pytest.mark.parametrize("text", ["0", "02", "x", "12345", "²", "-1"])
def test_an_invalid_version_is_refused_in_writing_and_ignored_in_reading(text):
    static = qr.mojaloop_code(**SHOP)
    account = msgspec.structs.replace(static.accounts[0], fields=static.accounts[0].fields | {"05": text})
    odd = msgspec.structs.replace(static, accounts=(account,))
    assert qr.sticker_version(odd) is None
    with pytest.raises(qr.EncodeError):
        qr.encode(odd, profile="mojaloop")


def test_only_the_mojaloop_account_of_several_gets_the_reference():
    tanqr = qr.account("tanqr", tag="26", acquirer="01001", merchant="12345678")
    static = qr.mojaloop_code(**SHOP, account_tag="27")
    both = msgspec.structs.replace(static, accounts=(tanqr, *static.accounts))
    code = qr.dynamic_code(both, amount="1500", reference_label="7K3M9Q2XPABCD")
    assert code.accounts[0] == tanqr
    assert code.accounts[1].fields["03"] == "7K3M9Q2XPABCD"


@pytest.mark.parametrize(
    "change",
    [
        {"domain": "x" * 33 + ".org"},
        {"identifier": "9" * 90},
        {"party_id_type": "SHOP"},
        {"name": " "},
        {"mcc": "grocery"},
        {"amount": "0"},
        {"reference_label": "x" * 26},
        {"domain": "localhost"},
    ],
)
def test_what_does_not_fit_is_refused_when_encoding(change):
    with pytest.raises(qr.EncodeError):
        qr.encode(qr.mojaloop_code(**SHOP | change), profile="mojaloop")
