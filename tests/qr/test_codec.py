import msgspec
import pytest
from hypothesis import given, settings

import qr
from qr import crc, emv, reader, tlv, writer
from qr.amounts import fill
from tests.qr.codes import merchant_codes

EMVCO_SAMPLE = (
    "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT"
    "6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME"
    "91320016A0112233449988770708123456786304A13A"
)
SHOP = qr.mojaloop_code(
    domain="pay.example.org",
    identifier="52318764",
    name="Shop One",
    city="Nairobi",
    country="KE",
    currency="KES",
    mcc="5411",
)


def sealed(body: str) -> str:
    """A payload with the checksum its text has."""
    return f"{body}6304{crc.checksum(body + '6304')}"


@given(merchant_codes)
@settings(deadline=None)
def test_decoding_undoes_encoding(code):
    try:
        payload = qr.encode(code)
    except qr.EncodeError as error:  # templates may add up to more than an object or a payload holds
        assert {finding.code for finding in error.findings} <= {"unwritable", "payload_too_long"}
    else:
        assert qr.decode(payload) == filled(code)


def filled(code: qr.MerchantCode) -> qr.MerchantCode:
    """The code with the fractions of its amounts as they are written."""
    changes: dict[str, object] = {}
    if code.amount is not None:
        changes["amount"] = fill(code.amount, code.currency)
    if code.tip is not None and code.tip.fixed is not None:
        changes["tip"] = msgspec.structs.replace(code.tip, fixed=fill(code.tip.fixed, code.currency))
    return msgspec.structs.replace(code, **changes)


@given(merchant_codes)
@settings(deadline=None)
def test_the_quick_way_writes_what_the_general_way_writes_and_only_sound_codes(code):
    quick = writer._write_sound(code)
    if quick is not None:
        assert quick == writer._write(code)
        assert reader.read(sealed(quick))[1] == []


def test_a_plain_shop_is_written_the_quick_way():
    code = qr.mojaloop_code(
        domain="pay.example.org",
        identifier="52318764",
        name="Mama Njeri",
        city="Nairobi",
        country="KE",
        currency="KES",
        mcc="5411",
    )
    assert writer._write_sound(code) is not None


@given(merchant_codes)
@settings(deadline=None, max_examples=30)
def test_a_code_survives_json(code):
    assert msgspec.json.decode(msgspec.json.encode(code), type=qr.MerchantCode) == code


def test_the_specification_sample_decodes_by_name():
    code = qr.decode(EMVCO_SAMPLE)
    assert code.point_of_initiation == emv.DYNAMIC
    assert [account.guid for account in code.accounts] == ["D15600000000", "D15600000001"]
    assert (code.mcc, code.currency, code.amount, code.country) == ("4111", "156", "23.72", "CN")
    assert (code.name, code.city, code.postal_code) == ("BEST TRANSPORT", "BEIJING", None)
    assert code.tip == qr.Tip("01")
    assert code.additional is not None
    assert code.additional.customer_label == emv.ASK_PAYER
    assert code.language == qr.Language(language="ZH", name="最佳运输", city="北京")
    assert code.unreserved == (qr.Template("91", {"00": "A011223344998877", "07": "12345678"}),)


def test_identifiers_ascend_and_the_checksum_closes():
    payload = qr.encode(qr.decode(EMVCO_SAMPLE))
    tags = [item.tag for item in tlv.scan(payload)[0]]
    assert tags == ["00", "01", "29", "31", "52", "53", "54", "55", "58", "59", "60", "62", "64", "91", "63"]
    assert qr.decode(payload) == qr.decode(EMVCO_SAMPLE)


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"accounts": ()}, "02-51", "no_account"),
        ({"mcc": None}, "52", "missing"),
        ({"mcc": "54A1"}, "52", "bad_value"),
        ({"currency": "KES"}, "53", "bad_value"),
        ({"currency": "001"}, "53", "bad_value"),
        ({"amount": "0.00"}, "54", "bad_value"),
        ({"amount": "1,50"}, "54", "bad_value"),
        ({"amount": "12345678901.50"}, "54", "too_long"),
        ({"tip": qr.Tip("01", fixed="5")}, "56", "tip_mismatch"),
        ({"tip": qr.Tip("02")}, "56", "tip_mismatch"),
        ({"tip": qr.Tip("03", percentage="100")}, "57", "bad_value"),
        ({"country": "ke"}, "58", "bad_value"),
        ({"country": "ZZ"}, "58", "bad_value"),
        ({"name": "x" * 26}, "59", "too_long"),
        ({"name": "Café"}, "59", "bad_character"),
        ({"name": "a\nb"}, "59", "bad_character"),
        ({"city": None}, "60", "missing"),
        ({"postal_code": "x" * 11}, "61", "too_long"),
        ({"payload_format": "02"}, "00", "bad_value"),
        ({"point_of_initiation": "13"}, "01", "bad_value"),
        ({"reserved": {"65": "x"}}, "65", "reserved_id"),
        ({"additional": qr.Additional(reference_label="x" * 26)}, "62.05", "too_long"),
        ({"additional": qr.Additional(consumer_data_request="AA")}, "62.09", "bad_value"),
        ({"additional": qr.Additional(reserved={"12": "x"})}, "62.12", "reserved_id"),
        ({"additional": qr.Additional()}, "62", "unwritable"),
        ({"language": qr.Language(language="my")}, "64.01", "missing"),
        ({"language": qr.Language(language="mya", name="x")}, "64.00", "too_long"),
        ({"accounts": (qr.Account("26", {"01": "x"}),)}, "26.00", "guid_missing"),
        ({"accounts": (qr.Account("26", {"00": "x" * 33}),)}, "26.00", "too_long"),
        ({"accounts": (qr.Account("26", {"00": "x", "01": ""}),)}, "26.01", "unwritable"),
        ({"accounts": (qr.Account("26", {"00": "x", "1": "y"}),)}, "26.1", "unwritable"),
        ({"accounts": (qr.Account("80", {"00": "x"}),)}, "80", "unwritable"),
        ({"accounts": (qr.Account("26", {"00": "x", "01": "y" * 90, "02": "z"}),)}, "26", "unwritable"),
        ({"accounts": (qr.Account("26", {"00": "x"}), qr.Account("26", {"00": "y"}))}, "26", "duplicate_id"),
        ({"unreserved": (qr.Template("80", {"01": "x"}),)}, "80.00", "guid_missing"),
    ],
)
def test_a_code_that_breaks_a_rule_is_not_written_and_the_finding_says_which(change, path, code):
    with pytest.raises(qr.EncodeError) as raised:
        qr.encode(msgspec.structs.replace(SHOP, **change))
    assert (path, code) in {(finding.path, finding.code) for finding in raised.value.findings}


def test_more_than_512_characters_are_not_written():
    accounts = tuple(qr.Account(str(tag), {"00": "org.example.pay", "01": "x" * 70}) for tag in range(26, 32))
    with pytest.raises(qr.EncodeError) as raised:
        qr.encode(msgspec.structs.replace(SHOP, accounts=accounts))
    assert [finding.code for finding in raised.value.findings] == ["payload_too_long"]


def test_several_networks_share_one_code():
    tanqr = qr.account("tanqr", tag="26", acquirer="01001", merchant="12345678")
    ours = qr.Account("27", SHOP.accounts[0].fields)
    both = msgspec.structs.replace(SHOP, accounts=(tanqr, ours))
    assert [network.profile for network in qr.networks(qr.decode(qr.encode(both)))] == ["tanqr", "mojaloop"]


def test_text_is_written_precomposed():
    code = msgspec.structs.replace(SHOP, language=qr.Language(language="fr", name="Cafe\u0301", city="Thie\u0300s"))
    assert "0104Café" in qr.encode(code)


@pytest.mark.parametrize("mode", ["strict", "tolerant"])
def test_a_wrong_checksum_is_refused_in_every_mode(mode):
    payload = qr.encode(SHOP)
    wrong = payload[:-4] + ("0000" if payload[-4:] != "0000" else "0001")
    with pytest.raises(qr.DecodeError) as raised:
        qr.decode(wrong, mode)
    assert raised.value.findings[0].code == "checksum_wrong"
    assert payload[-4:] in raised.value.findings[0].message


def test_a_checksum_in_small_letters_is_tolerated_but_not_strict():
    payload = next(
        text
        for text in (qr.encode(msgspec.structs.replace(SHOP, name=f"Shop {number}")) for number in range(99))
        if text[-4:].lower() != text[-4:]
    )
    lower = payload[:-4] + payload[-4:].lower()
    assert qr.decode(lower, "tolerant") == qr.decode(payload)
    with pytest.raises(qr.DecodeError, match="capitals"):
        qr.decode(lower)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ("", "empty"),
        ("0002", "value_overruns"),
        ("https://merchant.example/pay", "bad_header"),
        ("hQVDUFYwMWETTwegAAAAVVVVUA==", "bad_header"),
        (sealed("010211000201"), "format_not_first"),
        ("000201" + "6304" + crc.checksum("0002016304") + "010211", "checksum_not_last"),
        (sealed("000201") + "\n", "bad_header"),
        (" " + sealed("000201"), "bad_header"),
        (sealed("0002015900"), "empty_value"),
        (sealed("0002015901a5901b"), "duplicate_id"),
        (sealed("000201") * 9000, "input_too_long"),
        (sealed("00020164130002my0103\ud800ab"), "not_unicode"),
    ],
)
@pytest.mark.parametrize("mode", ["strict", "tolerant"])
def test_text_whose_root_cannot_be_trusted_is_refused_in_every_mode(payload, code, mode):
    with pytest.raises(qr.DecodeError) as raised:
        qr.decode(payload, mode)
    assert code in {finding.code for finding in raised.value.findings if finding.severity == "fatal"}


def test_tolerant_decoding_keeps_what_it_cannot_interpret():
    body = qr.encode(SHOP)[:-8]
    code = qr.decode(sealed(body + "6505extra" + "8012for purchase"), "tolerant")
    assert code.reserved == {"65": "extra"}
    assert code.unreserved == (qr.Template("80", {}, "for purchase"),)


def test_decomposed_text_is_not_strict():
    with pytest.raises(qr.DecodeError) as raised:
        qr.decode(sealed(qr.encode(SHOP)[:-8] + "64170002fr0107Cafe\u0301 1"))
    assert [finding.code for finding in raised.value.findings] == ["not_precomposed"]


def test_findings_come_worst_first_and_make_the_message():
    with pytest.raises(qr.DecodeError) as raised:
        qr.decode(qr.encode(SHOP)[:-8].replace("5802KE", "5802ke") + "63040000")
    assert [finding.severity for finding in raised.value.findings] == ["fatal", "error"]
    assert str(raised.value).startswith("63: checksum")


def test_a_checksum_is_four_hexadecimal_digits_and_nothing_that_becomes_them_in_capitals():
    # The checksum runs over all but the last four characters, so over "630" here.
    heads = (f"0002015905{number:05d}630" for number in range(99_999))
    head = next(text for text in heads if crc.checksum(text).startswith("FF"))
    with pytest.raises(qr.DecodeError) as raised:
        qr.decode(f"{head}3\ufb00{crc.checksum(head)[2:]}", "tolerant")
    assert ("63", "checksum_wrong", "fatal") in {
        (finding.path, finding.code, finding.severity) for finding in raised.value.findings
    }


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"accounts": (qr.Account("26", {"00": "x", "01": "x\0\x1b[31my"}),)}, "26.01"),
        ({"language": qr.Language(language="zz", name="a\nb")}, "64.01"),
        ({"language": qr.Language(language="zz", name="abc\u202ecba")}, "64.01"),
        ({"language": qr.Language(language="zz", name="a", city="\u2066b")}, "64.02"),
        ({"unreserved": (qr.Template("80", {"00": "x", "01": "\x85"}),)}, "80.01"),
        ({"unreserved": (qr.Template("80", {}, "plain\ttext"),)}, "80"),
        ({"additional": qr.Additional(templates=(qr.Template("50", {"00": "x", "01": "\x7f"}),))}, "62.50.01"),
        ({"name": "a\x1bb"}, "59"),
    ],
)
def test_characters_that_steer_a_screen_are_neither_written_nor_strict(change, path):
    code = msgspec.structs.replace(SHOP, **change)
    with pytest.raises(qr.EncodeError) as raised:
        qr.encode(code)
    assert (path, "control_character", "error") in {
        (finding.path, finding.code, finding.severity) for finding in raised.value.findings
    }
    payload = writer.compose(code)[0]
    with pytest.raises(qr.DecodeError):
        qr.decode(payload)
    assert qr.decode(payload, "tolerant")


@pytest.mark.parametrize("letter", ["\u200c", "\u200d"])
def test_joiners_that_scripts_are_written_with_are_text(letter):
    code = msgspec.structs.replace(SHOP, language=qr.Language(language="fa", name=f"a{letter}b"))
    assert qr.decode(qr.encode(code)) == code
