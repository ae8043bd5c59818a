"""The table of schemes in qr/README.md, made from the profiles: `python -m tests.qr.scheme_table` writes it anew."""

import sys
from pathlib import Path

import qr

README = Path(qr.__file__).parent / "README.md"
BEGIN, END = "<!-- schemes -->\n", "<!-- end of schemes -->\n"


def rows() -> str:
    """The table, a row a scheme, by name."""
    lines = ["| scheme | id | countries | accounts | source | version | not sure of |", "|---|---|---|---|---|---|---|"]
    for profile in sorted(qr.list_profiles(), key=lambda profile: profile.name.lower()):
        countries = " ".join(profile.countries) or "any"
        places = list(dict.fromkeys(tag for rule in profile.accounts for tag in rule.tags))
        cells = (
            profile.name,
            f"`{profile.id}`",
            countries,
            " ".join(places),
            profile.source,
            profile.version,
            profile.unsure,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def renewed(text: str) -> str:
    """The README with the table as the profiles give it."""
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}{rows()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{len(qr.list_profiles())} schemes\n")
