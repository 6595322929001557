"""Messages to tokens and back: templates, tools, constraints. From the top down:

template.py         renders and encodes a conversation; template_child.py: in a child process that can be killed
messages.py         adapts a conversation to the template; template_capabilities.py: what that can do
thinking.py         budgets of thinking, and the split of thinking from the answer
response_format.py  JSON schema, regex or Lark; constraint.py: its token masks; grammar_child.py: compiled in a child
schema.py           JSON schemas in keywords that grammars know; lark.py: pieces of grammars
tools.py            tools and calls as values; tool_formats.py: how each family writes calls (FORMATS)
tool_parser.py      calls out of a stream of text; tool_syntax.py: those that are no JSON
tool_grammar.py     calls as a grammar; tool_schema.py, argument_grammar.py: their arguments
translate.py        translation sentence by sentence
"""
