"""The laboratory: looking into a stopped system, and measuring."""
