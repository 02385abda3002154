"""The socket proxy's policy, without Docker: what is written anew, and what is refused, however it is spelled."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from labkit_hub.dockerproxy import Caller, ProxySettings, Refused
from labkit_hub.dockerproxy.calls import read_call, with_label
from labkit_hub.dockerproxy.network_policy import rebuild_connect, rebuild_network
from labkit_hub.dockerproxy.policy import rebuild_container
from labkit_hub.prefix import LONGEST_PREFIX

HUB = Caller(
    addresses=(IPv4Address("10.213.2.3"),),
    images=("labkit/student:local",),
    pool=IPv4Network("10.214.0.0/16"),
    memory_gb=32,
    devices=True,
)
GRADER = Caller(addresses=(IPv4Address("10.213.3.3"),), prefix="labkit-grade-", images=("labkit/kernel:local",), memory_gb=4)
NAME = "labkit-server-anna-abc"


def body(host: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """A body that is allowed, with changes."""
    host_config = {"Memory": 2_000_000_000, "NetworkMode": "labkit-net-anna-abc"} | (host or {})
    return json.dumps({"Image": "labkit/student:local", "HostConfig": host_config} | fields).encode()


def rebuilt(raw: bytes, caller: Caller = HUB, name: str = NAME) -> dict[str, Any]:
    """What Docker gets for this body."""
    return rebuild_container(raw, name, caller)


@pytest.fixture
def spawner_body() -> bytes:
    """A body as docker-py sends it for DockerSpawner: null, false and empty fields included."""
    host = {
        "Memory": 2_000_000_000,
        "MemorySwap": 2_000_000_000,
        "CpuPeriod": 100_000,
        "CpuQuota": 200_000,
        "AutoRemove": True,
        "Binds": ["labkit-home-anna-abc:/home/student:rw"],
        "Links": [],
        "Mounts": [],
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": True,
        "Init": True,
        "PidsLimit": 512,
        "ShmSize": 250_000_000,
        "Tmpfs": {"/tmp": "rw,exec,nosuid,nodev,mode=1777,size=1000000000"},
        "LogConfig": {"Type": "json-file", "Config": {}},
        "DnsOptions": ["timeout:1", "attempts:2"],
        "NetworkMode": "labkit-net-anna-abc",
        "DeviceRequests": [{"Driver": "nvidia", "Count": 0, "DeviceIDs": ["GPU-1"], "Capabilities": [["gpu"]], "Options": {}}],
    }
    return json.dumps(
        {
            "Hostname": "lab",
            "Domainname": None,
            "ExposedPorts": {"8888/tcp": {}},
            "User": "1000:1000",
            "Tty": False,
            "OpenStdin": False,
            "StdinOnce": False,
            "AttachStdin": False,
            "AttachStdout": True,
            "AttachStderr": True,
            "Env": ["A=b", "NVIDIA_VISIBLE_DEVICES=all"],
            "Cmd": ["python"],
            "Image": "labkit/student:local",
            "Volumes": {"/home/student": {}},
            "NetworkDisabled": False,
            "Entrypoint": None,
            "WorkingDir": "/home/student",
            "HostConfig": host,
            "NetworkingConfig": None,
            "MacAddress": None,
            "Labels": {"labkit.user": "u-anna-u"},
            "StopSignal": None,
            "Healthcheck": None,
            "StopTimeout": 20,
            "Runtime": None,
        }
    ).encode()


def test_a_spawners_body_passes_hardened(spawner_body: bytes) -> None:
    """What the hub's spawner asks for is what Docker gets, with the hardening that nobody can leave out."""
    host = rebuilt(spawner_body)["HostConfig"]
    assert (host["CapDrop"], host["SecurityOpt"], host["ReadonlyRootfs"]) == (["ALL"], ["no-new-privileges:true"], True)
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"], host["ShmSize"]) == (2_000_000_000, 2_000_000_000, 512, 250_000_000)
    assert host["Mounts"] == [{"Type": "volume", "Source": "labkit-home-anna-abc", "Target": "/home/student", "ReadOnly": False}]
    assert host["DeviceRequests"][0]["DeviceIDs"] == ["GPU-1"]
    assert host["DnsOptions"] == ["timeout:1", "attempts:2"]


def test_the_callers_label_is_forced(spawner_body: bytes) -> None:
    """What a caller made is known by a label that it did not write."""
    assert rebuilt(spawner_body)["Labels"] == {"labkit.user": "u-anna-u", "labkit.caller": "labkit"}


def test_devices_come_by_request_only() -> None:
    """Where NVIDIA's runtime is the default one, a variable would open all devices."""
    assert rebuilt(body(Env=["NVIDIA_VISIBLE_DEVICES=all"]))["Env"] == ["NVIDIA_VISIBLE_DEVICES=void"]


def test_hardening_cannot_be_left_out() -> None:
    """A body that says nothing of it gets it all the same."""
    host = rebuilt(body())["HostConfig"]
    assert (host["CapDrop"], host["SecurityOpt"], host["IpcMode"]) == (["ALL"], ["no-new-privileges:true"], "private")


HOST_REFUSED = [
    {"Privileged": True},
    {"Privileged": "true"},
    {"privileged": True},
    {"PRIVILEGED": 1},
    {"CapAdd": ["SYS_ADMIN"]},
    {"capadd": ["ALL"]},
    {"CapDrop": ["NET_RAW"]},
    {"Devices": [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "rwm"}]},
    {"DeviceCgroupRules": ["c *:* rwm"]},
    {"PidMode": "host"},
    {"IpcMode": "host"},
    {"IpcMode": "container:labkit-hub"},
    {"UTSMode": "host"},
    {"UsernsMode": "host"},
    {"CgroupnsMode": "host"},
    {"CgroupParent": "/"},
    {"NetworkMode": "host"},
    {"NetworkMode": "bridge"},
    {"NetworkMode": "default"},
    {"NetworkMode": ""},
    {"NetworkMode": "container:labkit-hub"},
    {"NetworkMode": "labkit_core"},
    {"Binds": ["/:/host"]},
    {"Binds": ["/var/run/docker.sock:/s"]},
    {"Binds": ["labkit_database:/d"]},
    {"Binds": ["labkit-../../etc:/d"]},
    {"Binds": ["labkit-home-a:/d:rshared"]},
    {"Binds": ["labkit-home-a:/proc/sys"]},
    {"Binds": ["labkit-home-a:/"]},
    {"Binds": ["labkit-home-a:/x/../proc"]},
    {"Binds": "/:/host"},
    {"Binds": {"/": "/host"}},
    {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/h"}]},
    {"Mounts": [{"Type": "Volume", "Source": "labkit-home-a", "Target": "/h"}]},
    {"Mounts": [{"Type": "volume", "Source": "labkit-x", "Target": "/h", "VolumeOptions": {"DriverConfig": {"Options": {"device": "/"}}}}]},
    {"Mounts": [{"Type": "npipe", "Source": "x", "Target": "/h"}]},
    {"VolumesFrom": ["labkit-hub"]},
    {"VolumeDriver": "other"},
    {"SecurityOpt": ["seccomp=unconfined"]},
    {"SecurityOpt": ["no-new-privileges:false"]},
    {"SecurityOpt": ["apparmor=unconfined"]},
    {"Sysctls": {"net.ipv4.ip_forward": "1"}},
    {"Runtime": "other"},
    {"GroupAdd": ["docker"]},
    {"OomKillDisable": True},
    {"OomScoreAdj": -1000},
    {"ExtraHosts": ["hub:10.0.0.1"]},
    {"Dns": ["10.0.0.1"]},
    {"DnsOptions": ["use-vc"]},
    {"Links": ["labkit-hub:hub"]},
    {"PortBindings": {"8888/tcp": [{"HostPort": "80"}]}},
    {"RestartPolicy": {"Name": "always"}},
    {"StorageOpt": {"size": "10G", "other": "1"}},
    {"Tmpfs": {"/run": "rw,dev"}},
    {"Tmpfs": {"/../x": "rw"}},
    {"Ulimits": [{"Name": "rtprio", "Soft": 99, "Hard": 99}]},
    {"Memory": 0},
    {"Memory": 10**12},
    {"Memory": -1},
    {"Memory": True},
    {"Memory": 1.5e9},
    {"PidsLimit": -1},
    {"ShmSize": 10**11},
    {"DeviceRequests": [{"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu"]]}]},
    {"DeviceRequests": [{"Driver": "nvidia", "Count": 1, "DeviceIDs": ["GPU-1"]}]},
    {"DeviceRequests": [{"Driver": "nvidia", "DeviceIDs": ["all"]}]},
    {"DeviceRequests": [{"Driver": "other", "DeviceIDs": ["x"]}]},
    {"DeviceRequests": [{"Driver": "nvidia", "DeviceIDs": ["GPU-1"], "Options": {"visible": "all"}}]},
    {"ContainerIDFile": "/x"},
    {"SomethingNew": {"a": 1}},
]


@pytest.mark.parametrize("host", HOST_REFUSED, ids=lambda host: json.dumps(host)[:60])
def test_what_opens_the_host_is_refused(host: dict[str, Any]) -> None:
    """Privileges, folders and devices of the host, other networks: refused by name, wrong case and unknown fields too."""
    with pytest.raises(Refused):
        rebuilt(body(host))


TOP_REFUSED = [
    {"Image": "debian"},
    {"Image": "labkit/student"},
    {"Image": ["labkit/student:local"]},
    {"image": "labkit/student:local"},
    {"User": "0"},
    {"User": "root"},
    {"User": "1000:0"},
    {"Labels": {"labkit.caller": "grader"}},
    {"Labels": {"labkit.attach": "hub"}},
    {"Labels": {"LABKIT.CALLER": "grader"}},
    {"Labels": {"com.docker.compose.project": "labkit"}},
    {"Cmd": "sh -c true"},
    {"Env": ["no-equals"]},
    {"Env": {"A": "b"}},
    {"NetworkingConfig": {"EndpointsConfig": {"labkit_core": {}}}},
    {"MacAddress": "02:00:00:00:00:01"},
    {"Hostname": "hub.example"},
    {"hostconfig": {"Privileged": True}},
    {"OnBuild": ["RUN x"]},
]


@pytest.mark.parametrize("fields", TOP_REFUSED, ids=lambda fields: json.dumps(fields)[:60])
def test_what_is_not_the_callers_is_refused(fields: dict[str, Any]) -> None:
    """Images off the list, accounts, labels and names that are not the caller's."""
    with pytest.raises(Refused):
        rebuilt(body(**fields))


RAW_REFUSED = [
    rb'{"Image":"labkit/student:local","HostConfig":{"Memory":9000000,"NetworkMode":"none","Privileged" :  true}}',
    rb'{"Image":"labkit/student:local","HostConfig":{"Memory":9000000,"NetworkMode":"none","\u0050rivileged":true}}',
    b'{"Image":"labkit/student:local",\n\t"HostConfig"\r\n:\t{"Memory":9000000,"NetworkMode":"none","Binds":[ "\\u002f:\\u002fhost" ]}}',
    rb'{"Image":"labkit/student:local","HostConfig":{"Memory":9000000,"NetworkMode":"none"},"HostConfig":{"Privileged":true}}',
    rb'{"Image":"labkit/student:local","HostConfig":{"Memory":9000000,"NetworkMode":"none"},"hostConfig":{"Privileged":true}}',
    rb'{"Image":"labkit/student:local","Image":"debian","HostConfig":{"Memory":9000000,"NetworkMode":"none"}}',
    b'\xef\xbb\xbf{"Image":"labkit/student:local"}',
    '{"Image":"labkit/student:local"}'.encode("utf-16"),
    b'{"Image":"labkit/student:local","HostConfig":{"Memory":NaN,"NetworkMode":"none"}}',
    b'{"Image":"labkit/student:local","HostConfig":{"Memory":9000000,"NetworkMode":"none"}} {"HostConfig":{"Privileged":true}}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"[]",
    b"null",
    b"",
    b'{"Image":"labkit/student:local","HostConfig":[{"Privileged":true}]}',
]


@pytest.mark.parametrize("raw", RAW_REFUSED, ids=lambda raw: repr(raw[-40:]))
def test_spelling_opens_nothing(raw: bytes) -> None:
    """Spaces, escapes, doubled fields, other encodings and nested rubbish are no way around."""
    with pytest.raises(Refused):
        rebuilt(raw)


def test_escapes_are_read_not_passed_on() -> None:
    """An escaped word that is allowed is written plainly."""
    raw = rb'{"\u0049mage":"labkit\/student:loc\u0061l","HostConfig":{"Memory":9000000,"NetworkMode":"none"}}'
    assert rebuilt(raw)["Image"] == "labkit/student:local"


@pytest.mark.parametrize("name", ["", "labkit_hub_1", "hub", "labkit-a/b", "labkit-a b", "LABKIT-a", "labkit-\u00e4"])
def test_names_need_the_prefix(name: str) -> None:
    """Containers of others cannot be imitated."""
    with pytest.raises(Refused):
        rebuilt(body(), name=name)


@pytest.mark.parametrize("mode", ["labkit-net-anna-abc", "bridge", "host", "labkit-grade-net"])
def test_a_grader_has_no_network(mode: str) -> None:
    """Its containers are cut off, whatever they ask for."""
    raw = json.dumps({"Image": "labkit/kernel:local", "HostConfig": {"Memory": 9_000_000, "NetworkMode": mode}}).encode()
    with pytest.raises(Refused, match="no network"):
        rebuild_container(raw, "labkit-grade-1", GRADER)


def test_a_grader_gets_no_device_and_no_image_of_the_hub() -> None:
    """Each caller has its own lists."""
    with pytest.raises(Refused, match="not in the list"):
        rebuild_container(body({"NetworkMode": "none"}), "labkit-grade-1", GRADER)


def network(**changes: Any) -> bytes:
    """A network that is allowed, with changes."""
    fields = {"Name": "labkit-net-a", "Driver": "bridge", "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.214.0.16/28"}]}}
    return json.dumps(fields | changes).encode()


def test_networks_are_internal_and_without_the_host() -> None:
    """Also if that was not asked for."""
    made = rebuild_network(network(Internal=False), HUB)
    assert made["Internal"] is True
    assert made["Options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert made["Labels"] == {"labkit.caller": "labkit"}


@pytest.mark.parametrize(
    "changes",
    [
        {"Name": "labkit_core"},
        {"Driver": "macvlan"},
        {"Driver": "host"},
        {"Options": {"parent": "eth0"}},
        {"Options": {"com.docker.network.bridge.name": "docker0"}},
        {"IPAM": {"Config": [{"Subnet": "10.213.0.0/28"}]}},
        {"IPAM": {"Config": [{"Subnet": "10.214.0.0/16"}]}},
        {"IPAM": {"Config": [{"Subnet": "10.214.0.1/28"}]}},
        {"IPAM": {"Config": [{"Subnet": "fd00::/64"}]}},
        {"IPAM": {"Config": [{"Subnet": "10.214.0.0/28", "Gateway": "10.214.0.1"}]}},
        {"IPAM": {"Driver": "other", "Config": [{"Subnet": "10.214.0.0/28"}]}},
        {"IPAM": {"Config": []}},
        {"IPAM": None},
        {"ConfigFrom": {"Network": "x"}},
        {"Ingress": True},
        {"Attachable": True},
        {"EnableIPv6": True},
        {"Labels": {"labkit.caller": "grader"}},
    ],
    ids=lambda changes: json.dumps(changes)[:60],
)
def test_other_networks_are_refused(changes: dict[str, Any]) -> None:
    """Drivers and options that lead to the host, and addresses that are not of the pool."""
    with pytest.raises(Refused):
        rebuild_network(network(**changes), HUB)


def test_a_grader_makes_no_networks() -> None:
    """It has no pool."""
    with pytest.raises(Refused, match="no networks"):
        rebuild_network(network(), GRADER)


def test_connecting_takes_names_and_an_address_of_the_pool() -> None:
    """Everything else of an endpoint is refused."""
    raw = b'{"Container":"abc","EndpointConfig":{"Aliases":["hub"],"IPAMConfig":{"IPv4Address":"10.214.0.2"},"Links":null}}'
    assert rebuild_connect(raw, HUB) == ("abc", {"Aliases": ["hub"], "IPAMConfig": {"IPv4Address": "10.214.0.2"}})
    for endpoint in (
        {"Aliases": ["x y"]},
        {"IPAMConfig": {"IPv4Address": "10.213.0.2"}},
        {"MacAddress": "02:00"},
        {"DriverOpts": {"a": "b"}},
    ):
        with pytest.raises(Refused):
            rebuild_connect(json.dumps({"Container": "abc", "EndpointConfig": endpoint}).encode(), HUB)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/version", "version"),
        ("GET", "/v1.41/containers/labkit-a/json", "container.inspect"),
        ("POST", "/v1.41/containers/create?name=labkit-a", "container.create"),
        ("POST", "/containers/abc/stop?t=10", "container.stop"),
        ("DELETE", "/v1.41/containers/abc?v=True&link=False&force=False", "container.remove"),
        ("GET", "/v1.41/images/labkit/student:local/json", "image.inspect"),
        ("GET", "/v1.41/networks?filters=%7B%22label%22%3A%5B%22a%22%5D%7D", "network.list"),
        ("POST", "/v1.41/networks/abc/connect", "network.connect"),
        ("GET", "/v1.44/system/df?type=volume", "volume.sizes"),
    ],
)
def test_calls_that_there_are(method: str, path: str, kind: str) -> None:
    """What spawner, networks and sweep use is understood, with and without a version."""
    assert read_call(method, path).kind == kind


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1.41/containers/abc/exec"),
        ("POST", "/v1.41/exec/abc/start"),
        ("POST", "/v1.41/build"),
        ("POST", "/v1.41/images/create?fromImage=debian"),
        ("POST", "/v1.41/commit?container=abc"),
        ("GET", "/v1.41/info"),
        ("GET", "/v1.41/events"),
        ("GET", "/v1.41/system/df?type=image"),
        ("GET", "/v1.41/containers/abc/logs"),
        ("POST", "/v1.41/containers/abc/attach"),
        ("PUT", "/v1.41/containers/abc/archive?path=/"),
        ("GET", "/v1.41/containers/abc/archive"),
        ("POST", "/v1.41/containers/abc/update"),
        ("POST", "/v1.41/containers/abc/rename?name=labkit-b"),
        ("GET", "/v1.41/secrets"),
        ("POST", "/v1.41/swarm/init"),
        ("POST", "/v1.41/services/create"),
        ("POST", "/v1.41/volumes/create"),
        ("POST", "/v1.41/plugins/pull"),
        ("POST", "/v1.41/session"),
        ("GET", "/v1.41/containers/../containers/abc/json"),
        ("GET", "/v1.41//containers/abc/json"),
        ("GET", "/v1.41/containers/%61bc/json"),
        ("GET", "/v1.41/containers/abc%2f..%2fx/json"),
        ("GET", "/v1.41/containers/abc/json/"),
        ("GET", "/v1.41/v1.41/containers/abc/json"),
        ("GET", "/v2.0/containers/abc/json"),
        ("GET", "/V1.41/containers/abc/json"),
        ("GET", "/v1.41/Containers/abc/json"),
        ("GET", "/v1.41/containers/abc;x/json"),
        ("GET", "/v1.41/containers/abc/json\n"),
        ("GET", "/v1.41/containers/.hidden/json"),
        ("GET", "http://docker/v1.41/info"),
        ("POST", "/v1.41/containers/create?name=labkit-a&name=hub"),
        ("POST", "/v1.41/containers/create?name=labkit-a&platform=linux"),
        ("POST", "/v1.41/containers/create?Name=labkit-a"),
        ("POST", "/v1.41/containers/abc/stop?t=99999"),
        ("HEAD", "/v1.41/containers/abc/json"),
        ("get", "/version"),
    ],
)
def test_calls_that_there_are_not(method: str, path: str) -> None:
    """Everything else, and every other spelling of a path."""
    with pytest.raises(Refused):
        read_call(method, path)


def test_lists_are_narrowed() -> None:
    """A caller's own filters stay, and the label that it must carry is added."""
    assert json.loads(with_label('{"label": ["a=b"]}', "labkit.caller=hub")) == {"label": ["a=b", "labkit.caller=hub"]}
    assert json.loads(with_label('{"label": {"a=b": true}}', "x")) == {"label": ["a=b", "x"]}
    for odd in ("[]", '{"id": ["a"]}', "{", '{"label": "a"}', '{"label": [1]}'):
        with pytest.raises(Refused):
            with_label(odd, "labkit.caller=hub")


def test_callers_are_known_by_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are variables; an address that is not named is nobody."""
    monkeypatch.setenv("LABKIT_DOCKERPROXY_CALLERS__HUB__ADDRESSES", '["10.213.2.3"]')
    monkeypatch.setenv("LABKIT_DOCKERPROXY_CALLERS__HUB__IMAGES", '["labkit/student:local"]')
    monkeypatch.setenv("LABKIT_DOCKERPROXY_CALLERS__HUB__POOL", "10.214.0.0/16")
    settings = ProxySettings()
    found = settings.caller_at("10.213.2.3")
    assert found is not None
    assert found[0] == "hub"
    assert found[1].pool == IPv4Network("10.214.0.0/16")
    assert settings.caller_at("10.213.2.4") is None
    assert settings.caller_at(None) is None


def test_graders_are_known_by_their_part_of_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """They get addresses as they come; hub and proxy, on the same network, have others."""
    monkeypatch.setenv("LABKIT_DOCKERPROXY_CALLERS__GRADER__NETWORKS", '["10.213.5.128/25"]')
    monkeypatch.setenv("LABKIT_DOCKERPROXY_CALLERS__GRADER__PREFIX", "labkit-grade-")
    settings = ProxySettings()
    found = settings.caller_at("10.213.5.200")
    assert found is not None
    assert (found[0], found[1].pool) == ("grader", None)
    assert [settings.caller_at(address) for address in ("10.213.5.3", "::1", "grader")] == [None, None, None]


def test_longest_prefix_of_a_hub_leaves_room_for_its_graders() -> None:
    """The compose file makes the graders' prefix of the hub's; a proxy that refuses it does not start, and no hub does without."""
    hub = "l" * LONGEST_PREFIX
    graders = f"{hub}-grade-"
    assert Caller(prefix=f"{hub}-", wards=(graders,)).ward_owners == (Caller(prefix=graders).owner,)
