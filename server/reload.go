package server

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// fileCheckEvery is how often, at most, the files are looked at.
const fileCheckEvery = 2 * time.Second

// reloaded is what was read from files. It is read again, when somebody asks for it, when a file has
// changed; what cannot be read, such as a file half written, leaves the one before in use. It is safe
// for concurrent use.
type reloaded[T any] struct {
	files  []string
	read   func() (T, error)
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	current T
	state   []fileState // of the files that current, or the last failure, came from
	checked time.Time
}

type fileState struct {
	modified time.Time
	bytes    int64
}

// reload reads the files for the first time. It fails when there is nothing to start with.
func reload[T any](read func() (T, error), logger *slog.Logger, now func() time.Time, files ...string) (*reloaded[T], error) {
	r := &reloaded[T]{files: files, read: read, logger: logger, now: now}
	var err error
	if r.state, err = r.stat(); err != nil {
		return nil, err
	}
	r.current, err = read()
	return r, err
}

func (r *reloaded[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if now.Sub(r.checked) < fileCheckEvery {
		return r.current
	}
	r.checked = now
	state, err := r.stat()
	if err == nil && !slices.Equal(state, r.state) {
		r.state = state
		var next T
		if next, err = r.read(); err == nil {
			r.current = next
			r.logger.Info("reloaded", slog.String(telemetry.LogFile, strings.Join(r.files, ",")))
		}
	}
	if err != nil {
		r.logger.Error("not reloaded, what was read before stays in use", slog.Any(telemetry.LogError, err))
	}
	return r.current
}

func (r *reloaded[T]) stat() ([]fileState, error) {
	state := make([]fileState, len(r.files))
	for i, name := range r.files {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		state[i] = fileState{info.ModTime(), info.Size()}
	}
	return state, nil
}
