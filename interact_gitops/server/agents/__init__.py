"""Agents of the embedded server: what they know (catalog), how they read a warehouse (connectors), and how
they answer a question (answering).

    agents.yaml ── catalog.load_agents ──> Agent, VerifiedQuery
    Agent.connector ── connectors.opening.open_connector ──> Connector
    answering.answer(agent, connector, Question) ──> Answer(blocks, documents, anomalies)

An agent answers from *verified queries*: SQL that a person wrote and named, with the questions it answers.
The question chooses the query (matching) and fills its parameters (binding); the engine's rows fill a
template (templates). Nothing here is canned and nothing is guessed: no confident match is a failure that says
so.
"""
