"""What a report tells of live codes: payer's questions answered by scheme, amounts, lengths, one finding a fault."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import chain

import msgspec
import pytest

import qr
from tests.qr.shapes import DYNAMIC_HEAD, HEAD, KENYA, SHOP_ONE, account, golden, scheme_findings, tlv
from tests.qr.test_codec import sealed
from tests.qr.test_vectors import VECTORS


@pytest.mark.parametrize("tag", [f"{number:02d}" for number in range(2, 26)])
def test_the_number_of_a_card_account_is_told(tag):
    payload = sealed(HEAD + tlv((tag, "4045871737852")) + "5204829953039365802GH" + SHOP_ONE)
    (network,) = qr.explain(payload).networks
    assert network.values == {"value": "4045871737852"}
    assert f"({tag}): value 4045871737852" in str(qr.explain(payload))


def test_text_where_a_template_belongs_is_told():
    for text in ("jtNuykKu3O9+1xcCq7wntlA9BNBqkTADr60XYRiI31A=", "for purchase"):
        payload = sealed(HEAD + tlv(("47", text)) + "5204829953038405802US" + SHOP_ONE)
        assert [network.values for network in qr.explain(payload).networks] == [{"value": text}]


# --- what schemes mean -----------------------------------------------------------------------------------------------

PIX_TAIL = "5204000053039865802BR5907LOJA UM6009SAO PAULO62070503***"
PIX_CHARGE = account("26", ("00", "br.gov.bcb.pix"), ("25", "pix.example.com/qr/v2/cobv/9d36b84f"))


@pytest.mark.parametrize("head", [DYNAMIC_HEAD, "000201"])
def test_a_pix_charge_holds_the_amount_and_asks_nothing(head):
    report = qr.explain(sealed(head + PIX_CHARGE + PIX_TAIL))
    assert report.amount == "the amount is in the charge at pix.example.com/qr/v2/cobv/9d36b84f"
    assert (report.initiation, report.asks, report.findings) == ("dynamic", (), ())
    shown = qr.explain(sealed(head + PIX_CHARGE + PIX_TAIL.replace("5802BR", "54045.505802BR")))
    assert shown.amount == "5.50 is shown, and the charge at pix.example.com/qr/v2/cobv/9d36b84f decides"


def test_a_printed_pix_code_asks_nothing_either():
    payload = sealed(HEAD + account("26", ("00", "br.gov.bcb.pix"), ("01", "11144477735")) + PIX_TAIL)
    assert qr.explain(payload).asks == ()
    assert qr.explain(payload).amount == "the payer types the amount"


@pytest.mark.parametrize(
    ("key", "sound"),
    [
        ("11144477735", True),
        ("31284756000133", True),
        ("12ABC34501DE35", True),
        ("+5511912345678", True),
        ("loja@example.com", True),
        ("9d36b84f-c70b-478f-b95c-12729b90ca25", True),
        ("abc", False),
        ("1114447773", False),
        ("loja@", False),
        ("5511912345678", False),
    ],
)
def test_a_pix_key_has_one_of_five_shapes(key, sound):
    payload = sealed(HEAD + account("26", ("00", "br.gov.bcb.pix"), ("01", key)) + PIX_TAIL)
    assert scheme_findings(payload) == ([] if sound else [("26.01", "error")])


def test_a_txid_with_a_hyphen_is_read_with_a_warning_and_not_written():
    payload = sealed(
        HEAD
        + account("26", ("00", "br.gov.bcb.pix"), ("01", "loja@example.com"))
        + PIX_TAIL.replace("62070503***", "62190515RP12345678-2019")
    )
    assert scheme_findings(payload) == [("62.05", "warning")]
    with pytest.raises(qr.EncodeError):
        qr.encode(qr.decode(payload, profile="pix"), profile="pix")


def paynow(*more: tuple[str, str], amount: str = "20") -> str:
    fields = (("00", "SG.PAYNOW"), ("01", "2"), ("02", "201403121W"), *more)
    return sealed(
        DYNAMIC_HEAD + account("26", *fields) + tlv(("52", "0000"), ("53", "702"), ("54", amount)) + "5802SG" + SHOP_ONE
    )


@pytest.mark.parametrize(
    ("expires", "sound"),
    [
        ("20301231", True),
        ("20301231235959", True),
        ("20230801180200", True),
        ("20240229", True),
        ("20815675", False),
        ("20230229", False),
        ("20301301", False),
        ("20301231250000", False),
        ("203012", False),
        ("2030123123", False),
        ("2030-12-31", False),
    ],
)
def test_a_paynow_code_expires_on_a_real_date(expires, sound):
    assert scheme_findings(paynow(("03", "0"), ("04", expires))) == ([] if sound else [("26.04", "error")])


def test_an_amount_that_may_be_changed_is_proposed():
    assert qr.explain(paynow(("03", "1"))).amount == "20 is proposed, the payer may change it"
    assert qr.explain(paynow(("03", "0"))).amount == "20 is asked"
    fps = (("00", "hk.com.hkicl"), ("02", "1234567"))
    tail = tlv(("52", "0000"), ("53", "344"), ("54", "20"), ("58", "HK"), ("59", "NA"), ("60", "HK"))
    assert "proposed" in qr.explain(sealed(DYNAMIC_HEAD + account("26", *fps, ("06", "1")) + tail)).amount
    report = qr.explain(sealed(DYNAMIC_HEAD + account("26", *fps, ("06", "0")) + tail))
    assert report.amount == "20 is asked"
    assert report.networks[0].values["amount_editable"] == "0"


@pytest.mark.parametrize(("digits", "sound"), [(8, True), (9, True), (7, True), (3, False), (13, False)])
def test_a_lipa_namba_has_as_many_digits_as_live_codes_show(digits, sound):
    fields = (("00", "tz.go.bot.tips"), ("01", "02504"), ("02", "138974122000"[:digits].ljust(digits, "1")))
    payload = sealed(HEAD + account("26", *fields) + "5204541153038345802TZ" + SHOP_ONE)
    assert scheme_findings(payload) == ([] if sound else [("26.02", "error")])


@pytest.mark.parametrize(
    ("accounts", "values"),
    [
        ([("28", ("01", "7987654"))], [{"guid": "ke.go.qr", "m_pesa": "7987654"}]),
        ([("28", ("02", "12345"))], [{"guid": "ke.go.qr", "airtel_money": "12345"}]),
        ([("28", ("03", "123456"))], [{"guid": "ke.go.qr", "t_kash": "123456"}]),
        ([("28", ("04", "123456"))], [{"guid": "ke.go.qr", "mobitap": "123456"}]),
        ([("29", ("68", "123456"))], [{"guid": "ke.go.qr", "equity_bank": "123456"}]),
        ([("29", ("11", "123456"))], [{"guid": "ke.go.qr", "11": "123456"}]),
        ([("28", ("01", "7987654")), ("29",)], [{"guid": "ke.go.qr", "m_pesa": "7987654"}, {"guid": "ke.go.qr"}]),
    ],
)
def test_a_kenyan_account_is_a_till_at_the_provider_whose_code_names_it(accounts, values):
    text = "".join(account(tag, ("00", "ke.go.qr"), *fields) for tag, *fields in accounts)
    payload = sealed(HEAD + text + KENYA)
    assert [network.values for network in qr.explain(payload).networks] == values
    assert scheme_findings(payload) == []


def test_kenyan_accounts_that_name_nobody_are_at_fault():
    both = account("28", ("00", "ke.go.qr")) + account("29", ("00", "ke.go.qr"))
    assert scheme_findings(sealed(HEAD + both + KENYA)) == [("28", "error"), ("29", "error")]


ALIAS = account("36", ("00", "int.bceao.pi"), ("01", "11111111-2222-4333-8444-555555555555"))
PISPI = f"000201{ALIAS}5204000053039525802SN5901X6001X"


@pytest.mark.parametrize(
    ("more", "initiation"),
    [
        (("05", "VENTE-1"), "dynamic"),
        (("05", "VENTE-1", "12", "Panier-001"), "dynamic"),
        (("05", "VENTE-1", "AA", "a"), "dynamic"),
        (("05", "VENTE-1", "AA", "a", "ZZ", "b"), "dynamic"),
    ],
)
def test_the_central_banks_own_fields_of_pi_spi_are_read(more, initiation):
    pairs = list(zip(more[::2], more[1::2], strict=True))
    inner = tlv(pairs[0], ("11", "400"), *pairs[1:])
    payload = sealed(PISPI + tlv(("62", inner)))
    report = qr.explain(payload)
    assert (report.initiation, [scheme.findings for scheme in report.schemes]) == (initiation, [()])
    code = qr.decode(payload, "tolerant", profile="uemoa-pispi")
    assert code.additional is not None
    assert (code.additional.reference_label, code.additional.merchant_channel) == ("VENTE-1", "400")


@pytest.mark.parametrize(
    ("channel", "initiation"), [("000", "static"), ("400", "dynamic"), ("500", "dynamic"), ("731", "static")]
)
def test_the_channel_of_pi_spi_tells_a_printed_code_from_one_for_a_payment(channel, initiation):
    payload = sealed(PISPI + tlv(("62", tlv(("05", "VENTE-1"), ("11", channel)))))
    assert qr.explain(payload).initiation == initiation
    assert scheme_findings(payload) == []


@pytest.mark.parametrize("bank", ["TMICFBPK", "ONELINKG", "JSBLPKKA"])
def test_a_raast_account_is_recognised_by_its_iban(bank):
    fields = (("00", "13bb98ea283b452b9d979bf570fc49ed"), ("01", bank), ("02", "PK50TMFB0000000012345678"))
    payload = sealed(HEAD + account("28", *fields) + "5204581453035865802PK" + SHOP_ONE)
    assert [network.profile for network in qr.explain(payload).networks] == ["raast"]
    assert scheme_findings(payload) == []


def test_a_bank_code_in_place_of_the_guid_is_ethqr():
    fields = (("00", "ABAYETAA"), ("01", "1057907785986365"))
    payload = sealed(HEAD + account("28", *fields) + "5204541153032305802ET" + SHOP_ONE)
    (network,) = qr.explain(payload).networks
    assert (network.profile, network.values["account"]) == ("ethqr", "1057907785986365")
    assert qr.explain(payload).findings == ()


def test_breb_is_told_at_either_network():
    for network in ("RBM", "CRB"):
        fields = (("00", f"CO.COM.{network}.LLA"), ("02", "3001010101"))
        payload = sealed(HEAD + account("26", *fields) + "5204000053031705802CO" + SHOP_ONE)
        (found,) = qr.explain(payload).networks
        assert (found.profile, found.values["mobile"]) == ("breb", "3001010101")


KHQR = HEAD + account("29", ("00", "shop_one@devb")) + "5204599953038405802KH" + SHOP_ONE


def test_a_khqr_code_for_one_payment_needs_its_times():
    static = qr.decode(sealed(KHQR), profile="khqr")
    with pytest.raises(qr.EncodeError) as raised:
        qr.encode(qr.dynamic_code(static, amount="4"), profile="khqr")
    assert [(finding.path, finding.code) for finding in raised.value.findings] == [("99", "missing")]
    now = datetime(2026, 5, 17, 12, tzinfo=UTC)
    timed = qr.dynamic_code(static, amount="4", created_at=now, expires_at=now + timedelta(minutes=10))
    payload = qr.encode(timed, profile="khqr")
    assert account("99", ("00", "1779019200000"), ("01", "1779019800000")) in payload
    assert qr.explain(payload).schemes[0].findings == ()
    again = qr.dynamic_code(timed, amount="5", created_at=now, expires_at=now + timedelta(minutes=20))
    assert len(again.unreserved) == 1


@pytest.mark.parametrize(
    ("times", "paths"),
    [
        ((), ["99"]),
        ((("00", "1779019200000"),), ["99.01"]),
        ((("01", "1779019800000"),), ["99.00"]),
        ((("00", "1779019200"), ("01", "1779019800000")), ["99.00"]),
        ((("00", "1779019200000"), ("01", "1779019800000")), []),
    ],
)
def test_a_khqr_code_for_one_payment_is_judged_by_its_times(times, paths):
    body = KHQR.replace("010211", "010212", 1).replace("5802KH", "54044.005802KH")
    payload = sealed(body + (account("99", *times) if times else ""))
    assert [path for path, _ in scheme_findings(payload)] == paths


def test_a_khqr_merchant_has_a_number_and_a_bank():
    for fields, paths in (
        ((), ["30.01", "30.02"]),
        ((("01", "1243546"),), ["30.02"]),
        ((("01", "1243546"), ("02", "DEVBKKHPXXX")), []),
    ):
        payload = sealed(HEAD + account("30", ("00", "shop_one@devb"), *fields) + "5204599953038405802KH" + SHOP_ONE)
        assert [path for path, _ in scheme_findings(payload)] == paths
        assert qr.explain(payload).networks[0].profile == "khqr"


def test_text_of_gopay_in_62_50_is_forgiven():
    body = golden("qris").replace("62070703A01", "62" + tlv(("62", tlv(("50", "A120210413050"), ("07", "A01"))))[2:])
    (scheme,) = qr.explain(sealed(body)).schemes
    assert scheme.findings == ()


@pytest.mark.parametrize("profile", ["bharatqr", "lankaqr", "mmqr"])
def test_a_checksum_in_small_letters_is_forgiven_where_wallets_read_it_and_that_is_said(profile):
    code = qr.decode(qr.find_profile(profile).golden[0].payload, profile=profile)
    names = (msgspec.structs.replace(code, name=f"Shop {number}") for number in range(99))
    payload = next(text for text in map(qr.encode, names) if text[-4:].lower() != text[-4:])
    payload = payload[:-4] + payload[-4:].lower()
    with pytest.raises(qr.DecodeError, match="capitals"):
        qr.decode(payload)
    assert qr.decode(payload, profile=profile)
    assert f"must be capitals, and {qr.find_profile(profile).name} forgives it" in str(qr.explain(payload))


def test_data_integrity_of_duitnow_is_text_and_has_a_name():
    payload = sealed(golden("duitnow") + tlv(("82", "0123456789ABCDEF0123456789ABCDEF")))
    report = qr.explain(payload)
    assert [scheme.findings for scheme in report.schemes] == [()]
    assert next(node.title for node in report.tree if node.path == "82") == "data integrity"


def test_a_dynamic_code_of_another_scheme_needs_no_reference():
    static = qr.decode(qr.find_profile("promptpay").golden[3].payload, profile="promptpay")
    payment = qr.dynamic_code(static, amount="12.5")
    assert (payment.point_of_initiation, payment.amount, payment.additional) == ("12", "12.50", None)
    assert "540512.50" in qr.encode(payment, profile="promptpay")


@pytest.mark.parametrize("guid", ["A000000677010113", "A000000677012004"])
def test_the_merchant_template_of_promptpay_is_recognised(guid):
    fields = (("00", guid), ("01", "004"), ("02", "KB000001"))
    payload = sealed(HEAD + account("31", *fields) + "53037645802TH")
    assert [network.profile for network in qr.explain(payload).networks] == ["promptpay"]
    assert scheme_findings(payload) == []


def test_cards_beside_bharat_qr_have_their_names():
    numbers = {"02": "4403847800001234", "04": "5204000000001234", "06": "6061234500001234", "11": "370000000000002"}
    payload = sealed(HEAD + tlv(*numbers.items()) + "5204581253033565802IN" + SHOP_ONE)
    names = [network.name for network in qr.explain(payload).networks]
    assert names == ["Visa", "Mastercard", "RuPay", "American Express"]


def test_an_account_in_the_wrong_place_is_told_with_its_place():
    payload = sealed(golden("duitnow").replace("010211264200", "010211274200", 1))
    report = qr.explain(payload)
    assert [network.profile for network in report.networks] == ["duitnow"]
    assert [(finding.path, finding.code) for finding in report.schemes[0].findings] == [("27", "misplaced")]


# --- what is broken --------------------------------------------------------------------------------------------------


def test_a_missing_checksum_is_told_as_missing():
    report = qr.explain(KHQR)
    assert [(finding.code, finding.message) for finding in report.findings] == [
        ("checksum_missing", "checksum (63) is missing")
    ]


def test_an_empty_sub_object_is_at_fault_and_its_network_known():
    for empty in ("0100", "0500"):
        text = f"0008ke.go.qr{empty}02041234"
        payload = sealed(f"{HEAD}28{len(text)}{text}{KENYA}")
        report = qr.explain(payload)
        assert [(network.profile, network.values["airtel_money"]) for network in report.networks] == [("ke-qr", "1234")]
        assert [(finding.path, finding.code) for finding in report.findings] == [(f"28.{empty[:2]}", "empty_value")]


@pytest.mark.parametrize("profile", [profile.id for profile in qr.list_profiles()])
def test_a_schemes_own_codes_bring_no_warnings(profile):
    for each in qr.find_profile(profile).golden:
        warnings = [finding.code for finding in qr.explain(each.payload).findings if finding.severity == "warning"]
        assert set(warnings) <= {"mcc_unlisted"}, "only categories that ISO 18245 does not list"


def test_one_fault_is_one_finding():
    for old, new in (("5802TZ", "5802tz"), ("5802TZ", "5802ZZ"), ("5303834", "5303000"), ("5802TZ", "")):
        report = qr.explain(sealed(golden("tanqr").replace(old, new, 1)))
        path = old[:2]
        found = {finding.message for finding in chain(report.findings, report.schemes[0].findings)}
        assert len(found) == 1
        assert [finding.path for finding in report.findings] == [path]


def test_a_nested_field_is_named():
    text = tlv(("00", "A000000727"), ("01", tlv(("00", "97041"), ("01", "123456789"))), ("02", "QRIBFTTA"))
    payload = sealed(HEAD + tlv(("38", text)) + "53037045802VN")
    messages = [finding.message for finding in qr.explain(payload).schemes[0].findings]
    assert messages == ["bank bin (00 in 38.01) must be 6 digits, and it is '97041'"]


@pytest.mark.parametrize(
    ("beneficiary", "message"),
    [
        (tlv(("00", "970416")), "account (01 in 38.01) is missing"),
        (tlv(("00", "970416"), ("01", "1"), ("02", "x")), "beneficiary (38.01) has no object 02"),
        (
            "00069704160111123456789",
            "beneficiary (38.01) must be made of bank bin (00) and account (01), "
            "and object 01 says 11 characters, 9 are left",
        ),
    ],
)
def test_what_is_wrong_with_a_nested_field_is_told(beneficiary, message):
    text = tlv(("00", "A000000727"), ("01", beneficiary), ("02", "QRIBFTTA"))
    payload = sealed(HEAD + tlv(("38", text)) + "53037045802VN")
    assert [finding.message for finding in qr.explain(payload).schemes[0].findings] == [message]


SOURCES = [vector["payload"] for vector in VECTORS] + [
    each.payload for profile in qr.list_profiles() for each in profile.golden
]


VERB = re.compile(r"\b(is|are|has|have|must|says|stands|occurs|count|goes|does|holds|names)\b")


def test_no_report_says_none_or_shows_a_pattern():
    halves = (text[: len(text) // 2] for text in SOURCES)
    for payload in (*SOURCES, *halves, *(text.replace("58", "98") for text in SOURCES)):
        report = qr.explain(payload)
        head = str(report).split("\n   0 ")[0]
        assert not re.search(r"\bNone\b", head), head
        for finding in chain(report.findings, *(scheme.findings for scheme in report.schemes)):
            sentence = finding.message.replace(payload, "")
            assert VERB.search(sentence), sentence
            assert "[0-9" not in sentence.split(", and it is ")[0], sentence
        assert json.loads(msgspec.json.encode(report))
