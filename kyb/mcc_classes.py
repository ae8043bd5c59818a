"""Classes of trades by their MCC."""


def mcc_class(mcc, overrides=None):
    for name, codes in (overrides or {}).items():
        if mcc in codes:
            return name
    return "enhanced" if mcc in ("7995", "6051", "4829", "6010", "6011", "9406", "7273", "5967") else "medium"
