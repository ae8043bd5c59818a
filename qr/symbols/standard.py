"""The tables and patterns of ISO/IEC 18004, as segno holds them.

segno calls these modules private and leaves them untyped, so all that is taken from them is taken here. If a new
release moved something, the comparison of our symbols with segno's own would tell.
"""

from importlib import import_module
from typing import Any

consts: Any = import_module("segno.consts")
encoder: Any = import_module("segno.encoder")
QRCode: Any = import_module("segno").QRCode
