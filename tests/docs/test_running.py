"""The units and the crontab of the guide: systemd and cron can read them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from visavis.core.schedule import is_cron

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "10-running.md"
FILE = re.compile(r"^```text\n# file: (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(FILE.findall(PAGE.read_text(encoding="utf-8")))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("name", [name for name in FILES if name != "crontab"])
def test_systemd_takes_the_unit(tmp_path: Path, name: str) -> None:
    for other, text in FILES.items():
        # whoever runs the tests has neither the program nor the user
        text = re.sub(r"/opt/visavis/bin/visavis", "/bin/true", text)
        (tmp_path / other).write_text(re.sub(r"^User=.*\n", "", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if name in line]
    assert not told, done.stderr
    assert done.returncode == 0, done.stderr


def test_cron_takes_the_times() -> None:
    lines = FILES["crontab"].splitlines()
    assert len(lines) == 3
    for line in lines:
        assert is_cron(" ".join(line.split()[:5]))
        assert "%" not in line.replace("\\%", "")
