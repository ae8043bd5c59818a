"""How closely a trade is looked at: the risk class of a merchant category code, and sets of codes for policies.

Beside `policy` and `risk`, which ask it. mcc_classes.toml holds the sets with the source of each line; a policy may put
a code into another class. Words of prohibited activities stand there too, since no category says them.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

MccClass = Literal["low", "medium", "high", "enhanced", "agent", "prohibited"]
MCC_CLASSES: Final[tuple[MccClass, ...]] = get_args(MccClass)
# The first set that holds a code gives its class.
_STRICTEST_FIRST: Final[tuple[MccClass, ...]] = ("prohibited", "agent", "enhanced", "high", "low")
_CODE = re.compile("[0-9]{4}")
# ISO 18245 gives each of these to one airline, car rental or hotel chain by name: whoever claims one proves it.
_NAMED_FIRMS = frozenset(f"{code}" for code in range(3000, 4000))


class UnknownMccSet(ValueError):
    """A policy names a set or class that does not exist, or something that is no code."""


class _Data(Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    prohibited: dict[str, str]
    agent: dict[str, str]
    enhanced: dict[str, str]
    enhanced_remote: dict[str, str]
    high: dict[str, str]
    low: dict[str, str]
    activities: dict[str, list[str]]


@cache
def _data() -> _Data:
    text = files("kyb").joinpath("mcc_classes.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=_Data)


def mcc_class(mcc: str | None, overrides: Mapping[str, str] | None = None, *, is_remote: bool = False) -> MccClass:
    """The class of a code of four digits; medium when no set holds it.

    overrides are a policy's own classes by code, written "high" or "@high". is_remote: the merchant sells at a
    distance, from a virtual location. Raises UnknownMccSet for a class that does not exist.
    """
    if mcc is None:
        return "medium"
    if overrides and mcc in overrides:
        return _class_named(overrides[mcc])
    return next((name for name in _STRICTEST_FIRST if mcc in _listed(name, is_remote)), "medium")


def mcc_set(name: str, overrides: Mapping[str, str] | None = None, *, is_remote: bool = False) -> frozenset[str]:
    """The codes that a policy means by "@enhanced", or by a single code of four digits.

    A code that the policy overrides stands in the set of its new class alone. @medium holds only such codes. Raises
    UnknownMccSet.
    """
    if _CODE.fullmatch(name):
        return frozenset({name})
    if not name.startswith("@"):
        raise UnknownMccSet(f"{name} is neither a code of four digits nor a set such as @enhanced")
    return _set_of_class(name, tuple((overrides or {}).items()), is_remote)


@lru_cache(maxsize=256)  # a policy names some sets, and each application asks for all of them
def _set_of_class(name: str, overrides: tuple[tuple[str, str], ...], is_remote: bool) -> frozenset[str]:
    wanted = _class_named(name)
    moved = {mcc: _class_named(other) for mcc, other in overrides}
    return frozenset(_listed(wanted, is_remote) - moved.keys()) | {
        mcc for mcc, other in moved.items() if other == wanted
    }


def mcc_among(
    mcc: str | None, names: Iterable[str], overrides: Mapping[str, str] | None = None, *, is_remote: bool = False
) -> bool:
    """Whether a code is one of those that a policy names, such as ("@prohibited", "@enhanced", "6513").

    Raises UnknownMccSet for any wrong name, whatever the code.
    """
    named = [mcc_set(name, overrides, is_remote=is_remote) for name in names]
    return any(mcc in codes for codes in named)


def activities_named(text: str | None) -> tuple[str, ...]:
    """The prohibited activities that a name or description seems to speak of: codes, for a person to judge."""
    words = f" {' '.join(_WORDS.findall(unicodedata.normalize('NFKC', text or '').casefold()))} "
    return tuple(code for code, signs in _data().activities.items() if any(f" {sign} " in words for sign in signs))


_WORDS = re.compile(r"\w+")


def _class_named(name: str) -> MccClass:
    for known in MCC_CLASSES:
        if name.removeprefix("@") == known:
            return known
    raise UnknownMccSet(f"{name} is no class: one of {', '.join(MCC_CLASSES)}")


@cache
def _listed(name: MccClass, is_remote: bool) -> frozenset[str]:
    if name == "medium":
        return frozenset()
    found = frozenset(getattr(_data(), name))
    if name == "enhanced":
        return found | _NAMED_FIRMS | (_data().enhanced_remote.keys() if is_remote else set())
    return found
