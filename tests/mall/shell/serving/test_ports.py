"""A port belongs to one service from choosing to its end."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from mall.shell.serving import ports


def listen_beside(port):
    """Listen as granian does."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(("127.0.0.1", port))
    found.listen()
    return found


def test_of_many_that_want_one_port_at_once_each_gets_its_own():
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ports.hold_from(34000), range(8)))
        chosen = list(pool.map(lambda _: ports.free_port(34500), range(8)))
    assert len({port for port, _ in found}) == 8
    assert len(set(chosen)) == 8
    for _, held in found:
        held.close()


def test_a_held_port_serves_its_own_processes_and_refuses_a_second_service():
    port, held = ports.hold_from(34100)
    with pytest.raises(ports.PortTaken, match=f"cannot listen on 127.0.0.1:{port}"):
        ports.hold("127.0.0.1", port)
    first, second = listen_beside(port), listen_beside(port)
    with pytest.raises(ports.PortTaken):
        ports.hold("127.0.0.1", port)
    # Nobody is connected to what only holds the port.
    clients = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(20)]
    served = 0
    for listening in (first, second):
        listening.setblocking(False)
        try:
            while True:
                listening.accept()[0].close()
                served += 1
        except BlockingIOError:
            pass
    assert served == len(clients)
    for each in (*clients, first, second):
        each.close()
    with pytest.raises(ports.PortTaken):
        ports.hold("127.0.0.1", port)
    held.close()
    ports.hold("127.0.0.1", port).close()
