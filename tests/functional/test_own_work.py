"""What the daemon does by itself: it prunes, and makes listed images ahead of need, behind everything that is asked of it."""

import unittest

import images
from harness import DAY, creation, eventually, new_uuid
from image_server import gated
from image_story import ImageStory


class Pruning(ImageStory):
    def test_the_daemon_prunes_by_itself_and_says_what_it_did(self):
        daemon, client = self.daemon(self.config(image_cache={"manager_interval": 1}))
        used, unused = self.serve(images.qcow2()), self.serve(images.other_raw(), "/other")
        self.assert_created(client.create(new_uuid(), creation(used)))
        self.assertEqual(client.request("POST", "/v1/cache/images", {"image_ref": unused}).status, 200)
        for url in (used, unused):
            self.grow_old(self.base_file(url))
        eventually(lambda: not self.base_file(unused).exists(), "the unused base file going")
        self.assertTrue(self.base_file(used).exists())
        line = eventually(lambda: next((line for line in daemon.log if "event=pruned removed=1" in line), None), "the event")
        self.assertRegex(line, r"info event=pruned removed=1 kept=1 freed_bytes=[1-9]")
        self.assertEqual(daemon.stop(), 0)

    def test_it_says_why_it_removes_nothing_where_usage_cannot_be_told(self):
        daemon, client = self.daemon(self.config(image_cache={"manager_interval": 1}))
        url = self.serve(images.qcow2())
        self.assertEqual(client.request("POST", "/v1/cache/images", {"image_ref": url}).status, 200)
        self.grow_old(self.base_file(url))
        folder = self.instances_path / new_uuid()
        folder.mkdir()
        (folder / "disk").symlink_to("disk")  # leads nowhere, so nobody can tell what it stands on
        eventually(lambda: any("warning event=pruned removed=0" in line and "why=" in line for line in daemon.log), "the event")

    def test_with_an_interval_of_minus_one_it_never_does(self):
        config = self.config(image_cache={"manager_interval": -1}, basecache={"log_level": "debug"})
        daemon, client = self.daemon(config)
        self.assertEqual(client.prune()["removed"], 0)
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn("event=pruned", daemon.text())


class Precaching(ImageStory):
    def listing(self, *entries, **options) -> tuple:
        listed = {"precache": ", ".join(map(str, entries)), "precache_interval": 1, **options}
        return self.daemon(self.config(basecache=listed))

    def is_made(self, url: str) -> bool:
        return self.base_file(url).exists()

    def test_listed_images_are_there_before_anybody_asks_and_stay_marked_as_used(self):
        by_name, by_file = self.serve(images.qcow2()), self.serve(images.other_raw(), "/other")
        listed = self.scratch / "images"
        listed.write_text(f"# golden\n\n  {by_file}\r\nnot an image\n")
        daemon, client = self.listing(by_name, listed)
        eventually(lambda: self.is_made(by_name) and self.is_made(by_file), "the listed images")
        eventually(lambda: f"{listed}':4: image_ref: 'not an image'" in daemon.text(), "the complaint")
        base = self.base_file(by_name)
        self.grow_old(base)
        old = base.stat().st_mtime
        eventually(lambda: base.stat().st_mtime > old + DAY, "the mark of a later look")
        disks = self.assert_created(client.create(new_uuid(), creation(by_name)))
        self.assertEqual(disks["disk"]["how"], "hit")

    def test_a_file_is_read_again_and_a_failure_is_tried_again_at_the_next_look(self):
        listed = self.scratch / "images"
        late = self.server.url("/late")
        daemon, _ = self.listing(listed)
        eventually(lambda: f"{listed}': it isn't there" in daemon.text(), "the complaint")
        listed.write_text(late + "\n")
        eventually(lambda: "event=operation_failed operation=precache-" in daemon.text(), "the failure")
        self.server.serve("/late", images.qcow2())
        eventually(lambda: self.is_made(late), "the image that came late")

    def test_a_creation_takes_the_only_build_from_the_list_which_goes_on_afterwards(self):
        gate = self.server.gate()
        content = images.qcow2().read_bytes()
        listed = self.server.serve("/listed", gated(content, gate), content)
        wanted = self.serve(images.other_raw(), "/wanted")
        _, client = self.listing(listed, build_concurrency=1)
        gate.wait_reached()
        self.assertEqual([operation["kind"] for operation in client.operations()], ["precache"])
        self.assert_created(client.create(new_uuid(), creation(wanted)))  # although the gate is never opened
        gate.wait_client_gone()
        eventually(lambda: self.is_made(listed), "the listed image")
        self.assert_published(listed)

    def test_a_creation_joins_the_build_of_a_listed_image(self):
        gate = self.server.gate()
        listed = self.server.serve("/listed", gated(images.qcow2().read_bytes(), gate))
        _, client = self.listing(listed)
        gate.wait_reached()
        stream = client.create_stream(new_uuid(), creation(listed))
        stream.until_progress("fetch")
        gate.open()
        self.assertEqual(stream.last()["result"]["disks"][0]["how"], "joined")

    def test_a_stop_ends_the_transfer_of_a_listed_image(self):
        gate = self.server.gate()
        daemon, _ = self.listing(self.server.serve("/listed", gated(images.qcow2().read_bytes(), gate)))
        gate.wait_reached()
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.visible_base_files(), [])

    def test_what_names_no_image_in_the_configuration_stops_the_start_and_names_the_option(self):
        daemon, _ = self.daemon(self.config(basecache={"precache": "http://mirror/a, ftp://mirror/b"}), ready=False)
        self.assertEqual(daemon.wait(), 2)
        self.assertIn("precache", daemon.text())
        self.assertIn("ftp://mirror/b", daemon.text())


if __name__ == "__main__":
    unittest.main()
