"""The figures that the README and the decisions claim, on lists and pairs in the repository."""

import difflib

import pytest
from rigour import _core as rigour

import kyb
from kyb.screening.letters import fold
from kyb.screening.tables import legal_forms, titles
from tests.load import screening_quality as quality

KINDS = sorted({row["kind"] for path in quality.PAIRS for row in quality.pairs(path)})


@pytest.mark.parametrize("path", quality.PAIRS, ids=lambda path: path.stem)
def test_hard_pairs_are_found_and_near_misses_are_not(path: object) -> None:
    rows = [row | {"score": str(kyb.name_score(row["a"], row["b"]))} for row in quality.pairs(path)]  # type: ignore[arg-type]
    same = [row for row in rows if row["same"] == "1"]
    other = [row for row in rows if row["same"] == "0"]
    missed = [(row["a"], row["b"]) for row in same if float(row["score"]) < quality.ALERT]
    alarming = [(row["a"], row["b"]) for row in other if float(row["score"]) >= quality.ALERT]
    assert len(missed) <= len(same) * 0.05, missed
    assert len(alarming) <= len(other) * 0.05, alarming


def test_scores_are_as_they_were() -> None:
    """Rewrite them with `python -m tests.load.screening_quality --freeze` when the change is wanted."""
    frozen = quality.SCORES.read_text(encoding="utf-8").splitlines()[1:]
    now = [",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in quality.frozen_rows()]
    assert "\n".join(difflib.unified_diff(frozen, now, "name_scores.csv", "today", lineterm="", n=0)) == ""


def test_the_benchmark_of_changed_names_is_passed(un_list: kyb.ScreeningList) -> None:
    recall, false, classes = quality.score_benchmark(quality.benchmark_cases([un_list], 150))
    assert (recall >= 0.95, false <= 0.04, min(classes.values()) >= 0.79) == (True, True, True), (
        recall,
        false,
        classes,
    )


def test_treated_names_are_found(un_list: kyb.ScreeningList, un_index: kyb.ScreeningIndex) -> None:
    persons = [entry for entry in un_list.entries if entry.kind == "person"]
    assert quality.treated_recall(persons, un_index) >= 0.985


def test_hausa_names_need_few_judgements(un_index: kyb.ScreeningIndex) -> None:
    hausa = [(name, 1946 + at % 60) for at, name in enumerate(quality._hausa(1_000))]
    assert quality.alarms(un_index, hausa)[1] <= 0.015


# Offices rather than honorifics, and words that are names in the served countries.
NO_TITLE = {"private", "the", "chair", "mstr"}


def test_our_titles_are_nearly_all_that_rigour_knows() -> None:
    ours = {word for phrases in titles().values() for phrase in phrases for word in phrase}
    unknown = {
        given
        for given in rigour.person_name_prefixes_list()
        if any(
            fold(word) and fold(word) not in ours | NO_TITLE
            for word in given.replace("-", " ").replace(".", " ").split()
        )
    }
    assert len(unknown) <= 12, unknown


@pytest.mark.parametrize(
    "form",
    ["Ltd", "Limited", "LLC", "GmbH", "S.A.", "SARL", "S.p.A.", "B.V.", "N.V.", "A/S", "Oy", "AB", "Sdn Bhd", "Pty Ltd",
     "ООО", "ЗАО", "ПАО", "S.R.L.", "Ltda", "S.A. de C.V.", "PT", "K.K.", "JSC", "PJSC", "EURL", "GIE", "e.V.", "AG"],
)  # fmt: skip
def test_legal_forms_of_many_languages_do_not_count(form: str) -> None:
    assert kyb.name_score(f"Wanjiru Kisima {form}", "Wanjiru Kisima", "entity") >= 0.97
    assert legal_forms()
