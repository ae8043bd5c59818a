"""Pages of the demo, where anyone may act as any merchant and any shopper. They exist in `merchant demo` only."""
