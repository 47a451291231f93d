package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// runbooks is where the runbook of an alert stands, under its name.
const runbooks = "https://github.com/orderprocessing/orderprocessing/blob/main/docs/runbooks/"

func main() {
	faster := flag.Int("faster", 1, "divide every time by this, for a drill that takes seconds, not hours")
	flag.Parse()
	if err := write(os.Stdout, scale(*faster)); err != nil {
		fmt.Fprintln(os.Stderr, "slo:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, in scale) error {
	if _, err := io.WriteString(w, "# Generated: go run ./deploy/slo >deploy/prometheus/rules.yaml\n"); err != nil {
		return err
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(rules(in)); err != nil {
		return err
	}
	return encoder.Close()
}

// file is a rule file of Prometheus
// (https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/).
type file struct {
	Groups []group `yaml:"groups"`
}

type group struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

type rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// scale is how much faster than usual the rules look.
type scale int

// duration writes a time as Prometheus reads it.
func (s scale) duration(d time.Duration) string { return model.Duration(d / time.Duration(s)).String() }

const day = 24 * time.Hour

// windows are all that the burn rates look at.
var windows = []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, day, 3 * day}

// burns are when a budget of 30 days is used up too fast: both windows must say so, the long one that
// it matters and the short one that it still goes on (Google, The Site Reliability Workbook, chapter 5).
var burns = []struct {
	Rate        string
	Long, Short time.Duration
	Severity    string
}{
	{"14.4", time.Hour, 5 * time.Minute, page},   // 2 % of the budget in an hour
	{"6", 6 * time.Hour, 30 * time.Minute, page}, // 5 % in 6 hours
	{"3", day, 2 * time.Hour, ticket},            // 10 % in a day
	{"1", 3 * day, 6 * time.Hour, ticket},        // 10 % in 3 days
}

func rules(in scale) file {
	var f file
	for _, o := range objectives {
		f.Groups = append(f.Groups, o.group(in))
	}
	g := group{Name: "alarms"}
	for _, a := range alarms {
		g.Rules = append(g.Rules, rule{
			Alert: a.Alert, Expr: strings.ReplaceAll(a.Expr, "$window", in.duration(a.Window)), For: in.duration(a.For),
			Labels: map[string]string{"severity": a.Severity}, Annotations: annotations(a.Alert, a.Summary),
		})
	}
	f.Groups = append(f.Groups, g)
	return f
}

func (o objective) group(in scale) group {
	g := group{Name: "objective " + o.Alert, Rules: []rule{{
		Record: errorBudget, Expr: fmt.Sprintf("vector(%.6g)", 1-o.Target), Labels: map[string]string{"slo": o.Alert},
	}}}
	for _, window := range windows {
		within := strings.NewReplacer("$window", in.duration(window))
		g.Rules = append(g.Rules, rule{
			Record: errorRatio(in, window), Expr: within.Replace(o.Bad) + " / " + within.Replace(o.Total), Labels: map[string]string{"slo": o.Alert},
		})
	}
	for _, severity := range []string{page, ticket} {
		var either []string
		for _, burn := range burns {
			if burn.Severity == severity {
				above := func(window time.Duration) string {
					return fmt.Sprintf("%s{slo=%q} > %s * %.6g", errorRatio(in, window), o.Alert, burn.Rate, 1-o.Target)
				}
				either = append(either, "("+above(burn.Long)+" and "+above(burn.Short)+")")
			}
		}
		g.Rules = append(g.Rules, rule{
			Alert: o.Alert, Expr: strings.Join(either, " or "), Labels: map[string]string{"severity": severity},
			Annotations: annotations(o.Alert, "too much of the budget is used up of: "+o.Promise),
		})
	}
	return g
}

// errorBudget is the share that may be bad: an error ratio divided by it is a burn rate.
const errorBudget = "slo:error_budget:ratio"

func errorRatio(in scale, window time.Duration) string {
	return "slo:error_ratio:rate" + in.duration(window)
}

func annotations(alert, summary string) map[string]string {
	return map[string]string{"summary": summary, "runbook_url": runbooks + alert + ".md"}
}
