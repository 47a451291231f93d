package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/secrets"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logs are safe for concurrent use.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// bench is settings with a file.
type bench struct {
	*Settings
	path    string
	logs    *logs
	hangups chan os.Signal
	level   atomic.Pointer[string] // that a follower was told last
}

// newBench starts with a file of a text, at a path in a folder.
func newBench(t *testing.T, path, text string) *bench {
	t.Helper()
	b := &bench{path: path, logs: &logs{}, hangups: make(chan os.Signal)}
	if text != "" {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(flags)
	require.NoError(t, flags.Parse([]string{"--config", path}))
	source := config.NewSource(flags)
	c, err := source.Load()
	require.NoError(t, err)
	b.Settings = New(c, Options{
		Load: func(context.Context) (config.Config, error) { return source.Load() }, File: source.File,
		Logger: slog.New(slog.NewTextHandler(b.logs, nil)), Registry: prometheus.NewRegistry(),
	})
	b.level.Store(&c.Log.Level)
	b.Follow(func(_, after config.Config) (func(), error) {
		return func() { b.level.Store(&after.Log.Level) }, nil
	}, "log")
	return b
}

func (b *bench) start(t *testing.T) *bench {
	t.Helper()
	require.NoError(t, b.Start(t.Context(), b.hangups))
	t.Cleanup(func() { require.NoError(t, b.Stop(context.Background())) })
	b.counts(t, unchanged, 1) // the first look
	return b
}

func (b *bench) counts(t *testing.T, outcome string, atLeast int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return testutil.ToFloat64(b.metrics.reloads.WithLabelValues(outcome)) >= float64(atLeast)
	}, 20*time.Second, 10*time.Millisecond, "%s", b.logs)
}

func (b *bench) becomes(t *testing.T, level string) {
	t.Helper()
	require.Eventually(t, func() bool { return *b.level.Load() == level }, 20*time.Second, 10*time.Millisecond, "%s", b.logs)
	require.Eventually(t, func() bool { return b.Current().Log.Level == level }, time.Second, time.Millisecond)
}

// replace puts a new file in the place of the old one, as editors do.
func replace(t *testing.T, path, text string) {
	t.Helper()
	fresh := path + ".new"
	require.NoError(t, os.WriteFile(fresh, []byte(text), 0o600))
	require.NoError(t, os.Rename(fresh, path))
}

func TestWatch(t *testing.T) {
	t.Run("a file that is put in the place of the old one, again and again", func(t *testing.T) {
		b := newBench(t, filepath.Join(t.TempDir(), "config.yaml"), "log: {level: info}\n").start(t)
		for _, level := range []string{"debug", "warn", "error"} {
			replace(t, b.path, "log: {level: "+level+"}\n")
			b.becomes(t, level)
		}
		require.Contains(t, b.logs.String(), "keys=log.level")
	})
	t.Run("a file that is written in place", func(t *testing.T) {
		b := newBench(t, filepath.Join(t.TempDir(), "config.yaml"), "log: {level: info}\n").start(t)
		require.NoError(t, os.WriteFile(b.path, []byte("log: {level: debug}\n"), 0o600))
		b.becomes(t, "debug")
	})
	t.Run("a link that Kubernetes turns", func(t *testing.T) {
		dir := t.TempDir()
		version := func(name, level string) {
			require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, name, "config.yaml"), []byte("log: {level: "+level+"}\n"), 0o600))
			require.NoError(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")))
			require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
		}
		version("..1", "info")
		require.NoError(t, os.Symlink(filepath.Join("..data", "config.yaml"), filepath.Join(dir, "config.yaml")))
		b := newBench(t, filepath.Join(dir, "config.yaml"), "").start(t)
		for i, level := range []string{"debug", "warn"} {
			version(fmt.Sprintf("..%d", i+2), level)
			require.NoError(t, os.RemoveAll(filepath.Join(dir, fmt.Sprintf("..%d", i+1))))
			b.becomes(t, level)
		}
	})
	t.Run("a link to a file elsewhere that is replaced there", func(t *testing.T) {
		real := filepath.Join(t.TempDir(), "real.yaml")
		require.NoError(t, os.WriteFile(real, []byte("log: {level: info}\n"), 0o600))
		path := filepath.Join(t.TempDir(), "config.yaml")
		require.NoError(t, os.Symlink(real, path))
		b := newBench(t, path, "").start(t)
		replace(t, real, "log: {level: debug}\n")
		b.becomes(t, "debug")
	})
	t.Run("others who write into the folder all the time do not put it off, and are no change", func(t *testing.T) {
		dir := t.TempDir()
		b := newBench(t, filepath.Join(dir, "config.yaml"), "log: {level: info}\n").start(t)
		ctx, cancel := context.WithCancel(t.Context())
		var busy sync.WaitGroup
		busy.Go(func() {
			for ctx.Err() == nil {
				_ = os.WriteFile(filepath.Join(dir, "other.log"), []byte(time.Now().String()), 0o600)
			}
		})
		replace(t, b.path, "log: {level: debug}\n")
		b.becomes(t, "debug")
		cancel()
		busy.Wait()
		require.EqualValues(t, 1, testutil.ToFloat64(b.metrics.reloads.WithLabelValues(applied)))
	})
	for name, text := range map[string]string{
		"a broken file":            "log: {level: debug\n",
		"a value that is wrong":    "log: {level: debug}\nserver: {port: 70000}\n",
		"a key that is misspelt":   "log: {level: debug}\nlogg: {}\n",
		"a file with nothing more": "",
	} {
		t.Run(name+" changes nothing, and the next good one does", func(t *testing.T) {
			b := newBench(t, filepath.Join(t.TempDir(), "config.yaml"), "log: {level: warn}\n").start(t)
			fingerprint := testutil.ToFloat64(b.metrics.fingerprint)
			replace(t, b.path, text)
			b.counts(t, refused, 1)
			require.Equal(t, "warn", b.Current().Log.Level)
			require.Equal(t, "warn", *b.level.Load())
			require.InDelta(t, fingerprint, testutil.ToFloat64(b.metrics.fingerprint), 0)
			require.Contains(t, b.logs.String(), "level=ERROR")
			replace(t, b.path, "log: {level: error}\n")
			b.becomes(t, "error")
			require.NotEqual(t, fingerprint, testutil.ToFloat64(b.metrics.fingerprint))
		})
	}
	t.Run("a file that is gone changes nothing", func(t *testing.T) {
		b := newBench(t, filepath.Join(t.TempDir(), "config.yaml"), "log: {level: warn}\n").start(t)
		require.NoError(t, os.Remove(b.path))
		b.counts(t, refused, 1)
		require.Equal(t, "warn", b.Current().Log.Level)
		replace(t, b.path, "log: {level: error}\n")
		b.becomes(t, "error")
	})
	t.Run("a hang-up reads it at once", func(t *testing.T) {
		b := newBench(t, filepath.Join(t.TempDir(), "config.yaml"), "log: {level: warn}\n").start(t)
		b.hangups <- syscall.SIGHUP
		b.counts(t, unchanged, 2)
	})
}

func TestReload(t *testing.T) {
	settings := func(t *testing.T, load func() (config.Config, error)) (*Settings, *logs) {
		t.Helper()
		out := &logs{}
		return New(config.Default(), Options{
			Load:   func(context.Context) (config.Config, error) { return load() },
			Logger: slog.New(slog.NewTextHandler(out, nil)), Registry: prometheus.NewRegistry(),
		}), out
	}
	t.Run("a key that needs a restart is named and keeps its value, the others hold", func(t *testing.T) {
		next := config.Default()
		next.Log.Level, next.Server.Port, next.Auth.KeySecret = "debug", 1234, config.Secret(strings.Repeat("hunter2", 6))
		s, out := settings(t, func() (config.Config, error) { return next, nil })
		require.NoError(t, s.Reload(t.Context()))
		require.Equal(t, "debug", s.Current().Log.Level)
		require.Equal(t, config.Default().Server, s.Current().Server)
		require.Contains(t, out.String(), `keys="server.port, auth.key_secret"`)
		require.Contains(t, out.String(), "need a restart")
		require.NotContains(t, out.String(), "hunter2")
		require.EqualValues(t, 2, testutil.ToFloat64(s.metrics.restart))
		require.EqualValues(t, 1, testutil.ToFloat64(s.metrics.reloads.WithLabelValues(pending)))
		next = config.Default()
		require.NoError(t, s.Reload(t.Context()))
		require.Zero(t, testutil.ToFloat64(s.metrics.restart))
	})
	t.Run("when one who follows refuses, nobody changes", func(t *testing.T) {
		next := config.Default()
		next.Log.Level, next.Limits.Read.Burst = "debug", 7
		s, out := settings(t, func() (config.Config, error) { return next, nil })
		changed := 0
		s.Follow(func(_, _ config.Config) (func(), error) { return func() { changed++ }, nil }, "limits")
		s.Follow(func(before, after config.Config) (func(), error) {
			require.Equal(t, "info", before.Log.Level)
			require.Equal(t, "debug", after.Log.Level)
			return nil, errors.New("no room")
		}, "log.level")
		s.Follow(func(_, _ config.Config) (func(), error) { return nil, errors.New("not mine") }, "limits.write", "log.lev")
		require.EqualError(t, s.Reload(t.Context()), "no room")
		require.Zero(t, changed)
		require.Equal(t, config.Default(), s.Current())
		require.Contains(t, out.String(), "no room")
		require.EqualValues(t, 1, testutil.ToFloat64(s.metrics.reloads.WithLabelValues(refused)))
	})
	t.Run("what reloads must go together with what does not yet", func(t *testing.T) {
		next := config.Default()
		next.Payments.Gateway, next.Limits.Concurrency.Least = config.GatewayNone, 2
		s, _ := settings(t, func() (config.Config, error) { return next, nil })
		require.NoError(t, s.Reload(t.Context()))
		require.Equal(t, config.GatewaySimulator, s.Current().Payments.Gateway)
		require.Equal(t, 2, s.Current().Limits.Concurrency.Least)
	})
	t.Run("while Vault is away a change waits", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config.yaml")
		require.NoError(t, os.WriteFile(path, []byte("a"), 0o600))
		var away atomic.Bool
		s, _ := settings(t, func() (config.Config, error) {
			if away.Load() {
				return config.Config{}, fmt.Errorf("secret/shop: %w", secrets.ErrAway)
			}
			return config.Default(), nil
		})
		w := newFileWatch(path)
		defer w.close()
		require.False(t, s.look(t.Context(), w))
		away.Store(true)
		replace(t, path, "b")
		require.True(t, s.look(t.Context(), w), "it must say the same twice")
		for range 2 {
			require.False(t, s.look(t.Context(), w))
		}
		require.EqualValues(t, 2, testutil.ToFloat64(s.metrics.reloads.WithLabelValues(refused)))
		away.Store(false)
		s.look(t.Context(), w)
		s.look(t.Context(), w)
		require.EqualValues(t, 2, testutil.ToFloat64(s.metrics.reloads.WithLabelValues(unchanged)), "once at first, once when it was back")
	})
	t.Run("settings that were given, not read, stay", func(t *testing.T) {
		s := New(config.Default(), Options{Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry()})
		require.Error(t, s.Reload(t.Context()))
	})
}
