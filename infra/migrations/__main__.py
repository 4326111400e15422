"""``python -m infra.migrations``: migrate the database of the settings."""

from estate.core.settings import load_settings
from infra.migrations.run import upgrade

upgrade(load_settings().endpoint("database_url"))
