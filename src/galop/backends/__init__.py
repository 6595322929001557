"""Backends, which answer conversations: one protocol, a model in memory, a remote API. From the top down:

protocol.py       what callers know of a backend; events.py: what it emits
load.py           from a name or a file to a model in memory; memory.py: whether it fits, and with which context
local.py          the model in memory, run by the engine
completion.py     one answer of tokens: to text, thinking and calls; stop_strings.py: where it ends
processor.py      tokenizer, template, constraints; default_sampling.py: the model card's settings
tool_constraint.py  tool calls held to their schemas
remote.py         a model behind an API; remote_request.py, remote_stream.py, remote_errors.py (retries)
registry.py       vendors, their models, prices and quirks: registry.json
"""
