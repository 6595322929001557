"""Pictures and documents from bytes that a stranger sent: decoded in a child process, known by what they show.

file_kinds.py      what a file is before it is decoded
picture.py        a picture, and how bytes become one
document.py       the text of a PDF, and pictures of its pages
decode_child.py   the child; read_document.py: PDFs in it
"""
