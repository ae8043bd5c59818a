"""Cases: written, submitted, screened, reviewed, decided. An application is the case that makes a merchant."""
