"""The check of commit messages: what it refuses, and that it passes where there is no history to check."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "check-commits"
BODY = "\n\nWhy it is done.\n"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


class Repository:
    """A repository with the script; ``base`` is its first commit."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / ".ci").mkdir(parents=True)
        shutil.copy(SCRIPT, directory / ".ci")
        self.git("init", "-q", "-b", "main")
        self.commit("An old subject without an area")
        self.base = self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        options = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *options, *arguments]
        return subprocess.run(command, cwd=self.directory, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message: str) -> None:
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def use_base(self, commit: str) -> None:
        (self.directory / ".ci" / "base").write_text(f"{commit}\n")

    def check(self) -> tuple[int, str]:
        command = [self.directory / ".ci" / "check-commits"]
        done = subprocess.run(command, cwd=self.directory, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (f"journal: store checkpoints at once{BODY}", ""),
        (f"probes, archive: open the import circles{BODY}", "area: imperative subject"),
        (f"web/pages: show «Cổng»{'.' * 49}{BODY}", ""),
        (f"web/pages: show «Cổng»{'.' * 51}{BODY}", "73 characters"),
        ("journal: store checkpoints at once", "the body is empty"),
        (f"Store checkpoints at once{BODY}", "area: imperative subject"),
        (f"journal: Store checkpoints at once{BODY}", "area: imperative subject"),
        (f"journal store checkpoints{BODY}", "area: imperative subject"),
    ],
)
def test_subject_and_body_of_each_commit_since_the_base(repository: Repository, message: str, error: str):
    repository.use_base(repository.base)
    repository.commit(message)
    code, output = repository.check()
    assert code == bool(error), output
    assert error in output
    assert "check-commits: 1 commits" in output


def test_the_base_is_the_merge_base_with_origin_main_where_there_is_one(repository: Repository):
    repository.use_base(repository.base)
    repository.commit("Another old subject")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.commit(f"journal: store checkpoints{BODY}")
    assert repository.check()[0] == 0
    repository.git("update-ref", "-d", "refs/remotes/origin/main")
    assert repository.check()[0] == 1


def test_without_history_it_passes_and_prints_why(repository: Repository, tmp_path: Path):
    repository.commit("A bad subject")
    assert repository.check() == (
        0,
        f"check-commits: no origin/main and no {repository.directory}/.ci/base; not checked\n",
    )
    repository.use_base("1" * 40)
    assert repository.check() == (0, f"check-commits: the base {'1' * 40} is missing; not checked\n")
    clone = tmp_path / "shallow"
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.directory}", str(clone))
    repository.directory, before = clone, repository.directory
    shutil.copytree(before / ".ci", clone / ".ci")
    assert repository.check() == (0, "check-commits: the history is shallow; not checked\n")
    shutil.rmtree(clone / ".git")
    assert repository.check() == (0, "check-commits: no git history here; not checked\n")
