package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// runbooks is where the runbook of an alert stands, under its name.
const runbooks = "https://github.com/orderprocessing/orderprocessing/blob/main/docs/runbooks/"

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "slo:", err)
		os.Exit(1)
	}
}

func write(w io.Writer) error {
	if _, err := io.WriteString(w, "# Generated: go run ./deploy/slo >deploy/prometheus/rules.yaml\n"); err != nil {
		return err
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(rules()); err != nil {
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

// windows are all that the burn rates look at.
var windows = []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"}

// burns are when a budget of 30 days is used up too fast: both windows must say so, the long one that
// it matters and the short one that it still goes on (Google, The Site Reliability Workbook, chapter 5).
var burns = []struct {
	Rate        string
	Long, Short string
	Severity    string
}{
	{"14.4", "1h", "5m", page}, // 2 % of the budget in an hour
	{"6", "6h", "30m", page},   // 5 % in 6 hours
	{"3", "1d", "2h", ticket},  // 10 % in a day
	{"1", "3d", "6h", ticket},  // 10 % in 3 days
}

func rules() file {
	var f file
	for _, o := range objectives {
		f.Groups = append(f.Groups, o.group())
	}
	g := group{Name: "alarms"}
	for _, a := range alarms {
		g.Rules = append(g.Rules, rule{
			Alert: a.Alert, Expr: a.Expr, For: a.For, Labels: map[string]string{"severity": a.Severity}, Annotations: annotations(a.Alert, a.Summary),
		})
	}
	f.Groups = append(f.Groups, g)
	return f
}

func (o objective) group() group {
	g := group{Name: "objective " + o.Alert}
	for _, window := range windows {
		in := strings.NewReplacer("$window", window)
		g.Rules = append(g.Rules, rule{
			Record: errorRatio(window), Expr: in.Replace(o.Bad) + " / " + in.Replace(o.Total), Labels: map[string]string{"slo": o.Alert},
		})
	}
	for _, severity := range []string{page, ticket} {
		var either []string
		for _, burn := range burns {
			if burn.Severity == severity {
				above := func(window string) string {
					return fmt.Sprintf("%s{slo=%q} > %s * %.6g", errorRatio(window), o.Alert, burn.Rate, 1-o.Target)
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

func errorRatio(window string) string { return "slo:error_ratio:rate" + window }

func annotations(alert, summary string) map[string]string {
	return map[string]string{"summary": summary, "runbook_url": runbooks + alert + ".md"}
}
