"""VDI images byte by byte."""

from corpus import MIB, TIB, Corpus, disk, little, noise, patched

SIZE = 4 * MIB
MAP, CONTENT = 512, 1024
ABSENT, ZERO = 0xffffffff, 0xfffffffe


def header(*patches: tuple[int, bytes], kind: int = 1, size: int = SIZE, blocks: int = 4, allocated: int = 1) -> bytes:
    structure = patched(bytes(512), (0, b"<<< QEMU VM Virtual Disk Image >>>\n"), (0x40, b"\x7f\x10\xda\xbe"),
                        (0x44, little(0x10001, 4) + little(0x180, 4) + little(kind, 4)),
                        (0x154, little(MAP, 4) + little(CONTENT, 4)), (0x168, little(512, 4)),
                        (0x170, little(size, 8) + little(MIB, 4) + bytes(4) + little(blocks, 4) + little(allocated, 4)),
                        (0x188, noise(16)), (0x198, noise(16)))
    return patched(structure, *patches)


def image(head: bytes | None = None, *entries: int) -> bytes:
    """One block of four is there."""
    numbers = (entries + (0, ABSENT, ABSENT, ABSENT)[len(entries):])
    return patched(bytes(CONTENT + MIB), (0, head or header()), (MAP, b"".join(little(one, 4) for one in numbers)),
                   (CONTENT, disk(MIB)))


HEADER_CASES = [
    ("version-1-0", {}, (0x44, little(0x10000, 4)), "header"),
    ("version-2", {}, (0x44, little(0x20000, 4)), "header"),
    ("undo-type", {"kind": 3}, None, "backing_file"),
    ("differencing-type", {"kind": 4}, None, "backing_file"),
    ("unknown-type", {"kind": 0}, None, "backing_file"),
    ("link-uuid", {}, (0x1a8, noise(16)), "backing_file"),
    ("parent-uuid", {}, (0x1b8, noise(16)), "backing_file"),
    ("map-in-header", {}, (0x154, little(0, 4)), "header"),
    ("map-odd", {}, (0x154, little(MAP + 4, 4)), "header"),
    ("map-behind-the-blocks", {}, (0x154, little(CONTENT + MIB, 4)), "header"),
    ("blocks-odd", {}, (0x158, little(CONTENT + 4, 4)), "header"),
    ("blocks-in-header", {}, (0x158, little(0, 4)), "header"),
    ("blocks-on-map", {}, (0x158, little(MAP, 4)), "header"),
    ("blocks-behind-the-end", {}, (0x158, little(1 << 31, 4)), "truncated"),
    ("sector-size-4096", {}, (0x168, little(4096, 4)), "header"),
    ("block-size-0", {}, (0x178, little(0, 4)), "header"),
    ("block-size-2-mib", {}, (0x178, little(2 * MIB, 4)), "header"),
    ("size-0", {"size": 0}, None, "virtual_size"),
    ("size-odd", {"size": SIZE - 1}, None, "header"),
    ("size-beyond-its-blocks", {"size": SIZE + 512}, None, "header"),
    ("size-overflows", {"size": (1 << 64) - 512}, None, "header"),
    ("map-too-long", {"blocks": 129}, None, "header"),
    ("map-length-overflows", {"blocks": 0xffffffff}, None, "header"),
    ("more-allocated-than-blocks", {"allocated": 5}, None, "header"),
    ("allocated-behind-the-end", {"allocated": 2}, None, "truncated"),
]


def add_vdis(corpus: Corpus) -> None:
    corpus.accept("vdi-made-by-hand", "vdi", SIZE, image())
    corpus.accept("vdi-discarded-block", "vdi", SIZE, image(None, 0, ZERO))
    for name, fields, patch, check in HEADER_CASES:
        head = header(*([patch] if patch else []), **fields)
        corpus.refuse(f"vdi-{name}", check, image(head), "vdi")
    corpus.refuse("vdi-static-cut", "truncated", image(header(kind=2, allocated=4), 0, 1, 2, 3), "vdi")
    corpus.refuse("vdi-map-entry-beyond-the-blocks", "tables", image(None, 1), "vdi")
    corpus.refuse("vdi-map-entries-share-a-block", "tables", image(None, 0, 0), "vdi")
    _add_bomb(corpus)
    corpus.refuse("vdi-map-entry-largest", "tables", image(None, 0xfffffffd), "vdi")
    for length in (10, 64, 66, 68, 100, 511, 512, MAP + 4, CONTENT, CONTENT + 100):
        corpus.refuse(f"vdi-cut-to-{length}-bytes", "truncated", image()[:length], "vdi")


def _add_bomb(corpus: Corpus) -> None:
    """A disk of a TiB, all of whose blocks are the same one."""
    blocks = 1 * TIB // MIB
    content = MAP + 4 * blocks
    head = header((0x158, little(content, 4)), size=1 * TIB, blocks=blocks)
    corpus.refuse("vdi-all-map-entries-share-a-block", "tables",
                  patched(bytes(content + MIB), (0, head), (content, disk(MIB))), "vdi")
