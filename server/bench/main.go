// Command bench measures the server on a durable Postgres of its own and on the embedded default,
// and prints one table: each figure with what it is measured against, in the same run. It proves
// promises of speed; that the answers are right is up to the tests.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == loadCommand {
		err = loadMain(ctx, os.Args[2:], os.Stdout)
	} else if len(os.Args) > 1 && os.Args[1] == fixedCommand {
		err = fixedMain(ctx, os.Args[2:], os.Stdout)
	} else if len(os.Args) > 1 && os.Args[1] == watchedCommand {
		err = watchedMain(ctx, os.Args[2:], os.Stdout)
	} else {
		err = run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// section is a group of rows that are measured together.
type section struct {
	name     string
	postgres bool // whether it needs one
	measure  func(*bench, context.Context) error
}

var sections = []section{
	{"chain", false, (*bench).measureChain},
	{"create", true, (*bench).measureCreate},
	{"watched", true, (*bench).measureWatched},
	{"settings", true, (*bench).measureReloaded},
	{"single", true, (*bench).measureSingle},
	{"saturation", true, (*bench).measureSaturation},
	{"shards", true, (*bench).measureShards},
	{"confirm", true, (*bench).measureConfirm},
	{"read", true, (*bench).measureReads},
	{"cached", false, (*bench).measureCached},
	{"embedded", false, (*bench).measureEmbedded},
}

func run(ctx context.Context) (err error) {
	b := &bench{}
	only := flag.String("run", ".", "measure only the sections that match this `regexp`: chain, create, watched, settings, single, saturation, shards, confirm, read, cached, embedded")
	file := flag.String("json", "", "write the report to this `file` too")
	flag.Float64Var(&b.seconds, "seconds", 8, "how long each turn of a measurement takes")
	flag.Float64Var(&b.sustain, "sustain", 60, "how long orders are carried to confirmation without a pause, in seconds")
	flag.IntVar(&b.many, "orders", manyOrders, "how many orders are stored when reads are measured, against 10,000")
	flag.StringVar(&b.picture, "picture", "", "draw the saturation curve into this SVG `file`")
	flag.StringVar(&b.profile, "profile", "", "save CPU profiles of the server, one a turn, under this `prefix`, each with a flame graph beside it")
	flag.Parse()
	matches, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp("", "orderprocessing-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.build(ctx); err != nil {
		return err
	}
	if err := makeToken(); err != nil {
		return err
	}
	b.report.Machine = describeMachine(ctx)
	for _, s := range sections {
		if matches.MatchString(s.name) {
			if err := b.measure(ctx, s); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	if err := b.drawProfiles(ctx); err != nil {
		return err
	}
	if err := errors.Join(b.report.print(os.Stdout), b.report.save(*file)); err != nil {
		return err
	}
	if wrong := b.report.wrong(); len(wrong) > 0 {
		return fmt.Errorf("not as it must be: %s", strings.Join(wrong, ", "))
	}
	return nil
}

// drawProfiles draws a flame graph of each profile, now that nothing is measured.
func (b *bench) drawProfiles(ctx context.Context) error {
	if b.profile == "" {
		return nil
	}
	profiles, err := filepath.Glob(b.profile + "-*.pprof")
	for _, profile := range profiles {
		err = errors.Join(err, drawFlames(ctx, profile))
	}
	return err
}

// tokenVariable is what commands of the program call with, and the load too.
const tokenVariable = "ORDERPROCESSING_TOKEN"

// makeToken gives all processes that follow an administrator's key: to servers, and to their callers.
func makeToken() error {
	key := "opk_" + strings.ToLower(rand.Text()[:12]+"_"+rand.Text())
	return errors.Join(os.Setenv("ORDERPROCESSING_AUTH_ADMIN_KEY", key), os.Setenv(tokenVariable, key))
}

// bench is one run.
type bench struct {
	dir     string  // of everything it writes
	binary  string  // the program
	seconds float64 // a turn
	sustain float64 // seconds of a long turn
	many    int     // orders stored when reads are measured
	picture string  // file of the saturation curve
	profile string
	cluster *pgtest.Cluster
	report  report
}

// build builds the real program, as make build does.
func (b *bench) build(ctx context.Context) error {
	b.binary = filepath.Join(b.dir, "orderprocessing")
	out, err := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", b.binary, "./cmd/orderprocessing").CombinedOutput() //nolint:gosec // our own
	if err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// postgresSettings differ from what initdb gives: a quarter of the machine's memory, as Postgres' manual advises for a
// machine of its own, and no checkpoint amid a turn. fsync, synchronous_commit and full_page_writes stay on.
func postgresSettings(m machine) []string {
	return []string{fmt.Sprintf("shared_buffers = %dMB", m.MemoryMiB/4), "max_wal_size = 8GB"}
}

func (b *bench) measure(ctx context.Context, s section) (err error) {
	fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
	if s.postgres {
		if b.cluster, err = pgtest.Start(ctx, pgtest.Options{Durable: true, Settings: postgresSettings(b.report.Machine)}); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.cluster.Close()) }()
		if b.report.Machine.Postgres, err = describePostgres(ctx, b.cluster.URL("postgres")); err != nil {
			return err
		}
	}
	return s.measure(b, ctx)
}
