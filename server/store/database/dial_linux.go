package database

import "golang.org/x/sys/unix"

// limitSilence bounds how long what was sent may go without an acknowledgement; Linux would try for a quarter of an hour.
func limitSilence(fd uintptr) error {
	return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds())) //nolint:gosec // a descriptor
}
