"""Both sides compute the same names: of base files, instance disks and volumes, for 200 random requests.

Nova's own _create_image, imagebackend and imagecache name them (nova_disks.py); of ours, the daemon makes the disks, and
the program that has our volume names is asked for those. Names of ephemeral base files differ on purpose and are left out.
BASECACHE_SEED draws other requests.
"""

import os
import random
import string
import subprocess
import unittest
import uuid
from pathlib import Path

import images
from image_story import ImageStory
from nova_process import Nova, require_nova

REQUESTS = 200
GROUP = "vg-names_1"
WORD = string.ascii_letters + string.digits + "_-.~+,=@"


class NovaNames(ImageStory):
    def setUp(self) -> None:
        require_nova()
        super().setUp()
        seed = int(os.environ.get("BASECACHE_SEED", "20261122"))
        print(f"BASECACHE_SEED={seed}")
        self.random = random.Random(seed)
        self.content = self.scratch / "content"
        self.content.write_bytes(b"MZ" + images.bzimage()[2:20000])

    def word(self, longest: int = 60) -> str:
        return "".join(self.random.choices(WORD, k=self.random.randint(1, longest)))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def file_ref(self) -> str:
        path = self.scratch / "files" / f"a{self.word()}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.content.read_bytes())
        return f"file://{path}"

    def web_ref(self) -> str:
        path = self.random.choice([f"/{self.word()}/{self.word()}%20{self.word()}", f"/{self.word()}?{self.word()}&{self.word()}"])
        return self.server.serve(path, self.content.read_bytes())

    def glance_ref(self) -> str:
        """Its base file is there already: there is no Glance."""
        ref = self.server.url(f"/v2/images/{self.uuid()}")
        self.base.mkdir(exist_ok=True)
        self.base_file(ref).write_bytes(self.content.read_bytes())
        return ref

    def registry_ref(self) -> str:
        ref = self.uuid()
        done = self.cli("image", "import", self.content, "--id", ref)
        self.assertEqual(done.code, 0, done)
        return ref

    def ref(self) -> str:
        return self.random.choice([self.file_ref, self.web_ref, self.glance_ref, self.registry_ref])()

    def request(self) -> dict:
        request = {"uuid": self.uuid(), "image_ref": self.ref(), "images_type": self.random.choice(["raw", "qcow2"]),
                   "flavor": {"root_gb": self.random.randint(0, 1), "swap": self.random.randint(0, 64)},
                   "suffix": self.random.choice(["", "", "", ".rescue"])}
        if self.random.random() < 0.3:
            request["kernel_id"] = self.ref()
            if self.random.random() < 0.5:
                request["ramdisk_id"] = self.ref()
        return request

    def our_volumes(self, disks: list[tuple[str, str]]) -> list[str]:
        done = subprocess.run([os.environ["BASECACHE_VOLUME_NAMES"]], text=True, capture_output=True,
                              input="".join(f"{uuid} {disk}\n" for uuid, disk in disks))
        self.assertEqual(done.returncode, 0, done.stderr)
        return [f"/dev/{GROUP}/{name}" for name in done.stdout.splitlines()]

    def test_base_files_and_disks_have_the_names_and_places_that_nova_gives_them(self):
        requests = [self.request() for _ in range(REQUESTS)]
        elsewhere = self.scratch / "of-nova"
        told = Nova(self, elsewhere).do("names", requests=requests, group=GROUP)
        _, client = self.daemon(self.config(basecache={"url_hosts": "127.0.0.1"}))
        for request, disks in zip(requests, told, strict=True):
            with self.subTest(request):
                made = self.assert_created(client.create(request["uuid"], request))
                self.assertEqual(
                    [(disk["name"], disk["base"], Path(disk["path"]).relative_to(self.instances_path))
                     for disk in made.values()],
                    [(disk["name"], disk["base"], Path(disk["path"]).relative_to(elsewhere)) for disk in disks])
                self.assertEqual(self.our_volumes([(request["uuid"], name) for name in made]),
                                 [disk["volume"] for disk in disks])
                self.assertEqual(client.delete(request["uuid"]).status, 200)

    def test_volumes_have_the_names_that_nova_gives_them(self):
        disks = [(self.uuid(), "d" + self.word(30).translate(str.maketrans("~,=@", "____"))) for _ in range(REQUESTS)]
        self.assertTrue(any("__" in disk for _, disk in disks))
        self.assertEqual(self.our_volumes(disks), Nova(self).do("volumes", disks=disks, group=GROUP))


if __name__ == "__main__":
    unittest.main(verbosity=2)
