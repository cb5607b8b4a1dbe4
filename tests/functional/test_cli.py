"""The command line: exit codes, JSON, and the same work with and without a daemon."""

import contextlib
import json
import os
import pty
import socket
import subprocess
import threading
import unittest

import images
from harness import CLI, GIB, cache_key, creation, new_uuid
from image_server import gated
from image_story import ImageStory


class CommandLine(ImageStory):
    def standalone(self, *arguments, json_output: bool = True):
        return self.cli("--standalone", *(["--json"] if json_output else []), *arguments)

    def test_a_whole_life_without_a_daemon(self):
        url, uuid = self.serve(images.qcow2()), new_uuid()
        made = self.standalone("create", "--instance", uuid, "--image", url, "--root-gb", 1, "--swap-mb", 16, "--config-drive")
        self.assertEqual(made.code, 0, made.err)
        self.assertEqual([disk["name"] for disk in made.json["disks"]], ["disk", "disk.swap", "disk.config"])
        self.assert_clean_disk(made.json["disks"][0]["path"], "qcow2", GIB)
        shown = self.standalone("show", uuid)
        self.assertEqual(shown.json["uuid"], uuid)
        listed = self.standalone("cache", "list")
        self.assertEqual({entry["key"] for entry in listed.json["entries"]}, {cache_key(url), "swap_16"})
        pruned = self.standalone("cache", "prune", "--dry-run")
        self.assertEqual((pruned.code, pruned.json["dry_run"]), (0, True))
        self.assertEqual(self.standalone("delete", uuid).json, {"uuid": uuid, "removed": True})
        self.assertEqual(self.server.gets["/image"], 1)
        self.assert_nothing_staged()

    def test_standalone_and_a_daemon_share_one_cache(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        self.assert_created(client.create(new_uuid(), creation(url)))
        made = self.standalone("create", "--instance", new_uuid(), "--image", url)
        self.assertEqual((made.code, made.json["disks"][0]["how"]), (0, "hit"), made.err)
        self.assertEqual(self.server.gets["/image"], 1)

    def test_the_daemon_is_asked_through_its_socket(self):
        url = self.serve(images.qcow2())
        _, client = self.daemon()
        uuid = new_uuid()
        made = self.cli("--socket", client.path, "--json", "create", "--instance", uuid, "--image", url)
        self.assertEqual(made.code, 0, made.err)
        self.assertEqual(client.get(f"/v1/instances/{uuid}").status, 200)
        text = self.cli("--socket", client.path, "cache", "list")
        self.assertEqual(text.code, 0, text.err)
        self.assertIn(cache_key(url)[:8], text.out)

    def test_an_error_of_the_daemon_is_told_as_its_own(self):
        self.server.serve("/page", b"<html>no image</html>")
        _, client = self.daemon()
        for code, kind, arguments in (
                (3, "image_unacceptable", ("create", "--instance", new_uuid(), "--image", self.server.url("/page"))),
                (4, "image_not_found", ("create", "--instance", new_uuid(), "--image", self.server.url("/missing"))),
                (4, "not_found", ("show", new_uuid())),
                (4, "not_found", ("cache", "remove", "0" * 40))):
            with self.subTest(arguments):
                done = self.cli("--socket", client.path, "--json", *arguments)
                self.assertEqual(done.code, code, done.err)
                told, alone = json.loads(done.err), json.loads(self.standalone(*arguments).err)
                self.assertEqual(told["code"], kind, told)
                self.assertEqual(told.get("fields"), alone.get("fields"))

    def test_progress_may_take_longer_than_an_answer_is_long(self):
        """Hours of progress events are more bytes than an HTTP library takes for a body unasked."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.scratch / "talker.sock"))
            listener.listen()
            talker = threading.Thread(target=self.tell_much, args=(listener,))
            talker.start()
            done = self.cli("--socket", self.scratch / "talker.sock", "--json", "cache", "prune")
            talker.join()
        self.assertEqual((done.code, done.json), (0, {"told": "all"}), done.err)

    @staticmethod
    def tell_much(listener: socket.socket) -> None:
        progress = {"event": "progress", "step": "fetch", "subject": "x" * 1000, "done": 1, "total": None}
        lines = (json.dumps(progress) + "\n").encode() * 1000
        last = (json.dumps({"event": "result", "result": {"told": "all"}}) + "\n").encode()
        connection, _ = listener.accept()
        with connection, contextlib.suppress(BrokenPipeError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
            for chunk in [*[lines] * 12, last, b""]:
                connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([CLI, "--config", self.config(), "--standalone", "cache", "list"], text=True,
                                  env=self.environment(), stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertIn("No space left on device", done.stderr)

    def test_what_others_wrote_cannot_steer_the_terminal(self):
        self.assertEqual(self.standalone("cache", "pin", "swap_1", "--reason", "\x1b[2Jgone").code, 0)
        (self.base / "swap_1").touch()
        told = self.standalone("cache", "prune", json_output=False)
        self.assertEqual(told.code, 0, told.err)
        self.assertIn("[2Jgone", told.out)
        self.assertNotIn("\x1b", told.out)

    def test_what_others_wrote_cannot_forge_a_line(self):
        steering = "\x9b31m\u202e\u2066\u200f\u061c\x7f\t"
        imported = self.standalone("image", "import", images.qcow2(), "--name", f"name\nFORGED{steering}é", json_output=False)
        self.assertEqual((imported.code, imported.out.count("\n")), (0, 1), imported)
        listed = self.standalone("image", "list", json_output=False)
        self.assertEqual(len(listed.out.splitlines()), 2, listed.out)
        for shown in (imported.out, listed.out):
            self.assertIn("name?FORGED?31m??????é", shown)

    def test_a_spec_file_is_a_creation_request(self):
        url, uuid = self.serve(images.qcow2()), new_uuid()
        spec = self.scratch / "spec.json"
        spec.write_text(json.dumps(creation(url, 1, uuid=uuid, config_drive=True)))
        made = self.standalone("create", "--spec", spec)
        self.assertEqual(made.code, 0, made.err)
        self.assertEqual([disk["name"] for disk in made.json["disks"]], ["disk", "disk.config"])

    def test_images_of_the_registry_s_directory_are_imported_and_used(self):
        imported = self.standalone("image", "import", images.qcow2())
        self.assertEqual(imported.code, 0, imported.err)
        listed = self.standalone("image", "list")
        self.assertEqual(listed.code, 0, listed.err)
        identity = imported.json["id"]
        self.assertIn(identity, listed.out)
        made = self.standalone("create", "--instance", new_uuid(), "--image", identity)
        self.assertEqual(made.code, 0, made.err)
        self.assertTrue((self.base / cache_key(identity)).exists())

    def test_a_file_that_cannot_be_imported_is_named(self):
        fifo = self.scratch / "fifo"
        os.mkfifo(fifo)  # a plain open would wait for its writer
        for code, file in ((4, self.scratch / "missing"), (5, fifo), (5, self.scratch), (5, "/dev/stdin"), (2, "-")):
            done = self.standalone("image", "import", file, json_output=False)
            self.assertEqual(done.code, code, done.err)
            self.assertIn(str(file), done.err)
            self.assertEqual("hint: save the image" in done.err, code != 4, done.err)

    def test_exit_codes_say_who_is_to_blame(self):
        self.server.serve("/page", b"<html>no image</html>")
        for code, arguments in (
                (2, ("create", "--instance", "../x", "--image", self.server.url("/image"))),
                (2, ("create", "--instance", new_uuid())),
                (2, ("frobnicate",)),
                (2, ("create", "--instance", new_uuid(), "--image", self.server.url("/x"), "--root-gb", "-1")),
                (3, ("create", "--instance", new_uuid(), "--image", self.server.url("/page"))),
                (4, ("create", "--instance", new_uuid(), "--image", self.server.url("/missing"))),
                (4, ("show", new_uuid())),
                (4, ("cache", "remove", "0" * 40))):
            with self.subTest(arguments):
                done = self.standalone(*arguments, json_output=False)
                self.assertEqual(done.code, code, done.out + done.err)
                self.assertTrue(done.err.strip(), "said nothing")

    def test_a_number_is_decimal_digits(self):
        options = {"--root-gb": ("create", "--instance", new_uuid(), "--image", self.server.url("/x")),
                   "--ephemeral-gb": ("create", "--instance", new_uuid(), "--image", self.server.url("/x")),
                   "--min-disk": ("image", "import", images.raw()), "--limit": ("image", "list")}
        for option, command in options.items():
            for number in ("-1", "0x10", " 5", "+5", "5 ", "1e3", "", str(2**64)):
                with self.subTest(option, number=number):
                    done = self.standalone(*command, f"{option}={number}")
                    self.assertEqual((done.code, option in done.err), (2, True), done)
        self.assertEqual(self.standalone("image", "list", "--limit", "010").code, 0)
        self.assertEqual(self.standalone("create", "--instance", new_uuid(), "--image", self.serve(images.qcow2()), "--root-gb",
                                         "1", "--ephemeral-gb", "1", "--ephemeral-gb", "08").code, 0)

    def test_text_that_is_not_utf_8_is_refused(self):
        broken = b"a=\xff".decode(errors="surrogateescape")
        for command in (("image", "import", images.raw(), "--property", broken), ("image", "import", images.raw(), "--name", broken),
                        ("image", "import", images.raw(), "--tag", broken), ("cache", "precache", f"file:///{broken}"),
                        ("create", "--instance", new_uuid(), "--image", "file:///x", "--name", broken)):
            with self.subTest(command):
                done = self.standalone(*command)
                self.assertEqual(done.code, 2, done.err)
                self.assertIn("UTF-8", done.err)
                if command[0] == "image":
                    self.assertIn(command[-2], done.err)

    def test_an_agent_that_is_not_there_is_said_so(self):
        done = self.cli("--socket", self.scratch / "nowhere.sock", "cache", "list")
        self.assertEqual(done.code, 10, done.err)
        self.assertIn("nowhere.sock", done.err)

    def test_every_command_answers_in_json_when_asked(self):
        url, uuid, image = self.serve(images.qcow2()), new_uuid(), new_uuid()
        _, client = self.daemon()
        key = cache_key(url)
        for command in (("create", "--instance", uuid, "--image", url), ("show", uuid), ("cache", "list"),
                        ("cache", "show", key), ("cache", "precache", url), ("cache", "pin", key), ("cache", "unpin", key),
                        ("cache", "prune", "--dry-run"), ("delete", uuid), ("cache", "remove", key),
                        ("image", "import", images.qcow2(), "--id", image), ("image", "list"), ("image", "show", image),
                        ("image", "delete", image), ("ops", "list"), ("status",)):
            with self.subTest(command):
                done = self.cli("--socket", client.path, "--json", *command)
                self.assertEqual((done.code, done.err), (0, ""), done)
                self.assertIsInstance(done.json, dict)

    def test_a_terminal_sees_a_progress_bar_and_others_none(self):
        url = self.serve(images.qcow2())
        command = [str(word) for word in (CLI, "--standalone", "--config", self.config(), "cache", "precache", url)]
        terminal, child_side = pty.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen(command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=child_side)
        os.close(child_side)
        drawn = ""
        with contextlib.suppress(OSError):  # the terminal's last writer has ended
            while part := os.read(terminal, 1 << 12):
                drawn += part.decode(errors="replace")
        self.assertEqual(process.wait(60), 0, drawn)
        for word in ("fetch", "[", "%", " of "):
            self.assertIn(word, drawn)
        self.assertTrue(drawn.endswith("\r\x1b[K"), "the bar is wiped at the end")
        self.assertEqual(self.cli("--standalone", "cache", "precache", url).err, "")

    def test_help_and_version_need_nothing(self):
        for option in ("--help", "--version"):
            done = subprocess.run([CLI, option], text=True, capture_output=True, env=self.environment(), timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout)


class Precaching(ImageStory):
    def setUp(self) -> None:
        super().setUp()
        self.good = [self.serve(images.qcow2(), "/one"), self.serve(images.raw(), "/two")]
        self.server.serve("/page", b"<html>no image</html>")
        self.bad = [self.server.url("/missing"), self.server.url("/page")]
        self.named = [self.good[0], *self.bad, self.good[1]]

    def assert_all_made(self) -> None:
        self.assertEqual({path.name for path in self.visible_base_files()}, {cache_key(url) for url in self.good})

    def test_a_failure_keeps_nobody_from_the_next_image(self):
        done = self.cli("--standalone", "cache", "precache", *self.named)
        self.assertEqual(done.code, 4, "the first failure's")
        self.assert_all_made()
        for url in self.good:
            self.assertIn(cache_key(url), done.out)
        told = [line for line in done.err.splitlines() if line.startswith("basecache: ")]
        self.assertEqual([line.count(f"image '{url}'") for line, url in zip(told, self.bad, strict=True)], [1, 1], told)

    def test_each_failure_is_a_problem_in_json_and_the_answer_is_one(self):
        done = self.cli("--standalone", "--json", "cache", "precache", *self.named)
        self.assertEqual(done.code, 4)
        self.assert_all_made()
        self.assertEqual([image["path"] for image in done.json["images"]], [str(self.base_file(url)) for url in self.good])
        decoder, problems, rest = json.JSONDecoder(), [], done.err
        while rest.strip():
            problem, end = decoder.raw_decode(rest)
            problems, rest = [*problems, problem["code"]], rest[end:].lstrip()
        self.assertEqual(problems, ["image_not_found", "image_unacceptable"])

    def test_results_are_shown_as_they_come(self):
        gate = self.server.gate()
        self.serve(gated(images.raw().read_bytes(), gate), "/two")
        process = subprocess.Popen([str(word) for word in (CLI, "--standalone", "--config", self.config(), "cache", "precache",
                                                           *self.named)], env=self.environment(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            self.assertIn(cache_key(self.good[0]), process.stdout.readline())
            process.stdout.readline()  # its steps
            self.assertIn("/missing", process.stderr.readline())
            self.assertIsNone(process.poll(), "the last one isn't made yet")
            gate.open()
            self.assertIn(cache_key(self.good[1]), process.stdout.read())

    def test_an_agent_that_is_not_there_ends_it(self):
        done = self.cli("--socket", self.scratch / "nowhere.sock", "cache", "precache", *self.named)
        self.assertEqual((done.code, done.err.count("nowhere.sock")), (10, 1), done.err)

    def test_a_rate_that_is_none_says_what_one_is(self):
        for rate in ("fast", "1"):
            done = self.cli("--standalone", "cache", "precache", self.good[0], "--rate", rate)
            self.assertEqual((done.code, "hint:" in done.err), (2, True), done.err)
            self.assertIn("64KiB", done.err)
        self.assertIn("64KiB", self.cli("cache", "precache", "--help").out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
