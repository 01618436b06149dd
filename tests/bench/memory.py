"""``python -m tests.bench.memory REFERENCE``: what an image takes in the process that shows it.

Reads what the worker sends as the app does, and prints its entries and the bytes of memory
that its indexes and its union keep.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc

import msgspec

from layertui.layers.codec import unpack
from layertui.union.model import LayerUnion


def main(reference: str) -> None:
    request = {"reference": reference, "platform": None, "cache": False}
    worker = subprocess.run(
        [sys.executable, "-m", "layertui.worker.main"],
        input=json.dumps(request).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    frames: dict[bytes, dict[int, bytes]] = {b"x": {}, b"u": {}}
    position = 0
    while position < len(worker.stdout):
        length = int.from_bytes(worker.stdout[position : position + 4], "little")
        tag = worker.stdout[position + 4 : position + 5]
        payload = worker.stdout[position + 5 : position + 5 + length]
        if tag in frames:
            number, data = msgspec.msgpack.decode(payload)
            frames[tag][number] = data
        position += 5 + length
    gc.collect()
    tracemalloc.start()
    indexes = [unpack(data) for _, data in sorted(frames[b"x"].items())]
    union = LayerUnion.decode(frames[b"u"][len(indexes)], indexes)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    print(sum(index.count for index in indexes), kept, union.nodes)


if __name__ == "__main__":
    main(sys.argv[1])
