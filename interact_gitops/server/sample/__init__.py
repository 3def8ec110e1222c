"""The sample: a warehouse that is made on the spot, and agents that know it."""
