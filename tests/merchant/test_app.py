"""The application as a whole: its doors and its limits."""
