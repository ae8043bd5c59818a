"""How much a word tells about who is meant, from 0 to 1: little when thousands bear it, most when it is rare.

The weights are fixed and know no list, so that two names have one score wherever they are compared.
"""

from functools import lru_cache

from kyb.lists.entry import ENTITY
from kyb.screening.tables import name_table, trade_words

PARTICLE_WEIGHT = 0.05
SERVANT_WEIGHT = 0.12
INITIAL_WEIGHT = 0.3
TRADE_WEIGHT = 0.15
PATRONYMIC_WEIGHT = 0.2
SHORT_WEIGHT = 0.6  # of an unknown word of up to three letters

_SHORT_LETTERS = 3
_PATRONYMICS = ("ovich", "evich", "ovna", "evna", "ovych", "ivna", "oglu", "ogly", "oglou", "qizi", "kyzy")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = _words("al el ul ur ar er as es us ad ed ud an en un az ez uz at et ut ash esh ush")

# Articles and words of kinship, which come and go.
PARTICLES = ARTICLES | _words(
    """
    bin ibn ben bn ibin bint binti binte binta bt wa wal wald walad weld wuld wld ould ouled oulad wel wul
    abu abou abi aboo abo umm um oum mac mc nin inaa inab
    de da do dos das del della delle di du des la le les los las lo van von der den ten ter te zu zum zur
    and et und na haji hadj
    """
)

SERVANT_FORMS = _words(
    "abd abdal abdel abdul abdol abdil abdoul abdur abdar abder abdir abdus abdes abdas abdud abded abdun aben"
    " cabd cabdul bd abdulo abdl abdool abdull"
)

# Words between those that count in a company's name.
STOP_WORDS = _words("the of and et und y e va na wa dan i for pour fur in de la le les du des di el da do al & a an to")


@lru_cache(maxsize=16_384)
def weigh(text: str, groups: tuple[int, ...], kind: str) -> float:
    """What a word tells; kind is person or entity, text the word as letters.py writes it."""
    if kind == ENTITY:
        return _weigh_for_entity(text)
    if text == "abd":
        return SERVANT_WEIGHT
    if text in PARTICLES:
        return PARTICLE_WEIGHT
    if len(text) == 1:
        return INITIAL_WEIGHT
    if text in _FORMS_AMONG_PERSONS:
        return PARTICLE_WEIGHT
    if groups:
        weights = name_table().weights
        return max(weights[group] for group in groups)
    if text.endswith(_PATRONYMICS):
        return PATRONYMIC_WEIGHT
    return SHORT_WEIGHT if len(text) <= _SHORT_LETTERS else 1.0


def _weigh_for_entity(text: str) -> float:
    if text in STOP_WORDS:
        return PARTICLE_WEIGHT
    if text in trade_words():
        return TRADE_WEIGHT
    return SHORT_WEIGHT if len(text) < _SHORT_LETTERS else 1.0


# A business may bear a person's name: "Badege Eric & Co".
_FORMS_AMONG_PERSONS = _words(
    "co ltd llc inc corp sarl gmbh plc sons bros brothers company limited enterprises enterprise"
)
