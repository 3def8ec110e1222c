"""The embedded Interact: the API of design/interact-api.md on one machine, with agents that run real queries.

    serving ──> instance (store, agents, runs) ──> app: api and pages (Starlette) over loopback
    request ──> runs.starting: chats queued ──> runs.pool ──> agents ──> runs.ending

`store` keeps everything in one SQLite file and knows nothing of HTTP; `runs` turns triggers into chats and
chats into answers; `api` and `pages` are the places that know HTTP. Nothing outside `cli` and `config` imports this
package: it can be deleted and the tool still works.
"""
