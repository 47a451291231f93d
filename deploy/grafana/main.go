// Command grafana writes the dashboards that we are watched on, one JSON file each: make dashboards. What
// the metrics tell is in docs/metrics.md; a test holds every query against those that a server exports.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("deploy/grafana/dashboards"); err != nil {
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

// boards are all dashboards, in the order in which somebody who was woken looks at them.
var boards = []board{overview, orders, storage, payments, processes}

// write writes every dashboard into a file of a folder.
func write(dir string) error {
	for _, b := range boards {
		built, err := b.build()
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		text, err := json.MarshalIndent(built, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, b.name+".json"), append(text, '\n'), 0o644); err != nil { //nolint:gosec // Grafana reads it
			return err
		}
	}
	return nil
}
