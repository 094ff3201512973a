"""Signatures from before notation 1.0: read, checked and shown, and never counted as notation signatures."""
