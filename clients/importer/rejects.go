package importer

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// partial ends the name of a rejects file until it is whole. A file without it has all its rows.
const partial = ".partial"

// rejects writes the rows of refused documents as they were read, with reason, message, file and
// line behind them. Rows of other columns go to a file of their own: rejects.csv, rejects-2.csv.
type rejects struct {
	path  string
	files []*rejectsFile
}

type rejectsFile struct {
	path   string
	header []string
	file   *os.File
	buffer *bufio.Writer
	csv    *csv.Writer
}

func (r *rejects) add(doc *Document, reason, message string) error {
	for _, row := range doc.Rows {
		file, err := r.fileFor(row.Header)
		if err != nil {
			return err
		}
		fields := append(slices.Clone(row.Fields), reason, message, row.File, strconv.Itoa(row.Line))
		if err := file.csv.Write(fields); err != nil {
			return fmt.Errorf("writing the rejects: %w", err)
		}
	}
	return nil
}

func (r *rejects) fileFor(header []string) (*rejectsFile, error) {
	for _, file := range r.files {
		if slices.Equal(file.header, header) {
			return file, nil
		}
	}
	path := r.path
	if n := len(r.files); n > 0 {
		ending := filepath.Ext(path)
		path = strings.TrimSuffix(path, ending) + "-" + strconv.Itoa(n+1) + ending
	}
	// #nosec G304 -- the user names it
	made, err := os.OpenFile(path+partial, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("writing the rejects: %w", err)
	}
	file := &rejectsFile{path: path, header: header, file: made, buffer: bufio.NewWriter(made)}
	file.csv = csv.NewWriter(file.buffer)
	r.files = append(r.files, file)
	return file, file.csv.Write(append(slices.Clone(header), addedColumns...))
}

// finish makes the files durable and gives them their names. It returns the names.
func (r *rejects) finish() ([]string, error) {
	names := make([]string, 0, len(r.files))
	var all error
	for _, file := range r.files {
		file.csv.Flush()
		err := errors.Join(file.csv.Error(), file.buffer.Flush(), file.file.Sync(), file.file.Close())
		if err == nil {
			err = os.Rename(file.path+partial, file.path)
		}
		if err != nil {
			all = errors.Join(all, fmt.Errorf("writing the rejects: %w", err))
			continue
		}
		names = append(names, file.path)
	}
	return names, all
}
