"""A Feast repository of invented people with 40 features, filled; runs in the peer's venv.

`python peer_feast.py FOLDER PEOPLE`; the repository's feature_store.yaml is there already.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, String

FEATURES = 40
_CHUNK = 20_000


def main(folder: Path, people: int) -> None:
    rng = np.random.default_rng(7)
    moment = datetime.now(UTC)
    frame = pd.DataFrame({"user_id": [f"u{i}" for i in range(people)], "event_timestamp": moment})
    names = [f"feature_{i}" for i in range(FEATURES)]
    for i, name in enumerate(names):
        drawn = rng.integers(0, 1000, people)
        frame[name] = drawn.astype(str) if i % 4 == 0 else drawn / 10
    path = folder / "people.parquet"
    frame.head(1000).to_parquet(path)
    person = Entity(name="person", join_keys=["user_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name="people", entities=[person], ttl=timedelta(days=3650),
        schema=[Field(name=n, dtype=String if i % 4 == 0 else Float64)
                for i, n in enumerate(names)],
        source=FileSource(path=str(path), timestamp_field="event_timestamp"),
    )  # fmt: skip
    store = FeatureStore(repo_path=str(folder))
    store.apply([person, view, FeatureService(name="all", features=[view])])
    for start in range(0, people, _CHUNK):
        store.write_to_online_store("people", df=frame.iloc[start : start + _CHUNK])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
