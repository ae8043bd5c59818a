"""docs/states.md says what the tables in the code say."""

from tests.rules.state_tables import PATH, document


def test_the_page_of_the_states_is_made_of_the_code() -> None:
    assert PATH.read_text() == document(), "make states"


def test_every_state_is_in_the_page_and_paid_is_an_end() -> None:
    assert "| `paid` | – | – |" in document()
    assert "| `RESERVED` | `COMMITTED` `ABORTED` |" in document()
