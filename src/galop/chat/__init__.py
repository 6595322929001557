"""Messages to tokens and back: templates, tools, constraints."""
