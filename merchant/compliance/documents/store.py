"""Where the files of documents are: a folder below data_dir, or storage that speaks S3 (setting document_store).

A file is named by its DFSP and the SHA-256 of its sealed bytes, so it is never changed, and there is none or all of it.
Whoever calls has no transaction open: these wait for disks and networks.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import structlog

from merchant.compliance.documents.problems import DamagedDocument, StoreAway
from merchant.core import files, logs
from merchant.core.errors import OperatorProblem
from merchant.core.service import Service
from merchant.core.settings import Settings

FOLDER = "documents"
# The largest document at 4 Mbit/s; a storage that is slower is away.
_LONGEST_S = 30.0
_RETRIES = 2
_RETRY_AFTER_S = 60
_log = structlog.get_logger()
T = TypeVar("T")


class BadStoreSecret(OperatorProblem):
    """The file of the storage's secret cannot be read."""


class Store(Protocol):
    """What keeps files by name."""

    async def put(self, name: str, data: bytes) -> None:
        """Keep a file. Raises StoreAway."""

    async def get(self, name: str) -> bytes:
        """A file. Raises StoreAway, DamagedDocument when there is none."""

    async def delete(self, name: str) -> None:
        """Forget a file, and what an attempt to keep it left; none is as good. Raises StoreAway."""


def name_of(dfsp_id: UUID, stored_sha256: str) -> str:
    """The name of a DFSP's file."""
    return f"{dfsp_id}/{stored_sha256[:2]}/{stored_sha256}"


def store_of(service: Service) -> Store:
    """The store of this process. Raises BadStoreSecret."""
    return service.shared(_make)


def _make(service: Service) -> Store:
    settings = service.settings
    return _Bucket(settings) if settings.document_store else _Folder(settings.data_dir / FOLDER)


class _Folder:
    """A folder, readable by the service's own user only."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, name: str, data: bytes) -> None:
        with _disk_faults():
            await asyncio.to_thread(files.write, self._root / name, data)

    async def get(self, name: str) -> bytes:
        with _disk_faults():
            try:
                return await asyncio.to_thread((self._root / name).read_bytes)
            except FileNotFoundError:
                raise _missing(name) from None

    async def delete(self, name: str) -> None:
        with _disk_faults():
            await asyncio.to_thread(self._delete, self._root / name)

    @staticmethod
    def _delete(path: Path) -> None:
        # What files.write was interrupted in stands beside it, with its name behind some letters.
        for each in [path, *path.parent.glob(f".*{path.name}")]:
            each.unlink(missing_ok=True)
        for folder in (path.parent, path.parent.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()  # where nothing else is in it


@contextlib.contextmanager
def _disk_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _away(error) from error


class _Bucket:
    """A bucket, or what is below a prefix of it."""

    def __init__(self, settings: Settings) -> None:
        import obstore  # 5 MB, which an installation with a folder never needs
        from obstore.store import S3Store

        self._obstore = obstore
        parts = urlsplit(settings.document_store)
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        given: dict[str, Any] = {name: options[name] for name in ("endpoint", "region") if name in options}
        if settings.document_store_key:
            given |= {"access_key_id": settings.document_store_key, "secret_access_key": _secret(settings)}
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={
                "timeout": timedelta(seconds=_LONGEST_S),
                "connect_timeout": timedelta(seconds=5),
                "allow_http": options.get("endpoint", "").startswith("http:"),
            },
            disable_bulk_delete=True,  # not every storage knows it
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_LONGEST_S)},
            **given,
        )

    async def put(self, name: str, data: bytes) -> None:
        # In one piece: a piece of several that never ends stays in the storage unseen.
        await _over_network(self._obstore.put_async(self._store, name, data, use_multipart=False), name)

    async def get(self, name: str) -> bytes:
        async def read() -> bytes:
            found = await self._obstore.get_async(self._store, name)
            return bytes(await found.bytes_async())

        return await _over_network(read(), name)

    async def delete(self, name: str) -> None:
        with contextlib.suppress(DamagedDocument):
            await _over_network(self._obstore.delete_async(self._store, name), name)


async def _over_network(call: Awaitable[T], name: str) -> T:
    from obstore.exceptions import BaseError

    try:
        async with asyncio.timeout(2 * _LONGEST_S):
            return await call
    except FileNotFoundError:
        raise _missing(name) from None
    except (BaseError, OSError, TimeoutError) as error:
        raise _away(error) from error


def _secret(settings: Settings) -> str:
    path = settings.document_store_secret_file
    if not path:
        return settings.document_store_secret
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise BadStoreSecret(f"MERCHANT_DOCUMENT_STORE_SECRET_FILE: {path} cannot be read: {error}.") from None


def _missing(name: str) -> DamagedDocument:
    _log.error("document_file_missing", name=name, advice="Bring the file back from a copy of the store.")
    return DamagedDocument()


def _away(error: BaseException) -> StoreAway:
    _log.error("document_store_unavailable", error=logs.describe(error))
    return StoreAway(headers={"retry-after": str(_RETRY_AFTER_S)})
