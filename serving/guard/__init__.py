"""Who may ask serving, and how often. Nothing is imported here: the command line needs only the keys."""
