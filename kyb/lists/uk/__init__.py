"""Reads the United Kingdom's lists: the UK Sanctions List (CSV or XML), and OFSI's consolidated list (ConList.csv).

OFSI closed its list on 28 January 2026; its files are still read, so that archives can be. Ships are left out.
"""

from kyb.lists.uk.designations import load_uk_xml
from kyb.lists.uk.rows import UK_SOURCE, load_uk_csv

__all__ = ["UK_SOURCE", "load_uk_csv", "load_uk_xml"]
