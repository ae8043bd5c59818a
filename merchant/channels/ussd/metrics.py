"""What the USSD channel counts for Prometheus: figures of dialogues, and nothing of who had them."""

from prometheus_client import Counter, Histogram

_steps = Counter("merchant_ussd_steps", "Messages of gateways that were taken, by gateway.", ["gateway"])
# Networks end a dialogue whose answer takes longer than 5 to 10 s, and a person gives up before.
_seconds = Histogram(
    "merchant_ussd_step_seconds",
    "How long a step of a USSD dialogue took, by gateway.",
    ["gateway"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)
_ends = Counter("merchant_ussd_ends", "Dialogues that ended, by how.", ["kind"])
_missed = Counter("merchant_ussd_deadline_misses", "Steps that were answered with a promise, since they took too long.")
_resumes = Counter("merchant_ussd_resumes", "Dialogues that went on where they had dropped.")
_declines = Counter("merchant_ussd_declines", "Payments that were shown to be confirmed, and were not wanted.")
_wrong_numbers = Counter("merchant_ussd_wrong_numbers", "Shop numbers that were typed and that no shop has.")


def count_step(gateway: str, took_s: float) -> None:
    """One more message of a gateway, and how long it took; its name is one of ussd.GATEWAYS."""
    _steps.labels(gateway).inc()
    _seconds.labels(gateway).observe(took_s)


def count_end(kind: str) -> None:
    """A dialogue ended: by our last `screen`, or as its gateway told, by `cancel`, `timeout` or `ended`."""
    _ends.labels(kind).inc()


def count_deadline_missed() -> None:
    """A step was not done in time for its gateway."""
    _missed.inc()


def count_resume() -> None:
    """A phone went on with a dialogue that had dropped."""
    _resumes.inc()


def count_wrong_number() -> None:
    """A number was typed that no shop has."""
    _wrong_numbers.inc()


def count_decline() -> None:
    """Somebody went home from a payment that was shown to be confirmed."""
    _declines.inc()
