"""Telling people: what happened (`events`), who hears of it (`admission`), how it reads (`messages`), and how it gets
there (`senders`). Nothing here knows a server or a database; whoever has an outbox calls a `Sender` and keeps what it
says in mind.
"""
