package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/orderprocessing/orderprocessing/server/pause"
)

// Options say what kind of cluster to start.
type Options struct {
	Durable    bool     // as in production: every commit is on the disk when it is answered
	Replicated bool     // standbys may follow it
	Dir        string   // where to keep it, for its next start too; empty means a folder that goes with it
	Settings   []string // more lines for postgresql.conf
}

// Cluster is a Postgres server of our own.
type Cluster struct {
	Server
	programs string // folder
	dir      string
	keep     bool
	port     int
	password string
	postgres *exec.Cmd
	guard    *guard
}

// Start makes a cluster, or takes the one in Options.Dir, and starts it. It ends with Close, or
// when this process does.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	programs, err := findPrograms(debianPrograms)
	if err != nil {
		return nil, err
	}
	c := &Cluster{programs: programs, dir: opts.Dir, keep: opts.Dir != "", password: random()}
	if err := c.makeDir(); err != nil {
		return nil, fmt.Errorf("make a folder for the test Postgres: %w", err)
	}
	if c.guard, err = startGuard(c.dir, c.keep); err != nil {
		return nil, fmt.Errorf("guard the test Postgres: %w", err)
	}
	err = c.initialize(ctx, opts)
	if err == nil {
		err = c.Restart(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Restart starts the server again after Kill9 or Stop, on the port it had.
func (c *Cluster) Restart(ctx context.Context) error {
	var err error
	for range 5 { // another process may take a free port before we do
		if c.port == 0 {
			if c.port, err = freePort(); err != nil {
				return err
			}
			c.admin = url.URL{
				Scheme: "postgres", User: url.UserPassword("postgres", c.password),
				Host: fmt.Sprintf("127.0.0.1:%d", c.port), Path: "/postgres", RawQuery: "sslmode=disable",
			}
			if err = c.start(ctx); err == nil {
				return nil
			}
			c.port = 0
			continue
		}
		return c.start(ctx)
	}
	return err
}

// start runs the server and waits until it answers.
func (c *Cluster) start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(c.programs, "postgres"), //nolint:gosec // found, not given
		"-D", c.data(), "-p", fmt.Sprint(c.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = c.dir, log, log, asServer()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the test Postgres: %w", err)
	}
	c.postgres = cmd
	deadline := time.Now().Add(time.Minute)
	for {
		conn, err := pgx.Connect(ctx, c.admin.String())
		if err == nil {
			return conn.Close(ctx)
		}
		if ended(cmd.Process.Pid) || ctx.Err() != nil || time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("the test Postgres does not start: %w; its log ends with:\n%s", err, c.logTail()), c.Kill9())
		}
		_ = pause.For(ctx, 20*time.Millisecond)
	}
}

// Kill9 ends the server and all its processes as a power failure would, but for what the
// operating system still holds.
func (c *Cluster) Kill9() error {
	if c.postgres == nil {
		return nil
	}
	suspend(c.postgres.Process.Pid) // it makes no more children now
	children := childrenOf(c.postgres.Process.Pid)
	err := c.postgres.Process.Kill()
	for _, child := range children {
		kill(child)
	}
	_ = c.postgres.Wait() // says that it was killed
	for _, child := range children {
		for !ended(child) { // the next start is refused while one of them is there
			_ = pause.For(context.Background(), time.Millisecond)
		}
	}
	c.postgres = nil
	return err
}

// Stop ends the server in good order: open transactions are rolled back.
func (c *Cluster) Stop() error {
	if c.postgres == nil {
		return nil
	}
	if err := c.postgres.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	err := c.postgres.Wait()
	c.postgres = nil
	return err
}

// Close ends the server, and removes its folder unless it was given.
func (c *Cluster) Close() error {
	err := c.Kill9()
	if c.keep {
		err = c.Stop()
	}
	return errors.Join(err, c.guard.end())
}

// Program gives the path of another program of the same Postgres, such as pgbench.
func (c *Cluster) Program(name string) string { return filepath.Join(c.programs, name) }

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }
