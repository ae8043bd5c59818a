"""Pages for people: rendered here, plain forms, no JavaScript and nothing from another host."""
