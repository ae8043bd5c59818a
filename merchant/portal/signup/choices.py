"""What a person at a stall chooses from: trades, kinds of business and documents, in words that everybody uses."""

from collections.abc import Sequence

from merchant.core.texts import _

Choices = Sequence[tuple[str, str]]

# Plain words for the categories (ISO 18245) of most who register themselves; staff correct what is closer.
TRADES: Choices = (
    ("5499", _("Fruit, vegetables, snacks, drinks")),
    ("5411", _("Groceries and things for every day")),
    ("5812", _("Cooked meals, tea, a restaurant")),
    ("5422", _("Meat and fish")),
    ("5462", _("Bread and cakes")),
    ("5651", _("Clothes")),
    ("5931", _("Second-hand things")),
    ("5661", _("Shoes")),
    ("4812", _("Phones and what belongs to them")),
    ("5732", _("Radios, lamps, electric things")),
    ("5251", _("Tools and building material")),
    ("5261", _("Seeds, plants, fertiliser")),
    ("5912", _("Medicines")),
    ("5977", _("Soap, creams, cosmetics")),
    ("7230", _("Hair and beauty")),
    ("5697", _("Sewing and tailoring")),
    ("7210", _("Washing clothes")),
    ("4121", _("Rides: taxi, motorcycle, three-wheeler")),
    ("4214", _("Carrying goods")),
    ("7538", _("Repairing cars and motorcycles")),
    ("7699", _("Repairing other things")),
    ("8299", _("Lessons and courses")),
    ("7299", _("Another service")),
    ("5999", _("Other goods")),
)
KINDS: Choices = (
    ("individual", _("I myself, without registration")),
    ("sole_proprietor", _("I myself, and it is registered")),
    ("partnership", _("I and partners")),
    ("cooperative", _("A group or cooperative")),
    ("company", _("A company")),
    ("ngo", _("An association or charity")),
    ("public_body", _("The state, a school, a clinic")),
)
DOCUMENTS: Choices = (
    ("national_id", _("National identity card")),
    ("passport", _("Passport")),
    ("driving_licence", _("Driving licence")),
    ("voter_id", _("Voter card")),
    ("tax_id", _("Tax number")),
    ("other", _("Another document")),
)


def said(choices: Choices, value: str | None) -> str:
    """What a value is called in these words; the value itself, where somebody else chose it."""
    return dict(choices).get(value or "", value or "")


def with_chosen(choices: Choices, value: str | None) -> Choices:
    """The choices, and what was chosen beside them, which stays possible."""
    if not value or value in dict(choices):
        return choices
    return (*choices, (value, _("What is there now ({code})", code=value)))
