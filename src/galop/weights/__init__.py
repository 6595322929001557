"""File formats, quantised blocks, and packs laid out for kernels.

gguf.py, safetensors.py  headers, and tensors by where they stand in a file (stored_tensor.py)
quant_types.py           the block formats and their values: the table that a new type joins
pack.py                  a model laid out for the kernels, kept on disk
checkpoint.py, tree.py   tensors under their Hugging Face names, and as attributes in a forward pass
files.py, json_files.py  which files a model is made of, and the JSON and templates among them
"""
