//go:build !linux

package store

import "syscall"

// impatient is nothing where the kernel has no such setting.
func impatient(string, string, syscall.RawConn) error { return nil }
