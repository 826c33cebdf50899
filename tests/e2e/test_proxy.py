"""Behind a balancer: what the PROXY header says is who the client is, and nothing is answered without one."""
import re
import socket
import struct

import pytest

from conftest import Client, wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: leat.example\r\n\r\n"


def crc32c(octets):
    crc = 0xFFFFFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def v2(command=0x21, family=0x11, block=b""):
    return SIGNATURE + bytes((command, family)) + struct.pack(">H", len(block)) + block


def v2_ipv4(source, *tlvs):
    block = socket.inet_aton(source) + socket.inet_aton("198.51.100.1") + struct.pack(">HH", 56324, 443)
    return v2(block=block + b"".join(tlvs))


def v2_ipv6(source):
    block = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    return v2(family=0x21, block=block + struct.pack(">HH", 56324, 443))


def v2_summed(source, wrong=0):
    header = v2_ipv4(source, b"\3\0\4\0\0\0\0")
    return header[:-4] + struct.pack(">I", crc32c(header) ^ wrong)


def v1(source, protocol="TCP4", target="198.51.100.1"):
    return f"PROXY {protocol} {source} {target} 56324 443\r\n".encode()


@pytest.fixture
def begin(start):
    """begin("any"): a server whose listener expects headers, and which logs to its output."""
    def begin_it(versions, *arguments, listen="127.0.0.1:0"):
        return start("leat", "serve", "--quiet", "--access-log", "-", *arguments,
                     listen=(f"{listen}, proxy-protocol={versions}",))
    return begin_it


def logged(server, host, count=1):
    pattern = rf"^{re.escape(host)} .*\"GET / HTTP/1\.1\" 200 "
    wait_until(f"{count} lines of {host}",
               lambda: len(re.findall(pattern, server.output(), re.MULTILINE)) == count)


@pytest.mark.parametrize("header, host", (
    (v1("203.0.113.7"), "203.0.113.7"),
    (v1("2001:DB8::7", "TCP6", "::1"), "2001:db8::7"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    (b"PROXY UNKNOWN ffff::1 ::1 1 2\r\n", "127.0.0.1"),
    (v2_ipv4("203.0.113.7"), "203.0.113.7"),
    (v2_ipv4("203.0.113.7", b"\1\0\2h2", b"\xee\1\0" + bytes(256)), "203.0.113.7"),
    (v2_ipv4("203.0.113.7", b"\4\x0b\xb8" + bytes(3000)), "203.0.113.7"),
    (v2_summed("203.0.113.7"), "203.0.113.7"),
    (v2_ipv6("2001:db8::7"), "2001:db8::7"),
    (v2_ipv6("::ffff:203.0.113.7"), "203.0.113.7"),
    (v2(command=0x20, family=0), "127.0.0.1"),
    (v2(family=0x31, block=bytes(216)), "127.0.0.1"),
), ids=lambda value: value if isinstance(value, str) else repr(value[:24]))
def test_the_header_says_who_the_client_is(begin, header, host):
    server = begin("any")
    with server.connect() as client:
        client.send(header, REQUEST)
        assert client.response().status == 200
        logged(server, host)
        assert client.get("/").status == 200              # it holds for the whole connection
        logged(server, host, 2)


@pytest.mark.parametrize("header", (v1("203.0.113.7"), v2_summed("203.0.113.7")), ids=("v1", "v2"))
def test_single_octets(begin, header):
    server = begin("any")
    with server.connect() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in header + REQUEST:
            client.send(bytes((octet,)))
        assert client.response().status == 200
        logged(server, "203.0.113.7")


@pytest.mark.parametrize("header", (v1("203.0.113.7"), v2_ipv4("203.0.113.7")), ids=("v1", "v2"))
def test_pipelined_requests_in_the_same_segment(begin, header):
    server = begin("any")
    with server.connect() as client:
        client.send(header + REQUEST * 20)
        for _ in range(20):
            assert client.response().status == 200
        logged(server, "203.0.113.7", 20)


def test_a_header_alone_then_requests(begin):
    server = begin("any")
    with server.connect() as client:
        client.send(v2_ipv4("203.0.113.7"))
        with server.connect() as other:                   # another one passes meanwhile
            other.send(v1("203.0.113.8"), REQUEST)
            assert other.response().status == 200
        assert client.get("/").status == 200
        logged(server, "203.0.113.7")
        logged(server, "203.0.113.8")


@pytest.mark.parametrize("versions, octets", (
    ("any", REQUEST),
    ("any", b"G"),
    ("any", b"PROXY TCP4 203.0.113.7 198.51.100.1 56324 65536\r\n" + REQUEST),
    ("any", b"PROXY TCP4 203.0.113.7  198.51.100.1 56324 443\r\n" + REQUEST),
    ("any", b"PROXY " + b"x" * 200),
    ("any", v2(command=0x22) + REQUEST),
    ("any", v2(block=bytes(11)) + REQUEST),
    ("any", v2_summed("203.0.113.7", wrong=1) + REQUEST),
    ("any", v2_ipv4("203.0.113.7", b"\1\0\3h2") + REQUEST),
    ("any", SIGNATURE + b"\x21\x11\xff\xff" + bytes(5000)),
    ("v1", v2_ipv4("203.0.113.7") + REQUEST),
    ("v2", v1("203.0.113.7") + REQUEST),
), ids=lambda value: value if isinstance(value, str) else repr(value[:30]))
def test_without_a_right_header_the_connection_ends_without_an_answer(begin, versions, octets):
    server = begin(versions)
    with server.connect() as client:
        client.send(octets)
        assert client.ends()
    with server.connect() as client:                      # the next one is served
        client.send(v1("203.0.113.7") if versions != "v2" else v2_ipv4("203.0.113.7"), REQUEST)
        assert client.response().status == 200


def test_a_header_that_does_not_come_is_not_waited_for_for_ever(begin):
    server = begin("any", "--head-timeout", "200ms")
    with server.connect() as client:
        client.send(b"PROXY TCP4 203.0.113.7")
        rest = b""
        while client.more():
            pass
        rest = client.pending
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408"), rest


def test_a_listener_beside_it_expects_none(start):
    server = start("leat", "serve", "--quiet", "--access-log", "-",
                   listen=("127.0.0.1:0, proxy-protocol=v1", "127.0.0.1:0"))
    behind, plain = server.addresses
    with Client(plain) as client:
        assert client.get("/").status == 200
        logged(server, "127.0.0.1")
    with Client(behind) as client:
        client.send(v1("203.0.113.7"), REQUEST)
        assert client.response().status == 200
        logged(server, "203.0.113.7")
    with Client(plain) as client:
        client.send(v1("203.0.113.7"), REQUEST)
        assert client.response().status == 400


def test_a_unix_socket_behind_a_balancer(begin, tmp_path):
    server = begin("v2", listen=f"unix:{tmp_path}/s")
    with server.connect() as client:
        client.send(v2_ipv6("2001:db8::7"), REQUEST)
        assert client.response().status == 200
        logged(server, "2001:db8::7")
