"""Where the secret keys are: in MERCHANT_SECRET_KEY, else in a file, which `merchant seed` makes and nothing else does.

The file is MERCHANT_SECRET_KEY_FILE, or `secret.key` in the data folder. Every writer holds a lock and replaces the
file in one step. A running program looks at it again while it seals, and at once when it meets a key that it does not
know: so keys can be rotated under it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from merchant.core import clock, files, keyring
from merchant.core.errors import OperatorProblem
from merchant.core.settings import Settings
from merchant.core.vault import Vault

FILE_NAME = "secret.key"
# A running program looks at the file once a second, and a transaction lives at most some 15 s: a minute after a key was
# put in front, nothing new is sealed under the one behind it.
DROP_AFTER_S = 60.0


class NoSecretKey(OperatorProblem):
    """There is no secret key, or its file cannot be read or written."""


class KeysNotInFile(OperatorProblem):
    """MERCHANT_SECRET_KEY is set, so that the operator alone can change the keys."""


class TooSoon(OperatorProblem):
    """Running programs may still write under the key that is to be dropped."""


def path_of(settings: Settings) -> Path:
    """The file of the keys, whether it exists or not."""
    return Path(settings.secret_key_file) if settings.secret_key_file else settings.data_dir / FILE_NAME


def is_there(settings: Settings) -> bool:
    """Whether there is a secret key at all. Raises NoSecretKey where nobody may look."""
    path = path_of(settings)
    try:
        return bool(settings.secret_key) or path.exists()
    except OSError as error:
        raise NoSecretKey(f"The secret key in {path} cannot be read: {_why(error)}.") from None


def open_vault(settings: Settings) -> Vault:
    """A vault on the keys of the setting or the file. Raises NoSecretKey, BadSecretKey."""
    if settings.secret_key:
        return Vault(settings.secret_key)
    path = path_of(settings)
    return Vault(_read(path), source=str(path), reread=_Reread(path))


def make(settings: Settings) -> None:
    """Make the file with a fresh key; keys that are there stay. Raises NoSecretKey when it cannot be written."""
    if is_there(settings):
        return
    with _exclusively(settings) as path:
        if not path.exists():
            files.write(path, keyring.new().encode())


def put_in_front(settings: Settings) -> str:
    """Make a fresh key and put it before the others; its id. Raises KeysNotInFile, NoSecretKey, BadSecretKey."""
    _check_in_file(settings)
    fresh = keyring.new()
    with _exclusively(settings) as path:
        others = _read(path)
        Vault(others, source=str(path))
        files.write(path, f"{fresh},{others}".encode())
    return fresh.partition(":")[0]


def check_age(settings: Settings) -> None:
    """Raises TooSoon while running programs may not yet write under the first key; KeysNotInFile, NoSecretKey."""
    _check_in_file(settings)
    path = path_of(settings)
    _read(path)
    left_s = path.stat().st_mtime + DROP_AFTER_S - clock.now().timestamp()
    if 0 < left_s <= DROP_AFTER_S:
        raise TooSoon(
            f"Running programs may still write under the older key: run this again in {int(left_s) + 1} seconds."
        )


def drop_all_but_first(settings: Settings) -> list[str]:
    """Remove every key but the first; the ids of those removed. Whether they are needed is the caller's to check."""
    _check_in_file(settings)
    with _exclusively(settings) as path:
        keys = _read(path).split(",")
        files.write(path, keys[0].strip().encode())
    return [key.strip().partition(":")[0] for key in keys[1:]]


def _check_in_file(settings: Settings) -> None:
    if settings.secret_key:
        raise KeysNotInFile(
            "The keys are in MERCHANT_SECRET_KEY, which only you can change: put a new key in front or drop the last"
            ' there, and start every program again (README, "Rotate the secret key").'
        )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise NoSecretKey(
            f"There is no secret key: {path} does not exist and MERCHANT_SECRET_KEY is not set. `merchant seed` makes"
            " one for a new installation; an older one needs the key it was set up with."
        ) from None
    except (OSError, ValueError) as error:
        raise NoSecretKey(f"The secret key in {path} cannot be read: {_why(error)}.") from None


@contextmanager
def _exclusively(settings: Settings) -> Iterator[Path]:
    """The file's path, with every other writer kept out."""
    path = path_of(settings)
    try:
        with files.locked(path.with_name(path.name + ".lock")):
            yield path
    except OSError as error:
        raise NoSecretKey(f"The secret key cannot be written to {path}: {_why(error)}.") from None


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


class _Reread:
    """Called now and then: the file's text when it has changed since, else None."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._version()

    def __call__(self) -> str | None:
        version = self._version()
        if version is None or version == self._seen:
            return None
        self._seen = version
        try:
            return self._path.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None

    def _version(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
