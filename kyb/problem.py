"""What is wrong with an answer: the one shape in which every rule of kyb says so."""

from msgspec import Struct

Fault = tuple[str, str]  # a stable code, and a sentence for people


class Problem(Struct, frozen=True):
    """One wrong value: where it is (owners[0].birth_date), a stable code, and a sentence for people."""

    path: str
    code: str
    message: str
