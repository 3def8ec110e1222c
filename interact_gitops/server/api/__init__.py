"""The API over HTTP.

    routes (size, host, threads) ── operations (the table) ── access (who may) ── endpoint(Call) ──> Reply
Problems are `failures.Declined`, turned into application/problem+json in `problems`.
"""
