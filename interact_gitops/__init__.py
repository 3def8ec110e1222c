"""Declarative config-as-code with a GitOps loop for Interact agent jobs."""

__version__ = "0.1.0"
