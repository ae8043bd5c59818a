"""Shapes of the JSON API of passkeys.

What a browser makes of them has the names of the standard (WebAuthn level 3, sections 5.1.8 to 5.1.10), so that a page
hands it on as it is: `PublicKeyCredential.parseCreationOptionsFromJSON`, `credential.toJSON()`. Bytes are base64url
without padding. What else a browser puts into a credential is not looked at.
"""

import base64
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from merchant.core.http import json as web
from merchant.core.http.fields import DigitsText, Instant, NameText, pattern
from merchant.core.texts import _
from merchant.people import passkeys
from merchant.people.account_schemas import PasswordText
from merchant.people.passkeys import CHALLENGE_LIFE, Challenge

_TIMEOUT_MS = int(CHALLENGE_LIFE.total_seconds() * 1000)
# A length of 4n + 1 letters is no bytes at all.
_BASE64URL = pattern(
    r"^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?\Z", _("Must be base64url without padding."), min_length=2
)
CredentialId = Annotated[str, _BASE64URL, Meta(max_length=1364)]  # 1023 bytes, as the standard has it
ClientData = Annotated[str, _BASE64URL, Meta(max_length=4096)]
AttestationObject = Annotated[str, _BASE64URL, Meta(max_length=16_384)]  # one without certificates has some 300
AuthenticatorData = Annotated[str, _BASE64URL, Meta(max_length=4096)]
Signature = Annotated[str, _BASE64URL, Meta(max_length=2048)]
UserHandle = Annotated[str, _BASE64URL, Meta(max_length=86)]  # 64 bytes
Transport = Annotated[str, pattern(r"^[a-z-]{1,20}\Z", _("Must be small letters and dashes."))]


class PasskeyStart(Struct, frozen=True, forbid_unknown_fields=True):
    """One's password."""

    password: PasswordText


class PasskeyRemoval(Struct, frozen=True, forbid_unknown_fields=True):
    """The password, or else a code of the authenticator app."""

    code: DigitsText | None = None
    password: PasswordText | None = None


class PartyEntity(Struct, frozen=True):
    """Whom the passkey is for."""

    id: str
    name: str


class UserEntity(Struct, frozen=True, rename="camel"):
    """Whose the passkey is, as their device shows it."""

    id: str
    name: str
    display_name: str


class KeyKind(Struct, frozen=True):
    """A kind of key that we take."""

    type: Literal["public-key"]
    alg: int


class KnownCredential(Struct, frozen=True):
    """A passkey that there is already; a device that has it makes no other."""

    type: Literal["public-key"]
    id: str
    transports: list[str]


class AuthenticatorWanted(Struct, frozen=True, rename="camel"):
    """What the device must do: keep the passkey, and ask its owner each time."""

    resident_key: Literal["required"] = "required"
    require_resident_key: bool = True
    user_verification: Literal["required"] = "required"


class CreationOptions(Struct, frozen=True, rename="camel"):
    """What `navigator.credentials.create` takes as `publicKey` (PublicKeyCredentialCreationOptionsJSON)."""

    rp: PartyEntity
    user: UserEntity
    challenge: str
    pub_key_cred_params: list[KeyKind]
    timeout: int
    exclude_credentials: list[KnownCredential]
    authenticator_selection: AuthenticatorWanted
    attestation: Literal["none"]


class PasskeyCreation(Struct, frozen=True):
    """What to make a passkey from, until when."""

    public_key: CreationOptions
    expires_at: Instant


class RequestOptions(Struct, frozen=True, rename="camel"):
    """What `navigator.credentials.get` takes as `publicKey` (PublicKeyCredentialRequestOptionsJSON)."""

    challenge: str
    timeout: int
    rp_id: str
    user_verification: Literal["required"]
    allow_credentials: list[KnownCredential]


class PasskeyRequest(Struct, frozen=True):
    """What to sign in with a passkey from, until when."""

    public_key: RequestOptions
    expires_at: Instant


class AttestationResponse(Struct, frozen=True, rename="camel"):
    """What the device made."""

    client_data: ClientData = field(name="clientDataJSON")
    attestation_object: AttestationObject
    transports: Annotated[list[Transport], Meta(max_length=10)] = []


class CreatedCredential(Struct, frozen=True):
    """A passkey that was made: `toJSON()` of what `navigator.credentials.create` gave."""

    id: CredentialId
    type: Literal["public-key"]
    response: AttestationResponse


class NewPasskey(Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey to add, and what its owner calls it."""

    credential: CreatedCredential
    name: NameText


class AssertionResponse(Struct, frozen=True, rename="camel"):
    """What the device signed."""

    client_data: ClientData = field(name="clientDataJSON")
    authenticator_data: AuthenticatorData
    signature: Signature
    user_handle: UserHandle | None = None


class UsedCredential(Struct, frozen=True):
    """A passkey that was used: `toJSON()` of what `navigator.credentials.get` gave."""

    id: CredentialId
    type: Literal["public-key"]
    response: AssertionResponse


class PasskeySignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey that signed a challenge of ours; `device` as in `SignIn`."""

    credential: UsedCredential
    device: Annotated[str, Meta(max_length=100)] | None = None


class PasskeyView(Struct, frozen=True):
    """A passkey of one's own."""

    id: UUID
    name: str
    transports: list[str]
    backed_up: bool
    created_at: Instant
    last_used_at: Instant | None


def creation_view(made: passkeys.Offer) -> PasskeyCreation:
    """What to make a passkey from."""
    options = CreationOptions(
        rp=PartyEntity(made.party.id, made.party_name),
        user=UserEntity(_text(made.user_id.bytes), made.user_name, made.display_name),
        challenge=made.challenge.text,
        pub_key_cred_params=[KeyKind("public-key", one) for one in passkeys.ALGORITHMS],
        timeout=_TIMEOUT_MS,
        exclude_credentials=[
            KnownCredential("public-key", _text(one.credential_id), one.transports) for one in made.present
        ],
        authenticator_selection=AuthenticatorWanted(),
        attestation="none",
    )
    return PasskeyCreation(options, web.at(made.challenge.expires_at))


def request_view(challenge: Challenge, party: passkeys.RelyingParty) -> PasskeyRequest:
    """What to sign in with a passkey from: whichever the person has for this address."""
    return PasskeyRequest(
        RequestOptions(challenge.text, _TIMEOUT_MS, party.id, "required", []), web.at(challenge.expires_at)
    )


def passkey_view(row: passkeys.Listed) -> PasskeyView:
    """A passkey of one's own."""
    created, used = web.at(row.created_at), web.at_or_none(row.last_used_at)
    return PasskeyView(row.id, row.name, row.transports, row.backed_up, created, used)


def attestation_of(sent: CreatedCredential) -> passkeys.Attestation:
    """What a device made, as bytes."""
    response = sent.response
    return passkeys.Attestation(
        _bytes(sent.id), _bytes(response.client_data), _bytes(response.attestation_object), response.transports
    )


def assertion_of(sent: UsedCredential) -> passkeys.Assertion:
    """What a device signed, as bytes."""
    response = sent.response
    return passkeys.Assertion(
        _bytes(sent.id),
        _bytes(response.client_data),
        _bytes(response.authenticator_data),
        _bytes(response.signature),
        None if response.user_handle is None else _bytes(response.user_handle),
    )


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
