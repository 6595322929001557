"""The page without a server: whatever answers, a session is all it is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ALONE = """
import sys
from pathlib import Path
from fastapi import FastAPI
from starlette.testclient import TestClient
from galop.web.conversations import Conversations
from galop.web.mount import mount_page

class Session:
    owner = "me"
    def models(self): return ["only"]
    def is_loaded(self, model): return True
    computes = False
    async def answer(self, model, messages, temperature, think, science=False): yield
    def explain(self, error): return str(error)

app = FastAPI()
mount_page(app, lambda scope: Session(), Conversations(Path(sys.argv[1]) / "conversations.db"))
with TestClient(app) as client:
    page = client.get("/")
    assert page.status_code == 200 and "What would you like to know?" in page.text and "only" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/elsewhere").status_code == 404
assert not [name for name in sys.modules if name.startswith(("galop.server", "galop.cli"))]
"""


def test_the_page_needs_a_session_and_no_server(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], check=True, timeout=120)
