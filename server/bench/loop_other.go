//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
	"time"
)

// loop is made on Linux only, as the rest of what is measured.
type loop struct {
	arriving *arrivals
	unsent   int
}

func newLoop() (*loop, error) { return nil, errors.New("the benchmark runs on Linux only") }

func (*loop) close() error { return nil }

func (*loop) run(context.Context, []func()) error { return nil }

func (*loop) turn() time.Time { return time.Time{} }

func (*loop) dial(context.Context, string) (io.ReadWriteCloser, error) { return nil, nil }
