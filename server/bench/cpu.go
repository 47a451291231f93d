package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ticks is USER_HZ: the kernel counts CPU time for programs in hundredths of a second.
const ticks = 100

// postmaster finds the process whose children are the server's.
func postmaster(ctx context.Context, url string) (pid int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var backend int
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return 0, err
	}
	fields := statOf(strconv.Itoa(backend))
	if len(fields) < 2 {
		return 0, fmt.Errorf("no /proc/%d", backend)
	}
	return strconv.Atoi(fields[1])
}

// cpuOf gives the seconds of CPU that a process and its children took, those that ended included.
func cpuOf(pid int) float64 {
	self := strconv.Itoa(pid)
	sum := 0
	add := func(fields []string) {
		for _, field := range fields {
			n, _ := strconv.Atoi(field)
			sum += n
		}
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		process := filepath.Base(filepath.Dir(stat))
		fields := statOf(process)
		switch {
		case len(fields) < 15:
		case process == self:
			add(fields[11:15]) // its own, and its children's that ended
		case fields[1] == self:
			add(fields[11:13])
		}
	}
	return float64(sum) / ticks
}

// statOf gives the fields of /proc/PID/stat from the third on: state, parent, …
func statOf(process string) []string {
	stat, _ := os.ReadFile("/proc/" + process + "/stat") //nolint:gosec // of a process of ours; gone is an answer too
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.Fields(after)
}
