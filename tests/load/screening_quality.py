"""How well and how fast names are screened, beside other matchers: `python -m tests.load.screening_quality [--quick]`.

Recall by kind of change (sanctions-screening-benchmark), pairs of names, slips in listed names, alarms on ordinary
people and companies, and time and memory at 200,000 entries. `--freeze` writes the scores that tests/kyb hold fixed.
"""

import csv
import gzip
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from faker import Faker
from rapidfuzz import fuzz, utils
from rapidfuzz.distance import JaroWinkler
from ssb import benchmark
from ssb.sources import Entity, ListSnapshot

import kyb
from tests.paths import ROOT

VECTORS = ROOT / "tests/vectors"
UN_LIST = ROOT / "merchant/compliance/un_consolidated_2026-02-27.xml.gz"
COMPANIES = ROOT / "merchant/demo/businesses_gleif.csv"
PAIRS = (VECTORS / "names.csv", VECTORS / "name_pairs_own.csv")
SCORES = VECTORS / "name_scores.csv"
ALERT = 0.85
LARGE = 200_000
LOCALES = (
    "en_US",
    "fr_FR",
    "de_DE",
    "es_ES",
    "en_PK",
    "ar_SA",
    "fa_IR",
    "hi_IN",
    "id_ID",
    "sw",
    "zu_ZA",
    "ru_RU",
    "tr_TR",
    "en_KE",
)

Score = Callable[[str, str], float]
Peers = dict[str, Score]
PEERS: Peers = {
    "rapidfuzz WRatio 90": lambda a, b: fuzz.WRatio(a, b, processor=utils.default_process) / 90 * ALERT,
    "rapidfuzz token_set 85": lambda a, b: fuzz.token_set_ratio(a, b, processor=utils.default_process) / 100,
    "rapidfuzz JaroWinkler .90": lambda a, b: JaroWinkler.similarity(a.lower(), b.lower()) / 0.9 * ALERT,
}
# Of matchers that cannot be installed here, measured 2026-11 on the same lists.
RECORDED = (
    "nomenklatura logic-v2 .70: benchmark UN recall .828, false .245; UN+OFAC .801, .173; slips in UN names .9882;"
    " ordinary people 0.12 % by name, 0.04 % held (UN), 0.56 %, 0.18 % (UN+OFAC); 8.0 to 14.7 ms a name",
    "prototype of a token aligner .85: benchmark UN recall .949, false .093; OFAC .932, .032; slips in UN names .9912;"
    " ordinary people 0.34 %, 0.06 % held (UN); 1.76 %, 0.34 % (UN+OFAC)",
)


def un_list() -> kyb.ScreeningList:
    """The UN list of the repository."""
    return kyb.load_un_list(gzip.decompress(UN_LIST.read_bytes()))


def ofac_names() -> kyb.ScreeningList:
    """Names and birth years of the OFAC list, from the test vectors."""
    text = gzip.decompress((VECTORS / "ofac_sdn_names.csv.gz").read_bytes()).decode()
    entries = tuple(
        kyb.ListEntry(
            row["number"],
            row["type"],
            tuple(kyb.ListedName(name) for name in (row["name"], *filter(None, row["also"].split("|")))),
            tuple((int(year), int(year)) for year in filter(None, row["birth_years"].split("|"))),
            row["programme"],
        )
        for row in csv.DictReader(text.splitlines())
    )
    return kyb.ScreeningList("ofac_sdn", date(2026, 2, 27), "0" * 64, entries)


def pairs(path: Path) -> list[dict[str, str]]:
    """Rows of a file of name pairs: a, b, same, kind."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def treat(name: str, rng: random.Random) -> str:
    """A listed name as a clerk may write it: family name first, with a comma, or with two letters swapped."""
    words = name.split(" ")
    way = rng.randrange(3)
    if way == 0 and len(words) > 1:
        return f"{words[-1]}, {' '.join(words[:-1])}"
    if way == 1 and len(words) > 1:
        return " ".join([words[-1], *words[:-1]])
    long = [at for at, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    if long:
        at = rng.choice(long)
        place = rng.randrange(1, len(words[at]) - 1)
        word = words[at]
        words[at] = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return " ".join(words)


def ordinary_people(count: int) -> list[tuple[str, int]]:
    """Names and birth years of people of many countries, made with Faker."""
    people = []
    for at, locale in enumerate(LOCALES):
        faker = Faker(locale)
        faker.seed_instance(20260227 + at)
        rng = random.Random(at)
        people += [
            (f"{faker.first_name()} {faker.last_name()}", 2006 - rng.randrange(60))
            for _ in range(count // len(LOCALES))
        ]
    return people


def alarms(index: kyb.ScreeningIndex, people: list[tuple[str, int]]) -> tuple[float, float]:
    """Shares of people with a hit by name, and with one that their birth year does not set aside."""
    hits = [kyb.screen(name, index, year) for name, year in people]
    held = sum(any(not hit.set_aside for hit in each) for each in hits)
    return sum(bool(each) for each in hits) / len(people), held / len(people)


def treated_recall(entries: list[kyb.ListEntry], index: kyb.ScreeningIndex) -> float:
    """The share of persons that are found by their first name treated."""
    rng = random.Random(20260227)
    found = sum(
        any(hit.entry_id == entry.entry_id for hit in kyb.screen(treat(entry.names[0].text, rng), index))
        for entry in entries
    )
    return found / len(entries)


def benchmark_cases(lists: list[kyb.ScreeningList], count: int) -> benchmark.Benchmark:
    """The benchmark of sanctions-screening-benchmark on so many persons, drawn with a fixed seed."""
    people = [
        Entity(f"{each.source}/{entry.entry_id}", names[0], "individual", aliases=names[1:])
        for each in lists
        for entry in each.entries
        if entry.kind == "person" and (names := [name.text for name in entry.names if _has_latin(name.text)])
    ]
    several = [person for person in people if len(person.primary_name.split()) > 1]
    drawn = random.Random(0).sample(several, count)
    return benchmark.build(ListSnapshot("lists", "2026-02-27", drawn), limit=None, seed=0)


def score_benchmark(bench: benchmark.Benchmark) -> tuple[float, float, dict[str, float]]:
    """Recall, share of false alarms, and recall by class: the best hit must be the right one."""
    entries = tuple(
        kyb.ListEntry(entry_id, "person", tuple(map(kyb.ListedName, names)))
        for entry_id, names in bench.candidates.items()
    )
    index = kyb.build_index([kyb.ScreeningList("bench", date(2026, 2, 27), "0" * 64, entries)])
    found, asked, false, negatives = Counter[str](), Counter[str](), 0, 0
    for case in bench.cases:
        hits = kyb.screen(case.query, index)
        best = max((hit.score for hit in hits), default=0)
        if case.expected_entity_id is None:
            negatives += 1
            false += bool(hits)
        else:
            asked[case.perturbation] += 1
            found[case.perturbation] += any(
                hit.entry_id == case.expected_entity_id and hit.score == best for hit in hits
            )
    return found.total() / asked.total(), false / negatives, {name: found[name] / asked[name] for name in asked}


def large_list() -> kyb.ScreeningList:
    """UN, OFAC and made entries to 200,000: half are listed names with a slip, half their words in new order."""
    rng = random.Random(1)
    entries = [*un_list().entries, *ofac_names().entries]
    listed = [entry for entry in entries if entry.names[0].text.isascii()]
    words = {
        kind: [word for entry in listed if entry.kind == kind for word in entry.names[0].text.replace(",", "").split()]
        for kind in ("person", "entity")
    }
    while len(entries) < LARGE:
        source = rng.choice(listed)
        text = treat(source.names[0].text, rng)
        if rng.random() < 0.5:
            text = " ".join(rng.choice(words[source.kind]) for _ in range(rng.choice((2, 3, 3, 4))))
        year = 1920 + rng.randrange(90)
        entries.append(kyb.ListEntry(f"made{len(entries)}", source.kind, (kyb.ListedName(text),), ((year, year),)))
    return kyb.ScreeningList("large", date(2026, 2, 27), "0" * 64, tuple(entries))


def write_scores() -> None:
    """Write the scores of all pairs, as `python -m tests.load.screening_quality --freeze` does."""
    with SCORES.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["a", "b", "score"])
        writer.writerows(frozen_rows())


def frozen_rows() -> Iterator[tuple[str, str, str]]:
    """Every pair with its score of today."""
    for path in PAIRS:
        for row in pairs(path):
            yield row["a"], row["b"], f"{kyb.name_score(row['a'], row['b']):.3f}"


def main(arguments: list[str]) -> None:
    """Print every figure, or freeze the scores."""
    if "--freeze" in arguments:
        write_scores()
        return
    un, ofac = un_list(), ofac_names()
    indexes = {"UN": kyb.build_index([un]), "UN+OFAC": kyb.build_index([un, ofac])}
    _show_pairs()
    for label, lists in (("UN", [un]), ("UN+OFAC", [un, ofac])):
        recall, false, classes = score_benchmark(benchmark_cases(lists, 150))
        worst = ", ".join(
            f"{name} {share:.2f}" for name, share in sorted(classes.items(), key=lambda each: each[1])[:4]
        )

        _say(f"benchmark, 150 persons of {label}: recall {recall:.3f} (.95), false {false:.3f} (.04)")
        _say(f"  the worst kinds of change (.80): {worst}")

    persons = [entry for entry in un.entries if entry.kind == "person"]
    _say(f"treated names of the UN list found: {treated_recall(persons, indexes['UN']):.4f} (.99)")
    people = ordinary_people(5_000)
    hausa = [(name, 1946 + at % 60) for at, name in enumerate(_hausa(1_000))]
    with COMPANIES.open(encoding="utf-8", newline="") as file:
        firms = [row["legal_name"] for row in csv.DictReader(file)]
    for label, index in indexes.items():
        by_name, held = alarms(index, people)
        _say(f"alarms on {len(people)} ordinary people, {label}: {by_name:.2%} by name, {held:.2%} held")
        by_name, held = alarms(index, hausa)
        _say(f"alarms on 1,000 Hausa names, {label}: {by_name:.1%} by name, {held:.1%} held (1.5 %)")
        count = sum(any(kyb.screen(firm, index, kind=kind) for kind in ("entity", "person")) for firm in firms)
        _say(f"alarms on {len(firms)} companies, {label}: {count}")
    for line in RECORDED:
        _say(line)
    if "--quick" not in arguments:
        _show_large(people)


def _show_pairs() -> None:
    matchers: Peers = {"kyb": kyb.name_score, **PEERS}
    for path in PAIRS:
        rows = pairs(path)
        for name, score in matchers.items():
            alike = {same: [score(row["a"], row["b"]) >= ALERT for row in rows if row["same"] == same] for same in "10"}
            _say(
                f"{path.name}, {name}: {sum(alike['1'])} of {len(alike['1'])} found,"
                f" {sum(alike['0'])} of {len(alike['0'])} false"
            )


def _show_large(people: list[tuple[str, int]]) -> None:
    entries = large_list()
    before = _resident_mb()
    began = time.process_time()
    index = kyb.build_index([entries])
    _say(f"{LARGE:,} entries: {time.process_time() - began:.1f} s (15), {_resident_mb() - before:.0f} MB (300)")
    rng = random.Random(2)
    listed = [entry for entry in entries.entries[:1_000] if entry.kind == "person"]
    asked = {
        "ordinary people": [name for name, _ in people],
        "treated UN names": [treat(entry.names[0].text, rng) for entry in listed],
        "Ali, Mohamed, Mohamed Ali": ["Ali", "Mohamed", "Mohamed Ali", "Abdul Rahman", "M. Ali"],
    }
    for label, names in asked.items():
        took = []
        for name in names:
            began = time.process_time()
            kyb.screen(name, index)
            took.append((time.process_time() - began) * 1000)
        took.sort()
        at = {share: took[min(len(took) - 1, int(len(took) * share))] for share in (0.5, 0.95, 0.999)}
        _say(f"  {label}: {at[0.5]:.1f} ms median (5), {at[0.95]:.1f} ms p95, {at[0.999]:.1f} ms p99.9 (50)")


def _hausa(count: int) -> list[str]:
    faker = Faker("ha_NG")
    faker.seed_instance(20260227)
    return [f"{faker.first_name()} {faker.last_name()}" for _ in range(count)]


def _has_latin(text: str) -> bool:
    return any(char.isascii() and char.isalpha() for char in text)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
