"""The page: conversations in a browser, drawn from Python."""
