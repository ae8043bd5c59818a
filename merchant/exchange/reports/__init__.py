"""Reports: what was taken, what is settled, how payments run, how merchants stand and how cases are decided.

One module a report holds its statements; routes.py answers on money with schemas.py, and staff_routes.py for staff with
staff_schemas.py. All days are days in the scheme's time zone.
"""
