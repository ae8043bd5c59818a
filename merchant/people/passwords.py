"""What a good password is, and hashing it without letting anyone use up the machine.

One rule for invitations, resets, changes, `merchant seed` and the command line. zxcvbn judges how soon a guesser finds
a password; the lists of common passwords, names and words that it ranks by are inside it, so that nothing is looked up
outside.
"""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from merchant.core import errors, vault
from merchant.core.service import Service
from merchant.core.texts import _, _n
from merchant.core.throttle import Throttle

MIN_PASSWORD_LENGTH = 12  # NIST SP 800-63B asks for 8 at least; staff accounts move money
MAX_PASSWORD_LENGTH = 128  # argon2 works on any length; a bound keeps a request cheap
# Of zxcvbn's 0 to 4: 3 needs more than 10^8 guesses, out of reach of a guesser who must ask us each time.
_MIN_SCORE = 3
_SCORED_CHARS = 72  # zxcvbn's time grows with the square of the length
_PERSONAL_WORDS_MAX = 20
# argon2 takes 19 MiB and some 30 ms of one core each: four at once leave a small machine to the others.
_AT_ONCE = 4
_WAITING_MAX = 50  # two seconds' worth; who comes later is told to come again
# Of tries that fail, from one source: a whole bank comes from one address, and mistypes now and then.
_PER_MINUTE, _BURST = 30, 40
# Verified where there is no password, so that every try costs the same.
_DECOY_HASH = vault.hash_password("no such user")


class Hashing:
    """The password hashings of a process: how many are under way, were done, and may come from one source."""

    def __init__(self, _service: Service) -> None:
        self.slots = asyncio.Semaphore(_AT_ONCE)
        self.waiting = 0
        self.done = 0
        self.rate = Throttle(per_minute=_PER_MINUTE, burst=_BURST)

    def admit(self, source: str) -> None:
        """Count one more hashing for a source. Raises TooManyRequests."""
        wait_s = self.rate.wait_s(source)
        if wait_s or self.waiting >= _WAITING_MAX:
            raise too_many_tries(int(wait_s) + 1)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for one of the slots and hold it."""
        self.waiting += 1
        try:
            await self.slots.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self.done += 1
            self.slots.release()


def too_many_tries(wait_s: int) -> errors.TooManyRequests:
    """The one answer to too many tries, whatever was counted: it tells nothing about the account."""
    return errors.TooManyRequests(
        _n(
            "Too many tries to sign in; try again in {count} second.",
            "Too many tries to sign in; try again in {count} seconds.",
            wait_s,
        ),
        headers={"retry-after": str(wait_s)},
    )


def normal(password: str) -> str:
    """A password as it is hashed: NFC, so that the same letters typed on another machine are the same password."""
    return unicodedata.normalize("NFC", password)


async def check_password(password: str, personal: Iterable[str], *, field: str = "password") -> str:
    """The password as it may be hashed. `personal` are the person's and their employers' names and addresses.

    Raises InvalidFields with `too_short`, `too_long` or `weak` for `field`.
    """
    found = normal(password)
    if len(found) < MIN_PASSWORD_LENGTH:
        raise errors.invalid_field(field, "too_short", _("Use at least {least} characters.", least=MIN_PASSWORD_LENGTH))
    if len(found) > MAX_PASSWORD_LENGTH:
        raise errors.invalid_field(field, "too_long", _("Use at most {most} characters.", most=MAX_PASSWORD_LENGTH))
    if "\0" in found:
        raise errors.NulCharacter
    if await asyncio.to_thread(_score, found, _words(personal)) < _MIN_SCORE:
        raise errors.invalid_field(
            field,
            "weak",
            _("This password is easily guessed. Use several unusual words, and no names of people or firms."),
        )
    return found


def wrong(field: str) -> errors.InvalidFields:
    """A password that someone who is signed in typed wrongly."""
    return errors.invalid_field(field, "wrong", _("The password is wrong."))


async def hash_password(service: Service, password: str) -> str:
    """The argon2id hash of a password that was checked."""
    async with service.shared(Hashing).slot():
        return await asyncio.to_thread(vault.hash_password, normal(password))


async def matches(service: Service, password_hash: str | None, password: str) -> bool:
    """Whether a password is the hashed one. Without a usable hash the answer is no, after the same work."""
    usable = password_hash is not None and password_hash.startswith("$")
    async with service.shared(Hashing).slot():
        right = await asyncio.to_thread(
            vault.password_matches, password_hash if usable and password_hash else _DECOY_HASH, normal(password)
        )
    return right and usable


def _score(password: str, words: list[str]) -> int:
    from zxcvbn import zxcvbn  # 50 ms, which a process that sets no password never needs

    # With blanks and signs dropped as well: zxcvbn takes "changeme changeme" for far stronger than "changemechangeme".
    joined = "".join(character for character in password if character.isalnum())
    tried = {password[:_SCORED_CHARS], joined[:_SCORED_CHARS]} - {""}
    return min(int(zxcvbn(each, user_inputs=words)["score"]) for each in tried)


def _words(personal: Iterable[str]) -> list[str]:
    """Names and addresses whole and in parts, as a guesser would try them."""
    found: dict[str, None] = {}
    for text in personal:
        parts = text.replace("@", " ").replace(".", " ").replace("-", " ").split()
        found |= dict.fromkeys([text, "".join(parts), *parts])
    return [word[:_SCORED_CHARS] for word in found if len(word) > 2][:_PERSONAL_WORDS_MAX]
