import pytest

import qr
from qr.tlv import join
from tests.qr.test_codec import sealed

ALIAS_TEMPLATE = join([("00", "11111111-2222-4333-8444-555555555555"), ("01", "ALIAS"), ("02", "10000042")])


def sticker(**changes: str | None) -> str:
    """A payload as the former registry writes it."""
    objects = {"00": "01", "01": "12", "28": ALIAS_TEMPLATE, "52": "5411", "53": "KES"}
    objects |= {"58": "KE", "59": "Shop One", "60": "Nairobi"} | {tag[1:]: value for tag, value in changes.items()}
    return sealed(join((tag, value) for tag, value in objects.items() if value is not None))


def test_a_sticker_of_the_former_registry_is_recognised():
    code = qr.decode(sticker(), mode="tolerant")
    assert qr.incumbent_alias(code) == "10000042"
    assert [scheme.profile for scheme in qr.explain(sticker()).schemes] == ["mojaloop-incumbent"]
    with pytest.raises(qr.DecodeError):
        qr.decode(sticker())


def test_its_new_code_keeps_every_rule_and_points_at_the_same_alias():
    code = qr.decode(qr.reissue(sticker(), domain="pay.example.org"), profile="mojaloop")
    assert qr.mojaloop_party(code) == ("ALIAS", "10000042", None)
    assert (code.point_of_initiation, code.currency, code.country, code.city) == ("11", "404", "KE", "Nairobi")


def test_what_the_sticker_lacks_is_given():
    bare = sticker(_58=None, _60=None, _59="Café ya Mama Njeri na Wanawe Wote")
    code = qr.decode(qr.reissue(bare, domain="pay.example.org", country="KE", city="Nairobi", identifier="52318764"))
    assert (code.country, code.city, code.name) == ("KE", "Nairobi", "Cafe ya Mama Njeri na")
    assert qr.mojaloop_party(code) == ("ALIAS", "52318764", None)


def test_what_is_still_missing_is_said():
    with pytest.raises(qr.EncodeError) as raised:
        qr.reissue(sticker(_58=None), domain="pay.example.org")
    assert {finding.path for finding in raised.value.findings} == {"58"}


@pytest.mark.parametrize("payload", [qr.find_profile("tanqr").golden[0].payload, "", sticker()[:-4] + "0000"])
def test_other_codes_are_not_reissued(payload):
    with pytest.raises(qr.DecodeError):
        qr.reissue(payload, domain="pay.example.org")


def test_many_are_reissued_in_order_and_failures_do_not_stop_the_rest():
    old = [sticker(), "no code", sticker(_53="XXXX"), sticker(_59="Shop Two")]
    done = list(qr.reissue_all(old, domain="pay.example.org", identifiers={"10000042": "52318764"}))
    assert [row.old for row in done] == old
    assert [row.new is not None for row in done] == [True, False, False, True]
    assert all(row.findings for row in done if row.new is None)
    assert qr.mojaloop_party(qr.decode(done[0].new or "")) == ("ALIAS", "52318764", None)


def test_reissuing_is_lazy():
    endless = iter(lambda: sticker(), None)
    assert next(qr.reissue_all(endless, domain="pay.example.org")).new


def test_a_name_in_another_script_is_kept_in_the_language_template():
    code = qr.decode(qr.reissue(sticker(_58="MM", _59="မြို့မဈေး", _60="ရန်ကုန်"), domain="pay.example.org"))
    assert code.language == qr.Language(language="my", name="မြို့မဈေး", city="ရန်ကုန်")
    given = qr.decode(qr.reissue(sticker(_59="Café"), domain="pay.example.org", local_language="fr"))
    assert (given.name, given.language) == ("Cafe", qr.Language(language="fr", name="Café", city="Nairobi"))


def test_many_are_given_a_language_and_a_category_too():
    old = [sticker(_59="Café"), sticker(_52=None)]
    done = list(qr.reissue_all(old, domain="pay.example.org", local_language="fr", mcc="5812"))
    codes = [qr.decode(row.new or "") for row in done]
    assert [code.mcc for code in codes] == ["5411", "5812"]
    assert [code.language and code.language.name for code in codes] == ["Café", None]
    assert qr.decode(qr.reissue(old[1], domain="pay.example.org", mcc="5812")).mcc == "5812"
