package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// loop makes the calls of all connections on one thread, as pgbench and wrk do: each connection is a coroutine,
// which goes on when there is something to read for it. With a goroutine each, Go's scheduler takes a good part of the
// two cores that the server needs too, and wakes one thread by another for each answer.
type loop struct {
	poll     int
	waiting  map[int32]*coroutine // by the connection that they wait for
	running  *coroutine
	left     int       // that are not done
	arriving *arrivals // nil: calls are made when their connections like
	free     []*coroutine
	unsent   int // calls that no connection was free to make
}

type coroutine struct {
	goOn func() (struct{}, bool)
	rest func(struct{}) bool
	due  time.Time // of its next call; zero when there is none any more
}

func newLoop() (*loop, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &loop{poll: poll, waiting: map[int32]*coroutine{}}, err
}

func (l *loop) close() error { return unix.Close(l.poll) }

// pollFor is how long the loop looks for answers before it looks whether it shall end.
const pollFor = 100 * time.Millisecond

// run does all work, until each is done or ctx ends.
func (l *loop) run(ctx context.Context, work []func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l.left = len(work)
	for _, do := range work {
		c := &coroutine{}
		goOn, stop := iter.Pull(func(rest func(struct{}) bool) {
			c.rest = rest
			do()
		})
		defer func() {
			l.running = c
			stop()
		}()
		c.goOn = goOn
		l.resume(c)
	}
	wait := pollFor
	if l.arriving != nil {
		wait = arrivalTick
	}
	events := make([]unix.EpollEvent, len(work))
	for l.left > 0 && ctx.Err() == nil {
		n, err := unix.EpollWait(l.poll, events, int(wait.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if c := l.waiting[e.Fd]; c != nil {
				delete(l.waiting, e.Fd)
				l.resume(c)
			}
		}
		if l.arriving != nil {
			l.arrive(time.Now())
		}
	}
	return ctx.Err()
}

// resume lets one go on until it waits again, or is done.
func (l *loop) resume(c *coroutine) {
	l.running = c
	if _, waits := c.goOn(); !waits {
		l.left--
	}
}

// turn waits until a call is due that this connection shall make; it tells when, zero when there is none any more.
func (l *loop) turn() time.Time {
	c := l.running
	l.free = append(l.free, c)
	if !c.rest(struct{}{}) {
		return time.Time{}
	}
	return c.due
}

// arrive lets the calls be made that are due by now. When no more come, who is free is done.
func (l *loop) arrive(now time.Time) {
	for due := range l.arriving.by(now) {
		if len(l.free) == 0 {
			l.unsent++
			continue
		}
		l.next(due)
	}
	for l.arriving.over(now) && len(l.free) > 0 {
		l.next(time.Time{})
	}
}

// next lets the connection go on that has been free for longest.
func (l *loop) next(due time.Time) {
	c := l.free[0]
	l.free = l.free[1:]
	c.due = due
	l.resume(c)
}

// dial gives a connection that lets the others go on while there is nothing to read.
func (l *loop) dial(ctx context.Context, host string) (io.ReadWriteCloser, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &looped{loop: l}
	var duplicated error
	err = raw.Control(func(fd uintptr) { c.fd, duplicated = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(err, duplicated); err != nil {
		return nil, err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(c.fd)} //nolint:gosec // a small number
	if err := unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, c.fd, &event); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// looped is a connection of a loop.
type looped struct {
	loop  *loop
	fd    int
	asked bool // since the last read, so that there is nothing to read yet
}

func (c *looped) Read(p []byte) (int, error) {
	for {
		if c.asked {
			c.loop.waiting[int32(c.fd)] = c.loop.running //nolint:gosec // a small number
			if !c.loop.running.rest(struct{}{}) {
				return 0, net.ErrClosed
			}
		}
		n, err := unix.Read(c.fd, p)
		c.asked = errors.Is(err, unix.EAGAIN)
		switch {
		case c.asked || errors.Is(err, unix.EINTR):
		case n == 0 && err == nil:
			return 0, io.EOF
		default:
			return max(n, 0), err
		}
	}
}

func (c *looped) Write(p []byte) (written int, err error) {
	c.asked = true
	for written < len(p) && err == nil {
		var n int
		n, err = unix.Write(c.fd, p[written:])
		written += max(n, 0)
		if errors.Is(err, unix.EAGAIN) {
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLOUT}}, -1) //nolint:gosec // a small number
		}
		if errors.Is(err, unix.EINTR) {
			err = nil
		}
	}
	return written, err
}

func (c *looped) Close() error { return unix.Close(c.fd) }
