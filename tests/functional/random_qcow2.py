"""qcow2 images of every kind, made of a number: valid ones, laid out as no program would."""

import ctypes
import random
import zlib
from dataclasses import dataclass, field

KIB, MIB = 1024, 1024 * 1024
COPIED, COMPRESSED, ZERO = 1 << 63, 1 << 62, 1
HEADER = 112
CLUSTER_BITS = [*range(9, 22), *range(9, 18), *range(9, 18), *range(9, 18)]  # of the large ones fewer
INCOMPATIBLE_ZSTD, INCOMPATIBLE_EXTENDED_L2 = 8, 16


def big(number: int, width: int = 8) -> bytes:
    return number.to_bytes(width, "big")


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -12)
    return packer.compress(content) + packer.flush()


def zstd(content: bytes) -> bytes:
    library = ctypes.CDLL("libzstd.so.1")
    room = ctypes.create_string_buffer(len(content) + 1024)
    library.ZSTD_compress.restype = ctypes.c_size_t
    length = library.ZSTD_compress(room, ctypes.c_size_t(len(room)), content, ctypes.c_size_t(len(content)), 3)
    return room.raw[:length]


@dataclass
class Part:
    """Whole clusters of the file, one behind the other."""
    content: bytearray
    users: int = 1
    offset: int = 0


@dataclass
class RandomQcow2:
    """`image` holds `disk`. `shares`: some of its clusters are of several places of the disk."""
    seed: int
    shares: bool = field(init=False)
    image: bytes = field(init=False)
    disk: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.bits = CLUSTER_BITS[self.seed % len(CLUSTER_BITS)]
        self.cluster = 1 << self.bits
        self.version = self.dice.choice([2, 3, 3, 3])
        self.extended = self.version == 3 and self.bits >= 14 and self.dice.random() < 0.5
        self.zstd = self.version == 3 and self.dice.random() < 0.5
        self.shares = self.dice.random() < 0.2
        self.width = 16 if self.extended else 8
        most = max(2, min(200, 2 * MIB >> self.bits))
        self.size = max(512, (self.dice.randint(1, most) << self.bits) - self.dice.randrange(0, self.cluster, 512))
        self.guest_clusters = -(-self.size // self.cluster)
        self.parts: list[Part] = []
        self.packed = Part(bytearray(), users=0)  # the compressed clusters, whose sectors they share
        self._fill()
        self._lay_out()
        self.disk = bytes(self.disk_[:self.size])

    def name(self) -> str:
        return (f"random-{self.seed}-version-{self.version}-clusters-of-{self.cluster}" + "-extended" * self.extended +
                ("-zstd" if self.zstd else "-zlib") + "-shared" * self.shares)

    def _noise(self, length: int) -> bytes:
        """Neither zeros nor hard to make small."""
        return (self.dice.randbytes(48) * (length // 48 + 1))[:length]

    def _fill(self) -> None:
        """What each cluster of the disk is: (part or place in the packed ones, flags, bitmap)."""
        self.disk_ = bytearray()
        self.entries = []
        kinds = ["nothing", "plain", "plain", "compressed", "compressed"] + ["zero"] * (self.version == 3)
        while len(self.entries) < self.guest_clusters:
            getattr(self, f"_add_{self.dice.choice(kinds)}")()

    def _add(self, entry: tuple, content: bytes) -> None:
        self.entries.append(entry)
        self.disk_ += content

    def _add_nothing(self) -> None:
        self._add((None, 0, 0), bytes(self.cluster))

    def _part(self) -> Part:
        known = [entry[0] for entry in self.entries if isinstance(entry[0], Part)]
        if self.shares and known and self.dice.random() < 0.3:
            part = self.dice.choice(known)
            part.users += 1
            return part
        self.parts.append(Part(bytearray(self._noise(self.cluster))))
        return self.parts[-1]

    def _add_plain(self) -> None:
        part = self._part()
        if not self.extended:
            return self._add((part, 0, 0), part.content)
        allocated = self.dice.getrandbits(32)
        zero = self.dice.getrandbits(32) & ~allocated
        step = self.cluster // 32
        content = b"".join(part.content[i * step:(i + 1) * step] if allocated >> i & 1 else bytes(step)
                           for i in range(32))
        self._add((part, 0, zero << 32 | allocated), content)

    def _add_zero(self) -> None:
        part = self._part() if self.dice.random() < 0.3 else None
        self._add((part, 0, 0xffffffff << 32) if self.extended else (part, ZERO, 0), bytes(self.cluster))

    def _add_compressed(self) -> None:
        content = self._noise(self.cluster)
        packed = zstd(content) if self.zstd else deflated(content)
        begin = len(self.packed.content)
        self._add((begin, len(packed), 0), content)
        if self.shares and self.dice.random() < 0.3 and len(self.entries) < self.guest_clusters:
            self._add((begin, len(packed), 0), content)
        self.packed.content += packed + bytes(self.dice.choice([0, 0, 0, 1, 300, 511]))

    def _lay_out(self) -> None:
        per_table = self.cluster // self.width
        tables = [Part(bytearray(self.cluster)) for _ in range(-(-self.guest_clusters // per_table))]
        l1 = self._sized(len(tables) * 8)
        movable = self.parts + tables + [l1]
        whole = sum(len(part.content) for part in movable) + len(self.packed.content)
        clusters = 3 + whole // self.cluster  # with the header and the refcount table
        per_block = self.cluster // 2
        blocks = [Part(bytearray(self.cluster)) for _ in range(clusters // (per_block - 1) + 1)]
        refcounts = self._sized(len(blocks) * 8)
        movable += blocks + [refcounts]
        self.dice.shuffle(movable)
        end = self._place([self._sized(1), *movable])
        self.packed.offset = end
        end += len(self.packed.content)
        self._write_tables(tables, l1, per_table)
        self._write_refcounts(blocks, refcounts, self._users(movable, -(-end // self.cluster)), per_block)
        image = bytearray(end)
        for part in [*movable, self.packed]:
            image[part.offset:part.offset + len(part.content)] = part.content
        image[:HEADER] = self._header(l1, len(tables), refcounts)
        self.image = bytes(image)

    def _sized(self, length: int) -> Part:
        return Part(bytearray(-(-length // self.cluster) * self.cluster))

    def _place(self, parts: list[Part]) -> int:
        at = 0
        for part in parts:
            part.offset = at
            at += len(part.content)
        return at

    def _write_tables(self, tables: list[Part], l1: Part, per_table: int) -> None:
        for number, table in enumerate(tables):
            l1.content[8 * number:8 * number + 8] = big(table.offset | COPIED)
        for number, (what, flags, bitmap) in enumerate(self.entries):
            entry = flags
            if isinstance(what, Part):
                entry |= what.offset | (COPIED if what.users == 1 else 0)
            elif what is not None:
                entry = self._compressed_entry(self.packed.offset + what, flags)
            at = number % per_table * self.width
            tables[number // per_table].content[at:at + self.width] = (big(entry) + big(bitmap))[:self.width]

    def _compressed_entry(self, offset: int, length: int) -> int:
        more_sectors = (offset + length - 1) // 512 - offset // 512
        return COMPRESSED | more_sectors << (62 - (self.bits - 8)) | offset

    def _users(self, movable: list[Part], clusters: int) -> list[int]:
        users = [1] * clusters
        for part in movable:
            users[part.offset // self.cluster] = part.users
        packed = range(self.packed.offset // self.cluster, clusters)
        users[packed.start:] = [0] * len(packed)
        for what, length, _ in self.entries:
            if isinstance(what, int):  # compressed: a user of each cluster that it touches
                begin = self.packed.offset + what
                for cluster in range(begin // self.cluster, (begin + length - 1) // self.cluster + 1):
                    users[cluster] += 1
        return users

    def _write_refcounts(self, blocks: list[Part], table: Part, users: list[int], per_block: int) -> None:
        for number, block in enumerate(blocks):
            table.content[8 * number:8 * number + 8] = big(block.offset)
            some = users[number * per_block:(number + 1) * per_block]
            block.content[:2 * len(some)] = b"".join(big(count, 2) for count in some)

    def _header(self, l1: Part, l1_entries: int, refcounts: Part) -> bytes:
        incompatible = INCOMPATIBLE_ZSTD * self.zstd | INCOMPATIBLE_EXTENDED_L2 * self.extended
        first = (b"QFI\xfb" + big(self.version, 4) + bytes(12) + big(self.bits, 4) + big(self.size) + bytes(4) +
                 big(l1_entries, 4) + big(l1.offset) + big(refcounts.offset) +
                 big(len(refcounts.content) // self.cluster, 4) + bytes(12))
        if self.version == 2:
            return first.ljust(HEADER, b"\0")
        return first + big(incompatible) + bytes(16) + big(4, 4) + big(HEADER, 4) + bytes([self.zstd]) + bytes(7)
