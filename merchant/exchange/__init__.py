"""Many things at once: files that come in (imports), lists that go out, and what another registry's database holds."""
