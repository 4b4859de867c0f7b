"""The scripts, objects and image of docs/clusters.md: they parse, agree with each other, and the image's steps run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from pipelines.commands.run import run as command
from tests.pipelines.conftest import ROOT

PAGE = (ROOT / "docs" / "clusters.md").read_text("utf-8")
FILES = dict(re.findall(r"```\w+ file=(\S+)\n(.*?)```", PAGE, re.DOTALL))
SCRIPTS = re.findall(r"```sh[^\n]*\n(.*?)```", PAGE, re.DOTALL)
OBJECTS = list(yaml.safe_load_all(FILES["curate-flink.yaml"]))
#: What the base image has, as this machine has it.
SYSTEM = ("usr", "bin", "lib", "lib64", "etc", "dev", "proc", *(p.strip("/") for p in (sys.base_prefix, sys.prefix)))
STEPS = [line.split(None, 1) for line in FILES["Dockerfile"].replace("\\\n", "").splitlines()]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: s.split("\n")[0][:40])
def test_scripts_parse(script):
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def containers(kind: str) -> list[dict]:
    return [c for o in OBJECTS if o["kind"] == kind for c in o["spec"]["template"]["spec"]["containers"]]


def test_the_objects_of_kubernetes_agree():
    named = {(o["kind"], o["metadata"]["name"]) for o in OBJECTS}
    labels = [o["spec"]["template"]["metadata"]["labels"] for o in OBJECTS if o["kind"] == "Deployment"]
    selectors = [o["spec"]["selector"]["matchLabels"] for o in OBJECTS if o["kind"] == "Deployment"]
    assert labels == selectors
    (service,) = (o for o in OBJECTS if o["kind"] == "Service")
    assert service["spec"]["selector"] in labels
    for container in containers("Deployment") + containers("Job"):
        maps = {e["configMapRef"]["name"] for e in container.get("envFrom", ()) if "configMapRef" in e}
        assert {("ConfigMap", name) for name in maps} <= named
    (properties,) = (yaml.safe_load(o["data"]["FLINK_PROPERTIES"]) for o in OBJECTS if o["kind"] == "ConfigMap")
    assert properties["jobmanager.rpc.address"] == service["metadata"]["name"]
    (workers,) = (o for o in OBJECTS if o["metadata"]["name"] == "curate-flink-workers")
    (driver,) = containers("Job")
    slots = properties["taskmanager.numberOfTaskSlots"]
    assert f"--parallelism={slots * workers['spec']['replicas']}" in driver["args"]
    assert f"--sdk_worker_parallelism={slots}" in driver["args"]
    ports = {p["name"]: p["port"] for p in service["spec"]["ports"]}
    assert f"--job_endpoint={service['metadata']['name']}:{ports['jobs']}" in driver["args"]
    (pool,) = (c for c in containers("Deployment") if c["name"] == "worker-pool")
    (port,) = (a.partition("=")[2] for a in pool["args"] if a.startswith("--service_port="))
    assert f"--environment_config=localhost:{port}" in driver["args"]
    assert driver["args"][0] == "run"
    command.make_context("run", driver["args"][1:])


def test_the_image_has_the_beam_of_the_project():
    words, base = [step[0] for step in STEPS], STEPS[0][1]
    assert (words[0], set(words)) == ("FROM", {"FROM", "COPY", "RUN"})
    (wanted,) = re.findall(r'"apache-beam>=([\d.]+),', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert base.partition(":")[2] == f"{wanted}.0"
    for _, script in (step for step in STEPS if step[0] == "RUN"):
        assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


@pytest.mark.cluster
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.geteuid() != 0, reason="another root directory needs root")
def test_the_steps_of_the_image_run_in_a_root_directory_of_their_own(tmp_path):
    """The base image is this machine's system, read-only, with the libraries of the environment that runs the tests."""
    context, root = tmp_path / "context", tmp_path / "root"
    (context / "models").mkdir(parents=True)
    (context / "models" / "own.zip").write_bytes(b"a model")
    source = tmp_path / "source"
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*build, str(context / "dist"), str(source)], check=True, timeout=300)
    system = [name for name in SYSTEM if Path("/", name).exists() and not name.startswith("usr/")]
    for name in (*system, "tmp", "root", "opt/base"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not entry.name.startswith(("curate", "__editable__")):  # the image does not have curate yet
            (root / "opt" / "base" / entry.name).symlink_to(entry)
    for _, paths in (step for step in STEPS if step[0] == "COPY"):
        come, go = paths.split()
        shutil.copytree(context / come, root / go.strip("/"), dirs_exist_ok=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    base = f"{sys.base_prefix}/bin/{version} -m venv /opt/venv"
    base += f" && echo /opt/base > /opt/venv/lib/{version}/site-packages/base.pth"
    for script in (base, *(step[1] for step in STEPS if step[0] == "RUN")):
        done = in_root(root, system, f"export PATH=/opt/venv/bin:$PATH; {script}")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    look = "cd / && /opt/venv/bin/python -c 'import pipelines; print(pipelines.__file__)' && ls /opt/models"
    done = in_root(root, system, look)
    assert done.stdout.split()[0].startswith("/opt/venv/lib/")
    assert done.stdout.split()[1:] == ["own.zip"]
    assert not list((root / "tmp").iterdir())


def in_root(root: Path, system: list[str], script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with another root directory, into which folders of this system are mounted."""
    how = {"dev": "--rbind", "proc": "--rbind"}
    mounts = " && ".join(f"mount {how.get(p, '-o bind,ro')} /{p} {shlex.quote(f'{root}/{p}')}" for p in system)
    inside = f"{mounts} && exec chroot {shlex.quote(str(root))} /bin/bash -c {shlex.quote(script)}"
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"}
    environment |= {k: v for k, v in os.environ.items() if k.startswith("PIP_") or k.endswith(("_proxy", "_PROXY"))}
    command = ["unshare", "--mount", "bash", "-c", inside]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1200)
