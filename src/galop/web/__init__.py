"""The page: conversations in a browser, drawn from Python.

mount.py          the page at / of an application; session.py: where its answers come from
page.py           puts the parts together: sidebar.py, composer.py, lane_view.py, and bubble.py for a message
answering.py      an answer as it comes; state.py: what one tab shows
markdown.py       Markdown to harmless HTML; markdown_child.py: in a child process
conversations.py  what is kept, in SQLite; texts.py: English and French
"""
