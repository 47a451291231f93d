package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"time"
)

// http1 is one HTTP/1.1 connection with one unary Connect call in flight at a time: a write and a read a
// call, as h2c, but for a server that has no frames to take apart.
type http1 struct {
	open  func() (io.ReadWriteCloser, error)
	conn  io.ReadWriteCloser
	idle  time.Time // since when the connection is open, until its first call
	in    *bufio.Reader
	heads map[string][]byte // of requests, as far as they are the same for each call of a path
	host  string
	token string
	out   []byte
	body  []byte // of the last answer
}

func dialHTTP1(host string, open func() (io.ReadWriteCloser, error)) (*http1, error) {
	c := &http1{open: open, in: bufio.NewReader(nil), heads: map[string][]byte{}, host: host, token: os.Getenv(tokenVariable)}
	return c, c.dial()
}

func (c *http1) dial() error {
	conn, err := c.open()
	if err == nil {
		c.conn = conn
		c.in.Reset(conn)
		c.idle = time.Now()
	}
	return err
}

// idleFor is how long a connection may wait for its first call: one that is sent just when a server gives up
// waiting is cut in two, and refused.
const idleFor = 3 * time.Second

func (c *http1) call(path string, message []byte) ([]byte, error) {
	head := c.heads[path]
	if head == nil {
		head = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/proto\r\n"+
			"Connect-Protocol-Version: 1\r\nContent-Length: ", path, c.host, c.token)
		c.heads[path] = head
	}
	c.out = append(c.out[:0], head...)
	c.out = strconv.AppendInt(c.out, int64(len(message)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, message...)
	if err := c.send(); err != nil {
		return nil, err
	}
	status, length, err := c.readHead()
	if err != nil {
		return nil, err
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	if _, err := io.ReadFull(c.in, c.body); err != nil {
		return nil, err
	}
	return c.body, statusError(status, c.body)
}

// contentLength begins the one header that the load needs, as net/http writes it.
var contentLength = []byte("Content-Length: ")

// readHead reads the head of an answer, of which the load needs two lines.
func (c *http1) readHead() (status, length int, err error) {
	length = -1
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimSuffix(line, []byte("\r\n"))
		value, isLength := bytes.CutPrefix(line, contentLength)
		switch {
		case first && len(line) > len("HTTP/1.1 200"):
			status, err = strconv.Atoi(string(line[len("HTTP/1.1 "):][:3]))
		case isLength:
			length, err = strconv.Atoi(string(value))
		case len(line) == 0 && length < 0:
			err = errors.New("an answer whose length is not told")
		case len(line) == 0:
			return status, length, nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

// send sends a request and waits for its answer. A server closes connections that nobody uses: then it is sent
// over another, once.
func (c *http1) send() error {
	if !c.idle.IsZero() && time.Since(c.idle) > idleFor {
		_ = c.conn.Close()
		if err := c.dial(); err != nil {
			return err
		}
	}
	for again := false; ; again = true {
		_, err := c.conn.Write(c.out)
		if err == nil {
			_, err = c.in.Peek(1)
		}
		if err == nil || again || errors.Is(err, net.ErrClosed) { // by us: the load ends
			c.idle = time.Time{}
			return err
		}
		_ = c.conn.Close()
		if err := c.dial(); err != nil {
			return err
		}
	}
}

func (c *http1) close() error { return c.conn.Close() }
