"""The schedules of the server's own jobs, by the same runner and ledger that drive any other Interact from outside."""
