"""The outbox worker: order, slow peers, stopping and surviving."""
