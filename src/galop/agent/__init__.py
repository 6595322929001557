"""Models that call tools until they answer; MCP both ways."""
