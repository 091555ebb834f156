"""A server over TLS by Python's own libraries, whose connections are kept. Arguments: certificate and key.

It writes its port on a line. Each reply is the number of its connection. At the line `close` on standard input it closes
every connection and writes `closed`.
"""
import socket
import ssl
import sys
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
links = []


def serve(raw, number):
    try:
        link = context.wrap_socket(raw, server_side=True)
    except (ssl.SSLError, OSError):
        return
    links.append(link)
    waiting = b""
    try:
        while True:
            while b"\r\n\r\n" not in waiting:
                piece = link.recv(65536)
                if not piece:
                    return
                waiting += piece
            _, waiting = waiting.split(b"\r\n\r\n", 1)
            body = str(number).encode()
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    except OSError:
        return


def accept():
    number = 0
    while True:
        raw, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(raw, number), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
print(listener.getsockname()[1], flush=True)
for line in sys.stdin:
    if line.strip() == "close":
        while links:
            # Without a word of TLS, as of a machine that is gone.
            socket.socket.shutdown(links.pop(), socket.SHUT_RDWR)
        print("closed", flush=True)
