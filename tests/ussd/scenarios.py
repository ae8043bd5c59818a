"""Where each of the forty-eight scenarios of a USSD payment is tried, and each complaint made of others in public.

A row names tests (`file::test`) and dialogues (`dialogues/file.txt: title`). Where another outcome than the scenario's
was chosen, the row says which.
"""

from typing import Final

from msgspec import Struct

PLAYED: Final = "tests/ussd/dialogues/"
_DIALOGUE: Final = "tests/ussd/"
_DOOR: Final = "tests/merchant/channels/"


class Tried(Struct, frozen=True):
    """What is tried, where, and what we do otherwise than was proposed."""

    title: str
    by: tuple[str, ...]
    otherwise: str = ""


_INTERLEAVED = "whatever_a_gateway_does_a_phone_is_told_of_every_request_and_asked_once_for_each"


def _pay(*titles: str) -> tuple[str, ...]:
    return _of("pay", *titles)


def _of(file: str, *titles: str) -> tuple[str, ...]:
    return tuple(f"{PLAYED}{file}.txt: {title}" for title in titles)


def _door(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{_DOOR}test_ussd{file}.py::test_{name}" for name in names)


def _lib(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{_DIALOGUE}{file}.py::test_{name}" for name in names)


SCENARIOS: Final[dict[int, Tried]] = {
    1: Tried(
        "pay by the menu",
        (*_pay("A shopper pays by menu"), *_door("", "a_shopper_pays_by_number_and_amount")),
    ),
    2: Tried(
        "pay by a dial string",
        _pay("The dial string is two screens in all", "A dial string with the number alone asks for the amount"),
    ),
    3: Tried(
        "a dial string whose amount cannot be paid",
        _pay("A dial string with an amount that cannot be paid asks for the amount"),
    ),
    4: Tried(
        "a dial string never commits",
        (
            *_pay("A dial string never commits, whatever follows the amount"),
            *_door("", "a_dial_string_never_pays_by_itself"),
        ),
    ),
    5: Tried(
        "a number that no shop has, three times and eleven times",
        (
            *_pay("An unknown number is asked for again and the third miss ends"),
            *_of("guessing", "Ten wrong numbers in an hour are enough, also in several calls"),
            *_door("_sessions", "ten_wrong_numbers_are_enough_on_any_node_and_over_any_call"),
        ),
    ),
    6: Tried(
        "a typing error in a number proposes no other",
        _door("", "a_number_that_no_shop_has_is_asked_for_again"),
    ),
    7: Tried("a suspended shop is not named", _pay("A shop that may not take payments is not named")),
    8: Tried(
        "a shop suspended while the shopper decides",
        (
            *_pay("A shop suspended between the amount and the answer"),
            *_door("", "a_shop_suspended_between_two_steps_takes_nothing"),
        ),
    ),
    9: Tried("over the limit of one payment", _pay("Over the limit of one payment")),
    10: Tried(
        "over the limit of the day at the confirm screen",
        (
            *_of("shopper", "The day's limit", "A shop whose day is full"),
            *_door("", "a_shop_that_reached_its_limit_of_the_day_takes_nothing"),
        ),
        "where a smaller amount fits, it is asked for",
    ),
    11: Tried(
        "amounts that are none",
        (
            *_pay("Junk amounts are asked again, then end", "Eastern digits, a space and a hash are taken"),
            *_lib("test_amounts", "amounts_that_are_taken", "amounts_that_are_refused"),
        ),
    ),
    12: Tried("an option that is not there", _pay("A wrong option shows the same screen, three times end")),
    13: Tried(
        "back, home and exit",
        _pay("Back, home and exit", "98 and 99 are prices on the amount screen"),
        "99 is a price where an amount is asked for",
    ),
    14: Tried(
        "no at the confirm screen",
        (
            *_pay("Declining goes home and asks for nothing"),
            *_door("", "a_shopper_who_says_no_asks_nobody_and_is_counted"),
        ),
    ),
    15: Tried(
        "the same step delivered twice, one after the other",
        (
            *_of("gateway", "The same step delivered twice answers the same and asks once"),
            *_door("", "every_step_delivered_twice_answers_the_same_and_asks_once"),
        ),
    ),
    16: Tried(
        "the same step delivered at once, to two nodes",
        (
            *_door("", "a_step_delivered_ten_times_at_once_answers_the_same_and_asks_once"),
            *_door("", "two_processes_share_one_dialogue"),
            *_door(
                "_interleavings", "whatever_a_gateway_does_a_phone_is_told_of_every_request_and_asked_once_for_each"
            ),
        ),
    ),
    17: Tried(
        "the same where the latest input alone is sent",
        (
            *_of("latest", "Latest alone: the same step delivered twice answers the same and asks once"),
            *_door("_gateways", "the_confirming_step_ten_times_at_once_asks_once"),
        ),
    ),
    18: Tried(
        "the same key twice on purpose where the latest input alone is sent",
        (
            *_lib("test_arrivals", "every_input_is_new_and_counted_whatever_it_says"),
            *_door("_centre", "the_same_key_twice_under_two_numbers_is_two_answers"),
        ),
    ),
    19: Tried(
        "steps out of order",
        (
            *_of("gateway", "A late copy of an earlier step shows where the dialogue stands"),
            *_of("gateway", "A step that overtakes the confirm screen does not pay"),
            *_door("", "an_older_step_that_comes_late_changes_nothing"),
        ),
    ),
    20: Tried(
        "a step after the end",
        (*_of("gateway", "After the end only the end"), *_door("", "an_ended_dialogue_says_the_same_words_again")),
    ),
    21: Tried(
        "a crash between the answer and the hub",
        (
            *_door("", "the_request_and_its_job_are_written_together"),
            "tests/merchant/core/test_outbox.py::test_a_crash_between_claim_and_end_gives_the_job_back_by_doing_nothing",
            "tests/stories/test_kill.py::test_every_payment_agrees_with_the_ledger_after_twenty_kills",
        ),
    ),
    22: Tried(
        "a call that drops is gone on with",
        (
            *_of("resume", "A call that broke off at the amount is gone on with", "After five minutes it is forgotten"),
            *_door("_sessions", "a_call_that_broke_off_is_gone_on_with_over_any_gateway"),
        ),
    ),
    23: Tried(
        "a call that drops after the request was sent",
        (
            *_of("resume", "A request on its way is told first, and what broke off lies behind it"),
            *_pay("The same payment still waiting is asked about before it is asked for again"),
        ),
    ),
    24: Tried(
        "the shopper hangs up",
        (
            *_of("gateway", "Nothing is done in a session that the gateway has closed"),
            *_door("_gateways", "a_notice_closes_the_session_and_changes_nothing_else"),
        ),
    ),
    25: Tried(
        "the gateway gives up",
        (
            *_of("resume", "A call that the gateway broke off is gone on with"),
            *_lib("gateways/test_recordings", "every_gateway_has_its_recordings"),
        ),
    ),
    26: Tried(
        "a hub that is slow",
        (
            *_of("shopper", "The bank did not answer in time, and the same again"),
            *_door("_sessions", "a_step_that_stays_locked_is_answered_in_time_and_claims_nothing"),
        ),
        "no step waits for the hub: its answer is told at the next dial",
    ),
    27: Tried(
        "a hub that is down",
        (
            *_of("shopper", "The bank could not be reached"),
            *_door("_gateways", "a_fault_of_ours_is_a_screen_too_and_the_same_step_may_come_again"),
        ),
    ),
    28: Tried(
        "the bank says no later",
        (
            *_of("shopper", "Whoever dials again is told that the bank said no, and may pay again"),
            *_door("_shoppers", "each_end_has_its_own_sentence_and_may_be_paid_again"),
            "tests/merchant/notify/test_receipts.py::test_a_payer_who_declines_is_told_that_nothing_was_paid",
        ),
    ),
    29: Tried(
        "a shop asks a customer",
        (
            *_of("asking", "A shop asks a customer", "What is no phone number, and the own one"),
            *_of("asking", "The customer was asked often"),
            *_door("_trade", "one_customer_is_asked_by_one_shop_three_times_at_once_and_not_more"),
        ),
    ),
    30: Tried(
        "the customer finds the request",
        (
            *_of("shopper", "A shop asks this phone for money, and it says no", "It says no too late"),
            *_door("_shoppers", "a_shop_asks_a_phone_which_says_no"),
        ),
        "a shop is reported, not blocked",
    ),
    31: Tried(
        "last payments, none to many, in pages",
        (
            *_of("merchant", "Pages forth and back", "One payment, none"),
            *_door("_trade", "payments_are_masked_newest_first_in_local_time"),
        ),
    ),
    32: Tried("my number, as customers dial it", _of("merchant", "My number, exactly as customers dial it")),
    33: Tried(
        "a phone opens a shop",
        (
            *_of("sign_up", "A shop is opened, every question once"),
            *_of("sign_up", "The last answer delivered twice makes one application"),
            *_of("sign_up", "A sign-up that broke off at the place is gone on with"),
            *_door("_sign_up", "the_last_answer_delivered_twice_at_once_makes_one"),
        ),
        "an application, which the DFSP decides; its number is told when it is approved",
    ),
    34: Tried(
        "names of a shop that cannot be",
        (
            *_of("sign_up", "Wrong entries are asked again with an example", "Names of any script are taken"),
            *_door("_sign_up", "a_wrong_answer_is_asked_again"),
            *_lib("test_naming", "a_name_that_says_nothing_or_gives_orders_is_not"),
        ),
        "a name that gives orders is taken, for the DFSP to decide, and never shown to a shopper",
    ),
    35: Tried(
        "another language in the middle of a payment",
        (
            *_of("resume", "Only the language was the wrong one"),
            *_door("", "a_phone_is_spoken_to_in_the_language_it_chose"),
        ),
    ),
    36: Tried(
        "menus outside the seven bits",
        _lib("test_texts", "a_language_outside_the_seven_bits_is_held_to_seventy_units")
        + _lib("test_graph", "every_screen_of_a_payment_fits_whatever_a_shop_is_called"),
        "Burmese and Arabic are offered; Amharic and Bengali are not",
    ),
    37: Tried(
        "a name of another script in a Latin menu",
        _lib("test_fit", "names_in_other_scripts_become_latin_letters")
        + _lib("test_fit", "a_language_in_ucs2_keeps_the_script_and_drops_only_controls"),
    ),
    38: Tried(
        "a very long name",
        _lib("test_graph", "every_screen_of_a_payment_fits_whatever_a_shop_is_called")
        + _lib("test_fit", "any_name_leaves_the_rest_of_the_screen_whole"),
    ),
    39: Tried(
        "an @ that arrives as ¡",
        _lib("gateways/test_africastalking", "an_at_sign_that_became_an_inverted_exclamation_mark_comes_back"),
    ),
    40: Tried("a * inside a text", _pay("An input with the gateway's separator in it stays whole")),
    41: Tried(
        "every form of a telephone number is one phone",
        _lib("gateways/test_africastalking", "every_spelling_of_a_number_is_one_identity_by_the_routes_country")
        + _door("_routes", "numbers_are_read_by_the_routes_country_to_one_identity"),
    ),
    42: Tried(
        "one phone at two gateways",
        _door("_gateways", "gateways_share_no_session")
        + _door("_sessions", "a_call_that_broke_off_is_gone_on_with_over_any_gateway"),
    ),
    43: Tried(
        "a wrong secret, another place, a body without end, bad XML",
        _door("_gateways", "only_the_right_key_of_this_gateway_opens_its_door", "a_body_without_end_is_413")
        + _door("_routes", "a_route_takes_calls_from_its_networks_only_and_notes_the_others")
        + _lib("gateways/test_hostile", "documents_with_entities_or_a_dtd_are_refused"),
    ),
    44: Tried(
        "fields that are missing or unknown, and a kind that is",
        _lib("gateways/test_hostile", "a_field_that_is_missing_or_empty_is_named")
        + _lib("gateways/test_routes", "a_message_of_an_unknown_kind_is_no_step_and_its_answer_ends_the_call_in_words"),
    ),
    45: Tried(
        "a session that another version stored",
        _of("gateway", "A session stored by another version starts again and says so")
        + _lib("test_session", "a_session_is_stored_as_it_always_was", "what_this_version_cannot_read_starts_over"),
    ),
    46: Tried(
        "nothing is kept that tells of a person",
        _door("", "what_is_kept_of_a_dialogue_names_no_phone", "sessions_are_forgotten_after_a_day")
        + _door("_sessions", "nothing_that_was_typed_by_mistake_is_kept_or_shown"),
    ),
    47: Tried(
        "nobody is asked for a PIN",
        _lib("test_texts", "no_screen_that_reads_an_input_speaks_of_a_pin"),
    ),
    48: Tried(
        "many sessions at once, with copies and drops",
        _door("_interleavings", "five_hundred_calls_at_once_see_nothing_of_one_another"),
        "the figures are those of `make bench`",
    ),
}

COMPLAINTS: Final[dict[str, Tried]] = {
    "ussd-menu-builder#14": Tried(
        "a long dial string leads through in one go", _pay("A dial string through the menu stops at the same place")
    ),
    "ussd-menu-builder#17, #22; ussd-builder#6": Tried("0 goes back", _pay("Back, home and exit")),
    "rapidpro#609, #620, #712; laravel-ussd#7, #33, #37": Tried(
        "a call that timed out begins anew", _of("resume", "A call that broke off at the amount is gone on with")
    ),
    "laravel-ussd#43": Tried(
        "ended on every call where the session's id is the phone's",
        _door("_sessions", "under_the_id_of_a_session_that_ended_a_call_begins_anew_and_pays")
        + _door("_gateways", "an_account_without_session_ids_is_known_by_the_phone_and_its_number_is_not_kept"),
    ),
    "vumi#753": Tried(
        "a reference of sixteen bits comes again, of another phone",
        _door("_centre", "two_phones_may_have_one_reference")
        + _door("_sessions", "another_phone_under_the_id_of_an_ended_session_begins_anew"),
    ),
    "laravel-ussd#42": Tried("the menu falls back to the start", _door("", "a_dialogue_goes_on_after_a_restart")),
    "vumi#304": Tried(
        "the start is delivered twice",
        _of("latest", "Latest alone: the opening delivered twice")
        + _door("", "the_first_step_delivered_ten_times_at_once_makes_one_session"),
    ),
    "vumi#283": Tried("a dialled menu is the menu", _pay("A dial string through the menu stops at the same place")),
    "vumi#550": Tried(
        "an operator that sends the latest input alone",
        _of("latest", "Latest alone: the same step delivered twice answers the same and asks once"),
    ),
    "vumi#512, #664": Tried("a reply after the end", _of("gateway", "After the end only the end")),
    "SempoBlockchain#49": Tried(
        "options skip numbers, and a language has other keys",
        _lib("test_texts", "a_language_has_the_keys_and_placeholders_of_english")
        + _of("merchant", "A wrong entry hides nothing of the page"),
    ),
    "grassroot-platform#8; dialoguss#11": Tried(
        "the menu is too long for the screen",
        _lib("test_graph", "every_screen_of_a_payment_fits_whatever_a_shop_is_called"),
    ),
    "AfricasTalking-java#9": Tried(
        "@ is garbled",
        _lib("gateways/test_africastalking", "an_at_sign_that_became_an_inverted_exclamation_mark_comes_back")
        + _lib("gateways/test_smpp", "what_is_typed_is_read_by_its_coding"),
    ),
    "ç shown as Ç": Tried(
        "letters outside the alphabet", _lib("test_texts", "a_seven_bit_language_uses_only_seven_bit_letters")
    ),
    "AT help 484351": Tried(
        "an answer without CON or END",
        _lib("gateways/test_africastalking", "a_reply_is_one_word_and_a_space_before_the_text"),
    ),
    "ussd_airflow#106": Tried(
        "the language is overwritten",
        _door("", "the_end_of_a_session_that_never_reached_us_changes_no_language"),
    ),
    "mpesa-mz-nodejs-lib#9": Tried(
        "numbers as written at home",
        _lib("gateways/test_africastalking", "every_spelling_of_a_number_is_one_identity_by_the_routes_country"),
    ),
    "hubtel-ussd-csharp pull 2": Tried(
        "what was dialled stops where a person must answer",
        _pay("A dial string never commits, whatever follows the amount"),
    ),
    "MTN Uganda; NCC, Guardian NG 2025": Tried(
        "the wrong payee, no confirmation, charged again",
        _door("_shoppers", "two_shops_of_one_name_differ_by_town_and_number")
        + _of("shopper", "Paid a moment ago", "Whoever dials again is told that it is paid"),
    ),
}
