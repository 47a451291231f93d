// Package redistest gives tests a real Redis: private processes on free ports of the loopback
// interface, alone or as a cluster of three, gone with the test or with the process that runs it.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// program is the server. Debian calls the package the same.
const program = "redis-server"

// startTimeout is how long a server may take to answer on a busy machine.
const startTimeout = 30 * time.Second

// Server is a Redis server of the test's own. Nothing of it is kept on disk.
type Server struct {
	port int
	dir  string
	args []string
	cmd  *exec.Cmd
	pipe *os.File // its end is the server's: see guardian
}

// Start starts a server that ends with the test. The test fails where Redis is not installed.
func Start(tb testing.TB) *Server {
	tb.Helper()
	return start(tb)
}

// URL is where the server is.
func (s *Server) URL() string { return "redis://" + s.address() }

// Kill ends the server as SIGKILL does.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	if err := s.kill(); err != nil {
		tb.Fatal(err)
	}
}

// Restart starts the server again after Kill, empty, on the port it had.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if err := s.run(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func start(tb testing.TB, args ...string) *Server {
	tb.Helper()
	if _, err := exec.LookPath(program); err != nil {
		tb.Fatalf("this test needs %s, which is not installed: run .ci/deps", program)
	}
	var err error
	for range 5 { // another process may take a free port before we do
		s := &Server{dir: tb.TempDir(), args: args}
		if s.port, err = freePort(); err != nil {
			tb.Fatal(err)
		}
		if err = s.run(tb.Context()); err == nil {
			tb.Cleanup(func() { _ = s.kill() }) // it may have been killed
			return s
		}
	}
	tb.Fatal(err)
	return nil
}

// guardian runs the server and ends it when its input ends, which is when this process does, however
// that happens. It has a session of its own, so that ^C does not reach it.
const guardian = `"$@" >"$0/log" 2>&1 & read -r _; kill -KILL $!; wait`

func (s *Server) run(ctx context.Context) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	args := append([]string{
		"-c", guardian, s.dir,
		program, "--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.dir,
	}, s.args...)
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", args...) //nolint:gosec // our own script
	s.cmd.Stdin, s.cmd.SysProcAttr = read, ownSession()
	if err := s.cmd.Start(); err != nil {
		return errors.Join(err, write.Close())
	}
	s.pipe = write
	if err := s.await(ctx); err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return errors.Join(fmt.Errorf("the test Redis does not start: %w\n%s", err, log), s.kill())
	}
	return nil
}

// await waits until the server answers, and is ours.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: s.address(), MaxRetries: -1})
	defer client.Close()
	for {
		dir, err := client.ConfigGet(ctx, "dir").Result()
		if err == nil && dir["dir"] != s.dir {
			return errors.New("another server has the port")
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// kill ends the server by its guardian, with SIGKILL, and waits for that.
func (s *Server) kill() error {
	if s.pipe == nil {
		return errors.New("the test Redis does not run")
	}
	err := s.pipe.Close()
	s.pipe = nil
	_ = s.cmd.Wait() // tells how the guardian's last command ended
	return err
}

func (s *Server) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // does not block
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
