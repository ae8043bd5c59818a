"""What a QR code says, and which printed sticker is valid."""
