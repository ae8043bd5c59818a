"""Statements of a payment that ask more than one machine, or whose rows pass through the coordinator, and why."""

_MANY_ROWS = "INSERT ... SELECT: the rows are made at the coordinator and go to the one machine of their DFSP together"
_WATCHES = "looks for what is due at every machine, once a poll, without a lock; what it finds is decided in its lane"
_BY_ID = "a text message is sent after the payment, by its id alone; an index probe at each machine"

EXCEPTIONS: dict[str, str] = {
    "merchant.core.inbox._STORE": f"the inbox is at the coordinator; and {_MANY_ROWS}",
    "merchant.core.outbox._FINISH": _MANY_ROWS,
    "merchant.core.outbox._LANES": _WATCHES,
    "merchant.notify.events._ANNOUNCE_ALL": _MANY_ROWS,
    "merchant.notify.sms._NOTIFY": _MANY_ROWS,
    "merchant.notify.sms._ENDED": _BY_ID,
    "merchant.notify.sms._READ": _BY_ID,
    "merchant.payments.book_saving._COUNT": _MANY_ROWS,
    "merchant.payments.book_saving._RESERVE": _MANY_ROWS,
    "merchant.payments.book_saving._SAVE_QUOTES": _MANY_ROWS,
    "merchant.payments.book_saving._SAVE_REQUESTS": f"changes requests and closes codes in the lane; then {_MANY_ROWS}",
    "merchant.payments.operations._INSERT": f"four tables in one statement, of which the job is {_MANY_ROWS}",
    "merchant.payments.timers._DUE": _WATCHES,
    "merchant.payments.timers._LANES": _WATCHES,
    "merchant.payments.timers._REFUNDS_DUE": _WATCHES,
    "merchant.payments.timers._SILENT": _WATCHES,
}
