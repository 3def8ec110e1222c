"""How an event reads: one neutral message, and its forms per kind of channel."""
