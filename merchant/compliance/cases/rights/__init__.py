"""Rights of the people that cases speak of: their data found, exported, kept for as long as it must be, and erased."""
