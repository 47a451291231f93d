package importer

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
)

// The sizes of what is read at once.
const (
	readBuffer   = 64 << 10
	maxRowBytes  = 1 << 20
	maxRowExcess = maxRowBytes + readBuffer
)

var errRowTooLong = errors.New("a row is longer than 1 MiB; a quote is probably not closed")

// positionReader knows where the text that was read so far ends, and stops a row that never ends
// before it fills the memory.
type positionReader struct {
	in     io.Reader
	offset int64 // bytes read so far
	limit  int64 // no byte after this one is read
	line   int   // of the next byte, from 1
	column int   // of the next byte, from 1
}

func newPositionReader(in io.Reader) *positionReader {
	return &positionReader{in: in, limit: maxRowExcess, line: 1, column: 1}
}

func (r *positionReader) Read(p []byte) (int, error) {
	if r.offset >= r.limit {
		return 0, errRowTooLong
	}
	n, err := r.in.Read(p)
	r.offset += int64(n)
	read := p[:n]
	if last := bytes.LastIndexByte(read, '\n'); last >= 0 {
		r.line += bytes.Count(read, []byte{'\n'})
		r.column = n - last
	} else {
		r.column += n
	}
	return n, err
}

// countingReader adds what it reads to a counter that others may read at the same time.
type countingReader struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.bytes.Add(int64(n))
	return n, err
}
