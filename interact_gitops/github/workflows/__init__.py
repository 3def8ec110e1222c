"""The workflows of a jobs repository: text made of its jobs and configuration."""
