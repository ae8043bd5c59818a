"""The page behind every QR code."""
