"""An nginx on a port of the loopback, with a configuration of its own."""

from pathlib import Path

import rest
from process import Peer, require


class WebServer(Peer):
    """Serves the files below a directory at `url`."""

    def __init__(self, root: Path):
        super().__init__()
        self._root = root

    def start(self):
        require("nginx", "nginx")
        return super().start()

    def _start(self) -> None:
        port = self.port()
        self.url = f"http://127.0.0.1:{port}"
        config = self.scratch / "nginx.conf"
        folders = "".join(f"{kind}_temp_path {self.scratch}/{kind}; "
                          for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(f"""daemon off;
user root;
worker_processes 1;
pid {self.scratch}/nginx.pid;
error_log {self.scratch}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; default_type application/octet-stream; {folders}
  server {{ listen 127.0.0.1:{port}; root {self._root}; }}
}}
""")
        self.daemon("nginx", ["nginx", "-e", self.scratch / "error.log", "-c", config]).wait_until(
            lambda: rest.answers(self.url))
