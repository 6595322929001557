"""What answers: one protocol, a local model, a remote interface."""
