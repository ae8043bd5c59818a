"""Payloads within links, and payment texts that are no merchant code."""

import base64
import hashlib
import json
from urllib.parse import quote, quote_plus

import pytest

import qr
from qr import crc
from tests.qr.shapes import account, tlv
from tests.qr.test_codec import EMVCO_SAMPLE, sealed
from tests.qr.test_vectors import VECTORS

LIVE = {country: [each["payload"] for each in VECTORS if each["country"] == country] for country in ("UZ", "KG", "MN")}
UZ, KG, MN = LIVE["UZ"][0], LIVE["KG"][0], LIVE["MN"][-1]
SPACED = qr.find_profile("tanqr").golden[0].payload


@pytest.mark.parametrize(
    ("carrier", "payload", "country"),
    [
        (f"https://app.paynet.uz/qr-online/{UZ}", UZ, "UZ"),
        (f"https://bakai.app/#{KG}", KG, "KG"),
        (f"khanbank://q?qPay_QRcode={MN}", MN, "MN"),
        (f"HTTPS://APP.EXAMPLE/{SPACED}", SPACED, "TZ"),
        (f"https://pay.example/?data={quote(SPACED)}", SPACED, "TZ"),
        (f"https://pay.example/?data={quote_plus(SPACED)}&utm_source=sticker", SPACED, "TZ"),
        (f"https://pay.example/?data={quote(quote(SPACED))}#top", SPACED, "TZ"),
        (f"https://pay.example/?data={quote(EMVCO_SAMPLE)}", EMVCO_SAMPLE, "CN"),
        (f"https://pay.example/q/{base64.b64encode(SPACED.encode()).decode()}", SPACED, "TZ"),
        (f"https://pay.example/q/{base64.urlsafe_b64encode(SPACED.encode()).decode().rstrip('=')}", SPACED, "TZ"),
        (f"https://pay.example/?d={quote(base64.b64encode(SPACED.encode()).decode())}", SPACED, "TZ"),
        (f"intent://pay?qr={SPACED}#Intent;scheme=bank;end", SPACED, "TZ"),
        (json.dumps({"type": "emv", "qr": SPACED}), SPACED, "TZ"),
        (f"Pay here: {SPACED} Thank you!", SPACED, "TZ"),
        (f"\\000026{SPACED}", SPACED, "TZ"),
        (f"]Q1\\000026{SPACED}\r\n", SPACED, "TZ"),
        (f"https://pay.example/00020/{SPACED}", SPACED, "TZ"),
    ],
)
def test_a_payload_is_cut_out_of_what_carries_it_by_its_checksum(carrier, payload, country):
    assert qr.clean(carrier) == payload
    report = qr.explain(carrier)
    assert (report.kind, report.cleaned, report.country, report.code) == (
        "merchant",
        payload,
        country,
        qr.decode(payload, "tolerant"),
    )
    assert (report.strict, report.tolerant) == (False, False)
    assert [finding.code for finding in report.findings if finding.severity == "fatal"] in (
        ["carried"],
        ["scanner_artefact"],
    )
    assert report.networks


def test_a_checksum_in_small_letters_is_found_in_a_link_too():
    lower = UZ[:-4] + UZ[-4:].lower()
    assert lower != UZ
    assert qr.clean(f"https://app.paynet.uz/qr-online/{lower}") == lower


@pytest.mark.parametrize("spoiled", [UZ[:-1] + "0", UZ.replace("PAYNET", "PAYNOT", 1), UZ[:40], UZ[:-8]])
def test_a_link_whose_payload_was_changed_stays_a_link(spoiled):
    text = f"https://app.paynet.uz/qr-online/{spoiled}"
    assert qr.clean(text) == text
    report = qr.explain(text)
    assert (report.kind, report.cleaned, report.code, report.country) == ("link", None, None, None)


def test_a_payload_that_holds_a_link_is_left_unchanged():
    payload = sealed(f"000201010211{account('26', ('00', 'org.example'), ('01', 'https://x.example/%41+b'))}")
    assert qr.clean(payload) == payload


# --- UPI -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values", "amount"),
    [
        (
            "upi://pay?pa=shop@okaxis&pn=Shop%20One&am=12.50&cu=INR",
            {"payee": "shop@okaxis", "name": "Shop One", "amount": "12.50", "currency": "INR"},
            "12.50 is asked",
        ),
        ("UPI://PAY?PA=shop@okaxis&AM=5.5", {"payee": "shop@okaxis", "amount": "5.5"}, "5.50 is asked"),
        (
            "upi://pay?pa=shop@okaxis&pn=Shop+One",
            {"payee": "shop@okaxis", "name": "Shop One"},
            "the payer types the amount",
        ),
        ("upi://pay?pa=a@b&am=0", {"payee": "a@b", "amount": "0"}, "the payer types the amount"),
        ("upi://pay?pa=a@b&am=1,5", {"payee": "a@b", "amount": "1,5"}, "the amount cannot be read ('1,5')"),
        (
            "upi://pay?pa=a@b&am=100&mam=10&sign=MEQ+CI%3D",
            {"payee": "a@b", "amount": "100", "minimum_amount": "10", "signature": "MEQ+CI="},
            "100 is proposed, the payer may pay less, 10 at least",
        ),
        ("phonepe://pay?pa=a@b&tr=X1&mc=5411", {"payee": "a@b", "reference": "X1", "mcc": "5411"}, None),
        ("tez://upi/pay?pa=a@b&tn=Tea", {"payee": "a@b", "note": "Tea"}, None),
        ("upi://mandate?pa=a@b&pn=A", {"payee": "a@b", "name": "A"}, None),
    ],
)
def test_a_upi_link_says_payee_name_and_amount(text, values, amount):
    report = qr.explain(text)
    assert (report.kind, report.country, report.currency and report.currency.alpha) == ("upi", "IN", "INR")
    (network,) = report.networks
    assert (network.name, {name: network.values[name] for name in values}) == ("UPI", values)
    assert amount is None or report.amount == amount
    assert [finding.code for finding in report.findings] == ["other_kind"]
    assert values["payee"] in str(report)


@pytest.mark.parametrize("text", ["upi://pay?pa=shop&cu=INR", "upi://pay?pa=a@b&cu=XXY"])
def test_a_upi_link_with_a_bad_value_is_at_fault(text):
    assert [finding.code for finding in qr.explain(text).findings] == ["other_kind", "bad_value"]


# --- EPC -------------------------------------------------------------------------------------------------------------

EPC = "BCD\n002\n1\nSCT\nBFSWDE33BER\nShop One\nDE33100205000001194700\nEUR123.4\n\n\nInvoice 7"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("version", ["001", "002"])
def test_a_transfer_after_the_epc_says_whom_and_how_much(ends, version):
    report = qr.explain(EPC.replace("002", version, 1).replace("\n", ends) + ends)
    assert (report.kind, report.country, report.amount) == ("epc", "DE", "123.40 is asked")
    (network,) = report.networks
    assert (network.values["name"], network.values["iban"]) == ("Shop One", "DE33100205000001194700")
    assert network.values["text"] == "Invoice 7"
    assert report.currency is not None
    assert report.currency.alpha == "EUR"


@pytest.mark.parametrize(
    ("old", "new", "amount", "codes"),
    [
        ("EUR123.4", "", "the payer types the amount", ["other_kind"]),
        ("EUR123.4", "123,4", "the amount cannot be read ('123,4')", ["other_kind"]),
        ("1194700", "1194701", "123.40 is asked", ["other_kind", "bad_value"]),
        ("BFSWDE33BER", "", "123.40 is asked", ["other_kind"]),
    ],
)
def test_a_transfer_with_gaps_or_faults_is_told_so(old, new, amount, codes):
    report = qr.explain(EPC.replace(old, new))
    assert (report.amount, [finding.code for finding in report.findings]) == (amount, codes)


# --- TR Karekod ------------------------------------------------------------------------------------------------------


def karekod(*more: tuple[str, str], iban: str = "TR330006100519786457841326") -> str:
    person = tlv(("61", tlv(("01", iban), ("07", "Ahmet Y"), ("10", "03"))))
    body = tlv(("75", "10"), ("01", "11"), ("02", "0061"), ("03", "123456789012"), *more) + person + "6304"
    return body + crc.checksum(body)


def test_a_karekod_between_persons_says_whom_and_how_much_in_lira():
    report = qr.explain(karekod(("54", "000000015050")))
    assert (report.kind, report.country, report.amount) == ("karekod", "TR", "150.50 is asked")
    (network,) = report.networks
    assert (network.values["iban"], network.values["name"]) == ("TR330006100519786457841326", "Ahmet Y")
    assert [finding.code for finding in report.findings] == ["other_kind"]
    assert qr.explain(karekod()).amount == "the payer types the amount"


def test_a_karekod_that_was_changed_is_at_fault():
    codes = [finding.code for finding in qr.explain(karekod()[:-4] + "0000").findings]
    assert codes == ["other_kind", "checksum_wrong"]
    codes = [finding.code for finding in qr.explain(karekod(iban="TR330006100519786457841327")).findings]
    assert codes == ["other_kind", "bad_value"]


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        (
            "https://merchant.example/pay/123?shop=One+Two",
            "merchant.example",
            {"host": "merchant.example", "path": "/pay/123", "shop": "One Two"},
        ),
        ("HTTP://M.EXAMPLE", "M.EXAMPLE", {"scheme": "http"}),
        ("merchant.example/pay/123", "merchant.example", {"path": "/pay/123"}),
        ("mybank://pay?id=7", "mybank", {"scheme": "mybank", "id": "7"}),
    ],
)
def test_an_address_says_where_it_leads(text, name, values):
    report = qr.explain(text)
    assert (report.kind, report.amount) == ("link", "")
    (network,) = report.networks
    assert (network.name, {key: network.values[key] for key in values}) == (name, values)
    assert [finding.code for finding in report.findings] == ["other_kind"]
    assert "leads to" in str(report)


def test_a_code_that_the_payer_shows_is_told_so():
    report = qr.explain("hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MQ==")
    assert report.kind == "consumer"
    assert [finding.message for finding in report.findings] == [
        "the text is a code that the payer shows, which is no merchant code of EMVCo"
    ]


@pytest.mark.parametrize("text", ["hello", "10.50", "shop one / two", "BCD", "BCD\n003\n", "7502", "://", "a/b"])
def test_other_text_is_of_no_kind(text):
    assert qr.explain(text).kind == "unknown"


# --- ELQR ------------------------------------------------------------------------------------------------------------


def elqr(*, checksum: str = "", amount: str = "", code: str = "p2p.dengi.kg") -> str:
    """A code of Kyrgyzstan, which SHA-256 closes."""
    service = tlv(("32", tlv(("00", code), ("01", "8580"), ("10", "996550000001"), ("12", "12"), ("13", "12"))))
    comment = tlv(("34", "КИРИЛЛ Б."))
    money = tlv(("52", "7399"), ("53", "417"), *([("54", amount)] if amount else []), ("59", "O!Bank"))
    body = f"000201010211{service}{comment}{money}"
    return f"{body}6304{checksum or hashlib.sha256(body.encode()).hexdigest()[-4:]}"


@pytest.mark.parametrize("host", ["https://api.dengi.o.kg/#", "https://app.mbank.kg/qr/#", "https://pay.payqr.kg#", ""])
def test_an_elqr_link_is_read_though_its_checksum_is_another(host):
    payload = elqr(amount="555600")
    carrier = host + (quote(payload) if host else payload)
    assert qr.clean(carrier) == payload
    report = qr.explain(carrier)
    assert [network.profile for network in report.networks] == ["elqr", "elqr"]
    assert report.networks[0].values["recipient"] == "996550000001"
    assert report.networks[1].values == {"value": "КИРИЛЛ Б."}
    assert report.amount == "5556.00 (written as 555600 hundredths) is asked"
    assert "right after ELQR" in str(report)
    with pytest.raises(qr.DecodeError):
        qr.decode(payload, "tolerant", profile="elqr")


def test_an_elqr_link_with_a_wrong_checksum_is_a_link():
    assert qr.explain("https://api.dengi.o.kg/#" + quote(elqr(checksum="0000"))).kind == "link"
    wrong = qr.explain(elqr(checksum="0000"))
    assert "right after ELQR" not in str(wrong)
    assert [finding.code for finding in wrong.findings if finding.severity == "fatal"] == ["checksum_wrong"]
