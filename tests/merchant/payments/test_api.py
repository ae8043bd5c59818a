"""The payment request API, as CONTRACT words it."""
