"""Doors for people: pages rendered here, plain forms, no JavaScript and nothing from another host."""
