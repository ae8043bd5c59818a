"""Every kind of picture, drawn by other renderers, read back, and read again after mistreatment."""

from __future__ import annotations

import base64
import io
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from typing import get_args

import pytest
import zxingcpp
from PIL import Image

from qr import render as pictures_of
from qr import symbols
from qr.drawing.marks import open_mark
from qr.render import (
    Kind,
    Look,
    prove,
    render,
    render_data_uri,
    render_eps,
    render_pdf,
    render_png,
    render_svg,
    render_text,
)
from qr.symbols.errors import BadLogo, CodeTooSmall, PictureError, PoorContrast, Unreadable
from qr.symbols.logo import make_with_logo
from qr.symbols.png import png
from qr.symbols.style import PLAIN, Style
from tests.qr.symbols.pictures import Spot, mistreated, of_pdf, of_png, of_svg, of_text, texts

PAYLOAD = (
    "00020101021126410016org.example.pay0105ALIAS0208523187645204541153034045802KE5915Mama Njeri Shop6007Nairobi"
    "62180706TILL010304MAIN6304A13A"
)
LOCAL = "64220002km0112ហាងកាហ្វេ6304BEEF"
GREEN = Style(dark="#0b3d2e", light="#fff8e7")
STYLES = {
    "plain": PLAIN,
    "coloured": GREEN,
    "rounded": Style(rounded=True),
    "both": Style(dark="#14213d", rounded=True),
}
QUIET = 4


def logo(width: int = 300, height: int = 200, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#b3261e").save(out, kind)
    return out.getvalue()


def modules_in(payload: str, level: str) -> int:
    return len(symbols.make(payload, level).matrix)


@pytest.fixture(params=STYLES.values(), ids=STYLES.keys())
def style(request: pytest.FixtureRequest) -> Style:
    return request.param


@pytest.fixture(params=[None, logo()], ids=["bare", "logo"])
def mark(request: pytest.FixtureRequest) -> bytes | None:
    return request.param


def test_a_png_reads_back(style: Style, mark: bytes | None) -> None:
    assert texts(of_png(render_png(PAYLOAD, Look(style=style, logo=mark)))) == [PAYLOAD]


def test_an_svg_reads_back(style: Style, mark: bytes | None) -> None:
    assert texts(of_svg(render_svg(PAYLOAD, Look(style=style, logo=mark)))) == [PAYLOAD]


def test_a_pdf_reads_back(style: Style, mark: bytes | None) -> None:
    (page,) = of_pdf(render_pdf(PAYLOAD, Look(style=style, logo=mark)))
    assert texts(page) == [PAYLOAD]


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_mistreated_code_still_reads(kind: Kind, style: Style, mark: bytes | None) -> None:
    data = render(PAYLOAD, kind, Look(style=style, logo=mark)).data
    module = 10 if kind == "png" else 0.8 / 25.4 * 300
    modules = len(make_with_logo(PAYLOAD).symbol.matrix) if mark else modules_in(PAYLOAD, style.level)
    picture = of_png(data) if kind == "png" else of_svg(data.decode(), 300) if kind == "svg" else of_pdf(data, 300)[0]
    side = round(modules * module)
    start = round(QUIET * module)
    for how, worse in mistreated(picture, Spot(start, start, side, module)):
        assert texts(worse) == [PAYLOAD], how


def test_a_code_in_local_script_reads_back_in_every_kind() -> None:
    assert texts(of_png(render_png(LOCAL))) == [LOCAL]
    assert texts(of_svg(render_svg(LOCAL))) == [LOCAL]
    assert texts(of_pdf(render_pdf(LOCAL))[0]) == [LOCAL]


def test_a_data_uri_holds_the_png() -> None:
    uri = render_data_uri(PAYLOAD)
    assert uri.startswith("data:image/png;base64,")
    assert base64.b64decode(uri.partition(",")[2]) == render_png(PAYLOAD)


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("payload", [PAYLOAD, LOCAL, "0", "a" * 181])
def test_a_terminal_code_reads_back(payload: str, inverted: bool) -> None:
    assert texts(of_text(render_text(payload, inverted=inverted), inverted=inverted)) == [payload]


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_a_terminal_code_has_the_level_asked_for(level: str) -> None:
    (found,) = zxingcpp.read_barcodes(of_text(render_text(PAYLOAD, Look(level=level))))
    assert (found.text, found.ec_level) == (PAYLOAD, level)


def test_a_terminal_code_has_its_quiet_zone() -> None:
    lines = render_text(PAYLOAD).splitlines()
    assert {len(line) for line in lines} == {modules_in(PAYLOAD, "M") + 2 * QUIET}
    assert all(line[:QUIET] == line[-QUIET:] == "█" * QUIET for line in lines[:-1])
    assert {*lines[0], *lines[1]} == {"█"}


@pytest.mark.parametrize("payload", ["", "x" * 3000, "\ud800"])
def test_a_terminal_code_refuses_an_empty_long_or_broken_payload(payload: str) -> None:
    with pytest.raises(ValueError):
        render_text(payload)


def test_a_terminal_code_says_that_a_payload_is_too_long_for_its_level() -> None:
    with pytest.raises(PictureError, match="3000 characters do not fit"):
        render_text("x" * 3000, Look(level="L"))


def test_a_terminal_code_refuses_an_unknown_level() -> None:
    with pytest.raises(ValueError, match="not one of"):
        render_text(PAYLOAD, Look(level="X"))


def test_an_eps_draws_every_dark_module() -> None:
    document = render_eps(PAYLOAD)
    matrix = symbols.make(PAYLOAD).matrix
    drawn = [bytearray(len(matrix)) for _ in matrix]
    for x, y, width in re.findall(r"^(\d+) (\d+) (\d+) 1 re", document, re.M):
        for column in range(int(x), int(x) + int(width)):
            drawn[len(matrix) - 1 - int(y)][column] = 1
    assert tuple(drawn) == matrix
    assert document.startswith("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 ")


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_same_call_gives_the_same_bytes(kind: Kind) -> None:
    assert render(PAYLOAD, kind) == render(PAYLOAD, kind)


def test_a_printed_module_is_as_large_as_asked_for() -> None:
    units = modules_in(PAYLOAD, "M") + 2 * QUIET
    root = ET.fromstring(render_svg(PAYLOAD, Look(module_mm=0.5)))
    assert root.get("width") == f"{units * 0.5:g}mm"
    (page,) = of_pdf(render_pdf(PAYLOAD, Look(module_mm=1.0)), dpi=254)
    assert page.width == pytest.approx(units * 10, abs=1)


def test_a_title_is_escaped() -> None:
    root = ET.fromstring(render_svg(PAYLOAD, title='<script>alert("1")</script> & ក'))
    assert root[0].text == '<script>alert("1")</script> & ក'


@pytest.mark.parametrize("brand", [{"style": GREEN}, {"style": Style(rounded=True)}])
def test_branding_lifts_the_level_to_q(brand: dict[str, object]) -> None:
    units = modules_in(PAYLOAD, "Q") + 2 * QUIET
    assert of_png(render_png(PAYLOAD, Look(module_px=4, **brand))).width == 4 * units  # type: ignore[arg-type]


def test_a_logo_hides_at_most_a_fifth_of_the_side() -> None:
    matrix = make_with_logo(PAYLOAD).symbol.matrix
    bare = of_png(png(matrix, 4, QUIET, b"\xff" * 3, b"\x00" * 3))
    branded = of_png(render_png(PAYLOAD, Look(logo=logo(200, 200), module_px=4)))
    changed = [
        (x, y)
        for y in range(bare.height)
        for x in range(bare.width)
        if bare.getpixel((x, y)) != branded.getpixel((x, y))
    ]
    width = max(x for x, _ in changed) - min(x for x, _ in changed) + 1
    assert width <= 0.20 * 4 * len(matrix)


def test_a_logo_file_is_not_passed_on_as_it_came() -> None:
    out = io.BytesIO()
    picture = Image.new("RGB", (50, 50), "red")
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    picture.save(out, "JPEG", exif=exif)
    document = render_svg(PAYLOAD, Look(logo=out.getvalue()))
    embedded = base64.b64decode(re.search(r"base64,([^\"]+)", document)[1])
    assert b"SECRET" not in embedded
    assert embedded.startswith(b"\x89PNG")


def test_verifying_returns_the_margin() -> None:
    rendered = render(PAYLOAD, "png", verify=True)
    assert rendered.margin is not None
    assert rendered.margin.sufficient
    assert rendered.media_type == "image/png"
    assert render(PAYLOAD, "png").margin is None


def test_every_style_has_enough_margin(style: Style, mark: bytes | None) -> None:
    assert prove(PAYLOAD, Look(style=style, logo=mark)).sufficient


@pytest.mark.parametrize("kind", get_args(Kind))
def test_verifying_refuses_a_level_that_survives_too_little_damage(kind: Kind) -> None:
    with pytest.raises(Unreadable):
        render(PAYLOAD, kind, Look(level="L"), verify=True)


@pytest.mark.parametrize("level", ["L", "M"])
@pytest.mark.parametrize("draw", [render_png, render_svg, render_pdf, prove])
def test_a_logo_on_a_low_level_is_refused(draw: object, level: str) -> None:
    with pytest.raises(BadLogo, match="level"):
        draw(PAYLOAD, Look(level=level, logo=logo()))  # type: ignore[operator]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg/>",
        b"\x89PNG\r\n\x1a\n broken",
        logo(kind="GIF"),
        logo()[:60],
        logo()[:8] + struct.pack(">I4sI", 0, b"IHDR", zlib.crc32(b"IHDR")) + logo()[33:],
        logo(4097, 1),
        b"x" * 5_000_000,
    ],
    ids=["empty", "text", "svg", "broken", "gif", "cut off", "short head", "too wide", "too heavy"],
)
@pytest.mark.parametrize("draw", [render_png, render_svg, render_pdf])
def test_an_invalid_logo_is_refused(draw: object, data: bytes) -> None:
    with pytest.raises(BadLogo):
        draw(PAYLOAD, Look(logo=data))  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["eps", "text"])
def test_eps_and_text_refuse_a_logo(kind: Kind) -> None:
    with pytest.raises(BadLogo):
        render(PAYLOAD, kind, Look(logo=logo()))


def test_text_has_no_style() -> None:
    with pytest.raises(ValueError, match="colours"):
        render(PAYLOAD, "text", Look(style=GREEN))


@pytest.mark.parametrize("draw", [render_svg, render_pdf, render_eps])
@pytest.mark.parametrize("module_mm", [0.49, 0.0, -1.0])
def test_printing_smaller_than_half_a_millimetre_is_refused(draw: object, module_mm: float) -> None:
    with pytest.raises(CodeTooSmall):
        draw(PAYLOAD, Look(module_mm=module_mm))  # type: ignore[operator]


@pytest.mark.parametrize("draw", [render_svg, render_pdf, render_eps])
@pytest.mark.parametrize("module_mm", [10.1, 1e300, float("inf"), float("nan")])
def test_printing_larger_than_ten_millimetres_is_refused(draw: object, module_mm: float) -> None:
    with pytest.raises(PictureError, match=r"0\.5 to 10 mm"):
        draw(PAYLOAD, Look(module_mm=module_mm))  # type: ignore[operator]


@pytest.mark.parametrize("brand", [{"logo": logo()}, {"style": Style(rounded=True)}])
@pytest.mark.parametrize("module_px", [1, 2, 3])
def test_a_branded_module_of_too_few_pixels_is_refused(brand: dict[str, object], module_px: int) -> None:
    with pytest.raises(CodeTooSmall, match="4 pixels"):
        render_png(PAYLOAD, Look(module_px=module_px, **brand))  # type: ignore[arg-type]


@pytest.mark.parametrize("style", [PLAIN, Style(rounded=True)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_drawn(style: Style) -> None:
    with pytest.raises(PictureError, match="million pixels"):
        render_png("x" * 1600, Look(module_px=64, style=style))


@pytest.mark.parametrize("kind", ["png", "data-uri"])
def test_verifying_reads_the_very_picture(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    other = render_png("0002")
    monkeypatch.setattr(pictures_of, "render_png", lambda *_, **__: other)
    with pytest.raises(Unreadable):
        render(PAYLOAD, kind, verify=True)


def test_sizes_of_modules_reach_the_picture() -> None:
    assert render(PAYLOAD, "png", Look(module_px=3), verify=True).data == render_png(PAYLOAD, Look(module_px=3))
    assert render(PAYLOAD, "svg", Look(module_mm=2)).data.decode() == render_svg(PAYLOAD, Look(module_mm=2))


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PictureError, match="gif"):
        render(PAYLOAD, "gif")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_logo_that_swells_when_it_is_unpacked_is_refused(kind: bytes) -> None:
    packed = (b"k\0\1\0\0\0" if kind == b"iTXt" else b"k\0\0") + zlib.compress(bytes(80_000_000))
    chunk = struct.pack(">I", len(packed)) + kind + packed + struct.pack(">I", zlib.crc32(kind + packed))
    with pytest.raises(BadLogo):
        render_png(PAYLOAD, Look(logo=logo()[:33] + chunk + logo()[33:]))


def test_decoded_marks_are_kept_in_bounds() -> None:
    assert open_mark.cache_info().maxsize <= 4


@pytest.mark.parametrize("module_px", [0, -1, 65, 10_000])
def test_a_module_of_no_or_too_many_pixels_is_refused(module_px: int) -> None:
    with pytest.raises(ValueError, match="pixels"):
        render_png(PAYLOAD, Look(module_px=module_px))


def test_colours_without_contrast_never_reach_a_picture() -> None:
    with pytest.raises(PoorContrast):
        render_png(PAYLOAD, Look(style=Style(dark="#ff0000")))


def test_an_empty_payload_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        pictures_of.render("")


def test_no_engine_or_image_library_is_imported_before_it_is_needed() -> None:
    heavy = ("segno", "qrcode", "PIL", "zxingcpp", "uharfbuzz")
    script = f"import sys, qr, qr.render; print(*[name for name in {heavy} if name in sys.modules])"
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == []


def test_a_plain_picture_needs_neither_an_image_library_nor_harfbuzz() -> None:
    script = (
        "import sys, qr.render as r; r.render_svg('0002'); r.render_png('0002'); r.render_pdf('0002'); "
        "print(*{'PIL', 'qrcode', 'uharfbuzz'}.intersection(sys.modules))"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert finished.stdout.split() == []
