"""Reports: what was taken, what is settled, how payments run, how merchants stand, how cases are decided."""
