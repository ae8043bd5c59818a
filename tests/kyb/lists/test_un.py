"""The UN list is read whole; a file that is something else is refused."""

import gzip
import hashlib
from datetime import date

import pytest

import kyb
from kyb.lists.entry import ListedName
from kyb.lists.un import load_un_list
from tests.kyb.conftest import UN_LIST

HEAD = '<CONSOLIDATED_LIST dateGenerated="2026-02-27T00:00:09.554Z">'


def document(individuals: str = "", entities: str = "") -> bytes:
    body = f"<INDIVIDUALS>{individuals}</INDIVIDUALS><ENTITIES>{entities}</ENTITIES>"
    return f"{HEAD}{body}</CONSOLIDATED_LIST>".encode()


def individual(inner: str, reference: str = "QDi.1", first_name: str = "ERIC") -> bytes:
    name = f"<FIRST_NAME>{first_name}</FIRST_NAME><REFERENCE_NUMBER>{reference}</REFERENCE_NUMBER>"
    return document(f"<INDIVIDUAL>{name}{inner}</INDIVIDUAL>")


def test_the_list_of_february_2026_is_read_whole(un_list: kyb.ScreeningList) -> None:
    assert (un_list.source, un_list.published_on) == ("un_consolidated", date(2026, 2, 27))
    assert un_list.sha256 == hashlib.sha256(gzip.decompress(UN_LIST.read_bytes())).hexdigest()
    kinds = [entry.kind for entry in un_list.entries]
    assert (kinds.count("person"), kinds.count("entity")) == (730, 273)
    assert len({entry.entry_id for entry in un_list.entries}) == 1003
    assert all(entry.names and entry.programme for entry in un_list.entries)


def test_an_entry_has_its_names_years_and_programme(un_list: kyb.ScreeningList) -> None:
    badege = next(entry for entry in un_list.entries if entry.entry_id == "CDi.001")
    assert badege == kyb.ListEntry(
        "CDi.001", "person", (ListedName("ERIC BADEGE"),), ((1971, 1971),), "DRC", countries=("CD",)
    )


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Fazel Rahim; Fazil Rahim", ["Fazel Rahim", "Fazil Rahim"]),
        ("M. Sabet b) M. Javad Sabet", ["M. Sabet", "M. Javad Sabet"]),
        ("Ezatullah Haqqani (previously listed as)", ["Ezatullah Haqqani"]),
        ("Safia Farkash, born 1 Jan. 1953 (Oman passport no.03825239)", ["Safia Farkash"]),
        ("Jin Tiesan (金铁三)", ["Jin Tiesan", "金铁三"]),
        ("Amir Khazmat (original script: Амир Хазмат)", ["Amir Khazmat", "Амир Хазмат"]),
        ("حسن غول (Hassan Ghul; Hassan Gul)", ["حسن غول", "Hassan Ghul", "Hassan Gul"]),
        ("LEADER (HONG KONG) INTERNATIONAL", ["LEADER HONG KONG INTERNATIONAL"]),
        ("“Abu Sumayyah”", ["Abu Sumayyah"]),
        ("-", []),
    ],
)
def test_a_name_field_may_hold_several_names_and_remarks(written: str, names: list[str]) -> None:
    alias = f"<INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>{written}</ALIAS_NAME></INDIVIDUAL_ALIAS>"
    (entry,) = load_un_list(individual(alias)).entries
    assert [name.text for name in entry.names] == ["ERIC", *names]


def test_low_quality_and_bracketed_abbreviations_are_weak() -> None:
    aliases = "<ENTITY_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>The Front</ALIAS_NAME></ENTITY_ALIAS>"
    name = "<FIRST_NAME>FOREIGN TRADE BANK (FTB)</FIRST_NAME><REFERENCE_NUMBER>KPe.1</REFERENCE_NUMBER>"
    (entry,) = load_un_list(document(entities=f"<ENTITY>{name}{aliases}</ENTITY>")).entries
    assert entry.names == (ListedName("FOREIGN TRADE BANK"), ListedName("FTB", True), ListedName("The Front", True))


@pytest.mark.parametrize(
    ("birth", "years"),
    [
        ("<TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1971-03-05</DATE>", ((1971, 1971),)),
        ("<TYPE_OF_DATE>APPROXIMATELY</TYPE_OF_DATE><YEAR>1971</YEAR>", ((1968, 1974),)),
        ("<TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE><FROM_YEAR>1960</FROM_YEAR><TO_YEAR>1965</TO_YEAR>", ((1960, 1965),)),
        ("<TYPE_OF_DATE/>", ()),
        ("<TYPE_OF_DATE>EXACT</TYPE_OF_DATE><YEAR>circa</YEAR>", ()),
    ],
)
def test_birth_years_are_ranges(birth: str, years: tuple[tuple[int, int], ...]) -> None:
    xml = individual(f"<INDIVIDUAL_DATE_OF_BIRTH>{birth}</INDIVIDUAL_DATE_OF_BIRTH>")
    assert load_un_list(xml).entries[0].birth_years == years


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + document()
EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + individual("", first_name="&a;")


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"not xml",
        b"<CONSOLIDATED_LIST/>",
        b'<CONSOLIDATED_LIST dateGenerated="yesterday"/>',
        document(),
        document("<INDIVIDUAL><FIRST_NAME>ERIC</FIRST_NAME></INDIVIDUAL>"),
        individual("", first_name=""),
        HEAD.encode(),
        b"\xff\xfe\x00",
        BOMB,
        EXTERNAL,
        gzip.compress(individual("")),
    ],
)
def test_what_is_not_a_list_is_refused(xml: bytes) -> None:
    with pytest.raises(kyb.BadList):
        load_un_list(xml)
