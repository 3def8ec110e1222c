"""`github`: what this repository's workflows do at GitHub; each part can be run by hand where its variables are."""

from __future__ import annotations

from interact_gitops.cli.github_action import action
from interact_gitops.cli.github_comment import comment
from interact_gitops.cli.github_dispatch import dispatch
from interact_gitops.cli.github_head import head
from interact_gitops.cli.github_posts import issue, status
from interact_gitops.cli.grouping import group

github = group(
    "github", action, dispatch, comment, head, issue, status,
    help="What the workflows of `workflows generate` do at GitHub.",
    examples="""
interact-gitops github dispatch weekly-report
interact-gitops github issue drift.md --needed true
interact-gitops github status --context interact-gitops/apply
""",
)  # fmt: skip
