"""Figures of the qr library and, in the same run, of its peers: `python -m tests.load.qr_bench`, and in `make bench`.

Each peer does its nearest equivalent on the same code. segno, qrcode and zxing-cpp come with this project; the others
are measured where they are installed (`pip install cemacqr pysip-qr`), and named with the reason where they are not.
"""

import io
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import qr
from qr.posters import Design, Poster, poster_pdf
from tests.load import history
from tests.load.meter import rate_per_s
from tests.load.table import Row, peer, show

SHOP = {
    "domain": "pay.example.org",
    "name": "Mama Njeri Shop",
    "city": "Nairobi",
    "country": "KE",
    "currency": "KES",
    "mcc": "5411",
}
CODE = qr.mojaloop_code(
    **SHOP,
    identifier="52318764",
    amount="250.5",
    sub_id="K7Q2M9XA",
    reference_label="K7Q2M9XA",
    terminal_label="Till 2",
)
PAYLOAD = qr.encode(CODE, profile="mojaloop")
LONG = PAYLOAD + "x" * (181 - len(PAYLOAD))  # the length at which the budgets are set
ROUNDED = qr.Look(style=qr.Style(rounded=True), level="M")
POSTERS = 1000
IMPORTS = 9
Do = Callable[[], Any]
Peers = dict[tuple[str, str], Callable[[Any], Do]]  # by package and what of it is called

# --- the same work by others -----------------------------------------------------------------------------------------


def _cemacqr_builder(cemacqr: Any) -> Any:
    return (
        cemacqr.MerchantQr()
        .merchant(name="Mama Njeri Shop", city="Nairobi", country="KE")
        .category("5411")
        .currency("404")
        .amount("250.5")
        .reusable(False)
        .account("26", gui="org.example.pay", **{"01": "ALIAS", "02": "52318764", "03": "K7Q2M9XA"})
        .reference("K7Q2M9XA")
        .terminal("Till 2")
    )


def _sip_request(sip_qr: Any) -> Any:
    fields = {"01": "ALIAS", "02": "52318764", "03": "K7Q2M9XA"}
    return sip_qr.EmvQrRequest(
        merchant_accounts=[sip_qr.MerchantAccountInfo("26", "org.example.pay", fields)],
        merchant_category_code="5411",
        merchant_name="Mama Njeri Shop",
        merchant_city="Nairobi",
        transaction_currency="404",
        country_code="KE",
        point_of_initiation="12",
        transaction_amount="250.5",
        additional_data=sip_qr.AdditionalDataField(reference_label="K7Q2M9XA", terminal_label="Till 2"),
    )


def _segno(segno: Any, kind: str, **options: Any) -> Do:
    def draw() -> None:
        segno.make_qr(LONG, error="M", mode="byte", boost_error=False).save(io.BytesIO(), kind=kind, **options)

    return draw


def _qrcode(qrcode: Any, factory: str, **options: Any) -> Do:
    module, _, name = factory.rpartition(".")
    image_factory = getattr(import_module(module), name)

    def draw() -> None:
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, **options)
        code.add_data(LONG)
        code.make_image(image_factory=image_factory).save(io.BytesIO())

    return draw


def _qrcode_rounded(qrcode: Any) -> Do:
    bars = import_module("qrcode.image.styles.moduledrawers.pil").HorizontalBarsDrawer(vertical_shrink=0.9)
    styled = import_module("qrcode.image.styledpil").StyledPilImage

    def draw() -> None:
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
        code.add_data(LONG)
        code.make_image(styled, module_drawer=bars).save(io.BytesIO())

    return draw


def _zxing(zxingcpp: Any, kind: str) -> Do:
    def draw() -> None:
        code = zxingcpp.create_barcode(LONG, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        code.to_svg() if kind == "svg" else code.to_image(scale=10)

    return draw


ENCODERS: Peers = {
    ("cemacqr", "build"): lambda cemacqr: lambda: str(_cemacqr_builder(cemacqr).build()),
    ("pysip-qr", "generate_payload"): lambda sip_qr: lambda: sip_qr.generate_payload(_sip_request(sip_qr)),
}
DECODERS: Peers = {
    ("cemacqr", "parse and validate"): lambda cemacqr: (
        lambda: cemacqr.validate(cemacqr.parse_payload(PAYLOAD), cemacqr.EMVCO)
    ),
    ("pysip-qr", "validate_payload"): lambda sip_qr: lambda: sip_qr.validate_payload(PAYLOAD),
}
SVGS: Peers = {
    ("segno", "svg"): lambda segno: _segno(segno, "svg", border=4),
    ("qrcode", "svg path"): lambda qrcode: _qrcode(qrcode, "qrcode.image.svg.SvgPathImage"),
    ("zxing-cpp", "svg, in C++"): lambda zxingcpp: _zxing(zxingcpp, "svg"),
}
PNGS: Peers = {
    ("segno", "png"): lambda segno: _segno(segno, "png", border=4, scale=10),
    ("qrcode", "png by Pillow"): lambda qrcode: _qrcode(qrcode, "qrcode.image.pil.PilImage", box_size=10),
    ("zxing-cpp", "pixels only, in C++"): lambda zxingcpp: _zxing(zxingcpp, "png"),
}
ROUNDED_PNGS: Peers = {("qrcode", "rounded png by Pillow"): _qrcode_rounded}
_MODULES = {"pysip-qr": "sip_qr", "zxing-cpp": "zxingcpp"}


# --- rows ------------------------------------------------------------------------------------------------------------


def qr_rows() -> Iterator[Row]:
    """The library's figures, each followed by its peers'."""
    encodes = rate_per_s(lambda: qr.encode(CODE)) / 1000
    yield Row(f"EMV encode, {len(PAYLOAD)} characters", encodes, "k/s", 110)
    yield Row("  with the rules of the mojaloop profile", rate_per_s(lambda: qr.encode(CODE, "mojaloop")) / 1000, "k/s")
    yield from _peers(ENCODERS, encodes, "k/s")
    decodes = rate_per_s(lambda: qr.decode(PAYLOAD)) / 1000
    yield Row("EMV strict decode, every rule", decodes, "k/s", 65)
    yield from _peers(DECODERS, decodes, "k/s")
    for kind, draw, budget, peers in (
        ("SVG", lambda: qr.render_svg(LONG), 2000, SVGS),
        ("PNG, 10 pixels a module", lambda: qr.render_png(LONG), 1300, PNGS),
        ("PNG with round ends", lambda: qr.render_png(LONG, ROUNDED), 200, ROUNDED_PNGS),
    ):
        drawn = rate_per_s(draw)
        yield Row(f"QR code as {kind}, {len(LONG)} characters", drawn, "/s", budget)
        yield from _peers(peers, drawn, "/s")
    yield Row("1,000 A5 posters, encoded, drawn and read back", _posters_s(), "s", 2.5)
    yield Row("import qr", _import_ms("import qr"), "ms", 10)
    yield Row("  and what encodes and decodes", _import_ms("import qr; qr.encode, qr.decode"), "ms", 60)
    yield Row("  and a first decode", _import_ms(f"import qr; qr.decode({PAYLOAD!r})"), "ms", 60)
    yield Row("  and a first explain", _import_ms(f"import qr; qr.explain({PAYLOAD!r})"), "ms")
    yield Row("  and a first SVG", _import_ms(f"import qr; qr.render_svg({PAYLOAD!r})"), "ms")


def _peers(peers: Peers, ours: float, unit: str) -> Iterator[Row]:
    for (package, call), prepare in peers.items():
        try:
            module = import_module(_MODULES.get(package, package))
            name = f"{package} {version(package)}, {call}"
        except (ImportError, PackageNotFoundError):
            yield Row(f"  {package}, {call}", None, unit, note="not installed")
            continue
        yield peer(name, rate_per_s(prepare(module)) / (1000 if unit == "k/s" else 1), unit, ours)


def _posters_s() -> float:
    began = time.process_time()
    design = Design(languages=("sw", "en"), scheme="PayAll")
    poster_pdf(map(_poster, range(POSTERS)), design)
    return time.process_time() - began


def _poster(index: int) -> Poster:
    number = str(10_000_000 + index * 7919)
    payload = qr.encode(qr.mojaloop_code(**SHOP, identifier=number), profile="mojaloop")
    return Poster(
        payload=payload, name=f"Mama Njeri Shop {index}", number=number, ussd=f"*384*123*{number}#", dfsp="Green Bank"
    )


def _import_ms(statement: str) -> float:
    """Median CPU milliseconds of an import in a fresh interpreter, beside the interpreter's own start."""
    script = f"import time; began = time.process_time(); {statement}; print(time.process_time() - began)"
    taken = [subprocess.run([sys.executable, "-c", script], capture_output=True, check=True) for _ in range(IMPORTS)]
    return statistics.median(float(one.stdout) for one in taken) * 1000


if __name__ == "__main__":
    rows = [history.yardstick(), *qr_rows()]
    show(rows, history.usual_figures(history.read(), history.run_of(rows, "", history.this_machine())))
