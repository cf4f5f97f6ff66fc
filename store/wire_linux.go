package store

import (
	"strings"
	"syscall"
)

// userTimeout is TCP_USER_TIMEOUT (tcp(7)), which package syscall does not name.
const userTimeout = 0x12

// impatient has the kernel give a connection up whose other side is deaf.
func impatient(network, _ string, c syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(deaf.Milliseconds())) // without it, it takes longer
	})
}
