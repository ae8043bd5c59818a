"""The sentences by which a merchant learns how a request ended."""

import pytest

from merchant.hub.port import BadNews
from merchant.payments import reasons


@pytest.mark.parametrize("news", BadNews)
def test_all_bad_news_are_told_in_a_sentence_without_jargon(news: BadNews) -> None:
    told = reasons.BAD_NEWS[news]
    assert told.code == news
    assert told.message.endswith(".")
    assert not any(word in told.message for word in ("FSP", "DFSP", "error", "payer", "payee", "liquidity"))
