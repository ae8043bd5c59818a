"""What each language lacks to be offered: `python -m ussd.texts.missing`.

Prints a line for each missing text with the English one, for a translator, and those that English does not have.
"""

from ussd.texts import DEFAULT_LANGUAGE, KNOWN, READ, lacking


def missing() -> dict[str, list[str]]:
    """The missing keys by language."""
    return {language: lacking(READ[language].texts, READ[DEFAULT_LANGUAGE].texts) for language in KNOWN}


def unused() -> dict[str, list[str]]:
    """The keys by language that English does not have."""
    whole = READ[DEFAULT_LANGUAGE].texts
    return {language: [key for key in READ[language].texts if key not in whole] for language in KNOWN}


def report() -> None:
    """Print what is missing, and what nobody uses."""
    whole = READ[DEFAULT_LANGUAGE].texts
    for language, keys in missing().items():
        state = "draft" if READ[language].is_draft else "read"
        print(f"{language}: {len(keys)} of {len(whole)} missing ({state})")  # noqa: T201
        for key in keys:
            print(f"  {key} = {whole[key]!r}")  # noqa: T201
        for key in unused()[language]:
            print(f"  {key}: English does not have it")  # noqa: T201


if __name__ == "__main__":
    report()
