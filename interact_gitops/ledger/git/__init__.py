"""The ledger on a reference of a git repository, for runners that have no database: GitHub Actions, above all."""
