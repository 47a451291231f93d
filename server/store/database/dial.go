package database

import (
	"net"
	"syscall"
	"time"
)

// silence is how long a server of Postgres may not be heard, while its connections have something to say or rest,
// before they are given up. Without it, calls would wait for minutes for a server whose machine has gone
// without a word, though another one has long taken its place.
const silence = 30 * time.Second

// dialer makes connections that notice such silence.
var dialer = &net.Dialer{
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 2, Interval: silence / 6, Count: 3},
	Control: func(network, _ string, c syscall.RawConn) (err error) {
		if network == "unix" {
			return nil
		}
		if failed := c.Control(func(fd uintptr) { err = limitSilence(fd) }); failed != nil {
			return failed
		}
		return err
	},
}
