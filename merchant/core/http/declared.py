"""What a route declares of itself: who may call it, what it takes, what it answers, how it refuses.

route.py makes handlers of these declarations, and the OpenAPI document is written from them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

from msgspec import Struct

from merchant.core import errors
from merchant.core.access import Permission
from merchant.core.http import exports, uploads
from merchant.core.http.filters import Filter
from merchant.core.settings import Settings

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Problems = tuple[type[errors.MerchantError], ...]

SORT = "sort"
EXPORT_FILTER = Filter(
    exports.FORMAT, "The whole list as a file instead, without `limit` and `cursor`.", choices=exports.FORMATS
)


class Route(Struct, frozen=True, kw_only=True):
    """What a route declares of itself."""

    method: Method
    path: str  # with {names}, as OpenAPI writes it
    path_types: Mapping[str, type] = {}  # UUID, int or str of each name
    permission: Permission | None  # None with public=False: everyone who is signed in
    own_permission: Permission | None = None  # enough for a merchant's own people, who reach what is that merchant's
    public: bool = False  # nobody is asked who they are
    operation_checks_permission: bool = False  # not the guard: a maker is told "checker_is_maker" first
    status: int = 200
    body: Any = None
    upload: Callable[[Settings], int] | None = None  # the body is a form with a file of at most so many bytes
    spooled: Any = None  # a struct of the text fields beside a large file: the body is a form, unread so far
    answer: Any = None  # the struct of a good answer
    items: Any = None  # the struct of a list's items
    paged: bool = False
    sorts: tuple[str, ...] = ()  # the orders in which a paged list may be read, the usual one first
    filters: tuple[Filter, ...] = ()
    media: tuple[str, ...] = ()  # media types of a good answer that is no JSON
    idempotency_key: Literal["required", "optional"] | None = None
    operation: str = ""  # what a key belongs to, with {names}; the path below /api/v1/ unless given
    if_match: bool = False
    etag: str | None = None  # of a thing that has just been made
    raises: Problems = ()
    transaction: bool = True
    unready: bool = False  # may answer 503 with a good answer's shape
    streams: bool = False
    tag: str = ""
    name: str = ""
    doc: str = ""

    @property
    def exports(self) -> bool:
        """Whether `format` makes a file of it: every list of the API."""
        return self.items is not None and self.method == "GET" and self.path.startswith("/api/") and not self.public

    @property
    def sort_filter(self) -> Filter | None:
        """The query name that chooses an order; None for a list that has one alone."""
        if not self.sorts:
            return None
        return Filter(SORT, f"The order of the list; `{self.sorts[0]}` unless given.", choices=self.sorts)

    @property
    def list_name(self) -> str:
        """What its path calls the list."""
        return next(part for part in reversed(self.path.split("/")) if part and "{" not in part)

    def problems(self) -> tuple[type[errors.MerchantError], ...]:
        """Every problem the route may answer with: what it declares, and what follows from the rest."""
        found: list[type[errors.MerchantError]] = [errors.NulCharacter] if self.path.startswith("/api/") else []
        if not self.public or self.streams:
            found += [errors.NotSignedIn]
        if self.permission is not None:
            found += [errors.NotAllowed]
        if self.permission is not None or self.streams:
            found += [errors.TotpEnrolmentRequired]
        if "{" in self.path:
            found += [errors.NotFound]
        if self.method != "GET":
            found += [errors.BodyCut, errors.BodyTimeout, errors.TooLarge]
        if self.upload is not None:
            found += [errors.MalformedForm, errors.UnsupportedMediaType, errors.InvalidFields]
        elif self.body is not None:
            found += [errors.MalformedJson, errors.JsonTooDeep, errors.UnsupportedMediaType, errors.InvalidFields]
        if self.spooled is not None:
            found += uploads.PROBLEMS
        if self.exports:
            found += [errors.InvalidPage, exports.TooManyRows]
        if self.paged:
            found += [errors.InvalidPage]
        if self.filters or self.items is not None:
            found += [errors.UnknownFilter, errors.InvalidFilter]
        if self.idempotency_key is not None:
            found += [errors.IdempotencyKeyMalformed, errors.IdempotencyKeyReused, errors.IdempotencyInProgress]
        if self.idempotency_key == "required":
            found += [errors.IdempotencyKeyMissing]
        if self.if_match:
            found += [errors.PreconditionMissing, errors.StaleVersion]
        if self.path.startswith("/api/"):
            found += [errors.Busy, errors.Unavailable]
        return tuple(dict.fromkeys([*found, *self.raises]))


class Options(TypedDict, total=False):
    """The keyword arguments of `route`: fields of `Route`."""

    permission: Permission | None
    own_permission: Permission | None
    public: bool
    operation_checks_permission: bool
    status: int
    upload: Callable[[Settings], int] | None
    spooled: Any
    answer: Any
    items: Any
    paged: bool
    sorts: tuple[str, ...]
    filters: tuple[Filter, ...]
    media: tuple[str, ...]
    idempotency_key: Literal["required", "optional"] | None
    operation: str
    if_match: bool
    etag: str | None
    raises: Problems
    transaction: bool
    unready: bool
    streams: bool
    tag: str
