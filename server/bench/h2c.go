package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2c is one HTTP/2 connection without TLS that has one unary Connect call in flight at a time.
// Client and server share the machine's cores, so what a client costs is missing from the server:
// this one needs a write and a read a call, where net/http needs several goroutines.
type h2c struct {
	conn     io.ReadWriteCloser
	out      *bufio.Writer
	frames   *http2.Framer
	encoded  headerBuffer
	encoder  *hpack.Encoder
	status   string
	stream   uint32
	mayWrite int64 // bytes of data that the server still takes
	unacked  int   // bytes of data that were read and not given back
	host     string
	token    string
	body     []byte // of the last answer
}

type headerBuffer struct{ bytes []byte }

func (b *headerBuffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

const (
	receiveWindow = 1 << 24
	defaultWindow = 65535 // RFC 9113, section 6.9.2
)

func dialH2C(host string, open func() (io.ReadWriteCloser, error)) (*h2c, error) {
	conn, err := open()
	if err != nil {
		return nil, err
	}
	c := &h2c{conn: conn, host: host, token: os.Getenv(tokenVariable), out: bufio.NewWriter(conn), stream: 1, mayWrite: defaultWindow}
	c.frames = http2.NewFramer(c.out, bufio.NewReader(conn))
	c.frames.SetReuseFrames()
	c.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encoder = hpack.NewEncoder(&c.encoded)
	_, err = io.WriteString(c.out, http2.ClientPreface)
	return c, errors.Join(err,
		c.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: receiveWindow}),
		c.frames.WriteWindowUpdate(0, receiveWindow),
		c.out.Flush())
}

func (c *h2c) call(path string, message []byte) ([]byte, error) {
	c.encoded.bytes = c.encoded.bytes[:0]
	for _, field := range [...]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: c.host},
		{Name: ":path", Value: path},
		{Name: "authorization", Value: "Bearer " + c.token},
		{Name: "content-type", Value: "application/proto"},
		{Name: "connect-protocol-version", Value: "1"},
		{Name: "content-length", Value: strconv.Itoa(len(message))},
	} {
		if err := c.encoder.WriteField(field); err != nil {
			return nil, err
		}
	}
	stream := c.stream
	c.stream += 2
	c.mayWrite -= int64(len(message))
	if c.mayWrite < 0 {
		return nil, errors.New("the server's window is closed")
	}
	err := errors.Join(
		c.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.encoded.bytes, EndHeaders: true}),
		c.frames.WriteData(stream, true, message),
		c.out.Flush())
	if err != nil {
		return nil, err
	}
	c.body, c.status = c.body[:0], ""
	for done := false; !done; {
		if done, err = c.read(stream); err != nil {
			return nil, err
		}
	}
	status, err := strconv.Atoi(c.status)
	if err != nil {
		return nil, err
	}
	return c.body, statusError(status, c.body)
}

// read takes one frame and tells whether it ended the answer.
func (c *h2c) read(stream uint32) (bool, error) {
	frame, err := c.frames.ReadFrame()
	if err != nil {
		return false, err
	}
	switch f := frame.(type) {
	case *http2.MetaHeadersFrame:
		if status := f.PseudoValue("status"); status != "" {
			c.status = status
		}
		return f.StreamEnded(), nil
	case *http2.DataFrame:
		c.body = append(c.body, f.Data()...)
		c.unacked += len(f.Data())
		if c.unacked > receiveWindow/2 {
			if err := c.frames.WriteWindowUpdate(0, uint32(c.unacked)); err != nil { //nolint:gosec // below the window
				return false, err
			}
			c.unacked = 0
		}
		return f.StreamEnded(), nil
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.mayWrite += int64(f.Increment)
		}
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return false, c.frames.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return false, c.frames.WritePing(true, f.Data) // it goes with the next call
		}
	case *http2.RSTStreamFrame:
		if f.StreamID != stream {
			return false, nil // it was answered before all of its body had come
		}
		return false, fmt.Errorf("stream %d of %d was reset: %s", f.StreamID, stream, f.ErrCode)
	case *http2.GoAwayFrame:
		return false, fmt.Errorf("the server ends the connection: %s %s", f.ErrCode, f.DebugData())
	}
	return false, nil
}

func (c *h2c) close() error { return c.conn.Close() }
