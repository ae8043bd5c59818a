"""The tables and patterns of ISO/IEC 18004, as segno holds them.

segno calls these modules private and leaves them untyped, so everything is imported here. The tests compare our symbols
with segno's own, so a change in a new release is noticed.
"""

from importlib import import_module
from typing import Any

consts: Any = import_module("segno.consts")
encoder: Any = import_module("segno.encoder")
QRCode: Any = import_module("segno").QRCode
