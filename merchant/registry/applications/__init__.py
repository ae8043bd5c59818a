"""Applications: written, submitted, screened, reviewed, decided."""
