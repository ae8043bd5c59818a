"""A few made-up entries in the form of each publisher, for the tests of the readers and of what is built on them."""

from datetime import date

import msgspec

DAY = date(2026, 11, 20)
OFAC_XML = b"""<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="https://example.org/sdn">
  <publshInformation><Publish_Date>11/20/2026</Publish_Date><Record_Count>3</Record_Count></publshInformation>
  <sdnEntry>
    <uid>101</uid><firstName>Tarik</firstName><lastName>AL-SAMPLE</lastName><sdnType>Individual</sdnType>
    <programList><program>SDGT</program><program>IRGC</program></programList>
    <idList>
      <id><uid>1</uid><idType>Passport</idType><idNumber>X1084010</idNumber><idCountry>Egypt</idCountry></id>
      <id><uid>2</uid><idType>Gender</idType><idNumber>Male</idNumber></id>
      <id><uid>3</uid><idType>Tax ID No.</idType><idNumber>77-1234</idNumber><idCountry>Russia</idCountry></id>
    </idList>
    <akaList>
      <aka><uid>9</uid><type>a.k.a.</type><category>strong</category><lastName>SAMPEL</lastName>
        <firstName>Tariq</firstName></aka>
      <aka><uid>10</uid><type>a.k.a.</type><category>weak</category><lastName>ABU SHAM</lastName></aka>
    </akaList>
    <nationalityList><nationality><country>Burma</country></nationality></nationalityList>
    <dateOfBirthList>
      <dateOfBirthItem><dateOfBirth>10 Dec 1948</dateOfBirth></dateOfBirthItem>
      <dateOfBirthItem><dateOfBirth>circa 1951</dateOfBirth></dateOfBirthItem>
    </dateOfBirthList>
  </sdnEntry>
  <sdnEntry>
    <uid>102</uid><lastName>SAMPLE TRADING LLC</lastName><sdnType>Entity</sdnType>
    <addressList><address><country>Korea, North</country></address></addressList>
  </sdnEntry>
  <sdnEntry><uid>103</uid><lastName>SAMPLE STAR</lastName><sdnType>Vessel</sdnType></sdnEntry>
</sdnList>
"""

_REMARKS = (
    "DOB 10 Dec 1948; alt. DOB circa 1951; POB Cairo, Egypt; nationality Burma; Gender Male; Passport X1084010 (Egypt);"
    " alt. Passport Y2000 (Egypt); Tax ID No. 77-1234 (Russia); a.k.a. 'ABU SHAM'."
)
_END = "-0- " + ",-0- " * 6
SDN_CSV = (
    f'101,"AL-SAMPLE, Tarik","individual","SDGT] [IRGC",{_END},"{_REMARKS}"\r\n'
    f'102,"SAMPLE TRADING LLC",-0- ,"DPRK",{_END},-0- \r\n'
    f'103,"SAMPLE STAR","vessel","DPRK",{_END},-0- \r\n\x1a'
).encode()
ALT_CSV = b'101,9,"aka","SAMPEL, Tariq",-0- \r\n'
ADD_CSV = b'102,5,"1 Street","Pyongyang","Korea, North",-0- \r\n\x1a'

EU_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<export xmlns="http://example.org/fsd/export" generationDate="2026-11-20T17:44:28.283+02:00">
  <sanctionEntity euReferenceNumber="EU.1.1" logicalId="13">
    <regulation programme="IRQ"/><subjectType code="person" classificationCode="P"/>
    <nameAlias firstName="Tarik" lastName="Al-Sample" wholeName="Tarik Al-Sample" strong="true"/>
    <nameAlias firstName="" lastName="" wholeName="" middleName="" strong="true"/>
    <citizenship countryIso2Code="IQ"/><citizenship countryIso2Code="00"/>
    <birthdate circa="false" calendarType="GREGORIAN" birthdate="1937-04-28" year="1937"/>
    <birthdate circa="true" calendarType="GREGORIAN" yearRangeFrom="1953" yearRangeTo="1958"/>
    <birthdate circa="false" calendarType="ISLAMIC" year="1370"/>
    <identification number="D 0001203" knownFalse="false" identificationTypeCode="passport" countryIso2Code="AF"/>
    <identification number="D 0009999" knownFalse="true" identificationTypeCode="passport" countryIso2Code="AF"/>
  </sanctionEntity>
  <sanctionEntity euReferenceNumber="EU.1.1" logicalId="13">
    <subjectType code="person" classificationCode="P"/><nameAlias wholeName="Tareq Sample" strong="false"/>
  </sanctionEntity>
  <sanctionEntity euReferenceNumber="EU.2.2" logicalId="14">
    <subjectType code="enterprise" classificationCode="E"/><nameAlias wholeName="Sample Bank" strong="true"/>
    <address countryIso2Code="SY"/>
    <identification number="REG 4711-22" identificationTypeCode="regnumber" countryIso2Code="SY"/>
  </sanctionEntity>
</export>
"""

CON_LIST_CSV = (
    "Last Updated,20/11/2026\r\n"
    "Name 6,Name 1,Name 2,Name Non-Latin Script,DOB,Nationality,Passport Number,National Identification Number,"
    "Country,Group Type,Alias Type,Alias Quality,Regime,Group ID\r\n"
    "AL-SAMPLE,Tarik,Omar,طارق,(1) 28/04/1937 (2) 00/00/1940,(1) Syria (2) Lebanon,(1) N0012345 (2) N0099999,,"
    "Syria,Individual,Primary name,,Syria,7001\r\n"
    "SAMPEL,Tariq,,,,,,,,Individual,AKA,Low quality,Syria,7001\r\n"
    "SAMPLE TRADING,,,,,,,,Iran,Entity,Primary name,,Iran,7002\r\n"
    "SAMPLE STAR,,,,,,,,,Ship,Primary name,,Iran,7003\r\n"
).encode()
UK_SANCTIONS_CSV = (
    b"Report Date: 20-Nov-2026\r\n"
    b"Last Updated,Unique ID,OFSI Group ID,Name 6,Name 1,Name type,Alias strength,Name non-latin script,Regime Name,"
    b"Designation Type,Address Country,D.O.B,Nationality(/ies),National Identifier number,Passport number,"
    b"Business registration number (s)\r\n"
    b"01/01/2026,SYR0001,7001,AL-SAMPLE,Tarik,Primary Name,,,Syria,Individual,,dd/mm/1937,Syria,44-55-66,N0012345,\r\n"
    b"01/01/2026,IRN0002,7002,SAMPLE TRADING,,Primary Name,,,Iran,Entity,Iran,,,,,RC-20011\r\n"
)
UK_XML = """<?xml version="1.0" encoding="utf-8"?>
<Designations>
  <DateGenerated>20-Nov-2026</DateGenerated>
  <Designation>
    <UniqueID>SYR0001</UniqueID>
    <Names>
      <Name><Name1>Tarik</Name1><Name6>AL-SAMPLE</Name6><NameType>Primary Name</NameType></Name>
      <Name><Name6>ABU SHAM</Name6><NameType>Alias</NameType><AliasStrength>Low quality a.k.a</AliasStrength></Name>
    </Names>
    <NonLatinNames><NonLatinName><NameNonLatinScript>طارق</NameNonLatinScript></NonLatinName></NonLatinNames>
    <RegimeName>Syria</RegimeName><IndividualEntityShip>Individual</IndividualEntityShip>
    <IndividualDetails><Individual>
      <DOBs><DOB>28/04/1937</DOB></DOBs><Nationalities><Nationality>Syria</Nationality></Nationalities>
      <PassportDetails><Passport><PassportNumber>N0012345</PassportNumber></Passport></PassportDetails>
      <NationalIdentifierDetails><NationalIdentifier><NationalIdentifierNumber>44-55-66</NationalIdentifierNumber>
      </NationalIdentifier></NationalIdentifierDetails>
    </Individual></IndividualDetails>
  </Designation>
  <Designation>
    <UniqueID>IRN0002</UniqueID><Names><Name><Name6>SAMPLE TRADING</Name6></Name></Names>
    <RegimeName>Iran</RegimeName><IndividualEntityShip>Entity</IndividualEntityShip>
    <Addresses><Address><AddressCountry>Iran</AddressCountry></Address></Addresses>
    <EntityDetails><Entity><BusinessRegistrationNumbers>
      <BusinessRegistrationNumber>RC-20011</BusinessRegistrationNumber></BusinessRegistrationNumbers></Entity></EntityDetails>
  </Designation>
  <Designation>
    <UniqueID>DPR0003</UniqueID><Names><Name><Name6>SAMPLE STAR</Name6></Name></Names>
    <IndividualEntityShip>Ship</IndividualEntityShip>
  </Designation>
</Designations>
""".encode()

_FTM: tuple[dict[str, object], ...] = (
    {
        "id": "Q1",
        "schema": "Person",
        "target": True,
        "last_seen": "2026-11-20T06:00:00",
        "properties": {
            "name": ["Tarik al-Sample"],
            "alias": ["Tariq Sampel"],
            "weakAlias": ["Abu Sham"],
            "birthDate": ["1948-12-10", "1951"],
            "nationality": ["eg"],
            "topics": ["sanction"],
            "idNumber": ["2700-4711"],
        },
    },
    {"id": "P1", "schema": "Passport", "properties": {"holder": ["Q1"], "number": ["X1084010"], "country": ["eg"]}},
    {
        "id": "Q2",
        "schema": "Company",
        "last_change": "2026-11-19",
        "properties": {
            "name": ["Sample Trading LLC"],
            "jurisdiction": ["kp"],
            "topics": ["sanction"],
            "leiCode": ["5299000J2N45DDNE4Y28"],
        },
    },
    {"id": "Q3", "schema": "Person", "properties": {"name": ["A Relative"]}},
    {"id": "Q4", "schema": "Vessel", "target": True, "properties": {"name": ["Sample Star"]}},
)
FTM_LINES = b"\n" + b"\n".join(msgspec.json.encode(one) for one in _FTM) + b"\n"
TARGETS_CSV = (
    b'"id","schema","name","aliases","birth_date","countries","addresses","identifiers","sanctions","phones","emails",'
    b'"dataset","first_seen","last_seen","last_change"\n'
    b'"Q1","Person","Tarik al-Sample","Tariq Sampel;Tareq Sample","1948-12-10;1951","eg","","X1084010","SDGT","","",'
    b'"D","2020-01-01T00:00:00","2026-11-20T06:00:00","2026-01-01T00:00:00"\n'
    b'"Q2","Company","Sample Trading LLC","","","kp","","","DPRK","","","D","","2026-11-20","2026-01-01"\n'
    b'"Q4","Vessel","Sample Star","","","","","","","","","D","","2026-11-20","2026-01-01"\n'
)
OWN_CSV = (
    b"id,kind,name,aliases,birth_date,country,id_number,reason\n"
    b"1,person,Tarik al-Sample,Tariq Sampel; Tareq Sample,1948-12-10,Egypt,passport:X1084010;2700-4711,fraud\n"
    b"2,entity,Sample Trading LLC,,,kp,RC-20011,fraud\n"
    b"3,person,Nobody Known,,1951,,,\n"
)
BLOCKLIST_CSV = (
    b"kind,value,reason,added_on,expires_on\n"
    b"msisdn,+254 722 000 111,13,2026-01-10,\n"
    b"id_number,27 004-711,3,2024-02-29,2026-11-21\n"
    b"name,Tarik  al-Sample,14,,\n"
)
