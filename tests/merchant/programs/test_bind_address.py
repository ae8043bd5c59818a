"""Where the service listens: a free port on an address of this machine, or one sentence."""

import os
import socket

import pytest

from merchant.programs.runtime import BadHost, PortTaken, bind_address


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("localhost", None), ("127.0.0.5", None)]
)
def test_an_address_of_this_machine_is_taken(host: str, address: str | None) -> None:
    found = bind_address(host, 0)
    assert address in (found, None)
    assert found.startswith(("127.", "0.", "::1"))


@pytest.mark.parametrize("host", ["192.0.2.7", "203.0.113.1"])
def test_an_address_that_is_not_this_machines_is_told_as_that(host: str) -> None:
    with pytest.raises(BadHost, match=f"{host} is no address of this machine .*set MERCHANT_HOST"):
        bind_address(host, 0)


def test_a_name_that_nobody_knows_is_told_as_that() -> None:
    with pytest.raises(BadHost, match=r"MERCHANT_HOST=nobody\.invalid is no host that is known here"):
        bind_address("nobody.invalid", 8000)


@pytest.mark.parametrize("setting", ["MERCHANT_PORT", "MERCHANT_SIMULATOR_PORT"])
def test_a_port_that_is_taken_is_told_with_the_setting_to_change(setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} on 127.0.0.1 is taken .*set {setting}"):
            bind_address("127.0.0.1", port, setting)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every port")
def test_a_port_of_root_is_told() -> None:
    with pytest.raises(BadHost, match="from 1024 on"):
        bind_address("127.0.0.1", 1)
