package main_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/integrity"
	"github.com/orderprocessing/orderprocessing/server/store/database"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

// commandTime bounds a command that ends by itself.
const commandTime = 5 * time.Minute

// site is one installation: its folder and its databases.
type site struct {
	dir       string
	env       []string // of every process that runs here
	databases []string // URLs, home first
}

// newSite is an installation that nobody told anything: the embedded default.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "ORDERPROCESSING_") && !strings.HasPrefix(variable, "HOME=") {
			s.env = append(s.env, variable)
		}
	}
	s.env = append(s.env, "HOME="+s.dir)
	for _, name := range []string{"home", "shard-0", "shard-1", "shard-2", "shard-3"} {
		s.databases = append(s.databases, "sqlite://"+filepath.Join(s.dir, "data", name+".db"))
	}
	return s
}

// newPostgresSite is an installation with home and four shards in Postgres, empty.
func newPostgresSite(t *testing.T) *site {
	t.Helper()
	var urls []string
	for range 5 {
		urls = append(urls, pgtest.EmptyURL(t))
	}
	return newSite(t).on(urls)
}

// newMigratedSite is an installation with home and four shards in Postgres, ready to serve.
func newMigratedSite(t *testing.T) *site {
	t.Helper()
	s := newPostgresSite(t)
	s.do(t, "migrate", "up")
	return s
}

// on puts the installation on other databases, home first, with an administrator's key of its own.
func (s *site) on(urls []string) *site {
	s.databases = urls
	key := "opk_" + strings.ToLower(rand.Text()[:12]+"_"+rand.Text())
	s.env = append(s.env, "ORDERPROCESSING_STORE_HOME="+urls[0], "ORDERPROCESSING_STORE_SHARDS="+strings.Join(urls[1:], ","),
		"ORDERPROCESSING_AUTH_ADMIN_KEY="+key, tokenVariable+key)
	return s
}

// tokenVariable begins the variable that commands call with.
const tokenVariable = "ORDERPROCESSING_TOKEN="

// token is what the administrator calls with, once a server has run: the key of the settings, or the
// one that the server keeps in its data folder.
func (s *site) token(t *testing.T) string {
	t.Helper()
	for _, variable := range s.env {
		if token, ok := strings.CutPrefix(variable, tokenVariable); ok {
			return token
		}
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "data", "admin.key"))
	require.NoError(t, err)
	return strings.TrimSpace(string(key))
}

// with is the same installation with more variables.
func (s *site) with(variables ...string) *site {
	other := *s
	other.env = append(append([]string{}, s.env...), variables...)
	return &other
}

// backends are the two kinds of installation that there are.
var backends = []struct {
	name string
	make func(*testing.T) *site
}{
	{"the embedded default", newSite},
	{"four shards of Postgres", newMigratedSite},
}

func (s *site) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// outcome is what a command left behind.
type outcome struct {
	stdout, stderr string
	code           int
	took           time.Duration
	peakBytes      int64 // most memory that it had resident; 0 where the system does not tell
}

// run runs a command to its end.
func (s *site) run(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	cmd := s.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	require.NoError(t, cmd.Start())
	peak := watchPeak(cmd.Process.Pid)
	err := cmd.Wait()
	got := outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(began), peak()}
	require.NoError(t, ctx.Err(), "%s does not end", args)
	require.Equal(t, err == nil, got.code == 0, "%s: %v", args, err)
	return got
}

// do runs a command that must succeed and gives what it printed.
func (s *site) do(t *testing.T, args ...string) string {
	t.Helper()
	got := s.run(t, args...)
	require.Zero(t, got.code, "%s:\n%s%s", args, got.stdout, got.stderr)
	return got.stdout
}

// decode reads JSON that a command printed.
func decode[T any](t *testing.T, text string) (value T) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &value), "%s", text)
	return value
}

// verify wants what is stored to keep every promise.
func (s *site) verify(t *testing.T) integrity.Report {
	t.Helper()
	got := s.run(t, "verify", "--json")
	require.Zero(t, got.code, "%s%s", got.stdout, got.stderr)
	found := decode[integrity.Report](t, got.stdout)
	require.True(t, found.OK)
	require.Empty(t, found.Listed)
	return found
}

// open opens one of the databases, as an operator with SQL does.
func (s *site) open(t *testing.T, i int) *database.Database {
	t.Helper()
	d, err := database.Open(t.Context(), s.databases[i], database.Options{MaxConnections: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// write puts a file into the installation's folder and gives its path.
func (s *site) write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// mib writes bytes for a log.
func mib(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }
