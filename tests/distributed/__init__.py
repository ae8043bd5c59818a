"""Tests of an installation on several machines; each needs a Citus cluster."""
