"""Documents that prove what an application says: checked by content, sealed, kept, opened on the record."""
