"""Notifications to merchants and their systems: webhooks, SMS, server-sent events. Each is fed from the outbox."""
