"""From what was admitted to what each spawner is told."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from docker.types import ContainerSpec, HostConfig, Resources, TaskTemplate
from dockerspawner import DockerSpawner, SwarmSpawner

from labkit_hub.placement import (
    RUN_STOP_S,
    ContainerSite,
    GraderSite,
    KubeSite,
    Placement,
    ProcessSite,
    ServerOrder,
    home_volume_name,
    place_docker,
    place_kube,
    place_process,
    place_swarm,
)
from labkit_hub.placement.command import run_command
from labkit_hub.profiles import Profile
from labkit_hub.service.internal import LeasedDevice, RunTask

SITE = ContainerSite(prefix="labkit", image="labkit-student", service_url="http://proxy:8000/services/labkit")
CPU = Profile(slug="cpu", title="Notebook", cpu=2.5, memory_gb=4.0, shm_gb=0.5)
GPU = Profile(slug="gpu-run", title="Run", cpu=4.0, memory_gb=16.0, shm_gb=2.0, gpus=1, purposes=("run",), image="labkit-student:gpu")
NVIDIA = (LeasedDevice(key="GPU-1234", kind="nvidia"),)
OWN = ServerOrder(user="zoë b", server="", profile=CPU)
RUN = ServerOrder(
    user="zoë b", server="run-abcdefghijkl", profile=GPU, devices=NVIDIA, run=RunTask(id="abcdefghijkl", path="projects/nuclei/runs")
)
FAKE = ServerOrder(user="ada", server="", profile=GPU, devices=(LeasedDevice(key="fake-0", kind="fake"),))
RUN_ARGUMENTS = ["-m", "labkit.runs.served", "--run=abcdefghijkl", "--folder=projects/nuclei/runs"]


def place_kube_default(order: ServerOrder) -> Placement:
    return place_kube(order, KubeSite(SITE))


PLACERS = {
    "process": lambda order: place_process(order, ProcessSite("http://127.0.0.1:8000/services/labkit")),
    "docker": lambda order: place_docker(order, SITE),
    "swarm": lambda order: place_swarm(order, ContainerSite(prefix="labkit", image="x", service_url="http://p", network="overlay")),
    "kube": place_kube_default,
}


@pytest.fixture(params=sorted(PLACERS))
def place(request: pytest.FixtureRequest) -> Any:
    """Place in each of the four shapes."""
    return PLACERS[request.param]


def test_a_server_without_a_lease_sees_no_device(place: Any) -> None:
    """Neither by CUDA's variable nor where NVIDIA's runtime reads another one."""
    environment = place(OWN).environment
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["NVIDIA_VISIBLE_DEVICES"]) == ("", "void")
    assert "LABKIT_DEVICE" not in environment


def test_a_fake_device_is_named_and_shows_no_real_one(place: Any) -> None:
    """What computes on it computes on the CPU."""
    environment = place(FAKE).environment
    assert (environment["LABKIT_DEVICE"], environment["CUDA_VISIBLE_DEVICES"]) == ("fake-0", "")


def test_a_run_is_the_command_of_its_server(place: Any) -> None:
    """It gets the run and its folder, each as one argument whatever it begins with; a person's server is JupyterLab."""
    traits = place(RUN).traits
    assert traits["cmd"][1:] == RUN_ARGUMENTS
    assert traits["args"] == []
    assert "labkit.runs.served" not in place(OWN).traits["cmd"]


def test_a_grading_run_is_carried_out_by_what_fetches_its_work() -> None:
    """Nobody handed in a folder for it."""
    order = replace(RUN, user="labkit-grader", run=RunTask(id="abcdefghijkl", path="grading/runs", kind="grade", grades=True))
    assert run_command("python", order) == ["python", "-m", "labkit.client.grading_served", "--run=abcdefghijkl"]


def test_placements_set_the_same_traits_whatever_is_placed(place: Any) -> None:
    """Nothing of a start with a device is left on a spawner that starts without one next."""
    assert set(place(OWN).traits) == set(place(RUN).traits) == set(place(FAKE).traits)


def test_every_server_knows_service_and_profile(place: Any) -> None:
    """Lab and runs ask the service there."""
    environment = place(RUN).environment
    assert environment["LABKIT_PROFILE"] == "gpu-run"
    assert environment["LABKIT_SERVICE_URL"].startswith("http://")


def test_real_devices_in_a_process_are_a_matter_of_the_variable() -> None:
    """The leased ones, by their ids, and this interpreter."""
    placement = PLACERS["process"](RUN)
    assert placement.environment["CUDA_VISIBLE_DEVICES"] == "GPU-1234"
    assert placement.traits["cmd"][0] == sys.executable


def test_docker_gets_the_whole_hardening() -> None:
    """Docker's own client takes it and makes of it what the engine is asked."""
    placement = place_docker(RUN, SITE)
    asked = HostConfig(version="1.41", **placement.traits["extra_host_config"])
    assert asked["CapDrop"] == ["ALL"]
    assert asked["SecurityOpt"] == ["no-new-privileges"]
    assert asked["ReadonlyRootfs"] is True
    assert asked["Init"] is True
    assert asked["PidsLimit"] == 1024
    assert asked["ShmSize"] == 2_000_000_000
    assert asked["MemorySwap"] == placement.traits["mem_limit"] == 16_000_000_000
    assert asked["Tmpfs"] == {"/tmp": "rw,exec,nosuid,nodev,mode=1777,size=1000000000"}
    assert not asked.get("Privileged")
    [request] = asked["DeviceRequests"]
    assert (request["Driver"], request["DeviceIDs"], request["Count"]) == ("nvidia", ["GPU-1234"], 0)


def test_docker_without_a_device_asks_for_none() -> None:
    """Fake devices too."""
    for order in (OWN, FAKE):
        assert "device_requests" not in place_docker(order, SITE).traits["extra_host_config"]


def test_thread_counts_follow_the_limit_of_cores() -> None:
    """Two and a half cores are two threads: libraries would take the machine's number."""
    environment = place_docker(OWN, SITE).environment
    assert {environment[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")} == {"2"}
    assert place_docker(OWN, SITE).traits["cpu_limit"] == 2.5


def test_all_servers_of_a_person_share_home_and_network() -> None:
    """A run finds the project that the person's own server made; nobody else's is mounted."""
    own, run = place_docker(OWN, SITE).traits, place_docker(RUN, SITE).traits
    assert own["volumes"] == run["volumes"] == {home_volume_name("labkit", "zoë b"): "/home/student"}
    assert own["network_name"] == run["network_name"]
    assert own["object_name"] != run["object_name"]
    assert place_docker(FAKE, SITE).traits["network_name"] != own["network_name"]


def test_the_image_is_the_profiles_or_the_sites() -> None:
    """Never a user's."""
    assert place_docker(OWN, SITE).traits["image"] == "labkit-student"
    assert place_docker(RUN, SITE).traits["image"] == "labkit-student:gpu"


def test_the_internet_is_reached_through_the_egress_proxy_or_not_at_all() -> None:
    """Only where an admin has set one, and never for hub and proxy."""
    assert "https_proxy" not in place_docker(OWN, SITE).environment
    site = ContainerSite(prefix="labkit", image="x", service_url="http://proxy:8000", egress_proxy="http://egress:3128")
    environment = place_docker(OWN, site).environment
    assert environment["HTTPS_PROXY"] == environment["https_proxy"] == "http://egress:3128"
    assert "hub" in environment["no_proxy"].split(",")


def test_docker_stops_a_run_patiently() -> None:
    """The supervisor's own grace fits in."""
    from labkit.runs.records import GRACE_S

    assert place_docker(RUN, SITE).traits["extra_create_kwargs"]["stop_timeout"] > GRACE_S + 5


@pytest.mark.parametrize(("kind", "place_it"), [(DockerSpawner, place_docker), (SwarmSpawner, place_swarm)])
def test_the_traits_exist(kind: Any, place_it: Any) -> None:
    """A renamed trait of a spawner would be set on nothing, silently."""
    known = {*kind.class_trait_names(), "remove"}
    assert [name for name in place_it(RUN, SITE).traits if name not in known] == []


def test_a_swarm_runs_a_task_once_under_all_limits_that_it_has() -> None:
    """Docker's own client builds the service from it: no restart, no virtual address, limits of pids and shared memory by raw keys."""
    traits = place_swarm(RUN, ContainerSite(prefix="labkit", image="x", service_url="http://p", network="overlay")).traits
    spec = ContainerSpec(image="x", **traits["extra_container_spec"])
    task = TaskTemplate(container_spec=spec, networks=["overlay"], **traits["extra_task_spec"])
    assert task["RestartPolicy"] == {"Condition": "none"}
    assert task["Resources"]["Limits"] == {"NanoCPUs": 4_000_000_000, "MemoryBytes": 16_000_000_000, "Pids": 1024}
    assert isinstance(task["Resources"], Resources)
    assert spec["CapabilityDrop"] == ["ALL"]
    assert spec["ReadOnly"] is True
    mounts = {mount["Target"]: mount for mount in spec["Mounts"]}
    assert mounts["/dev/shm"]["TmpfsOptions"]["SizeBytes"] == 2_000_000_000
    assert mounts["/home/student"]["Type"] == "volume"
    assert traits["extra_endpoint_spec"] == {"mode": "dnsrr"}
    assert not traits["object_name"].endswith("-")


def test_a_swarm_keeps_servers_and_runs_where_their_homes_are() -> None:
    """A home is a volume of one node; without a setting the swarm chooses."""
    site = ContainerSite(prefix="labkit", image="x", service_url="http://p", network="overlay", constraint="node.labels.homes == true")
    for order in (OWN, RUN):
        assert place_swarm(order, site).traits["extra_placement_spec"] == {"constraints": ["node.labels.homes == true"]}
        assert place_swarm(order, SITE).traits["extra_placement_spec"] == {}


def kube_manifest(order: ServerOrder) -> dict[str, Any]:
    """Return the pod that KubeSpawner's own code makes of a placement."""
    from kubernetes_asyncio.client import ApiClient

    from labkit_hub.kubespawner import LabKitKubeSpawner

    async def make() -> Any:
        with mock.patch("kubespawner.spawner.load_config"), mock.patch("kubespawner.spawner.shared_client"):
            spawner = LabKitKubeSpawner(_mock=True)
        spawner.user.name = order.user
        spawner.orm_spawner = mock.Mock(server=None)
        spawner.orm_spawner.name = order.server
        spawner.apply(place_kube_default(order))
        pod = await spawner.get_pod_manifest()
        async with ApiClient() as client:
            return client.sanitize_for_serialization(pod), spawner.get_pvc_manifest(), spawner.dns_name

    pod, claim, dns_name = asyncio.run(make())
    return {"pod": pod, "claim": claim, "dns_name": dns_name}


def test_kubernetes_gets_the_same_hardening_by_kubespawners_own_code() -> None:
    """Limits, security context, volumes, the device by number, the command, and never a restart."""
    made = kube_manifest(RUN)
    spec, container = made["pod"]["spec"], made["pod"]["spec"]["containers"][0]
    context = container["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"], context["runAsNonRoot"]) == (False, True, True)
    assert context["runAsUser"] == 1000
    assert not context.get("privileged")
    assert container["args"] == ["python", *RUN_ARGUMENTS]
    assert container["resources"]["limits"] == {"cpu": 4.0, "memory": 16_000_000_000, "nvidia.com/gpu": "1"}
    assert spec["restartPolicy"] == "Never"
    assert spec["automountServiceAccountToken"] is False
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/home/student", "/tmp", "/dev/shm"}
    assert "CUDA_VISIBLE_DEVICES" not in {variable["name"] for variable in container["env"]}
    name = made["pod"]["metadata"]["name"]
    assert name == place_kube_default(RUN).traits["pod_name"]
    assert made["dns_name"].startswith(f"{name}.")


def test_kubernetes_gives_a_run_its_time_to_end() -> None:
    """KubeSpawner says with each deletion how long a pod has, which holds in place of what the pod says; by itself one second."""
    from labkit_hub.kubespawner import LabKitKubeSpawner

    async def unplaced() -> Any:
        with mock.patch("kubespawner.spawner.load_config"), mock.patch("kubespawner.spawner.shared_client"):
            return LabKitKubeSpawner(_mock=True).delete_grace_period

    traits = place_kube_default(RUN).traits
    assert traits["delete_grace_period"] == traits["extra_pod_config"]["terminationGracePeriodSeconds"] == RUN_STOP_S
    assert asyncio.run(unplaced()) >= RUN_STOP_S


def test_kubernetes_pods_of_one_person_share_one_claim() -> None:
    """And a person's own server has no device, nor sees one."""
    own, run = kube_manifest(OWN), kube_manifest(RUN)
    assert own["claim"].metadata.name == run["claim"].metadata.name == home_volume_name("labkit", "zoë b")
    container = own["pod"]["spec"]["containers"][0]
    assert "nvidia.com/gpu" not in container["resources"]["limits"]
    assert {variable["name"]: variable.get("value") for variable in container["env"]}["NVIDIA_VISIBLE_DEVICES"] == "void"


def test_a_grading_run_reaches_docker_and_shares_slots_with_kernels() -> None:
    """On the graders' network, which replaces one of its own; what any other run has stays."""
    grader = GraderSite("labkit-grading", "tcp://10.213.5.4:2375", "labkit-student", "labkit-grade-", ("labkit-grade-slot-0",))
    site = replace(SITE, grader=grader)
    order = ServerOrder(
        user="labkit-grader", server="run-abcdefghijkl", profile=CPU, run=RunTask(id="abcdefghijkl", path="grading/runs", grades=True)
    )
    placement = place_docker(order, site)
    assert placement.traits["network_name"] == "labkit-grading"
    assert placement.traits["volumes"] == {home_volume_name("labkit", "labkit-grader"): "/home/student", "labkit-grade-slot-0": "/slots/0"}
    assert placement.environment["DOCKER_HOST"] == "tcp://10.213.5.4:2375"
    assert json.loads(placement.environment["LABKIT_GRADING_SLOTS"]) == {"labkit-grade-slot-0": "/slots/0"}
    kernels = {"SHAPE": "container", "IMAGE": "labkit-student", "PREFIX": "labkit-grade-"}
    assert {name: placement.environment[f"LABKIT_GRADING_{name}"] for name in kernels} == kernels


def test_no_other_server_reaches_docker() -> None:
    """Neither a person's nor a run's that computes for one, where graders do."""
    site = replace(SITE, grader=GraderSite("labkit-grading", "tcp://10.213.5.4:2375", "x", "labkit-grade-", ("labkit-grade-slot-0",)))
    for order in (OWN, RUN, FAKE):
        placement = place_docker(order, site)
        assert "DOCKER_HOST" not in placement.environment
        assert placement.traits["network_name"] != "labkit-grading"
