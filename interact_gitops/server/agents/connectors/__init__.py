"""Reading a warehouse: the `Connector` seam (connector.py) and one file per backend.

A query is read-only at three depths, each sufficient alone against an honest mistake:
  1. the engine is opened read-only, with external access, extensions and settings locked;
  2. the text is one SELECT without a function that reaches beyond the rows (gate.py);
  3. a time limit, a row cap and a byte cap stop what is merely too large (watch.py, collecting.py).
"""
