"""Names that shoppers see: legible, short for telephones, unlike protected ones, and unlike the neighbour's."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import kyb
from kyb.codes import gsm7_septets
from kyb.letters import letters_of, skeleton
from kyb.shown_names import MAX_USSD_NAME_SEPTETS
from tests.kyb.samples import COMPANY, sections

DFSPS = {"dfsps": ("Green Bank", "Lake MFI", "Equity", "Unity", "Wave")}
PROTECTED = {**kyb.default_protected_names(), **DFSPS}
anything = st.text(max_size=40)

LEGIBLE = [
    "Mama Njeri Fruits",
    "H&M",
    "A1",
    "Café ☕\ufe0f",
    "👩\u200d🍳 Mama Asha",
    "🍎🍌 Fruits",
    "龍",
    "ب",
    "Я",
    "辻\U000e0100商店",
    "Мама Амина",
    "КАФЕ Bar",
    "Кафе-Bar",
    "µTorrent Repairs",
    "7-Elevenสาขา",
    "می\u200cخواهم",  # Persian: a joiner between letters
    "क्\u200dष",  # Hindi
    "ශ්\u200dරී",  # Sinhala
    "ភ្នំ\u200bពេញ",  # Khmer: the end of a word
    "မြို့မဈေး",
    "Phở Hà Nội ố",
    "ᠮᠣᠩᠭᠣᠯ\u180b",
]
ILLEGIBLE = [
    ("", "not_legible"),
    (".", "not_legible"),
    ("...!", "not_legible"),
    ("🍎🍌", "not_legible"),
    ("👍🏽", "not_legible"),
    ("\u00ad", "not_legible"),
    ("\u3164", "not_legible"),
    ("\u115f\u1160", "not_legible"),
    ("\u2800", "not_legible"),
    ("\u200b\u200d", "not_legible"),
    ("\u0301\u0301", "not_legible"),
    ("x", "too_short"),
    ("É", "too_short"),
    ("1.", "too_short"),
    ("🍎 a", "too_short"),
    ("Mama\u200bNjeri", "invisible_character"),
    ("Mama\u200d", "invisible_character"),
    ("Mama\u200cNjeri", "invisible_character"),
    ("Du\u00adka", "invisible_character"),
    ("Duka\u200e", "invisible_character"),
    ("\u200fDuka", "invisible_character"),
    ("متجر\u200f الأمل", "invisible_character"),
    ("Duka\ufeff", "invisible_character"),
    ("Duka\u2060Asha", "invisible_character"),
    ("Duka\ufe0f", "invisible_character"),
    ("Duka\u3164", "invisible_character"),
    ("Duka\u034f", "invisible_character"),
    ("Shop \U000e0041\U000e0042", "invisible_character"),
    ("М-РЕSА", "mixed_scripts"),
    ("Маmа Аminа", "mixed_scripts"),
    ("М-Pesa", "mixed_scripts"),  # a Cyrillic letter alone, before a hyphen
    ("Ωmega", "mixed_scripts"),
    ("Αsha", "mixed_scripts"),
    ("ᎠUKA", "mixed_scripts"),
    ("Օrange", "mixed_scripts"),
    ("Caf\ufffd", "not_legible"),
    ("ا", "not_legible"),  # has no spelling in Latin letters, which codes need
    ("ـا", "not_legible"),
    ("\uf8ff Store", "not_legible"),
    ("Z\u0335\u0322\u0327\u0339\u0353algo", "not_legible"),
]


@pytest.mark.parametrize("name", LEGIBLE)
def test_names_as_shops_bear_them_are_legible(name: str) -> None:
    assert kyb.legibility_problem(name) is None


@pytest.mark.parametrize(("name", "code"), ILLEGIBLE)
def test_a_name_that_nobody_can_read_is_refused_with_a_code(name: str, code: str) -> None:
    problem = kyb.legibility_problem(name)
    assert problem is not None
    assert problem[0] == code


@pytest.mark.parametrize("name", ["7", "x", "É"])
def test_counters_and_people_may_have_one_letter(name: str) -> None:
    assert kyb.legibility_problem(name) is not None
    assert kyb.legibility_problem(name, may_be_short=True) is None


def test_a_registered_name_may_hold_a_letter_of_another_script() -> None:
    registered = "SAINT MICHAEL SHIPPING COΜPANY LIMITED"  # with a Greek letter, as the register has it
    assert kyb.legibility_problem(registered) is not None
    assert kyb.legibility_problem(registered, may_mix_scripts=True) is None


SHORT = [
    ("🍎🍌 Fruits", "Fruits"),
    ("Mama Njeri Fruits and Vegetables", "Mama Njeri Fruits"),
    ("Bananas and Apples of Kiambu", "Bananas and Apples"),
    ("Salon de Coiffure de la Gare", "Salon de Coiffure"),
    ("Internationalisierungszentrum", "Internationalisierun"),
    ("Duka", "Duka"),
    ("R&D", "R&D"),
    ("[Shop] {A}", "(Shop) (A)"),
    ("@home", "home"),
    ("=Sum", "Sum"),
    ("Müller", "Müller"),
    ("São João", "Sao Joao"),
    ("Łódź", "Lodz"),
    ("Мама Амина", "Mama Amina"),
    ("ΚΑΦΕ Αθήνα", "KAFE Athina"),  # Greek capitals are of the alphabet, half a word of them is not
    ("ร้านกาแฟ", "rankaaef"),
    ("龍", "Long"),
    ("И", "Shop I"),
    ("A\u200bsha", "Asha"),
    ("№ 5 Café™", "No 5 CaféTM"),
]


@pytest.mark.parametrize(("name", "short"), SHORT)
def test_a_name_for_telephones_is_made_of_a_name_in_any_script(name: str, short: str) -> None:
    assert kyb.ussd_name_of(name) == short


@settings(deadline=None)
@given(anything)
@example("€" * 30)
@example("[" * 30)
@example("\u3164")
@example("𓀀" * 30)
def test_a_name_for_telephones_always_fits_the_line_and_says_something(name: str) -> None:
    short = kyb.ussd_name_of(name)
    septets = gsm7_septets(short)
    assert septets is not None
    assert 0 < septets <= MAX_USSD_NAME_SEPTETS
    assert short == short.strip()
    assert kyb.legibility_problem(short) is None or short == "Shop"
    assert kyb.ussd_name_of(short) == short


TAKEN_FOR = [
    ("SafariC0m", "Safaricom"),
    ("$afaricom", "Safaricom"),
    ("Safari Com", "Safaricom"),
    ("S a f a r i c o m", "Safaricom"),
    ("Safaricon", "Safaricom"),
    ("Safarico", "Safaricom"),
    ("SafaricomShop", "Safaricom"),
    ("М-РЕSА Аgеnt", "M-Pesa"),
    ("M.P.E.S.A", "M-Pesa"),
    ("mpesa shop", "M-Pesa"),
    ("𝐌-𝐏𝐞𝐬𝐚", "M-Pesa"),
    ("Ｍ－Ｐｅｓａ", "M-Pesa"),
    ("M\u200b-Pesa", "M-Pesa"),
    ("UИICEF", "UNICEF"),
    ("Central Bank of Kenya", "Bank of Kenya"),
    ("Banque Centrale", "Banque Centrale"),
    ("Reserve Bank of lndia", "Bank of India"),
    ("Kenya Police", "Kenya Police"),
    ("Green Bank", "Green Bank"),
    ("GREENBANK agency", "Green Bank"),
    ("Grеen Bаnk", "Green Bank"),
    ("Green  Bank Ltd", "Green Bank"),
    ("Lake M.F.I.", "Lake MFI"),
    ("Orange Ltd", "Orange"),
    ("0range M0ney", "Orange Money"),
    ("Wave", "Wave"),
    ("The Wave", "Wave"),
    ("Equity Agent", "Equity"),
    ("MTN Momo agent", "MTN MoMo"),
    ("Visa Card", "Visa"),
    ("WFP distribution", "WFP"),
]


@pytest.mark.parametrize(("name", "protected"), TAKEN_FOR)
def test_a_protected_name_is_found_in_disguise(name: str, protected: str) -> None:
    hit = kyb.is_protected(name, PROTECTED)
    assert hit is not None
    assert skeleton(hit.name.replace(" ", "")) == skeleton(protected.replace(" ", ""))


@pytest.mark.parametrize(
    "name",
    [
        "Safari Shoes",
        "Bank Street Grocery",
        "Green Bank Road Kiosk",
        "Orange Juice Bar",
        "Wave Hair Salon",
        "Equity Builders",
        "Unity Stores",
        "Visa Consultants",
        "Ministry of Sound",
        "Police Canteen",
        "Momo House",
        "River Bank Hotel",
        "Green Banana",
        "Greenbay",
        "Lake Side Foods",
        "Mama Njeri Fruits",
        "Airport Shop",
        "متجر",
        "Кафе Мама",
        "",
        "🍎",
    ],
)
def test_ordinary_words_in_ordinary_names_are_free(name: str) -> None:
    assert kyb.is_protected(name, PROTECTED) is None


def test_the_hit_names_the_group_and_nothing_is_protected_unless_handed_in() -> None:
    assert kyb.is_protected("Green Bank", DFSPS) == kyb.ProtectedHit("dfsps", "Green Bank")
    assert kyb.is_protected("Green Bank", {}) is None
    assert kyb.is_protected("Safaricom", DFSPS) is None
    assert kyb.is_protected("x", {"empty": ("", "🍎")}) is None


@settings(deadline=None)
@given(anything)
def test_any_text_can_be_held_against_protected_names(name: str) -> None:
    hit = kyb.is_protected(name, PROTECTED)
    assert hit is None or hit.name in PROTECTED[hit.group]


def test_every_protected_name_is_found_itself() -> None:
    names = {name for names in PROTECTED.values() for name in names}
    spellings = {text for name in names for text in (name, name.upper(), unicodedata.normalize("NFD", name))}
    assert {text for text in spellings if kyb.is_protected(text, PROTECTED) is None} == set()
    assert len(names) > 500


CONFUSED = [
    ("Mama Njeri Fruits", "Mama Njeri Fruit"),
    ("Mama Njeri Fruits", "MAMA NJERI FRUITS LTD"),
    ("Mama Njeri Fruits", "Mamanjeri Fruits"),
    ("Mama Njeri Fruits", "Fruits Mama Njeri"),
    ("Mama & Sons", "Mama and Sons"),
    ("Mama Njeri Shop", "Mama Njeri Kiosk"),
    ("Café Sénégal", "CAFE SENEGAL"),
    ("Маmа Аmina", "Mama Amina"),
    ("Мама Амина", "Mama Amina"),
    ("Asha's Salon", "Ashas Salon"),
    ("Jos0 Stores", "Joso Stores"),
    ("مطعم الأمل", "مطعم الأمل"),
]
TOLD_APART = [
    ("Mama Njeri Fruits", "Mama Wanjiku Fruits"),
    ("Mama Njeri Fruits", "Mama Njeri Shoes"),
    ("Shop 1", "Shop 2"),
    ("Stall 4", "Stall 14"),
    ("Shop 100", "Shop 1000"),
    ("Hassan Store", "Hussein Store"),
    ("Asha Shop", "Asha Salon"),
    ("Duka 20001", "Duka 20002"),
    ("Njeri", "Njoro"),
    ("", ""),
    ("🍎", "🍌"),
]


@pytest.mark.parametrize(("a", "b"), CONFUSED)
def test_names_that_shoppers_would_confuse_are_alike(a: str, b: str) -> None:
    assert kyb.alike(a, b)
    assert kyb.alike(b, a)


@pytest.mark.parametrize(("a", "b"), TOLD_APART)
def test_names_that_shoppers_tell_apart_are_not(a: str, b: str) -> None:
    assert not kyb.alike(a, b)
    assert not kyb.alike(b, a)


@settings(deadline=None)
@given(anything, anything)
def test_likeness_has_no_direction(a: str, b: str) -> None:
    assert kyb.alike(a, b) == kyb.alike(b, a)


@settings(deadline=None)
@given(anything)
def test_a_name_with_a_letter_is_like_itself(name: str) -> None:
    assert kyb.alike(name, name) or not letters_of(name)


def test_the_names_of_an_application_that_shoppers_see_have_their_paths() -> None:
    assert dict(kyb.names_shown(sections(COMPANY))) == {
        "business.trading_name": "Lakeside Hardware",
        "business.ussd_name": "Lakeside",
        "locations[0].name": "Main shop",
        "locations[0].counters[0].name": "Till 1",
        "locations[0].counters[1].name": "Till 2",
    }
    assert list(kyb.names_shown(kyb.Sections(locations=(kyb.Location(counters=(kyb.Counter(),)),)))) == []
