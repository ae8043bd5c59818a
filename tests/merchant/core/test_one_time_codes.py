"""One-time codes: six digits, kept as a digest of whom they are for, and rationed by when the last ones were."""

from datetime import UTC, datetime, timedelta

from merchant.core import one_time_codes
from merchant.core.vault import Vault
from tests.builders import SECRET_KEY

HOUR = timedelta(hours=1)


def test_a_code_has_six_digits_whatever_it_begins_with() -> None:
    made = {one_time_codes.new_code() for _ in range(500)}
    assert all(len(code) == 6 and code.isascii() and code.isdigit() for code in made)
    assert len(made) > 450


def test_a_code_is_right_for_whom_it_was_made_and_for_nobody_else() -> None:
    vault = Vault(SECRET_KEY)
    kept = one_time_codes.digest_of(vault, "door", "amina", "012345")
    assert b"012345" not in kept
    assert one_time_codes.is_right(kept, one_time_codes.digest_of(vault, "door", "amina", "012345"))
    for label, subject, code in (("door", "amina", "012346"), ("door", "juma", "012345"), ("gate", "amina", "012345")):
        assert not one_time_codes.is_right(kept, one_time_codes.digest_of(vault, label, subject, code))


def test_the_wait_is_until_the_oldest_of_three_is_an_hour_old() -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    ago = [now - timedelta(minutes=minutes) for minutes in (50, 40, 10)]
    assert one_time_codes.wait_s([], now, 3, HOUR) == one_time_codes.wait_s(ago[:2], now, 3, HOUR) == 0
    assert one_time_codes.wait_s(ago, now, 3, HOUR) == 601
    assert one_time_codes.wait_s([now, now, now], now, 3, HOUR) == 3601
    assert one_time_codes.wait_s([now - HOUR, now, now], now, 3, HOUR) == 0
