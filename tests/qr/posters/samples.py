"""Merchants in six scripts, with the languages their posters speak."""

from __future__ import annotations

import io

from PIL import Image

from qr.posters import Design, Poster

PAYLOAD = (
    "00020101021126410016org.example.pay0105ALIAS0208523187645204541153034045802KE5915Mama Njeri Shop6007Nairobi"
    "62180706TILL010304MAIN6304A13A"
)
SCRIPTS = {
    "Latin": ("Mama Njeri's Corner Shop", "", ("en", "sw")),
    "Burmese": ("ဒေါ်အေးအေးနှင့်မိသားစု ကုန်စုံဆိုင်", "Daw Aye Aye & Family", ("my", "en")),
    "Khmer": ("ហាងកាហ្វេ សុខា និងគ្រួសារ", "Sokha Coffee", ("km", "en")),
    "Amharic": ("ማማ ንጄሪ ሱቅ እና ካፌ", "Mama Njeri Cafe", ("am", "en")),
    "Arabic": ("متجر السعادة 24 للتجارة العامة", "Al Saada Trading", ("ar", "fr")),
    "Bengali": ("স্বপ্ন জেনারেল স্টোর", "Shwapno", ("bn", "hi")),
}


def payload(number: str) -> str:
    return PAYLOAD.replace("52318764", number)


def poster(script: str = "Latin", number: str = "52318764", **more: object) -> Poster:
    name, second_name, _ = SCRIPTS[script]
    fields: dict[str, object] = {
        "payload": payload(number),
        "name": name,
        "second_name": second_name,
        "number": number,
        "ussd": f"*384*123*{number}#",
        "counter": "Counter 1",
        "dfsp": "Umoja Bank",
    }
    return Poster(**(fields | more))  # type: ignore[arg-type]


def design(script: str = "Latin", **more: object) -> Design:
    fields: dict[str, object] = {"languages": SCRIPTS[script][2], "scheme": "PayAll"}
    return Design(**(fields | more))  # type: ignore[arg-type]


def mark(colour: str = "#0a7d4f", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 20), colour).save(out, kind)
    return out.getvalue()
