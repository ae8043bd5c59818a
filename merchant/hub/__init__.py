"""The hub: one package a wire."""
