// Command fakegcs is a Google Cloud Storage for tests: fake-gcs-server, which nobody
// here wrote, on a free port of this machine. It prints its URL and ends when its
// input does.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "fakegcs:", err)
		os.Exit(1)
	}
}

func run() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	at := "http://" + listener.Addr().String()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, ExternalURL: at, Writer: io.Discard})
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, server.HTTPHandler()) }()
	fmt.Println(at)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
