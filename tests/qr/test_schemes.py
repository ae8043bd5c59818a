"""Live codes of forty countries are told as their schemes', and the same shapes with other values too."""

import msgspec
import pytest

import qr
from qr import writer
from tests.cases import every_case
from tests.qr.shapes import account, scheme_findings, tlv
from tests.qr.test_codec import sealed
from tests.qr.test_vectors import VECTORS

TAIL = "5908SHOP ONE6004CITY"
# What a readable code of a country may belong to, beside card schemes.
EXPECTED = {
    "AR": {"mercadopago", "transferencias"},
    "BD": {"banglaqr"},
    "BR": {"pix"},
    "BT": {"bhutan"},
    "CL": {"mercadopago"},
    "CO": {"breb", "mercadopago", "nequi"},
    "EC": {"deuna"},
    "EG": {"meeza"},
    "ET": {"ethqr"},
    "HK": {"fps"},
    "ID": {"qris"},
    "KG": {"elqr"},
    "KH": {"khqr"},
    "KR": {"zeropay", "korea"},
    "LA": {"laoqr"},
    "MN": {"qpay"},
    "MU": {"maucas"},
    "MY": {"duitnow"},
    "NP": {"fonepay", "nepalpay"},
    "PE": {"yape"},
    "PH": {"qrph"},
    "SA": {"saudi"},
    "SD": {"sudan"},
    "SG": {"sgqr", "alipay", "favepay"},
    "SN": {"wave", "uemoa-pispi"},
    "TH": {"promptpay"},
    "TW": {"twqr"},
    "UY": {"mercadopago"},
    "UZ": {"uzqr"},
    "VN": {"vietqr"},
    "ZA": {"southafrica"},
}
# In public code, but nobody's layout: a misspelt name, a hobby's, one without an account.
STRAYS = ("mu.taucas", "br.gov.bcb.spi", "com.paymaya", "26020000", "0102125204")
READABLE = [vector for vector in VECTORS if vector["tolerant"] and vector["country"] in EXPECTED]


@every_case("vector", READABLE, ids=lambda vector: vector["payload"][-30:])
def test_a_live_code_is_told_as_its_countrys_scheme(vector):
    networks = qr.explain(vector["payload"]).networks
    found = {network.profile for network in networks if network.profile}
    assert found <= EXPECTED[vector["country"]]
    assert found or any(stray in vector["payload"] for stray in STRAYS) or unreadable(vector["payload"])


def unreadable(payload: str) -> bool:
    """Codes without a template of any scheme: card numbers and texts only, or a GUID that is no name."""
    accounts = qr.decode(payload, "tolerant").accounts
    return all(one.tag < "26" or len(one.fields.get("00", "")) < 3 for one in accounts)


@pytest.mark.parametrize(
    ("profile", "accounts", "money"),
    [
        ("mercadopago", account("43", ("00", "com.mercadolibre"), ("02", "1"), ("03", "9")), "5303858" + "5802UY"),
        ("mercadopago", account("26", ("00", "COM.MERCADOLIBRE"), ("01", "x")), "5303484" + "5802MX"),
        ("transferencias", account("50", ("00", "20123456786")), "5303032" + "5802AR"),
        ("fonepay", account("26", ("00", "fonepay.com"), ("07", "4089720000000001")), "5303524" + "5802NP"),
        ("nepalpay", account("29", ("00", "NCHL00000401"), ("01", "1")), "5303524" + "5802NP"),
        ("nepalpay", account("26", ("00", "np.gov.nrb"), ("01", "NCHL0000")), "5303524" + "5802NP"),
        ("banglaqr", account("26", ("00", "com.pathaopay"), ("02", "1008"), ("03", "91")), "5303050" + "5802BD"),
        (
            "laoqr",
            account("38", ("00", "a005266284662577"), ("01", "277104"), ("02", "001"), ("03", "x")),
            "53034185802LA",
        ),
        ("qpay", account("27", ("00", "A0000008430001"), ("01", "AGMOMNUB"), ("02", "iDyo61I1")), "53034965802MN"),
        ("uzqr", account("26", ("00", "qr-online.uz"), ("01", "6r0")), "53038605802UZ"),
        ("elqr", account("32", ("00", "c2b.mbank.kg"), ("01", "02"), ("10", "1")), "5303417"),
        ("elqr", account("32", ("00", "qr.kicb.kg"), ("01", "1018"), ("10", "1")), "53034175802KG"),
        ("maucas", account("26", ("00", "mu.maucas"), ("01", "MCBLMUMU"), ("02", "1")), "53034805802MU"),
        ("cliq", account("28", ("00", "CLIQ"), ("01", "ARABJOAX"), ("02", "0002")), "53034005802JO"),
        ("meeza", account("26", ("00", "A000000732100001"), ("01", "610000001")), "53038185802EG"),
        ("saudi", account("32", ("00", "SA.GOV.SAMA"), ("01", "0000000003460001"), ("02", "010100")), "53036825802SA"),
        ("trkarekod", account("30", ("00", "TR.GOV.TCMB.FAST"), ("01", f"TR{'1' * 24}")), "53039495802TR"),
        ("zeropay", account("29", ("00", "com.zeropay"), ("01", "1")), "53034105802KR"),
        ("twqr", account("35", ("00", "tw.com.twqrp"), ("01", "x")), "53039015802TW"),
        ("sip", account("32", ("00", "py.gov.bcp.sip"), ("01", "0015"), ("02", "1")), "53036005802PY"),
        ("yape", tlv(("39", "0" * 32)), "53036045802PE"),
        ("deuna", tlv(("39", "A" * 43 + "=")), "53038405802EC"),
        ("azqr", account("27", ("00", "04"), ("01", "AZ49IBAZ40050019449333060001")), "53039445802AZ"),
        ("namqr", account("26", ("00", "na.com.operator.IPP"), ("01", "shop@bank")), "53035165802NA"),
        ("myanmarpay", account("26", ("00", "mm.com.bank"), ("01", "1" * 15), ("02", "1")), "53031045802MM"),
        ("bhutan", tlv(("09", "9" * 16)), "53030645802BT"),
        ("sudan", account("51", ("00", "109"), ("02", "008320001")), "53039385802SD"),
        ("southafrica", account("29", ("00", "za.co.zapper"), ("01", "1")), "53037105802ZA"),
        ("wave", account("26", ("00", "wave"), ("01", "+221770000001")), "53039525802SN"),
        ("alipay", account("31", ("00", "hk.com.alipay"), ("01", "https://qr.alipay.com/1")), "53033445802HK"),
    ],
)
def test_other_values_in_the_shape_of_a_scheme_are_told_as_its(profile, accounts, money):
    payload = sealed(f"000201010211{accounts}52045411{money}{TAIL}")
    report = qr.explain(payload)
    assert {network.profile for network in report.networks} == {profile}
    assert scheme_findings(payload) == []


@pytest.mark.parametrize(
    ("profile", "old", "new", "path"),
    [
        ("laoqr", "27710418", "2771041x", "38.01"),
        ("jpqr", "0000000000001", "000000000001", "26.01"),
        ("trkarekod", "49", "49", ""),
        ("paycashless", "2200010001", "220001000", "36.02"),
        ("saudi", "0000000003460001", "000000000346000", "32.01"),
        ("wave", "+221770000001", "+22177", "26.01"),
    ],
)
def test_a_value_that_does_not_fit_a_scheme_is_told_by_its_place(profile, old, new, path):
    code = qr.decode(qr.find_profile(profile).golden[0].payload, profile=profile)
    changed = tuple(
        msgspec.structs.replace(one, fields={tag: value.replace(old, new) for tag, value in one.fields.items()})
        for one in code.accounts
    )
    payload = writer.compose(msgspec.structs.replace(code, accounts=changed))[0]
    assert [place for place, _ in scheme_findings(payload)] == ([path] if path else [])


@pytest.mark.parametrize("country", ["NA", "BD", "ZA", "KG", "MM", "CO", "NP", "AR", "SD"])
def test_a_mojaloop_code_is_no_other_schemes_in_any_country(country):
    domain = {"NA": "operate.com.na", "ZA": "pay.co.za", "KG": "pay.gov.kg"}.get(country, "pay.example.org")
    code = qr.mojaloop_code(
        domain=domain,
        identifier="52318764",
        name="Shop",
        city="City",
        country=country,
        currency="USD",
        mcc="5411",
        sub_id="7K3M9Q2XPABCD",
    )
    assert {network.profile for network in qr.networks(code)} == {"mojaloop"}


@pytest.mark.parametrize(
    "vector", [one for one in READABLE if one["country"] in ("KH", "PH")], ids=lambda vector: vector["payload"][-30:]
)
def test_what_a_scheme_answers_is_not_warned_of(vector):
    report = qr.explain(vector["payload"])
    known = {network.tag for network in report.networks if network.profile}
    assert not {"62.00", *(f"{tag}.00" for tag in known)} & {finding.path for finding in report.findings}
    assert "6016" not in str([finding.message for finding in report.findings])


def test_amounts_in_hundredths_are_told_in_whole_units_and_as_written():
    told = {
        "000000002500": "25.00 (written as 2500 hundredths) is asked",
        "5": "0.05 (written as 5 hundredths) is asked",
        "12.50": "12.50 is asked",
        "000000000000": "the amount is zero ('000000000000')",
    }
    fast = account("30", ("00", "TR.GOV.TCMB.FAST"), ("01", f"TR{'1' * 24}"))
    for amount, words in told.items():
        payload = sealed(f"000201010212{fast}{tlv(('52', '5411'), ('53', '949'), ('54', amount))}5802TR{TAIL}")
        assert qr.explain(payload).amount == words
