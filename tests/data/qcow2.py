"""qcow2 images byte by byte: a small one that is in order, and what can be wrong with its header."""

from corpus import KIB, MIB, TIB, Corpus, big, noise, patched

CLUSTER = 4 * KIB
L1, REFCOUNT_TABLE, REFCOUNT_BLOCK, L2, CONTENT = (n * CLUSTER for n in range(1, 6))
SIZE = 2 * MIB  # one L2 table of 512 entries
COPIED, COMPRESSED = 1 << 63, 1 << 62
EXTENSIONS = 112  # where they begin behind a header of version 3

BACKING_FORMAT, DATA_FILE, ENCRYPTION, BITMAPS, FEATURE_NAMES = (
    0xe2792aca, 0x44415441, 0x0537be77, 0x23852875, 0x6803f857)


def header(version: int = 3, size: int = SIZE, incompatible: int = 0, length: int = EXTENSIONS) -> bytes:
    first = (b"QFI\xfb" + big(version, 4) + big(0, 12) + big(12, 4) + big(size, 8) + big(0, 4) + big(1, 4) +
             big(L1, 8) + big(REFCOUNT_TABLE, 8) + big(1, 4) + big(0, 4) + big(0, 8))
    return first if version == 2 else first + big(incompatible, 8) + big(0, 16) + big(4, 4) + big(length, 4) + big(0, 8)


def image(**fields) -> bytes:
    """Seven clusters; the first and the last cluster of the disk hold noise. "qemu-img check" finds nothing."""
    return patched(bytes(7 * CLUSTER),
                   (0, header(**fields)),
                   (L1, big(L2 | COPIED, 8)),
                   (REFCOUNT_TABLE, big(REFCOUNT_BLOCK, 8)),
                   (REFCOUNT_BLOCK, big(1, 2) * 7),
                   (L2, big(CONTENT | COPIED, 8)),
                   (L2 + 511 * 8, big((CONTENT + CLUSTER) | COPIED, 8)),
                   (CONTENT, noise(2 * CLUSTER)))


def extension(kind: int, content: bytes, length: int | None = None) -> bytes:
    padded = content + bytes(-len(content) % 8)
    return big(kind, 4) + big(len(content) if length is None else length, 4) + padded


def with_extension(*extensions: bytes) -> bytes:
    return patched(image(), (EXTENSIONS, b"".join(extensions)))


HEADER_CASES = [
    # name, offset, bytes, check
    ("version-0", 4, big(0, 4), "header"),
    ("version-4", 4, big(4, 4), "header"),
    ("backing-file-without-length", 8, big(0x200, 8), "backing_file"),
    ("backing-file-outside", 8, big(1 << 40, 8) + big(11, 4), "backing_file"),
    ("backing-file-length-overflows", 8, big(0x200, 8) + big(0xffffffff, 4), "backing_file"),
    ("backing-length-without-offset", 16, big(11, 4), "backing_file"),
    ("clusters-of-256-bytes", 20, big(8, 4), "header"),
    ("clusters-of-4-mib", 20, big(22, 4), "header"),
    ("cluster-bits-overflow", 20, big(0xffffffff, 4), "header"),
    ("size-0", 24, big(0, 8), "virtual_size"),
    ("size-odd", 24, big(SIZE - 1, 8), "header"),
    ("size-beyond-l1-table", 24, big(SIZE + 512, 8), "header"),
    ("size-overflows", 24, big((1 << 64) - 512, 8), "header"),
    ("size-negative-as-signed", 24, big(1 << 63, 8), "header"),
    ("encrypted-aes", 32, big(1, 4), "encryption"),
    ("encrypted-luks", 32, big(2, 4), "encryption"),
    ("encrypted-unknown", 32, big(3, 4), "encryption"),
    ("l1-table-empty", 36, big(0, 4), "header"),
    ("l1-table-above-32-mib", 36, big((32 * MIB) // 8 + 1, 4), "header"),
    ("l1-table-entries-overflow", 36, big(0xffffffff, 4), "header"),
    ("l1-table-reaches-behind-the-end", 36, big(7 * CLUSTER // 8, 4), "truncated"),
    ("l1-table-in-header", 40, big(0, 8), "header"),
    ("l1-table-odd", 40, big(L1 + 8, 8), "header"),
    ("l1-table-behind-the-end", 40, big(100 * CLUSTER, 8), "truncated"),
    ("l1-table-offset-overflows", 40, big((1 << 64) - CLUSTER, 8), "truncated"),
    ("refcount-table-in-header", 48, big(0, 8), "header"),
    ("refcount-table-odd", 48, big(REFCOUNT_TABLE + 512, 8), "header"),
    ("refcount-table-behind-the-end", 48, big(1 << 40, 8), "truncated"),
    ("refcount-table-empty", 56, big(0, 4), "header"),
    ("refcount-table-above-8-mib", 56, big(8 * MIB // CLUSTER + 1, 4), "header"),
    ("snapshot-table", 60, big(1, 4) + big(CONTENT, 8), "snapshots"),
    ("snapshot-count-overflows", 60, big(0xffffffff, 4) + big(CONTENT, 8), "snapshots"),
    ("snapshot-table-odd-and-empty", 64, big(513, 8), "header"),
    ("dirty", 72, big(1, 8), "features"),
    ("corrupt", 72, big(2, 8), "features"),
    ("data-file-bit", 72, big(4, 8), "data_file"),
    ("compression-bit-without-type", 72, big(8, 8), "features"),
    ("extended-l2-in-small-clusters", 72, big(16, 8), "header"),
    ("unknown-feature", 72, big(32, 8), "features"),
    ("unknown-feature-highest", 72, big(1 << 63, 8), "features"),
    ("data-file-raw-without-data-file", 88, big(2, 8), "data_file"),
    ("refcount-order-7", 96, big(7, 4), "header"),
    ("refcount-order-overflows", 96, big(0xffffffff, 4), "header"),
    ("header-length-0", 100, big(0, 4), "header"),
    ("header-length-72", 100, big(72, 4), "header"),
    ("header-length-odd", 100, big(107, 4), "header"),
    ("header-length-above-cluster", 100, big(CLUSTER + 8, 4), "header"),
    ("header-length-overflows", 100, big(0xffffffff, 4), "header"),
    ("compression-type-without-bit", 104, b"\1", "features"),
    ("compression-type-unknown", 104, b"\2", "features"),
]

EXTENSION_CASES = [
    ("extension-data-file", extension(DATA_FILE, b"/etc/shadow"), "data_file"),
    ("extension-data-file-json", extension(DATA_FILE, b'json:{"driver":"nbd"}'), "data_file"),
    ("extension-data-file-empty", extension(DATA_FILE, b""), "data_file"),
    ("extension-data-file-behind-others", extension(FEATURE_NAMES, bytes(48)) + extension(DATA_FILE, b"/etc/shadow"),
     "data_file"),
    ("extension-backing-format", extension(BACKING_FORMAT, b"raw"), "backing_file"),
    ("extension-encryption", extension(ENCRYPTION, big(CONTENT, 8) + big(CLUSTER, 8)), "encryption"),
    ("extension-above-cluster", extension(FEATURE_NAMES, b"", length=CLUSTER), "header"),
    ("extension-length-overflows", extension(FEATURE_NAMES, b"", length=0xffffffff), "header"),
    ("extension-padding-overflows", extension(FEATURE_NAMES, b"", length=0xfffffffd), "header"),
    ("extension-bitmaps-short", extension(BITMAPS, bytes(16)), "header"),
    ("extension-bitmaps-twice", extension(BITMAPS, big(1, 4) + bytes(4) + big(32, 8) + big(CONTENT, 8)) * 2, "header"),
    ("extension-bitmaps-none", extension(BITMAPS, bytes(8) + big(32, 8) + big(CONTENT, 8)), "header"),
    ("extension-bitmaps-reserved-field", extension(BITMAPS, big(1, 4) * 2 + big(32, 8) + big(CONTENT, 8)), "header"),
]


def add_headers(corpus: Corpus) -> None:
    corpus.accept("qcow2-made-by-hand", "qcow2", SIZE, image())
    corpus.accept("qcow2-version-2-made-by-hand", "qcow2", SIZE, image(version=2))
    corpus.accept("qcow2-header-of-104-bytes", "qcow2", SIZE, image(length=104))
    corpus.accept("qcow2-header-of-120-bytes", "qcow2", SIZE, image(length=120))
    corpus.accept("qcow2-unknown-compatible-feature", "qcow2", SIZE, patched(image(), (80, big(1 << 40, 8))))
    corpus.accept("qcow2-unknown-extension", "qcow2", SIZE, with_extension(extension(0x12345678, b"whatever")))
    corpus.accept("qcow2-extensions-fill-the-cluster", "qcow2", SIZE,
                  with_extension(extension(FEATURE_NAMES, noise(CLUSTER - EXTENSIONS - 8))))
    corpus.refuse("qcow2-refcount-table-on-l1-table", "header", patched(image(), (48, big(L1, 8))), "qcow2")
    for name, at, new, check in HEADER_CASES:
        corpus.refuse(f"qcow2-{name}", check, patched(image(), (at, new)), "qcow2")
    for name, extensions, check in EXTENSION_CASES:
        corpus.refuse(f"qcow2-{name}", check, with_extension(extensions), "qcow2")
    _add_names_of_other_files(corpus)
    _add_hidden_in_version_2(corpus)
    _add_sizes(corpus)
    _add_cut(corpus)


def _add_names_of_other_files(corpus: Corpus) -> None:
    for name, text in [("backing-file", b"/etc/shadow"), ("backing-file-relative", b"../../other/disk"),
                       ("backing-file-json", b'json:{"driver":"file","filename":"/etc/shadow"}'),
                       ("backing-file-nbd", b"nbd:127.0.0.1:10809"), ("backing-file-of-1023-bytes", b"a" * 1023),
                       ("backing-file-of-1024-bytes", b"a" * 1024)]:
        content = patched(image(), (8, big(0x200, 8) + big(len(text), 4)), (0x200, text))
        corpus.refuse(f"qcow2-{name}", "backing_file", content, "qcow2")
    external = patched(image(incompatible=4), (EXTENSIONS, extension(DATA_FILE, b"/etc/shadow")))
    corpus.refuse("qcow2-data-file", "data_file", external, "qcow2")
    as_raw = patched(external, (88, big(2, 8)))
    corpus.refuse("qcow2-data-file-raw-external", "data_file", as_raw, "qcow2")
    both = patched(external, (8, big(0x200, 8) + big(11, 4)), (0x200, b"/etc/passwd"))
    corpus.refuse("qcow2-data-file-and-backing-file", "data_file", both, "qcow2")


def _add_hidden_in_version_2(corpus: Corpus) -> None:
    """Version 2 has no feature bits: its extensions begin where they would stand."""
    for name, kind, check in [("data-file", DATA_FILE, "data_file"), ("backing-format", BACKING_FORMAT, "backing_file"),
                              ("encryption", ENCRYPTION, "encryption")]:
        content = patched(image(version=2), (72, extension(kind, b"/etc/shadow")))
        corpus.refuse(f"qcow2-version-2-extension-{name}", check, content, "qcow2")
    shadow = patched(image(version=2), (8, big(0x200, 8) + big(11, 4)), (0x200, b"/etc/shadow"))
    corpus.refuse("qcow2-version-2-backing-file", "backing_file", shadow, "qcow2")


def _add_sizes(corpus: Corpus) -> None:
    """65 TiB need 130 L1 entries with clusters of 2 MiB: a bomb of a few MiB."""
    cluster = 2 * MIB
    bomb = patched(bytes(4 * cluster), (0, header(size=65 * TIB)), (20, big(21, 4)), (36, big(130, 4)),
                   (40, big(cluster, 8) + big(2 * cluster, 8)), (2 * cluster, big(3 * cluster, 8)),
                   (3 * cluster, big(1, 2) * 4))
    corpus.refuse("qcow2-size-of-65-tib", "virtual_size", bomb, "qcow2")


def _add_cut(corpus: Corpus) -> None:
    for length in (2, 3, 4, 7, 8, 24, 71, 72, 103, 111, 512, L1, L1 + 4, REFCOUNT_TABLE, L2 + 100, CONTENT + 1):
        corpus.refuse(f"qcow2-cut-to-{length}-bytes", "truncated", image()[:length], "qcow2")
    corpus.refuse("qcow2-cut-in-its-last-cluster-but-one", "truncated", image()[:CONTENT + CLUSTER - 512], "qcow2")
