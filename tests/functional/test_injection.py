"""Files injected into root disks, read back with programs that aren't ours."""

import base64
import hashlib
import os
import shutil
import subprocess
import unittest
from pathlib import Path

from harness import MIB, cache_key, creation, new_uuid, tool
from image_story import ImageStory

PASSWORD = "Tr0ub4dor-and-3"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@home"
MOTD = b"welcome\n"
BYTES = bytes(range(256)) * 40
ROOT_SIZE = 32 * MIB


def file(path: str, contents: bytes) -> dict:
    return {"path": path, "contents": base64.b64encode(contents).decode()}


EVERYTHING = {"key_data": KEY, "metadata": {"role": "web"}, "admin_pass": PASSWORD,
              "injected_files": [file("/etc/motd", MOTD), file("/srv/a/bytes", BYTES)]}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class InjectionStory(ImageStory):
    partition = "-1"

    def setUp(self) -> None:
        super().setUp()
        self.conf = self.config(libvirt={"inject_partition": self.partition, "inject_key": "true",
                                         "inject_password": "true", "images_type": "qcow2"})

    def environment(self, **changes: str) -> dict[str, str]:
        # Nothing of these tests may touch /dev/kvm.
        return {**super().environment(**changes), "LIBGUESTFS_BACKEND_SETTINGS": "force_tcg"}

    def root(self, name: str = "root.img", mkfs=("mkfs.ext4",), requests: tuple[str, ...] = ()) -> Path:
        """A root file system; `requests` to debugfs make it another."""
        tree, path = self.scratch / "tree", self.scratch / name
        for folder in ("etc", "root"):
            (tree / folder).mkdir(parents=True, exist_ok=True)
        (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (tree / "etc/shadow").write_text("root:*:19000:0:99999:7:::\n")
        (tree / "etc/motd").write_text("an older and longer welcome\n")
        with open(path, "wb") as image:
            image.truncate(ROOT_SIZE)
        tool(*mkfs, "-q", "-F", "-d", tree, "-E", "root_owner=0:0", path)
        for request in requests:
            tool("debugfs", "-w", "-R", request, path)
        return path

    def partitioned(self, root: Path, label: str) -> Path:
        """A disk with that file system in its first partition."""
        path = self.scratch / f"{label}.img"
        with open(path, "wb") as image:
            image.truncate(ROOT_SIZE + 4 * MIB)
        tool("sfdisk", "-q", path, input=f"label: {label}\nstart=2048,size={ROOT_SIZE // 512}\n")
        tool("dd", f"if={root}", f"of={path}", "bs=1M", "seek=1", "conv=notrunc,sparse", "status=none")
        return path

    def make(self, client, image: Path, **fields) -> dict:
        """The answer, whatever it is."""
        return client.create(new_uuid(), creation(self.serve(image, f"/{image.name}"), **{**EVERYTHING, **fields}))

    def as_raw(self, disk: dict, offset: int = 0) -> Path:
        """The root file system as the guest reads it."""
        whole, root = self.scratch / "whole.raw", self.scratch / "root.raw"
        tool("qemu-img", "convert", "-f", disk["format"], "-O", "raw", disk["path"], whole)
        tool("dd", f"if={whole}", f"of={root}", "bs=1M", f"skip={offset // MIB}", f"count={ROOT_SIZE // MIB}",
             "conv=sparse", "status=none")
        return root

    def debugfs(self, root: Path, request: str) -> bytes:
        return subprocess.run(["debugfs", "-R", request, str(root)], check=True, capture_output=True).stdout

    def assert_injected(self, root: Path) -> None:
        tool("e2fsck", "-fn", root)
        keys = self.debugfs(root, "cat /root/.ssh/authorized_keys").decode()
        self.assertEqual(keys, f"\n# The following ssh key was injected by Nova\n{KEY}\n")
        self.assertIn(b"Mode:  0600", self.debugfs(root, "stat /root/.ssh/authorized_keys"))
        self.assertIn(b"Mode:  0700", self.debugfs(root, "stat /root/.ssh"))
        self.assertEqual(self.debugfs(root, "cat /meta.js"), b'{"role": "web"}')
        self.assertEqual(self.debugfs(root, "cat /etc/motd"), MOTD)
        self.assertEqual(self.debugfs(root, "cat /srv/a/bytes"), BYTES)
        shadow = self.debugfs(root, "cat /etc/shadow").decode().split(":")
        self.assertTrue(shadow[1].startswith("$6$"), shadow[1])
        salt = shadow[1].split("$")[2]
        self.assertEqual(tool("openssl", "passwd", "-6", "-salt", salt, PASSWORD).strip(), shadow[1])
        self.assertEqual(shadow[2:], ["19000", "0", "99999", "7", "", "", "\n"])

    def assert_nothing_left(self) -> None:
        self.assertEqual([path for path in self.tree() if not path.startswith(("_base", "locks"))], [])


class Injection(InjectionStory):
    def test_every_kind_of_disk_gets_everything(self):
        _, client = self.daemon(self.conf)
        root = self.root()
        images = [(root, 0), (self.partitioned(root, "dos"), MIB), (self.partitioned(root, "gpt"), MIB)]
        for image, offset in images:
            for images_type in ("qcow2", "raw"):
                with self.subTest(image=image.name, images_type=images_type):
                    answer = self.make(client, image, images_type=images_type)
                    disk = self.assert_created(answer)["disk"]
                    self.assertNotIn("notes", answer.body)
                    self.assert_injected(self.as_raw(disk, offset))
                    self.assertLess(Path(disk["path"]).stat().st_blocks * 512, 12 * MIB)
                    if images_type == "qcow2":
                        tool("qemu-img", "check", "-f", "qcow2", disk["path"])

    def test_a_disk_that_is_larger_than_its_image_gets_everything(self):
        _, client = self.daemon(self.conf)
        for images_type in ("qcow2", "raw"):
            disk = self.assert_created(self.make(client, self.root(), images_type=images_type, flavor={"root_gb": 1}))["disk"]
            whole = self.scratch / "whole.raw"
            tool("qemu-img", "convert", "-f", disk["format"], "-O", "raw", disk["path"], whole)
            self.assert_injected(whole)

    def test_the_base_file_stays_clean(self):
        _, client = self.daemon(self.conf)
        root = self.root()
        self.assert_created(self.make(client, root))
        base = self.base / cache_key(self.serve(root, f"/{root.name}"))
        self.assertEqual(sha256(base), sha256(root))
        plain = self.assert_created(client.create(new_uuid(), creation(self.serve(root, f"/{root.name}"))))["disk"]
        self.assertEqual(sha256(self.as_raw(plain)), sha256(root))
        other = self.make(client, root, metadata={}, admin_pass="", key_data="", injected_files=[file("/only", b"this")])
        injected = self.as_raw(self.assert_created(other)["disk"])
        self.assertEqual(self.debugfs(injected, "cat /only"), b"this")
        self.assertEqual(self.debugfs(injected, "cat /etc/motd"), b"an older and longer welcome\n")
        self.assertEqual(sha256(base), sha256(root))

    def test_what_is_there_already_is_left_alone(self):
        _, client = self.daemon(self.conf)
        uuid, url = new_uuid(), self.serve(self.root(), "/root.img")
        disk = self.assert_created(client.create(uuid, creation(url)))["disk"]
        before = sha256(Path(disk["path"]))
        kept = self.assert_created(client.create(uuid, creation(url, **EVERYTHING)))["disk"]
        self.assertEqual(kept["how"], "kept")
        self.assertEqual(sha256(Path(disk["path"])), before)

    def test_a_config_drive_goes_before_it(self):
        _, client = self.daemon(self.conf)
        root = self.root()
        disk = self.assert_created(self.make(client, root, config_drive=True))["disk"]
        self.assertEqual(sha256(self.as_raw(disk)), sha256(root))

    def test_a_rescue_gets_a_key_and_a_password_but_no_files(self):
        _, client = self.daemon(self.conf)
        uuid, url = new_uuid(), self.serve(self.root(), "/root.img")
        self.assert_created(client.create(uuid, creation(url)))
        rescue = self.assert_created(client.create(uuid, creation(url, suffix=".rescue", **EVERYTHING)))["disk.rescue"]
        root = self.as_raw(rescue)
        self.assertIn(KEY.encode(), self.debugfs(root, "cat /root/.ssh/authorized_keys"))
        self.assertEqual(self.debugfs(root, "cat /etc/motd"), b"an older and longer welcome\n")

    def test_switched_off_it_does_nothing(self):
        _, client = self.daemon(self.config())
        root = self.root()
        disk = self.assert_created(self.make(client, root))["disk"]
        self.assertEqual(sha256(self.as_raw(disk)), sha256(root))

    def test_secrets_are_in_no_log_and_no_answer(self):
        daemon, client = self.daemon(self.conf)
        hostile = self.root(requests=("rm /etc/passwd", "symlink /etc/passwd passwd"))
        answer = self.make(client, hostile)
        self.assert_created(answer)
        self.assertTrue(any("admin_password" in note for note in answer.body["notes"]), answer.body)
        self.assertEqual(daemon.stop(), 0)
        for text in (str(answer.body), daemon.text()):
            self.assertNotIn(PASSWORD, text)
            self.assertNotIn("$6$", text)
            self.assertNotIn(base64.b64encode(MOTD).decode(), text)

    def test_the_command_line_does_the_same(self):
        motd = self.scratch / "spec.json"
        motd.write_text('{"metadata": {"role": "web"}, "key_data": "' + KEY + '"}')
        url = self.file_url(self.root())
        made = self.cli("--standalone", "--json", "create", "--instance", new_uuid(), "--image", url, "--spec", motd,
                        config=self.conf)
        self.assertEqual(made.code, 0, made.err)
        self.assertEqual(self.debugfs(self.as_raw(made.json["disks"][0]), "cat /meta.js"), b'{"role": "web"}')


class HostileGuests(InjectionStory):
    partition = "0"

    def refused(self, client, image: Path, reason: str, images_type: str = "qcow2") -> None:
        answer = self.make(client, image, images_type=images_type)
        self.assertEqual(answer.status, 422, answer.body)
        self.assertIn(reason, answer.body["detail"])
        self.assert_nothing_left()

    def test_links_lead_nowhere_else(self):
        _, client = self.daemon(self.conf)
        outside = self.scratch / "outside"
        for name, request, reason in (("up", f"symlink /etc/motd ../..{outside}", "above the guest's root"),
                                      ("loop", "symlink /etc/motd motd", "too many symbolic links"),
                                      ("two", "symlink /srv srv", "too many symbolic links")):
            with self.subTest(name):
                image = self.root(f"{name}.img", requests=("rm /etc/motd", request))
                for images_type in ("qcow2", "raw"):
                    self.refused(client, image, reason, images_type)
        self.assertFalse(outside.exists())

    def test_a_root_that_leads_out_of_the_guest_loses_its_key_alone(self):
        _, client = self.daemon(self.conf)
        image = self.root(requests=("rmdir /root", "symlink /root ../../etc"))
        answer = self.make(client, image)
        root = self.as_raw(self.assert_created(answer)["disk"])
        self.assertEqual(len(answer.body["notes"]), 1)
        self.assertIn("not injected: key: ", answer.body["notes"][0])
        tool("e2fsck", "-fn", root)
        self.assertEqual(self.debugfs(root, "cat /etc/motd"), MOTD)
        self.assertNotIn(b".ssh", self.debugfs(root, "ls /etc"))

    def test_a_million_names_are_not_searched(self):
        _, client = self.daemon(self.conf)
        # A file of directory entries, which then becomes a directory.
        entries, block = bytearray(), 4096
        for first in range(0, 1_000_000, block // 16):
            count = min(block // 16, 1_000_000 - first)
            for number in range(first, first + count):
                length = 16 if number < first + count - 1 else block - 16 * (count - 1)
                entries += (12).to_bytes(4, "little") + length.to_bytes(2, "little") + bytes((8, 1)) + b"%08d" % number
                entries += bytes(length - 16)
        (self.scratch / "names").write_bytes(entries)
        image = self.root(mkfs=("mkfs.ext4", "-b", "4096", "-O", "^metadata_csum,^has_journal"),
                          requests=(f"write {self.scratch}/names many", "set_inode_field many mode 040755",
                                    "rm /etc/motd", "symlink /etc/motd /many/motd"))
        self.refused(client, image, "too many entries")

    def test_a_broken_file_system_is_an_error(self):
        _, client = self.daemon(self.conf)
        image = self.root(mkfs=("mkfs.ext2",))
        with open(image, "r+b") as disk:
            disk.seek(1024 + 32)
            disk.write(b"\xff" * 8)  # blocks and clusters per group
        self.refused(client, image, "cannot inject into the root disk")

    def test_a_torn_file_system_is_an_error(self):
        _, client = self.daemon(self.conf)
        image = self.root(mkfs=("mkfs.ext4", "-b", "1024"))
        with open(image, "r+b") as disk:
            disk.seek(2048)
            disk.write(os.urandom(2048))  # group descriptors, of blocks of 1 KiB
        self.refused(client, image, "cannot inject into the root disk")

    def test_without_files_it_is_a_note(self):
        _, client = self.daemon(self.conf)
        image = self.root(mkfs=("mkfs.ext2",))
        with open(image, "r+b") as disk:
            disk.seek(1024 + 32)
            disk.write(b"\xff" * 8)
        answer = self.make(client, image, injected_files=[])
        self.assert_created(answer)
        self.assertIn("not injected: key: ", answer.body["notes"][0])
        self.assertEqual(len(answer.body["notes"]), 3)

    def test_a_partition_that_is_not_there_is_an_error(self):
        config = self.config("other.conf", libvirt={"inject_partition": 3})
        _, client = self.daemon(config)
        self.refused(client, self.partitioned(self.root(), "gpt"), "no partition 3")

    def test_without_guestfish_other_file_systems_are_refused_with_a_hint(self):
        folder = self.scratch / "bin"
        folder.mkdir()
        for name in ("qemu-img", "e2fsck", "resize2fs"):
            (folder / name).symlink_to(shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin"))
        _, client = self.daemon(self.conf, path=str(folder))
        image = self.scratch / "noise.img"
        image.write_bytes(os.urandom(512) + bytes(8 * MIB - 512))
        answer = self.make(client, image)
        self.assertEqual(answer.status, 500, answer.body)
        self.assertIn("guestfish", answer.body["detail"])
        self.assertIn("libguestfs-tools", answer.body["hint"])
        self.assert_nothing_left()


@unittest.skipUnless(shutil.which("guestfish"), "no guestfish: tools/install-packages.sh test")
class OtherFileSystems(InjectionStory):
    """Three boots of an appliance without hardware's help."""

    partition = "0"  # -1 wants an operating system there

    def test_what_is_not_ext_is_left_to_an_appliance(self):
        _, client = self.daemon(self.conf)
        self.root()  # for its tree
        image = self.scratch / "btrfs.img"
        with open(image, "wb") as disk:
            disk.truncate(128 * MIB)
        tool("mkfs.btrfs", "-q", "-r", self.scratch / "tree", image)
        answer = self.make(client, image, injected_files=[file("/etc/motd", MOTD), file("/srv/a/bytes", BYTES)])
        disk = self.assert_created(answer)["disk"]
        self.assertNotIn("notes", answer.body)
        script = "cat /root/.ssh/authorized_keys\ncat /meta.js\ncat /etc/motd\ncat /etc/shadow\nchecksum sha256 /srv/a/bytes\nll /\n"
        said = tool("guestfish", "--ro", f"--format={disk['format']}", "-a", disk["path"], "-m", "/dev/sda", input=script,
                    env={**self.environment(), "LIBGUESTFS_BACKEND": "direct"})
        for expected in (KEY, '{"role": "web"}', MOTD.decode(), "root:$6$", hashlib.sha256(BYTES).hexdigest()):
            self.assertIn(expected, said)
        self.assertNotIn(".basecache", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
