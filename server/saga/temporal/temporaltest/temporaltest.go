// Package temporaltest runs a Temporal of one's own for tests and measurements: the development
// server of Temporal's CLI, which keeps everything in memory and knows the namespace default.
package temporaltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"
)

// ErrMissing says that the CLI has not been built.
var ErrMissing = errors.New("there is no bin/temporal: make bin/temporal first")

// guardian runs the server until its input ends, which is when whoever started it closes it or ends,
// were it by SIGKILL. Then it removes the folder.
const guardian = `dir=$1; shift; "$@" </dev/null & read -r word; kill -KILL $!; wait; rm -rf -- "$dir"`

// Server is a development server.
type Server struct {
	Address string // host:port
	dir     string
	cmd     *exec.Cmd
	input   io.Closer
}

// Start starts a server and waits until it serves. It ends with Close, or with this process.
func Start(ctx context.Context) (*Server, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "orderprocessing-temporal-")
	if err != nil {
		return nil, err
	}
	s := &Server{Address: address.String(), dir: dir}
	if err := s.run(ctx, program, address.Port); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.wait(ctx); err != nil {
		err = fmt.Errorf("Temporal does not start: %w; its log:\n%s", err, s.Log()) //nolint:staticcheck // a name
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) run(ctx context.Context, program string, port int) error {
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", guardian, "guardian", s.dir, //nolint:gosec // ours
		program, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", fmt.Sprint(port), "--log-level", "warn")
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, log, log
	if s.input, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	return s.cmd.Start()
}

// wait waits until the server knows its namespace.
func (s *Server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		c, err := client.DialContext(ctx, client.Options{HostPort: s.Address, Logger: temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
		if err == nil {
			c.Close()
			return nil
		}
		pause := time.NewTimer(100 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return err
		}
	}
}

// Log is what the server has said so far.
func (s *Server) Log() string {
	text, _ := os.ReadFile(s.logFile())
	return string(text)
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// Close ends the server and forgets everything.
func (s *Server) Close() error {
	_ = s.input.Close()
	return s.cmd.Wait()
}

// find looks for the CLI in bin/ beside the go.mod above.
func find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return "", ErrMissing
		}
	}
	program := filepath.Join(dir, "bin", "temporal")
	if _, err := os.Stat(program); err != nil {
		return "", ErrMissing
	}
	return program, nil
}

func freeAddress(ctx context.Context) (*net.TCPAddr, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return listener.Addr().(*net.TCPAddr), listener.Close()
}
