package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/orderprocessing/orderprocessing/server"
	"github.com/orderprocessing/orderprocessing/server/config"
)

// process is the real binary, serving. Its log, as verbose as by default, goes to a file.
type process struct {
	cmd      *exec.Cmd
	api, ops string        // host:port
	ready    time.Duration // from its start until it was ready
}

// serve starts the binary with its files in a folder of this name and waits until it is ready.
func (b *bench) serve(ctx context.Context, name string, environment ...string) (*process, error) {
	return b.start(ctx, name, []string{b.binary, "serve"}, environment...)
}

// start is serve by any command.
func (b *bench) start(ctx context.Context, name string, command []string, environment ...string) (*process, error) {
	api, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	ops, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "server.log")) //nolint:gosec // our own folder
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &process{api: "127.0.0.1:" + api, ops: "127.0.0.1:" + ops}
	p.cmd = exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // we built it
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 30 * time.Second
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.Env = append(append(os.Environ(), environment...), "ORDERPROCESSING_DATA_DIR="+filepath.Join(dir, "data"),
		"ORDERPROCESSING_SERVER_PORT="+api, "ORDERPROCESSING_OPS_PORT="+ops)
	started := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for !p.isReady(ctx) {
		if ctx.Err() != nil || time.Since(started) > time.Minute {
			_ = p.stop()
			content, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("the server does not become ready:\n%s", content)
		}
		time.Sleep(time.Millisecond) // asking without a pause would take the server's own time
	}
	p.ready = time.Since(started)
	return p, nil
}

func (p *process) isReady(ctx context.Context) bool {
	response, err := get(ctx, "http://"+p.ops+"/readyz")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stop drains the server and waits for its end.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// metrics reads the metrics without labels.
func (p *process) metrics(ctx context.Context) (map[string]float64, error) {
	response, err := get(ctx, "http://"+p.ops+"/metrics")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			values[name] = value
		}
	}
	return values, nil
}

// memory gives a line of /proc/PID/status in bytes, such as VmRSS or VmHWM.
func (p *process) memory(line string) int64 {
	return kibibytes(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), line) << 10
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

func freePort(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), listener.Close()
}

// databases makes home and four shards on the cluster, migrated, and gives the settings that name them.
func (b *bench) databases(ctx context.Context, prefix string) (config.Config, error) {
	return b.databasesOf(ctx, prefix, 4)
}

// databasesOf is databases with any number of shards.
func (b *bench) databasesOf(ctx context.Context, prefix string, shards int) (config.Config, error) {
	cfg := config.Default()
	cfg.Data.Dir = filepath.Join(b.dir, prefix)
	names := []string{"home"}
	for i := range shards {
		names = append(names, fmt.Sprint("shard", i))
	}
	for _, name := range names {
		url, err := b.cluster.CreateDatabase(ctx, prefix+"_"+name)
		if err != nil {
			return cfg, err
		}
		if err := migrateUp(ctx, cfg, config.DatabaseURL(url)); err != nil {
			return cfg, err
		}
		if name == "home" {
			cfg.Store.Home = config.DatabaseURL(url)
			continue
		}
		cfg.Store.Shards = append(cfg.Store.Shards, config.DatabaseURL(url))
	}
	return cfg, nil
}

// environmentOf says to the binary which databases a configuration names.
func environmentOf(cfg config.Config) []string {
	var shards []string
	for _, s := range cfg.Store.Shards {
		shards = append(shards, s.Reveal())
	}
	return []string{
		"ORDERPROCESSING_STORE_HOME=" + cfg.Store.Home.Reveal(),
		"ORDERPROCESSING_STORE_SHARDS=" + strings.Join(shards, ","),
	}
}

func migrateUp(ctx context.Context, cfg config.Config, url config.DatabaseURL) error {
	d, err := server.OpenDatabase(ctx, cfg, url)
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = server.MigrateUp(ctx, d, false)
	return err
}

// profileTurn saves what a server spends its CPU on while it is loaded for some seconds, if that is asked for.
func (b *bench) profileTurn(ctx context.Context, p *process, name string, seconds float64) {
	if b.profile == "" || seconds < 4 {
		return
	}
	go func() {
		if err := p.profile(ctx, fmt.Sprintf("%s-%s.pprof", b.profile, name), seconds-2); err != nil {
			fmt.Fprintln(os.Stderr, "bench: profile:", err)
		}
	}()
}

// profile saves what the server spends its CPU on during the next seconds, for go tool pprof.
func (p *process) profile(ctx context.Context, file string, seconds float64) error {
	response, err := get(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", p.ops, seconds))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	out, err := os.Create(file) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	_, err = io.Copy(out, response.Body)
	return errors.Join(err, out.Close())
}
