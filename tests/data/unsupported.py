"""Formats that are known and not taken: byte by byte, whole, cut and in disguise."""

from corpus import KIB, MIB, Corpus, big, little, noise, patched

CLOOP = b"#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n"

# name, format, the file's beginning
IMAGES = [
    ("qcow-version-1", "qcow", b"QFI\xfb" + big(1, 4) + bytes(16) + big(MIB, 8) + b"\x0c\x09" + bytes(6) + big(48, 8)),
    ("qcow-version-1-with-backing-file", "qcow",
     (b"QFI\xfb" + big(1, 4) + big(56, 8) + big(11, 4) + bytes(4) + big(MIB, 8) + b"\x0c\x09").ljust(56, b"\0") +
     b"/etc/shadow"),
    ("qcow-version-1-encrypted", "qcow",
     b"QFI\xfb" + big(1, 4) + bytes(16) + big(MIB, 8) + b"\x0c\x09\0\0" + big(1, 4) + big(48, 8)),
    ("qed", "qed", b"QED\0" + little(64 * KIB, 4) + little(4, 4) + little(1, 4) + bytes(24) + little(64 * KIB, 8)),
    ("qed-with-backing-file", "qed",
     (b"QED\0" + little(64 * KIB, 4) + little(4, 4) + little(1, 4) + little(1, 8)).ljust(80, b"\0") + b"/etc/shadow"),
    ("luks-1", "luks", b"LUKS\xba\xbe\0\1aes".ljust(592, b"\0")),
    ("luks-2", "luks", b"LUKS\xba\xbe\0\2" + big(16 * KIB, 8)),
    ("luks-of-version-9", "luks", b"LUKS\xba\xbe\0\x09"),
    ("parallels", "parallels", b"WithoutFreeSpace" + little(2, 4) + little(16, 4)),
    ("parallels-extended", "parallels", b"WithouFreSpacExt" + little(2, 4) + little(16, 4)),
    ("parallels-of-another-version", "parallels", b"WithoutFreeSpace" + little(3, 4)),
    ("bochs", "bochs", b"Bochs Virtual HD Image".ljust(32, b"\0") + b"Redolog".ljust(16, b"\0") +
     b"Growing".ljust(16, b"\0") + little(0x20000, 4) + little(512, 4)),
    ("bochs-of-another-kind", "bochs", b"Bochs Virtual HD Image".ljust(32, b"\0") + b"Flat"),
    ("cloop", "cloop", CLOOP.ljust(128, b"\0") + big(64 * KIB, 4) + big(16, 4)),
]

FILES = [
    ("gzip", "gzip", b"\x1f\x8b\x08\0"), ("xz", "xz", b"\xfd7zXZ\0"), ("bzip2", "bzip2", b"BZh9"),
    ("zstd", "zstd", b"\x28\xb5\x2f\xfd"), ("lz4", "lz4", b"\x04\x22\x4d\x18"), ("lzop", "lzop", b"\x89LZO\0\r\n"),
    ("lzma", "lzma", b"\x5d\0\0\x80\0"), ("zip", "zip", b"PK\3\4"), ("7z", "7z", b"7z\xbc\xaf\x27\x1c"),
    ("rar", "rar", b"Rar!\x1a\x07\1\0"), ("tar", "tar", b"disk.ovf".ljust(257, b"\0") + b"ustar\x0000"),
    ("web-page", "text", b"<!DOCTYPE html><html><body>Login</body></html>"),
    ("web-page-behind-blanks", "text", b"\xef\xbb\xbf \r\n\t<HTML><head>"),
    ("xml-error", "text", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
]

# Beginnings that no raw disk has: a magic cut off in its middle.
CUT = [("qed", b"QED"), ("luks", b"LUKS\xba"), ("parallels", b"WithoutFree"), ("bochs", b"Bochs Virtual"),
       ("cloop", CLOOP[:30]), ("xz", b"\xfd7zX"), ("zstd", b"\x28\xb5\x2f")]


def add_unsupported(corpus: Corpus) -> None:
    for name, image_format, start in IMAGES + FILES:
        corpus.refuse(name, "unsupported_format", patched(noise(512) + bytes(128 * KIB), (0, start)), image_format)
    for name, start in CUT:
        corpus.refuse(f"{name}-cut-in-its-magic", "unsupported_format", start, name)
    _add_second_luks_headers(corpus)
    boot = patched(bytes(MIB), (446, b"\x80\1\1\0\x83"), (510, b"\x55\xaa"))
    for name, magic in [("luks", b"LUKS\xba\xbe\0\1"), ("qed", b"QED\0"), ("parallels", b"WithoutFreeSpace")]:
        corpus.refuse(f"{name}-with-a-partition-table", "unsupported_format", patched(boot, (0, magic)))


def _add_second_luks_headers(corpus: Corpus) -> None:
    """LUKS2 keeps its header twice: where the first is damaged, cryptsetup takes the second."""
    for place in (16 * KIB << doublings for doublings in range(9)):
        disk = patched(noise(512) + bytes(5 * MIB), (place, _second_luks_header(place)))
        corpus.refuse(f"luks-2-second-header-at-{place // KIB}-kib", "unsupported_format", disk, "luks")
    for length in (6, 100, 263):
        cut = noise(16 * KIB) + _second_luks_header(16 * KIB)[:length]
        corpus.refuse(f"luks-2-second-header-cut-to-{length}-bytes", "unsupported_format", cut, "luks")
    # Of a partition that begins at 16 KiB.
    inner = patched(noise(512) + bytes(MIB), (32 * KIB, _second_luks_header(16 * KIB)))
    corpus.accept("raw-second-luks-header-of-a-partition", "raw", len(inner), inner)


def _second_luks_header(place: int) -> bytes:
    start = b"SKUL\xba\xbe" + big(2, 2) + big(place, 8) + big(1, 8)
    return patched(start.ljust(512, b"\0"), (256, big(place, 8)))
