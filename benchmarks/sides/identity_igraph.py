"""The peer: identifiers numbered by Arrow, connected components by igraph."""

from __future__ import annotations

import sys
import time

import igraph
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

start = time.perf_counter()
file, target = sys.argv[1:]
table = pq.read_table(file)
ends = [pc.binary_join_element_wise(table[f"kind_{x}"], table[f"value_{x}"], "\x1f") for x in "ab"]
del table
coded = pa.chunked_array([*ends[0].chunks, *ends[1].chunks]).combine_chunks().dictionary_encode()
codes = coded.indices.to_numpy()
pairs = np.stack([codes[: len(codes) // 2], codes[len(codes) // 2 :]], axis=1)
graph = igraph.Graph(n=len(coded.dictionary), edges=pairs)
person = np.array(graph.connected_components(mode="weak").membership)
parts = pc.split_pattern(coded.dictionary, "\x1f")
told = {"kind": pc.list_element(parts, 0), "value": pc.list_element(parts, 1), "person": person}
pq.write_table(pa.table(told), target, compression="zstd")
print(time.perf_counter() - start)
