"""Reads the list of Specially Designated Nationals of the US Treasury's OFAC, as XML or as CSV.

Both forms give the same entry ids, so one may follow the other. Ships and aircraft are left out: they run no business.
"""

from kyb.lists.ofac.sdn_csv import load_ofac_csv
from kyb.lists.ofac.sdn_xml import OFAC_SOURCE, load_ofac_xml

__all__ = ["OFAC_SOURCE", "load_ofac_csv", "load_ofac_xml"]
