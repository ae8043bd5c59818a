"""The lists that names and numbers are screened against: put, confirmed, kept as immutable versions, and indexed.

`operations` put and confirm a version, `content` keeps its bytes in the database, `current` is the index that screening
uses, `packaged` the file that counts until a publisher's own list was put.
"""
