package check

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalName returns a signal's name, such as SIGKILL.
func signalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(s))
}
