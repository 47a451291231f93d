package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// errMissing says what to do where Postgres is not installed. Tests never pass without it.
var errMissing = errors.New("no PostgreSQL server programs found, in PATH or /usr/lib/postgresql: run .ci/deps to install them, or set " +
	Variable + " to the URL of a server")

// debianPrograms are the folders, one a version, that Debian keeps off the PATH.
const debianPrograms = "/usr/lib/postgresql/*/bin"

// findPrograms finds the folder of initdb and postgres: the one in the PATH, or else the newest.
func findPrograms(elsewhere string) (string, error) {
	var found []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			found = append(found, filepath.Dir(real))
		}
	}
	debian, _ := filepath.Glob(elsewhere) // the pattern is right
	slices.Reverse(debian)
	for _, folder := range append(found, debian...) {
		if _, err := exec.LookPath(filepath.Join(folder, "postgres")); err == nil {
			return folder, nil
		}
	}
	return "", errMissing
}

func (c *Cluster) makeDir() (err error) {
	if c.dir == "" {
		c.dir, err = os.MkdirTemp("", "orderprocessing-postgres-")
	} else if c.dir, err = filepath.Abs(c.dir); err == nil {
		err = os.MkdirAll(c.dir, 0o700)
	}
	if err != nil {
		return err
	}
	return giveToServer(c.dir)
}

// initialize makes the cluster, unless its folder has one.
func (c *Cluster) initialize(ctx context.Context, opts Options) error {
	secret := filepath.Join(c.dir, "password")
	if known, err := os.ReadFile(secret); err == nil { //nolint:gosec // our own file
		c.password = string(known)
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(secret, []byte(c.password), 0o600); err != nil {
		return err
	}
	if err := giveToServer(secret); err != nil {
		return err
	}
	args := []string{"-D", c.data(), "-U", "postgres", "--auth=scram-sha-256", "--pwfile=" + secret, "--no-sync",
		"--encoding=UTF8", "--locale=C.UTF-8"}
	settings := []string{"max_connections = 200", "timezone = 'UTC'"}
	if !opts.Durable {
		// What is sorted by a language here and must be sorted by bytes fails in a test.
		args = append(args, "--locale-provider=icu", "--icu-locale=en-US")
		settings = append(settings, "fsync = off", "synchronous_commit = off", "full_page_writes = off",
			"wal_level = minimal", "max_wal_senders = 0", "autovacuum = off", "shared_buffers = 64MB")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.programs, "initdb"), args...) //nolint:gosec // found, not given
	cmd.Dir, cmd.SysProcAttr = c.dir, asServer()
	if output, err := cmd.CombinedOutput(); err != nil {
		_ = os.Remove(secret)
		return fmt.Errorf("make the test Postgres: %w\n%s", err, output)
	}
	if opts.Replicated {
		settings = append(settings, "wal_level = replica", "max_wal_senders = 8", "wal_keep_size = 256MB")
	}
	return appendFile(filepath.Join(c.data(), "postgresql.conf"), strings.Join(append(settings, opts.Settings...), "\n")+"\n")
}

func appendFile(name, text string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // our own file
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // does not block
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

func (c *Cluster) logTail() string {
	log, _ := os.ReadFile(filepath.Join(c.dir, "log")) // no log is an answer too
	return string(log[max(0, len(log)-2000):])
}
