"""Definitions and a target's jobs → a Plan of Changes (data) → guards → apply → results."""
