"""Golden copies as GLEIF publishes them, with entities of a test's own, and a service that has loaded one."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

from merchant.compliance.registers import operations
from merchant.compliance.registers.queries import Load
from merchant.core.access import SERVICE
from merchant.core.service import Service

COLUMNS = (
    "LEI",
    "Entity.LegalName",
    "Entity.OtherEntityNames.OtherEntityName.1",
    "Entity.LegalAddress.Country",
    "Entity.EntityStatus",
    "Registration.RegistrationStatus",
    "Registration.NextRenewalDate",
)
APPLE = "HWUPKR0MPOU8FGXBT394"
KIOSK = "213800INVENTED000678"
SHOP = "213800INVENTED000775"
Entity = tuple[str, str, str, str, str, str, str]


def entity(
    lei: str = SHOP,
    name: str = "Baraka Stores Limited",
    country: str = "KE",
    status: str = "ISSUED",
    renewal: str = "2999-01-01T00:00:00Z",
) -> Entity:
    """A line of the register."""
    return (lei, name, "", country, "ACTIVE", status, renewal)


def numbered(count: int, country: str = "KE") -> list[Entity]:
    """So many entities, each with an LEI of its own."""
    return [entity(lei_of(f"213800TEST{number:08}"), f"Firm {number}", country) for number in range(count)]


def lei_of(first: str) -> str:
    """An LEI that begins with these 18 characters (ISO 7064, MOD 97-10)."""
    digits = int("".join(str(int(character, 36)) for character in f"{first}00"))
    return f"{first}{98 - digits % 97:02}"


def golden_copy(*entities: Entity) -> bytes:
    """A golden copy as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([COLUMNS, *entities])
    return out.getvalue().encode()


def zipped(content: bytes, *names: str) -> bytes:
    """A ZIP archive that holds the content under each name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("golden-copy.csv",):
            archive.writestr(name, content)
    return out.getvalue()


async def load(service: Service, folder: Path, content: bytes, *countries: str, **options: Any) -> Load:
    """Load a file, as the command does."""
    path = folder / "golden-copy"
    path.write_bytes(content)
    return await operations.load_golden_copy(service, SERVICE, path, countries, **options)


async def leis(service: Service) -> list[str]:
    """What our copy holds."""
    async with service.db.system_reads() as tx:
        return [row["lei"] for row in await tx.fetch("SELECT lei FROM lei_record ORDER BY lei")]
