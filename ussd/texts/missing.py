"""What each language lacks to be offered: `python -m ussd.texts.missing`.

Writes a line for each missing text with the English one, for a translator, and those that English does not have.
"""

import sys

from ussd.texts import DEFAULT_LANGUAGE, KNOWN, READ, lacking


def missing() -> dict[str, list[str]]:
    """The missing keys by language."""
    return {language: lacking(READ[language].texts, READ[DEFAULT_LANGUAGE].texts) for language in KNOWN}


def unused() -> dict[str, list[str]]:
    """The keys by language that English does not have."""
    whole = READ[DEFAULT_LANGUAGE].texts
    return {language: [key for key in READ[language].texts if key not in whole] for language in KNOWN}


def report() -> None:
    """Write what is missing, and what nobody uses."""
    whole = READ[DEFAULT_LANGUAGE].texts
    for language, keys in missing().items():
        state = "draft" if READ[language].is_draft else "read"
        sys.stdout.write(f"{language}: {len(keys)} of {len(whole)} missing ({state})\n")
        for key in keys:
            sys.stdout.write(f"  {key} = {whole[key]!r}\n")
        for key in unused()[language]:
            sys.stdout.write(f"  {key}: English does not have it\n")


if __name__ == "__main__":
    report()
