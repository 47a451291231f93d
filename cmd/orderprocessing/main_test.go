package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program is the binary under test: what the build makes, not this test with other arguments, so
// that its memory is its own and the race detector does not slow it down.
var program string

// builtVersion is the version that the build was told.
const builtVersion = "v0.0.0-e2e"

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "orderprocessing-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "orderprocessing")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // a machine that never built it
	defer cancel()
	// The flags of the Makefile, so that what it compiled is not compiled again.
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+builtVersion, "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, output)
		return 1
	}
	return m.Run()
}
