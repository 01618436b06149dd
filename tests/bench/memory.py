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
from layertui.model.layer_index import LayerIndex
from layertui.model.numbers import LayerNumber
from layertui.sources import open_image
from layertui.union.codec import union_of_pieces
from layertui.union.model import LayerUnion
from layertui.worker.client import Worker
from layertui.worker.protocol import LayerDone, LayersMerged, TreeRequest


def main(reference: str) -> None:
    indexes: dict[LayerNumber, LayerIndex] = {}
    union: LayerUnion | None = None
    request = TreeRequest(identity_of(open_image(reference)), False)
    with Worker() as worker:
        tracemalloc.start()
        for frame in worker.ask(request):
            if isinstance(frame, LayerDone):
                indexes[frame.layer] = unpack_index(frame.index)
            elif isinstance(frame, LayersMerged):
                merged = [indexes[LayerNumber(number)] for number in range(1, frame.layers + 1)]
                union = union_of_pieces(frame.pieces, merged)
    del frame
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    assert union is not None
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(sum(index.count for index in indexes.values()), kept, union.nodes, 1024 * peak)


if __name__ == "__main__":
    main(sys.argv[1])
