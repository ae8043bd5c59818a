"""Read a policy from TOML: one whole text, or a text and stricter ones laid over it."""

import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any

import msgspec

from kyb.policy.check import check_policy, policy_faults
from kyb.policy.layers import check_tightens, lay_over, loosened
from kyb.policy.model import Policy, PolicyError, PolicyText, Tier
from kyb.said_faults import said_fault

MAX_POLICY_CHARS = 1 << 20  # the presets have under 20 k; what is longer is another file


def load_policy(toml_text: str) -> Policy:
    """Read and check a whole policy; raises PolicyError with the place of the first fault."""
    return load_layers([toml_text])


def load_layers(toml_texts: Sequence[str]) -> Policy:
    """A policy out of its layers, the regulator's ceiling first; each one tightens those before it.

    The first text is whole, or says by `extends` which preset it is laid over. Raises PolicyError when a layer loosens
    what is above it, or the result contradicts itself.
    """
    above: Policy | None = None
    for policy in _laid_over(toml_texts):
        check_policy(policy)
        if above is not None:
            check_tightens(above, policy)
        above = policy
    assert above is not None, "a text yields a policy or raises"
    return above


def layer_faults(toml_texts: Sequence[str]) -> list[str]:
    """Everything that is wrong with the last of these layers, each fault with its place; nothing when it is sound.

    A layer above it that is wrong is told instead, since nothing can be laid over it.
    """
    found: list[str] = []
    above: Policy | None = None
    try:
        for policy in _laid_over(toml_texts):
            found = list(policy_faults(policy))
            if not found and above is not None:
                found = list(loosened(above, policy))
            if found:
                break
            above = policy
    except PolicyError as error:
        found = [str(error)]
    return list(dict.fromkeys(found))


def _laid_over(toml_texts: Sequence[str]) -> Iterator[Policy]:
    """The policy of the first text, of the first two, and so on, unchecked: whoever takes one checks it."""
    if not toml_texts:
        raise PolicyError("a policy needs at least one text")
    document = _decoded(toml_texts[0])
    if "extends" in document:
        toml_texts = (preset(str(document["extends"])), *toml_texts)
        document = _decoded(toml_texts[0])
    yield _made(document, toml_texts[:1])
    for count, text in enumerate(toml_texts[1:], 2):
        document = lay_over(document, _decoded(text))
        yield _made(document, toml_texts[:count])


def preset(name: str) -> str:
    """The TOML text of a policy that comes with the library. Raises PolicyError for an unknown name."""
    if name not in presets():
        raise PolicyError(f"there is no preset {name}; there are {', '.join(presets())}")
    return files("kyb").joinpath(f"policies/{name}.toml").read_text(encoding="utf-8")


@cache
def presets() -> tuple[str, ...]:
    """The names of the policies that come with the library."""
    found = (path.name.removesuffix(".toml") for path in files("kyb").joinpath("policies").iterdir())
    return tuple(sorted(name for name in found if not name.startswith("_")))


def default_policy() -> Policy:
    """The policy that comes with the library, policies/generic.toml."""
    return load_policy(preset("generic"))


def _decoded(toml_text: str) -> dict[str, Any]:
    if len(toml_text) > MAX_POLICY_CHARS:
        raise PolicyError(f"a policy has at most {MAX_POLICY_CHARS} characters")
    try:
        return tomllib.loads(toml_text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyError(f"not TOML: {error}") from error


def _made(document: dict[str, Any], toml_texts: Sequence[str]) -> Policy:
    try:
        text = msgspec.convert(document, PolicyText)
    except msgspec.ValidationError as error:
        raise PolicyError(said_fault(error, document, partial(msgspec.convert, type=PolicyText))) from error
    tiers = tuple(Tier(name=name, **msgspec.structs.asdict(tier)) for name, tier in text.tiers.items())
    # One text keeps the hash of its bytes; layers are hashed together, each by its own hash.
    hashes = [hashlib.sha256(each.encode()).hexdigest() for each in toml_texts]
    whole = hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    return Policy(text=text, tiers=tiers, sha256=whole, layers=tuple(hashes))
