"""Screen one subject: compare its name and numbers with every listed one, then look at dates and countries.

The last step of screening: subjects.py calls screen_subject for each name of a case. The score speaks of names only;
what corroborates it is reported beside it and never changes it. `_band` holds the rule of decision.
"""

from collections.abc import Iterator

from msgspec import Struct, field

from kyb.lists.entry import ENTITY, PERSON, Identifier, ListEntry
from kyb.screening.compare import Compared, Piece, compare
from kyb.screening.identifiers import identifier_keys, same_number
from kyb.screening.index import Part, ScreeningIndex
from kyb.screening.joining import put_together
from kyb.screening.letters import fold, visible
from kyb.screening.names import MAX_NAME_CHARS, MAX_WORDS, TELLING_WEIGHT, Name, read_name
from kyb.screening.readings import MAX_READINGS, inner_names, known_as
from kyb.screening.search import candidates
from kyb.screening.weights import SERVANT_WEIGHT

ALERT_SCORE = 0.85  # below it a likeness is not reported
STRONG_SCORE = 0.93  # from here the names are nearly the same

AGREES, DIFFERS, UNKNOWN = "agrees", "differs", "unknown"
LIKELY, POSSIBLE, SET_ASIDE = "likely", "possible", "set_aside"
BIRTH_YEAR_SLACK = 2  # honest records differ by up to two years: calendars, ages told instead of dates
STRONG_BIRTH_YEAR_SLACK = 5  # of names nearly the same: see the README for what other gaps would let through

TOO_LONG = "The name is too long to compare."
NOTHING_TO_COMPARE = "The name holds no letters or digits that could be compared."

_COMMON_WEIGHT = 0.5  # a single word up to this weight is a name of thousands
_MIN_CHARS = 2
# Of a name within another. A person's single word is left alone: many are nicknamed after someone (Rose "Maria" Njeri).
_MIN_TELLING_WITHIN = {PERSON: 2, ENTITY: 1}


class Subject(Struct, frozen=True):
    """One to screen: its path among the answers, name, kinds (person, entity) to compare it as, and what corroborates.

    birth_date is YYYY-MM-DD or YYYY; countries are ISO 3166-1 alpha-2.
    """

    path: str
    name: str
    kinds: tuple[str, ...] = (PERSON,)
    birth_date: str | None = None
    countries: tuple[str, ...] = ()
    identifiers: tuple[Identifier, ...] = ()


class Hit(Struct, frozen=True):
    """A listed name like the one given, or an identity number in common.

    score says how alike the names are (0 to 1) and nothing else; pieces are the words it rests on. birth_date, country
    and identifier each agree, differ or are unknown on one side; birth_year is the same as birth_date. band is likely
    (two people release it), possible (a person judges) or set_aside (kept as evidence: needs no judgement), and
    set_aside says the last. programme is the sanctions regime, entry_sha256 the hash of the entry's content.
    """

    entry_id: str
    list_source: str
    matched_name: str
    score: float
    pieces: tuple[Piece, ...]
    programme: str
    birth_year: str
    set_aside: bool
    entry_sha256: str = ""
    birth_date: str = UNKNOWN
    country: str = UNKNOWN
    identifier: str = UNKNOWN
    band: str = POSSIBLE


class Screened(Struct, frozen=True):
    """The hits of one subject, best first; not_compared is the sentence why its name could not be compared, or None."""

    hits: tuple[Hit, ...] = field(default=())
    not_compared: str | None = None


class _Found(Struct):
    """The best name of one entry so far, and the given text that is like it: the whole name or one within it."""

    compared: Compared
    text: str
    given: str


def screen(name: str, index: ScreeningIndex, birth_year: int | None = None, kind: str = PERSON) -> tuple[Hit, ...]:
    """Listed names like this one, best first, at most one per entry; kind is "person" or "entity".

    Finds reordered, transliterated, misspelt, joined and split names, and names with a word more or less.
    A name without letters or digits has no hits: screen_subject says so.
    """
    birth_date = None if birth_year is None else f"{birth_year:04}"
    return screen_subject(Subject("", name, (kind,), birth_date), index).hits


# What a name is like among the listed ones, by name and kind.
NamesCompared = dict[tuple[str, str], tuple[Name, dict[int, _Found]]]


def screen_subject(subject: Subject, index: ScreeningIndex, known: NamesCompared | None = None) -> Screened:
    """Everything listed that is like the subject by name, or holds one of its identity numbers.

    The outcome is clear only when there are no hits and not_compared is None. `known` keeps what was compared with this
    index, for callers whose subjects share names, as an owner who is the contact does.
    """
    known = {} if known is None else known
    hits: list[Hit] = []
    for kind in subject.kinds:
        part = index.parts[kind]
        if (subject.name, kind) not in known:
            known[subject.name, kind] = read_name(subject.name, kind), _by_names(subject.name, part)
        query, found = known[subject.name, kind]
        numbers = _by_number(subject, index, kind)
        for entry in {*found, *numbers}:
            hit = _hit(subject, query, part, entry, found.get(entry), numbers.get(entry))
            if hit is not None:
                hits.append(hit)
    hits.sort(key=lambda hit: (_BAND_ORDER[hit.band], -hit.score, hit.list_source, hit.entry_id))
    return Screened(tuple(hits), not_compared(subject.name))


def not_compared(name: str) -> str | None:
    """Why a name cannot be compared as a whole, or None when it can."""
    if len(name) > MAX_NAME_CHARS:
        return TOO_LONG
    words = read_name(name, PERSON).words
    if len(words) > MAX_WORDS or len(inner_names(name)) > MAX_READINGS:
        return TOO_LONG
    unread = [char for char in visible(name) if char.isalpha()]
    if sum(len(word.text) for word in words) < _MIN_CHARS and not (len(unread) == 1 and not unread[0].isascii()):
        return NOTHING_TO_COMPARE
    return None


_BAND_ORDER = {LIKELY: 0, POSSIBLE: 1, SET_ASIDE: 2}


def _by_names(text: str, part: Part) -> dict[int, _Found]:
    """What the name is like in each of its readings; a byname hides no other likeness."""
    best = _by_name(text, part)
    for reading in _readings(text[:MAX_NAME_CHARS], part):
        for number, found in _by_name(reading, part).items():
            entry = part.entries[number][1]
            if number not in best or _worth(best[number], entry, part.kind) < _worth(found, entry, part.kind):
                best[number] = found
    return best


def _readings(text: str, part: Part) -> Iterator[str]:
    """The names that may be meant beside the one that is written."""
    least = _MIN_TELLING_WITHIN[part.kind]
    inner = [name for name in inner_names(text)[:MAX_READINGS] if read_name(name, part.kind).telling >= least]
    yield from inner
    if part.kind == ENTITY:
        yield from known_as(text)
    yield from filter(None, (put_together(name, part) for name in (text, *inner)))


def _worth(found: _Found, entry: ListEntry, kind: str) -> tuple[bool, float]:
    return not _is_byname(found, entry, kind), found.compared.score


def _by_name(given: str, part: Part) -> dict[int, _Found]:
    query = read_name(given, part.kind)
    best: dict[int, _Found] = {}
    for number in sorted(candidates(query, part)):
        compared = compare(query, part.name(number), part.kind)
        if compared.score < ALERT_SCORE:
            continue
        entry = part.entry_of[number]
        if entry not in best or best[entry].compared.score < compared.score:
            best[entry] = _Found(compared, part.entries[entry][1].names[part.place_of[number]].text, given)
    return best


def _by_number(subject: Subject, index: ScreeningIndex, kind: str) -> dict[int, str]:
    """Entries of the kind that hold one of the subject's numbers, and how sure that is: exact or likely."""
    found: dict[int, str] = {}
    for given in subject.identifiers:
        for key in identifier_keys(given):
            for holder in index.numbers.get(key, ()):
                same = same_number(given, holder.identifier) if holder.kind == kind else None
                if same and found.get(holder.entry) != "exact":
                    found[holder.entry] = same
    return found


def _hit(
    subject: Subject, query: Name, part: Part, entry_number: int, found: _Found | None, number: str | None
) -> Hit | None:
    source, entry = part.entries[entry_number]
    birth_date, gap = _birth_date(subject.birth_date, entry)
    if found is None or (number is None and birth_date != AGREES and _is_byname(found, entry, part.kind)):
        if number is None:
            return None
        found = _best_name(query, entry, part.kind)
    band = _band(found.compared.score, number, birth_date, gap)
    return Hit(
        entry_id=entry.entry_id,
        list_source=source,
        matched_name=found.text,
        score=found.compared.score,
        pieces=found.compared.pieces,
        programme=entry.programme,
        birth_year=birth_date,
        set_aside=band == SET_ASIDE,
        entry_sha256=entry.sha256,
        birth_date=birth_date,
        country=_country(subject.countries, entry.countries),
        identifier=_identifier(subject, entry, number),
        band=band,
    )


def _band(score: float, number: str | None, birth_date: str, gap: int) -> str:
    """The rule of decision, all of it.

    1. An exact identity number is a likely match, whatever the name says; one that differs only by the letters before
       it, or by the country that issued it, is possible.
    2. A birth date that differs sets a likeness aside: by more than two years when the names are merely alike, by more
       than five when they are nearly the same. It is kept as evidence.
    3. Names nearly the same are a likely match when the birth date agrees.
    4. All else is possible: a person judges. A name alone never makes a match likely, a country never decides.
    """
    if number == "exact":
        return LIKELY
    if number is not None:
        return POSSIBLE
    strong = score >= STRONG_SCORE
    if birth_date == DIFFERS and gap > (STRONG_BIRTH_YEAR_SLACK if strong else BIRTH_YEAR_SLACK):
        return SET_ASIDE
    return LIKELY if strong and birth_date == AGREES else POSSIBLE


def _best_name(query: Name, entry: ListEntry, kind: str) -> _Found:
    compared = ((compare(query, read_name(name.text, kind), kind), name.text) for name in entry.names)
    best, text = max(compared, key=lambda pair: pair[0].score)
    return _Found(best, text, "")


def _is_byname(found: _Found, entry: ListEntry, kind: str) -> bool:
    """True for names such as Abu Hassan, which thousands share: a single telling word, weak or common."""
    listed = read_name(found.text, kind)
    telling = [weight for weight in listed.weights if weight >= TELLING_WEIGHT]
    if not telling:  # everyday words only: the whole text must be the same
        return fold(visible(found.text)) != fold(visible(found.given))
    weak = all(name.weak for name in entry.names if name.text == found.text)
    alone = SERVANT_WEIGHT not in listed.weights and found.text != entry.names[0].text
    common = kind == PERSON and alone and sum(telling) <= _COMMON_WEIGHT
    return len(telling) < 2 and (weak or common)


def _birth_date(given: str | None, entry: ListEntry) -> tuple[str, int]:
    """Whether the birth years agree, and by how many years they differ at least."""
    year = (given or "")[:4]
    ranges = entry.birth_years or tuple((int(each[:4]), int(each[:4])) for each in entry.birth_dates)
    if not (len(year) == 4 and year.isascii() and year.isdigit()) or not ranges:
        return UNKNOWN, 0
    gap = min(max(first - int(year), int(year) - last, 0) for first, last in ranges)
    return (AGREES if gap <= BIRTH_YEAR_SLACK else DIFFERS), gap


def _country(given: tuple[str, ...], listed: tuple[str, ...]) -> str:
    if not given or not listed:
        return UNKNOWN
    return DIFFERS if set(given).isdisjoint(listed) else AGREES


def _identifier(subject: Subject, entry: ListEntry, number: str | None) -> str:
    """agrees when a number is the same, differs when both sides have one of a kind and country that is not."""
    if number is not None:
        return AGREES if number == "exact" else UNKNOWN
    of_kind = {(each.kind, each.country) for each in entry.identifiers}
    return DIFFERS if any((each.kind, each.country) in of_kind for each in subject.identifiers) else UNKNOWN
