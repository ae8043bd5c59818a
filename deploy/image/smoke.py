"""Run inside the image while it is built: all that the service imports is there, and every language."""

import importlib
import pkgutil

from babel import Locale

import kyb
import merchant
import qr
import ussd
from merchant.core.texts import OFFERED, country_name, locale_of
from merchant.portal.merchant.code import _languages

for package in (merchant, kyb, qr, ussd):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.startswith(("merchant.demo", "merchant.__main__", "merchant.migrations.")):
            importlib.import_module(module.name)
for language in OFFERED:
    country_name("KE", language)  # raises for a language whose locale is missing
    Locale.parse(locale_of(language)).days["format"]["wide"][0]
_languages()
