"""Connections before there is a request: what is read strictly, and how long a client may keep us waiting."""
