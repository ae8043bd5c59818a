"""No language lacks a sentence, and none is offered incomplete; what the comparison must find is shown to it."""

import re
import tomllib
from typing import get_args, get_type_hints

import pytest
from babel.messages.catalog import Catalog

from merchant.core import texts
from merchant.core.settings import Settings
from tests.rules import catalogues
from tests.rules.catalogues import TRANSLATED
from tests.rules.source_rules import ROOT

# The pages of the API are in English only, and forms.html is handed its words.
TEMPLATES = sorted(
    file
    for file in (ROOT / "merchant/portal").rglob("templates/*.html")
    if "docs" not in file.relative_to(ROOT).parts and file.name != "forms.html"
)
# What of a template is no text: tags, expressions, and the class of the page.
_CODE = re.compile(r"\{% block kind %\}\w+|\{% set common %\}.*?\{% endset %\}|\{[{%#].*?[%#}]\}|<[^>]*>", re.DOTALL)
# One word, the same in our catalogues and in the dialogues of telephones.
SHARED_WITH_USSD = {"Pay": ("confirm", "pay"), "Language": ("home", "language")}


@pytest.fixture(scope="module")
def wanted() -> Catalog:
    """What the code says."""
    return catalogues.gathered()


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_language_offered_says_every_sentence(language: str, wanted: Catalog) -> None:
    found = list(catalogues.faults(language, catalogues.read(language), wanted))
    assert not found, "\n".join(["Run `make texts` and write what is missing:", *found])


def test_every_catalogue_is_offered() -> None:
    assert sorted(one.name for one in texts.LOCALE_DIR.iterdir()) == sorted(TRANSLATED)


def test_the_setting_names_the_languages_offered() -> None:
    assert get_args(get_type_hints(Settings)["language"]) == texts.TEXTED


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_service_reads_what_the_catalogue_says(language: str) -> None:
    for message in catalogues.read(language):
        if isinstance(message.id, str) and message.id and not re.search(r"[{}]", message.id):
            assert texts.translate(message.id, language) == message.string


def small(**said: str) -> Catalog:
    catalogue = Catalog(locale="fr")
    for sentence in ("Paid", "Pay {name}"):
        catalogue.add(sentence, said.get(sentence.split()[0].lower(), "Payer {name}" if "{" in sentence else "Payé"))
    return catalogue


@pytest.mark.parametrize(
    ("catalogue", "fault"),
    [
        (small(paid=""), "does not say 'Paid'"),
        (small(pay="Payer {nom}"), "has other placeholders for 'Pay {name}'"),
        (small(pay="Payer"), "has other placeholders for 'Pay {name}'"),
    ],
)
def test_a_sentence_that_is_empty_or_loses_a_value_is_found(catalogue: Catalog, fault: str) -> None:
    assert list(catalogues.faults("fr", small(), small())) == []
    assert list(catalogues.faults("fr", catalogue, small())) == [f"fr {fault}"]


def test_a_sentence_that_is_missing_unsure_or_said_by_nobody_is_found() -> None:
    catalogue = small()
    catalogue.delete("Paid")
    assert list(catalogues.faults("fr", catalogue, small())) == ["fr lacks 'Paid'"]
    assert list(catalogues.faults("fr", small(), catalogue)) == ["fr has 'Paid', which nobody says"]
    catalogue.add("Paid", "Payé", flags=["fuzzy"])
    assert list(catalogues.faults("fr", catalogue, small())) == ["fr is unsure of 'Paid'"]


def test_a_plural_lacks_none_of_its_forms() -> None:
    wanted, catalogue = Catalog(locale="fr"), Catalog(locale="fr")
    wanted.add(("{count} day", "{count} days"))
    catalogue.add(("{count} day", "{count} days"), ("{count} jour", ""))
    assert list(catalogues.faults("fr", catalogue, wanted)) == ["fr does not say ('{count} day', '{count} days')"]


def test_templates_say_nothing_that_no_catalogue_has() -> None:
    assert TEMPLATES
    for file in TEMPLATES:
        assert (file.name, re.findall(r"\w+", _CODE.sub(" ", file.read_text()))) == (file.name, [])


@pytest.mark.parametrize("broken", ["<p>Pay now</p>", "{{ _('Pay') }} now", "{% if x %}Pay{% endif %}"])
def test_a_sentence_that_bypasses_the_catalogue_is_found_in_a_template(broken: str) -> None:
    assert re.findall(r"\w+", _CODE.sub(" ", broken))


@pytest.mark.parametrize("language", list(texts.OFFERED))
def test_pages_and_telephones_use_the_same_words(language: str) -> None:
    said = ROOT / f"ussd/texts/{language}.toml"
    if not said.exists():
        pytest.skip("telephones do not speak it yet")
    dialogue = tomllib.loads(said.read_text())["texts"]
    for sentence, (group, name) in SHARED_WITH_USSD.items():
        assert texts.translate(sentence, language) == dialogue[group][name]
