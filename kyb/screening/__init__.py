"""Name screening: lists.py reads sanctions lists, names.py brings names to one form, match.py compares."""
