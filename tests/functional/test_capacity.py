"""How full the cache gets: its limits are kept, nothing that is used goes for that, and who can't be served hears why."""

import contextlib
import fcntl
import os
import random
import threading
import unittest
from pathlib import Path

from harness import DAY, KIB, MIB, cache_key, creation, new_uuid, tool
from image_server import gated, whole
from image_story import ImageStory
from loop_file_system import LoopFileSystem


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)


class Limits(ImageStory):
    def limited(self, **options):
        return self.daemon(self.config(basecache=options))[1]

    def precache(self, client, url: str, age: int = DAY // 2) -> Path:
        answer = client.request("POST", "/v1/cache/images", {"image_ref": url})
        self.assertEqual(answer.status, 200, answer.body)
        path = self.base / answer.body["key"]
        self.grow_old(path, age)
        return path

    def serve_noise(self, number: int, size: int) -> str:
        return self.server.serve(f"/{number}", whole(noise(number, size)))

    def imported(self, config: Path, image: Path) -> str:
        done = self.cli("--standalone", "--json", "image", "import", "--disk-format", "raw", image, config=config)
        self.assertEqual(done.code, 0, done.err)
        return done.json["id"]

    def test_the_base_file_that_was_unused_longest_makes_room_for_another(self):
        client = self.limited(cache_max_bytes="10MiB")
        older = self.precache(client, self.serve_noise(1, 4 * MIB), 5000)
        oldest = self.precache(client, self.serve_noise(2, 4 * MIB), 9000)
        newest = self.precache(client, self.serve_noise(3, 4 * MIB), 0)
        self.assertEqual(self.visible_base_files(), sorted([older, newest]))
        self.assertFalse(oldest.exists())

    def test_an_image_that_cannot_fit_is_refused_with_the_numbers_and_nothing_goes_for_it(self):
        client = self.limited(cache_max_bytes="10MiB")
        unused = self.precache(client, self.serve_noise(1, 2 * MIB))
        used = self.serve_noise(2, 4 * MIB)
        self.assert_created(client.create(new_uuid(), creation(used)))
        before = self.visible_base_files()
        answer = client.create(new_uuid(), creation(self.serve_noise(3, 8 * MIB)))
        problem = self.assert_problem(answer, 507, "no_space", "needs 8 MiB", "of at most 10 MiB", "4 MiB under disks",
                                      "cache_max_bytes")
        told = {name: int(value) for name, value in problem["fields"].items()}
        self.assertEqual((told["wanted_bytes"], told["max_bytes"]), (8 * MIB, 10 * MIB), problem)
        self.assertEqual(told["under_disks_bytes"], 4 * MIB, problem)
        self.assertEqual(self.visible_base_files(), before)
        self.assertTrue(unused.exists())
        self.assert_nothing_staged()

    def test_a_declared_size_that_cannot_fit_is_refused_before_the_image_is_asked_for(self):
        image = self.scratch / "large"
        image.write_bytes(noise(1, 8 * MIB))
        config = self.config(basecache={"cache_max_bytes": "4MiB"})
        ref = self.imported(config, image)
        answer = self.daemon(config)[1].create(new_uuid(), creation(ref))
        self.assert_problem(answer, 507, "no_space", "needs 8 MiB")
        self.assertEqual(self.visible_base_files(), [])

    def test_a_huge_disk_with_little_in_it_is_refused_only_where_limits_are_set(self):
        image = self.scratch / "huge.qcow2"
        tool("qemu-img", "create", "-q", "-f", "qcow2", image, "1T")
        url = self.serve(image)
        client = self.limited(cache_max_bytes="1GiB")
        answer = client.request("POST", "/v1/cache/images", {"image_ref": url})
        self.assert_problem(answer, 507, "no_space", "needs 1 TiB")
        self.assertEqual(self.visible_base_files(), [])
        self.daemons[0].stop()
        _, client = self.daemon()
        self.assertEqual(client.request("POST", "/v1/cache/images", {"image_ref": url}).status, 200)

    def test_a_prune_says_how_full_the_cache_is_and_why_the_limits_cannot_be_kept(self):
        client = self.daemon()[1]
        self.assert_created(client.create(new_uuid(), creation(self.serve_noise(1, 4 * MIB))))
        unused = self.precache(client, self.serve_noise(2, 3 * MIB))
        self.daemons[0].stop()
        config = self.config(basecache={"cache_max_bytes": "1MiB"})
        _, client = self.daemon(config)
        dry = client.prune(dry_run=True)
        self.assertEqual(dry["removed"], 1, dry)
        self.assertTrue(unused.exists())
        report = client.prune()
        self.assertFalse(unused.exists())
        reason = next(decision["reason"] for decision in report["decisions"] if decision["remove"])
        self.assertRegex(reason, r"^unused, last used 12 h ago; the cache has 7\.?\d* MiB of at most 1 MiB$")
        self.assertEqual(report["capacity"]["max_bytes"], MIB)
        self.assertGreater(report["capacity"]["excess_bytes"], 3 * MIB - KIB)
        self.assertEqual(report["staying"]["under_disks_bytes"], 4 * MIB)
        self.assertEqual(client.prune()["removed"], 0)
        said = self.cli("--socket", self.scratch / "agent.sock", "cache", "prune", config=config).out
        self.assertIn("the limits are missed by", said)
        self.assertIn("of at most 1 MiB", self.cli("--socket", self.scratch / "agent.sock", "cache", "list", config=config).out)

    def test_what_may_not_go_does_not_go_for_room_either(self):
        client = self.limited(cache_max_bytes="6MiB")
        pinned = self.precache(client, self.serve_noise(1, 4 * MIB))
        client.request("PUT", f"/v1/cache/{pinned.name}/pin", {"reason": "golden"})
        answer = client.request("POST", "/v1/cache/images", {"image_ref": self.serve_noise(2, 4 * MIB)})
        self.assert_problem(answer, 507, "no_space", "4 MiB pinned")
        self.assertTrue(pinned.exists())

    def test_images_that_the_registry_has_no_more_lose_their_unused_base_files_where_that_is_wanted(self):
        image = self.scratch / "image"
        image.write_bytes(noise(1, MIB))
        for option, goes in (("prune_when_unused", True), ("keep", False)):
            with self.subTest(option):
                config = self.config(basecache={"deleted_images": option})
                refs = [self.imported(config, image) for _ in range(2)]
                _, client = self.daemon(config, socket=f"{option}.sock")
                unused = self.precache(client, refs[0], 100)
                self.assert_created(client.create(new_uuid(), creation(refs[1])))
                self.assertEqual(client.prune()["removed"], 0)
                self.daemons[-1].stop()  # or what the registry said would hold for an hour
                for ref in refs:
                    for path in (self.scratch / "registry").glob(f"{ref}*"):
                        path.unlink()
                _, client = self.daemon(config, socket=f"{option}-2.sock")
                client.prune()
                self.assertEqual(unused.exists(), not goes)
                self.assertTrue(self.base_file(refs[1]).exists())

class FullDisk(LoopFileSystem):
    """instances_path on a file system of its own, of 96 MiB."""

    def setUp(self) -> None:
        super().setUp()
        self.mount(96 * MIB, "mkfs.ext4", "-q", "-F", "-m", "0")

    def free(self) -> int:
        tool("sync", "--file-system", self.instances_path)
        space = os.statvfs(self.instances_path)
        return space.f_bavail * space.f_bsize

    def test_of_parallel_downloads_that_do_not_fit_together_one_is_refused_and_the_others_finish(self):
        least = 24 * MIB
        _, client = self.daemon(self.config(basecache={"min_free_bytes": least}))
        size = (self.free() - least) // 5 * 2 // MIB * MIB  # two fit, three don't
        gates = [self.server.gate() for _ in range(2)]
        urls = [self.server.serve(f"/{n}", gated(noise(n, size), gate)) for n, gate in enumerate(gates)]
        streams = [client.stream("POST", "/v1/cache/images", {"image_ref": url}) for url in urls]
        for stream, gate in zip(streams, gates):
            stream.started()
            gate.wait_reached()
        third = self.server.serve("/third", whole(noise(3, size)))
        answer = client.request("POST", "/v1/cache/images", {"image_ref": third})
        self.assert_problem(answer, 507, "no_space", "have to stay free", f"needs {size // MIB} MiB")
        self.assertEqual(self.visible_base_files(), [])
        for gate in gates:
            gate.open()
        for stream in streams:
            self.assertEqual(stream.last()["event"], "result")
        self.assertGreaterEqual(self.free(), least)
        for url in urls:
            self.grow_old(self.base_file(url), 3600)
        self.assertEqual(client.request("POST", "/v1/cache/images", {"image_ref": third}).status, 200)
        self.assertEqual(len(self.visible_base_files()), 2)
        self.assertGreaterEqual(self.free(), least)


class Races(ImageStory):
    """Creations race prunes that find every base file old enough."""

    IMAGES = 14
    CREATORS = 4

    def configured(self, host: str, age: int, **options) -> Path:
        return self.config(f"{host}.conf", DEFAULT={"host": host}, basecache=options,
                           image_cache={"remove_unused_original_minimum_age_seconds": age})

    def setUp(self) -> None:
        super().setUp()
        folder = self.scratch / "files"
        folder.mkdir()
        self.refs = []
        for number in range(self.IMAGES):
            (folder / str(number)).write_bytes(noise(number, MIB))
            self.refs.append(f"file://{folder}/{number}")
        self.failures: list[str] = []
        self.over = threading.Event()

    def guarded(self, work) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except Exception as failure:  # told by the story's thread
                self.failures.append(repr(failure))
        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def create_often(self, client, seed: int, times: int) -> None:
        chosen = random.Random(seed)
        for _ in range(times):
            ref, uuid = chosen.choice(self.refs), new_uuid()
            disk = self.assert_created(client.create(uuid, creation(ref)))["disk"]
            base = self.base / disk["base"]
            assert base.stat().st_size == MIB, f"{base} of {disk}"
            client.delete(uuid)
            self.age(base)

    def age(self, base: Path) -> None:
        """As if nobody had used it for long; it may have gone."""
        with contextlib.suppress(FileNotFoundError):
            self.grow_old(base)

    def prune_always(self, client) -> None:
        while not self.over.is_set():
            client.prune()

    def lock_like_nova(self) -> None:
        """Makes a base file and a disk on it with the lock held, as Nova does, lets go, and looks whether it stays.

        Nova marks it as used before its disk stands on it and not again, so that only the minimum age protects it from
        a prune that has looked for disks in between.
        """
        key = cache_key("nova's own image")
        base, lock = self.base / key, self.instances_path / "locks" / f"nova-{key}"
        while not self.over.is_set():
            folder = self.instances_path / new_uuid()
            folder.mkdir()
            with open(lock, "a") as file:
                fcntl.lockf(file, fcntl.LOCK_EX)
                if not os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                    continue
                if not base.exists():
                    base.with_suffix(".part").write_bytes(noise(99, 64 * KIB))
                    base.with_suffix(".part").rename(base)
                os.utime(base)
                tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", folder / "disk")
            for _ in range(20):
                assert base.exists(), "Nova's base file went under its disk"
                self.over.wait(0.005)
            (folder / "disk").unlink()
            folder.rmdir()
            self.age(base)

    def race(self, clients: list, times: int, others: list) -> None:
        side = [self.guarded(other) for other in others]
        creators = [self.guarded(lambda client=clients[n % len(clients)], n=n: self.create_often(client, n, times))
                    for n in range(self.CREATORS)]
        for thread in creators:
            thread.join()
        self.over.set()
        for thread in side:
            thread.join()
        self.assertEqual(self.failures, [])
        self.assertEqual(self.staged_files(), [])

    def test_a_thousand_creations_race_prunes(self):
        _, client = self.daemon(self.configured("one", 0, cache_max_bytes=(self.IMAGES - 3) * MIB))
        self.race([client], 1000 // self.CREATORS, [lambda: self.prune_always(client)])

    def test_two_agents_and_nova_share_one_directory(self):
        daemons = [self.daemon(self.configured(name, 60), socket=f"{name}.sock") for name in ("one", "two")]
        clients = [client for _, client in daemons]
        self.race(clients, 100, [self.lock_like_nova, *(lambda c=c: self.prune_always(c) for c in clients)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
