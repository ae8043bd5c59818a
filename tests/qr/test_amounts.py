"""Amounts are told and written with the currency's decimals, and never told from what cannot be read."""

import msgspec
import pytest

import qr
from qr.iso import CURRENCIES
from tests.cases import every_case
from tests.qr.shapes import HEAD, SHOP_ONE, tlv
from tests.qr.test_codec import SHOP, sealed


def priced(amount: str, currency: str = "834", more: str = "") -> str:
    objects = tlv(("02", "4045871737852"), ("52", "8299"), ("53", currency), ("54", amount))
    return sealed(HEAD + objects + more + "5802TZ" + SHOP_ONE)


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("000000002500", "834", "2500 is asked"),
        ("10.", "834", "10 is asked"),
        ("5.5", "834", "5.50 is asked"),
        ("0005.5", "834", "5.50 is asked"),
        ("5.00", "152", "5 is asked"),
        ("1.5", "400", "1.500 is asked"),
        ("999.123", "392", "999.123 is asked"),
        ("5.5", "001", "5.5 is asked"),
        ("5.5", "MMK", "5.50 is asked"),
        ("NaN", "834", "the amount cannot be read ('NaN')"),
        ("-5.00", "834", "the amount cannot be read ('-5.00')"),
        ("1e3", "834", "the amount cannot be read ('1e3')"),
        ("12,50", "834", "the amount cannot be read ('12,50')"),
        ("1 000", "834", "the amount cannot be read ('1 000')"),
        ("٥", "834", "the amount cannot be read ('٥')"),
        ("0.00", "834", "the amount is zero ('0.00')"),
    ],
)
def test_an_amount_is_told_with_the_currencys_decimals_and_never_from_what_cannot_be_read(amount, currency, told):
    assert qr.explain(priced(amount, currency)).amount == told


@pytest.mark.parametrize(
    ("tip", "told"),
    [
        (tlv(("55", "02")), "2500 is asked"),
        (tlv(("55", "02"), ("56", "5.5")), "2500 is asked, plus a fee of 5.50"),
        (tlv(("55", "02"), ("56", "0")), "2500 is asked"),
        (tlv(("55", "02"), ("56", "x")), "2500 is asked, plus a fee that cannot be read ('x')"),
        (tlv(("55", "03"), ("57", "05")), "2500 is asked, plus a fee of 5 %"),
        (tlv(("55", "03"), ("57", "150")), "2500 is asked, plus a fee that cannot be read ('150')"),
        (tlv(("55", "03")), "2500 is asked"),
        (tlv(("55", "09")), "2500 is asked, with a tip rule that cannot be read ('09')"),
        (tlv(("56", "5")), "2500 is asked"),
    ],
)
def test_a_fee_is_told_where_it_can_be_read(tip, told):
    assert qr.explain(priced("2500", more=tip)).amount == told


@every_case("currency", CURRENCIES.values(), ids=lambda currency: currency.alpha)
def test_amounts_are_written_with_the_exponent_of_every_currency(currency):
    shop = {"domain": "pay.example.org", "identifier": "1", "name": "Shop", "city": "City", "country": "KE"}
    whole = "12" + ("." + "0" * currency.decimals if currency.decimals else "")
    for amount in ("12", "12.", whole):
        code = qr.mojaloop_code(**shop, mcc="5411", currency=currency.alpha, amount=amount)
        assert tlv(("54", whole)) in qr.encode(code)
        static = msgspec.structs.replace(code, amount=None, point_of_initiation="11")
        assert qr.dynamic_code(static, amount=amount, reference_label="X").amount == whole
    if currency.decimals:
        broken = msgspec.structs.replace(code, amount="12.5", tip=qr.Tip("02", fixed="1.5"))
        text = qr.encode(broken)
        assert tlv(("54", "12.5".ljust(3 + currency.decimals, "0"))) in text
        assert tlv(("56", "1.5".ljust(2 + currency.decimals, "0"))) in text


def test_a_profile_writes_cents_in_full():
    code = msgspec.structs.replace(qr.decode(qr.find_profile("pix").golden[0].payload, profile="pix"), amount="999.1")
    assert "5406999.10" in qr.encode(code, profile="pix")


@pytest.mark.parametrize("change", [{"amount": 999.10}, {"amount": 5}, {"mcc": 5411}, {"name": b"Shop"}])
def test_a_value_that_is_no_text_is_refused_by_name(change):
    (name,) = change
    with pytest.raises(qr.EncodeError) as raised:
        qr.encode(msgspec.structs.replace(SHOP, **change))
    (finding,) = raised.value.findings
    assert finding.code == "bad_type"
    assert str(change[name]) in finding.message
    if name == "amount":
        with pytest.raises(qr.EncodeError):
            qr.encode(qr.dynamic_code(SHOP, amount=change[name], reference_label="X"))
