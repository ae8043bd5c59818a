"""Words that no merchant's number may be, in lower case: hubs would read them as parts of their own addresses."""

from merchant.hub.fspiop.resources import RESERVED_WORDS as RESERVED_WORDS
