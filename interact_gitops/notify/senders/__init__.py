"""One file per kind of channel, each a `Sender`."""
