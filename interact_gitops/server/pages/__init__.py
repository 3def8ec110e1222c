"""The web UI: pages that are made on the server, and work without JavaScript.

    routes (the table) ── responding (host, origin, token, threads) ── view(Visit) ──> Page, Redirect or Download
A view reads the store and gives frozen values; a template writes them down. Forms POST and are answered with a
redirect to the page that shows what became of them. What a form does goes through the same functions as the API.
With JavaScript, static/live.js fetches the page again and swaps what is marked `data-live`.

A further page: a module with its views here, a template that extends base.html, a line in `routes.TABLE`.
"""
