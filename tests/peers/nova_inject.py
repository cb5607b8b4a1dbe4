#!/usr/bin/python3
"""What Nova's own code injects into a guest. Needs python3-nova.

Reads {"files","directories","key","metadata","admin_pass","injected_files"} from its standard input and answers
{"files": {path: content}, "modes": {path: mode}} of what was written, both JSON. nova.virt.disk.api decides; the guest's
file system is a dictionary.
"""

import json
import sys

from nova import config
from nova.virt.disk import api


class Written:
    """A VFS in memory, as of nova/virt/disk/vfs/api.py."""

    def __init__(self, files: dict, directories: list):
        self.there, self.directories = dict(files), set(directories)
        self.written, self.modes = {}, {}

    @staticmethod
    def _path(path: str) -> str:
        return "/" + path.lstrip("/")

    def has_file(self, path: str) -> bool:
        return self._path(path) in self.there or self._path(path) in self.directories

    def read_file(self, path: str) -> str:
        return self.there[self._path(path)]

    def replace_file(self, path: str, content: str) -> None:
        self.there[self._path(path)] = self.written[self._path(path)] = content

    def append_file(self, path: str, content: str) -> None:
        self.replace_file(path, self.there.get(self._path(path), "") + content)

    def make_path(self, path: str) -> None:
        self.directories.add(self._path(path))

    def set_permissions(self, path: str, mode: int) -> None:
        self.modes[self._path(path)] = mode

    def set_ownership(self, path: str, user: str, group: str) -> None:
        assert (user, group) == ("root", "root"), path


def main() -> None:
    config.parse_args(["nova_inject"], default_config_files=[], configure_db=False, init_rpc=False)
    told = json.load(sys.stdin)
    guest = Written(told["files"], told["directories"])
    api.inject_data_into_fs(guest, told["key"], None, told["metadata"], told["admin_pass"], told["injected_files"],
                            mandatory=("files",))
    print(json.dumps({"files": guest.written, "modes": guest.modes}))


if __name__ == "__main__":
    main()
