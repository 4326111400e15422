"""``python -m infra.migrations``: migrate the database of the settings."""

from estate.core.settings import load_settings
from infra.migrations.run import upgrade

settings = load_settings()
owner = settings.owner_database_url
upgrade(owner.get_secret_value() if owner else settings.endpoint("database_url"))
