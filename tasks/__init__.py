"""One step each: retries and timeouts around plain functions of the platform."""
