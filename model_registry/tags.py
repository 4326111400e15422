"""Names that the platform writes on versions and runs, and the places where people act."""

TRAINING_KEY = "training_key"
SEARCH_KEY = "search_key"
BUNDLE_DIGEST = "bundle_digest"
DECISION, DECIDED_AT, DECIDED_BY, DECIDED_WHY = "decision", "decision_at", "decision_by", "decision_why"

DECISION_TAGS = (DECISION, DECIDED_AT, DECIDED_BY, DECIDED_WHY)

PRODUCTION_ALIAS, STAGING_ALIAS = "production", "staging"
CANARY_ALIAS, SHADOW_ALIAS = "canary", "shadow"
PRODUCTION_STAGE, STAGING_STAGE, ARCHIVED_STAGE, NO_STAGE = "Production", "Staging", "Archived", "None"
