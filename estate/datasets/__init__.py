"""Data coming in: contracts, importer, readers of public files, the simulated world."""
