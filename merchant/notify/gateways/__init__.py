"""Ways by which text messages leave: `choose` hands one to the gateway that MERCHANT_SMS_URL names."""
