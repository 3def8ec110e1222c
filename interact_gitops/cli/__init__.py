"""The command line: one file per command, and the few that they share."""

import gc

# What a command makes lives to its end, from click's own classes to ten thousand jobs. To look for garbage among
# all that after every seven hundred objects takes a tenth of its time.
gc.set_threshold(100_000, 50, 50)
