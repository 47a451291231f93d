package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"
)

// machine is what the figures were taken on, and with.
type machine struct {
	Cores     int    `json:"cores"`
	CPU       string `json:"cpu"`
	MemoryMiB int64  `json:"memory_mib"`
	Kernel    string `json:"kernel"`
	Load      string `json:"load"` // average of a minute before the run: others at work make figures worse
	Go        string `json:"go"`
	Commit    string `json:"commit"` // with + when the files differ from it
	Postgres  string `json:"postgres,omitempty"`
}

func describeMachine(ctx context.Context) machine {
	load, _, _ := strings.Cut(content("/proc/loadavg"), " ")
	m := machine{
		Cores: runtime.NumCPU(), CPU: lineOf("/proc/cpuinfo", "model name"), MemoryMiB: kibibytes("/proc/meminfo", "MemTotal") >> 10,
		Kernel: content("/proc/sys/kernel/osrelease"), Load: load, Go: runtime.Version(), Commit: output(ctx, "git", "rev-parse", "--short", "HEAD"),
	}
	if output(ctx, "git", "status", "--porcelain") != "" {
		m.Commit += "+"
	}
	return m
}

// describePostgres gives the version and the settings that durability and speed rest on.
func describePostgres(ctx context.Context, url string) (string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var text string
	err = conn.QueryRow(ctx, `SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) || ': ' ||
		string_agg(name || '=' || current_setting(name), ', ' ORDER BY name) FROM pg_settings
		WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method', 'shared_buffers', 'max_wal_size')`).Scan(&text)
	return text, err
}

func (m machine) print(w io.Writer) {
	fmt.Fprintf(w, "%d cores (%s), %d MiB, kernel %s, load %s at the start; %s, commit %s\n",
		m.Cores, m.CPU, m.MemoryMiB, m.Kernel, m.Load, m.Go, m.Commit)
	if m.Postgres != "" {
		fmt.Fprintln(w, m.Postgres)
	}
}

func output(ctx context.Context, name string, args ...string) string {
	out, _ := exec.CommandContext(ctx, name, args...).Output() //nolint:gosec // ours; empty where there is no git
	return strings.TrimSpace(string(out))
}

// lineOf gives what a file of the kernel says of a key; nothing where there is none.
func lineOf(file, key string) string {
	_, rest, _ := strings.Cut("\n"+content(file), "\n"+key)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), ":"))
}

func kibibytes(file, key string) (n int64) {
	_, _ = fmt.Sscanf(lineOf(file, key), "%d kB", &n)
	return n
}

func content(file string) string {
	text, _ := os.ReadFile(file) //nolint:gosec // of the kernel
	return strings.TrimSpace(string(text))
}
