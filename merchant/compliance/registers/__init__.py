"""Copies of public registers that businesses are looked up in: of the LEI, what GLEIF publishes.

`golden_copy` reads the published file, `operations` puts its records into the database, `queries` finds one, and
`gleif_api` asks the register itself for what the copy lacks.
"""
