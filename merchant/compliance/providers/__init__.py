"""Providers of evidence: one-time codes, registers that are asked over HTTP, and files that registers drop."""
