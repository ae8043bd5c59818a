"""Tests of imports and of lists as files."""
