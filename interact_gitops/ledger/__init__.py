"""The run-key ledger: whether a run may start, and what became of every run.

`keys`, `states`, `records` and `moves` decide and are pure; `protocol` is what a runner needs; `sqlite` and
`postgres` are databases under one set of statements (`relational`); `opening` chooses by URL.
"""
