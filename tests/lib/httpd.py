#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server of files on 127.0.0.1 that also lies. It ends with its standard input.

    httpd.py ROOT LOG        prints its port on a line of its own

/HOW/NAME serves ROOT/NAME in the manner HOW, /NAME plainly (ranges, ETag, Last-Modified); HOWs may follow each
other. Each request is a line of LOG: the verb, the path, and the range asked for.

    html        a page instead            truncate    hangs up halfway, each time
    stall       says nothing              cut         hangs up halfway, but serves ranges whole
    dribble     half of it, then nothing  drop        closes without an answer
    404, 500, … that status               norange     no ranges, no ETag
    redirect    to /NAME                  newtag      another ETag each time
    loop        to itself, for ever       wrongrange  206, from elsewhere
    tofile      to file:///etc/passwd     nolength    no Content-Length, chunked; cut: its end is missing
"""
import http.server
import os
import sys
import threading

ROOT, LOG = sys.argv[1], open(sys.argv[2], "a", buffering=1)
HOWS = {"html", "truncate", "stall", "cut", "dribble", "drop", "norange", "redirect", "newtag", "loop",
        "wrongrange", "tofile", "nolength"}
PAGE = b"<!DOCTYPE html>\n<html><body>Please log in to this network.</body></html>\n" * 4
gone = threading.Event()
tags = [0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def manner(self):
        parts, how = self.path.split("?")[0].lstrip("/").split("/"), []
        while parts and (parts[0] in HOWS or (parts[0].isdigit() and len(parts[0]) == 3)):
            how.append(parts.pop(0))
        return how, "/".join(parts)

    def answer(self, status, body=b"", headers=(), length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def hang_up(self):
        self.close_connection = True

    def silence(self):
        gone.wait(600)
        self.hang_up()

    def lie(self, how, name):
        """True: that was the answer."""
        status = [h for h in how if h.isdigit()]
        if "drop" in how:
            self.hang_up()
        elif "stall" in how:
            self.silence()
        elif status:
            self.answer(int(status[0]), b"<html>no</html>", [("Content-Type", "text/html")])
        elif "html" in how:
            self.answer(200, PAGE, [("Content-Type", "text/html; charset=utf-8")])
        elif "redirect" in how:
            self.answer(302, b"", [("Location", "/" + name)])
        elif "loop" in how:
            self.answer(302, b"", [("Location", self.path)])
        elif "tofile" in how:
            self.answer(302, b"", [("Location", "file:///etc/passwd")])
        else:
            return False
        return True

    def chunked(self, body, cut):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        if cut:
            self.wfile.flush()
            self.hang_up()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def headers_of(self, how, path):
        if "norange" in how:
            return []
        tags[0] += 1
        st = os.stat(path)
        return [("ETag", '"%d-%d-%d"' % (st.st_size, st.st_mtime_ns, tags[0] if "newtag" in how else 0)),
                ("Last-Modified", self.date_time_string(st.st_mtime)), ("Accept-Ranges", "bytes")]

    def first_byte(self, headers, size):
        """Of the range that is asked for; 0: all of it."""
        wanted, condition = self.headers.get("Range", ""), self.headers.get("If-Range")
        if not headers or not wanted.startswith("bytes=") or (condition and condition != headers[0][1]):
            return 0
        return int(wanted[6:].split("-")[0])

    def serve(self):
        how, name = self.manner()
        LOG.write("%s %s %s\n" % (self.command, self.path, self.headers.get("Range", "-")))
        if self.lie(how, name):
            return
        path = os.path.join(ROOT, name)
        if ".." in name or not os.path.isfile(path):
            self.answer(404, b"<html>no such file</html>", [("Content-Type", "text/html")])
            return
        with open(path, "rb") as f:
            body = f.read()
        if "nolength" in how:
            self.chunked(body, "cut" in how)
            return
        headers = self.headers_of(how, path)
        first = self.first_byte(headers, len(body))
        half = len(body) // 2
        if first >= len(body) > 0 and first:
            self.answer(416)
        elif first:
            says = first + (1 if "wrongrange" in how else 0)
            headers.append(("Content-Range", "bytes %d-%d/%d" % (says, len(body) - 1, len(body))))
            if "truncate" in how:
                self.answer(206, b"", headers, len(body) - first)
                self.hang_up()
            else:
                self.answer(206, body[first:], headers)
        elif {"truncate", "cut", "dribble"} & set(how):
            self.answer(200, body[:half], headers, len(body))
            self.silence() if "dribble" in how else self.hang_up()
        else:
            self.answer(200, body, headers)

    do_GET = do_HEAD = serve

    def do_PUT(self):
        how, name = self.manner()
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        LOG.write("PUT %s -\n" % self.path)
        if self.lie(how, name):
            return
        os.makedirs(os.path.dirname(os.path.join(ROOT, name)), exist_ok=True)
        with open(os.path.join(ROOT, name), "wb") as f:
            f.write(body)
        self.answer(201)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hung up


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.buffer.read()
gone.set()
