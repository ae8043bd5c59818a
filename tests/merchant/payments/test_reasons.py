"""The sentences by which a merchant learns how a request ended."""

import pytest

from merchant.core import texts
from merchant.core.money import Money
from merchant.hub.port import BadNews
from merchant.payments import reasons


@pytest.mark.parametrize("news", BadNews)
def test_all_bad_news_are_told_in_a_sentence_without_jargon(news: BadNews) -> None:
    told = reasons.BAD_NEWS[news]
    assert told.code == news
    assert told.message.endswith(".")
    assert not any(word in told.message for word in ("FSP", "DFSP", "error", "payer", "payee", "liquidity"))


@pytest.mark.parametrize("language", list(texts.OFFERED))
def test_what_would_fit_is_said_in_every_language_after_it_was_kept_in_english(language: str) -> None:
    kept = str(reasons.over_limit(Money(500_000, "USD")).message)
    said = texts.translate(reasons.sentence_of(kept), language)
    assert "5,000.00 USD" in said
    assert (said == kept) == (language == "en")


def test_a_sentence_without_an_amount_is_the_row_s_own() -> None:
    for reason in (reasons.over_limit(Money(0, "USD")), reasons.SAID_NO):
        assert reasons.sentence_of(str(reason.message)) == reason.message
