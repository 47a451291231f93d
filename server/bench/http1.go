package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
)

// http1 is one HTTP/1.1 connection with one unary Connect call in flight at a time: a write and a read a
// call, as h2c, but for a server that has no frames to take apart.
type http1 struct {
	conn  net.Conn
	in    *bufio.Reader
	heads map[string][]byte // of requests, as far as they are the same for each call of a path
	host  string
	token string
	out   []byte
	body  bytes.Buffer // of the last answer
}

func dialHTTP1(ctx context.Context, host string) (*http1, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &http1{conn: conn, in: bufio.NewReader(conn), heads: map[string][]byte{}, host: host, token: os.Getenv(tokenVariable)}, nil
}

// post is what http.ReadResponse has to know of a request.
var post = &http.Request{Method: http.MethodPost}

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
	if _, err := c.conn.Write(c.out); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.in, post)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it is read to its end
	c.body.Reset()
	if _, err := io.Copy(&c.body, answer.Body); err != nil {
		return nil, err
	}
	return c.body.Bytes(), statusError(answer.StatusCode, c.body.Bytes())
}

func (c *http1) close() error { return c.conn.Close() }
