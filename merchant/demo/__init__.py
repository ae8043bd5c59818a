"""The demo: a made-up scheme, real legal entities, a simulated hub, and the main job shown end to end."""
