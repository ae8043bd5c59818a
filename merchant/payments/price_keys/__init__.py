"""Price keys: what a merchant sells, with prices, so that an order is pressed together instead of typed."""
