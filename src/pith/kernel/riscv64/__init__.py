"""All that knows the architecture: registers, address translation, interrupts, time, entry and exit."""
