package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// board is a dashboard.
type board struct {
	name, title, about string
	rows               []row
}

// row is panels side by side, which share its width.
type row struct {
	title  string
	panels []panel
}

// panel shows what its queries give, over time unless it is one number.
type panel struct {
	title, about string
	unit         string  // of package units
	number       bool    // the latest value, large
	red          float64 // from where it is red; 0 for nowhere
	runbooks     []string
	queries      []query
}

// query is an expression of PromQL, and what its series are called: {{label}} stands for its value.
type query struct{ expr, legend string }

const (
	// runbooks is where the runbook of an alert stands, under its name.
	runbooks = "https://github.com/orderprocessing/orderprocessing/blob/main/docs/runbooks/"
	tag      = "orderprocessing"

	columns, seriesHeight, numberHeight = 24, 8, 4
)

func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

func (b board) build() (dashboard.Dashboard, error) {
	d := dashboard.NewDashboardBuilder(b.title).
		Uid("orderprocessing-"+b.name).Description(b.about).Tags([]string{tag}).
		Time("now-3h", "now").Refresh("30s").Timezone("utc").Tooltip(dashboard.DashboardCursorSyncCrosshair).Readonly().
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus")).
		Link(dashboard.NewDashboardLinkBuilder("other dashboards").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{tag}).KeepTime(true)).
		Annotation(dashboard.NewAnnotationQueryBuilder().Name("pages").Datasource(source()).Enable(true).
			IconColor("red").Expr(`count by (alertname) (ALERTS{alertstate="firing",severity="page"})`))
	number := uint32(0)
	for _, r := range b.rows {
		number++
		d.WithRow(dashboard.NewRowBuilder(r.title).Id(number))
		for _, p := range r.panels {
			number++
			d.WithPanel(p.build(number, uint32(columns/len(r.panels)))) //nolint:gosec // a handful
		}
	}
	return d.Build()
}

func (p panel) build(number, width uint32) cog.Builder[dashboard.Panel] {
	var targets []cog.Builder[variants.Dataquery]
	for i, q := range p.queries {
		target := prometheus.NewDataqueryBuilder().RefId(string(rune('A' + i))).Expr(q.expr).LegendFormat(q.legend)
		if p.number {
			target.Instant()
		} else {
			target.Range().Exemplar(true)
		}
		targets = append(targets, target)
	}
	var links []cog.Builder[dashboard.DashboardLink]
	for _, alert := range p.runbooks {
		links = append(links, dashboard.NewDashboardLinkBuilder("runbook "+alert).Type(dashboard.DashboardLinkTypeLink).Url(runbooks+alert+".md").TargetBlank(true))
	}
	if p.number {
		return stat.NewPanelBuilder().Id(number).Title(p.title).Description(p.about).Datasource(source()).Unit(p.unit).Span(width).Height(numberHeight).
			Targets(targets).Links(links).Thresholds(p.thresholds()).GraphMode(common.BigValueGraphModeNone).NoValue("none").
			ColorMode(common.BigValueColorModeBackground).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
	}
	series := timeseries.NewPanelBuilder().Id(number).Title(p.title).Description(p.about).Datasource(source()).Unit(p.unit).Span(width).Height(seriesHeight).
		Targets(targets).Links(links).Thresholds(p.thresholds()).Min(0).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true))
	if p.red > 0 {
		series.ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	return series
}

func (p panel) thresholds() cog.Builder[dashboard.ThresholdsConfig] {
	steps := []dashboard.Threshold{{Color: "green"}}
	if p.red > 0 {
		steps = append(steps, dashboard.Threshold{Value: cog.ToPtr(p.red), Color: "red"})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}
