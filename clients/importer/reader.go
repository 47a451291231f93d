package importer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// ReadOptions changes how files are understood. The zero value is fine.
type ReadOptions struct {
	// CurrencyCode of every amount, ISO 4217. Empty for GBP in Online Retail and USD in Northwind.
	CurrencyCode string
	// Timezone that the times of the files are in. Nil for UTC.
	Timezone *time.Location
}

// Source gives documents one by one. Reader is one.
type Source interface {
	// Next gives the next document. It returns io.EOF after the last, and stays there.
	Next() (*Document, error)
	// Progress tells how many of the bytes to read were read.
	Progress() (read, total int64)
}

// Reader gives the documents of files in the order of the files, whatever their size, from bounded
// memory. Next is for one goroutine; Progress may be called by others.
type Reader struct {
	opts  ReadOptions
	shops []shop
	open  documents
	end   error
	bytes atomic.Int64
	total int64
}

// documents is what one shop gives.
type documents interface {
	next() (*Document, error)
	close() error
}

// Open finds out what the files hold by their headers. Each path is a CSV file, plain or gzip, or a
// folder of them. The orders of Northwind need their order_details and, for the names of what was
// sold, products: among the paths in any order, or beside the orders. Close the reader after use.
func Open(paths []string, opts ReadOptions) (*Reader, error) {
	if err := checkCurrency(opts.CurrencyCode); err != nil {
		return nil, err
	}
	shops, err := planFiles(paths)
	if err != nil {
		return nil, err
	}
	return newReader(shops, opts), nil
}

func newReader(shops []shop, opts ReadOptions) *Reader {
	if opts.Timezone == nil {
		opts.Timezone = time.UTC
	}
	r := &Reader{opts: opts, shops: shops}
	for _, s := range shops {
		for _, in := range []*input{s.retail, s.orders, s.details} {
			if in != nil {
				r.total += in.size
			}
		}
	}
	return r
}

// Next gives the next document, which may carry a problem. Damage to a file is a *FileError; what
// was read before it has been given by then, and the rest of the files is not read.
func (r *Reader) Next() (*Document, error) {
	for r.end == nil {
		if r.open == nil {
			r.end = r.openNext()
			continue
		}
		doc, err := r.open.next()
		if err == nil {
			return doc, nil
		}
		err = errors.Join(ignoreEOF(err), r.open.close())
		r.open, r.end = nil, err
	}
	return nil, r.end
}

// Progress gives the bytes as they are stored, compressed or not.
func (r *Reader) Progress() (read, total int64) { return r.bytes.Load(), r.total }

// Close lets the files go.
func (r *Reader) Close() error {
	if r.open == nil {
		return nil
	}
	err := r.open.close()
	r.open, r.end = nil, os.ErrClosed
	return err
}

func (r *Reader) openNext() (err error) {
	if len(r.shops) == 0 {
		return io.EOF
	}
	next := r.shops[0]
	r.shops = r.shops[1:]
	if next.retail != nil {
		r.open, err = openRetail(*next.retail, r.counted(*next.retail), r.currency("GBP"), r.opts.Timezone)
	} else {
		r.open, err = openNorthwind(r.counted(*next.orders), r.counted(*next.details), next.products,
			r.currency("USD"), r.opts.Timezone)
	}
	if err != nil {
		r.open = nil
	}
	return err
}

func (r *Reader) currency(usual string) string {
	if r.opts.CurrencyCode != "" {
		return r.opts.CurrencyCode
	}
	return usual
}

// counted is the same input, whose bytes count as progress.
func (r *Reader) counted(in input) input {
	open := in.open
	in.open = func() (io.ReadCloser, error) {
		file, err := open()
		if err != nil {
			return nil, err
		}
		return countingReader{ReadCloser: file, bytes: &r.bytes}, nil
	}
	return in
}

func checkCurrency(code string) error {
	for i := range len(code) {
		if code[i] < 'A' || code[i] > 'Z' {
			return fmt.Errorf("currency %.10q is not three capital letters", code)
		}
	}
	if len(code) != 0 && len(code) != 3 {
		return fmt.Errorf("currency %.10q is not three capital letters", code)
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
