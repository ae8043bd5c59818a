"""What runs: the web application, the worker, and what sets an installation up; they gather what slices export."""
