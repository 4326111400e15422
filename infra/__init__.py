"""Where Leadloop runs: command line, local stack, migrations."""
