package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// dataVariable names the folder of the whole data. Without it the sample that ships is imported.
const dataVariable = "ORDERPROCESSING_TEST_DATA"

const sample = "clients/importer/testdata/online-retail/sample-2010-12-01.csv"

// starts is how often starting is measured.
const starts = 5

// measureEmbedded measures what someone meets who installs nothing else: a start, and an import of
// their history into SQLite files.
func (b *bench) measureEmbedded(ctx context.Context) error {
	files, what := []string{sample}, "the shipped sample of one day"
	if folder := os.Getenv(dataVariable); folder != "" {
		found, err := filepath.Glob(filepath.Join(folder, "online-retail", "*.csv.gz"))
		if err != nil || len(found) == 0 {
			return fmt.Errorf("%s has no online-retail/*.csv.gz", dataVariable)
		}
		files, what = found, fmt.Sprintf("%d months", len(found))
	}
	var first, again, idle []float64 // milliseconds, milliseconds, bytes
	for range starts {
		p, err := b.serve(ctx, fmt.Sprint("start-", len(first)))
		if err != nil {
			return err
		}
		first = append(first, milliseconds(p.ready))
		if err := p.stop(); err != nil {
			return err
		}
		if p, err = b.serve(ctx, fmt.Sprint("start-", len(again))); err != nil {
			return err
		}
		again = append(again, milliseconds(p.ready))
		time.Sleep(time.Second) // what starting took is given back by then, or kept
		idle = append(idle, float64(p.memory("VmRSS")))
		if err := p.stop(); err != nil {
			return err
		}
	}
	b.report.add(
		row{Row: "start-up to ready, embedded", Value: median(again), Unit: "ms"}.atMost(300),
		row{Row: "  the first time, with an empty folder", Value: median(first), Unit: "ms"},
		row{Row: "  resident memory, idle", Value: median(idle) / (1 << 20), Unit: "MiB"}.atMost(60),
	)
	return b.measureImport(ctx, files, what)
}

func (b *bench) measureImport(ctx context.Context, files []string, what string) error {
	p, err := b.serve(ctx, "import")
	if err != nil {
		return err
	}
	defer p.stop() //nolint:errcheck // stopped below, unless something failed before
	args := append([]string{"import", "--server", "http://" + p.api, "--rejects", b.file("rejects.csv")}, files...)
	cmd := exec.CommandContext(ctx, b.binary, args...) //nolint:gosec // we built it
	started := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("import: %w\n%s", err, out)
	}
	took := time.Since(started)
	importer := int64(0)
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		importer = usage.Maxrss << 10
	}
	b.report.add(
		row{Row: "import of " + what + ", embedded", Value: took.Seconds(), Unit: "s"}.atMost(60),
		row{Row: "  most resident memory of the server", Value: float64(p.memory("VmHWM")) / (1 << 20), Unit: "MiB"}.atMost(200),
		row{Row: "  most resident memory of the importer", Value: float64(importer) / (1 << 20), Unit: "MiB"}.atMost(200),
	)
	b.report.note("start-up: from exec until /readyz answers 200, asked every millisecond; the median of %d starts", starts)
	b.report.note("import: the import command of the same binary, over the loopback interface, into SQLite files with synchronous=FULL")
	return p.stop()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
