#!/usr/bin/env python3
"""Each rule is shown to fail on a seeded violation, at the right line, and to accept the same tree without it."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from rules import RULES  # noqa: E402
from tree import Tree  # noqa: E402

MESON = "subdir('agent/base')\nsubdir('agent/cache')\nsubdir('backends/http')\nsubdir('agent')\nsubdir('tools')\n"
SHORT_FUNCTION = "int one() { return 1; }\n"


def long_function(name: str, lines: int) -> str:
    return f"int {name}() {{\n" + "  step();\n" * (lines - 3) + "  return 1;\n}\n"


class Rules(unittest.TestCase):
    def offences(self, rule: str, files: dict[str, str], executable: tuple[str, ...] = ()) -> list[str]:
        with tempfile.TemporaryDirectory(prefix="basecache-lint.") as root:
            for path, text in {"meson.build": MESON, **files}.items():
                target = Path(root, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
                target.chmod(0o755 if path in executable else 0o644)
            return [f"{o.path}:{o.line}: {o.advice}" for o in RULES[rule](Tree(Path(root)))]

    def refused(self, rule: str, path: str, text: str, line: int, words: str) -> None:
        found = self.offences(rule, {path: text})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{path}:{line}: "), found)
        self.assertIn(words, found[0])

    def accepted(self, rule: str, path: str, text: str) -> None:
        self.assertEqual(self.offences(rule, {path: text}), [])

    def test_a_header_over_250_lines_is_refused(self):
        filler = {f"agent/base/h{n}.hpp": "#pragma once\n" for n in range(3)}
        found = self.offences("sizes", {**filler, "agent/base/big.hpp": "#pragma once\n" * 251})
        self.assertEqual([f.split(": ")[0] for f in found], ["agent/base/big.hpp:251"])
        self.assertEqual(self.offences("sizes", {**filler, "agent/base/big.hpp": "#pragma once\n" * 250}), [])

    def test_a_median_header_over_80_lines_is_refused(self):
        self.refused("sizes", "agent/base/a.hpp", "\n" * 81, 1, "median header has 81 lines")
        self.accepted("sizes", "agent/base/a.hpp", "\n" * 80)

    def test_an_implementation_over_450_lines_is_refused(self):
        found = self.offences("sizes", {"agent/base/a.cpp": "\n" * 451, "agent/base/b.cpp": "", "agent/base/c.cpp": ""})
        self.assertEqual([f.split(": ")[0] for f in found], ["agent/base/a.cpp:451"])

    def test_a_median_implementation_over_150_lines_is_refused(self):
        self.refused("sizes", "agent/base/a.cpp", "\n" * 151, 1, "median implementation has 151 lines")

    def test_a_function_over_60_lines_is_refused_in_headers_too(self):
        for path in ("agent/base/a.cpp", "agent/base/a.hpp", "tests/unit/base/a_test.cpp"):
            found = self.offences("sizes", {path: long_function("big", 61), "agent/base/b.cpp": SHORT_FUNCTION * 3})
            self.assertEqual([f.split(": ")[0] for f in found], [f"{path}:1"])
            self.assertIn("'big' has 61 lines", found[0])

    def test_a_median_function_over_10_lines_is_refused(self):
        self.refused("sizes", "agent/base/a.cpp", long_function("big", 11), 1, "median function has 11 lines")
        self.accepted("sizes", "agent/base/a.cpp", long_function("fine", 10))

    def test_a_python_function_over_60_lines_is_refused(self):
        body = "def f():\n" + "    step()\n" * 60
        self.refused("sizes", "tests/functional/t.py", body, 1, "'f' has 61 lines")

    def test_the_agent_does_not_include_backends_but_in_its_composition(self):
        line = '#include "backends/http/client.hpp"\n'
        self.refused("includes", "agent/cache/a.cpp", "\n" + line, 2, "agent/composition*")
        self.refused("includes", "agent/main.cpp", line, 1, "agent/composition*")
        self.accepted("includes", "agent/composition.cpp", line)
        self.accepted("includes", "tests/unit/http/a.cpp", line)

    def test_a_room_includes_only_rooms_above_it(self):
        self.refused("includes", "agent/base/a.cpp", '#include "agent/cache/b.hpp"\n', 1, "'agent/cache' stands below 'agent/base'")
        self.accepted("includes", "agent/cache/a.cpp", '#include "agent/base/b.hpp"\n')
        self.accepted("includes", "backends/http/a.cpp", '#include "agent/cache/b.hpp"\n')
        self.refused("includes", "agent/base/a.cpp", '#include "tests/support/b.hpp"\n', 1, "tests are not part")

    def test_includes_start_at_the_projects_root(self):
        self.refused("includes", "agent/base/a.cpp", '#include "error.hpp"\n', 1, "from the project's root")
        self.refused("includes", "agent/base/a.cpp", '#include "../model/b.hpp"\n', 1, "from the project's root")

    def test_each_outside_library_has_its_room(self):
        for target, home, elsewhere in (("curl/curl.h", "backends/http/a.cpp", "backends/registry/a.cpp"),
                                        ("libvirt/libvirt.h", "backends/libvirt/a.cpp", "agent/cache/a.cpp"),
                                        ("boost/beast/http.hpp", "agent/api/a.cpp", "agent/cache/a.cpp"),
                                        ("boost/beast/http.hpp", "tools/basecache/a.cpp", "backends/http/a.cpp"),
                                        ("libisofs/libisofs.h", "backends/drive/a.cpp", "agent/provision/a.cpp"),
                                        ("spdlog/spdlog.h", "agent/base/log.cpp", "agent/cache/a.cpp")):
            self.accepted("includes", home, f"#include <{target}>\n")
            self.refused("includes", elsewhere, f"#include <{target}>\n", 1, target)

    def test_headers_do_not_include_all_of_json(self):
        self.refused("includes", "agent/base/a.hpp", "#include <nlohmann/json.hpp>\n", 1, "json_fwd")
        self.accepted("includes", "agent/base/a.hpp", "#include <nlohmann/json_fwd.hpp>\n")
        self.accepted("includes", "agent/base/a.cpp", "#include <nlohmann/json.hpp>\n")

    def test_the_process_wide_lock_of_boost_is_refused(self):
        self.refused("includes", "agent/base/a.cpp", "#include <boost/interprocess/sync/file_lock.hpp>\n", 1, "two threads")

    def test_empty_names_are_refused(self):
        for text, name in (("class CacheManager {};\n", "CacheManager"), ("struct DiskInfo {};\n", "DiskInfo"),
                           ("int read_data();\n", "read_data"), ("namespace utils {}\n", "utils"),
                           ("int do_create();\n", "do_create"), ("int create_impl() { return 1; }\n", "create_impl")):
            self.refused("names", "agent/base/a.hpp", text, 1, f"'{name}'")
        self.refused("names", "agent/base/string_utils.hpp", "", 1, "'utils'")
        self.accepted("names", "agent/base/a.hpp", "struct GuestMetadata {};\nint user_data();\nint information();\n")

    def test_unfinished_words_are_refused(self):
        for word in ("TO" + "DO", "FIX" + "ME", "X" * 3):
            self.refused("words", "agent/base/a.cpp", f"\n// {word}: later\n", 2, word)
        self.accepted("words", "agent/base/a.cpp", 'mkdtemp("/tmp/a.XXXXXX");\n')

    def test_folders_of_one_workplace_are_refused(self):
        self.refused("words", "README.md", "see /" + "work/main\n", 1, "workplace")
        self.accepted("words", "README.md", "see docs/work/main\n")

    def test_sleeping_tests_are_refused(self):
        self.refused("words", "tests/unit/base/a_test.cpp", "std::this_thread::sleep_for(1s);\n", 1, "don't sleep")
        self.refused("words", "tests/functional/t.py", "time.sleep(1)\n", 1, "don't sleep")
        self.refused("words", "tests/functional/t.sh", "#!/bin/sh\nsleep 1\n", 2, "don't sleep")

    def test_shells_are_refused(self):
        self.refused("words", "agent/base/a.cpp", 'std::system("ls");\n', 1, "no shell")
        self.accepted("words", "agent/base/a.cpp", "boost::system::error_code e;\nfile_system(x);\n")

    def test_a_second_class_in_a_header_is_refused(self):
        text = "#pragma once\nclass A {\n  class Inner {};\n};\nstruct Value {};\n"
        self.accepted("structure", "agent/base/a.hpp", text)
        self.refused("structure", "agent/base/a.hpp", text + "class B {};\n", 6, "second class 'B'")

    def test_unit_tests_mirror_the_rooms(self):
        files = {"agent/base/a.cpp": "", "tests/unit/base/a_test.cpp": ""}
        self.assertEqual(self.offences("structure", files), [])
        files["tests/unit/elsewhere/b_test.cpp"] = ""
        found = self.offences("structure", files)
        self.assertEqual([f.split(": ")[0] for f in found], ["tests/unit/elsewhere/b_test.cpp:1"])

    def test_unsorted_file_lists_are_refused(self):
        self.refused("structure", "agent/base/meson.build", "x = 1\ny = files('b.cpp',\n  'a.cpp')\n", 2, "isn't sorted")

    def test_headers_start_with_pragma_once(self):
        self.refused("structure", "agent/base/a.hpp", "class A;\n", 1, "#pragma once")

    def test_what_shellcheck_finds_is_an_offence(self):
        self.refused("scripts", "tools/a.sh", "# shellcheck shell=bash\nrm $1\n", 2, "SC2086")
        self.accepted("scripts", "tools/a.sh", '# shellcheck shell=bash\nrm "$1"\n')

    def test_python_that_does_not_compile_or_imports_in_vain_is_refused(self):
        self.refused("scripts", "tests/a.py", "x = 1\ndef f(:\n", 2, "doesn't compile")
        self.refused("scripts", "tests/a.py", "import os\nimport sys\nsys.exit(0)\n", 1, "unused import 'os'")

    def test_shebangs_and_executable_bits_agree(self):
        self.refused("scripts", "tests/a.py", "#!/usr/bin/env python3\n", 1, "isn't executable")
        found = self.offences("scripts", {"tests/b.py": "x = 1\n"}, executable=("tests/b.py",))
        self.assertEqual([f.split(": ")[0] for f in found], ["tests/b.py:1"])

    def test_unformatted_code_is_refused(self):
        self.refused("format", "agent/base/a.cpp", "int a;\nint   b;\n", 2, "clang-format-14 -i agent/base/a.cpp")
        self.accepted("format", "agent/base/a.cpp", "int a;\nint b;\n")


if __name__ == "__main__":
    unittest.main()
