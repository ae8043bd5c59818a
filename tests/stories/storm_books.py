"""The books after a storm, held against the hub's ledger: every table that tells of money must tell the same."""

from collections import Counter, defaultdict
from typing import Any

import asyncpg

from merchant.core import money
from merchant.payments.states import CLOSED

Document = dict[str, Any]
_REQUESTS = """
SELECT id, state, amount_minor, currency, reference, payer_type IS NULL AS is_code, transaction_request_id, transfer_id,
  steps, paid_at FROM payment_request
"""
_TRANSFERS = """
SELECT t.transfer_id, t.state, t.request_id, t.amount_minor, t.currency, t.usage_day,
  coalesce(m.limit_group, m.id) AS group_id
FROM transfer t JOIN merchant m ON m.id = t.merchant_id
"""
_PAYMENTS = "SELECT id, transfer_id, request_id, merchant_id, amount_minor, currency FROM payment"
_STEPS = "SELECT request_id, seq, state FROM payment_event ORDER BY request_id, seq"
_ANNOUNCED = """
SELECT event_type, body ->> 'payment_request_id' AS request_id, body ->> 'payment_id' AS payment_id,
  body ->> 'transfer_id' AS transfer_id
FROM (SELECT event_type, convert_from(body, 'UTF8')::json -> 'data' AS body FROM announced_event) AS event
WHERE event_type LIKE 'payment%'
"""
_USED = "SELECT merchant_id, period, currency, taken_minor, payments FROM limit_usage WHERE payments <> 0"
_TEXTS = "SELECT merchant_id, amount_minor, currency FROM sms_message WHERE kind = 'paid'"


class Books:
    """What the service holds, read at one moment, and what the hub holds."""

    def __init__(self, ledger: list[Document], tables: dict[str, list[asyncpg.Record]]) -> None:
        self.ledger = {row["transfer_id"]: row for row in ledger}
        self.requests = {row["id"]: row for row in tables["requests"]}
        self.transfers = {row["transfer_id"]: row for row in tables["transfers"]}
        self.tables = tables

    def compare(self) -> None:
        """Everything agrees."""
        self.no_money_is_lost_or_doubled()
        self.requests_say_what_became_of_their_money()
        self.histories_are_whole()
        self.limits_are_exact()
        self.everyone_was_told_once()

    def no_money_is_lost_or_doubled(self) -> None:
        """Our transfers are the ledger's; each one committed is one payment of its amount, and nothing else is."""
        assert len(self.transfers) == len(self.tables["transfers"]), "a transfer stands twice"
        ours = {key: (row["state"], row["amount_minor"], row["currency"]) for key, row in self.transfers.items()}
        theirs = {key: (row["state"], *_amount(row)) for key, row in self.ledger.items()}
        assert {state for state, _, _ in theirs.values()} <= {"COMMITTED", "ABORTED"}
        assert not ours.keys() - theirs.keys()
        # What the hub aborted may never have come to us.
        assert {key: one for key, one in theirs.items() if one[0] == "COMMITTED" or key in ours} == ours
        payments = Counter(
            (row["transfer_id"], row["amount_minor"], row["currency"]) for row in self.tables["payments"]
        )
        assert payments == Counter({(key, *one[1:]): 1 for key, one in theirs.items() if one[0] == "COMMITTED"})

    def requests_say_what_became_of_their_money(self) -> None:
        """Each has ended, and is paid exactly when one payment of its amount has come for it."""
        assert {row["state"] for row in self.requests.values()} <= CLOSED
        came = defaultdict(list)
        for payment in self.tables["payments"]:
            if payment["request_id"] is not None:
                came[payment["request_id"]].append(payment)
        for request_id, row in self.requests.items():
            is_paid = row["state"] == "paid"
            assert (len(came[request_id]), row["paid_at"] is not None) == (int(is_paid), is_paid), dict(row)
            for payment in came[request_id]:
                assert (payment["amount_minor"], payment["currency"]) == (row["amount_minor"], row["currency"])
                assert payment["transfer_id"] == row["transfer_id"]
                asked = None if row["is_code"] else row["transaction_request_id"]
                assert self.ledger[payment["transfer_id"]].get("transaction_request_id") == asked
        by_hub_id = {row["transaction_request_id"]: row for row in self.requests.values()}
        for entry in self.ledger.values():
            if entry["state"] == "COMMITTED" and entry.get("transaction_request_id"):
                assert by_hub_id[entry["transaction_request_id"]]["state"] == "paid", entry

    def histories_are_whole(self) -> None:
        """Without a gap, and ending as the request did."""
        steps = defaultdict(list)
        for row in self.tables["steps"]:
            steps[row["request_id"]].append((row["seq"], row["state"]))
        for request_id, row in self.requests.items():
            seqs = [seq for seq, _ in steps[request_id]]
            assert seqs == list(range(1, row["steps"] + 1)), dict(row)
            assert steps[request_id][-1][1] == row["state"]

    def limits_are_exact(self) -> None:
        """What is used of them is what is under way or committed, by day and month."""
        expected: defaultdict[tuple[Any, str, str], list[int]] = defaultdict(lambda: [0, 0])
        for row in self.transfers.values():
            if row["state"] != "ABORTED":
                for period in (row["usage_day"], row["usage_day"][:7]):
                    used = expected[row["group_id"], period, row["currency"]]
                    used[0] += row["amount_minor"]
                    used[1] += 1
        assert {
            (row["merchant_id"], row["period"], row["currency"]): [row["taken_minor"], row["payments"]]
            for row in self.tables["used"]
        } == expected

    def everyone_was_told_once(self) -> None:
        """One announcement of each end and each doubt, of each payment without a request, one text of each payment."""
        announced = self.tables["announced"]
        told = Counter((row["request_id"], row["event_type"]) for row in announced if row["request_id"] is not None)
        silent = {"created", "sent", "awaiting_payer", "accepted"}
        assert told == Counter(
            (str(row["request_id"]), f"payment_request.{row['state']}")
            for row in self.tables["steps"]
            if row["state"] not in silent
        )
        paid = {str(one["request_id"]): one for one in self.tables["payments"] if one["request_id"] is not None}
        for row in announced:
            if row["event_type"] == "payment_request.paid":
                payment = paid[row["request_id"]]
                assert (row["payment_id"], row["transfer_id"]) == (str(payment["id"]), payment["transfer_id"])
        alone = Counter(str(row["id"]) for row in self.tables["payments"] if row["request_id"] is None)
        assert Counter(row["payment_id"] for row in announced if row["event_type"] == "payment.received") == alone
        of_payments = Counter((p["merchant_id"], p["amount_minor"], p["currency"]) for p in self.tables["payments"])
        assert (
            Counter((t["merchant_id"], t["amount_minor"], t["currency"]) for t in self.tables["texts"]) == of_payments
        )


async def read_books(connection: asyncpg.Connection, ledger: list[Document]) -> Books:
    """All tables that tell of money."""
    statements = {
        "requests": _REQUESTS,
        "transfers": _TRANSFERS,
        "payments": _PAYMENTS,
        "steps": _STEPS,
        "announced": _ANNOUNCED,
        "used": _USED,
        "texts": _TEXTS,
    }
    return Books(ledger, {name: await connection.fetch(statement) for name, statement in statements.items()})


def _amount(row: Document) -> tuple[int, str]:
    return money.parse_decimal(row["amount"], row["currency"]).minor, row["currency"]
