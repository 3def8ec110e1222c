"""GitHub: the workflows of a jobs repository, and what their steps tell GitHub."""
