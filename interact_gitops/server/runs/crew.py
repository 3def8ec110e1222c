"""The agents at work in this server, and the connectors that they share."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from interact_gitops.server.agents.agent import Agent
from interact_gitops.server.agents.connectors.connector import Connector
from interact_gitops.server.agents.connectors.opening import ConnectorConfig, open_connector


class AgentCrew:
    """Agents by slug and id. Equal connector configurations share one connector, opened at its first use."""

    def __init__(self, agents: Iterable[Agent], *, sample_folder: Path) -> None:
        self.agents = tuple(agents)
        self._by_slug = {agent.slug: agent for agent in self.agents}
        self._sample_folder = sample_folder
        self._lock = threading.Lock()
        self._connectors: dict[ConnectorConfig, Connector] = {}

    def by_slug(self, slug: str) -> Agent | None:
        """The agent, active or not."""
        return self._by_slug.get(slug)

    def connector(self, agent: Agent) -> Connector:
        """The agent's warehouse."""
        with self._lock:
            found = self._connectors.get(agent.connector)
            if found is None:
                found = open_connector(agent.connector, sample_folder=self._sample_folder)
                self._connectors[agent.connector] = found
            return found

    def warm(self) -> None:
        """Makes the sample warehouse, when an active agent reads it, so that the first run need not wait.

        Raises QueryFailed or OSError when it cannot be made.
        """
        for agent in self.agents:
            if agent.active and agent.connector.kind == "sample":
                self.connector(agent).tables()
                return

    def close(self) -> None:
        """Lets go of every connector."""
        with self._lock:
            for connector in self._connectors.values():
                connector.close()
            self._connectors.clear()
