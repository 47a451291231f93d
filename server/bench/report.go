package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// report is everything that was found.
type report struct {
	Rows    []row    `json:"rows"`
	Machine machine  `json:"machine"`
	Notes   []string `json:"notes"` // how the figures were taken
}

// row is one figure.
type row struct {
	Row     string   `json:"row"`
	Value   float64  `json:"value"`
	Unit    string   `json:"unit"`
	Against string   `json:"against,omitempty"` // what the ratio is to
	Ratio   *float64 `json:"ratio,omitempty"`
	Target  string   `json:"target,omitempty"`
	Met     *bool    `json:"met,omitempty"`
	exact   bool     // whether to miss the target is wrong, not slow
}

func (r *report) add(rows ...row) { r.Rows = append(r.Rows, rows...) }

func (r *report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// to sets what a row is measured against.
func (r row) to(against string, base float64) row {
	ratio := r.Value / base
	r.Against, r.Ratio = against, &ratio
	return r
}

// atLeast, atMost and exactly set a target for the ratio, or for the value where there is none. A limit of 0 is none.
func (r row) atLeast(target float64) row {
	if target == 0 {
		return r
	}
	return r.aim("≥ %s", target, func(v float64) bool { return v >= target })
}

func (r row) atMost(target float64) row {
	if target == 0 {
		return r
	}
	return r.aim("≤ %s", target, func(v float64) bool { return v <= target })
}

func (r row) exactly(target float64) row {
	r.exact = true
	return r.aim("= %s", target, func(v float64) bool { return v == target })
}

func (r row) aim(format string, target float64, reached func(float64) bool) row {
	value, unit := r.Value, " "+r.Unit
	if r.Ratio != nil {
		value, unit = *r.Ratio, ""
	}
	met := reached(value)
	r.Target, r.Met = fmt.Sprintf(format, figure(target)+unit), &met
	return r
}

// wrong names what is not exactly as it must be: orders that are missing, violations. Speed is never wrong.
func (r *report) wrong() (names []string) {
	for _, row := range r.Rows {
		if row.exact && !*row.Met {
			names = append(names, row.Row)
		}
	}
	return names
}

func (r *report) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROW\tVALUE\tAGAINST\tRATIO\tTARGET\tMET")
	for _, row := range r.Rows {
		ratio, met := "", ""
		if row.Ratio != nil {
			ratio = fmt.Sprintf("%.2f", *row.Ratio)
		}
		if row.Met != nil {
			met = map[bool]string{true: "yes", false: "NO"}[*row.Met]
		}
		fmt.Fprintf(table, "%s\t%s %s\t%s\t%s\t%s\t%s\n", row.Row, figure(row.Value), row.Unit, row.Against, ratio, row.Target, met)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	r.Machine.print(w)
	for _, note := range r.Notes {
		fmt.Fprintf(w, "- %s\n", note)
	}
	return nil
}

// save writes it to a file; to none where it has no name.
func (r *report) save(file string) error {
	if file == "" {
		return nil
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o600)
}

// figure writes a number with as many digits as mean something.
func figure(v float64) string {
	switch {
	case v == float64(int64(v)), v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
