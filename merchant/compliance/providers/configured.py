"""The providers that this installation has, by its settings: a table, to which another way to ask adds a line."""

from collections.abc import Callable

import aiohttp

from merchant.compliance.providers.http_provider import HttpProvider
from merchant.compliance.providers.port import Provider
from merchant.core.settings import Settings

Make = Callable[[Settings, aiohttp.ClientSession], Provider]


def _http(settings: Settings, http: aiohttp.ClientSession) -> Provider:
    return HttpProvider(http, settings.evidence_url, settings.evidence_token_file)


# Whether the settings name a provider, and how it is made; the first that is named is asked.
_TABLE: tuple[tuple[Callable[[Settings], bool], Make], ...] = ((lambda settings: bool(settings.evidence_url), _http),)


def has_provider(settings: Settings) -> bool:
    """Whether anybody can be asked."""
    return any(is_named(settings) for is_named, _make in _TABLE)


def provider_of(settings: Settings, http: aiohttp.ClientSession) -> Provider | None:
    """Whom to ask; None where no provider is set."""
    return next((make(settings, http) for is_named, make in _TABLE if is_named(settings)), None)
