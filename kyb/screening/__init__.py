"""Name screening: two names compared, a name looked up in the index of listed ones, a whole application screened."""

from kyb.screening.compare import name_score
from kyb.screening.index import ScreeningIndex, build_index
from kyb.screening.match import Hit, Screened, Subject, screen, screen_subject
from kyb.screening.subjects import Screening, screen_sections

__all__ = [
    "Hit",
    "Screened",
    "Screening",
    "ScreeningIndex",
    "Subject",
    "build_index",
    "name_score",
    "screen",
    "screen_sections",
    "screen_subject",
]
