"""What a good password is, and that hashing cannot be used to stop the service."""

import asyncio
import time
import unicodedata

import pytest

from merchant.core import errors
from merchant.core.service import Service
from merchant.people import passwords
from merchant.people.passwords import Hashing, check_password

pytestmark = pytest.mark.anyio
WORDS = ("Wambui Otieno", "wambui.otieno@greenbank.example", "Green Bank", "greenbankfsp", "Lakeside Instant Payments")


@pytest.mark.parametrize(
    "password",
    [
        " " * 12,
        "aaaaaaaaaaaa",
        "password1234",
        "P@ssw0rd12345",
        "qwertyuiop123",
        "abcdefghijkl",
        "111122223333",
        "greenbankfsp",
        "greenbankfsp12",
        "greenbankfsp greenbankfsp",
        "Wambui Otieno",
        "wambui.otieno@greenbank.example",
        "lakeside instant payments",
        "changeme changeme",
        "p a s s w o r d 1",
        "iloveyouiloveyou",
    ],
)
async def test_what_a_guesser_tries_first_is_refused(password: str) -> None:
    with pytest.raises(errors.InvalidFields) as refused:
        await check_password(password, WORDS)
    assert [(one.path, one.code) for one in refused.value.errors] == [("password", "weak")]


@pytest.mark.parametrize(
    ("password", "code"), [("", "too_short"), ("kx82jfhq92h", "too_short"), ("k" * 129, "too_long")]
)
async def test_a_password_has_bounds(password: str, code: str) -> None:
    with pytest.raises(errors.InvalidFields) as refused:
        await check_password(password, WORDS)
    assert refused.value.errors[0].code == code


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "kx82jfhq92hf", "seven quiet baobabs", "ŋọ́nà tí kò ṣeé gbà", "x9" * 3 + "!qLr7#" * 20],
)
async def test_good_ones_of_any_script_are_taken_without_rules_of_composition(password: str) -> None:
    assert len(await check_password(password, WORDS)) >= 12


async def test_the_same_letters_are_the_same_password_however_they_are_encoded(service: Service) -> None:
    composed = "caf\u00e9 au lait \u00e0 Douala"
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    hashed = await passwords.hash_password(service, await check_password(decomposed, WORDS))
    assert await passwords.matches(service, hashed, composed)
    assert await passwords.matches(service, hashed, decomposed)


async def test_the_longest_password_is_judged_in_no_time() -> None:
    begun = time.process_time()
    for password in ("ab" * 64, "qwertyuiop" * 12, "1" * 128, "greenbankfsp" * 10):
        with pytest.raises(errors.InvalidFields):
            await check_password(password, WORDS)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("unusable", [None, "", "!", "$argon2id$damaged"])
async def test_without_a_usable_hash_the_answer_is_no_after_the_same_work(
    service: Service, unusable: str | None
) -> None:
    assert not await passwords.matches(service, unusable, "no such user")
    assert service.shared(Hashing).done == 1


async def test_few_hashings_run_at_once_and_a_crowd_is_sent_away(service: Service) -> None:
    hashing = service.shared(Hashing)
    async with hashing.slot(), hashing.slot(), hashing.slot(), hashing.slot():
        waiting = [asyncio.create_task(passwords.matches(service, None, "x")) for _ in range(50)]
        while hashing.waiting < 50:
            await asyncio.sleep(0)
        with pytest.raises(errors.TooManyRequests) as refused:
            hashing.admit("another source")
        assert int(refused.value.headers["retry-after"]) >= 1
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    hashing.admit("another source")
    assert await passwords.matches(service, await passwords.hash_password(service, "kx82jfhq92hf"), "kx82jfhq92hf")
