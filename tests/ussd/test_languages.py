"""Every screen in every language within every cap: how many pages it takes, and that they lose no word or option."""

import re

import pytest
from babel.numbers import format_decimal
from msgspec.structs import replace

from tests.ussd.test_graph import BLANK, NUMBER, worst_world
from tests.ussd.trade import MERCHANT
from tests.ussd.world import NOW, READS_FOR, SHOPPER, Phone, World
from ussd import MerchantView, SignUpForm, SignUpStatus, busy, step
from ussd.amounts import format_amount
from ussd.fit import LEAST_CAP, Cap, fits, is_gsm7
from ussd.layout import Page, lay_out
from ussd.menu import MORE, Turn, View
from ussd.screens import SCREENS
from ussd.session import Answers, ScreenName
from ussd.texts import CATALOGUES, KNOWN, LANGUAGES, READ, Line, catalogue, other_languages, placeholders, say
from ussd.texts.missing import missing, unused
from ussd.trade import Currency, Trade

pytestmark = pytest.mark.anyio

CAPS = {"160": Cap(), "182": Cap(182, 80), "140": Cap(140, 64), "least": LEAST_CAP}
# The most pages of a screen at the usual cap, with worst values; of lists see test_graph.py. All others take one.
PAGES = {
    "gsm7": {"language": 2, "sign_up_kind": 2, "sign_up_status": 2},
    "ucs2": {
        **dict.fromkeys(("help", "sign_up_kind", "sign_up_status"), 4),
        **dict.fromkeys(("confirm", "waiting", "status", "ended", "paid", "decline", "report_why"), 3),
        **dict.fromkeys(("shop", "shop_help", "request", "add_cashier"), 3),
        **dict.fromkeys(("home", "language", "resume", "manage", "send_code", "remove_cashier"), 2),
        **dict.fromkeys(("ask_note", "ask_confirm", "ask_again", "take_back", "refund", "give_back"), 2),
        **dict.fromkeys(("sign_up_consent", "sign_up_code"), 2),
        "own": 5,
    },
}
# What a session ends with, and values of usual length.
LAST_WORDS = [
    key
    for key in CATALOGUES["en"].texts
    if key.partition(".")[0] in {"end", "refused", "asked", "not_asked", "not_refunded"}
    or key in {"sent.asked", "decline.done", "report.kept", "report.too_many", "requests.taken_back"}
    or key in {"send_code.sent", "send_code.no_sms", "refunds.sent", "refunds.waits"}
    or key in {f"people.{name}" for name in ("removed", "added", "known", "too_many", "gone")}
    or key in {f"sign_up.{name}" for name in ("sent", "id_taken", "taken", "closed", "no_codes")}
]
USUAL: dict[str, str | Line] = {
    "shop": "Mama Amina",
    "bank": "Green Bank",
    "name": "Amina Njeri",
    "customer": "***111",
    "amount": format_amount(99_999_900, 2),
    "currency": "KES",
    "code": "*384*12345#",
    "look": say("sent.dial", code="*384*12345#"),
}
FOOT_MAX = 24  # of a page between others: its keys and the line break before them
KEYS = {"home": ("99",), "resume": ("99",)}
RIGHT_TO_LEFT = "ar"
LEFT_MARK = "\u200e"


def turn_of(language: str) -> Turn:
    """A turn with every answer as long as it may be, but of a sum that people pay."""
    world = worst_world("W" * 60)
    world.status = SignUpStatus("refused", "W" * 22, NUMBER, "Wwwwwww " * 40)
    shop = MerchantView("c" * 36, NUMBER, "Mama Amina's Vegetables", "KES", 2, True, 10**9)
    form = SignUpForm(dfsp_id="d", dfsp="W" * 22 + "..")
    trade = Trade(
        shop_id="s" * 36,
        shop="Mama Amina's Veget..",
        number=NUMBER,
        rights="owner",
        refunds=True,
        leads_to="payments",
        counter_id=f"{1:036}",
        counter="Mama Amina's Veget..",
        customer="+254711000111",
        currency=Currency("KES", 2, 10**9),
        amount_minor=99_999_999,
        note="Bill 4711, table 12",
        chosen_id=f"{0:036}",
        chosen="***001",
    )
    request_id = world.recent[0].request_id
    answers = Answers(shop, 99_999_999, "waiting", request_id=request_id, trade=trade, form=form)
    return Turn(replace(BLANK, msisdn=MERCHANT), "key", world, answers, language)


async def shown(name: ScreenName, language: str, cap: Cap) -> tuple[View, list[Page]]:
    """A screen's content, and its pages."""
    turn = turn_of(language)
    view, screen = await SCREENS[name].show(turn), SCREENS[name]
    pages: list[Page] = []
    while not pages or pages[-1].more:
        page = lay_out(
            view,
            catalogue(language),
            cap,
            options=screen.options,
            keys=KEYS.get(name, ("0", "00")),
            page=len(pages),
            has_pages=MORE in screen.navigation,
        )
        assert page.number == len(pages)
        assert fits(page.text, cap), page.text
        pages.append(page)
    return view, pages


@pytest.mark.parametrize("cap", CAPS.values(), ids=CAPS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SCREENS)
async def test_no_word_and_no_option_of_a_screen_is_lost(name: ScreenName, language: str, cap: Cap) -> None:
    view, pages = await shown(name, language, cap)
    words, screen = catalogue(language), SCREENS[name]
    lines = [line for page in pages for line in page.text.split("\n")[:-1]]
    for digit, option in screen.options.items():
        if digit not in view.hides:
            assert lines.count(f"{digit} {words[option.label]}") == 1
    if MORE not in screen.navigation or view.items or "shop" in view.line.fields:
        return  # there a name is cut, or an item's own name
    asked = words.write(view.line).split()
    told = [word for line in lines[: len(lines) - len(screen.options)] for word in line.split()]
    assert told == asked or (max(map(len, asked)) > cap.ucs2_units - FOOT_MAX and "".join(told) == "".join(asked))


@pytest.mark.parametrize("alphabet", PAGES)
async def test_a_screen_takes_as_many_pages_as_it_is_said_to(alphabet: str) -> None:
    counted: dict[str, int] = {}
    for language in LANGUAGES:
        for name in SCREENS if catalogue(language).alphabet == alphabet else ():
            view, pages = await shown(name, language, Cap())
            if not view.items:
                counted[name] = max(counted.get(name, 0), len(pages))
    assert {name: count for name, count in counted.items() if count > 1} == PAGES[alphabet]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_notice_that_has_no_room_stands_alone_and_the_screen_behind_it_is_whole(language: str) -> None:
    notice = say("error.option", options="1, 2, 3, 4, 5, 6, 7, 8, 9 or 10")
    screen = SCREENS["sign_up_kind"]
    view = await screen.show(turn_of(language))
    noticed = lay_out(view, catalogue(language), Cap(), notice=notice, options=screen.options, keys=("0", "00"))
    assert noticed.number == -1 and noticed.more
    assert catalogue(language)["nav.more"] in noticed.text
    after = lay_out(view, catalogue(language), Cap(), options=screen.options, keys=("0", "00"), page=noticed.number + 1)
    assert after == (await shown("sign_up_kind", language, Cap()))[1][0]


@pytest.mark.parametrize("cap", CAPS.values(), ids=CAPS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_last_words_fit_and_lose_whole_sentences_alone(language: str, cap: Cap) -> None:
    """A session that has ended has no second page: what is most important stands first."""
    words = catalogue(language)
    for key in LAST_WORDS:
        values = {name: USUAL[name] for name in placeholders(words[key])}
        ended = lay_out(View(say(key, **values)), words, cap, has_pages=False).text
        assert fits(ended, cap), (key, ended)
        whole = re.escape(words.write(say(key, **(values | {"shop": "@"} if "shop" in values else values))))
        sentences = re.split(r"(?<=[.!?؟။])(?:\\ |\\?\n)", whole.replace("@", r"[\w .]{4,}"))
        told = [one for one in range(1, len(sentences) + 1) if re.fullmatch(r"\s".join(sentences[:one]), ended)]
        assert told, (key, ended)
        assert cap.septets < Cap().septets or told[-1] == len(sentences), f"all of them, on a usual screen: {ended}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_to_dial_is_whole_or_left_out(language: str) -> None:
    """Half of one leads elsewhere."""
    words, code = catalogue(language), "*384*12345#"
    for key in ("sent.asked", "asked.sent", "people.added", "sign_up.sent"):
        for amount_minor in (25_000, 10**9, 10**12, 10**15 - 1):
            values = USUAL | {"amount": format_amount(amount_minor, 2), "name": "W" * 20, "bank": "W" * 24}
            line = say(key, **{name: values[name] for name in placeholders(words[key])})
            for cap in CAPS.values():
                ended = lay_out(View(line), words, cap, has_pages=False).text
                assert fits(ended, cap)
                assert ended.count("*") == ended.replace("***111", "").count("*") + 3 * ended.count("***111")
                assert code in ended or "*384" not in ended, (key, ended)


def test_every_language_is_offered_and_lacks_nothing() -> None:
    assert missing() == {language: [] for language in KNOWN}
    assert unused() == {language: [] for language in KNOWN}
    assert LANGUAGES == KNOWN


def test_what_no_native_reader_has_corrected_is_marked() -> None:
    assert [language for language in KNOWN if not READ[language].is_draft] == ["en"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("minor", [5, 150_000, 123_456_789_00])
def test_numbers_are_written_as_the_languages_own_rules_say(language: str, minor: int) -> None:
    units, fraction = divmod(minor, 100)
    by_cldr = format_decimal(f"{units}.{fraction:02}", "#,##0.00", locale=language)
    shown = CATALOGUES[language].write(say("amount.unclear", example=format_amount(minor, 2)))
    assert by_cldr.replace("\u202f", " ") in shown


async def test_an_unknown_phone_begins_in_the_first_language_of_the_scheme_and_is_told_the_others() -> None:
    world = World()
    world.language, world.languages = None, ("sw", "fr")
    text = (await Phone(world, SHOPPER).dial()).text
    assert text.startswith(CATALOGUES["sw"]["home.title"])
    assert text.endswith("9 = Francais, English, Ikinyarwanda, Myanmar, Arabic")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_names_of_the_others_never_cost_an_option(language: str) -> None:
    words, screen = catalogue(language), SCREENS["home"]
    view = await screen.show(turn_of(language))
    bare = lay_out(view, words, Cap(), options=screen.options, keys=("99",))
    told = lay_out(view, words, Cap(), notice=other_languages(language), options=screen.options, keys=("99",))
    assert fits(told.text, Cap())
    assert told.text.startswith(bare.text)
    assert (told.number, told.more) == (bare.number, bare.more)


def test_numbers_keep_their_order_within_arabic_words() -> None:
    """Of what a text holds only codes and numbers of phones turn around: stars between digits, or a plus before them.

    Behind a currency in its three letters they do not.
    """
    for key, text in CATALOGUES[RIGHT_TO_LEFT].texts.items():
        for name in ("{code}", "{payer}", "{customer}", "{phone}"):
            if name in text:
                assert f"{LEFT_MARK}{name}" in text or f"{{currency}} {name}" in text, key
                assert name != "{code}" or f"\n{LEFT_MARK}{name}" in text, f"{key}: a code stands on its own line"
        assert not set(text) & set("\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"), key
    for language in LANGUAGES:
        if language != RIGHT_TO_LEFT:
            assert not any(LEFT_MARK in text for text in CATALOGUES[language].texts.values())


async def test_a_line_of_seven_bit_letters_speaks_and_offers_the_languages_that_it_can_show() -> None:
    world = World()
    world.language = "ar"
    session, reply = await step(None, replace(BLANK, text="", gsm7_only=True), world, NOW)
    assert reply.text.startswith(CATALOGUES["en"]["home.title"])
    session, reply = await step(session, replace(BLANK, text="9", gsm7_only=True), world, NOW + READS_FOR)
    assert reply.text == "Language\n1 English\n2 Kiswahili\n3 Francais\n4 Ikinyarwanda\n0 Back 00 Home"
    assert session is not None
    chosen, reply = await step(session, replace(BLANK, text="9*5", gsm7_only=True), world, NOW + 2 * READS_FOR)
    assert reply.text.startswith("Choose 1, 2, 3 or 4." if "or" in reply.text else "Choose 1 to 4.")
    assert chosen is not None and not chosen.chose and chosen.language == "en"
    assert is_gsm7(reply.text) and is_gsm7(busy(chosen).text)


async def test_such_a_line_names_to_an_unknown_phone_only_what_it_can_show() -> None:
    world = World()
    world.language, world.languages = None, ("my", "sw")
    _, reply = await step(None, replace(BLANK, text="", gsm7_only=True), world, NOW)
    assert reply.text.startswith(CATALOGUES["sw"]["home.title"])
    assert reply.text.endswith("9 = English, Francais, Ikinyarwanda")


def test_a_name_brings_no_marks_of_direction() -> None:
    assert (
        CATALOGUES[RIGHT_TO_LEFT]
        .write(say("own.one", shop="\u202eAmina\u200b", number="1", code="*1#"))
        .startswith("Amina: 1")
    )
