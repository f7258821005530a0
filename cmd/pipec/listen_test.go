package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// freePort is a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	server, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// listen is the part of nc that pages use, for machines that have none: `nc -lkv PORT` hands its standard input to whoever connects, one after the other.
func listen() {
	port := os.Args[len(os.Args)-1]
	if len(os.Args) < 3 || !strings.HasPrefix(os.Args[1], "-lk") {
		fmt.Fprintln(os.Stderr, "usage: nc -lk[v] PORT")
		os.Exit(2)
	}
	server, err := net.Listen("tcp", "localhost:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "Listening on localhost %s\n", port)
	typed := make(chan []byte)
	go func() {
		for {
			b := make([]byte, 4096)
			n, err := os.Stdin.Read(b)
			if err != nil {
				return // whoever listens still hears nothing
			}
			typed <- b[:n]
		}
	}()
	for {
		conn, err := server.Accept()
		if err != nil {
			return
		}
		fmt.Fprintf(os.Stderr, "Connection received on %s\n", conn.RemoteAddr())
		serve(conn, typed)
	}
}

// serve hands text to one caller until he hangs up.
func serve(conn net.Conn, typed <-chan []byte) {
	defer conn.Close()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, conn) // its error is the end, too
	}()
	for {
		select {
		case <-gone:
			return
		case text := <-typed:
			if _, err := conn.Write(text); err != nil {
				return
			}
		}
	}
}
