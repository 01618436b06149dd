"""``python -m tests.bench.memory REFERENCE``: what an image takes in the process that shows it.

Reads what the worker sends as the app does, and prints its entries and the bytes of memory
that its indexes and its union keep, its paths, and what this process and the worker took at most, added up.
"""

from __future__ import annotations

import gc
import resource
import sys
import tracemalloc

from layertui.layers.codec import unpack_index
from layertui.model.identity import identity_of
from layertui.sources import open_image
from layertui.union.codec import unpack_union
from layertui.worker.client import Worker
from layertui.worker.protocol import LayerDone, LayersMerged, TreeRequest


def main(reference: str) -> None:
    packed: dict[int, memoryview] = {}
    encoded = memoryview(b"")
    with Worker() as worker:
        for frame in worker.ask(TreeRequest(identity_of(open_image(reference)), False)):
            if isinstance(frame, LayerDone):
                packed[frame.layer] = frame.index
            elif isinstance(frame, LayersMerged):
                encoded = frame.union
    gc.collect()
    tracemalloc.start()
    indexes = [unpack_index(packed[layer]) for layer in sorted(packed)]
    union = unpack_union(encoded, indexes)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(sum(index.count for index in indexes), kept, union.nodes, 1024 * peak)


if __name__ == "__main__":
    main(sys.argv[1])
