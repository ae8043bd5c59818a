"""The wire that the hub speaks, by what is done with it: nobody above imports anything of it.

Values of port.py and envelopes.py go in and come out; a second wire is chosen here. pyproject.toml forbids every other
way to hub/fspiop but the simulator's, which is another party on the same wire, and that of the wire's own document.
"""

from merchant.hub.fspiop.arriving import (
    about_of,
    about_of_path,
    accepted_status,
    addressee_of,
    badly_signed,
    check_body,
    is_signed,
    known_resource,
    read_heading,
    refusal_answer,
    returned_of,
    signature_problem,
    wire_code,
)
from merchant.hub.fspiop.client import send
from merchant.hub.fspiop.jws import load_signing_key, load_verify_key
from merchant.hub.fspiop.reading import read
from merchant.hub.fspiop.showing import (
    answers_look_up,
    error_code_of,
    look_up,
    masked,
    masked_numbers,
    party_told,
    shown_body,
    shown_headers,
    shown_path,
)
from merchant.hub.fspiop.writing import write, write_refusal

__all__ = [
    "about_of",
    "about_of_path",
    "accepted_status",
    "addressee_of",
    "answers_look_up",
    "badly_signed",
    "check_body",
    "error_code_of",
    "is_signed",
    "known_resource",
    "load_signing_key",
    "load_verify_key",
    "look_up",
    "masked",
    "masked_numbers",
    "party_told",
    "read",
    "read_heading",
    "refusal_answer",
    "returned_of",
    "send",
    "shown_body",
    "shown_headers",
    "shown_path",
    "signature_problem",
    "wire_code",
    "write",
    "write_refusal",
]
