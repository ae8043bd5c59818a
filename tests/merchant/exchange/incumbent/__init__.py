"""Tests of the migration from merchant-registry-svc."""
