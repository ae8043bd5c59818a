"""HTTP as this service speaks it: JSON routes, forms of pages, and raw doors for the hottest paths."""
