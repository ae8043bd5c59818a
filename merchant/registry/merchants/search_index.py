"""Write the words by which a merchant is found, when it is approved and when its answers, places or counters change.

finding.py looks for them. What identifies a person is written as a keyed digest only: each word of an owner's name,
phones, identity and register numbers are found when they are given whole, and nobody reads them out of the tables.
"""

import base64
from collections.abc import Iterable, Sequence
from datetime import UTC
from uuid import UUID

import kyb
from kyb.applicant import owner_name
from merchant.core import clock
from merchant.core.db import Tx
from merchant.core.phone import InvalidNumber, Msisdn
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.registry.merchants import words
from merchant.registry.merchants.models import Merchant

_DIGEST_BYTES = 16  # of 2**40 values, two are the same with a chance of 2**-49
# Words of these kinds come from sealed answers and from the application; the others from the merchant's own rows.
_OWNER, _PHONE, _IDENTITY, _ADDED_BY, _APPROVED_BY = "owner", "phone", "id", "added_by", "approved_by"
_BLIND = frozenset({_OWNER, _PHONE, _IDENTITY})
_PEOPLE = frozenset({_ADDED_BY, _APPROVED_BY})

_PLACES = """
SELECT name, city, country, NULL AS alias FROM location WHERE merchant_id = $1
UNION ALL SELECT name, NULL, NULL, alias FROM counter WHERE merchant_id = $1
"""
_PRESENT = "SELECT words FROM merchant_search WHERE merchant_id = $1"
_KEEP = """
INSERT INTO merchant_search (merchant_id, dfsp_id, words) VALUES ($1, $2, $3)
ON CONFLICT (merchant_id) DO UPDATE SET words = EXCLUDED.words
"""
_KNOWN_WORDS = "SELECT word FROM search_key WHERE dfsp_id = $1 AND key = ANY($2) AND word = key"
_ADD_KEYS = """
INSERT INTO search_key (dfsp_id, key, word) SELECT $1, k.key, k.word FROM unnest($2::text[], $3::text[]) AS k(key, word)
ON CONFLICT DO NOTHING
"""


async def index_merchant(
    tx: Tx,
    service: Service,
    merchant: Merchant,
    sections: kyb.Sections,
    *,
    makers: Iterable[UUID] | None = None,
    checker_id: UUID | None = None,
) -> None:
    """Write every word of a locked or new merchant anew; `sections` are the answers in force.

    `makers` and `checker_id` are the people of the application that made it; without makers, those written stay.
    """
    found = await _own_words(tx, merchant) | _blind_words(service.vault, sections)
    present = await _present(tx, merchant)
    if makers is None:
        found |= {word for word in present if _kind(word) in _PEOPLE}
    else:
        found |= {added_by_word(person) for person in makers}
        found |= {approved_by_word(checker_id)} if checker_id is not None else set()
    await _write(tx, merchant, present, found)
    merchant.indexed_at = clock.now()


async def index_places(tx: Tx, merchant: Merchant) -> None:
    """Write the words of a locked merchant's own rows anew, after a counter or a place was added or renamed.

    A merchant that was never indexed is left to the worker, which reads its answers too.
    """
    if merchant.indexed_at is None:
        return
    present = await _present(tx, merchant)
    kept = {word for word in present if _kind(word) in _BLIND | _PEOPLE}
    await _write(tx, merchant, present, await _own_words(tx, merchant) | kept)


def owner_word(vault: Vault, word: str) -> str:
    """How a folded word of an owner's or a contact's name is written."""
    return _blind(vault, _OWNER, word)


def phone_word(vault: Vault, phone: Msisdn) -> str:
    """How a phone is written: its one blind index."""
    return f"{_PHONE}={_shortened(phone.digest(vault))}"


def identity_word(vault: Vault, number: str) -> str:
    """How an identity, register or tax number or an e-mail address is written: without signs, blanks and case."""
    return _blind(vault, _IDENTITY, "".join(char for char in words.fold(number) if char.isalnum()))


def number_word(alias: str) -> str:
    """How a counter's number is written: as people read it aloud, without the zeros it begins with."""
    form = kyb.alias_form("".join(alias.split()))
    return f"number={form.lstrip('0') or form[:1]}"


def city_word(city: str) -> str:
    """How a city is written, whole."""
    return f"city={words.phrase(city)}"


def country_word(country: str) -> str:
    """How a country is written."""
    return f"country={country.upper()}"


def added_by_word(person: UUID) -> str:
    """How someone who wrote the application is written."""
    return f"{_ADDED_BY}={_shortened(person.bytes)}"


def approved_by_word(person: UUID) -> str:
    """How the person who approved the application is written."""
    return f"{_APPROVED_BY}={_shortened(person.bytes)}"


def dfsp_word(dfsp_id: UUID) -> str:
    """How the DFSP is written."""
    return f"dfsp={_shortened(dfsp_id.bytes)}"


def month_word(year: int, month: int) -> str:
    """How the month of approval is written, in UTC."""
    return f"month={year:04}-{month:02}"


def facet_words(**facets: str | None) -> set[str]:
    """How state, tier, mcc and risk are written, as the trigger of the database writes them when they change."""
    return {f"{name}={value}" for name, value in facets.items() if value is not None}


def _kind(word: str) -> str:
    return word.partition("=")[0] if "=" in word else ""


def _blind(vault: Vault, kind: str, value: str) -> str:
    return f"{kind}={_shortened(vault.digest(f'find_{kind}', value))}"


def _shortened(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:_DIGEST_BYTES]).decode().rstrip("=")


async def _own_words(tx: Tx, merchant: Merchant) -> set[str]:
    """The words of names, cities, countries and numbers, as the merchant's rows have them."""
    await tx.flush()
    places = await tx.fetch(_PLACES, merchant.id)
    cities = {city for city in (merchant.city, *(row["city"] for row in places)) if city}
    countries = {code for code in (merchant.country, *(row["country"] for row in places)) if code}
    names = [merchant.trading_name, merchant.legal_name, merchant.ussd_name, *cities, *(row["name"] for row in places)]
    found = words.index_words(*names)
    found |= {city_word(city) for city in cities} | {country_word(code) for code in countries}
    approved_at = merchant.created_at.astimezone(UTC)
    found |= {dfsp_word(merchant.dfsp_id), month_word(approved_at.year, approved_at.month)}
    found |= facet_words(state=merchant.state, tier=merchant.tier, mcc=merchant.mcc, risk=merchant.risk)
    return found | {number_word(row["alias"]) for row in places if row["alias"]}


def _blind_words(vault: Vault, sections: kyb.Sections) -> set[str]:
    """What is found by equality: owners and the contact, their phones and addresses, and every number of a register."""
    business, contact = sections.business, sections.contact
    names = [owner_name(owner) for owner in sections.owners] + [contact.name]
    found = {owner_word(vault, word) for word in words.index_words(*(name for name in names if name))}
    numbers = [business.registration_number, business.tax_id, business.lei, contact.email, sections.external_ref]
    for owner in sections.owners:
        numbers += [owner.id_number, owner.registration_number, owner.email]
    found |= {identity_word(vault, number) for number in numbers if number}
    for phone in (contact.phone, *(owner.phone for owner in sections.owners)):
        try:
            found |= {phone_word(vault, Msisdn.of(phone))} if phone else set()
        except InvalidNumber:  # of an answer that was accepted before phones had one form
            continue
    return found


async def _present(tx: Tx, merchant: Merchant) -> set[str]:
    return set(await tx.fetchval(_PRESENT, merchant.id) or ())


async def _write(tx: Tx, merchant: Merchant, present: set[str], wanted: set[str]) -> None:
    """Make the merchant's words those of `wanted`; what is there already costs nothing."""
    if present == wanted:
        return
    await tx.execute(_KEEP, merchant.id, merchant.dfsp_id, sorted(wanted))
    await _learn(tx, merchant.dfsp_id, [word for word in wanted - present if not _kind(word)])


async def _learn(tx: Tx, dfsp_id: UUID, named: Sequence[str]) -> None:
    """Keep the keys of words that no name of the DFSP had; in one order, so that two who learn the same never wait
    for each other both.
    """
    known = {row["word"] for row in await tx.fetch(_KNOWN_WORDS, dfsp_id, named)}
    keys = sorted((key, word) for word in named if word not in known for key in words.stored_keys(word))
    if keys:
        await tx.execute(_ADD_KEYS, dfsp_id, [key for key, _ in keys], [word for _, word in keys])
