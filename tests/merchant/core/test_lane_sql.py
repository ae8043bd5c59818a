"""Statements as a distributed installation runs them."""

from merchant.core.lane_sql import distributed


def test_what_is_said_in_the_comment_becomes_part_of_the_statement() -> None:
    said = "SELECT 1 FROM payment p WHERE p.id = $1 /*distributed: AND p.dfsp_id = $lane*/"
    assert distributed(said, 1, has_lane=True) == ("SELECT 1 FROM payment p WHERE p.id = $1 AND p.dfsp_id = $2", True)


def test_without_a_lane_what_names_it_is_left_out_and_the_rest_stands() -> None:
    said = "SELECT 1 FROM a JOIN b ON a.id = b.id /*distributed: AND a.d = b.d*/ /*distributed: AND a.d = $lane*/"
    assert distributed(said, 0, has_lane=False) == ("SELECT 1 FROM a JOIN b ON a.id = b.id AND a.d = b.d ", False)


def test_a_lane_named_twice_is_one_parameter() -> None:
    said = "SELECT $1 /*distributed: WHERE a = $lane*/ /*distributed: AND b = $lane*/"
    assert distributed(said, 1, has_lane=True) == ("SELECT $1 WHERE a = $2 AND b = $2", True)


def test_a_statement_that_says_nothing_is_left_alone() -> None:
    assert distributed("SELECT /* why */ $1", 1, has_lane=True) == ("SELECT /* why */ $1", False)
