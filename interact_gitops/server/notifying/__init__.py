"""Telling people of runs: the outbox rows that a run's end writes, and the courier who takes them out."""
