"""What the server keeps: one SQLite file. Each module has the queries of one noun, as functions of a connection.

Who calls decides the transaction (`Database.read`, `Database.write`); no function here commits.
"""
