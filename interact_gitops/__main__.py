"""`python -m interact_gitops`."""

from interact_gitops.cli.main import main

main()
