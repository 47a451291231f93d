package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sample is what a server holds at one time. Memory is in bytes.
type sample struct{ resident, heap, goroutines, sockets, files float64 }

// server is the process that is watched.
type server struct {
	pid string
	ops string // URL of its operations port
}

func newServer() (server, error) {
	s := server{os.Getenv("SERVER_PID"), os.Getenv("OPS_URL")}
	if s.pid == "" || s.ops == "" {
		return s, errors.New("SERVER_PID and OPS_URL are not set: run it with make soak")
	}
	return s, nil
}

// watch takes samples for a time.
func (s server) watch(ctx context.Context, every, lasts time.Duration) (watched []sample, err error) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	over := time.After(lasts)
	for {
		select {
		case <-ticks.C:
		case <-over:
			return watched, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		now, err := s.sample(ctx)
		if err != nil {
			return nil, err
		}
		watched = append(watched, now)
	}
}

func (s server) sample(ctx context.Context) (sample, error) {
	if err := s.collect(ctx); err != nil {
		return sample{}, err
	}
	metrics, err := s.metrics(ctx)
	if err != nil {
		return sample{}, err
	}
	now := sample{
		resident: metrics["process_resident_memory_bytes"], heap: metrics["go_memstats_heap_alloc_bytes"], goroutines: metrics["go_goroutines"],
	}
	if min(now.resident, now.heap, now.goroutines) <= 0 {
		return now, errors.New("/metrics says nothing of memory and goroutines")
	}
	handles, err := filepath.Glob(filepath.Join("/proc", s.pid, "fd", "*"))
	if err != nil {
		return now, err
	}
	for _, handle := range handles {
		if target, err := os.Readlink(handle); err != nil {
			continue // closed since
		} else if strings.HasPrefix(target, "socket:") {
			now.sockets++
		} else {
			now.files++
		}
	}
	return now, nil
}

// collect has the server collect its garbage, so that its heap is what it holds.
func (s server) collect(ctx context.Context) error {
	return s.get(ctx, "/debug/pprof/heap?gc=1", func(body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	})
}

// metrics reads the metrics without labels.
func (s server) metrics(ctx context.Context) (map[string]float64, error) {
	values := map[string]float64{}
	return values, s.get(ctx, "/metrics", func(body io.Reader) error {
		lines := bufio.NewScanner(body)
		for lines.Scan() {
			name, text, _ := strings.Cut(lines.Text(), " ")
			if value, err := strconv.ParseFloat(text, 64); err == nil {
				values[name] = value
			}
		}
		return lines.Err()
	})
}

func (s server) get(ctx context.Context, path string, read func(io.Reader) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.ops+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	return read(response.Body)
}
