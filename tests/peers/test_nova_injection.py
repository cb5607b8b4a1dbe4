"""What is injected into a guest, by Nova's own code and by the agent: the same files, modes and bytes.

Nova's decisions are taken down by nova_inject.py; the agent injects into a real file system, which debugfs reads. The
salt of the password is drawn, and its crypt is SHA-512 here and MD5 in Nova: all else of /etc/shadow is compared.
Skips where python3-nova isn't installed.
"""

import base64
import json
import re
import subprocess
import unittest
from pathlib import Path

from harness import MIB, creation, new_uuid, tool
from image_story import ImageStory

PYTHON = "/usr/bin/python3"
PROGRAM = Path(__file__).with_name("nova_inject.py")
PATIENCE = 120

USERS = {"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "/etc/shadow": "bin:*:1::::::\nroot:*:19000:0:99999:7:::\n"}
GUESTS = {
    "plain": (USERS, ["/etc", "/root"]),
    "with SELinux": (USERS, ["/etc", "/etc/selinux", "/root"]),
    "with SELinux and rc.d": (USERS, ["/etc", "/etc/selinux", "/etc/rc.d", "/root"]),
    "with a script at boot": ({**USERS, "/etc/rc.local": "#!/bin/sh\nexit 0\n"}, ["/etc", "/etc/selinux", "/root"]),
    "with a key": ({**USERS, "/root/.ssh/authorized_keys": "ssh-rsa OLD\n"}, ["/etc", "/root", "/root/.ssh"]),
    "without users": ({}, ["/etc", "/root"]),
}
ASKED = {"key": " ssh-ed25519 AAAA me \n", "metadata": {"role": "web", "wer": "Jürgen \"x\""}, "admin_pass": "geheim",
         "injected_files": [["/etc/motd", "welcome\n"], ["/srv/a/b", "deep\n"], ["/top", ""]]}


def without_crypt(shadow: str) -> str:
    return re.sub(r"\$[16]\$[^:]*", "CRYPT", shadow)


class NovaInjection(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        if subprocess.run([PYTHON, "-c", "import nova"], capture_output=True).returncode != 0:
            self.skipTest("python3-nova isn't installed: tools/install-packages.sh peers")

    def novas(self, files: dict, directories: list) -> dict:
        told = json.dumps({**ASKED, "files": files, "directories": directories})
        done = subprocess.run([PYTHON, PROGRAM], input=told, env=self.environment(HOME="/dev/null"), text=True,
                              capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def image(self, name: str, files: dict, directories: list) -> Path:
        tree, image = self.scratch / name, self.scratch / f"{name}.img"
        for directory in directories:
            (tree / directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (tree / path.lstrip("/")).write_text(content)
        with open(image, "wb") as disk:
            disk.truncate(16 * MIB)
        tool("mkfs.ext4", "-q", "-F", "-d", tree, image)
        return image

    def debugfs(self, disk: str, request: str) -> str:
        return tool("debugfs", "-R", request, disk)

    def test_the_same_goes_in(self):
        config = self.config(libvirt={"inject_partition": -1, "inject_key": "true", "inject_password": "true",
                                      "images_type": "raw"})
        _, client = self.daemon(config)
        asked = creation(None, key_data=ASKED["key"], metadata=ASKED["metadata"], admin_pass=ASKED["admin_pass"],
                         injected_files=[{"path": path, "contents": base64.b64encode(content.encode()).decode()}
                                         for path, content in ASKED["injected_files"]])
        for name, (files, directories) in GUESTS.items():
            with self.subTest(name):
                expected = self.novas(files, directories)
                url = self.serve(self.image(name.replace(" ", "-"), files, directories), "/" + name.replace(" ", "-"))
                disk = self.assert_created(client.create(new_uuid(), {**asked, "image_ref": url}))["disk"]["path"]
                for path, content in expected["files"].items():
                    self.assertEqual(without_crypt(self.debugfs(disk, f"cat {path}")), without_crypt(content), path)
                for path, mode in expected["modes"].items():
                    self.assertIn(f"Mode:  {mode:04o}", self.debugfs(disk, f"stat {path}"), path)
                self.assertEqual("/etc/shadow" in expected["files"], "/etc/shadow" in files)
                self.assertLessEqual({"/meta.js", "/top", "/root/.ssh/authorized_keys"}, expected["files"].keys())


if __name__ == "__main__":
    unittest.main(verbosity=2)
