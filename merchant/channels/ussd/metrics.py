"""What the USSD channel counts for Prometheus: figures of dialogues, and nothing of who had them."""

from prometheus_client import Counter

_steps = Counter("merchant_ussd_steps", "Messages of gateways that were taken, by gateway.", ["gateway"])
_ends = Counter("merchant_ussd_ends", "Dialogues that ended, by how.", ["kind"])
_missed = Counter("merchant_ussd_deadline_misses", "Steps that were answered with a promise, since they took too long.")
_resumes = Counter("merchant_ussd_resumes", "Dialogues that went on where they had dropped.")
_wrong_numbers = Counter("merchant_ussd_wrong_numbers", "Shop numbers that were typed and that no shop has.")


def count_step(gateway: str) -> None:
    """One more message of a gateway; its name is one of ussd.GATEWAYS."""
    _steps.labels(gateway).inc()


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
