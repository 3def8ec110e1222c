"""From a trigger to a finished chat.

requests.RunRequest ── drafting ──> Draft (pure) ── starting ──> chats queued, one transaction
pool: claims chats in turn ── asking ──> questions and answers ── ending ──> the end, one transaction
"""
