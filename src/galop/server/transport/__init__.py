"""HTTP: connections and their limits, JSON, streams."""
