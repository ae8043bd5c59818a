"""Every form of list is read into the same shape; a file that is malformed, hostile or something else is refused."""

import hashlib
from datetime import date
from typing import Any

import pytest

import kyb
from kyb.lists import FORMS, read, reading
from kyb.lists.entry import Identifier, ListedName
from tests.cases import every_case
from tests.kyb.lists import samples
from tests.kyb.lists.samples import DAY

EVERY_FORM: dict[str, bytes] = {
    "ofac_xml": samples.OFAC_XML,
    "ofac_csv": samples.SDN_CSV + samples.ALT_CSV + samples.ADD_CSV,
    "eu": samples.EU_XML,
    "uk_csv": samples.CON_LIST_CSV,
    "uk_xml": samples.UK_XML,
    "opensanctions": samples.FTM_LINES,
    "own": samples.OWN_CSV,
}
XML_FORMS = ("un", "ofac_xml", "eu", "uk_xml")


def entries(content: bytes, form: str) -> dict[str, kyb.ListEntry]:
    return {entry.entry_id: entry for entry in read(content, form, DAY).entries}


def test_every_form_but_the_un_has_a_sample_here() -> None:
    assert set(EVERY_FORM) | {"un"} == set(FORMS)


@pytest.mark.parametrize("form", EVERY_FORM)
def test_a_list_knows_its_source_day_and_hash(form: str) -> None:
    found = read(EVERY_FORM[form], form, DAY)
    assert (found.source, found.published_on) == (FORMS[form].source, DAY)
    assert found.sha256 == hashlib.sha256(EVERY_FORM[form]).hexdigest()
    assert {entry.kind for entry in found.entries} == {"person", "entity"}


@pytest.mark.parametrize("form", EVERY_FORM)
def test_ships_and_relatives_are_left_out(form: str) -> None:
    names = {name.text.casefold() for entry in read(EVERY_FORM[form], form, DAY).entries for name in entry.names}
    assert not names & {"sample star", "a relative"}


def test_an_ofac_entry_is_the_same_from_either_form() -> None:
    from_xml = entries(samples.OFAC_XML, "ofac_xml")
    assert from_xml["101"] == kyb.ListEntry(
        "101",
        "person",
        (ListedName("Tarik AL-SAMPLE"), ListedName("Tariq SAMPEL"), ListedName("ABU SHAM", weak=True)),
        ((1948, 1948), (1948, 1954)),
        "SDGT IRGC",
        ("1948-12-10",),
        ("MM",),
        (Identifier("passport", "X1084010", "EG"), Identifier("tax_id", "77-1234", "RU")),
    )
    from_csv = entries(EVERY_FORM["ofac_csv"], "ofac_csv")
    assert set(from_csv) == set(from_xml)
    more = Identifier("passport", "Y2000", "EG")
    assert {one.number for one in from_csv["101"].identifiers} == {"X1084010", "77-1234", more.number}
    for name in ("names", "birth_years", "birth_dates", "countries", "programme"):
        assert getattr(from_csv["101"], name) == getattr(from_xml["101"], name), name
    assert from_csv["102"].countries == from_xml["102"].countries == ("KP",)


def test_sdn_csv_alone_is_a_list_too() -> None:
    assert [name.text for name in entries(samples.SDN_CSV, "ofac_csv")["101"].names] == ["Tarik AL-SAMPLE", "ABU SHAM"]


def test_the_eu_writes_some_entries_in_two_parts() -> None:
    found = entries(samples.EU_XML, "eu")
    assert found["13"] == kyb.ListEntry(
        "13",
        "person",
        (ListedName("Tarik Al-Sample"), ListedName("Tareq Sample", weak=True)),
        ((1937, 1937), (1950, 1961)),
        "IRQ",
        ("1937-04-28",),
        ("IQ",),
        (Identifier("passport", "D 0001203", "AF"),),
    )
    assert (found["14"].countries, found["14"].identifiers) == (
        ("SY",),
        (Identifier("registration", "REG 4711-22", "SY"),),
    )


def test_the_rows_of_one_uk_entry_are_joined() -> None:
    found = entries(samples.CON_LIST_CSV, "uk_csv")
    assert found["7001"] == kyb.ListEntry(
        "7001",
        "person",
        (ListedName("Tarik Omar AL-SAMPLE"), ListedName("طارق"), ListedName("Tariq SAMPEL", weak=True)),
        ((1937, 1937), (1940, 1940)),
        "Syria",
        ("1937-04-28",),
        ("SY", "LB"),
        (Identifier("passport", "N0012345"), Identifier("passport", "N0099999")),
    )
    assert found["7002"].countries == ("IR",)


def test_the_uk_sanctions_list_reads_the_same_as_csv_and_as_xml() -> None:
    from_csv, from_xml = entries(samples.UK_SANCTIONS_CSV, "uk_csv"), entries(samples.UK_XML, "uk_xml")
    assert set(from_csv) == set(from_xml) == {"SYR0001", "IRN0002"}
    assert from_csv["IRN0002"] == from_xml["IRN0002"]
    for entry in (from_csv["SYR0001"], from_xml["SYR0001"]):
        assert set(entry.identifiers) == {Identifier("passport", "N0012345"), Identifier("national_id", "44-55-66")}
        assert (entry.birth_years, entry.countries) == (((1937, 1937),), ("SY",))
    assert from_xml["SYR0001"].names[-1] == ListedName("طارق")
    assert ListedName("ABU SHAM", weak=True) in from_xml["SYR0001"].names


def test_opensanctions_gives_documents_to_their_holders() -> None:
    found = entries(samples.FTM_LINES, "opensanctions")
    assert found["Q1"] == kyb.ListEntry(
        "Q1",
        "person",
        (ListedName("Tarik al-Sample"), ListedName("Tariq Sampel"), ListedName("Abu Sham", weak=True)),
        ((1948, 1948), (1951, 1951)),
        "sanction",
        ("1948-12-10",),
        ("EG",),
        (Identifier("national_id", "2700-4711"), Identifier("passport", "X1084010", "EG")),
    )
    assert found["Q2"].identifiers == (Identifier("lei", "5299000J2N45DDNE4Y28"),)


def test_the_simple_table_of_opensanctions_is_read_too() -> None:
    found = read(samples.TARGETS_CSV, "opensanctions")
    assert found.published_on == DAY
    [person, firm] = found.entries
    assert [name.text for name in person.names] == ["Tarik al-Sample", "Tariq Sampel", "Tareq Sample"]
    assert (person.identifiers, firm.countries) == ((Identifier("other", "X1084010"),), ("KP",))


def test_a_list_of_ones_own_says_what_each_number_is() -> None:
    found = entries(samples.OWN_CSV, "own")
    assert found["1"].identifiers == (
        Identifier("passport", "X1084010", "EG"),
        Identifier("national_id", "2700-4711", "EG"),
    )
    assert (found["2"].identifiers, found["3"].birth_years) == (
        (Identifier("registration", "RC-20011", "KP"),),
        ((1951, 1951),),
    )


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1,ship,A B,,,,,", "row 2: kind must be"),
        (",person,A B,,,,,", "row 2: id and name"),
        ("1,person,,,,,,", "row 2: id and name"),
        ("1,person,A B,,soon,,,", "row 2: birth_date"),
        ("1,person,A B,,,Atlantis,,", "row 2: country"),
        ("1,person,A B,,,,passport:?,", "row 2: id_number"),
        ("1,person,A B,,,,shoe:12345,", "row 2: id_number"),
        ("1,person,A B,,,,,\n1,person,C D,,,,,", "two entries have the id 1"),
        ('1,person,"A B,,,,,', "unexpected end of data"),
    ],
)
def test_a_wrong_row_of_ones_own_list_is_named(row: str, told: str) -> None:
    heading = "id,kind,name,aliases,birth_date,country,id_number,reason\n"
    with pytest.raises(kyb.BadList, match=told):
        read((heading + row).encode(), "own", DAY)


@pytest.mark.parametrize("form", ["ofac_csv", "own"])
def test_a_form_that_carries_no_day_needs_one(form: str) -> None:
    with pytest.raises(kyb.BadList, match="say of which day"):
        read(EVERY_FORM[form], form)


@pytest.mark.parametrize("form", [*EVERY_FORM, "un"])
@every_case("other", [*EVERY_FORM, "cut", "empty", "nul", "latin"])
def test_what_is_another_file_is_refused_and_never_read_by_half(form: str, other: str) -> None:
    if form == other:
        return
    content = {
        "cut": EVERY_FORM.get(form, samples.EU_XML)[:-40] if form in XML_FORMS else b"\xff\xfe",
        "empty": b"",
        "nul": b'a,b\n"\0",2\n',
        "latin": "id,kind,name\n1,person,José".encode("latin-1"),
    }.get(other) or EVERY_FORM.get(other, b"")
    with pytest.raises(kyb.BadList) as fault:
        read(content, form, DAY)
    assert len(str(fault.value)) < 400


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(kyb.BadList, match="there is no form 'pdf'"):
        read(b"", "pdf", DAY)


ROOTS = {
    "un": ("CONSOLIDATED_LIST", 'dateGenerated="2026-11-20"'),
    "ofac_xml": ("sdnList", ""),
    "eu": ("export", 'generationDate="2026-11-20"'),
    "uk_xml": ("Designations", ""),
}


@pytest.mark.parametrize("form", XML_FORMS)
@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/evil.dtd">',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_a_document_type_is_refused_before_anything_is_expanded(form: str, doctype: str) -> None:
    name, attributes = ROOTS[form]
    with pytest.raises(kyb.BadList, match=r"it declares a document type or entities, which no list has$"):
        read(f"{doctype}<{name} {attributes}/>".encode(), form, DAY)


@pytest.mark.parametrize(
    ("form", "content", "told"),
    [
        ("un", b"<CONSOLIDATED_LIST/>", "it says no day of publication$"),
        ("un", b'<CONSOLIDATED_LIST dateGenerated="yesterday"/>', "its day of publication is 'yesterday'$"),
        ("eu", b"<export/>", "it says no day of publication$"),
        ("eu", b"no list", "it is no XML: "),
        ("own", b"\xff\xfe", "it is not written in UTF-8$"),
        ("opensanctions", b'{"id": 7}', "line 1 is no entity as JSON$"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words(form: str, content: bytes, told: str) -> None:
    with pytest.raises(kyb.BadList, match=told):
        read(content, form, DAY)


@pytest.mark.parametrize("form", XML_FORMS)
def test_elements_nested_without_end_are_no_crash(form: str) -> None:
    name, attributes = ROOTS[form]
    content = f"<{name} {attributes}>".encode() + b"<a>" * 200_000
    with pytest.raises(kyb.BadList):
        read(content, form, DAY)


@pytest.mark.parametrize("form", [*EVERY_FORM, "un"])
def test_a_file_without_end_is_given_up(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LIST_BYTES", 1000)
    with pytest.raises(kyb.BadList, match="larger than"):
        read(EVERY_FORM.get(form, samples.EU_XML) + b" " * 1000, form, DAY)


def test_more_entries_than_any_list_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ENTRIES", 1)
    with pytest.raises(kyb.BadList, match="more than 1 entries"):
        read(samples.EU_XML, "eu")


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("ofac_xml", samples.OFAC_XML.replace(b"11/20/2026", b"31/31/2026")),
        ("ofac_xml", samples.OFAC_XML.replace(b"sdnList", b"otherList")),
        ("ofac_csv", samples.SDN_CSV + b"1,2,3\r\n"),
        ("ofac_csv", samples.SDN_CSV.replace(b"\x1a", b"") + samples.SDN_CSV),
        ("eu", samples.EU_XML.replace(b'classificationCode="E"', b'classificationCode="?"')),
        ("eu", samples.EU_XML.replace(b"2026-11-20", b"tomorrow")),
        ("eu", samples.EU_XML.replace(b'wholeName="Sample Bank"', b"")),
        ("uk_csv", samples.CON_LIST_CSV.replace(b"20/11/2026", b"soon")),
        ("uk_csv", samples.CON_LIST_CSV.replace(b"Name 6", b"Surname")),
        ("uk_csv", samples.CON_LIST_CSV.replace(b"7002", b"")),
        ("uk_xml", samples.UK_XML.replace(b"<DateGenerated>20-Nov-2026</DateGenerated>", b"")),
        ("opensanctions", samples.FTM_LINES.replace(b'"schema":"Passport"', b'"schema":3')),
        ("opensanctions", samples.FTM_LINES + b"{"),
    ],
)
def test_a_list_with_one_wrong_place_is_refused_whole(form: str, content: bytes) -> None:
    with pytest.raises(kyb.BadList):
        read(content, form, DAY)


def test_the_un_gives_dates_countries_and_numbers(un_list: kyb.ScreeningList) -> None:
    [entry] = [one for one in un_list.entries if any(x.number == "OB 0243318" for x in one.identifiers)]
    assert entry.identifiers == (Identifier("passport", "OB 0243318", "CD"),)
    numbers: dict[Any, int] = {}
    for one in un_list.entries:
        for number in one.identifiers:
            numbers[number.kind] = numbers.get(number.kind, 0) + 1
    assert numbers["passport"] >= 308
    assert numbers["national_id"] >= 140
    assert sum(bool(one.countries) for one in un_list.entries if one.kind == "person") > 600
    assert all(date.fromisoformat(day) for one in un_list.entries for day in one.birth_dates)
