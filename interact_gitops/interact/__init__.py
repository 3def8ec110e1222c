"""The Interact API as a client sees it: both surfaces, typed records, failures with remedies."""
