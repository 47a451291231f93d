package importer

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
)

// addedColumns are those that the rejects file has after the columns of the original. A rejects
// file is input like any other, so they are cut off when they are met.
var addedColumns = []string{"reason", "message", "file", "line"}

// input is a file that can be read from its start more than once.
type input struct {
	name string // path as it was given
	size int64  // bytes, as stored
	open func() (io.ReadCloser, error)
}

// table reads the rows of one CSV file, plain or gzip, and knows where each field stands.
type table struct {
	name   string
	header []string // without the added columns
	width  int      // columns of the file
	csv    *csv.Reader
	at     *positionReader
	closer io.Closer
}

// openTable reads the header. The error is a *FileError, or that of opening the file.
func openTable(in input) (*table, error) {
	file, err := in.open()
	if err != nil {
		return nil, err
	}
	t := &table{name: in.name, closer: file}
	if err := t.start(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return t, nil
}

func (t *table) start(file io.Reader) error {
	raw := bufio.NewReaderSize(file, readBuffer)
	var text io.Reader = raw
	if magic, _ := raw.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(raw)
		if err != nil {
			return &FileError{File: t.name, Line: 1, Column: 1, Err: fmt.Errorf("gzip: %w", err)}
		}
		text = unpacked
	}
	t.at = newPositionReader(text)
	buffered := bufio.NewReaderSize(t.at, readBuffer)
	if mark, _ := buffered.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = buffered.Discard(3)
	}
	t.csv = csv.NewReader(buffered)
	t.csv.FieldsPerRecord = -1 // counted here, to say in which column
	header, err := t.csv.Read()
	switch {
	case errors.Is(err, io.EOF):
		return &FileError{File: t.name, Line: 1, Column: 1, Err: errors.New("the file is empty")}
	case err != nil:
		return t.damage(err)
	}
	t.width, t.header = len(header), header
	if own := t.width - len(addedColumns); own > 0 && slices.Equal(header[own:], addedColumns) {
		t.header = header[:own:own]
	}
	return nil
}

// read gives the next row, io.EOF after the last, or a *FileError.
func (t *table) read() (Row, error) {
	t.at.limit = t.csv.InputOffset() + maxRowExcess
	fields, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return Row{}, io.EOF
	}
	if err != nil {
		return Row{}, t.damage(err)
	}
	if len(fields) != t.width {
		line, column := t.csv.FieldPos(min(len(fields)-1, t.width))
		return Row{}, &FileError{File: t.name, Line: line, Column: column,
			Err: fmt.Errorf("the row has %d columns, not %d", len(fields), t.width)}
	}
	line, _ := t.csv.FieldPos(0)
	return Row{File: t.name, Line: line, Header: t.header, Fields: fields[:len(t.header)]}, nil
}

// damage gives the place of an error: what the parser says, or where the text ends.
func (t *table) damage(err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		err = parse.Err
		if parse.StartLine != parse.Line {
			err = fmt.Errorf("%w, in the row that starts in line %d", err, parse.StartLine)
		}
		return &FileError{File: t.name, Line: parse.Line, Column: parse.Column, Err: err}
	}
	return &FileError{File: t.name, Line: t.at.line, Column: t.at.column, Err: err}
}

// index gives the places of columns by name, all of which must be there.
func (t *table) index(names ...string) ([]int, bool) {
	places := make([]int, len(names))
	for i, name := range names {
		places[i] = slices.Index(t.header, name)
		if places[i] < 0 {
			return nil, false
		}
	}
	return places, true
}

func (t *table) close() error { return t.closer.Close() }
