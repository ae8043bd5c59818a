"""An address by which a person is known here: a telephone or an e-mail address, exactly one of the two."""

from uuid import UUID

from msgspec import Struct

from merchant.core import errors, phone
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.people.models import PHONE, AppUser
from merchant.people.sign_in import normal_email


class Address(Struct, frozen=True):
    """A telephone or an e-mail address, in the one form in which it is kept and compared."""

    phone: Msisdn | None = None
    email: str | None = None

    @property
    def text(self) -> str:
        """As people write it."""
        return str(self.phone) if self.phone is not None else self.email or ""

    def digest(self, vault: Vault, purpose: str) -> bytes:
        """A keyed digest, by which it is found and from which nobody reads it."""
        return vault.digest(purpose, self.text)


async def read_address(service: Service, given_phone: str | None, given_email: str | None) -> Address:
    """What a body names. Raises InvalidFields unless it is one telephone, or one e-mail address."""
    if (given_phone is None) == (given_email is None):
        raise errors.invalid_field("phone", "one_of", _("Give a phone number or an e-mail address, and not both."))
    if given_email is not None:
        return Address(email=normal_email(given_email))
    found = phone.parse(given_phone or "", (await service.scheme()).country)
    if found is None:
        raise errors.invalid_field("phone", "invalid", _("Must be a phone number."))
    return Address(phone=found)


def address_of(text: str) -> Address:
    """An address out of the form in which it is kept."""
    return Address(email=text) if "@" in text else Address(phone=Msisdn.of(text))


def address_of_user(vault: Vault, user_id: UUID, phone_sealed: bytes | None, email: str | None) -> Address:
    """The address of a person: their telephone, where they have one."""
    if phone_sealed is not None:
        return Address(phone=Msisdn.of(vault.open(phone_sealed, PHONE.format(id=user_id)).decode()))
    return Address(email=email)


def write_address(vault: Vault, user: AppUser, address: Address) -> None:
    """Make it the address by which a person signs in."""
    user.email = address.email
    if address.phone is not None:
        user.phone_sealed = vault.seal(str(address.phone).encode(), PHONE.format(id=user.id))
        user.phone_digest = address.phone.digest(vault)
