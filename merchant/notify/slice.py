"""What notify exports to the programs."""

from uuid import UUID

from merchant.core.access import Permission as P
from merchant.core.slices import Pruned, Timer, network, transactional
from merchant.notify import (
    choice_routes,
    email,
    endpoints,
    event_log,
    events,
    live,
    message_routes,
    messages,
    notices,
    sms,
    webhook,
)
from merchant.notify.gateways.outcomes import NotSent
from merchant.notify.routes import ROUTES as WEBHOOK_ROUTES

ROUTES = [*WEBHOOK_ROUTES, *event_log.ROUTES, *live.ROUTES, *choice_routes.ROUTES, *message_routes.ROUTES]
JOBS = (
    network(events.WEBHOOK_TOPIC, UUID, webhook.deliver, (webhook.NotDelivered,)),
    network(sms.TOPIC, UUID, sms.deliver, (NotSent,)),
    transactional(sms.HELD_TOPIC, UUID, sms.release_held),
    transactional(events.NOTICE_TOPIC, events.Notice, notices.send_notice),
    network(sms.PRIVATE_TOPIC, bytes, sms.deliver_private, (NotSent,)),
    network(email.TOPIC, bytes, email.deliver, (email.NotSent,)),
)
TIMERS: tuple[Timer, ...] = ()
PRUNED = (
    Pruned("event tickets", live.prune),
    Pruned("kept mails", email.prune),
    Pruned("announced events", events.prune),
    Pruned("words of messages", messages.blank),
    Pruned("messages", messages.prune),
    Pruned("old webhook secrets", endpoints.forget_old_secrets),
)
PERMISSIONS = {
    P.WEBHOOKS_WRITE: "Add, try and remove webhook endpoints, send deliveries again, and read the log of events.",
    P.EVENTS_READ: "Hear live events.",
    P.NOTIFICATIONS_READ: "Read which messages people were sent, and what became of them.",
    P.OWN_NOTIFICATIONS_WRITE: "Choose which messages the own merchant is sent, and its quiet hours.",
}
