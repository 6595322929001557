"""Requests by the thousand, in files as OpenAI's Batch API has them: read, answered, and written so that whatever dies
meanwhile costs no answer."""
