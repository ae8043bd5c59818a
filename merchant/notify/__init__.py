"""Notifications to merchants and their systems: webhooks, SMS, server-sent events.

Webhooks and SMS go through the outbox; live events through NOTIFY, which PostgreSQL delivers at the commit.
"""
